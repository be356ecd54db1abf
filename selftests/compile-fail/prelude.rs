// SPDX-License-Identifier: GPL-2.0
//! What stands in front of each case: names, and short forms of a family and of
//! an attribute that is declared by hand.

#![allow(dead_code, missing_docs, unreachable_pub, unused_imports, unused_macros)]

use core::cell::Cell;
use genl::{
    kind::*, Access, Attr, Attribute, Bind, Capability, Carries, Command,
    Cursor, Deferred, Do, DoReply, Dump, DumpResult, DumpState, Family, FamilyDescriptor,
    FamilyWork, FixedHeader, Group, Guard, GuardedDo, Header, Job, Listen, Message, ModuleFamily,
    MulticastGroup, Nested, Net, NoAttrs, Notify, Objects, Op, PerNet, PerSocket, Policy,
    Registered, Registration, RegistrationGuard, Request, Responder, Secret, Secrets, Sent,
    SplitOp, Stop, Validate, ValidateBytes, Validation,
};
use kernel::{prelude::*, sync::Arc, ThisModule};

macro_rules! family {
    ($type:ident, $name:expr, $ops:expr, $groups:expr) => {
        pub struct $type {
            kept: State,
        }

        impl Family for $type {
            const NAME: &'static str = $name;
            const VERSION: u8 = 1;
            const OPS: &'static [SplitOp<Self>] = $ops;
            const GROUPS: &'static [MulticastGroup<Self>] = $groups;

            fn descriptor() -> &'static FamilyDescriptor<Self> {
                static DESCRIPTOR: FamilyDescriptor<$type> = FamilyDescriptor::new();
                &DESCRIPTOR
            }
        }
    };
}

macro_rules! attribute {
    ($name:ident of $set:ty = $number:literal: $kind:ty) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        impl Attribute for $name {
            type Set = $set;
            type Kind = $kind;
            const NUMBER: u16 = $number;
            const RULE: Attr = <$kind as Kind>::RULE;
        }
    };
}
