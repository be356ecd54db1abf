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
    layout::U32,
    Attr,
    Command,
    Do,
    Dump,
    DumpResult,
    Family,
    FamilyDescriptor,
    Layout,
    Message,
    NoAttrs,
    Objects,
    Op,
    Policy,
    Registration,
    Request,
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
    const OPS: &'static [SplitOp<Self>] = &genl::table([
        genl::do_::<Wait>(),
        genl::dump::<Count>(), //
    ]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Fail> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// Command 1: takes a millisecond.
struct Wait;

impl Command for Wait {
    type Family = Fail;
    const NAME: &'static str = "wait";
    const NUMBER: u8 = 1;
}

impl Op for Wait {
    type Policy = NoAttrs;
}

impl Do for Wait {
    fn doit(_: &Fail, _: Request<'_, Self>) -> Result {
        fsleep(Delta::from_millis(1));
        Ok(())
    }
}

/// Command 2: a dump of numbers. Its policy is large, so that a dump of that takes several rounds.
struct Count;

impl Command for Count {
    type Family = Fail;
    const NAME: &'static str = "count";
    const NUMBER: u8 = 2;
}

impl Policy for Count {
    const ATTRS: &'static [Attr] = &{
        let mut attrs = [Attr::u32().max::<1000>(); 256];
        attrs[0] = Attr::unused();
        attrs
    };
}

impl Op for Count {
    type Policy = Self;
}

/// An object of the dump.
struct Number(u32);

impl Message<Count> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl Dump for Count {
    type State = u32;

    fn start(_: &Fail, _: Request<'_, Self>) -> Result<u32> {
        Ok(0)
    }

    fn dump(_: &Fail, next: &mut u32, objects: &mut Objects<'_, Self>) -> DumpResult {
        while *next < 10_000 {
            objects.push(&Number(*next))?;
            *next += 1;
        }
        Ok(())
    }
}
