// SPDX-License-Identifier: GPL-2.0

//! genl_fail: a module whose initialisation fails after it has registered a family.
//!
//! While it is loaded, anybody can use the family. What they have begun is ended before the module
//! is freed, which is right after `init` has returned the error.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../../rust/genl/mod.rs"]
mod genl;

use genl::{
    kind::U32,
    Attr,
    Attribute,
    Carries,
    DumpResult,
    DumpState,
    Family,
    FamilyDescriptor,
    NoAttrs,
    Objects,
    Policy,
    Registration,
    Request,
    Set,
    SplitOp, //
};
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};

module! {
    type: Failing,
    name: "genl_fail",
    authors: ["The rust-genl authors"],
    description: "A module that cannot be loaded, for the tests of rust/genl",
    license: "GPL",
    params: {
        pause: u32 {
            default: 2000,
            description: "How many microseconds the family is there before init fails",
        },
    },
}

/// The module, which does not come to be.
struct Failing {
    _family: Registration<Fail>,
}

impl kernel::Module for Failing {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let _family = Registration::new(module, Fail)?;
        fsleep(Delta::from_micros(module_parameters::pause.value().into()));
        // What comes after a registration in a real module, and fails at times.
        Err(ENXIO)
    }
}

/// The family.
struct Fail;

impl Family for Fail {
    const NAME: &'static str = "genl-fail";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Fail> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::operations! {
    for Fail;

    /// Takes a millisecond.
    do Wait = "wait" 1, Anyone, NoAttrs [] => wait;

    /// Returns 10,000 numbers.
    dump Count = "count" 2, Anyone, ManySet [..] => count Next;
}

/// So many attributes that a dump of the policy takes several rounds: a set by hand.
pub(crate) struct ManySet;

impl Set for ManySet {}

impl Carries<Number> for ManySet {}

impl Policy for ManySet {
    const ATTRS: &'static [Attr] = &{
        let mut attrs = [Number::RULE; 256];
        attrs[0] = Attr::unused();
        attrs
    };
}

/// The first one of them.
#[derive(Clone, Copy)]
struct Number;

impl Attribute for Number {
    type Set = ManySet;
    type Kind = U32;
    const NUMBER: u16 = 1;
    const RULE: Attr = Attr::u32().max::<1000>();
}

impl Fail {
    fn wait(&self, _: Request<'_, Wait>) -> Result {
        fsleep(Delta::from_millis(1));
        Ok(())
    }

    fn count(&self, _: Request<'_, Count>) -> Result<Next> {
        Ok(Next(0))
    }
}

/// The number that a dump sends next.
struct Next(u32);

impl DumpState<Count> for Next {
    fn dump(&mut self, _: &Fail, objects: &mut Objects<'_, Count>) -> DumpResult {
        while self.0 < 10_000 {
            objects.push(&(Number.put(self.0),))?;
            self.0 += 1;
        }
        Ok(())
    }
}
