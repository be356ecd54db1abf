// SPDX-License-Identifier: GPL-2.0

//! genl_two: two families in one module, which is made by the kernel's own `module!`.
//!
//! A door, and a lamp that is on while the door is open. Each has a do and a group of its own, and
//! asking for either of them loads the module.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../../rust/genl/mod.rs"]
mod genl;

use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use genl::{
    layout::U32,
    Attr,
    Command,
    Do,
    Family,
    FamilyDescriptor,
    Group,
    Layout,
    Listen,
    Message,
    MulticastGroup,
    Notify,
    Op,
    Policy,
    Registration,
    Request,
    SplitOp, //
};
use kernel::prelude::*;

module! {
    type: House,
    name: "genl_two",
    authors: ["The rust-genl authors"],
    description: "Two families in one module, for the tests of rust/genl",
    license: "GPL",
}

genl::module_alias_family!(Door);
genl::module_alias_family!(Lamp);

/// The module: its families, as long as they are registered.
struct House {
    // Members are dropped in this order.
    _door: Registration<Door>,
    _lamp: Registration<Lamp>,
}

impl kernel::Module for House {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let lamp = Registration::new(module, Lamp(AtomicU32::new(0)))?;
        let door = Registration::new(module, Door)?;
        Ok(Self {
            _door: door,
            _lamp: lamp,
        })
    }
}

/// The first family. Its state is elsewhere: whether it is open is whether the lamp is on.
struct Door;

impl Family for Door {
    const NAME: &'static str = "genl-door";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_::<Move>()]);
    const GROUPS: &'static [MulticastGroup<Self>] = &[MulticastGroup::new("moves", Listen::Anyone)];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Door> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// The second family, and how bright the lamp is.
struct Lamp(AtomicU32);

impl Family for Lamp {
    const NAME: &'static str = "genl-lamp";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_::<Dim>()]);
    const GROUPS: &'static [MulticastGroup<Self>] = &[MulticastGroup::new("light", Listen::Anyone)];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Lamp> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// The group of the door, and that of the lamp.
struct Moves;
struct Light;

impl Group for Moves {
    type Family = Door;
    const INDEX: u32 = 0;
}

impl Group for Light {
    type Family = Lamp;
    const INDEX: u32 = 0;
}

/// Commands of the door: open it (1) or close it (0), and what is told of that.
struct Move;
struct Moved;

impl Command for Move {
    type Family = Door;
    const NAME: &'static str = "move";
    const NUMBER: u8 = 1;
}

impl Command for Moved {
    type Family = Door;
    const NAME: &'static str = "moved";
    const NUMBER: u8 = 2;
}

impl Notify for Moved {
    type Group = Moves;
}

/// Commands of the lamp: its brightness in percent, and what is told of that.
struct Dim;
struct Dimmed;

impl Command for Dim {
    type Family = Lamp;
    const NAME: &'static str = "dim";
    const NUMBER: u8 = 1;
}

impl Command for Dimmed {
    type Family = Lamp;
    const NAME: &'static str = "dimmed";
    const NUMBER: u8 = 2;
}

impl Notify for Dimmed {
    type Group = Light;
}

/// A number, which is all that is told by either family.
struct Number(u32);

impl Message<Moved> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl Message<Dimmed> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl Policy for Move {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().max::<1>()];
}

impl Policy for Dim {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().max::<100>()];
}

impl Op for Move {
    type Policy = Self;
}

impl Op for Dim {
    type Policy = Self;
}

impl Do for Move {
    fn doit(_: &Door, request: Request<'_, Self>) -> Result {
        let open = request.u32::<1>().ok_or_else(|| request.missing::<1>())?;
        // A handler of one family that needs the other one.
        let lamp = Lamp::descriptor().registered().ok_or(ENODEV)?;
        lamp.state().0.store(open * 100, Relaxed);
        let _ = lamp.multicast::<Dimmed, _>(request.net(), &Number(open * 100), GFP_KERNEL);
        let _ = request.multicast::<Moved, _>(&Number(open), GFP_KERNEL);
        Ok(())
    }
}

impl Do for Dim {
    fn doit(lamp: &Lamp, request: Request<'_, Self>) -> Result {
        let light = request.u32::<1>().ok_or_else(|| request.missing::<1>())?;
        if lamp.0.swap(light, Relaxed) != light {
            let _ = request.multicast::<Dimmed, _>(&Number(light), GFP_KERNEL);
        }
        Ok(())
    }
}
