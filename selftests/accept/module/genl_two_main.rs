// SPDX-License-Identifier: GPL-2.0

//! genl_two: two families in one module, which is made by the kernel's own `module!`.
//!
//! A door, and a lamp that is on while the door is open. Each has a do and a group of its own, and
//! asking for either of them loads the module.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../../rust/genl/mod.rs"]
mod genl;

use genl::{
    kind::*,
    Attribute,
    Family,
    FamilyDescriptor,
    MulticastGroup,
    Registration,
    Request,
    SplitOp, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

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
        let lamp = Registration::new(module, Lamp(Atomic::new(0)))?;
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
    const OPS: &'static [SplitOp<Self>] = door_op::OPS;
    const GROUPS: &'static [MulticastGroup<Self>] = door_op::GROUPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Door> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// The second family, and how bright the lamp is.
struct Lamp(Atomic<u32>);

impl Family for Lamp {
    const NAME: &'static str = "genl-lamp";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = lamp_op::OPS;
    const GROUPS: &'static [MulticastGroup<Self>] = lamp_op::GROUPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Lamp> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::attributes! {
    /// The door.
    pub(crate) mod door: DoorSet {
        /// 1: it is open, 0: it is closed.
        Open = 1: U32 { max::<1>() },
    }

    /// The lamp.
    pub(crate) mod lamp: LampSet {
        /// Its brightness in percent.
        Light = 1: U32 { max::<100>() },
    }
}

/// What can be asked of the door, and what it tells.
mod door_op {
    use super::{
        genl,
        Door,
        DoorSet, //
    };

    genl::operations! {
        for Door;

        /// Open it, or close it.
        do Move = "move" 1, Anyone, DoorSet [..] => move_it;
    }

    genl::groups! {
        for Door;
        Moves = 0 "moves", Anyone;
    }

    genl::notifications! {
        for Door;

        /// It was opened or closed.
        Moved = "moved" 2, DoorSet => Moves;
    }
}

/// What can be asked of the lamp, and what it tells.
mod lamp_op {
    use super::{
        genl,
        Lamp,
        LampSet, //
    };

    genl::operations! {
        for Lamp;

        /// Make it brighter, or darker.
        do Dim = "dim" 1, Anyone, LampSet [..] => dim;
    }

    genl::groups! {
        for Lamp;
        Light = 0 "light", Anyone;
    }

    genl::notifications! {
        for Lamp;

        /// It is brighter, or darker.
        Dimmed = "dimmed" 2, LampSet => Light;
    }
}

impl Door {
    fn move_it(&self, request: Request<'_, door_op::Move>) -> Result {
        let open = request.need(door::Open)?;
        // A handler of one family that needs the other one.
        let lamp = Lamp::descriptor().registered().ok_or(ENODEV)?;
        lamp.state().0.store(open * 100, Relaxed);
        let light = lamp::Light.put(open * 100);
        let _ = lamp.multicast::<lamp_op::Dimmed>(request.net(), &(light,), GFP_KERNEL);
        let _ = request.multicast::<door_op::Moved>(&(door::Open.put(open),), GFP_KERNEL);
        Ok(())
    }
}

impl Lamp {
    fn dim(&self, request: Request<'_, lamp_op::Dim>) -> Result {
        let light = request.need(lamp::Light)?;
        if self.0.xchg(light, Relaxed) != light {
            let told = (lamp::Light.put(light),);
            let _ = request.multicast::<lamp_op::Dimmed>(&told, GFP_KERNEL);
        }
        Ok(())
    }
}
