// SPDX-License-Identifier: GPL-2.0

//! Dumps: any number of objects, in as many buffers as they need.
//!
//! A dump is a cursor: its state says which object comes next. In each round the author pushes
//! objects and moves the state past each one that went in, until [`Objects::push`] says that the
//! buffer is full. The size of an object is known before it is written. So none is ever half
//! written, and the one that did not fit is the first of the next round.
//!
//! C headers: [`include/linux/netlink.h`](srctree/include/linux/netlink.h) (`struct
//! netlink_callback`), [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    command::{
        errno,
        Command,
        Message,
        Op, //
    },
    extack::Extack,
    family::{
        descriptor_of,
        state_of,
        Family,
        Registered, //
    },
    ffi,
    layout::Layout,
    message::{
        commit,
        free_room,
        message_size,
        put_message,
        spend,
        Header, //
    },
    module::{
        self,
        Mark, //
    },
    request::Request,
    trace, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// A dump operation, made by [`operations!`](super::operations): the method of the family starts it,
/// and what that returns is its [`DumpState`].
pub trait Dump: Op {
    /// Where the dump stands. It is dropped when the dump ends: because it was read to the end, has
    /// failed, or was closed midway. That may be in another task than the one that started it.
    type State: Send + 'static;

    /// Starts a dump. The request is read here, also what it says about which objects it wants.
    ///
    /// While the module is being loaded this is not called, and the reader gets [`EAGAIN`]: nothing
    /// could keep a module whose initialisation fails from being freed under a dump that is open.
    ///
    /// `EINTR` reaches the sender as `EAGAIN`: the core sends no ack at all for it.
    fn start(family: &Self::Family, request: Request<'_, Self>) -> Result<Self::State>
    where
        Self: Sized;

    /// Fills one buffer, see [`DumpState::dump`].
    fn dump(
        family: &Self::Family,
        state: &mut Self::State,
        objects: &mut Objects<'_, Self>,
    ) -> DumpResult
    where
        Self: Sized;

    /// Ends the dump, see [`DumpState::done`].
    fn done(_family: &Self::Family, _state: Self::State) {}

    /// The smallest size of a buffer, see [`DumpState::min_dump_alloc`].
    fn min_dump_alloc(_state: &Self::State) -> u32 {
        0
    }

    /// Whether the dump is of some objects only, see [`DumpState::filtered`].
    #[inline(always)]
    fn filtered(_state: &Self::State) -> bool {
        false
    }

    /// A number that changes when the dump becomes inconsistent, see [`DumpState::generation`].
    #[inline(always)]
    fn generation(_family: &Self::Family, _state: &Self::State) -> u32 {
        0
    }
}

/// Where the dump `D` stands, and how it goes on: what the method of a family returns when the
/// request for it comes. It is dropped when the dump ends, in any task.
///
/// # Examples
///
/// A dump of as many numbers as the request asks for.
///
/// ```
/// use core::ops::Range;
/// use genl::{
///     kind::U32,
///     Attribute,
///     DumpResult,
///     DumpState,
///     Objects,
///     Request, //
/// };
/// use kernel::prelude::*;
///
/// genl::attributes! {
///     /// Numbers.
///     pub(crate) mod number: NumberSet {
///         /// How many.
///         Count = 1: U32,
///         /// One of them.
///         Value = 2: U32,
///     }
/// }
///
/// genl::operations! {
///     for Numbers;
///
///     /// Returns numbers from 0 on.
///     dump Get = "get" 1, Anyone, NumberSet [number::Count] => get Left;
/// }
/// #
/// # struct Numbers;
/// #
/// # impl genl::Family for Numbers {
/// #     const NAME: &'static str = "numbers";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [genl::SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static genl::FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: genl::FamilyDescriptor<Numbers> = genl::FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
///
/// impl Numbers {
///     fn get(&self, request: Request<'_, Get>) -> Result<Left> {
///         Ok(Left(0..request.get(number::Count).unwrap_or(10)))
///     }
/// }
///
/// /// The numbers that are still to be sent.
/// struct Left(Range<u32>);
///
/// impl DumpState<Get> for Left {
///     fn dump(&mut self, _: &Numbers, objects: &mut Objects<'_, Get>) -> DumpResult {
///         for number in self.0.clone() {
///             objects.push(&(number::Value.put(number),))?;
///             self.0.start = number + 1;
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// A dump of pages of up to 48 KiB, from a list that may change between two buffers.
///
/// ```
/// use core::sync::atomic::{
///     AtomicU32,
///     Ordering::Relaxed, //
/// };
/// use genl::{
///     kind::Binary,
///     Attribute,
///     DumpResult,
///     DumpState,
///     Objects,
///     Request,
///     Stop, //
/// };
/// use kernel::{
///     prelude::*,
///     sync::Mutex, //
/// };
///
/// genl::attributes! {
///     /// A page.
///     pub(crate) mod page: PageSet {
///         /// What is in it.
///         Data = 1: Binary,
///     }
/// }
///
/// genl::operations! {
///     for Pages;
///
///     /// Returns all pages.
///     dump Get = "get" 1, Anyone, PageSet [] => get Next;
/// }
///
/// #[pin_data]
/// struct Pages {
///     #[pin]
///     list: Mutex<KVec<KVec<u8>>>,
///     /// Begins at 1, and counts whenever a page comes or goes.
///     generation: AtomicU32,
/// }
/// #
/// # impl genl::Family for Pages {
/// #     const NAME: &'static str = "pages";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [genl::SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static genl::FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: genl::FamilyDescriptor<Pages> = genl::FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
///
/// impl Pages {
///     fn get(&self, _: Request<'_, Get>) -> Result<Next> {
///         Ok(Next(0))
///     }
/// }
///
/// /// The index of the next page.
/// struct Next(usize);
///
/// impl DumpState<Get> for Next {
///     fn dump(&mut self, pages: &Pages, objects: &mut Objects<'_, Get>) -> DumpResult {
///         let list = pages.list.lock();
///         if list.len() < self.0 {
///             return Err(Stop::fail(EAGAIN, c"most of the pages have gone"));
///         }
///         while let Some(page) = list.get(self.0) {
///             objects.push(&(page::Data.put(&**page),))?;
///             self.0 += 1;
///         }
///         Ok(())
///     }
///
///     /// The protocol says that a reader needs a buffer of this size.
///     fn min_dump_alloc(&self) -> u32 {
///         64 << 10
///     }
///
///     /// The reader is told (`NLM_F_DUMP_INTR`), and begins again.
///     fn generation(&self, pages: &Pages) -> u32 {
///         pages.generation.load(Relaxed)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no state of the dump `{D}`",
    label = "implement `genl::DumpState` for it: `dump` fills a buffer"
)]
pub trait DumpState<D: Op>: Sized + Send + 'static {
    /// Fills one buffer. It is called again until it returns `Ok`, which ends the dump.
    ///
    /// If the family is unregistered meanwhile, it is not called any more, and the reader gets
    /// [`ENODEV`].
    fn dump(&mut self, family: &D::Family, objects: &mut Objects<'_, D>) -> DumpResult;

    /// Ends a dump that [`Dump::start`] has started. It is called once, and never for a start that
    /// has failed. If the family has gone, the state is dropped without it.
    fn done(self, _family: &D::Family) {}

    /// A number that changes when the objects change in a way that makes a dump in progress
    /// inconsistent. The reader then gets `NLM_F_DUMP_INTR`. 0 stands for "not known".
    ///
    /// It is asked for before and after each round.
    #[inline(always)]
    fn generation(&self, _family: &D::Family) -> u32 {
        0
    }

    /// Whether the dump is of some objects only, since the request has asked for these: then each
    /// object says so (`NLM_F_DUMP_FILTERED`), and so does the end, or a reader could not tell that
    /// no object has passed from a kernel that does not know the filter.
    ///
    /// It is asked before each round. As rtnetlink does it; devlink marks the objects, and not the
    /// end.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{kind::U32, Attribute, DumpResult, DumpState, Objects, Request};
    /// use kernel::prelude::*;
    ///
    /// genl::attributes! {
    ///     /// Numbers.
    ///     pub(crate) mod number: NumberSet {
    ///         /// One of them.
    ///         Value = 1: U32,
    ///     }
    /// }
    ///
    /// genl::operations! {
    ///     for Numbers;
    ///
    ///     /// Returns all numbers, or one.
    ///     dump Get = "get" 1, Anyone, NumberSet [number::Value] => get State;
    /// }
    /// #
    /// # struct Numbers;
    /// #
    /// # impl genl::Family for Numbers {
    /// #     const NAME: &'static str = "numbers";
    /// #     const VERSION: u8 = 1;
    /// #     const OPS: &'static [genl::SplitOp<Self>] = OPS;
    /// #
    /// #     fn descriptor() -> &'static genl::FamilyDescriptor<Self> {
    /// #         static DESCRIPTOR: genl::FamilyDescriptor<Numbers> = genl::FamilyDescriptor::new();
    /// #         &DESCRIPTOR
    /// #     }
    /// # }
    ///
    /// impl Numbers {
    ///     fn get(&self, request: Request<'_, Get>) -> Result<State> {
    ///         Ok(State { next: 0, only: request.get(number::Value) })
    ///     }
    /// }
    ///
    /// struct State {
    ///     next: u32,
    ///     /// The one number that is asked for.
    ///     only: Option<u32>,
    /// }
    ///
    /// impl DumpState<Get> for State {
    ///     fn filtered(&self) -> bool {
    ///         self.only.is_some()
    ///     }
    ///
    ///     fn dump(&mut self, _: &Numbers, objects: &mut Objects<'_, Get>) -> DumpResult {
    ///         while self.next < 10 {
    ///             if self.only.is_none_or(|only| only == self.next) {
    ///                 objects.push(&(number::Value.put(self.next),))?;
    ///             }
    ///             self.next += 1;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    #[inline(always)]
    fn filtered(&self) -> bool {
        false
    }

    /// The smallest size of a buffer, in bytes, for objects that are large. With 0 the core takes
    /// the size of the reader's buffer, up to 32 KiB.
    ///
    /// A reader with a smaller buffer gets `MSG_TRUNC` and loses objects. So raise this only if the
    /// protocol says so, and bound what comes from the request. It is at most 127 KiB: the core has
    /// 16 bits for the place where the data of a buffer begin. An object that is too large for one
    /// buffer makes that one grow anyway.
    fn min_dump_alloc(&self) -> u32 {
        0
    }
}

/// The largest [`DumpState::min_dump_alloc`]. `netlink_dump()` puts the room that an allocation has
/// beyond it in front of the data, whose offset has 16 bits.
const MIN_DUMP_ALLOC_MAX: u32 = 127 << 10;

/// Why a round of a dump ends before the dump does.
pub struct Stop(Reason);

enum Reason {
    Full,
    Failed(Failure),
}

/// The error that ends a dump, and its text.
#[derive(Clone, Copy)]
struct Failure {
    error: Error,
    text: Option<&'static CStr>,
}

/// What a reader is told of an object that no message can hold.
const TOO_LARGE: Failure = Failure {
    error: EMSGSIZE,
    text: Some(c"an object is too large for a message"),
};

/// What a reader is told whose dump has outlived the family.
const GONE: Failure = Failure {
    error: ENODEV,
    text: Some(c"the family has gone"),
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
}

impl Stop {
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
/// `skb` is valid and in use by this round only. The `room` bytes from `next` on are part of its
/// free room, whole messages lie between its tail and `next`.
pub struct Objects<'a, O> {
    skb: *mut bindings::sk_buff,
    next: *mut u8,
    room: usize,
    header: Header,
    _round: PhantomData<&'a mut bindings::sk_buff>,
    _op: PhantomData<fn() -> O>,
}

impl<O: Op> Objects<'_, O> {
    /// # Safety
    ///
    /// `skb` is the buffer of a round, and nothing else uses it as long as this exists.
    #[inline(always)]
    unsafe fn new(skb: *mut bindings::sk_buff, header: Header) -> Self {
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
        }
    }

    /// Adds an object, whole or not at all.
    ///
    /// Fails if the buffer is full: pass the error on with `?`, and push the same object first in
    /// the next round. An object that is larger than the buffer makes an empty buffer grow. One
    /// above the limits of [`Responder::send`](super::Responder::send) ends the dump with
    /// [`EMSGSIZE`].
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
            skb.len == 0 && core::ptr::eq(self.next, skb.head.add(skb.tail as usize))
        }
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
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, size: usize) -> DumpResult {
        // SAFETY: By the type invariants.
        match unsafe { grow(self.skb, self.next, size) } {
            Ok((next, room)) => {
                // INVARIANT: `grow` returns the free room of the skb, and it was empty.
                (self.next, self.room) = (next, room);
                Ok(())
            }
            Err(stop) => {
                // Full once is full for the rest of the round, or a smaller object would overtake
                // this one.
                // INVARIANT: No bytes are part of the free room.
                self.room = 0;
                Err(stop)
            }
        }
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
        if matches!(result, Err(Stop(Reason::Full))) && pushed && to <= from {
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
        let mut here = Objects::<O> { ..*self };
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
    fn commit(self) -> u32 {
        // SAFETY: By the type invariants, all bytes up to `next` are written.
        unsafe { commit(&mut *self.skb, self.next) }
    }
}

/// Makes room for a message of `size` bytes at `next` by enlarging an empty buffer.
///
/// Enlarging `min_dump_alloc` instead would make all buffers of the dump larger, and truncate them
/// for every reader; returning `EMSGSIZE` would end the dump.
///
/// # Safety
///
/// `skb` is the buffer of a round and not shared; `next` is what [`Objects`] says.
#[cold]
#[inline(never)]
unsafe fn grow(
    skb: *mut bindings::sk_buff,
    next: *mut u8,
    size: usize,
) -> core::result::Result<(*mut u8, usize), Stop> {
    // SAFETY: By the safety requirements of this function.
    unsafe {
        let (start, room) = free_room(skb);
        if (*skb).len != 0 || next != start {
            return Err(Stop(Reason::Full));
        }
        if (*skb).data_len != 0 {
            return Err(Stop::too_large(EMSGSIZE));
        }
        let more = size.saturating_sub(room);
        // CAST: `message_size` bounds `size`.
        to_result(ffi::genl_rs_grow(skb, more as c_int, bindings::GFP_KERNEL))?;
        Ok(free_room(skb))
    }
}

/// The largest state, in bytes, that a round has on its stack.
const LOCAL_MAX: usize = 64;

/// What a dump keeps between its rounds.
struct Context<O: Dump> {
    /// The number of the registration that it belongs to, which it may outlive.
    serial: u64,
    /// The error that ends the dump as soon as the objects in front of it have left.
    failure: Option<Failure>,
    state: O::State,
}

/// Where a `C` lives during a dump: in `netlink_callback::ctx` if it fits there, else in a box that
/// `ctx` points to.
struct Slot<C>(PhantomData<C>);

impl<C> Slot<C> {
    /// `ctx` is a union with an array of `long`, and has the size that `helpers.c` asserts.
    const INLINE: bool = size_of::<C>() <= 48 && align_of::<C>() <= align_of::<c_long>();

    /// # Safety
    ///
    /// `cb` is valid.
    #[inline(always)]
    unsafe fn ctx(cb: *mut bindings::netlink_callback) -> *mut c_void {
        // SAFETY: By the safety requirements of this function.
        unsafe { (&raw mut (*cb).__bindgen_anon_1).cast() }
    }

    /// # Safety
    ///
    /// `cb` is valid and its slot is empty; it is not empty afterwards, unless this fails.
    unsafe fn put(cb: *mut bindings::netlink_callback, value: C) -> core::result::Result<(), C> {
        // SAFETY: By the safety requirements of this function.
        let ctx = unsafe { Self::ctx(cb) };
        if Self::INLINE {
            // SAFETY: Size and alignment fit.
            unsafe { ctx.cast::<C>().write(value) };
        } else {
            match KBox::<C>::new_uninit(GFP_KERNEL) {
                // SAFETY: `ctx` has room for a pointer.
                Ok(room) => unsafe {
                    ctx.cast::<*mut C>()
                        .write(KBox::into_raw(KBox::write(room, value)))
                },
                Err(_) => return Err(value),
            }
        }
        Ok(())
    }

    /// # Safety
    ///
    /// The slot of `cb` is not empty, and the pointer is used as long as it stays so.
    #[inline(always)]
    unsafe fn get(cb: *mut bindings::netlink_callback) -> *mut C {
        // SAFETY: By the safety requirements of this function.
        let ctx = unsafe { Self::ctx(cb) };
        if Self::INLINE {
            ctx.cast()
        } else {
            // SAFETY: `put` has stored the pointer.
            unsafe { *ctx.cast::<*mut C>() }
        }
    }

    /// # Safety
    ///
    /// The slot of `cb` is not empty; it is afterwards.
    unsafe fn take(cb: *mut bindings::netlink_callback) -> C {
        // SAFETY: By the safety requirements of this function.
        let value = unsafe { Self::get(cb) };
        if Self::INLINE {
            // SAFETY: As above; the slot counts as empty from here on.
            unsafe { value.read() }
        } else {
            // SAFETY: `put` has taken the pointer from a box.
            KBox::into_inner(unsafe { KBox::from_raw(value) })
        }
    }
}

/// The request of a dump.
///
/// # Safety
///
/// `cb` belongs to a generic netlink dump that has not ended during `'a`.
#[inline(always)]
unsafe fn info_of<'a>(cb: *mut bindings::netlink_callback) -> &'a bindings::genl_info {
    // SAFETY: `genl_start()` has stored a `genl_dumpit_info`, which is freed when the dump ends.
    unsafe { &(*(*cb).data.cast::<bindings::genl_dumpit_info>()).info }
}

/// # Safety
///
/// The core calls it as the `start` of a table entry of `O`.
pub(super) unsafe extern "C" fn dump_start<O: Dump>(cb: *mut bindings::netlink_callback) -> c_int {
    // SAFETY: The dump is just being started.
    let info = unsafe { info_of(cb) };
    let mut mark = Mark::new();
    // SAFETY: As above; the mark stays where it is.
    let refused = unsafe { refuse((*cb).skb, info, &mut mark) };
    if refused != 0 {
        return refused;
    }
    // SAFETY: The family is registered: it is the handling of a request that starts a dump.
    let (family, registered) = unsafe {
        (
            state_of::<O::Family>(info),
            Registered::<O::Family>::from_info(info),
        )
    };
    // The rounds ask.
    registered.open();
    // SAFETY: The entry of `O` has made the core parse with the policy of `O`.
    let request = unsafe { Request::<O>::new(info, (*cb).skb) };
    let start = || {
        let state = O::start(family, request)?;
        // SAFETY: The core looks at it when this returns.
        unsafe { (*cb).min_dump_alloc = O::min_dump_alloc(&state).min(MIN_DUMP_ALLOC_MAX) };
        let context = Context::<O> {
            serial: registered.serial(),
            failure: None,
            state,
        };
        // SAFETY: The core zeroes the slot of a new dump and never looks at it.
        unsafe { Slot::put(cb, context) }.map_err(|context| {
            // The core calls `done` for a start that has succeeded only.
            O::done(family, context.state);
            ENOMEM
        })
    };
    let result = start();
    // SAFETY: `refuse` has set it.
    unsafe { mark.leave() };
    match result {
        Ok(()) => 0,
        Err(error) => errno(error),
    }
}

/// What comes in front of the start of each dump. Returns an error, or sets the mark and returns 0.
///
/// # Safety
///
/// `skb` and `info` belong to a request that is being handled, and the mark stays where it is until
/// [`Mark::leave`] is called, if this returns 0.
#[inline(never)]
unsafe fn refuse(
    skb: *const bindings::sk_buff,
    info: &bindings::genl_info,
    mark: &mut Mark,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    let (killed, spent) = unsafe { (mark.enter(ptr::null()), spend(skb, info, 1, 0)) };
    let refused = if killed {
        EINTR.to_errno()
    } else if let Err(error) = spent {
        errno(error)
    } else if is_loading(info) {
        // SAFETY: As above.
        unsafe { Extack::new(info.extack) }.set_text(c"the module of the family is being loaded");
        EAGAIN.to_errno()
    } else {
        return 0;
    };
    // SAFETY: It was just set.
    unsafe { mark.leave() };
    refused
}

/// Whether the module of a family is being loaded, or could not be.
#[inline]
fn is_loading(info: &bindings::genl_info) -> bool {
    // SAFETY: The family of a request is valid, and its module is null or valid.
    unsafe { (*info.family).module.as_ref() }
        .is_some_and(|module| module.state != bindings::module_state_MODULE_STATE_LIVE)
}

/// # Safety
///
/// The core calls it as the `dumpit` of a table entry of `O`.
pub(super) unsafe extern "C" fn dumpit<O: Dump>(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    let result = unsafe { round::<O>(skb, cb) };
    // SAFETY: As above; the round is about to return.
    unsafe { trace::dump_buffer(info_of(cb), skb, result) };
    result
}

/// A round of a dump.
///
/// # Safety
///
/// As for [`dumpit`].
#[inline(always)]
unsafe fn round<O: Dump>(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: The dump has been started and has not ended.
    let info = unsafe { info_of(cb) };
    // SAFETY: `dump_start` has filled the slot, and the core serialises the callbacks of a dump.
    let context = unsafe { &mut *Slot::<Context<O>>::get(cb) };
    if let Some(failure) = context.failure {
        return report(info, failure);
    }
    // SAFETY: As above, a dump of `O`.
    let descriptor = unsafe { descriptor_of::<O::Family>(info) };
    let Some(registered) = descriptor.registered_as(context.serial) else {
        return report(info, GONE);
    };
    let family = registered.state();
    let mut mark = Mark::new();
    // The first round is under a lock of the core, and each of them keeps the family registered.
    // SAFETY: It stays where it is.
    unsafe { mark.enter(ptr::null()) };
    let generation = O::generation(family, &context.state);
    let mut flags = bindings::NLM_F_MULTI;
    if O::filtered(&context.state) {
        flags |= bindings::NLM_F_DUMP_FILTERED;
        // CAST: It is a flag of 16 bits.
        // SAFETY: The core looks at it when the dump ends.
        unsafe { (*cb).answer_flags |= bindings::NLM_F_DUMP_FILTERED as u16 };
    }
    // SAFETY: The skb is ours for this round.
    let mut objects = unsafe { Objects::new(skb, Header::answer(info, flags)) };
    let result = if const { size_of::<O::State>() <= LOCAL_MAX } {
        // A local copy of the state can live in registers.
        // SAFETY: It is written back below, and nothing unwinds or returns in between.
        let mut state = ManuallyDrop::new(unsafe { ptr::read(&context.state) });
        let result = O::dump(family, &mut state, &mut objects);
        // SAFETY: The old value was moved out above.
        unsafe { ptr::write(&mut context.state, ManuallyDrop::into_inner(state)) };
        result
    } else {
        O::dump(family, &mut context.state, &mut objects)
    };
    let len = objects.commit();
    if generation != 0 {
        let after = O::generation(family, &context.state);
        // SAFETY: Both are valid, and the objects are in the skb.
        unsafe { check_consistent(skb, cb, generation, after) };
    }
    // SAFETY: It was set above.
    unsafe { mark.leave() };
    // SAFETY: The core keeps the request as long as the dump.
    unsafe { finish((*cb).skb, info, &mut context.failure, result, len) }
}

/// What comes behind each round of a dump that has `len` bytes in its buffer now: makes the number
/// that the core is told.
///
/// # Safety
///
/// `skb` and `info` belong to the request of the dump.
#[inline(never)]
unsafe fn finish(
    skb: *mut bindings::sk_buff,
    info: &bindings::genl_info,
    later: &mut Option<Failure>,
    result: DumpResult,
    len: u32,
) -> c_int {
    // The first round is a part of the datagram that has started the dump. What is in the buffer
    // is sent; the next request of that datagram may be refused.
    // SAFETY: By the safety requirements of this function.
    unsafe { ffi::genl_rs_charge(skb, 1, len as usize) };
    match result {
        Ok(()) => 0,
        // CAST: The length of an skb fits.
        Err(Stop(Reason::Full)) if len > 0 => len as c_int,
        // A `Stop` of an earlier round: an empty buffer would be taken for the end of the dump.
        Err(Stop(Reason::Full)) => report(info, EINVAL.into()),
        Err(Stop(Reason::Failed(failure))) if len > 0 => {
            // The core drops the extended ack where the buffer has no room left for it, and the
            // error with it would come before objects that went in: it gets a buffer of its own.
            *later = Some(failure);
            len as c_int
        }
        Err(Stop(Reason::Failed(failure))) => report(info, failure),
    }
}

/// # Safety
///
/// The core calls it as the `done` of a table entry of `O`.
pub(super) unsafe extern "C" fn dump_done<O: Dump>(cb: *mut bindings::netlink_callback) -> c_int {
    // SAFETY: `dump_start` has filled the slot, and this is the last callback of the dump, which is
    // one of `O`.
    let (context, descriptor) = unsafe {
        (
            Slot::<Context<O>>::take(cb),
            descriptor_of::<O::Family>(info_of(cb)),
        )
    };
    module::within(ptr::null(), || {
        match descriptor.registered_as(context.serial) {
            Some(registered) => O::done(registered.state(), context.state),
            None => drop(context.state),
        }
    });
    0
}

/// Ends a dump with an error.
#[cold]
fn report(info: &bindings::genl_info, failure: Failure) -> c_int {
    if let Some(text) = failure.text {
        // SAFETY: During a round the extended ack is null or that of the round.
        unsafe { Extack::new(info.extack) }.set_text(text);
    }
    errno(failure.error)
}

/// Marks a dump whose objects have changed since it began, as `genl_dump_check_consistent()` does
/// for each message: the first message of a round carries the mark, or the core's own last one.
///
/// # Safety
///
/// `skb` and `cb` belong to a round that has just been committed.
#[inline(never)]
unsafe fn check_consistent(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
    before: u32,
    after: u32,
) {
    // SAFETY: By the safety requirements of this function; where the skb has data it begins with
    // a message header.
    unsafe {
        let (skb, cb) = (&mut *skb, &mut *cb);
        cb.seq = before;
        if skb.len != 0 {
            if cb.prev_seq != 0 && cb.prev_seq != before {
                let flags = skb.data.add(6).cast::<u16>();
                // CAST: `NLM_F_DUMP_INTR` is a flag of 16 bits.
                flags.write_unaligned(flags.read_unaligned() | bindings::NLM_F_DUMP_INTR as u16);
            }
            cb.prev_seq = before;
        }
        if after != before {
            // A change in this very round: whoever comes next carries the mark.
            if cb.prev_seq == 0 {
                cb.prev_seq = before;
            }
            cb.seq = after;
        }
    }
}

#[kunit_tests(genl_dump)]
mod tests {
    use super::{
        super::{
            attribute::{
                Attribute,
                InSet, //
            },
            family::{
                FamilyDescriptor,
                Registration, //
            },
            module::TEST_MODULE as MODULE,
            plain::Binary,
            table::SplitOp, //
        },
        *, //
    };
    use core::{
        ptr::NonNull,
        sync::atomic::{
            AtomicU32,
            Ordering::Relaxed, //
        },
    };

    static GONE: AtomicU32 = AtomicU32::new(0);

    /// A family whose operation the core does not know.
    pub(crate) struct Fam;

    impl Drop for Fam {
        fn drop(&mut self) {
            GONE.fetch_add(1, Relaxed);
        }
    }

    impl Family for Fam {
        const NAME: &'static str = "kunit-dump";
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
            &DESCRIPTOR
        }
    }

    /// What the macros know it by.
    mod genl {
        pub(super) use super::super::super::*;
    }

    genl::attributes! {
        /// An object.
        pub(crate) mod object: ObjectSet {
            /// What it is filled with.
            Bytes = 1: Binary,
        }
    }

    genl::operations! {
        for Fam;

        /// The dump.
        dump Get = "get" 1, Anyone, ObjectSet [] => get Left;
    }

    impl Fam {
        fn get(&self, _: Request<'_, Get>) -> Result<Left> {
            Ok(Left(1000, 3))
        }
    }

    impl DumpState<Get> for Left {
        fn dump(&mut self, _: &Fam, objects: &mut Objects<'_, Get>) -> DumpResult {
            objects.run(self)
        }
    }

    /// An object of so many bytes, headers included.
    struct Sized(usize);

    const SMALLEST: usize = 24;
    static ZEROS: [u8; 20000] = [0; 20000];

    impl Message<Get> for Sized {
        fn layout(&self) -> impl InSet<ObjectSet> + '_ {
            object::Bytes.put(&ZEROS[..self.0 - SMALLEST])
        }
    }

    struct Skb(NonNull<bindings::sk_buff>);

    impl Skb {
        fn new(size: u32) -> Result<Self> {
            // SAFETY: Allocating has no requirements; -1 stands for any node.
            let skb = unsafe { bindings::__alloc_skb(size, bindings::GFP_KERNEL, 0, -1) };
            Ok(Self(NonNull::new(skb).ok_or(ENOMEM)?))
        }

        fn objects(&mut self) -> Objects<'_, Get> {
            // SAFETY: It is borrowed as long as the round lasts.
            unsafe { Objects::new(self.0.as_ptr(), Header::new(16, 0, 1, 2)) }
        }

        fn room(&self) -> usize {
            // SAFETY: It is valid.
            unsafe { free_room(self.0.as_ptr()) }.1
        }

        fn len(&self) -> u32 {
            // SAFETY: It is valid.
            unsafe { self.0.as_ref() }.len
        }
    }

    impl Drop for Skb {
        fn drop(&mut self) {
            // SAFETY: It is ours.
            unsafe { bindings::nlmsg_free(self.0.as_ptr()) }
        }
    }

    fn is_full(result: DumpResult) -> bool {
        matches!(result, Err(Stop(Reason::Full)))
    }

    #[test]
    fn full_is_full_for_the_rest_of_the_round() -> Result {
        let mut skb = Skb::new(1000)?;
        let room = skb.room();
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(room - 100 & !3)).is_ok());
        assert!(is_full(objects.push(&Sized(200))));
        assert!(is_full(objects.push(&Sized(SMALLEST))));
        assert_eq!(objects.commit() as usize, room - 100 & !3);
        Ok(())
    }

    #[test]
    fn the_room_is_what_goes_in() -> Result {
        let mut skb = Skb::new(1000)?;
        let room = skb.room();
        let mut objects = skb.objects();
        assert!(objects.is_empty() && objects.room() == room);
        assert_eq!(objects.size_of(&Sized(100)), Ok(100));
        assert!(objects.push(&Sized(100)).is_ok());
        assert!(!objects.is_empty() && objects.room() == room - 100);
        assert!(objects.push(&Sized(objects.room() & !3)).is_ok());
        assert!(objects.room() < 4);
        assert!(is_full(objects.push(&Sized(SMALLEST))));
        assert_eq!(objects.room(), 0);
        assert_eq!(objects.commit() as usize, room & !3);
        // What was committed is not empty either.
        assert!(!skb.objects().is_empty());
        Ok(())
    }

    #[test]
    fn the_last_byte_is_used() -> Result {
        let mut skb = Skb::new(1000)?;
        let room = skb.room();
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(SMALLEST)).is_ok());
        assert!(objects.push(&Sized(room - SMALLEST)).is_ok());
        assert!(is_full(objects.push(&Sized(SMALLEST))));
        assert_eq!(objects.commit() as usize, room);
        assert_eq!(skb.room(), 0);
        Ok(())
    }

    #[test]
    fn nothing_is_visible_before_the_end() -> Result {
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(100)).is_ok());
        drop(objects);
        assert_eq!(skb.len(), 0);
        Ok(())
    }

    #[test]
    fn an_empty_buffer_grows() -> Result {
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(20000)).is_ok());
        assert_eq!(objects.commit(), 20000);
        // It is the end for what does not fit beside it.
        let mut objects = skb.objects();
        assert!(is_full(objects.push(&Sized(20000))));
        assert_eq!(objects.commit(), 20000);
        Ok(())
    }

    /// Objects of one size, and how many are left.
    #[derive(Clone, Copy)]
    pub(crate) struct Left(usize, u32);

    impl Cursor<Get> for Left {
        fn place(&self) -> u64 {
            u64::from(u32::MAX - self.1)
        }

        fn peek(&self) -> Option<impl Message<Get> + '_> {
            (self.1 > 0).then_some(Sized(self.0))
        }

        fn advance(&mut self) {
            self.1 -= 1;
        }
    }

    #[test]
    fn a_cursor_behind_another_one_may_find_no_room() -> Result {
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        let (mut small, mut large) = (Left(100, 1), Left(5000, 2));
        assert!(objects.run(&mut small).is_ok());
        assert!(is_full(objects.run(&mut large)));
        assert!(small.1 == 0 && large.1 == 2);
        assert_eq!(objects.commit(), 100);
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(100)).is_ok());
        assert!(is_full(objects.run(&mut large)));
        assert!(large.1 == 2);
        // The next round has room for it.
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        assert!(is_full(objects.run(&mut large)));
        assert!(large.1 == 1);
        Ok(())
    }

    /// An object that nothing gets past.
    #[derive(Clone, Copy)]
    struct Stuck;

    // It is never equal to itself, and nobody asks.
    impl PartialEq for Stuck {
        fn eq(&self, _: &Self) -> bool {
            false
        }
    }

    impl Cursor<Get> for Stuck {
        fn place(&self) -> u64 {
            7
        }

        fn peek(&self) -> Option<impl Message<Get> + '_> {
            Some(Sized(100))
        }

        fn advance(&mut self) {}
    }

    #[test]
    fn a_cursor_that_does_not_move_ends_the_dump() -> Result {
        let mut skb = Skb::new(1000)?;
        let result = skb.objects().run(&mut Stuck);
        assert!(matches!(
            result,
            Err(Stop(Reason::Failed(Failure { error, .. }))) if error == EINVAL
        ));
        Ok(())
    }

    #[test]
    fn a_buffer_that_is_not_linear_has_no_room() -> Result {
        let mut skb = Skb::new(1000)?;
        // As if there were a page of data behind the linear part.
        // SAFETY: It is ours, and put back below.
        unsafe { skb.0.as_mut().data_len = 4096 };
        let room = skb.room();
        let result = skb.objects().push(&Sized(100));
        // SAFETY: As above.
        unsafe { skb.0.as_mut().data_len = 0 };
        assert_eq!(room, 0);
        assert!(matches!(
            result,
            Err(Stop(Reason::Failed(Failure { error, .. }))) if error == EMSGSIZE
        ));
        Ok(())
    }

    #[test]
    fn a_dump_ends_with_the_registration_that_it_belongs_to() -> Result {
        let registration = Registration::new(MODULE, Fam)?;
        let before = GONE.load(Relaxed);
        let skb = Skb::new(1000)?;
        let mut request: KBox<bindings::genl_dumpit_info> =
            KBox::new(pin_init::zeroed(), GFP_KERNEL)?;
        request.info.family = core::ptr::from_ref(Fam::descriptor()).cast();
        let mut cb: KBox<bindings::netlink_callback> = KBox::new(pin_init::zeroed(), GFP_KERNEL)?;
        cb.data = (&raw mut *request).cast();
        // No socket has sent it.
        let datagram = Skb::new(100)?;
        cb.skb = datagram.0.as_ptr();
        let cb = &raw mut *cb;

        // SAFETY: `cb` is what the core would pass, of a request that nobody looks at.
        assert_eq!(unsafe { dump_start::<Get>(cb) }, 0);
        // SAFETY: As above; the dump has been started.
        assert_eq!(unsafe { round::<Get>(skb.0.as_ptr(), cb) }, 1000);
        assert_eq!(GONE.load(Relaxed), before);
        drop(registration);
        assert_eq!(GONE.load(Relaxed), before + 1);
        // SAFETY: As above.
        let gone = unsafe { round::<Get>(skb.0.as_ptr(), cb) };
        assert_eq!(gone, ENODEV.to_errno());

        // The next one is none of its business.
        let registration = Registration::new(MODULE, Fam)?;
        // SAFETY: As above.
        let other = unsafe { round::<Get>(skb.0.as_ptr(), cb) };
        assert_eq!(other, ENODEV.to_errno());
        // SAFETY: It is the end.
        unsafe { dump_done::<Get>(cb) };
        drop(registration);
        Ok(())
    }

    static DROPPED: AtomicU32 = AtomicU32::new(0);

    /// Counts how often it is dropped.
    struct Counted<const N: usize>([u64; N]);

    impl<const N: usize> Drop for Counted<N> {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }

    fn put_and_take<const N: usize>() -> Result<bool> {
        let mut cb: KBox<bindings::netlink_callback> = KBox::new(pin_init::zeroed(), GFP_KERNEL)?;
        let cb: *mut bindings::netlink_callback = &mut *cb;
        let before = DROPPED.load(Relaxed);
        // SAFETY: `cb` is valid; its slot is empty, then filled, then taken.
        let taken = unsafe {
            Slot::put(cb, Counted([7; N])).map_err(|_| ENOMEM)?;
            (*Slot::<Counted<N>>::get(cb)).0[N - 1] = 8;
            Slot::<Counted<N>>::take(cb)
        };
        let right = taken.0[0] == if N == 1 { 8 } else { 7 } && taken.0[N - 1] == 8;
        drop(taken);
        Ok(right && DROPPED.load(Relaxed) == before + 1)
    }

    #[test]
    fn a_state_is_kept_and_dropped_once() -> Result {
        assert!(Slot::<Counted<6>>::INLINE && !Slot::<Counted<7>>::INLINE);
        assert!(put_and_take::<1>()?);
        assert!(put_and_take::<6>()?);
        assert!(put_and_take::<7>()?);
        assert!(put_and_take::<100>()?);
        Ok(())
    }
}
