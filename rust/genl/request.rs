// SPDX-License-Identifier: GPL-2.0

//! The request that a handler answers: attributes, sender, extended ack, notifications.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct genl_info`)

use super::{
    attribute::{
        assert_carried,
        Attribute,
        Carries,
        Got, //
    },
    carried::assert_in,
    command::{
        AnyOp,
        Message,
        Op, //
    },
    extack::{
        Extack,
        Info, //
    },
    family::{
        Family,
        Registered, //
    },
    header::{
        header_len,
        FixedHeader, //
    },
    message::{
        spend,
        HDRLEN, //
    },
    multicast::Notify,
    net::Net,
    plain::{
        Find,
        Kind,
        One, //
    },
    policy::{
        Policy,
        Set, //
    },
    socket::Socket,
    wire::{
        control_block,
        Stream,
        Value, //
    },
    work::Job, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    alloc::Flags,
    bindings,
    fmt,
    prelude::*, //
};

/// A request for the operation `O`.
///
/// If a request carries an attribute twice, the last one counts.
///
/// # Examples
///
/// A handler that changes the size of a ring. It refuses what the policy lets pass, and says which
/// attribute is to blame.
///
/// ```
/// use genl::{kind::*, Capability, Request};
/// use kernel::prelude::*;
///
/// genl::attributes! {
///     /// A ring.
///     pub(crate) mod ring: RingSet {
///         /// Its index.
///         Index = 1: U32 { max::<63>() },
///         /// How large it is to be.
///         Size = 2: Nest<SizeSet>,
///     }
///
///     /// A size.
///     pub(crate) mod size: SizeSet {
///         /// How many entries the ring has.
///         Entries = 1: U32 { range::<8, 65536>() },
///     }
/// }
/// #
/// # pub(crate) struct Rings {
/// #     count: u32,
/// # }
/// #
/// # impl Rings {
/// #     fn is_running(&self, ring: u32) -> bool {
/// #         ring == 0
/// #     }
/// #
/// #     fn set_entries(&self, _ring: u32, _entries: u32) -> Result<u64> {
/// #         Ok(1)
/// #     }
/// # }
///
/// genl::operations! {
///     for Rings;
///
///     /// Changes the size of a ring.
///     do Resize = "resize" 1, Admin, RingSet [ring::Index, ring::Size] => resize;
/// }
///
/// impl Rings {
///     fn resize(&self, request: Request<'_, Resize>) -> Result {
///         let (index, size) = (request.need(ring::Index)?, request.need(ring::Size)?);
///         let entries = size.need(size::Entries)?;
///         if index >= self.count {
///             // Also tells the type and the range of the attribute.
///             let why = c"there is no such ring";
///             return Err(request.refuse_with_policy(ring::Index, ENOENT, why));
///         }
///         if self.is_running(index) {
///             let error = request.refuse_fmt(ring::Index, EBUSY, fmt!("ring {index} is running"));
///             return Err(error);
///         }
///         if !entries.is_power_of_two() {
///             let why = c"must be a power of two";
///             return Err(size.refuse(size::Entries, EINVAL, why));
///         }
///         if entries > 4096 && !request.capable(Capability::SYS_ADMIN) {
///             let why = c"a ring of this size needs CAP_SYS_ADMIN";
///             return Err(request.refuse(ring::Size, EPERM, why));
///         }
///         let generation = self.set_entries(index, entries)?;
///         // The request succeeds: these go with the ack.
///         request.extack().set_cookie(&generation.to_ne_bytes());
///         request.extack().set_text(c"takes effect at the next start");
///         Ok(())
///     }
/// }
/// #
/// # impl genl::Family for Rings {
/// #     const NAME: &'static str = "rings";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [genl::SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static genl::FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: genl::FamilyDescriptor<Rings> = genl::FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
/// ```
///
/// # Invariants
///
/// `info` and `skb` belong to a request for `O` that is being handled during `'a`, and its
/// attributes were validated against the policy of `O`.
pub struct Request<'a, O: Op> {
    info: &'a bindings::genl_info,
    pub(super) skb: *const bindings::sk_buff,
    // Invariant: a subtype of a type has implementations of its own.
    _op: PhantomData<fn(O) -> O>,
}

impl<'a, O: Op> Request<'a, O> {
    /// # Safety
    ///
    /// `info` and `skb` belong to a request for `O` that is being handled during `'a`, and its
    /// attributes were validated against the policy of `O`.
    #[inline(always)]
    pub(super) unsafe fn new(info: &'a bindings::genl_info, skb: *const bindings::sk_buff) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            info,
            skb,
            _op: PhantomData,
        }
    }

    /// The `struct genl_info`, for code that calls C or bindings: see the page on
    /// [calling C](super::guide::calling_c).
    ///
    /// What is called may read all of it, and what it points to, until the handler returns, and
    /// may write to the extended ack. The structure itself is not to be written to.
    pub fn as_ptr(&self) -> *mut bindings::genl_info {
        core::ptr::from_ref(self.info).cast_mut()
    }

    /// The buffer of the request, as `doit` of a family in C gets it: for functions such as
    /// `netlink_ns_capable()`. It belongs to the core until the handler returns, and may have other
    /// requests in it, which were sent in the same datagram.
    pub fn skb(&self) -> *mut bindings::sk_buff {
        self.skb.cast_mut()
    }

    /// The message: the request from its header to the end of its attributes, and nothing of
    /// another one that was sent in the same datagram.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Op, Request};
    ///
    /// /// The request begins with a `struct nlmsghdr`, and that with the length of all of it.
    /// fn length_of<O: Op>(request: &Request<'_, O>) -> Option<u32> {
    ///     let bytes = request.bytes().first_chunk()?;
    ///     Some(u32::from_ne_bytes(*bytes))
    /// }
    /// ```
    pub fn bytes(&self) -> &'a [u8] {
        // SAFETY: The header of a request is valid, and the core has seen that the datagram has as
        // many bytes; nobody writes to it any more.
        unsafe {
            // CAST: The length of a message fits.
            let len = (*self.info.nlhdr).nlmsg_len as usize;
            core::slice::from_raw_parts(self.info.nlhdr.cast(), len)
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

    /// The version of the family's protocol that the requester speaks, `genlmsghdr::version`. The
    /// core does not look at it.
    pub fn version(&self) -> u8 {
        // SAFETY: The header of a request is valid.
        unsafe { (*self.info.genlhdr).version }
    }

    /// The flags of the request, `NLM_F_*`.
    pub fn flags(&self) -> u16 {
        // SAFETY: The header of a request is valid.
        unsafe { (*self.info.nlhdr).nlmsg_flags }
    }

    /// The network namespace of the socket that has sent the request.
    pub fn net(&self) -> &'a Net {
        // SAFETY: By the type invariants.
        unsafe { Net::of(self.info) }
    }

    /// The family, which is registered as long as it has requests.
    ///
    /// [`FamilyDescriptor::registered`](super::FamilyDescriptor::registered) may not know that yet,
    /// if the request comes while the module is being loaded.
    pub fn registered(&self) -> &'a Registered<O::Family> {
        // SAFETY: By the type invariants.
        unsafe { Registered::from_info(self.info) }
    }

    /// The same, with the knowledge that a handler may sleep: for a
    /// [`Deferred`](super::Deferred) of another request that this one decides.
    pub fn job(&self) -> &'a Job<O::Family> {
        // SAFETY: Requests are handled in the task that sends them.
        unsafe { Job::new(self.registered()) }
    }

    /// A reference to the socket that has sent the request.
    pub(super) fn socket(&self) -> Result<Socket> {
        // SAFETY: By the type invariants.
        let sk = NonNull::new(unsafe { (*control_block(self.skb)).sk }).ok_or(ENOTCONN)?;
        // SAFETY: A socket is in use by the task that sends through it, as long as it does.
        Ok(unsafe { Socket::hold(sk) })
    }

    /// The family's own header, like `genl_info_userhdr()`. Each request has it: the core refuses
    /// what is too short with [`EINVAL`] before any handler runs. The example of [`FixedHeader`]
    /// reads one.
    #[inline(always)]
    pub fn header(&self) -> <O::Family as FixedHeader>::Header
    where
        O::Family: FixedHeader,
    {
        const { header_len::<O::Family>() };
        // SAFETY: The header of the family follows that of generic netlink. The core has seen that
        // the message is long enough for a header of `HDRSIZE`, which was just seen to be the size
        // of this one, and any bytes are one.
        unsafe {
            self.info
                .genlhdr
                .add(1)
                .cast::<<O::Family as FixedHeader>::Header>()
                .read_unaligned()
        }
    }

    /// Reads an attribute: an [`Option`] of its value, `bool` for a flag, an iterator for what
    /// comes several times.
    #[inline(always)]
    pub fn get<A: Attribute>(&self, _: A) -> Got<'a, A>
    where
        O: Carries<A>,
    {
        const { assert_carried::<O::Policy, A>() };
        // SAFETY: As was just asserted.
        unsafe { A::Kind::get(self, A::NUMBER) }
    }

    /// Reads an attribute that the request must have. Without it the request is refused, as by
    /// [`Request::missing`].
    #[inline(always)]
    pub fn need<A: Attribute<Kind: One>>(&self, _: A) -> Result<<A::Kind as One>::Value<'a>>
    where
        O: Carries<A>,
    {
        const { assert_carried::<O::Policy, A>() };
        let info = self.info();
        self.find(A::NUMBER)
            .and_then(|value| A::Kind::read(value, info))
            .ok_or_else(|| info.refuse_missing(ptr::null(), A::NUMBER))
    }

    /// The bytes of an attribute as they were sent, whatever it holds.
    ///
    /// Where [validation is liberal](super::Validation::LIBERAL_DO), a number may have more bytes
    /// than it needs, and an old family may look at all of them: as an array, whose first element
    /// is what [`Request::get`] returns.
    #[inline(always)]
    pub fn bytes_of<A: Attribute>(&self, _: A) -> Option<&'a [u8]>
    where
        O: Carries<A>,
    {
        const { assert_in::<O::Policy>(A::NUMBER) };
        self.find(A::NUMBER).map(|value| value.bytes())
    }

    /// The same request, whatever its operation, see [`AnyOp`].
    #[inline(always)]
    pub fn any(&self) -> Request<'a, AnyOp<O::Family, O::Policy>>
    where
        O::Policy: Set,
    {
        // INVARIANT: The policy is the same, and so is the family.
        Request {
            info: self.info,
            skb: self.skb,
            _op: PhantomData,
        }
    }

    /// Accounts for what the request makes the kernel do beside its reply: as much as `messages`
    /// messages of `size` bytes each.
    ///
    /// A handler with costs that the sender chooses calls this before it begins. Replies and
    /// the objects of dumps are accounted for by themselves. Together they may take as much as the
    /// receive buffer of the sender (`SO_RCVBUF`) has room for, for all requests of one datagram;
    /// the first one may take any amount, so the handler bounds it.
    ///
    /// Returns `EAGAIN`, and sets the text of the extended ack, where that is exceeded, unless the
    /// sender has `CAP_NET_ADMIN`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Op, Request};
    /// use kernel::prelude::*;
    ///
    /// /// Refuses what would notify the listeners too often.
    /// fn may_notify<O: Op>(request: &Request<'_, O>, events: u32) -> Result {
    ///     if events > 64 {
    ///         return Err(EINVAL);
    ///     }
    ///     request.spend(events as usize, 100)
    /// }
    /// ```
    pub fn spend(&self, messages: usize, size: usize) -> Result {
        // SAFETY: By the type invariants.
        unsafe { spend(self.skb, self.info, messages, size) }
    }

    /// What to tell the sender in addition to an error number.
    pub fn extack(&self) -> Extack<'a> {
        self.info().extack()
    }

    /// Refuses a request that lacks an attribute.
    ///
    /// Sets the extended ack to a text and to the number of the attribute, and returns [`EINVAL`].
    /// [`Request::need`] does this by itself.
    #[cold]
    pub fn missing<A: Attribute>(&self, _: A) -> Error
    where
        O: Carries<A>,
    {
        self.info().refuse_missing(ptr::null(), A::NUMBER)
    }

    /// Refuses the request because of an attribute, with `error` and a text that says why.
    ///
    /// Sets the extended ack to the text and to the offset of the attribute, and returns `error`.
    /// The example of [`Request`] uses this and its relatives.
    #[cold]
    pub fn refuse<A: Attribute>(&self, _: A, error: Error, text: &'static CStr) -> Error
    where
        O: Carries<A>,
    {
        const { assert_in::<O::Policy>(A::NUMBER) };
        self.info().refuse(place(self.find(A::NUMBER)), error, text)
    }

    /// The same with a formatted text, see [`Extack::set_fmt`].
    #[cold]
    pub fn refuse_fmt<A: Attribute>(&self, _: A, error: Error, text: fmt::Arguments<'_>) -> Error
    where
        O: Carries<A>,
    {
        const { assert_in::<O::Policy>(A::NUMBER) };
        self.extack().set_fmt(text);
        self.info().point_at(place(self.find(A::NUMBER)));
        error
    }

    /// Refuses the request like [`Request::refuse`], and also tells the sender the policy of the
    /// attribute: its type, and the values that it may have.
    #[cold]
    pub fn refuse_with_policy<A: Attribute>(
        &self,
        attr: A,
        error: Error,
        text: &'static CStr,
    ) -> Error
    where
        O: Carries<A>,
    {
        let error = self.refuse(attr, error, text);
        let policy = const { O::Policy::ATTRS.as_ptr() }.wrapping_add(usize::from(A::NUMBER));
        self.extack().set_policy(policy.cast());
        error
    }

    /// Sends a notification to its group, in the network namespace of the request.
    ///
    /// [`Registered`] has other ways to send, and the rules for all of them.
    #[track_caller]
    pub fn multicast<N>(&self, message: &impl Message<N>, flags: Flags) -> Result
    where
        N: Notify<Family = O::Family>,
    {
        self.registered().multicast::<N>(self.net(), message, flags)
    }

    /// Sends a notification of what the request has done, like `genl_notify()`.
    ///
    /// It has the port and the sequence number of the request. If the request has `NLM_F_ECHO`, the
    /// sender gets it as well, once, whether it is in the group or not. The example of
    /// [`MulticastGroup`](super::MulticastGroup) uses this.
    ///
    /// Returns [`EMSGSIZE`] for an attribute or a nest above 65,535 bytes, and [`ENOMEM`] without
    /// memory. It does not tell whether the notification reaches anybody.
    #[track_caller]
    pub fn notify<N>(&self, message: &impl Message<N>, flags: Flags) -> Result
    where
        N: Notify<Family = O::Family>,
    {
        // SAFETY: By the type invariants.
        unsafe {
            self.registered()
                .notify_for::<N>(self.info, self.net(), message, flags)
        }
    }
}

impl<'a, O: Op> Find<'a> for Request<'a, O> {
    #[inline(always)]
    fn find(&self, number: u16) -> Option<Value<'a>> {
        // The compiler knows both.
        if usize::from(number) >= const { O::Policy::ATTRS.len() } {
            return None;
        }
        let table = self.info.attrs;
        if table.is_null() {
            return None;
        }
        // SAFETY: By the type invariants the core has made a table of the attributes, with an
        // element for each number of the policy, and this is one of them.
        let attr = unsafe { *table.add(usize::from(number)) };
        if attr.is_null() {
            return None;
        }
        // SAFETY: An attribute of the request is valid during `'a`.
        Some(unsafe { Value::new(attr) })
    }

    #[inline(always)]
    unsafe fn scalar<T>(&self, number: u16) -> Option<T> {
        // SAFETY: By the safety requirements of this function; what the core has validated is not
        // too short.
        self.find(number).map(|value| unsafe { value.scalar() })
    }

    #[inline(always)]
    fn stream(&self) -> Stream<'a> {
        let start = const { HDRLEN + <O::Family as Family>::HDRSIZE };
        // SAFETY: The header of a request is valid, and the attributes follow all headers; the core
        // has seen that the message is long enough for them.
        Stream(unsafe {
            let header = self.info.nlhdr;
            // CAST: The length of a message fits.
            let len = ((*header).nlmsg_len as usize).saturating_sub(start);
            core::slice::from_raw_parts(header.cast::<u8>().add(start), len)
        })
    }

    #[inline(always)]
    fn info(&self) -> Info<'a> {
        // SAFETY: By the type invariants.
        unsafe { Info::new(self.info) }
    }
}

/// Where an attribute is, or null.
fn place(attr: Option<Value<'_>>) -> *const bindings::nlattr {
    attr.map_or(ptr::null(), |attr| attr.as_ptr())
}
