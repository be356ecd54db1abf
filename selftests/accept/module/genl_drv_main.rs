// SPDX-License-Identifier: GPL-2.0

//! genl_drv: a family that owns a driver, and a driver that has a family for what it drives.
//!
//! The family "genl-ports" tells which devices come and go. Its state has the platform driver in
//! it, so that the driver is there as long as the family is. Whoever binds the driver to a device
//! gets the family "genl-port", until the device is unbound.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../../rust/genl/mod.rs"]
mod genl;

use genl::{
    kind::*,
    Attribute,
    DumpResult,
    DumpState,
    Family,
    FamilyDescriptor,
    MulticastGroup,
    Net,
    Notify,
    Objects,
    Registration,
    Request,
    Responder,
    Sent,
    SplitOp,
    Text, //
};
use kernel::{
    device::Core,
    driver,
    module::this_module,
    platform,
    prelude::*, //
};

module! {
    type: Board,
    name: "genl_drv",
    authors: ["The rust-genl authors"],
    description: "A driver with families, for the tests of rust/genl",
    license: "GPL",
}

/// The module.
struct Board {
    _ports: Registration<Ports>,
}

impl kernel::Module for Board {
    fn init(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _ports: Registration::new(module, Ports::new(module))?,
        })
    }
}

/// The family that owns the driver, which is initialised in place.
#[pin_data]
struct Ports {
    #[pin]
    driver: driver::Registration<platform::Adapter<PortDriver>>,
}

impl Ports {
    fn new(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // What is there to be driven is probed here. The family is not registered yet.
            driver <- driver::Registration::new(c"genl_drv", module),
        })
    }
}

impl Family for Ports {
    const NAME: &'static str = "genl-ports";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];
    const GROUPS: &'static [MulticastGroup<Self>] = GROUPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Ports> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::attributes! {
    /// A device.
    pub(crate) mod device: DeviceSet {
        /// Its name.
        Name = 1: Str,
    }

    /// A register of one.
    pub(crate) mod register: RegisterSet {
        /// What is in it.
        Value = 1: U32,
    }
}

genl::groups! {
    for Ports;
    Watchers = 0 "ports", Anyone;
}

genl::notifications! {
    for Ports;

    /// A device was bound.
    Came = "came" 1, DeviceSet => Watchers;

    /// A device has been unbound.
    Went = "went" 2, DeviceSet => Watchers;
}

fn tell<N: Notify<Family = Ports, Set = DeviceSet>>(name: &Text<31>) {
    if let Some(ports) = Ports::descriptor().registered() {
        let _ = ports.multicast::<N>(Net::init(), &(device::Name.put(name),), GFP_KERNEL);
    }
}

/// The driver.
struct PortDriver;

/// What the driver has for a device that is bound: all of it goes when the device is unbound.
struct Bound {
    _port: Registration<Port>,
    _told: Told,
}

impl platform::Driver for PortDriver {
    type IdInfo = ();
    type Data<'bound> = Bound;

    fn probe<'bound>(
        device: &'bound platform::Device<Core<'_>>,
        _: Option<&'bound ()>,
    ) -> impl PinInit<Bound, Error> + 'bound {
        let bind = || -> Result<Bound> {
            Ok(Bound {
                _port: Registration::new(this_module::<LocalModule>(), Port)?,
                _told: Told::new(device.as_ref().name())?,
            })
        };
        bind()
    }
}

/// Tells that a device was bound, and that it is not any more when this is dropped.
struct Told(Text<31>);

impl Told {
    fn new(name: &CStr) -> Result<Self> {
        let mut text = Text::new();
        text.push(name.to_bytes())?;
        tell::<Came>(&text);
        Ok(Self(text))
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        tell::<Went>(&self.0);
    }
}

/// The family of the device that is bound; there is one at most.
struct Port;

impl Family for Port {
    const NAME: &'static str = "genl-port";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Port> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::operations! {
    for Port;

    /// Returns one number.
    do_reply Read = "read" 1, Anyone, RegisterSet [] => read;

    /// Returns 5,000 numbers.
    dump Registers = "registers" 2, Anyone, RegisterSet [] => registers Next;
}

impl Port {
    fn read<'a>(&self, _: Request<'a, Read>, reply: Responder<'a, Read>) -> Result<Sent<'a>> {
        reply.send(&(register::Value.put(42),))
    }

    fn registers(&self, _: Request<'_, Registers>) -> Result<Next> {
        Ok(Next(0))
    }
}

/// The number that a dump sends next.
struct Next(u32);

impl DumpState<Registers> for Next {
    fn dump(&mut self, _: &Port, objects: &mut Objects<'_, Registers>) -> DumpResult {
        while self.0 < 5_000 {
            objects.push(&(register::Value.put(self.0),))?;
            self.0 += 1;
        }
        Ok(())
    }
}
