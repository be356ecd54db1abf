// SPDX-License-Identifier: GPL-2.0

//! The server half of generic netlink.
//!
//! A family is a type: its constants describe it, and its value is the state that its handlers
//! share. Each operation is a type as well, with a [`Policy`] and one of the traits [`Do`],
//! [`DoReply`] and [`Dump`]. What the core would find wrong with a table does not compile, and
//! neither does much of what the core would not find. A family has no `unsafe`, no raw attribute
//! and no buffer arithmetic.
//!
//! | file | idea |
//! |---|---|
//! | `family.rs`, `gate.rs` | a family and its registration; who may prove that it is registered |
//! | `module.rs` | the module around it: what is taken back when it goes |
//! | `op.rs` | operations and their table |
//! | `policy.rs` | what a request may carry |
//! | `request.rs`, `attr.rs`, `extack.rs` | reading a request, refusing it |
//! | `layout.rs`, `message.rs`, `multipart.rs` | writing attributes, sending messages |
//! | `header.rs` | headers of a family's own |
//! | `dump.rs` | many objects over many buffers |
//! | `multicast.rs` | groups and notifications |
//! | `work.rs`, `deferred.rs` | work that belongs to a family, replies that are given later |
//! | `net.rs` | network namespaces |
//! | `per_net.rs`, `socket.rs` | state for each network namespace, and for each socket |
//! | `sync.rs` | the atomics of all this, which `scripts/check/loom` replaces |
//! | `trace.rs`, `genl_trace.h` | tracepoints around all callbacks |
//! | `ffi.rs`, `helpers.c`, `helpers.h` | inline functions of the C headers |
//! | `guide/` | [pages](guide) for authors: answers that wait, calling C, state, messages, panics |
//! | `surface.md` | what a family in C can do, and how it is done here; which test shows it |
//! | `families.md` | what the families of the kernel need, and what of it is here |
//! | `traps.md` | where families in C go wrong, what closes each trap, which test shows it |
//!
//! A module takes this folder in as its own `genl` (`#[path = "../genl/mod.rs"] mod genl;`):
//! external modules cannot share a crate. It links a C file of one line that includes
//! `helpers.c`.
//!
//! # Upstream's names
//!
//! `rust/kernel/net/netlink.rs` of the kernel lets a family in Rust have multicast groups, and
//! nothing else so far. [`MulticastGroup`], [`Registration`] and
//! [`has_listeners`](Registered::has_listeners) have its names and mean the same. `Family` is a
//! struct there, the `struct genl_family` itself. Here [`Family`] is a trait: operations, groups
//! and messages belong to a family by its type, and handlers get its value as their state, so the
//! family is a type of the author's, and its description is a [`FamilyDescriptor`].
//! `NetlinkSkBuff`, `GenlMsg` and its `put_u32()` have no counterpart: a [`Message`] is described
//! by a [`Layout`], and is never half written. So [`multicast`](Registered::multicast) does more than
//! `GenlMsg::multicast()`, which sends a message that has been written, to a group by its number, in
//! the initial network namespace: it makes the message when somebody listens, for the group that its
//! type names and the namespace that it is given.
//!
//! # Examples
//!
//! A whole module, behind `#[path = "../genl/mod.rs"] mod genl;`: a number that user space can read,
//! and that the administrator can add to. In it the macro is `crate::module_family!`.
//!
//! ```
//! use genl::{
//!     layout::U32, Access, Attr, Command, Do, DoReply, Family, FamilyDescriptor, Layout, Message,
//!     ModuleFamily, Op, Policy, Request, Responder, Sent, SplitOp,
//! };
//! use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
//! use kernel::{prelude::*, ThisModule};
//!
//! /// The family, and its state.
//! struct Counter {
//!     value: AtomicU32,
//! }
//!
//! impl Family for Counter {
//!     const NAME: &'static str = "counter";
//!     const VERSION: u8 = 1;
//!     const OPS: &'static [SplitOp<Self>] = &genl::table([
//!         genl::do_reply::<Get>(),
//!         genl::do_::<Add>(),
//!     ]);
//!
//!     fn descriptor() -> &'static FamilyDescriptor<Self> {
//!         static DESCRIPTOR: FamilyDescriptor<Counter> = FamilyDescriptor::new();
//!         &DESCRIPTOR
//!     }
//! }
//!
//! impl ModuleFamily for Counter {
//!     fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> {
//!         Ok(Self {
//!             value: AtomicU32::new(0),
//!         })
//!     }
//! }
//!
//! /// Command 1, get: returns the value as attribute 1.
//! struct Get;
//!
//! impl Command for Get {
//!     type Family = Counter;
//!     const NAME: &'static str = "get";
//!     const NUMBER: u8 = 1;
//! }
//!
//! impl Op for Get {
//!     type Policy = genl::NoAttrs;
//! }
//!
//! /// The reply of [`Get`].
//! struct Value(u32);
//!
//! impl Message<Get> for Value {
//!     fn layout(&self) -> impl Layout + '_ {
//!         (U32::<1>(self.0),)
//!     }
//! }
//!
//! impl DoReply for Get {
//!     fn doit<'a>(
//!         counter: &Counter,
//!         _: Request<'a, Self>,
//!         reply: Responder<'a, Self>,
//!     ) -> Result<Sent<'a>> {
//!         reply.send(&Value(counter.value.load(Relaxed)))
//!     }
//! }
//!
//! /// Command 2, add: adds attribute 1, a number from 0 to 100. For the administrator only.
//! struct Add;
//!
//! impl Command for Add {
//!     type Family = Counter;
//!     const NAME: &'static str = "add";
//!     const NUMBER: u8 = 2;
//! }
//!
//! impl Policy for Add {
//!     const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().max::<100>()];
//! }
//!
//! impl Op for Add {
//!     type Policy = Self;
//!     const ACCESS: Access = Access::Admin;
//! }
//!
//! impl Do for Add {
//!     fn doit(counter: &Counter, request: Request<'_, Self>) -> Result {
//!         let number = request
//!             .u32::<1>()
//!             .ok_or_else(|| request.missing::<1>())?;
//!         counter.value.fetch_add(number, Relaxed);
//!         Ok(())
//!     }
//! }
//!
//! genl::module_family! {
//!     type: Counter,
//!     alias: true,
//!     name: "counter",
//!     authors: ["A. U. Thor"],
//!     description: "A number that user space can read and add to",
//!     license: "GPL",
//! }
//! ```
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

// These are for families.
#![allow(clippy::disallowed_methods)]
// A module has all of this folder, and uses a part of it.
#![allow(dead_code, unreachable_pub, unused_imports)]

mod attr;
mod deferred;
mod dump;
mod extack;
mod family;
mod ffi;
mod gate;
mod header;
pub mod layout;
mod message;
mod module;
mod multicast;
mod multipart;
mod net;
mod op;
mod per_net;
mod policy;
mod request;
mod socket;
mod sync;
mod trace;
mod work;
#[cfg(doc)]
pub mod guide {
    //! Pages for authors of families.
    #[doc = include_str!("guide/answer_later.md")]
    pub mod answer_later {}
    #[doc = include_str!("guide/calling_c.md")]
    pub mod calling_c {}
    #[doc = include_str!("guide/messages.md")]
    pub mod messages {}
    #[doc = include_str!("guide/panics.md")]
    pub mod panics {}
    #[doc = include_str!("guide/state.md")]
    pub mod state {}
}
#[cfg(doc)]
#[doc = include_str!("families.md")]
pub mod families {}
#[cfg(doc)]
#[doc = include_str!("surface.md")]
pub mod surface {}
#[cfg(doc)]
#[doc = include_str!("traps.md")]
pub mod traps {}

pub use self::{
    attr::{
        AnyNest,
        Attrs,
        Bitfield32,
        Nested,
        Read, //
    },
    deferred::Deferred,
    dump::{
        Cursor,
        Dump,
        DumpResult,
        Objects,
        Stop, //
    },
    extack::Extack,
    family::{
        Bind,
        Family,
        FamilyDescriptor,
        Registered,
        Registration,
        RegistrationGuard, //
    },
    header::{
        hdrsize,
        FixedHeader, //
    },
    layout::Layout,
    message::{
        Command,
        Message,
        Responder,
        Sent, //
    },
    module::{
        alias,
        alias_len,
        ModuleFamily, //
    },
    multicast::{
        Group,
        Listen,
        MulticastGroup,
        Notify, //
    },
    multipart::Multipart,
    net::Net,
    op::{
        do_,
        do_reply,
        dump,
        guarded_do,
        guarded_do_reply,
        table,
        Access,
        Both,
        Do,
        DoReply,
        Entry,
        Guard,
        GuardedDo,
        GuardedDoReply,
        Op,
        SplitOp,
        Validation, //
    },
    per_net::{
        NetState,
        NetStateGuard,
        PerNet, //
    },
    policy::{
        Attr,
        NoAttrs,
        Policy,
        Scalar,
        Validate,
        ValidateBytes, //
    },
    request::{
        Capability,
        Request,
        Sender, //
    },
    socket::PerSocket,
    work::{
        FamilyWork,
        Job, //
    },
};

const _: () = assert!(
    cfg!(all(target_pointer_width = "64", target_endian = "little")),
    "rust/genl is for 64-bit little-endian machines: others have never been tried"
);
