// SPDX-License-Identifier: GPL-2.0

//! genltest: what `rust/genl` can do and nlpeer does not need. A family for the tests, written by
//! hand; `selftests/genltest.h` says the same in C.
//!
//! | file | what is in it |
//! |---|---|
//! | `attributes.rs` | attributes of each type, there and back |
//! | `replies.rs` | extended acks, several replies, deferred ones, guards |
//! | `bridges.rs` | namespaces that a request names; the bytes of a request |
//! | `dumps.rs` | dumps: a filter, a state in a box, large buffers, a generation |
//! | `multicast.rs` | notifications to each kind of listeners |
//! | `sender.rs` | who has sent a request; state for each socket and namespace; permissions |
//! | `legacy.rs` | validation as old families have it |
//! | `hostile.rs` | what makes it hard for the framework to come to an end |

#[path = "../../../rust/genl/mod.rs"]
pub mod genl;

mod attributes;
mod bridges;
mod dumps;
mod hostile;
mod legacy;
mod multicast;
mod replies;
mod sender;

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
    alias: false,
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
    guards: replies::Guards,
    requests_of_socket: PerSocket<AtomicU32>,
    requests_in_net: PerNet<sender::NetCount>,
    crowd: sender::Crowd,
    keeper: Arc<hostile::Keeper>,
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
        genl::do_reply::<legacy::Old>(),
        genl::dump::<legacy::OldDump>(),
        genl::do_reply::<attributes::Types>(),
        genl::do_::<replies::Refuse>(),
        genl::do_reply::<replies::Several>(),
        genl::do_reply::<replies::Defer>(),
        genl::guarded_do_reply::<replies::Guarded>(),
        genl::guarded_do::<replies::GuardedSet>(),
        genl::do_reply::<dumps::Change>(),
        genl::dump::<dumps::Objects>(),
        genl::do_::<multicast::Tell>(),
        genl::do_reply::<multicast::Watched>(),
        genl::do_reply::<sender::Who>(),
        genl::do_reply::<sender::Count>(),
        genl::do_::<sender::AdminOnly>(),
        genl::do_::<sender::NetnsAdminOnly>(),
        genl::do_reply::<sender::Busy>(),
        genl::do_::<hostile::Hold>(),
        genl::do_::<hostile::Own>(),
        genl::dump::<hostile::Stay>(),
        genl::do_reply::<bridges::Netns>(),
        genl::do_reply::<bridges::Mirror>(),
    ]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<GenlTest> = FamilyDescriptor::watching();
        &DESCRIPTOR
    }

    fn new() -> Result<Arc<Self>> {
        let test = Self {
            joined: AtomicU32::new(0),
            left: AtomicU32::new(0),
            guards: replies::Guards::new(),
            requests_of_socket: PerSocket::new()?,
            requests_in_net: PerNet::new()?,
            crowd: sender::Crowd::new(),
            keeper: hostile::Keeper::new()?,
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
