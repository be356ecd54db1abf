// SPDX-License-Identifier: GPL-2.0

//! genltest: what `rust/genl` can do and nlpeer does not need. A family for the tests, written by
//! hand; `selftests/genltest.h` says the same in C.
//!
//! | file | what is in it |
//! |---|---|
//! | `op.rs` | the operations, the groups and the notifications |
//! | `attributes.rs` | attributes of each type, there and back |
//! | `nests.rs` | nests that the handler parses, and nests without their flag |
//! | `replies.rs` | extended acks, several replies, deferred ones, guards |
//! | `bridges.rs` | namespaces that a request names; the bytes of a request |
//! | `dumps.rs` | dumps: a filter, a state in a box, large buffers, a generation |
//! | `packing.rs` | buffers that are filled to the last part that fits |
//! | `multicast.rs` | notifications to each kind of listeners |
//! | `sender.rs` | who has sent a request; state for each socket and namespace; permissions |
//! | `header.rs` | a second family, with a header of its own |
//! | `legacy.rs` | validation as old families have it |
//! | `hostile.rs` | what makes it hard for the framework to come to an end |

#[path = "../../../rust/genl/mod.rs"]
mod genl;

mod attributes;
mod bridges;
mod dumps;
mod header;
mod hostile;
mod legacy;
mod multicast;
mod nests;
mod op;
mod packing;
mod replies;
mod secrets;
mod sender;

use genl::{
    Bind,
    Family,
    FamilyDescriptor,
    ModuleFamily,
    MulticastGroup,
    PerNet,
    PerSocket,
    Registration,
    SplitOp, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    ThisModule, //
};

genl::module_family! {
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
    joined: Atomic<u32>,
    left: Atomic<u32>,
    guards: replies::Guards,
    /// How many requesters were seen to close their socket.
    closed: Atomic<u32>,
    requests_of_socket: PerSocket<Atomic<u32>>,
    requests_in_net: PerNet<sender::NetCount>,
    crowd: sender::Crowd,
    keeper: Arc<hostile::Keeper>,
    /// The generation of the objects that are dumped.
    generation: Atomic<u32>,
    /// The other family, which is there as long as this one.
    _headed: Registration<header::Headed>,
}

impl Family for GenlTest {
    const NAME: &'static str = "genltest";
    const VERSION: u8 = 1;
    const RESV_START_OP: u8 = 2;
    const JOBS_MAX: usize = 64;
    const GROUPS: &'static [MulticastGroup<Self>] = op::GROUPS;
    const OPS: &'static [SplitOp<Self>] = op::OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<GenlTest> = FamilyDescriptor::with_bind();
        &DESCRIPTOR
    }
}

impl ModuleFamily for GenlTest {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_init!(Self {
            joined: Atomic::new(0),
            left: Atomic::new(0),
            guards: replies::Guards::new(),
            closed: Atomic::new(0),
            requests_of_socket: PerSocket::new(module)?,
            requests_in_net: PerNet::new(module)?,
            crowd: sender::Crowd::new(),
            keeper: hostile::Keeper::new(module)?,
            generation: Atomic::new(1),
            _headed: Registration::new(module, header::Headed)?,
        })
    }
}

impl Bind for GenlTest {
    fn bind(&self, _group: u32) {
        self.joined.fetch_add(1, Relaxed);
    }

    fn unbind(&self, _group: u32) {
        self.left.fetch_add(1, Relaxed);
    }
}
