// SPDX-License-Identifier: GPL-2.0

//! What attributes hold: for each type of netlink how it is validated, read and sent.
//!
//! An [`Attribute`](super::Attribute) names its kind, and what can be done with it follows: what
//! [`Request::get`](super::Request::get) returns, what [`Attribute::put`](super::Attribute::put)
//! takes, and what is a member of a message.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h) (the `NLA_*` types)

pub use super::{
    list::{
        All,
        Elements,
        Indexed,
        Many,
        Nesting,
        Noflag, //
    },
    member::{
        Field,
        Item, //
    },
    nest::{
        AnyNest,
        Nest,
        NestIn,
        Under, //
    },
    number::{
        Be16,
        Be32,
        Be64,
        Enum,
        Msecs,
        Number,
        Of,
        Padded,
        SInt,
        UInt,
        Values,
        S16,
        S32,
        S64,
        S8,
        U16,
        U32,
        U64,
        U8, //
    },
    plain::{
        Array,
        Binary,
        Bitfield32,
        Flag,
        Kind,
        NetOrder,
        One,
        Store,
        Str,
        Struct,
        Unterminated, //
    }, //
};
