// SPDX-License-Identifier: GPL-2.0

//! Secrets in requests, which are wiped when the handler has returned.
//!
//! A key that has come in a request stays in the memory of the request, which somebody else gets
//! next, and an error quotes it to the sender. C wipes it by `memzero_explicit()`, at each end of a
//! handler. Here an operation says where its requests have secrets, and the framework wipes all of
//! these, whatever the handler has looked at and however it has ended.

use super::{
    attribute::{
        Attribute,
        Carries, //
    },
    list::{
        Indexed,
        Many,
        Noflag, //
    },
    nest::{
        Nest,
        NestIn, //
    },
    plain::Kind,
    policy::Set,
    wire::{
        nla_align,
        NLA_HDRLEN, //
    }, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*, //
};

/// An operation whose requests carry secrets.
///
/// # Examples
///
/// Peers with their keys. The handler copies the keys; what is left of the request has none.
///
/// ```
/// use genl::{kind::*, Request, Secret, Secrets};
/// use kernel::prelude::*;
///
/// genl::attributes! {
///     /// A device.
///     pub(crate) mod device: DeviceSet {
///         /// Its key.
///         Key = 1: Array<32>,
///         /// Its peers.
///         Peers = 2: Indexed<Nest<PeerSet>>,
///     }
///
///     /// A peer.
///     pub(crate) mod peer: PeerSet {
///         /// The key that it shares with us.
///         Shared = 1: Array<32>,
///     }
/// }
///
/// genl::operations! {
///     for Devices;
///
///     /// Sets all keys.
///     do SetKeys = "set-keys" 1, Admin, DeviceSet [..] => set_keys;
/// }
///
/// impl Secrets for SetKeys {
///     const SECRETS: &'static [Secret<Self>] = &[
///         Secret::at::<device::Key>(),
///         Secret::at::<(device::Peers, peer::Shared)>(),
///     ];
/// }
/// #
/// # struct Devices;
/// #
/// # impl genl::Family for Devices {
/// #     const NAME: &'static str = "devices";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [genl::SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static genl::FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: genl::FamilyDescriptor<Devices> = genl::FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
/// #
/// # impl Devices {
/// #     fn set_keys(&self, request: Request<'_, SetKeys>) -> Result {
/// #         request.need(device::Key).map(|_| ())
/// #     }
/// # }
/// ```
pub trait Secrets: Sized + 'static {
    /// Where the secrets are. What comes several times is wiped each time.
    ///
    /// They are wiped when the handler has returned. A request that the policy refuses does not get
    /// there. A dump has none, since the core keeps its request, and neither has a request whose
    /// reply is [deferred](super::Responder::defer), since a copy is kept.
    const SECRETS: &'static [Secret<Self>];
}

/// Where requests of the operation `O` have a secret.
pub struct Secret<O: ?Sized> {
    at: &'static Step,
    // Invariant: a subtype of a type has implementations of its own.
    _op: PhantomData<fn(&O) -> &O>,
}

impl<O> Secret<O> {
    /// In an attribute, or in one inside of nests: a pair of a nest and of what is in it.
    pub const fn at<W: Way<O>>() -> Self {
        Self {
            at: const { &W::STEP },
            _op: PhantomData,
        }
    }
}

/// A part of the way to a secret.
#[doc(hidden)]
pub struct Step {
    /// An attribute with this number, or with any.
    number: Option<u16>,
    /// What of it is inside, or none where all of it is the secret.
    inside: Option<&'static Step>,
}

/// A way to a secret, from what carries `O`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no way to an attribute that `{O}` carries",
    label = "an attribute, or a pair of a nest and of what is in it"
)]
pub trait Way<O> {
    #[doc(hidden)]
    const STEP: Step;

    #[doc(hidden)]
    const ELEMENT: Step = Step {
        number: None,
        inside: None,
    };
}

impl<O: Carries<A>, A: Attribute> Way<O> for A {
    const STEP: Step = Step {
        number: Some(A::NUMBER),
        inside: None,
    };
}

impl<O, N, W> Way<O> for (N, W)
where
    O: Carries<N>,
    N: Attribute<Kind: Holds>,
    W: Way<<N::Kind as Holds>::Set>,
{
    const STEP: Step = Step {
        number: Some(N::NUMBER),
        inside: Some(if <N::Kind as Holds>::ARRAY {
            &<Self as Way<O>>::ELEMENT
        } else {
            &W::STEP
        }),
    };

    const ELEMENT: Step = Step {
        number: None,
        inside: Some(&W::STEP),
    };
}

/// A kind that is a nest, or several.
#[doc(hidden)]
pub trait Holds: Kind {
    /// What is in the nest.
    type Set: Set;

    /// Whether there are nests in a nest.
    const ARRAY: bool = false;
}

impl<S: Set> Holds for Nest<S> {
    type Set = S;
}

impl<S: Set> Holds for NestIn<S> {
    type Set = S;
}

impl<K: Holds> Holds for Noflag<K>
where
    Self: Kind,
{
    type Set = K::Set;
    const ARRAY: bool = K::ARRAY;
}

impl<K: Holds> Holds for Many<K>
where
    Self: Kind,
{
    type Set = K::Set;
}

impl<K: Holds> Holds for Indexed<K>
where
    Self: Kind,
{
    type Set = K::Set;
    const ARRAY: bool = true;
}

/// What [`operations!`](super::operations) asks for the secrets of an operation: it has those of
/// [`Secrets`], or else none of [`NoSecrets`].
#[doc(hidden)]
pub struct SecretsOf<O>(PhantomData<O>);

impl<O: Secrets> SecretsOf<O> {
    pub const SECRETS: &'static [Secret<O>] = <O as Secrets>::SECRETS;
}

#[doc(hidden)]
pub trait NoSecrets<O: 'static> {
    const SECRETS: &'static [Secret<O>] = &[];
}

impl<O: 'static> NoSecrets<O> for SecretsOf<O> {}

/// Wipes the secrets in some attributes.
///
/// # Safety
///
/// `len` bytes from `attrs` on are readable and writable, aligned as attributes are, and nobody
/// refers to them.
pub(super) unsafe fn wipe<O>(attrs: *mut u8, len: usize, secrets: &[Secret<O>]) {
    for secret in secrets {
        // SAFETY: By the safety requirements of this function.
        unsafe { wipe_at(attrs, len, secret.at) };
    }
}

/// # Safety
///
/// As for [`wipe`].
#[inline(never)]
unsafe fn wipe_at(mut attr: *mut u8, mut left: usize, step: &Step) {
    while left >= NLA_HDRLEN {
        // SAFETY: By the safety requirements of this function, there is room for a header.
        let header = unsafe { attr.cast::<bindings::nlattr>().read() };
        let len = usize::from(header.nla_len);
        if len < NLA_HDRLEN || len > left {
            return;
        }
        // CAST: The mask is one of 16 bits.
        let number = header.nla_type & bindings::NLA_TYPE_MASK as u16;
        if step.number.is_none_or(|wanted| wanted == number) {
            let len = len.wrapping_sub(NLA_HDRLEN);
            // SAFETY: The payload is behind the header, and was just seen to be in the bytes.
            unsafe {
                let payload = attr.add(NLA_HDRLEN);
                match step.inside {
                    // No deeper than the way is long.
                    Some(inside) => wipe_at(payload, len, inside),
                    // Volatile, as memzero_explicit(): nobody may leave it out.
                    None => (0..len).for_each(|at| payload.add(at).write_volatile(0)),
                }
            }
        }
        let size = nla_align(len).min(left);
        // SAFETY: As above; the last one may lack its padding.
        attr = unsafe { attr.add(size) };
        left = left.wrapping_sub(size);
    }
}

#[kunit_tests(genl_secret)]
mod tests {
    use super::{
        super::plain::Array,
        *, //
    };

    /// What the macros know it by.
    mod genl {
        pub(super) use super::super::super::*;
    }

    genl::attributes! {
        /// At the top.
        pub(crate) mod top: TopSet {
            /// A secret.
            Key = 1: Array<3>,
            /// Nests.
            Peers = 2: Indexed<Nest<PeerSet>>,
            /// A nest.
            Peer = 3: Nest<PeerSet>,
        }

        /// In a nest.
        pub(crate) mod peer: PeerSet {
            /// No secret.
            Name = 1: Array<4>,
            /// A secret.
            Key = 2: Array<4>,
        }
    }

    const SECRETS: &[Secret<TopSet>] = &[
        Secret::at::<top::Key>(),
        Secret::at::<(top::Peers, peer::Key)>(),
        Secret::at::<(top::Peer, peer::Key)>(),
    ];

    /// Bytes that are aligned as those of a message.
    #[repr(align(4))]
    #[derive(PartialEq)]
    struct Bytes<const N: usize>([u8; N]);

    fn wiped<const N: usize>(bytes: [u8; N]) -> [u8; N] {
        let mut bytes = Bytes(bytes);
        // SAFETY: They are ours alone, and aligned.
        unsafe { wipe(bytes.0.as_mut_ptr(), N, SECRETS) };
        bytes.0
    }

    #[test]
    fn all_secrets_are_wiped_and_nothing_else() {
        // Twice at the top; in each element, whose number and flag are any; in the nest.
        let before = [
            7, 0, 1, 0, 9, 9, 9, 8, 7, 0, 1, 0, 9, 9, 9, 8, 40, 0, 2, 0x80, 20, 0, 0, 0x80, 8, 0,
            1, 0, 5, 5, 5, 5, 8, 0, 2, 0, 9, 9, 9, 9, 12, 0, 7, 0, 8, 0, 2, 0, 9, 9, 9, 9, 4, 0, 9,
            0, 12, 0, 3, 0x80, 8, 0, 2, 0, 9, 9, 9, 9, 8, 0, 4, 0, 9, 9, 9, 9,
        ];
        let after = [
            7, 0, 1, 0, 0, 0, 0, 8, 7, 0, 1, 0, 0, 0, 0, 8, 40, 0, 2, 0x80, 20, 0, 0, 0x80, 8, 0,
            1, 0, 5, 5, 5, 5, 8, 0, 2, 0, 0, 0, 0, 0, 12, 0, 7, 0, 8, 0, 2, 0, 0, 0, 0, 0, 4, 0, 9,
            0, 12, 0, 3, 0x80, 8, 0, 2, 0, 0, 0, 0, 0, 8, 0, 4, 0, 9, 9, 9, 9,
        ];
        assert!(wiped(before) == after);
    }

    #[test]
    fn what_is_no_attribute_is_left_alone() {
        for bytes in [
            [8, 0, 1, 0, 9, 9],
            [3, 0, 1, 0, 9, 9],
            [0, 0, 1, 0, 9, 9],
            [9, 9, 9, 9, 9, 9],
        ] {
            assert!(wiped(bytes) == bytes);
        }
        assert!(wiped([9, 0, 1]) == [9, 0, 1]);
        // The last one may lack its padding.
        assert!(wiped([5, 0, 1, 0, 9]) == [5, 0, 1, 0, 0]);
        assert!(wiped([]) == []);
    }
}
