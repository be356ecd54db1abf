// SPDX-License-Identifier: GPL-2.0

//! The buffer of a round of a dump, and what goes into it.
//!
//! The size of an object is known before it is written. So none is ever half written, and the one
//! that did not fit is the first of the next round.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h) (`struct
//! netlink_callback`)

use super::{
    command::{
        Command,
        Message,
        Op, //
    },
    ffi,
    layout::Layout,
    message::{
        commit,
        free_room,
        message_size,
        put_message,
        Header,
        Only, //
    },
    net::Net, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// Why a round of a dump ends before the dump does.
pub struct Stop(pub(super) Reason);

pub(super) enum Reason {
    Full,
    Failed(Failure),
}

/// The error that ends a dump, and its text.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) text: Option<&'static CStr>,
}

/// What a reader is told of an object that no message can hold.
const TOO_LARGE: Failure = Failure {
    error: EMSGSIZE,
    text: Some(c"an object is too large for a message"),
};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, text: None }
    }
}

impl Stop {
    /// Ends the dump with an error and a text for the extended ack.
    ///
    /// The objects that are already in the buffer reach the reader first.
    #[cold]
    pub fn fail(error: Error, text: &'static CStr) -> Self {
        Self(Reason::Failed(Failure {
            error,
            text: Some(text),
        }))
    }

    /// Ends this buffer. What follows goes into the next one.
    ///
    /// There must be an object in this buffer. One without any ends the dump with [`EINVAL`].
    pub fn next_buffer() -> Self {
        Self(Reason::Full)
    }

    #[cold]
    fn too_large(_: Error) -> Self {
        Self(Reason::Failed(TOO_LARGE))
    }
}

impl From<Error> for Stop {
    #[cold]
    fn from(error: Error) -> Self {
        Self(Reason::Failed(error.into()))
    }
}

/// What a round of a dump returns: `Ok` after the last object.
pub type DumpResult = core::result::Result<(), Stop>;

/// A place in a row of objects, for [`Objects::run`].
pub trait Cursor<C: Command>: Copy {
    /// A number that grows from one place to the next: an index, or an id.
    fn place(&self) -> u64;

    /// The object at this place, or `None` behind the last one.
    fn peek(&self) -> Option<impl Message<C> + '_>;

    /// Goes to the next place.
    fn advance(&mut self);
}

/// The buffer of one round of a dump.
///
/// Nothing that is pushed is visible in the skb before the round ends.
///
/// # Invariants
///
/// `skb` is valid, charged to the socket of the reader, and in use by this round only. The `room`
/// bytes from `next` on are part of its free room, whole messages lie between its tail and `next`.
pub struct Objects<'a, O> {
    skb: *mut bindings::sk_buff,
    next: *mut u8,
    room: usize,
    header: Header,
    _round: PhantomData<&'a mut bindings::sk_buff>,
    // Invariant: a subtype of a type has implementations of its own.
    _op: PhantomData<fn(O) -> O>,
    _only: Only,
}

impl<'a, O: Op> Objects<'a, O> {
    /// # Safety
    ///
    /// `skb` is the buffer of a round, charged to the socket of the reader, and nothing else uses
    /// it as long as this exists.
    #[inline(always)]
    pub(super) unsafe fn new(skb: *mut bindings::sk_buff, header: Header) -> Self {
        // SAFETY: By the safety requirements of this function.
        let (next, room) = unsafe { free_room(skb) };
        // INVARIANT: No message lies between the tail and `next`, which are the same.
        Self {
            skb,
            next,
            room,
            header,
            _round: PhantomData,
            _op: PhantomData,
            _only: Only,
        }
    }

    /// Adds an object, whole or not at all.
    ///
    /// Fails if the buffer is full: pass the error on with `?`, and push the same object first in
    /// the next round. An object that is larger than the buffer makes an empty buffer grow. One
    /// above the limits of [`Responder::send`](super::Responder::send) ends the dump with
    /// [`EMSGSIZE`].
    #[must_use = "a full buffer ends the round: pass it on with `?`, or what follows is not sent"]
    #[inline(always)]
    pub fn push<M: Message<O>>(&mut self, object: &M) -> DumpResult {
        let layout = object.layout();
        let size = message_size(&layout).map_err(Stop::too_large)?;
        if self.room < size {
            self.make_room(size)?;
        }
        // SAFETY: `size` is that of the message, and there is room for it.
        unsafe { self.put(size, &layout) };
        Ok(())
    }

    /// How many bytes are left in this buffer: a message of this size goes in, and a larger one
    /// does not, unless it is the first one. Then the buffer grows.
    ///
    /// For objects that have many parts, such as the peers of a device: put as many of them into a
    /// message as there is room for, and the others into the next buffer. What a message takes says
    /// [`Objects::size_of`], and of each part [`Layout::size`].
    ///
    /// # Examples
    ///
    /// A list of numbers, in as few messages as it takes.
    ///
    /// ```
    /// use genl::{kind::{Many, U32}, Attribute, DumpResult, Layout, Message, Objects, Op, Stop};
    ///
    /// genl::attributes! {
    ///     /// A part of a list.
    ///     pub(crate) mod list: ListSet {
    ///         /// A number of the list.
    ///         Number = 1: Many<U32>,
    ///     }
    /// }
    ///
    /// fn numbers<O: Op<Set = ListSet>>(some: &[u32]) -> impl Message<O> + '_ {
    ///     (list::Number.each(some.iter().copied()),)
    /// }
    ///
    /// /// A round of a dump of `all` that has come to the number `next`.
    /// fn dump<O>(all: &[u32], next: &mut usize, objects: &mut Objects<'_, O>) -> DumpResult
    /// where
    ///     O: Op<Set = ListSet>,
    /// {
    ///     let left = all.get(*next..).unwrap_or_default();
    ///     let empty = objects.size_of(&numbers(&[]))?;
    ///     let each = objects.size_of(&numbers(&[0]))? - empty;
    ///     let fit = objects.room().saturating_sub(empty) / each;
    ///     let now = left.get(..fit).unwrap_or(left);
    ///     objects.push(&numbers(now))?;
    ///     *next += now.len();
    ///     if now.len() < left.len() {
    ///         return Err(Stop::next_buffer());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[inline(always)]
    pub fn room(&self) -> usize {
        self.room
    }

    /// Whether nothing is in this buffer yet. Then a message goes in whatever its size, and one has
    /// to: see [`Stop::next_buffer`].
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        // SAFETY: By the type invariants.
        unsafe {
            let skb = &*self.skb;
            // CAST: An offset into a buffer fits.
            skb.len == 0 && core::ptr::eq(self.next, skb.head.add(skb.tail as usize))
        }
    }

    /// Ends the dump, and has `NLMSG_DONE` in a buffer of its own.
    ///
    /// The end follows the last object by itself. Some families in C return the length of what they
    /// have put into a buffer for as long as there is something, and so end with an empty one. Who
    /// has to answer as they do returns this when there is no more: it is called once more, and
    /// must push nothing then.
    pub fn end_alone(&self) -> DumpResult {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Stop::next_buffer())
        }
    }

    /// The network namespace of the reader, like `sock_net(skb->sk)`.
    #[inline]
    pub fn net(&self) -> &'a Net {
        // SAFETY: By the type invariants the skb has a socket, which is open during the round and
        // keeps its namespace active.
        unsafe { Net::from_raw(ffi::genl_rs_dump_net(self.skb)) }
    }

    /// The size of the message that an object takes, with its headers: what [`Objects::push`] would
    /// take of [`Objects::room`], which has an example.
    ///
    /// Returns [`EMSGSIZE`] for one that no message can hold.
    #[inline(always)]
    pub fn size_of<M: Message<O>>(&self, object: &M) -> Result<usize> {
        message_size(&object.layout())
    }

    /// Writes an object.
    ///
    /// # Safety
    ///
    /// `size` is what [`message_size`] has returned for `layout`, and at most `self.room`.
    #[inline(always)]
    unsafe fn put<L: Layout>(&mut self, size: usize, layout: &L) {
        // INVARIANT: The message that is written is whole.
        // SAFETY: By the safety requirements of this function and the type invariants, `size` bytes
        // from `next` on are free.
        unsafe {
            put_message::<O, _>(self.next, size, self.header, layout);
            self.next = self.next.add(size);
        }
        self.room = self.room.wrapping_sub(size);
    }

    /// Enlarges the buffer for a message of `size` bytes, or fails because it is full.
    #[inline(always)]
    fn make_room(&mut self, size: usize) -> DumpResult {
        // INVARIANT: What they become is free room of the skb, or none.
        // SAFETY: By the type invariants.
        unsafe { grow(self.skb, &mut self.next, &mut self.room, size) }
    }

    /// Pushes the objects from a cursor on, and leaves the cursor where the next round begins.
    ///
    /// The cursor and the place in the buffer are local variables during the round, which is
    /// cheaper than what is behind a reference. The cursor moves past an object only when that is
    /// in the buffer.
    ///
    /// A round may run several cursors, one after the other, and push objects between them.
    ///
    /// If [`Cursor::place`] has not grown when the buffer is full, the same objects would be sent
    /// for ever. Such a cursor ends the dump with [`EINVAL`].
    #[inline(always)]
    pub fn run<C: Cursor<O>>(&mut self, cursor: &mut C) -> DumpResult {
        let (mut at, mut pushed) = (*cursor, false);
        let result = loop {
            let from = self.next;
            let filled = self.fill(&mut at);
            pushed |= self.next != from;
            let stop = match filled {
                Ok(None) => break Ok(()),
                Ok(Some(size)) => self.make_room(size),
                Err(error) => Err(Stop::too_large(error)),
            };
            if stop.is_err() {
                break stop;
            }
        };
        let (from, to) = (cursor.place(), at.place());
        if core::matches!(result, Err(Stop(Reason::Full))) && pushed && to <= from {
            return Err(Stop::fail(EINVAL, c"the dump does not advance"));
        }
        *cursor = at;
        result
    }

    /// Pushes objects as long as there is room, and returns the size of the one that has none.
    ///
    /// A function of its own, into which nothing else is inlined: in here the buffer begins at one
    /// address, that in `self`. Of a pointer that comes from one of two places the compiler does
    /// not see that what is written there leaves the cursor alone, and reads the cursor from memory
    /// again after each store.
    #[inline(never)]
    fn fill<C: Cursor<O>>(&mut self, cursor: &mut C) -> Result<Option<usize>> {
        let mut at = *cursor;
        // INVARIANT: It replaces this one, which is brought up to date below.
        let mut here = Objects::<O> {
            _only: Only,
            ..*self
        };
        let missing = loop {
            let Some(object) = at.peek() else {
                break Ok(None);
            };
            let layout = object.layout();
            match message_size(&layout) {
                Ok(size) if size <= here.room => {
                    // SAFETY: `size` is that of the message, and there is room for it.
                    unsafe { here.put(size, &layout) };
                }
                Ok(size) => break Ok(Some(size)),
                Err(error) => break Err(error),
            }
            drop(layout);
            drop(object);
            at.advance();
        };
        // INVARIANT: This is what has become of them.
        (self.next, self.room) = (here.next, here.room);
        *cursor = at;
        missing
    }

    /// Makes what was pushed part of the skb, and returns the length of the whole.
    #[inline(always)]
    pub(super) fn commit(self) -> u32 {
        // SAFETY: By the type invariants, all bytes up to `next` are written.
        unsafe { commit(&mut *self.skb, self.next) }
    }
}

/// Makes room for a message of `size` bytes at `next` by enlarging an empty buffer. Fails if it is
/// not empty. `next` and `room` become what is true of the buffer then.
///
/// Enlarging `min_dump_alloc` instead would make all buffers of the dump larger, and truncate them
/// for every reader; returning `EMSGSIZE` would end the dump.
///
/// # Safety
///
/// `skb` is the buffer of a round and not shared; `next` and `room` are what [`Objects`] says.
#[cold]
#[inline(never)]
unsafe fn grow(
    skb: *mut bindings::sk_buff,
    next: &mut *mut u8,
    room: &mut usize,
    size: usize,
) -> DumpResult {
    // Full once is full for the rest of the round, or a smaller object would overtake this one.
    let left = core::mem::take(room);
    // SAFETY: By the safety requirements of this function.
    unsafe {
        if (*skb).len != 0 || *next != free_room(skb).0 {
            return Err(Stop(Reason::Full));
        }
        if (*skb).data_len != 0 {
            return Err(Stop::too_large(EMSGSIZE));
        }
        let more = size.saturating_sub(left);
        // CAST: `message_size` bounds `size`.
        to_result(ffi::genl_rs_grow(skb, more as c_int, bindings::GFP_KERNEL))?;
        (*next, *room) = free_room(skb);
    }
    Ok(())
}
