// SPDX-License-Identifier: GPL-2.0

//! Commands and operations: what they are called, who may send them, and what their messages have.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    attribute::{
        Attribute,
        Carries,
        InSet, //
    },
    family::Family,
    policy::{
        Policy,
        Set, //
    },
    secret::Secret, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*, //
};

/// A command of a family: what the header of a message says. It is made by
/// [`operations!`](super::operations) and [`notifications!`](super::notifications).
pub trait Command: 'static {
    /// The family that has the command.
    type Family: Family;

    /// The attributes that its messages have.
    type Set: Set;

    /// The name of the command in the spec of the family, for messages of the compiler.
    const NAME: &'static str;

    /// The number of the command.
    const NUMBER: u8;

    /// The number that replies have. In some old protocols it is another one than that of the
    /// request.
    const REPLY: u8 = Self::NUMBER;

    /// Flags that each message of the command has, beside those that the framework sets: `NLM_F_*`
    /// of the header, as the last argument but one of `genlmsg_put()`. Some old protocols have
    /// `NLM_F_ACK` in their replies. [`sent_with!`](super::sent_with) gives them to a command that
    /// is declared elsewhere.
    const FLAGS: u16 = 0;
}

/// What [`sent_with!`](super::sent_with) gives to a command: the command gets an associated
/// constant of this name. It comes before this one, which is that of all others.
#[doc(hidden)]
pub trait SentWith {
    /// Flags.
    const SENT_WITH: u16 = 0;
}

impl<T> SentWith for T {}

/// A message of the command `C`: a reply, an object of a dump, or a notification.
///
/// It is a struct made by [`messages!`](super::messages), or attributes in a row, as a tuple. There
/// a value can be a closure, which is called when its bytes are stored.
///
/// # Examples
///
/// ```
/// use genl::{kind::*, Attribute, Command, Message};
/// use kernel::prelude::*;
///
/// genl::attributes! {
///     /// A port.
///     pub(crate) mod port: PortSet {
///         /// Its index.
///         Index = 1: U32,
///         /// Its name.
///         Name = 2: Str,
///         /// Only there when it is up.
///         Speed = 3: U32,
///     }
/// }
///
/// struct Port {
///     index: u32,
///     speed: Option<u32>,
/// }
///
/// impl Port {
///     fn message<C: Command<Set = PortSet>>(&self) -> impl Message<C> + '_ {
///         (
///             port::Index.put(|| self.index),
///             port::Name.put(c"eth"),
///             self.speed.map(|speed| port::Speed.put(speed)),
///         )
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no message of `{C}`",
    label = "neither made for it, nor a tuple of attributes of its set",
    note = "a tuple has at most twelve members, which may be tuples; of one attribute it is `(a,)`"
)]
pub trait Message<C: Command> {
    /// Returns the attributes, in the order in which they are sent.
    fn layout(&self) -> impl InSet<C::Set> + '_;
}

impl<C: Command, M: Message<C> + ?Sized> Message<C> for &M {
    #[inline(always)]
    fn layout(&self) -> impl InSet<C::Set> + '_ {
        (**self).layout()
    }
}

/// Who may send a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// Whoever has `CAP_NET_ADMIN` in the initial user namespace (`GENL_ADMIN_PERM`).
    Admin,
    /// Whoever has `CAP_NET_ADMIN` over the network namespace (`GENL_UNS_ADMIN_PERM`).
    NetnsAdmin,
}

/// In which respects the core is less strict with a request, `GENL_DONT_VALIDATE_*`.
///
/// This is for families that were not always validated strictly. All of it is safe for memory: a
/// scalar may be longer than it should be, and attributes without a policy and bytes behind the
/// last attribute are ignored.
///
/// # Examples
///
/// ```
/// use genl::Validation;
///
/// const OLD: Validation = Validation::LIBERAL_DO.or(Validation::UNCHECKED_DUMP);
/// ```
///
/// The example of [`Family`] has a command that is validated in this way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Validation(pub(super) u8);

// CAST: The flags are bits of 8.
impl Validation {
    /// Strict in each respect.
    pub const STRICT: Self = Self(0);
    /// A do is validated liberally (`GENL_DONT_VALIDATE_STRICT`).
    pub const LIBERAL_DO: Self =
        Self(bindings::genl_validate_flags_GENL_DONT_VALIDATE_STRICT as u8);
    /// The length of the header of a dump is not looked at (`GENL_DONT_VALIDATE_DUMP`).
    pub const UNCHECKED_DUMP: Self =
        Self(bindings::genl_validate_flags_GENL_DONT_VALIDATE_DUMP as u8);
    /// A dump is validated liberally (`GENL_DONT_VALIDATE_DUMP_STRICT`).
    pub const LIBERAL_DUMP: Self =
        Self(bindings::genl_validate_flags_GENL_DONT_VALIDATE_DUMP_STRICT as u8);

    /// Both.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What all operations have in common: a command, a policy and a permission. It is made by
/// [`operations!`](super::operations).
///
/// A command with both a do and a dump has a type for each of them, since each has a policy of its
/// own.
pub trait Op: Command {
    /// The policy of the request. [`NoAttrs`](super::NoAttrs) refuses all attributes.
    type Policy: Policy;

    /// Who may send the request.
    const ACCESS: Access = Access::Anyone;

    /// How strictly the core validates the request. Only a command in front of
    /// [`Family::RESV_START_OP`] can be anything but strict.
    const VALIDATION: Validation = Validation::STRICT;

    /// Where its requests have secrets: those of [`Secrets`](super::Secrets), if it has any.
    const SECRETS: &'static [Secret<Self>] = &[];
}

/// Any operation of the family `F` whose request carries all of the set `S` (`PortSet [..]`): for a
/// function that reads requests of several ones, which [`Request::any`](super::Request::any) makes.
///
/// It is compiled once, and does not say which attributes it reads, as a function with
/// [`Carries`] does.
///
/// # Examples
///
/// ```
/// use genl::{kind::U32, AnyOp, Family, Request};
/// use kernel::prelude::*;
///
/// genl::attributes! {
///     /// A port.
///     pub(crate) mod port: PortSet {
///         /// Its index.
///         Index = 1: U32,
///         /// How fast it is.
///         Speed = 2: U32,
///     }
/// }
///
/// genl::operations! {
///     for Ports;
///
///     /// Adds a port.
///     do Add = "add" 1, Admin, PortSet [..] => add;
///
///     /// Takes it away.
///     do Remove = "remove" 2, Admin, PortSet [..] => remove;
/// }
///
/// struct Ports;
///
/// fn key(request: Request<'_, AnyOp<Ports, PortSet>>) -> Result<(u32, u32)> {
///     Ok((request.need(port::Index)?, request.get(port::Speed).unwrap_or(10)))
/// }
///
/// impl Ports {
///     fn add(&self, request: Request<'_, Add>) -> Result {
///         key(request.any()).map(|_| ())
///     }
///
///     fn remove(&self, request: Request<'_, Remove>) -> Result {
///         key(request.any()).map(|_| ())
///     }
/// }
/// #
/// # impl Family for Ports {
/// #     const NAME: &'static str = "ports";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [genl::SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static genl::FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: genl::FamilyDescriptor<Ports> = genl::FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
/// ```
pub struct AnyOp<F, S>(PhantomData<fn() -> (F, S)>);

impl<F: Family, S: Set> Command for AnyOp<F, S> {
    type Family = F;
    type Set = S;
    const NAME: &'static str = "any";
    // No request has it.
    const NUMBER: u8 = 0;
}

impl<F: Family, S: Set> Op for AnyOp<F, S> {
    type Policy = S;
}

#[diagnostic::do_not_recommend]
impl<F: Family, S: Set, A: Attribute<Set = S>> Carries<A> for AnyOp<F, S> {}

/// The number that a callback returns for an error.
#[inline(always)]
pub(super) fn errno(error: Error) -> c_int {
    if error == EINTR {
        // `netlink_rcv_skb()` takes EINTR for "no answer yet" and would send no ack.
        EAGAIN.to_errno()
    } else {
        error.to_errno()
    }
}

macro_rules! tuple {
    ($($part:ident $index:tt)*) => {
        impl<C: Command, $($part: InSet<C::Set>),*> Message<C> for ($($part,)*) {
            #[inline(always)]
            fn layout(&self) -> impl InSet<C::Set> + '_ {
                self
            }
        }
    };
}

super::layout::each_tuple!(tuple);
