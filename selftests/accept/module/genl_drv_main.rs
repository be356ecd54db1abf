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
    layout::{
        AsText,
        Str,
        Text,
        U32, //
    },
    Command,
    DoReply,
    Dump,
    DumpResult,
    Family,
    FamilyDescriptor,
    Group,
    Layout,
    Listen,
    Message,
    MulticastGroup,
    Net,
    NoAttrs,
    Notify,
    Objects,
    Op,
    Registration,
    Request,
    Responder,
    Sent,
    SplitOp, //
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
    const GROUPS: &'static [MulticastGroup<Self>] = &[MulticastGroup::new("ports", Listen::Anyone)];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Ports> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// Who wants to know what comes and goes.
struct Watchers;

impl Group for Watchers {
    type Family = Ports;
    const INDEX: u32 = 0;
}

/// Command 1 is told when a device is bound, and command 2 when it has been unbound.
struct Came;
struct Went;

impl Command for Came {
    type Family = Ports;
    const NAME: &'static str = "came";
    const NUMBER: u8 = 1;
}

impl Command for Went {
    type Family = Ports;
    const NAME: &'static str = "went";
    const NUMBER: u8 = 2;
}

impl Notify for Came {
    type Group = Watchers;
}

impl Notify for Went {
    type Group = Watchers;
}

/// The name of a device.
struct Name(Text<31>);

impl<C: Command<Family = Ports>> Message<C> for Name {
    fn layout(&self) -> impl Layout + '_ {
        (Str::<1>::new(&self.0 as &dyn AsText),)
    }
}

fn tell<N: Notify<Family = Ports>>(name: &Name) {
    if let Some(ports) = Ports::descriptor().registered() {
        let _ = ports.multicast::<N, _>(Net::init(), name, GFP_KERNEL);
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
struct Told(Name);

impl Told {
    fn new(name: &CStr) -> Result<Self> {
        let mut text = Text::new();
        text.push(name.to_bytes())?;
        let name = Name(text);
        tell::<Came>(&name);
        Ok(Self(name))
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
    const OPS: &'static [SplitOp<Self>] = &genl::table([
        genl::do_reply::<Read>(),
        genl::dump::<Registers>(), //
    ]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Port> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// Command 1: one number.
struct Read;

/// Command 2: a dump of 5,000 numbers.
struct Registers;

impl Command for Read {
    type Family = Port;
    const NAME: &'static str = "read";
    const NUMBER: u8 = 1;
}

impl Command for Registers {
    type Family = Port;
    const NAME: &'static str = "registers";
    const NUMBER: u8 = 2;
}

impl Op for Read {
    type Policy = NoAttrs;
}

impl Op for Registers {
    type Policy = NoAttrs;
}

/// What both return.
struct Register(u32);

impl<C: Command<Family = Port>> Message<C> for Register {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl DoReply for Read {
    fn doit<'a>(_: &Port, _: Request<'a, Self>, reply: Responder<'a, Self>) -> Result<Sent<'a>> {
        reply.send(&Register(42))
    }
}

impl Dump for Registers {
    type State = u32;

    fn start(_: &Port, _: Request<'_, Self>) -> Result<u32> {
        Ok(0)
    }

    fn dump(_: &Port, next: &mut u32, objects: &mut Objects<'_, Self>) -> DumpResult {
        while *next < 5_000 {
            objects.push(&Register(*next))?;
            *next += 1;
        }
        Ok(())
    }
}
