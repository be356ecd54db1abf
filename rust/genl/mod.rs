// SPDX-License-Identifier: GPL-2.0

//! The server half of generic netlink.
//!
//! A family is a type: its constants describe it, and its value is the state that its methods
//! share. Each attribute is a type as well, and so is each operation. They are declared, by hand or
//! by the generator, with [`attributes!`], [`operations!`] and their relatives. An attribute says
//! what it holds, an operation which attributes its requests carry, and the compiler knows both:
//! what the core would find wrong does not compile, and neither does much of what the core would
//! not find. A family has no `unsafe` unless it calls C, no buffer arithmetic, and no numbers but in
//! its declarations.
//!
//! The files, the lowest first. Each imports from those in front of it only, but for `family.rs`,
//! which owns the jobs of a family, and `work.rs`, whose jobs have the family at hand.
//!
//! | file | idea |
//! |---|---|
//! | `ffi.rs`, `helpers.c`, `helpers.h` | inline functions of the C headers |
//! | `sync.rs` | the atomics of all this, which `scripts/check/loom` replaces |
//! | `gate.rs` | who may prove that something is there, until it goes |
//! | `trace.rs`, `genl_trace.h` | tracepoints around all callbacks |
//! | `module.rs` | what a module has given to the core, and how it is taken back |
//! | `gfp.rs`, `net.rs` | allocation flags, network namespaces |
//! | `extack.rs` | what a sender is told beside an error |
//! | `wire.rs`, `text.rs`, `store.rs` | bytes: attributes that came, texts, stores |
//! | `kept.rs` | what is kept when a handler has returned |
//! | `table.rs` | the tables of a family: operations, groups |
//! | `validate.rs`, `policy.rs`, `bounds.rs`, `carried.rs` | which values a request may have |
//! | `layout.rs`, `payload.rs` | writing attributes |
//! | `plain.rs`, `number.rs`, `list.rs` | what attributes hold |
//! | `attribute.rs` | attributes as types |
//! | `nested.rs`, `nest.rs` | nests: reading them, and attributes that hold them |
//! | `member.rs`, `kind.rs` | members of messages; all that attributes hold, for authors |
//! | `socket.rs`, `owed.rs` | what is kept for a socket: requests whose reply is owed |
//! | `family.rs`, `work.rs` | a family, and the work that belongs to it: these import each other |
//! | `bind.rs`, `registration.rs` | who joins its groups; its registration |
//! | `header.rs` | headers of a family's own |
//! | `secret.rs` | secrets in requests |
//! | `command.rs`, `message.rs` | commands and operations, sending messages |
//! | `multicast.rs` | groups and notifications |
//! | `multipart.rs`, `deferred.rs`, `reply.rs` | answering a request, now or later |
//! | `request.rs`, `sender.rs` | reading a request, refusing it; who has sent it |
//! | `per_net.rs`, `per_socket.rs` | state for each network namespace, and for each socket |
//! | `objects.rs`, `dump.rs`, `round.rs` | many objects over many buffers |
//! | `op.rs` | what handles a request, with guards around it |
//! | `module_family.rs` | a module that is one family |
//! | `declare_attributes.rs`, `declare_messages.rs` | macros for what messages consist of |
//! | `declare_operations.rs` | macros for what a family can be asked |
//!
//! And pages:
//!
//! | page | what is in it |
//! |---|---|
//! | `guide/` | [pages](guide) for authors: from C, answering later, calling C, state, and more |
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
//! [`has_listeners`](Registered::has_listeners) have its names. A group says who may listen here,
//! and `has_listeners` is asked for a namespace, where upstream's means the initial one. `Family` is a
//! struct there, the `struct genl_family` itself. Here [`Family`] is a trait: operations, groups
//! and messages belong to a family by its type, and handlers get its value as their state, so the
//! family is a type of the author's, and its description is a [`FamilyDescriptor`].
//! `NetlinkSkBuff`, `GenlMsg` and its `put_u32()` have no counterpart: a [`Message`] is described
//! by a [`Layout`], and is never half written. So [`multicast`](Registered::multicast) does more
//! than `GenlMsg::multicast()`, which sends a message that has been written, to a group by its
//! number, in the initial network namespace: it makes the message when somebody listens, for the
//! group that its type names and the namespace that it is given.
//!
//! # Examples
//!
//! A whole module, behind `#[path = "../genl/mod.rs"] mod genl;`: a number that user space can
//! read, and that the administrator can add to. In it the macro is `crate::module_family!`.
//!
//! ```
//! use kernel::sync::atomic::{Atomic, Relaxed};
//! use genl::{
//!     kind::U32, Attribute, Family, FamilyDescriptor, ModuleFamily, Request, Responder, Sent,
//!     SplitOp,
//! };
//! use kernel::{prelude::*, ThisModule};
//!
//! genl::attributes! {
//!     /// A number.
//!     pub(crate) mod number: NumberSet {
//!         /// What it is.
//!         Value = 1: U32,
//!         /// What is added to it.
//!         Step = 2: U32 { max::<100>() },
//!     }
//! }
//!
//! genl::operations! {
//!     for Counter;
//!
//!     /// Returns the number.
//!     do_reply Get = "get" 1, Anyone, NumberSet [] => get;
//!
//!     /// Adds to it. For the administrator only.
//!     do Add = "add" 2, Admin, NumberSet [number::Step] => add;
//! }
//!
//! /// The family, and its state.
//! struct Counter {
//!     value: Atomic<u32>,
//! }
//!
//! impl Counter {
//!     fn get<'a>(&self, _: Request<'a, Get>, reply: Responder<'a, Get>) -> Result<Sent<'a>> {
//!         reply.send(&(number::Value.put(self.value.load(Relaxed)),))
//!     }
//!
//!     fn add(&self, request: Request<'_, Add>) -> Result {
//!         self.value.fetch_add(request.need(number::Step)?, Relaxed);
//!         Ok(())
//!     }
//! }
//!
//! impl Family for Counter {
//!     const NAME: &'static str = "counter";
//!     const VERSION: u8 = 1;
//!     const OPS: &'static [SplitOp<Self>] = OPS;
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
//!             value: Atomic::new(0),
//!         })
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
// What `core::cfg!` says is a constant for one machine, and clippy knows `cfg!` by this name only.
#![allow(clippy::assertions_on_constants)]
// A module has all of this folder, and uses a part of it.
#![allow(dead_code, unreachable_pub, unused_imports)]

mod attribute;
mod bind;
mod bounds;
mod carried;
mod command;
mod declare_attributes;
mod declare_messages;
mod declare_operations;
mod deferred;
mod dump;
mod extack;
mod family;
mod ffi;
mod gate;
mod gfp;
mod header;
mod kept;
pub mod kind;
mod layout;
mod list;
mod member;
mod message;
mod module;
mod module_family;
mod multicast;
mod multipart;
mod nest;
mod nested;
mod net;
mod number;
mod objects;
mod op;
mod owed;
mod payload;
mod per_net;
mod per_socket;
mod plain;
mod policy;
mod registration;
mod reply;
mod request;
mod round;
mod secret;
mod sender;
mod socket;
mod store;
mod sync;
mod table;
mod text;
mod trace;
mod validate;
mod wire;
mod work;
#[cfg(doc)]
pub mod guide {
    //! Pages for authors of families.
    #[doc = include_str!("guide/answer_later.md")]
    pub mod answer_later {}
    #[doc = include_str!("guide/calling_c.md")]
    pub mod calling_c {}
    #[doc = include_str!("guide/from_c.md")]
    pub mod from_c {}
    #[doc = include_str!("guide/in_the_tree.md")]
    pub mod in_the_tree {}
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

// Macros are at the root of the crate, whatever module they are in.
#[doc(inline)]
pub use crate::{
    __genl_attributes as attributes,
    __genl_carries as carries,
    __genl_enumerations as enumerations,
    __genl_flags as flags,
    __genl_groups as groups,
    __genl_messages as messages,
    __genl_module_alias_family as module_alias_family,
    __genl_module_family as module_family,
    __genl_notifications as notifications,
    __genl_operations as operations,
    __genl_sent_with as sent_with, //
};

pub use self::{
    attribute::{
        others,
        rule_of,
        static_table_of,
        table_len,
        table_of,
        Added,
        Asks,
        Attribute,
        Carries,
        Got,
        InSet,
        Parts, //
    },
    bind::Bind,
    command::{
        Access,
        AnyOp,
        Command,
        Message,
        Op,
        SentWith,
        Validation, //
    },
    deferred::Deferred,
    dump::{
        Dump,
        DumpState, //
    },
    extack::Extack,
    family::{
        Family,
        FamilyDescriptor,
        Registered,
        RegistrationGuard, //
    },
    header::{
        hdrsize,
        FixedHeader,
        Header, //
    },
    layout::Layout,
    member::{
        field,
        FieldOf,
        NestMessage, //
    },
    module_family::{
        alias,
        alias_len,
        ModuleFamily, //
    },
    multicast::{
        Group,
        Notify, //
    },
    multipart::Multipart,
    nested::{
        Nested,
        Unparsed, //
    },
    net::Net,
    objects::{
        Cursor,
        DumpResult,
        Objects,
        Stop, //
    },
    op::{
        do_,
        do_reply,
        dump,
        guarded_do,
        guarded_do_reply,
        Both,
        Do,
        DoReply,
        Guard,
        GuardedDo,
        GuardedDoReply, //
    },
    payload::Get,
    per_net::{
        NetState,
        NetStateGuard,
        PerNet, //
    },
    per_socket::PerSocket,
    policy::{
        Attr,
        NoAttrs,
        Policy,
        Set, //
    },
    registration::Registration,
    reply::{
        Responder,
        Sent, //
    },
    request::Request,
    secret::{
        NoSecrets,
        Secret,
        Secrets,
        SecretsOf,
        Way, //
    },
    sender::{
        Capability,
        Sender, //
    },
    table::{
        table,
        Entry,
        Listen,
        MulticastGroup,
        SplitOp, //
    },
    text::{
        AsText,
        Text, //
    },
    validate::{
        Scalar,
        Validate,
        ValidateBytes, //
    },
    wire::Bits32,
    work::{
        FamilyWork,
        Job, //
    }, //
};

// With the other byte order, the headers of messages and attributes have other places for their
// members in the number that they are made and read as (`message::Header`, `payload::store_header`,
// `wire::Stream`), and so have the two words of a bitfield32 (`payload::Bits`) and the bits of
// `struct genl_family` (`family::bitfield`): each of these asserts it. With 32 bits the tail of an
// skb is a pointer and no offset (`NET_SKBUFF_DATA_USES_OFFSET`), which `message::commit` is for.
const _: () = core::assert!(
    core::cfg!(all(target_pointer_width = "64", target_endian = "little")),
    "rust/genl is for 64-bit little-endian machines: others have never been tried"
);
