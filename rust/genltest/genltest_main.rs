// SPDX-License-Identifier: GPL-2.0

//! genltest: what `rust/genl` can do and nlpeer does not need. A family for the tests, written by
//! hand; `selftests/genltest.h` says the same in C.
//!
//! | file | what is in it |
//! |---|---|
//! | `types.rs` | attributes of each type, there and back |
//! | `answers.rs` | extended acks, several replies, deferred ones, guards |
//! | `objects.rs` | dumps: a filter, a state in a box, large buffers, a generation |
//! | `news.rs` | notifications to each kind of listeners |
//! | `senders.rs` | who has sent a request; state for each socket and namespace; permissions |
//! | `old.rs` | validation as old families have it |

#[path = "../genl/mod.rs"]
pub mod genl;

mod answers;
mod news;
mod objects;
mod old;
mod senders;
mod types;

use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use genl::{
    Family,
    FamilyDescriptor,
    Listen,
    MulticastGroup,
    PerNet,
    PerSocket,
    SplitOp,
    Watch, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

crate::module_genl_family! {
    type: GenlTest,
    name: "genltest",
    authors: ["The rust-genl authors"],
    description: "Family for the tests of rust/genl",
    license: "GPL",
}

/// The state of the family.
struct GenlTest {
    /// How often a socket has joined a group, and left one.
    joined: AtomicU32,
    left: AtomicU32,
    guards: answers::Guards,
    requests_of_socket: PerSocket<AtomicU32>,
    requests_in_net: PerNet<senders::NetCount>,
    crowd: senders::Crowd,
    /// The generation of the objects that are dumped.
    generation: AtomicU32,
}

impl Family for GenlTest {
    const NAME: &'static str = "genltest";
    const VERSION: u8 = 1;
    const RESV_START_OP: u8 = 2;
    const LATER_MAX: usize = 64;
    const GROUPS: &'static [MulticastGroup<Self>] = &[
        MulticastGroup::new("anyone", Listen::Anyone),
        MulticastGroup::new("net-admin", Listen::NetAdmin),
        MulticastGroup::new("sys-admin", Listen::SysAdmin),
    ];
    const OPS: &'static [SplitOp<Self>] = &genl::table([
        genl::do_reply::<old::Old>(),
        genl::dump::<old::OldDump>(),
        genl::do_reply::<types::Types>(),
        genl::do_::<answers::Refuse>(),
        genl::do_reply::<answers::Several>(),
        genl::do_reply::<answers::Defer>(),
        genl::guarded_do_reply::<answers::Guarded>(),
        genl::guarded_do::<answers::GuardedSet>(),
        genl::do_reply::<objects::Change>(),
        genl::dump::<objects::Objects>(),
        genl::do_::<news::Tell>(),
        genl::do_reply::<news::Watched>(),
        genl::do_reply::<senders::Who>(),
        genl::do_reply::<senders::Count>(),
        genl::do_::<senders::AdminOnly>(),
        genl::do_::<senders::NetnsAdminOnly>(),
        genl::do_reply::<senders::Busy>(),
    ]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<GenlTest> = FamilyDescriptor::watching();
        &DESCRIPTOR
    }

    fn new() -> Result<Arc<Self>> {
        let test = Self {
            joined: AtomicU32::new(0),
            left: AtomicU32::new(0),
            guards: answers::Guards::new(),
            requests_of_socket: PerSocket::new()?,
            requests_in_net: PerNet::new()?,
            crowd: senders::Crowd::new(),
            generation: AtomicU32::new(1),
        };
        Ok(Arc::new(test, GFP_KERNEL)?)
    }
}

impl Watch for GenlTest {
    fn joined(&self, _group: u32) {
        self.joined.fetch_add(1, Relaxed);
    }

    fn left(&self, _group: u32) {
        self.left.fetch_add(1, Relaxed);
    }
}

/// Commands of the family, each with its name and its number.
macro_rules! commands {
    ($($(#[$doc:meta])* $type:ident = $number:literal, $name:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $type;

            impl $crate::genl::Command for $type {
                type Family = $crate::GenlTest;
                const NAME: &'static str = $name;
                const NUMBER: u8 = $number;
            }
        )*
    };
}
use commands;
