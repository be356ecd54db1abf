// SPDX-License-Identifier: GPL-2.0

//! The registration of a family, as a value.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct genl_family`)

use super::{
    family::{
        clear_number,
        Family,
        FamilyDescriptor,
        Inner,
        RegistrationGuard, //
    },
    module::{
        self,
        Kind,
        Place, //
    },
    sync::{
        Acquire,
        Relaxed, //
    },
    work::LazyJobs, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    ThisModule, //
};

/// A family that is registered. Dropping it unregisters the family, and drops its state.
///
/// A module may have any number of them, of different families, and make and drop them in process
/// context whenever it likes: in its `init` or later, when a device is found, or in a job of
/// another family. It is a value like another: a member of the module, of the data of a driver, or
/// in a box.
///
/// Dropping it waits for the handlers that run, for the rounds of dumps, and for whoever holds a
/// [`RegistrationGuard`]. A dump that is open then ends with [`ENODEV`]. In a handler waiting would
/// be for ever. There the family goes a moment later, in a task of its own.
///
/// This knows the handlers of its own module only. In a callback that a handler of another module
/// leads to, such as `probe` or `remove` of a driver whose device is added or removed there, making
/// or dropping one waits for ever, as in C: queue work there that does it. Two jobs that drop each
/// other's family wait for ever as well.
///
/// A module that fails to load, after it has registered a family, is safe: as long as it is being
/// loaded, dumps are refused with [`EAGAIN`]. One that forgets a registration, or keeps it in a
/// static or in a cycle, is safe, too: the family goes with the module, and
/// [`Registration::registered`] says so to whoever still has the registration.
///
/// # Examples
///
/// A module with two families, of which one can be loaded by its name.
///
/// ```
/// use genl::{Family, FamilyDescriptor, NoAttrs, Registration, Request, SplitOp};
/// use kernel::{prelude::*, ThisModule};
///
/// struct Left(u32);
/// struct Right(u32);
///
/// impl Family for Left {
///     const NAME: &'static str = "left";
///     const VERSION: u8 = 1;
///     const OPS: &'static [SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Left> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// }
///
/// impl Family for Right {
///     const NAME: &'static str = "right";
///     const VERSION: u8 = 1;
///     const OPS: &'static [SplitOp<Self>] = &[];
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Right> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// }
/// #
/// # genl::operations! {
/// #     for Left;
/// #     do Ping = "ping" 1, Anyone, NoAttrs [] => ping;
/// # }
/// #
/// # impl Left {
/// #     fn ping(&self, _: Request<'_, Ping>) -> Result {
/// #         Ok(())
/// #     }
/// # }
///
/// struct Hands {
///     _left: Registration<Left>,
///     _right: Registration<Right>,
/// }
///
/// impl kernel::Module for Hands {
///     fn init(module: &'static ThisModule) -> Result<Self> {
///         Ok(Self {
///             _left: Registration::new(module, Left(1))?,
///             // If this fails, the other one is unregistered.
///             _right: Registration::new(module, Right(2))?,
///         })
///     }
/// }
///
/// genl::module_alias_family!(Left);
///
/// module! {
///     type: Hands,
///     name: "hands",
///     authors: ["A. U. Thor"],
///     description: "Two families",
///     license: "GPL",
/// }
/// ```
///
/// # Invariants
///
/// `inner` is what the registration with this number consists of, until it was taken back: by this,
/// or because the module is going.
pub struct Registration<F: Family> {
    inner: NonNull<Inner<F>>,
    descriptor: &'static FamilyDescriptor<F>,
    serial: u64,
    module: &'static ThisModule,
}

// SAFETY: The state is `Send`, and any task may unregister a family.
unsafe impl<F: Family> Send for Registration<F> {}

// SAFETY: What this gives away is proof that the family is registered, which any task may have.
unsafe impl<F: Family> Sync for Registration<F> {}

impl<F: Family> Registration<F> {
    /// Makes the state of the family, in place, and registers the family. It may sleep.
    ///
    /// Requests may come before this returns. `module` is the module that this is part of: the
    /// argument of [`Module::init`](kernel::Module::init), or elsewhere
    /// [`this_module`](kernel::module::this_module)`::<LocalModule>()`.
    ///
    /// Returns what `state` returns, [`EEXIST`] where this family is registered already or another
    /// one has its name, [`EDEADLK`] in a handler or in another callback of the core, such as
    /// [`Bind::bind`](super::Bind::bind) and [`NetState::new`](super::NetState::new), [`EINVAL`]
    /// for the wrong module, `ESHUTDOWN` in a module that is going, [`ENOSPC`] where all numbers of
    /// families are taken, and [`ENOMEM`].
    pub fn new<E>(module: &'static ThisModule, state: impl PinInit<F, E>) -> Result<Self>
    where
        Error: From<E>,
    {
        if module::is_within(ptr::null()) {
            return Err(EDEADLK);
        }
        let descriptor = F::descriptor();
        let left = descriptor.left.map(|new| new()).transpose()?;
        // SAFETY: It initialises what `state` does, or fails like it.
        let state = unsafe {
            pin_init::pin_init_from_closure(move |place: *mut F| {
                state.__init(place).map_err(Error::from)
            })
        };
        let inner = KBox::pin_init::<Error>(
            kernel::try_pin_init!(Inner {
                state <- state,
                work <- kernel::new_work!("genl::Registration"),
                jobs <- LazyJobs::new(),
                left,
                descriptor,
                module,
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: It stays where it is, and is not null.
        let raw =
            unsafe { NonNull::new_unchecked(KBox::into_raw(Pin::into_inner_unchecked(inner))) };
        // SAFETY: It was just taken out of a pinned box, and is put back at most once.
        let inner = || unsafe { Pin::new_unchecked(KBox::from_raw(raw.as_ptr())) };
        let claim = descriptor
            .state
            .cmpxchg(ptr::null_mut(), raw.as_ptr(), Acquire);
        if claim.is_err() {
            drop(inner());
            return Err(EEXIST);
        }
        let serial = descriptor.serial.fetch_add(1, Relaxed).wrapping_add(1);
        let family = descriptor.family.get();
        descriptor.gate.reset();
        let register = || -> Result<Place> {
            let place = Place::new(module, Kind::Family, raw.cast(), Inner::<F>::end_raw)?;
            // SAFETY: `state` was null, so the family is not registered, and the exchange has made
            // us the only one to write here.
            to_result(unsafe {
                (*family).module = module.as_ptr();
                bindings::genl_register_family(family)
            })?;
            Ok(place)
        };
        let place = match register() {
            Ok(place) => place,
            Err(error) => {
                // The core does not know it. The number may be that of another one by now.
                // SAFETY: As above.
                unsafe { clear_number(family) };
                // Nobody has come in, but see `FamilyDescriptor::called`.
                Inner::end(inner());
                return Err(error);
            }
        };
        // The core has it. Before anybody can take it back.
        descriptor.gate.open();
        // SAFETY: `end_raw` takes it back, and then nobody else does.
        unsafe { place.fill() };
        // INVARIANT: It was just made.
        Ok(Self {
            inner: raw,
            descriptor,
            serial,
            module,
        })
    }

    /// The family, as [`FamilyDescriptor::registered`], for this registration only. Returns `None`
    /// where the module is going: then the family goes, whoever has its registration.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Family, Registration};
    ///
    /// /// What the state says, as long as the family is there.
    /// fn ask<F: Family, T>(family: &Registration<F>, what: impl FnOnce(&F) -> T) -> Option<T> {
    ///     Some(what(family.registered()?.state()))
    /// }
    /// ```
    pub fn registered(&self) -> Option<RegistrationGuard<F>> {
        self.descriptor.registered_as(self.serial)
    }
}

impl<F: Family> Drop for Registration<F> {
    fn drop(&mut self) {
        if !module::take_back(self.module, Kind::Family, self.inner.cast()) {
            return;
        }
        // SAFETY: It comes from a pinned box, and nobody else ends it any more.
        let inner = unsafe { Pin::new_unchecked(KBox::from_raw(self.inner.as_ptr())) };
        if module::is_within(self.descriptor.mark()) {
            // SAFETY: The family is registered.
            unsafe { module::queue() }.enqueue(inner);
        } else {
            Inner::end(inner);
        }
    }
}

#[kunit_tests(genl_family)]
mod tests {
    use super::{
        super::{
            bind::{
                bind_trampoline,
                Bind, //
            },
            module::TEST_MODULE as MODULE,
            per_net::{
                NetState,
                PerNet, //
            },
            table::{
                Listen,
                MulticastGroup,
                SplitOp, //
            },
            work::FamilyWork, //
        },
        *, //
    };
    use kernel::{
        new_mutex,
        sync::{
            atomic::Atomic,
            Arc,
            Mutex, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    static GONE: Atomic<u32> = Atomic::new(0);

    /// A family without operations, which counts when it goes.
    #[pin_data(PinnedDrop)]
    struct Fam {
        number: u32,
        #[pin]
        lock: Mutex<u32>,
    }

    impl Fam {
        fn new(number: u32) -> impl PinInit<Self> {
            pin_init!(Self {
                lock <- new_mutex!(number),
                number,
            })
        }

        fn failing() -> impl PinInit<Self, Error> {
            try_pin_init!(Self {
                number: Err::<u32, Error>(ENOMSG)?,
                lock <- new_mutex!(0),
            })
        }
    }

    #[pinned_drop]
    impl PinnedDrop for Fam {
        fn drop(self: Pin<&mut Self>) {
            GONE.fetch_add(1, Relaxed);
        }
    }

    impl Family for Fam {
        const NAME: &'static str = "kunit-family";
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
            &DESCRIPTOR
        }
    }

    /// Another one that has its name.
    struct Namesake;

    impl Family for Namesake {
        const NAME: &'static str = Fam::NAME;
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTOR: FamilyDescriptor<Namesake> = FamilyDescriptor::new();
            &DESCRIPTOR
        }
    }

    static JOINED: Atomic<u32> = Atomic::new(0);

    /// A family that never returns the same static twice in a row.
    struct Fickle;

    impl Family for Fickle {
        const NAME: &'static str = "kunit-fickle";
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];
        const GROUPS: &'static [MulticastGroup<Self>] =
            &[MulticastGroup::new("one", Listen::Anyone)];

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTORS: [FamilyDescriptor<Fickle>; 2] =
                [const { FamilyDescriptor::with_bind() }; 2];
            static NEXT: Atomic<u32> = Atomic::new(0);
            // CAST: What has 32 bits fits.
            &DESCRIPTORS[NEXT.fetch_add(1, Relaxed) as usize % 2]
        }
    }

    impl Bind for Fickle {
        fn bind(&self, _group: u32) {
            JOINED.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_registration_knows_its_static() -> Result {
        // Each time another one, and the next time the other one.
        for round in 0..4 {
            let registration = Registration::new(MODULE, Fickle)?;
            if round % 2 == 0 {
                // In the other one. Its name is taken.
                assert!(is(Registration::new(MODULE, Fickle), EEXIST));
            }
            let family = registration.registered().ok_or(ENODEV)?;
            let found = [Fickle::descriptor(), Fickle::descriptor()].map(|descriptor| {
                let found = descriptor.registered().is_some();
                assert_eq!(found, ptr::eq(descriptor, family.descriptor()));
                found
            });
            assert_eq!(found.iter().filter(|found| **found).count(), 1);

            // A job runs for the one that it was queued for, wherever the family is looked for.
            let ran = Arc::new(Atomic::new(0), GFP_KERNEL)?;
            let there = ran.clone();
            family.queue_delayed_work(Delta::ZERO, move |_| {
                there.fetch_add(1, Relaxed);
            })?;
            let there = ran.clone();
            let work = FamilyWork::<Fickle>::new(move |_| {
                there.fetch_add(2, Relaxed);
            })?;
            assert!(family.queue_work(&work));
            for _ in 0..5000 {
                if ran.load(Relaxed) == 3 {
                    break;
                }
                fsleep(Delta::from_millis(1));
            }
            assert_eq!(ran.load(Relaxed), 3);

            // Of two calls one comes to the family, and neither to what is not registered.
            let joined = JOINED.load(Relaxed);
            // SAFETY: As the core would call it. Nobody else registers or ends this family.
            unsafe {
                bind_trampoline::<Fickle>(0);
                bind_trampoline::<Fickle>(0);
            }
            assert_eq!(JOINED.load(Relaxed), joined + 1);
            drop(family);
            drop(registration);
            assert!(Fickle::descriptor().registered().is_none());
        }
        Ok(())
    }

    /// The number of the family that is registered.
    fn number() -> Option<u32> {
        let family = Fam::descriptor().registered()?;
        let state = family.state();
        Some(state.number).filter(|number| *number == *state.lock.lock())
    }

    fn is<T>(result: Result<T>, error: Error) -> bool {
        result.is_err_and(|other| other == error)
    }

    #[test]
    fn it_is_registered_and_dropped_again_and_again() -> Result {
        for round in 1..=3 {
            let before = GONE.load(Relaxed);
            assert!(number().is_none());
            let registration = Registration::new(MODULE, Fam::new(round))?;
            let state = registration
                .registered()
                .map(|family| family.state().number);
            assert_eq!(state, Some(round));
            assert_eq!(number(), Some(round));
            // It can be moved.
            let boxed = KBox::new(registration, GFP_KERNEL)?;
            assert_eq!(number(), Some(round));
            drop(boxed);
            assert!(number().is_none());
            assert_eq!(GONE.load(Relaxed), before + 1);
        }
        Ok(())
    }

    #[test]
    fn a_registration_that_was_taken_back_gives_nothing_away() -> Result {
        let leaked = Registration::new(MODULE, Fam::new(1))?;
        let before = GONE.load(Relaxed);
        // As if the module were going.
        assert!(module::take_back(MODULE, Kind::Family, leaked.inner.cast()));
        // SAFETY: It was just taken off the list, so nobody else ends it.
        unsafe { Inner::<Fam>::end_raw(leaked.inner.cast()) };
        assert_eq!(GONE.load(Relaxed), before + 1);
        assert!(leaked.registered().is_none());
        // The next one is none of its business.
        let next = Registration::new(MODULE, Fam::new(2))?;
        assert!(leaked.registered().is_none());
        drop(leaked);
        assert_eq!(number(), Some(2));
        assert!(next.registered().is_some());
        Ok(())
    }

    #[test]
    fn there_is_one_registration_of_a_family_and_of_a_name() -> Result {
        let registration = Registration::new(MODULE, Fam::new(1))?;
        let before = GONE.load(Relaxed);
        assert!(is(Registration::new(MODULE, Fam::new(2)), EEXIST));
        assert_eq!(GONE.load(Relaxed), before + 1);
        assert!(is(Registration::new(MODULE, Namesake), EEXIST));
        assert!(Namesake::descriptor().registered().is_none());
        assert_eq!(number(), Some(1));
        drop(registration);
        assert!(Registration::new(MODULE, Namesake).is_ok());
        assert!(Registration::new(MODULE, Fam::new(3)).is_ok());
        Ok(())
    }

    #[test]
    fn an_error_of_the_state_comes_back() -> Result {
        let before = GONE.load(Relaxed);
        assert!(is(Registration::new(MODULE, Fam::failing()), ENOMSG));
        assert_eq!(GONE.load(Relaxed), before);
        assert!(Registration::new(MODULE, Fam::new(1)).is_ok());
        Ok(())
    }

    #[test]
    fn another_module_is_refused() {
        // SAFETY: Null stands for what is built in.
        static OTHER: ThisModule = unsafe { ThisModule::from_ptr(ptr::null_mut()) };
        assert!(is(Registration::new(&OTHER, Fam::new(1)), EINVAL));
        assert!(number().is_none());
    }

    struct Nothing;

    impl NetState for Nothing {
        fn new(_cookie: u64) -> impl PinInit<Self, Error> {
            Ok(Self)
        }
    }

    #[test]
    fn nothing_is_registered_in_a_callback() {
        module::within(ptr::null(), || {
            assert!(is(Registration::new(MODULE, Fam::new(1)), EDEADLK));
            assert!(is(PerNet::<Nothing>::new(MODULE), EDEADLK));
        });
        // One that has returned does not matter.
        assert!(Registration::new(MODULE, Fam::new(1)).is_ok());
    }

    #[test]
    fn a_job_registers_another_family() -> Result {
        let registration = Registration::new(MODULE, Fam::new(1))?;
        module::within(Namesake::descriptor().mark(), || {
            assert!(is(Registration::new(MODULE, Fam::new(2)), EEXIST));
            // And waits here for another one.
            drop(registration);
            assert!(number().is_none());
        });
        Ok(())
    }

    #[test]
    fn what_is_dropped_in_its_callback_goes_a_moment_later() -> Result {
        for mark in [Fam::descriptor().mark(), ptr::null()] {
            let registration = Registration::new(MODULE, Fam::new(1))?;
            let before = GONE.load(Relaxed);
            let guard = Fam::descriptor().registered();
            assert!(guard.is_some());
            // It would wait for the guard.
            module::within(mark, || drop(registration));
            assert_eq!(GONE.load(Relaxed), before);
            drop(guard);
            let mut waited = 0;
            while GONE.load(Relaxed) == before {
                assert!(waited < 5000);
                waited += 1;
                fsleep(Delta::from_millis(1));
            }
            assert!(number().is_none());
        }
        Ok(())
    }
}
