// SPDX-License-Identifier: GPL-2.0

//! genl_kids: a family whose work registers another family, and drops it again.
//!
//! Whoever asks "genl-parent" to do something gets the result when the work has been done. What the
//! family may not do in a handler it does in a task of its own.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../../rust/genl/mod.rs"]
mod genl;

use core::mem::forget;
use genl::{
    layout::U32,
    Attr,
    Command,
    Do,
    DoReply,
    Dump,
    DumpResult,
    Family,
    FamilyDescriptor,
    FamilyWork,
    Layout,
    Message,
    NetState,
    NoAttrs,
    Objects,
    Op,
    PerNet,
    PerSocket,
    Policy,
    Registration,
    Request,
    Responder,
    Sent,
    SplitOp, //
};
use kernel::{
    module::this_module,
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

module! {
    type: Kids,
    name: "genl_kids",
    authors: ["The rust-genl authors"],
    description: "Families that come and go, for the tests of rust/genl",
    license: "GPL",
}

/// The module, which is initialised in place.
#[pin_data]
struct Kids {
    _parent: Registration<Parent>,
}

impl kernel::InPlaceModule for Kids {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _parent: Registration::new(module, Parent::new())?,
        })
    }
}

/// The family that has another one, at times.
#[pin_data]
struct Parent {
    /// Registers the kid if there is none, else drops it; made before it is needed.
    toggle: FamilyWork<Parent>,
    #[pin]
    kid: Mutex<Option<Registration<Kid>>>,
}

impl Parent {
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            toggle: FamilyWork::<Parent>::new(|job| {
                // There is nobody to tell of an error, but those who look for the kid.
                let _ = match job.state().drop_kid() {
                    Err(_) => job.state().register_kid(),
                    done => done,
                };
            })?,
            kid <- new_mutex!(None),
        })
    }

    fn register_kid(&self) -> Result {
        // Made first: it must not replace the one that there is.
        let kid = Registration::new(this_module::<LocalModule>(), Kid)?;
        *self.kid.lock() = Some(kid);
        Ok(())
    }

    fn take_kid(&self) -> Result<Registration<Kid>> {
        self.kid.lock().take().ok_or(ENOENT)
    }

    /// Waits for the handlers of the kid, of which one needs the lock: so it is not held here.
    fn drop_kid(&self) -> Result {
        self.take_kid().map(drop)
    }

    fn act(&self, what: u32) -> Result {
        match what {
            REGISTER => self.register_kid(),
            DROP => self.drop_kid(),
            FORGET => self.take_kid().map(forget),
            FORGET_STATES => PerNet::<Nothing>::new(this_module::<LocalModule>()).map(forget),
            // Its name is that of this family.
            DOUBLE => Registration::new(this_module::<LocalModule>(), Double).map(drop),
            _ => Err(EOPNOTSUPP),
        }
    }
}

impl Family for Parent {
    const NAME: &'static str = "genl-parent";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_reply::<Act>()]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Parent> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// Command 1: do something with the kid, which attribute 1 says, and return that when it is done.
struct Act;

const REGISTER: u32 = 1;
const DROP: u32 = 2;
const FORGET: u32 = 3;
const DOUBLE: u32 = 4;
/// What follows is done in the handler.
const REGISTER_HERE: u32 = 5;
const DROP_HERE: u32 = 6;
/// Only queue the work that was made before.
const TOGGLE: u32 = 7;
/// Forget a state of all network namespaces, and one of the socket that says so.
const FORGET_STATES: u32 = 8;

impl Command for Act {
    type Family = Parent;
    const NAME: &'static str = "act";
    const NUMBER: u8 = 1;
}

impl Policy for Act {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().range::<1, 8>()];
}

impl Op for Act {
    type Policy = Self;
}

/// What a network namespace has, or a socket.
struct Nothing;

impl NetState for Nothing {
    fn new(_cookie: u64) -> impl PinInit<Self, Error> {
        Ok(Self)
    }
}

/// Forgets what there is for the socket of a request.
fn forget_of_socket(request: &Request<'_, Act>) -> Result {
    // What is forgotten is never freed, and kmemleak would say so.
    if cfg!(CONFIG_DEBUG_KMEMLEAK) {
        return Err(EOPNOTSUPP);
    }
    let of_socket = PerSocket::new(this_module::<LocalModule>())?;
    of_socket.get_or_make(request, || Ok(Nothing))?;
    forget(of_socket);
    Ok(())
}

/// What was done.
struct Done(u32);

impl Message<Act> for Done {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl DoReply for Act {
    fn doit<'a>(
        parent: &Parent,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let what = request.u32::<1>().ok_or_else(|| request.missing::<1>())?;
        if what == FORGET_STATES {
            forget_of_socket(&request)?;
        }
        match what {
            REGISTER_HERE => parent.register_kid()?,
            DROP_HERE => parent.drop_kid()?,
            TOGGLE => {
                request.registered().queue_work(&parent.toggle);
            }
            _ => {
                let (token, sent) = reply.defer()?;
                request.registered().queue_delayed_work(0, move |job| {
                    match job.state().act(what) {
                        Ok(()) => {
                            // The requester may have gone.
                            let _ = token.send(job, &Done(what));
                        }
                        Err(error) => token.fail(job, error),
                    }
                })?;
                return Ok(sent);
            }
        }
        reply.send(&Done(what))
    }
}

/// The other family.
struct Kid;

impl Family for Kid {
    const NAME: &'static str = "genl-kid";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &genl::table([
        genl::do_::<Leave>(),
        genl::dump::<Count>(), //
    ]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Kid> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// Command 1: the family drops itself, in its own handler.
struct Leave;

/// Command 2: a dump of 10,000 numbers.
struct Count;

impl Command for Leave {
    type Family = Kid;
    const NAME: &'static str = "leave";
    const NUMBER: u8 = 1;
}

impl Command for Count {
    type Family = Kid;
    const NAME: &'static str = "count";
    const NUMBER: u8 = 2;
}

impl Op for Leave {
    type Policy = NoAttrs;
}

impl Op for Count {
    type Policy = NoAttrs;
}

/// An object of the dump.
struct Number(u32);

impl Message<Count> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl Do for Leave {
    fn doit(_: &Kid, _: Request<'_, Self>) -> Result {
        let parent = Parent::descriptor().registered().ok_or(ENODEV)?;
        parent.state().drop_kid()
    }
}

impl Dump for Count {
    type State = u32;

    fn start(_: &Kid, _: Request<'_, Self>) -> Result<u32> {
        Ok(0)
    }

    fn dump(_: &Kid, next: &mut u32, objects: &mut Objects<'_, Self>) -> DumpResult {
        while *next < 10_000 {
            objects.push(&Number(*next))?;
            *next += 1;
        }
        Ok(())
    }
}

/// A family whose name is taken.
struct Double;

impl Family for Double {
    const NAME: &'static str = Parent::NAME;
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Double> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}
