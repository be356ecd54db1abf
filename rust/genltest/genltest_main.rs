// SPDX-License-Identifier: GPL-2.0

//! genltest: what `rust/genl` can do and nlpeer does not need. A family for the tests, written by
//! hand; `selftests/genltest.h` says the same in C.

#[path = "../genl/mod.rs"]
pub mod genl;
mod types;

use genl::{
    Family,
    FamilyDescriptor,
    SplitOp, //
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
struct GenlTest;

impl Family for GenlTest {
    const NAME: &'static str = "genltest";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_reply::<types::Types>()]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<GenlTest> = FamilyDescriptor::new();
        &DESCRIPTOR
    }

    fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self, GFP_KERNEL)?)
    }
}
