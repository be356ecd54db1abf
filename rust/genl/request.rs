// SPDX-License-Identifier: GPL-2.0

//! The request that a handler answers: attributes, sender, extended ack, notifications.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct genl_info`)

use super::{
    attr::{
        assert_read,
        Attrs,
        Nested,
        Read,
        Stream, //
    },
    extack::Extack,
    ffi,
    message::{
        Header,
        Message,
        Skb,
        HDRLEN, //
    },
    multicast::{
        Group,
        Notify, //
    },
    op::Op,
    policy::Policy,
    trace,
    Family, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// A request for the operation `O`.
///
/// It dereferences to its attributes: `request.u32::<1>()`.
///
/// # Invariants
///
/// `info` belongs to a request for `O` that is being handled during `'a`.
pub struct Request<'a, O: Op> {
    info: &'a bindings::genl_info,
    attrs: Attrs<'a, O::Policy>,
    _op: PhantomData<fn() -> O>,
}

impl<'a, O: Op> Deref for Request<'a, O> {
    type Target = Attrs<'a, O::Policy>;

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.attrs
    }
}

impl<'a, O: Op> Request<'a, O> {
    /// # Safety
    ///
    /// `info` belongs to a request for `O` that is being handled during `'a`, and its attributes
    /// were validated strictly against the policy of `O`.
    #[inline(always)]
    pub(super) unsafe fn new(info: &'a bindings::genl_info) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            info,
            // SAFETY: The core has parsed the attributes with the policy in the table entry of
            // `O`, and they live as long as `info`.
            attrs: unsafe { Attrs::new(info.attrs.cast_const().cast()) },
            _op: PhantomData,
        }
    }

    /// The port of the socket that has sent the request.
    pub fn portid(&self) -> u32 {
        self.info.snd_portid
    }

    /// The sequence number of the request.
    pub fn seq(&self) -> u32 {
        self.info.snd_seq
    }

    /// Reads all attributes `ATTR`, in the order in which they were sent: a multi-attr attribute.
    ///
    /// `T` is the type that the accessor of a single one returns: a number, `&CStr`, `&[u8]` or
    /// [`Nested`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genl::{Attr, Op, Policy, Request};
    /// # use kernel::prelude::*;
    /// fn sum<O: Op<Policy = Numbers>>(request: &Request<'_, O>) -> u32 {
    ///     request.all::<1, u32>().fold(0, u32::wrapping_add)
    /// }
    ///
    /// struct Numbers;
    ///
    /// impl Policy for Numbers {
    ///     const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32()];
    /// }
    /// ```
    pub fn all<const ATTR: u16, T: Read<'a>>(
        &self,
    ) -> impl Iterator<Item = T> + Clone + use<'a, ATTR, T, O> {
        const { assert_read::<O::Policy, T>(ATTR) };
        // SAFETY: The header of a request is valid, and the attributes follow the two headers; the
        // core has seen that the message is long enough for both.
        let bytes = unsafe {
            let header = self.info.nlhdr;
            // CAST: The length of a message fits.
            let len = ((*header).nlmsg_len as usize).saturating_sub(HDRLEN);
            core::slice::from_raw_parts(header.cast::<u8>().add(HDRLEN), len)
        };
        Stream(bytes).all(ATTR).filter_map(T::read)
    }

    /// What to tell the sender beside an error number.
    pub fn extack(&self) -> Extack<'a> {
        // SAFETY: The extended ack of a request lives as long as the request, and its only other
        // user is the core, when the callback has returned.
        unsafe { Extack::new(self.info.extack) }
    }

    /// Refuses a request that lacks the attribute `ATTR`.
    ///
    /// Sets the extended ack to a text and to the number of the attribute, and returns [`EINVAL`].
    ///
    /// The example of the [crate](crate) uses it with [`Option::ok_or_else`].
    #[cold]
    pub fn missing<const ATTR: u16>(&self) -> Error {
        const { assert_in::<O::Policy>(ATTR) };
        self.refuse_missing(core::ptr::null(), ATTR)
    }

    /// Refuses a request in which `nest` lacks the attribute `ATTR`, as [`Request::missing`].
    #[cold]
    pub fn missing_in<const ATTR: u16, N: Policy>(&self, nest: &Nested<'_, N>) -> Error {
        const { assert_in::<N>(ATTR) };
        self.refuse_missing(nest.as_ptr(), ATTR)
    }

    fn refuse_missing(&self, nest: *const bindings::nlattr, attr: u16) -> Error {
        let extack = self.extack();
        extack.set_text(c"required attribute is missing");
        extack.set_missing(nest, attr);
        EINVAL
    }

    /// Refuses the request because of its attribute `ATTR`, with `error` and a text that says why.
    ///
    /// Sets the extended ack to the text and to the offset of the attribute, and returns `error`.
    #[cold]
    pub fn refuse<const ATTR: u16>(&self, error: Error, text: &'static CStr) -> Error {
        const { assert_in::<O::Policy>(ATTR) };
        let extack = self.extack();
        extack.set_text(text);
        if let Some(value) = self.attrs.find(ATTR) {
            extack.set_bad_attr(value.as_ptr());
        }
        error
    }

    /// Sends a notification to its group, in the network namespace of the request.
    ///
    /// Nothing is built when nobody listens, and that is no error.
    ///
    /// Returns [`EMSGSIZE`] for an attribute or a nest above 65,535 bytes, [`ENOMEM`] without
    /// memory, and `ENOBUFS` where no listener had room for it.
    pub fn notify<N, M>(&self, message: &M) -> Result
    where
        N: Notify<Family = O::Family>,
        M: Message<N>,
    {
        const {
            assert!(
                (<N::Group as Group>::INDEX as usize) < <O::Family as Family>::GROUPS.len(),
                "genl: the family has no multicast group of this index"
            )
        };
        let group = <N::Group as Group>::INDEX;
        let family = self.info.family;
        // SAFETY: `info` is valid.
        let net = unsafe { ffi::genl_rs_info_net(self.info) };
        // SAFETY: A family with a request in a handler is registered, and the namespace of a
        // request outlives the request.
        if !unsafe { ffi::genl_rs_has_listeners(family, net, group) } {
            return Ok(());
        }
        // SAFETY: As above.
        let header = Header::new(unsafe { (*family).id }, 0, 0, 0);
        let skb = Skb::new::<N, _>(header, &message.layout())?;
        // SAFETY: As above; `genlmsg_multicast_netns()` takes the skb, also where it fails.
        let err = unsafe {
            ffi::genl_rs_multicast_netns(
                family,
                net,
                skb.into_raw(),
                0,
                group,
                bindings::GFP_KERNEL,
            )
        };
        // SAFETY: As above.
        unsafe { trace::notify(family, group, net, err) };
        // The last listener may have left since we looked.
        if err == ESRCH.to_errno() {
            return Ok(());
        }
        to_result(err)
    }
}

/// Asserts that `number` is an attribute of `P`.
const fn assert_in<P: Policy>(number: u16) {
    assert!(
        number > 0 && (number as usize) < P::ATTRS.len(),
        "genl: the policy has no attribute of this number"
    );
}
