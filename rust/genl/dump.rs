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
    command::Op,
    kept::Kept,
    net::Net,
    objects::{
        DumpResult,
        Objects, //
    },
    request::Request, //
};
use kernel::prelude::*;

/// A dump operation, made by [`operations!`](super::operations): the method of the family starts
/// it, and what that returns is its [`DumpState`].
pub trait Dump: Op + Sized {
    /// Where the dump stands.
    type State: DumpState<Self>;

    /// Starts a dump. The request is read here, also what it says about which objects it wants.
    ///
    /// While the module is being loaded this is not called, and the reader gets [`EAGAIN`]: nothing
    /// could keep a module whose initialisation fails from being freed under a dump that is open.
    ///
    /// `EINTR` reaches the sender as `EAGAIN`: the core sends no ack at all for it.
    fn start(family: &Self::Family, request: Request<'_, Self>) -> Result<Self::State>;
}

/// Where the dump `D` stands, and how it goes on: what the method of a family returns when the
/// request for it comes. It is dropped when the dump ends: because it was read to the end, has
/// failed, or was closed midway. That may be in another task than the one that has started it.
///
/// It is kept from one system call to the next, and between them nothing holds still for it: it
/// borrows nothing, and holds no lock. A key or an index says where the next buffer begins, and
/// what shall stay there has an [`Arc`](kernel::sync::Arc).
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
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use genl::{
///     kind::Binary,
///     Attribute,
///     DumpResult,
///     DumpState,
///     Net,
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
///     generation: Atomic<u32>,
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
///     fn generation(&self, pages: &Pages, _: &Net) -> u32 {
///         pages.generation.load(Relaxed)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no state of the dump `{D}`",
    label = "implement `genl::DumpState` for it: `dump` fills a buffer"
)]
pub trait DumpState<D: Op>: Sized + Kept + 'static {
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
    /// It is asked for before and after each round, for the network namespace of the reader.
    #[inline(always)]
    fn generation(&self, _family: &D::Family, _net: &Net) -> u32 {
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
    /// #         static DESCRIPTOR: genl::FamilyDescriptor<Numbers> =
    /// #             genl::FamilyDescriptor::new();
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
