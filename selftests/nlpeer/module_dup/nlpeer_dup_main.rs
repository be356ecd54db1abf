// SPDX-License-Identifier: GPL-2.0

//! A second family with the name of nlpeer, for the tests: registering it beside nlpeer must fail
//! with `EEXIST` and change nothing. User space sees `EBUSY`, since the loader of modules keeps
//! `EEXIST` for itself.

#[path = "../../../rust/genl/mod.rs"]
mod genl;

use genl::{
    Family,
    FamilyDescriptor,
    ModuleFamily,
    SplitOp, //
};
use kernel::{
    prelude::*,
    ThisModule, //
};

genl::module_family! {
    type: Duplicate,
    alias: false,
    name: "nlpeer_dup",
    authors: ["The rust-genl authors"],
    description: "Second family with the name of nlpeer, for tests",
    license: "GPL",
}

/// The family: a name, and nothing that it would answer.
struct Duplicate;

impl Family for Duplicate {
    const NAME: &'static str = "nlpeer";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Duplicate> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

impl ModuleFamily for Duplicate {
    fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> {
        Ok(Self)
    }
}
