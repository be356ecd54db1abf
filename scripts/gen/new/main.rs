// SPDX-License-Identifier: GPL-2.0

//! sample: a number that everybody can read and that the administrator can add to.
//!
//! `rust/sample/sample.yaml` says what the family can be asked, `make regen` turns that into
//! `sample_gen.rs`, and here is what it does.

#[path = "../genl/mod.rs"]
mod genl;
mod sample_gen;

use genl::{
    ModuleFamily,
    Request,
    Responder,
    Sent, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    ThisModule, //
};
use sample_gen::{
    attr::number,
    op,
    Handler, //
};

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
    value: Atomic<u32>,
}

impl ModuleFamily for Sample {
    fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> {
        Ok(Self {
            value: Atomic::new(0),
        })
    }
}

impl Handler for Sample {
    fn get<'a>(
        &self,
        _: Request<'a, op::GetDo>,
        reply: Responder<'a, op::GetDo>,
    ) -> Result<Sent<'a>> {
        reply.send(&op::GetReply {
            value: Some(self.value.load(Relaxed)),
        })
    }

    fn add<'a>(
        &self,
        request: Request<'a, op::AddDo>,
        reply: Responder<'a, op::AddDo>,
    ) -> Result<Sent<'a>> {
        let step = request.need(number::Step)?;
        let value = self.value.fetch_add(step, Relaxed).wrapping_add(step);
        let number = op::GetReply { value: Some(value) };
        // It is added, whether or not all could be told.
        let _ = request.notify::<op::ChangedNotify>(&number, GFP_KERNEL);
        reply.send(&number)
    }
}
