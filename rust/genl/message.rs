// SPDX-License-Identifier: GPL-2.0

//! Messages: commands with their attributes, and how they leave.
//!
//! A message is sent by value, at most once, and at its exact size. An skb that could not be
//! delivered is gone as well. There is no default size that a reply could outgrow.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    attribute::{
        InSet,
        Set, //
    },
    deferred::Deferred,
    extack::Extack,
    ffi,
    header::check_message,
    layout::{
        Layout,
        MAX_ATTR,
        MAX_MESSAGE, //
    },
    multipart::{
        Multipart,
        Recipient, //
    },
    net::Net,
    op::{
        fail,
        Op, //
    },
    payload::{
        store_u32,
        store_u64, //
    },
    socket::Socket,
    Family, //
};
use core::{
    cell::Cell,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    alloc::{
        flags::*,
        Flags, //
    },
    bindings,
    prelude::*,
    task::might_sleep, //
};

/// Length of the two headers of a message, `NLMSG_HDRLEN + GENL_HDRLEN`. That of the family, if there
/// is one, is a part of the layout.
pub(super) const HDRLEN: usize = 20;

/// A command of a family: what the header of a message says.
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
    /// `NLM_F_ACK` in their replies.
    const FLAGS: u16 = 0;
}

/// [`Command::FLAGS`], where they stand in a header.
const fn flags_of<C: Command>() -> u32 {
    const OWN: u32 = bindings::NLM_F_REQUEST | bindings::NLM_F_MULTI | bindings::NLM_F_DUMP_INTR;
    if C::FLAGS as u32 & OWN != 0 {
        fail(
            C::NAME,
            "has flags that the framework sets, or none may have",
        );
    }
    (C::FLAGS as u32) << 16
}

/// A message of the command `C`: a reply, an object of a dump, or a notification.
///
/// It is a struct made by [`messages!`](super::messages), or attributes in a row, as a tuple. There a
/// value can be a closure, which is called when its bytes are stored.
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
    label = "neither made for it, nor a tuple of attributes of its set"
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

/// The parts of a message header that are the same for all messages of a request or a round of a
/// dump.
#[derive(Clone, Copy)]
pub(super) struct Header {
    /// `nlmsg_type` and `nlmsg_flags`.
    type_flags: u32,
    /// `nlmsg_seq` and `nlmsg_pid`.
    seq_portid: u64,
}

impl Header {
    // CAST: The id of a family is below 1024, flags and sequence numbers are what netlink has.
    #[inline(always)]
    pub(super) fn new(family_id: c_int, flags: u32, seq: u32, portid: u32) -> Self {
        const { assert!(cfg!(target_endian = "little")) };
        Self {
            type_flags: u32::from(family_id as u16) | flags << 16,
            seq_portid: u64::from(seq) | u64::from(portid) << 32,
        }
    }

    /// The length of the header, `NLMSG_HDRLEN`.
    pub(super) const DONE: usize = 16;

    /// Writes the end of several messages: `NLMSG_DONE` with this header, and zeroes behind it.
    ///
    /// # Safety
    ///
    /// `size` is [`Header::DONE`] or 4 more, and that many bytes are writable from `p` on.
    pub(super) unsafe fn put_done(self, p: *mut u8, size: usize) {
        // SAFETY: By the safety requirements of this function.
        unsafe {
            // CAST: It is small.
            store_u32(p, 0, size as u32);
            store_u32(p, 4, self.type_flags & !0xffff | bindings::NLMSG_DONE);
            store_u64(p, 8, self.seq_portid);
            if size > Self::DONE {
                store_u32(p, 16, 0);
            }
        }
    }

    /// The header of an answer to a request.
    #[inline(always)]
    pub(super) fn answer(info: &bindings::genl_info, flags: u32) -> Self {
        // SAFETY: The family of a request is valid as long as the request.
        let id = unsafe { (*info.family).id };
        Self::new(id, flags, info.snd_seq, info.snd_portid)
    }
}

/// The exact size of a message, or [`EMSGSIZE`] if a part is too long for its attribute.
#[inline(always)]
pub(super) fn message_size<L: Layout>(layout: &L) -> Result<usize> {
    let size = layout.size().saturating_add(HDRLEN);
    // No part is longer than the whole, so few messages ever need the closer look.
    if (const { L::MAX > MAX_ATTR }) && size > MAX_ATTR && !(layout.fits() && size <= MAX_MESSAGE) {
        return Err(EMSGSIZE);
    }
    Ok(size)
}

/// Writes a message.
///
/// # Safety
///
/// `size` is what [`message_size`] has returned for `layout`, and that many bytes are writable
/// from `p` on.
#[inline(always)]
pub(super) unsafe fn put_message<C: Command, L: Layout>(
    p: *mut u8,
    size: usize,
    header: Header,
    layout: &L,
) {
    const { check_message::<C, L>() };
    // SAFETY: By the safety requirements of this function; `size` includes `HDRLEN`, and
    // `message_size` has seen that the parts fit.
    unsafe {
        // CAST: `size` is at most `MAX_MESSAGE`.
        store_u32(p, 0, size as u32);
        store_u32(p, 4, header.type_flags | const { flags_of::<C>() });
        store_u64(p, 8, header.seq_portid);
        store_u32(
            p,
            16,
            u32::from(C::REPLY) | u32::from(<C::Family as Family>::VERSION) << 8,
        );
        layout.write(p.add(HDRLEN));
    }
}

/// A whole message in a buffer of its own.
///
/// # Invariants
///
/// `skb` is valid and owned by this.
pub(super) struct Skb(NonNull<bindings::sk_buff>);

impl Skb {
    /// Allocates a buffer of the exact size and writes the message into it.
    #[inline(always)]
    pub(super) fn new<C: Command, L: Layout>(
        header: Header,
        layout: &L,
        flags: bindings::gfp_t,
    ) -> Result<Self> {
        let size = message_size(layout)?;
        let (skb, place) = Self::with_room(size, flags)?;
        // SAFETY: There are `size` bytes at `place`, and they are ours alone.
        unsafe { put_message::<C, L>(place, size, header, layout) };
        Ok(skb)
    }

    /// Allocates a buffer with room for so many bytes, at most [`MAX_MESSAGE`].
    #[inline]
    pub(super) fn empty(size: usize, flags: bindings::gfp_t) -> Result<Self> {
        // CAST: It is at most `MAX_MESSAGE`.
        // SAFETY: The caller may allocate with these flags; -1 stands for any node.
        let skb = unsafe { bindings::__alloc_skb(size as u32, flags, 0, -1) };
        // INVARIANT: It was just allocated.
        NonNull::new(skb).ok_or(ENOMEM).map(Self)
    }

    /// Allocates a buffer for a message of `size` bytes, and returns where that belongs. The message
    /// has to be written before anything else is done with the buffer.
    #[inline(never)]
    fn with_room(size: usize, flags: bindings::gfp_t) -> Result<(Self, *mut u8)> {
        let mut skb = Self::empty(size, flags)?;
        // SAFETY: A new skb is ours alone, and the `size` bytes behind its tail are free.
        let place = unsafe {
            let raw = skb.0.as_mut();
            let place = raw.head.add(raw.tail as usize);
            // CAST: `message_size` bounds `size`.
            raw.tail = raw.tail.wrapping_add(size as u32);
            raw.len = raw.len.wrapping_add(size as u32);
            place
        };
        Ok((skb, place))
    }

    /// As [`Skb::with_room`], for a reply to a request, if the requester has room for it.
    #[inline(never)]
    fn for_reply(requester: Requester<'_>, size: Result<usize>) -> Result<(Self, *mut u8)> {
        let make = || {
            let size = size?;
            requester.account(size)?;
            Self::with_room(size, bindings::GFP_KERNEL)
        };
        make().inspect_err(|error| requester.tell(*error))
    }

    /// Makes what was written behind the tail part of the buffer.
    ///
    /// # Safety
    ///
    /// All bytes from the tail to `end` are written, and part of the buffer.
    pub(super) unsafe fn commit(&mut self, end: *const u8) {
        // SAFETY: By the type invariants and the safety requirements of this function.
        unsafe { commit(self.0.as_mut(), end) };
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    /// Sends the message to one port, like `genlmsg_unicast()`.
    #[inline(never)]
    pub(super) fn unicast(self, net: &Net, portid: u32) -> Result {
        const FLAGS: c_int = bindings::MSG_DONTWAIT as c_int;
        // SAFETY: The namespace is active, so it has its socket of generic netlink. The skb is
        // taken, also where this fails.
        let result = unsafe {
            let sk = (*net.as_ptr()).genl_sock;
            bindings::netlink_unicast(sk, self.into_raw(), portid, FLAGS)
        };
        // What is not negative is a length.
        match result {
            0.. => Ok(()),
            errno => Err(Error::from_errno(errno)),
        }
    }

    /// Gives the buffer away.
    #[inline(always)]
    pub(super) fn into_raw(self) -> *mut bindings::sk_buff {
        let raw = self.0.as_ptr();
        core::mem::forget(self);
        raw
    }
}

/// Makes what was written behind the tail part of a buffer, and returns the length of the whole.
///
/// # Safety
///
/// All bytes from the tail to `end` are written, and part of the buffer.
#[inline(always)]
pub(super) unsafe fn commit(skb: &mut bindings::sk_buff, end: *const u8) -> u32 {
    // CAST: Offsets into an skb have 32 bits.
    let tail = (end as usize).wrapping_sub(skb.head as usize) as u32;
    skb.len = skb.len.wrapping_add(tail.wrapping_sub(skb.tail));
    skb.tail = tail;
    skb.len
}

impl Drop for Skb {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::nlmsg_free(self.0.as_ptr()) }
    }
}

/// The bits of allocation flags, which the `kernel` crate keeps to itself, as far as they matter for
/// a message.
///
/// Flags that allow to sleep say so here, and not only when there is no memory or a listener is slow:
/// a kernel with `CONFIG_DEBUG_ATOMIC_SLEEP` tells who is in atomic context.
#[track_caller]
#[inline(always)]
pub(super) fn gfp(flags: Flags) -> bindings::gfp_t {
    // Each may contain others.
    let known = [
        (GFP_KERNEL, bindings::GFP_KERNEL),
        (GFP_KERNEL_ACCOUNT, bindings::GFP_KERNEL_ACCOUNT),
        (GFP_ATOMIC, bindings::GFP_ATOMIC),
        (GFP_NOWAIT, bindings::GFP_NOWAIT),
        (__GFP_NOWARN, bindings::__GFP_NOWARN),
    ];
    let mut raw = 0;
    for (flag, bits) in known {
        if flags.contains(flag) {
            raw |= bits;
        }
    }
    if raw & (1 << bindings::___GFP_DIRECT_RECLAIM_BIT) != 0 {
        might_sleep();
    }
    raw
}

/// Accounts for `messages` messages of `size` bytes that a request is the reason for, see
/// [`Request::spend`](super::Request::spend).
///
/// # Safety
///
/// `skb` and `info` belong to a request that is being handled.
#[inline(never)]
pub(super) unsafe fn spend(
    skb: *const bindings::sk_buff,
    info: &bindings::genl_info,
    messages: usize,
    size: usize,
) -> Result {
    // SAFETY: By the safety requirements of this function.
    if unsafe { ffi::genl_rs_spend(skb.cast_mut(), messages, size) } {
        return Ok(());
    }
    // SAFETY: As above.
    Err(no_room(unsafe { Extack::new(info.extack) }))
}

/// Says that a request is the reason for more than its sender has room for.
#[cold]
fn no_room(extack: Extack<'_>) -> Error {
    extack.set_text(c"the receive buffer has no room for the replies to this datagram");
    EAGAIN
}

/// Says why a reply could not be made.
#[cold]
pub(super) fn tell_too_large(extack: Extack<'_>, error: Error) {
    if error == EMSGSIZE {
        extack.set_text(c"the reply is too large for a message");
    }
}

/// Proof that a request has been answered, or will be: only [`Responder::send`],
/// [`Responder::multipart`] and [`Responder::defer`] make it. It is good for the request that is
/// being handled during `'a`, and for no other one.
pub struct Sent<'a>(PhantomData<&'a ()>);

/// The right to answer a request, once.
///
/// # Invariants
///
/// The request is being handled, during the whole of `'a`.
pub struct Responder<'a, O> {
    info: &'a bindings::genl_info,
    skb: *const bindings::sk_buff,
    deferred: &'a Cell<bool>,
    _op: PhantomData<fn() -> O>,
}

impl<'a, O: Op> Responder<'a, O> {
    /// `deferred` is set when the reply is not sent by the handler.
    ///
    /// # Safety
    ///
    /// `info` and `skb` belong to a request for `O` that is being handled during `'a`.
    #[inline(always)]
    pub(super) unsafe fn new(
        info: &'a bindings::genl_info,
        skb: *const bindings::sk_buff,
        deferred: &'a Cell<bool>,
    ) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            info,
            skb,
            deferred,
            _op: PhantomData,
        }
    }

    /// Sends the reply to the socket that has sent the request, with its sequence number.
    ///
    /// If the request has `NLM_F_ACK`, the ack of the core follows the reply.
    ///
    /// Returns [`EMSGSIZE`] for an attribute or a nest above 65,535 bytes, [`ENOMEM`] without
    /// memory, `ECONNREFUSED` if the socket is gone, and `EAGAIN` if its receive buffer has
    /// no room, which is seen before the reply is built.
    ///
    /// One datagram may have many requests, and all of them are handled before the sender goes on.
    /// So the replies to one datagram may be as large, together, as the receive buffer of its
    /// socket (`SO_RCVBUF`), even if somebody reads them meanwhile; from then on this returns
    /// `EAGAIN`, unless the sender has `CAP_NET_ADMIN`.
    #[inline(always)]
    pub fn send<M: Message<O>>(self, message: &M) -> Result<Sent<'a>> {
        self.send_more(message)?;
        Ok(Sent(PhantomData))
    }

    /// Sends one of several replies. The last one is sent by [`Responder::send`].
    ///
    /// Each is a message of its own, without `NLM_F_MULTI`. A requester that does not know how many
    /// will come has to ask for an ack, which follows the last one; [`Responder::multipart`] says by
    /// itself where the messages end. Replies that do not fit into the receive buffer of the socket
    /// are lost, and the error says so. For many objects there is [`Dump`](super::Dump).
    ///
    /// Returns what [`Responder::send`] returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Message, Op, Responder, Sent};
    /// use kernel::prelude::*;
    ///
    /// /// Sends the entries of a table, and its summary as the last message.
    /// fn answer<'a, O: Op, E: Message<O>, S: Message<O>>(
    ///     entries: &[E],
    ///     summary: &S,
    ///     reply: Responder<'a, O>,
    /// ) -> Result<Sent<'a>> {
    ///     for entry in entries {
    ///         reply.send_more(entry)?;
    ///     }
    ///     reply.send(summary)
    /// }
    /// ```
    #[inline(always)]
    pub fn send_more<M: Message<O>>(&self, message: &M) -> Result {
        let layout = message.layout();
        let size = message_size(&layout);
        let requester = self.requester();
        let (skb, place) = Skb::for_reply(requester, size)?;
        let header = Header::answer(self.info, 0);
        // SAFETY: `for_reply` fails where there is no size, and has made room for it.
        unsafe { put_message::<O, _>(place, size.unwrap_or(0), header, &layout) };
        requester.deliver(skb)
    }

    /// Whom to answer.
    #[inline(always)]
    fn requester(&self) -> Requester<'a> {
        // INVARIANT: By the type invariants.
        Requester {
            info: self.info,
            skb: self.skb,
        }
    }

    /// Sends a reply of several messages, those that `fill` pushes, with `NLM_F_MULTI`, and
    /// `NLMSG_DONE` behind them.
    ///
    /// For what belongs to one request and does not fit into one message. They all have to fit into
    /// the receive buffer of the socket, together; what may be longer is a
    /// [`Dump`](super::Dump). The buffers are accounted for as the replies of
    /// [`Responder::send_more`].
    ///
    /// If `fill` returns an error, the requester gets that instead of the end. Returns what
    /// [`Responder::send`] returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Message, Op, Responder, Sent};
    /// use kernel::prelude::*;
    ///
    /// /// Sends the entries of a table, in as few buffers as hold them.
    /// fn answer<'a, O: Op, E: Message<O>>(
    ///     entries: &[E],
    ///     reply: Responder<'a, O>,
    /// ) -> Result<Sent<'a>> {
    ///     reply.multipart(|messages| entries.iter().try_for_each(|entry| messages.push(entry)))
    /// }
    /// ```
    pub fn multipart(self, fill: impl FnOnce(&mut Multipart<'_, O>) -> Result) -> Result<Sent<'a>> {
        let to = self.requester();
        let mut messages = Multipart::new(&to, Header::answer(self.info, bindings::NLM_F_MULTI));
        fill(&mut messages)?;
        messages.end()?;
        Ok(Sent(PhantomData))
    }

    /// Puts the reply off. The returned [`Deferred`] answers the request, before or after the
    /// handler returns. The handler returns the [`Sent`]. If it returns an error, that is not sent.
    ///
    /// Returns [`ENOTCONN`] for a request that no socket has sent, [`EMSGSIZE`] for one above
    /// 64,512 bytes, which would have to be kept, `EAGAIN` as [`Responder::send`] does for a datagram
    /// with many requests, `ESHUTDOWN` where the family is about to go or its module is, and [`ENOMEM`]
    /// without memory.
    pub fn defer(self) -> Result<(Deferred<O>, Sent<'a>)> {
        // SAFETY: By the type invariants `info` and the skb are valid.
        let (net, sk) = unsafe {
            let sk = (*control_block(self.skb)).sk;
            (Net::of(self.info), sk)
        };
        let sk = NonNull::new(sk).ok_or(ENOTCONN)?;
        // SAFETY: By the type invariants. Answering is not for later: there is a copy to be made.
        unsafe {
            spend(
                self.skb,
                self.info,
                1,
                (*self.info.nlhdr).nlmsg_len as usize,
            )
        }?;
        // SAFETY: The socket of a request is valid as long as the request.
        let socket = unsafe { Socket::hold(sk) };
        // SAFETY: By the type invariants; the header is in the skb.
        let token = unsafe { Deferred::new(net, socket, self.skb, self.info) }?;
        self.deferred.set(true);
        Ok((token, Sent(PhantomData)))
    }
}

/// The sender of a request that is being handled.
///
/// # Invariants
///
/// `info` and `skb` belong to a request that is being handled as long as this exists.
#[derive(Clone, Copy)]
struct Requester<'a> {
    info: &'a bindings::genl_info,
    skb: *const bindings::sk_buff,
}

impl Requester<'_> {
    fn extack(&self) -> Extack<'_> {
        // SAFETY: The extended ack of a request is valid or null as long as it is handled.
        unsafe { Extack::new(self.info.extack) }
    }
}

impl Recipient for Requester<'_> {
    fn account(&self, size: usize) -> Result {
        // SAFETY: By the type invariants.
        unsafe {
            if !ffi::genl_rs_has_room(self.skb, size) {
                return Err(no_room(self.extack()));
            }
            spend(self.skb, self.info, 1, size)
        }
    }

    fn deliver(&self, skb: Skb) -> Result {
        // SAFETY: By the type invariants.
        skb.unicast(unsafe { Net::of(self.info) }, self.info.snd_portid)
    }

    fn tell(&self, error: Error) {
        tell_too_large(self.extack(), error);
    }
}

/// What netlink keeps beside a message, `NETLINK_CB()`.
#[inline(always)]
pub(super) fn control_block(skb: *const bindings::sk_buff) -> *const bindings::netlink_skb_parms {
    // No reference: only the address of a member is computed.
    skb.wrapping_byte_add(core::mem::offset_of!(bindings::sk_buff, cb))
        .cast()
}
