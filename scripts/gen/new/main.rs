// SPDX-License-Identifier: GPL-2.0

//! sample: a number that everybody can read and that the administrator can add to.
//!
//! `rust/sample/sample.yaml` says what the family can be asked, `make regen` turns that into
//! `sample_gen.rs`, and here is what it does.

#[path = "../genl/mod.rs"]
mod genl;
mod sample_gen;

use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use genl::{
    ModuleFamily,
    Sent, //
};
use kernel::{
    prelude::*,
    ThisModule, //
};
use sample_gen::*;

genl::module_family! {
    type: Sample,
    // Whoever asks for it loads it, where it is installed.
    alias: true,
    name: "sample",
    authors: ["The rust-genl authors"],
    description: "A number that everybody can read",
    license: "GPL",
}

/// The state of the family.
struct Sample {
    value: AtomicU32,
}

impl ModuleFamily for Sample {
    fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> {
        Ok(Self {
            value: AtomicU32::new(0),
        })
    }
}

impl Handler for Sample {
    fn get<'a>(&self, _: GetRequest<'a>, reply: GetResponder<'a>) -> Result<Sent<'a>> {
        reply.send(&GetReply {
            value: Some(self.value.load(Relaxed)),
        })
    }

    fn add<'a>(&self, request: AddRequest<'a>, reply: AddResponder<'a>) -> Result<Sent<'a>> {
        let step = request.need_step()?;
        let value = self.value.fetch_add(step, Relaxed).wrapping_add(step);
        let changed = GetReply { value: Some(value) };
        // It is added, whether or not all could be told.
        let _ = request
            .registered()
            .notify_changed(request.net(), &changed, GFP_KERNEL);
        reply.send(&AddReply { value: Some(value) })
    }
}
