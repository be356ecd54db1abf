// SPDX-License-Identifier: GPL-2.0

//! Answering a request, now or later.
//!
//! A reply is sent by value, at most once, and at its exact size. There is no default size that it
//! could outgrow.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    command::{
        Message,
        Op, //
    },
    deferred::Deferred,
    extack::{
        no_room,
        tell_too_large,
        Extack, //
    },
    ffi,
    message::{
        message_size,
        put_message,
        spend,
        Header,
        Only,
        Skb, //
    },
    multipart::{
        Multipart,
        Recipient, //
    },
    net::Net,
    socket::Socket,
    wire::control_block, //
};
use core::{
    cell::Cell,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// Proof that a request has been answered, or will be: only [`Responder::send`],
/// [`Responder::multipart`] and [`Responder::defer`] make it. It is good for the request that is
/// being handled during `'a`, and for no other one.
pub struct Sent<'a> {
    _request: PhantomData<&'a ()>,
    _only: Only,
}

impl Sent<'_> {
    #[inline(always)]
    fn new() -> Self {
        Self {
            _request: PhantomData,
            _only: Only,
        }
    }
}

/// The right to answer a request, once.
///
/// # Invariants
///
/// The request is being handled, during the whole of `'a`.
pub struct Responder<'a, O> {
    info: &'a bindings::genl_info,
    skb: *const bindings::sk_buff,
    deferred: &'a Cell<bool>,
    // Invariant: a subtype of a type has implementations of its own.
    _op: PhantomData<fn(O) -> O>,
    _only: Only,
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
            _only: Only,
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
        Ok(Sent::new())
    }

    /// Sends one of several replies. The last one is sent by [`Responder::send`].
    ///
    /// Each is a message of its own, without `NLM_F_MULTI`. A requester that does not know how many
    /// will come has to ask for an ack, which follows the last one; [`Responder::multipart`] says
    /// by itself where the messages end. Replies that do not fit into the receive buffer of the
    /// socket are lost, and the error says so. For many objects there is [`Dump`](super::Dump).
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
        let requester = self.requester();
        let size = message_size(&layout).map_err(|error| requester.too_large(error))?;
        let skb = requester.allocate(size)?;
        // SAFETY: By the type invariants.
        let header = unsafe { Header::answer(self.info, 0) };
        // SAFETY: The buffer was made for this size.
        unsafe { put_message::<O, _>(skb.start(), size, header, &layout) };
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
        // SAFETY: By the type invariants.
        let header = unsafe { Header::answer(self.info, bindings::NLM_F_MULTI) };
        let mut messages = Multipart::new(&to, header);
        fill(&mut messages)?;
        messages.end()?;
        Ok(Sent::new())
    }

    /// Puts the reply off. The returned [`Deferred`] answers the request, before or after the
    /// handler returns. The handler returns the [`Sent`]. If it returns an error, that is not sent.
    ///
    /// Returns [`ENOTCONN`] for a request that no socket has sent, [`EMSGSIZE`] for one above
    /// 64,512 bytes, which would have to be kept, `EAGAIN` as [`Responder::send`] does for a
    /// datagram with many requests, `ESHUTDOWN` where the family is about to go or its module is,
    /// and [`ENOMEM`] without memory.
    pub fn defer(self) -> Result<(Deferred<O>, Sent<'a>)> {
        // SAFETY: By the type invariants `info` and the skb are valid.
        let (net, sk) = unsafe {
            let sk = (*control_block(self.skb)).sk;
            (Net::of(self.info), sk)
        };
        let sk = NonNull::new(sk).ok_or(ENOTCONN)?;
        // SAFETY: By the type invariants. Answering is not for later: there is a copy to be made.
        unsafe {
            // CAST: The length of a message fits.
            let len = (*self.info.nlhdr).nlmsg_len as usize;
            spend(self.skb, self.info, 1, len)
        }?;
        // SAFETY: The socket of a request is valid as long as the request.
        let socket = unsafe { Socket::hold(sk) };
        // SAFETY: By the type invariants; the header is in the skb.
        let token = unsafe { Deferred::new(net, socket, self.skb, self.info) }?;
        self.deferred.set(true);
        Ok((token, Sent::new()))
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

    /// Allocates a buffer for a reply of `size` bytes, if the requester has room for it, as
    /// [`Skb::with_room`].
    #[inline(never)]
    fn allocate(self, size: usize) -> Result<Skb> {
        self.account(size)?;
        Skb::with_room(size, bindings::GFP_KERNEL).ok_or(ENOMEM)
    }

    /// Says why there is no message.
    #[cold]
    #[inline(never)]
    fn too_large(self, error: Error) -> Error {
        self.tell(error);
        error
    }
}

impl Recipient for Requester<'_> {
    fn account(&self, size: usize) -> Result {
        // SAFETY: By the type invariants.
        if unsafe { ffi::genl_rs_may_answer(self.skb.cast_mut(), size) } {
            return Ok(());
        }
        Err(no_room(self.extack()))
    }

    fn deliver(&self, skb: Skb) -> Result {
        // SAFETY: By the type invariants.
        skb.unicast(unsafe { Net::of(self.info) }, self.info.snd_portid)
    }

    fn tell(&self, error: Error) {
        tell_too_large(self.extack(), error);
    }
}
