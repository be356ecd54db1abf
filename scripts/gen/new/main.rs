// SPDX-License-Identifier: GPL-2.0

//! sample: a number that everybody can read and that the administrator can add to.
//!
//! `rust/sample/sample.yaml` says what the family can be asked, `make regen` turns that into
//! `sample_gen.rs`, and here is what it does.

#[path = "../genl/mod.rs"]
pub mod genl;
mod sample_gen;

use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use genl::Sent;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use sample_gen::*;

crate::module_genl_family! {
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

impl Handler for Sample {
    fn new() -> Result<Arc<Self>> {
        let sample = Self {
            value: AtomicU32::new(0),
        };
        Ok(Arc::new(sample, GFP_KERNEL)?)
    }

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
            .notify_changed(request.net(), &changed);
        reply.send(&AddReply { value: Some(value) })
    }
}
