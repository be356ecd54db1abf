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
    kind::*,
    Attribute,
    DumpResult,
    DumpState,
    Family,
    FamilyDescriptor,
    FamilyWork,
    NetState,
    NoAttrs,
    Objects,
    PerNet,
    PerSocket,
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
    sync::Mutex,
    time::Delta, //
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

    fn carry_out(&self, what: u32) -> Result {
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
    const OPS: &'static [SplitOp<Self>] = parent_op::OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Parent> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::attributes! {
    /// What is done.
    pub(crate) mod act: ActSet {
        /// One of the things below.
        What = 1: U32 { range::<1, 8>() },
    }

    /// An object of the kid.
    pub(crate) mod object: ObjectSet {
        /// Its number.
        Number = 1: U32,
    }
}

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

/// What can be asked of the parent.
mod parent_op {
    use super::{
        genl,
        ActSet,
        Parent, //
    };

    genl::operations! {
        for Parent;

        /// Do something with the kid, and return what when it is done.
        do_reply Act = "act" 1, Anyone, ActSet [..] => act;
    }
}

/// What a network namespace has, or a socket.
struct Nothing;

impl NetState for Nothing {
    fn new(_cookie: u64) -> impl PinInit<Self, Error> {
        Ok(Self)
    }
}

/// Forgets what there is for the socket of a request.
fn forget_of_socket(request: &Request<'_, parent_op::Act>) -> Result {
    // What is forgotten is never freed, and kmemleak would say so.
    if cfg!(CONFIG_DEBUG_KMEMLEAK) {
        return Err(EOPNOTSUPP);
    }
    let of_socket = PerSocket::new(this_module::<LocalModule>())?;
    of_socket.get_or_make(request, || Ok(Nothing))?;
    forget(of_socket);
    Ok(())
}

impl Parent {
    fn act<'a>(
        &self,
        request: Request<'a, parent_op::Act>,
        reply: Responder<'a, parent_op::Act>,
    ) -> Result<Sent<'a>> {
        let what = request.need(act::What)?;
        let done = (act::What.put(what),);
        if what == FORGET_STATES {
            forget_of_socket(&request)?;
        }
        match what {
            REGISTER_HERE => self.register_kid()?,
            DROP_HERE => self.drop_kid()?,
            TOGGLE => {
                request.registered().queue_work(&self.toggle);
            }
            _ => {
                let (token, sent) = reply.defer()?;
                request
                    .registered()
                    .queue_delayed_work(Delta::ZERO, move |job| {
                        match job.state().carry_out(what) {
                            Ok(()) => {
                                // The requester may have gone.
                                let _ = token.send(job, &done);
                            }
                            Err(error) => token.fail(job, error),
                        }
                    })?;
                return Ok(sent);
            }
        }
        reply.send(&done)
    }
}

/// The other family.
struct Kid;

impl Family for Kid {
    const NAME: &'static str = "genl-kid";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = kid_op::OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Kid> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// What can be asked of the kid.
mod kid_op {
    use super::{
        genl,
        Kid,
        NoAttrs,
        Numbers,
        ObjectSet, //
    };

    genl::operations! {
        for Kid;

        /// The family drops itself, in its own handler.
        do Leave = "leave" 1, Anyone, NoAttrs [] => leave;

        /// Return 10,000 objects.
        dump Count = "count" 2, Anyone, ObjectSet [] => count Numbers;
    }
}

impl Kid {
    fn leave(&self, _: Request<'_, kid_op::Leave>) -> Result {
        let parent = Parent::descriptor().registered().ok_or(ENODEV)?;
        parent.state().drop_kid()
    }

    fn count(&self, _: Request<'_, kid_op::Count>) -> Result<Numbers> {
        Ok(Numbers(0))
    }
}

/// The number that a dump sends next.
struct Numbers(u32);

impl DumpState<kid_op::Count> for Numbers {
    fn dump(&mut self, _: &Kid, objects: &mut Objects<'_, kid_op::Count>) -> DumpResult {
        while self.0 < 10_000 {
            objects.push(&(object::Number.put(self.0),))?;
            self.0 += 1;
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
