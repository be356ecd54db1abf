// SPDX-License-Identifier: GPL-2.0
//! What stands in front of each case: names, and short forms of a family and of
//! a command.

#![allow(dead_code, missing_docs, unreachable_pub, unused_imports, unused_macros)]

use core::cell::Cell;
use genl::{
    layout::*, Access, AnyNest, Attr, Bind, Capability, Command, Cursor, Deferred, Do, DoReply,
    Dump, DumpResult, Family, FamilyDescriptor, FamilyWork, FixedHeader, Group, Guard,
    GuardedDo, Job, Layout, Listen, Message, ModuleFamily, MulticastGroup, Nested, Net, NoAttrs,
    Notify, Objects, Op, PerNet, PerSocket, Policy, Registered, Registration, RegistrationGuard,
    Request, Responder, Sent, SplitOp, Stop, Validate, ValidateBytes, Validation,
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
            const OPS: &'static [SplitOp<Self>] = &genl::table($ops);
            const GROUPS: &'static [MulticastGroup<Self>] = &$groups;

            fn descriptor() -> &'static FamilyDescriptor<Self> {
                static DESCRIPTOR: FamilyDescriptor<$type> = FamilyDescriptor::new();
                &DESCRIPTOR
            }
        }
    };
}

macro_rules! command {
    ($type:ident of $family:ident, $name:literal = $number:literal) => {
        pub struct $type;

        impl Command for $type {
            type Family = $family;
            const NAME: &'static str = $name;
            const NUMBER: u8 = $number;
        }
    };
}

macro_rules! do_nothing {
    ($type:ident) => {
        impl Do for $type {
            fn doit(_: &Self::Family, _: Request<'_, Self>) -> Result {
                Ok(())
            }
        }
    };
}

macro_rules! dump_nothing {
    ($type:ident) => {
        impl Dump for $type {
            type State = ();

            fn start(_: &Self::Family, _: Request<'_, Self>) -> Result {
                Ok(())
            }

            fn dump(_: &Self::Family, _: &mut (), _: &mut Objects<'_, Self>) -> DumpResult {
                Ok(())
            }
        }
    };
}
