// SPDX-License-Identifier: GPL-2.0

//! A family for the tests whose handlers never run at the same time, and that is in the initial
//! network namespace only. Its one command is that of genltest with the same name.

#[path = "../../../rust/genl/mod.rs"]
mod genl;

use genl::{
    kind::*,
    Attribute,
    Family,
    FamilyDescriptor,
    ModuleFamily,
    Request,
    Responder,
    Sent,
    SplitOp, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    ThisModule, //
};

genl::module_family! {
    type: Serial,
    alias: false,
    name: "genltest_serial",
    authors: ["The rust-genl authors"],
    description: "Family with one handler at a time, for the tests of rust/genl",
    license: "GPL",
}

/// The family: how many handlers are busy, and how many ever were at once.
struct Serial {
    now: Atomic<u32>,
    most: Atomic<u32>,
}

impl Family for Serial {
    const NAME: &'static str = "genltest-serial";
    const VERSION: u8 = 1;
    const PARALLEL_OPS: bool = false;
    const NETNSOK: bool = false;
    const OPS: &'static [SplitOp<Self>] = OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Serial> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

impl ModuleFamily for Serial {
    fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> {
        Ok(Self {
            now: Atomic::new(0),
            most: Atomic::new(0),
        })
    }
}

genl::attributes! {
    /// How many have been busy.
    pub(crate) mod most: MostSet {
        /// At once, at most.
        Most = 1: U32,
    }
}

genl::operations! {
    for Serial;

    /// Take 100 ms, and return how many have done so at once.
    do_reply Busy = "busy" 1, Anyone, MostSet [] => busy;
}

impl Serial {
    fn busy<'a>(&self, _: Request<'a, Busy>, reply: Responder<'a, Busy>) -> Result<Sent<'a>> {
        let now = self.now.fetch_add(1, Relaxed).wrapping_add(1);
        let mut most = self.most.load(Relaxed);
        while most < now {
            match self.most.cmpxchg(most, now, Relaxed) {
                Ok(_) => break,
                Err(other) => most = other,
            }
        }
        fsleep(Delta::from_millis(100));
        self.now.fetch_sub(1, Relaxed);
        reply.send(&(most::Most.put(self.most.load(Relaxed)),))
    }
}
