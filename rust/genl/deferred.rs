// SPDX-License-Identifier: GPL-2.0

//! Replies that are given after a request has returned.
//!
//! A reply that cannot be given yet is a [`Deferred`], made by
//! [`Responder::defer`](super::Responder::defer): a value that knows whom to answer and that can be
//! kept anywhere. Whoever has it answers once, or drops it, which tells the requester `ECANCELED`.
//! So a reply is only owed for as long as somebody has its token: one that is kept in a static, or
//! forgotten by `mem::forget()`, is answered when the family goes.
//!
//! A late reply looks like one that came at once: the reply comes first, then the ack if
//! `NLM_F_ACK` was set, or the error. The core would send the ack or the error when the handler
//! returns. It does not, since the framework returns `-EINTR` to it, as `netlink_dump_start()` does
//! for the same reason. A copy of the request is kept for them until the requester closes its
//! socket. The memory cgroup of the sender is charged for it.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    command::{
        Message,
        Op, //
    },
    family::Registered,
    ffi,
    message::{
        message_size,
        Header,
        Skb, //
    },
    multipart::{
        Multipart,
        Recipient, //
    },
    net::Net,
    owed::Owed,
    socket::{
        Entry,
        Handle,
        Key,
        Socket, //
    },
    table::fail,
    work::Job, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*,
    task::might_sleep, //
};

/// A reply that is still owed, made by [`Responder::defer`](super::Responder::defer).
///
/// A copy of the request, of 64 KiB at most, is kept for it as long as the socket of the requester
/// is open and nobody has answered. When the requester closes its socket, the copy is freed. From
/// then on sending returns `ECONNREFUSED`, even if the port belongs to somebody else by then. What
/// is not noticed is a socket that is just being closed while its port is taken over.
///
/// # Examples
///
/// A reply after 100 ms.
///
/// ```
/// use genl::{DoReply, Family, Message, Op, Request, Responder, Sent};
/// use kernel::{prelude::*, time::Delta};
///
/// fn answer_later<'a, O, M>(
///     request: &Request<'a, O>,
///     reply: Responder<'a, O>,
///     message: M,
/// ) -> Result<Sent<'a>>
/// where
///     O: Op,
///     M: Message<O> + Send + 'static,
/// {
///     let (token, sent) = reply.defer()?;
///     request.registered().queue_delayed_work(Delta::from_millis(100), move |job| {
///         // There is nobody to tell of an error but the requester, who has been told.
///         let _ = token.send(job, &message);
///     })?;
///     Ok(sent)
/// }
/// ```
///
/// It is answered from a [`Job`], and an answer may sleep: the task that a job runs in may, unless
/// the job has taken a spinlock. An interrupt has none, and queues a
/// [`FamilyWork`](super::FamilyWork) that has this. Dropping it may sleep as well.
pub struct Deferred<O: Op> {
    /// Where the request is kept.
    owed: Handle<Owed>,
    key: Key,
    portid: u32,
    // Invariant: a subtype of a type has implementations of its own.
    _op: PhantomData<fn(O) -> O>,
}

impl<O: Op> Deferred<O> {
    /// # Safety
    ///
    /// `info` and `skb` belong to a request for `O` that is being handled, and that `socket` has
    /// sent in the namespace `net`.
    pub(super) unsafe fn new(
        net: &Net,
        socket: Socket,
        skb: *const bindings::sk_buff,
        info: &bindings::genl_info,
    ) -> Result<Self> {
        const {
            if !O::SECRETS.is_empty() {
                fail(
                    O::NAME,
                    "has secrets, which a deferred reply would keep a copy of",
                );
            }
        }
        // SAFETY: By the safety requirements of this function.
        let (family, owed) = unsafe {
            (
                Registered::<O::Family>::from_info(info),
                Owed::new(net, skb, info)?,
            )
        };
        // The socket is not closed: somebody is sending through it.
        let (owed, key) = family.jobs()?.owe(info.snd_portid, net, socket, owed)?;
        Ok(Self {
            owed,
            key,
            portid: info.snd_portid,
            _op: PhantomData,
        })
    }

    /// The port of the requester.
    pub fn portid(&self) -> u32 {
        self.portid
    }

    /// Whether the requester has closed its socket, or somebody has answered for a family that has
    /// gone. What is kept of this is of no use any more, and can be dropped.
    pub fn is_closed(&self) -> bool {
        !self.owed.has(&self.key)
    }

    /// Sends the reply, and the ack if the request has asked for one.
    ///
    /// Returns what [`Responder::send`](super::Responder::send) returns, and `ECONNREFUSED` where
    /// the socket has been closed. The requester gets the error, if it can be reached.
    pub fn send<M: Message<O>>(self, job: &Job<O::Family>, message: &M) -> Result {
        might_sleep();
        let entry = self.owed.take(&self.key).ok_or(ECONNREFUSED)?;
        let seq = entry.value.request().nlmsg_seq;
        let header = Header::new(job.id(), 0, seq, self.portid);
        let layout = message.layout();
        let to = LateRequester {
            entry: &entry,
            portid: self.portid,
        };
        let send = || {
            to.account(message_size(&layout)?)?;
            to.deliver(Skb::new::<O, _>(header, &layout, bindings::GFP_KERNEL)?)
        };
        let result = send();
        entry.answer(result, None);
        result
    }

    /// Sends a reply of several messages, like
    /// [`Responder::multipart`](super::Responder::multipart), and the ack if the request has asked
    /// for one.
    ///
    /// If `fill` returns an error, the requester gets that instead of the end. Returns what
    /// [`Deferred::send`] returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Deferred, Job, Message, Op};
    ///
    /// /// Answers with what has been found meanwhile.
    /// fn found<O: Op, E: Message<O>>(token: Deferred<O>, job: &Job<O::Family>, entries: &[E]) {
    ///     // There is nobody to tell of an error but the requester, who has been told.
    ///     let _ = token.multipart(job, |messages| {
    ///         entries.iter().try_for_each(|entry| messages.push(entry))
    ///     });
    /// }
    /// ```
    pub fn multipart(
        self,
        job: &Job<O::Family>,
        fill: impl FnOnce(&mut Multipart<'_, O>) -> Result,
    ) -> Result {
        might_sleep();
        let entry = self.owed.take(&self.key).ok_or(ECONNREFUSED)?;
        let seq = entry.value.request().nlmsg_seq;
        let header = Header::new(job.id(), bindings::NLM_F_MULTI, seq, self.portid);
        let to = LateRequester {
            entry: &entry,
            portid: self.portid,
        };
        let mut messages = Multipart::new(&to, header);
        let result = fill(&mut messages).and_then(|()| messages.end());
        entry.answer(result, None);
        result
    }

    /// Ends the request without a reply: an ack, if it has asked for one.
    pub fn finish(self, _: &Job<O::Family>) {
        self.answer(Ok(()), None);
    }

    /// Refuses the request after all.
    pub fn fail(self, _: &Job<O::Family>, error: Error) {
        self.answer(Err(error), None);
    }

    /// Refuses the request after all, with a text for the extended ack.
    pub fn fail_with(self, _: &Job<O::Family>, error: Error, text: &'static CStr) {
        self.answer(Err(error), Some(text));
    }

    /// Answers, unless somebody has, or there is nobody any more.
    fn answer(&self, result: Result, text: Option<&'static CStr>) {
        might_sleep();
        if let Some(entry) = self.owed.take(&self.key) {
            entry.answer(result, text);
        }
    }
}

/// The sender of a request that has returned.
struct LateRequester<'a> {
    entry: &'a Entry<Owed>,
    portid: u32,
}

impl Recipient for LateRequester<'_> {
    fn account(&self, size: usize) -> Result {
        let request = self.entry.value.skb.as_ptr();
        // SAFETY: The copy of the request has its socket, to which the entry has a reference.
        if !unsafe { ffi::genl_rs_has_room(request, size) } {
            return Err(EAGAIN);
        }
        Ok(())
    }

    fn deliver(&self, skb: Skb) -> Result {
        if self.entry.socket.is_closed() {
            return Err(ECONNREFUSED);
        }
        skb.unicast(&self.entry.value.net, self.portid)
    }

    // The answer does.
    fn tell(&self, _: Error) {}
}

impl<O: Op> Drop for Deferred<O> {
    fn drop(&mut self) {
        self.answer(Err(ECANCELED), Some(c"the reply was forgotten"));
    }
}
