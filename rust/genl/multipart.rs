// SPDX-License-Identifier: GPL-2.0

//! Replies of several messages that belong together, with an end that says so.
//!
//! Each has `NLM_F_MULTI`, as the objects of a dump have, and `NLMSG_DONE` comes last. Unlike those
//! of a dump they are all made at once, so they have to fit into the receive buffer of the
//! requester. In C: `team_nl_options_get_doit()`, `devlink_fmsg_snd()`, `smc_pnet_get()`.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

use super::{
    command::{
        Message,
        Op, //
    },
    ffi,
    message::{
        free_room,
        message_size,
        put_message,
        Header,
        Skb, //
    }, //
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// The size of a buffer, as `genlmsg_new(GENLMSG_DEFAULT_SIZE)` allocates it.
const BUFFER: usize = ffi::GENL_RS_GOODSIZE;

/// Whom the messages are for.
pub(super) trait Recipient {
    /// Accounts for a buffer before it is allocated, or says why it is not to be sent.
    fn account(&self, size: usize) -> Result;

    /// Sends a buffer.
    fn deliver(&self, skb: Skb) -> Result;

    /// Says that a message is too large.
    fn tell(&self, error: Error);
}

/// The messages of a reply that has several, see
/// [`Responder::multipart`](super::Responder::multipart).
///
/// They are packed into buffers of a page, as `GENLMSG_DEFAULT_SIZE` is. A reader gets one buffer
/// by one `recv()`.
pub struct Multipart<'a, O> {
    parts: Parts<'a>,
    // Invariant: a subtype of a type has implementations of its own.
    _op: PhantomData<fn(O) -> O>,
}

/// The part of [`Multipart`] that is the same for all operations.
///
/// # Invariants
///
/// Where there is a buffer, the `room` bytes from `next` on are part of its free room, and whole
/// messages lie between its tail and `next`. Where there is none, `room` is 0.
struct Parts<'a> {
    to: &'a dyn Recipient,
    header: Header,
    buffer: Option<Skb>,
    next: *mut u8,
    room: usize,
    with_code: bool,
}

impl<'a, O: Op> Multipart<'a, O> {
    /// Messages with this header, which has `NLM_F_MULTI`.
    pub(super) fn new(to: &'a dyn Recipient, header: Header) -> Self {
        // INVARIANT: There is no buffer yet.
        Self {
            parts: Parts {
                to,
                header,
                buffer: None,
                next: ptr::null_mut(),
                room: 0,
                with_code: true,
            },
            _op: PhantomData,
        }
    }

    /// Adds a message. If this buffer has no room for it, the buffer is sent, and the message is
    /// the first one of the next.
    ///
    /// Returns what [`Responder::send`](super::Responder::send) returns. Pass an error on: what was
    /// sent by then has been sent, and the requester gets the error instead of `NLMSG_DONE`.
    pub fn push<M: Message<O>>(&mut self, message: &M) -> Result {
        let layout = message.layout();
        let size = message_size(&layout).inspect_err(|error| self.parts.to.tell(*error))?;
        let parts = &mut self.parts;
        if parts.room < size {
            parts.begin(size.max(BUFFER))?;
        }
        // INVARIANT: The message that is written is whole.
        // SAFETY: By the type invariants `size` bytes from `next` on are free; it is the size of
        // the message.
        unsafe {
            put_message::<O, _>(parts.next, size, parts.header, &layout);
            parts.next = parts.next.add(size);
        }
        parts.room = parts.room.wrapping_sub(size);
        Ok(())
    }

    /// How many bytes are left in this buffer: a message of this size goes in, and a larger one
    /// begins the next buffer. The example of [`Objects::room`](super::Objects::room) fills a
    /// message with as much as there is room for.
    pub fn room(&self) -> usize {
        match self.parts.buffer {
            Some(_) => self.parts.room,
            None => BUFFER,
        }
    }

    /// The size of a message, with its headers: what [`Multipart::push`] would take of
    /// [`Multipart::room`].
    ///
    /// Returns [`EMSGSIZE`] for one that cannot be sent.
    pub fn size_of<M: Message<O>>(&self, message: &M) -> Result<usize> {
        message_size(&message.layout())
    }

    /// Sends this buffer, so that the next message is the first one of another buffer.
    ///
    /// Returns what [`Responder::send`](super::Responder::send) returns.
    pub fn next_buffer(&mut self) -> Result {
        self.parts.flush()
    }

    /// Leaves out the error number, 0, that `NLMSG_DONE` has behind its header.
    ///
    /// For readers of an old protocol that compare lengths: team, devlink and smc_pnetid send the
    /// header alone. YNL cannot read that.
    pub fn without_code(&mut self) {
        self.parts.with_code = false;
    }

    /// Sends what is left, with the end.
    pub(super) fn end(mut self) -> Result {
        self.parts.end()
    }
}

impl Parts<'_> {
    /// Begins another buffer, with room for at least so many bytes.
    #[cold]
    #[inline(never)]
    fn begin(&mut self, size: usize) -> Result {
        self.flush()?;
        self.to.account(size)?;
        let skb = Skb::empty(size, bindings::GFP_KERNEL)?;
        // SAFETY: It is valid.
        let (next, room) = unsafe { free_room(skb.as_ptr()) };
        // INVARIANT: No message lies between the tail and `next`, which are the same.
        (self.next, self.room) = (next, room);
        self.buffer = Some(skb);
        Ok(())
    }

    /// Sends the buffer, if there is one.
    fn flush(&mut self) -> Result {
        self.room = 0;
        let Some(mut skb) = self.buffer.take() else {
            return Ok(());
        };
        // SAFETY: By the type invariants all bytes up to `next` are written.
        unsafe { skb.commit(self.next) };
        self.to.deliver(skb)
    }

    /// Adds `NLMSG_DONE`, to the last buffer if it has room, and sends that.
    #[inline(never)]
    fn end(&mut self) -> Result {
        let size = Header::DONE
            + if self.with_code {
                size_of::<c_int>()
            } else {
                0
            };
        if self.room < size {
            self.begin(size)?;
        }
        // INVARIANT: The message that is written is whole.
        // SAFETY: By the type invariants `size` bytes from `next` on are free.
        unsafe {
            self.header.put_done(self.next, size);
            self.next = self.next.add(size);
        }
        self.flush()
    }
}
