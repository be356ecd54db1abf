// SPDX-License-Identifier: GPL-2.0

//! The server half of generic netlink.
//!
//! A family is a type: its constants describe it, its value is the state that its handlers share.
//! Each operation is a type as well, with a [`Policy`] and one of the traits [`Do`], [`DoReply`]
//! and [`Dump`]. What the core would find wrong with a table, and much of what it would not find,
//! is an error of the compiler; a family has no `unsafe`, no raw attribute and no buffer
//! arithmetic.
//!
//! | file | idea |
//! |---|---|
//! | `family.rs` | a family, its registration, the module around it |
//! | `op.rs` | operations and their table |
//! | `policy.rs` | what a request may carry |
//! | `request.rs`, `attr.rs`, `extack.rs` | reading a request, refusing it |
//! | `layout.rs`, `message.rs` | writing attributes, sending messages |
//! | `dump.rs` | many objects over many buffers |
//! | `multicast.rs` | groups and notifications |
//! | `trace.rs`, `genl_trace.h` | tracepoints around all callbacks |
//! | `ffi.rs`, `helpers.c`, `helpers.h` | inline functions of the C headers |
//!
//! A module takes this folder in as its own `genl` (`#[path = "../genl/mod.rs"] pub mod genl;`):
//! external modules can not share a crate. It links a C file of one line that includes
//! `helpers.c`.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

mod attr;
mod dump;
mod extack;
mod family;
mod ffi;
pub mod layout;
mod message;
mod multicast;
mod op;
mod policy;
mod request;
mod trace;

pub use self::{
    attr::{
        Attrs,
        Nested, //
    },
    dump::{
        Dump,
        DumpResult,
        Objects,
        Stop, //
    },
    extack::Extack,
    family::{
        Family,
        FamilyDescriptor,
        Module, //
    },
    layout::Layout,
    message::{
        Command,
        Message,
        Responder,
        Sent, //
    },
    multicast::{
        Group,
        Listen,
        MulticastGroup,
        Notify, //
    },
    op::{
        do_,
        do_reply,
        dump,
        table,
        Access,
        Do,
        DoReply,
        Entry,
        Op,
        SplitOp, //
    },
    policy::{
        Attr,
        NoAttrs,
        Policy, //
    },
    request::Request, //
};

const _: () = assert!(
    cfg!(all(target_pointer_width = "64", target_endian = "little")),
    "rust/genl is for 64-bit little-endian machines: others have never been tried"
);
