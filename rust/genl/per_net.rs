// SPDX-License-Identifier: GPL-2.0

//! State that a family keeps for each network namespace.
//!
//! C headers: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h),
//! [`include/net/netns/generic.h`](srctree/include/net/netns/generic.h)

use super::{
    ffi,
    module::{
        self,
        Kind,
        Place, //
    },
    net::Net, //
};
use core::{
    any::TypeId,
    ffi::c_void,
    marker::PhantomData,
    ptr,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque,
    workqueue::{
        impl_has_work,
        new_work,
        Work,
        WorkItem, //
    },
    ThisModule, //
};

/// What a family keeps for each network namespace, see [`PerNet`].
///
/// It is made under a lock of the core, under which no other [`PerNet`] can be made, and dropped in a
/// task of its own, a moment after its namespace has gone.
pub trait NetState: Sized + Send + Sync + 'static {
    /// Makes the state of the namespace that has this [`Net::cookie`].
    ///
    /// It is called by [`PerNet::new`], and when a namespace is created. An error makes either of
    /// them fail. Nothing can be registered in here.
    fn new(cookie: u64) -> impl PinInit<Self, Error>;
}

/// A state, and the work that drops it: the core calls `exit` under a lock of its own, and what is
/// dropped may own what takes that.
#[pin_data]
struct Kept<T: NetState> {
    #[pin]
    work: Work<Kept<T>>,
    #[pin]
    state: T,
}

impl_has_work! {
    impl{T: NetState} HasWork<Self> for Kept<T> { self.work }
}

impl<T: NetState> WorkItem for Kept<T> {
    type Pointer = Pin<KBox<Self>>;

    fn run(_: Pin<KBox<Self>>) {}
}

/// What the core knows of a [`PerNet`].
#[pin_data]
struct Slot {
    #[pin]
    work: Work<Slot>,
    ops: Opaque<bindings::pernet_operations>,
    id: Opaque<c_uint>,
    state: TypeId,
}

// SAFETY: The operations belong to the core, which any task may tell to give them back.
unsafe impl Send for Slot {}

impl_has_work! {
    impl HasWork<Self> for Slot { self.work }
}

impl WorkItem for Slot {
    type Pointer = Pin<KBox<Self>>;

    fn run(slot: Pin<KBox<Self>>) {
        Slot::end(slot);
    }
}

/// Finds the slot for a type of state.
///
/// The reference is valid as long as the slot is registered, which the lifetime does not say: who
/// is called back because of a slot may use it.
fn find_slot<'a, T: NetState>() -> Option<&'a Slot> {
    // SAFETY: What is noted for a type is a slot, until it is not registered any more.
    module::find_slot(TypeId::of::<T>()).map(|slot| unsafe { slot.cast().as_ref() })
}

impl Slot {
    /// Ends what [`PerNet::new`] has begun.
    fn end(slot: Pin<KBox<Self>>) {
        // SAFETY: By the type invariants of `PerNet` they are registered.
        unsafe { bindings::unregister_pernet_subsys(slot.ops.get()) };
        module::remove_slot(slot.state);
    }

    /// As [`Slot::end`], for a [`PerNet`] that was never dropped.
    ///
    /// # Safety
    ///
    /// `slot` points to what [`PerNet::new`] has made, and that is not used any more.
    unsafe fn end_raw(slot: NonNull<c_void>) {
        // SAFETY: By the safety requirements of this function.
        Self::end(unsafe { Pin::new_unchecked(KBox::from_raw(slot.cast().as_ptr())) });
    }

    /// Where the pointer to the state of a namespace is kept.
    ///
    /// # Safety
    ///
    /// The slot is registered for a state of type `T`, and the namespace is active or is just being
    /// made or destroyed.
    #[inline]
    unsafe fn place<T: NetState>(&self, net: *const bindings::net) -> *mut *mut Kept<T> {
        // SAFETY: By the safety requirements of this function; the core has written the id.
        unsafe { ffi::genl_rs_net_generic(net, *self.id.get()) }.cast()
    }
}

/// # Safety
///
/// The core calls it as the `init` of a registered slot with states of type `T`.
unsafe extern "C" fn net_init<T: NetState>(net: *mut bindings::net) -> c_int {
    let make = || -> Result {
        let slot = find_slot::<T>().ok_or(ENOENT)?;
        // SAFETY: The namespace is valid, and has its cookie before the first `init` is called.
        let cookie = unsafe { (*net).net_cookie };
        let kept = module::within(ptr::null(), || {
            KBox::pin_init(
                try_pin_init!(Kept {
                    work <- new_work!("genl::PerNet"),
                    state <- T::new(cookie),
                }? Error),
                GFP_KERNEL,
            )
        })?;
        // SAFETY: The core has allocated the place and waits for this call. The state is not moved
        // before `net_exit`.
        unsafe { *slot.place::<T>(net) = KBox::into_raw(Pin::into_inner_unchecked(kept)) };
        Ok(())
    };
    match make() {
        Ok(()) => 0,
        Err(error) => error.to_errno(),
    }
}

/// # Safety
///
/// The core calls it as the `exit` of a registered slot with states of type `T`.
unsafe extern "C" fn net_exit<T: NetState>(net: *mut bindings::net) {
    let Some(slot) = find_slot::<T>() else { return };
    // SAFETY: The core calls `exit` once, and only where `init` has succeeded; the place is that
    // of `net_init`.
    let state = unsafe { ptr::replace(slot.place::<T>(net), ptr::null_mut()) };
    if !state.is_null() {
        // SAFETY: `net_init` has taken it from a pinned box, and the slot, which is registered, is in
        // the list of what was given to the core.
        unsafe { module::queue().enqueue(Pin::new_unchecked(KBox::from_raw(state))) };
    }
}

/// State for each network namespace, as long as this exists: a member of the state of a family.
///
/// Like `register_pernet_subsys()` and `net_generic()`: the state is made for all namespaces that
/// exist, then for each one that is created. It is dropped a moment after its namespace has gone, or
/// after this value.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use genl::{Net, NetState, PerNet};
/// use kernel::{prelude::*, ThisModule};
///
/// /// Counts something in one namespace.
/// struct Counter(AtomicU64);
///
/// impl NetState for Counter {
///     fn new(_cookie: u64) -> impl PinInit<Self, Error> {
///         Ok(Self(AtomicU64::new(0)))
///     }
/// }
///
/// struct State {
///     counters: PerNet<Counter>,
/// }
///
/// impl State {
///     fn new(module: &'static ThisModule) -> Result<Self> {
///         Ok(Self { counters: PerNet::new(module)? })
///     }
///
///     fn count(&self, net: &Net) {
///         self.counters.get(net).0.fetch_add(1, Relaxed);
///     }
/// }
/// ```
///
/// # Invariants
///
/// The slot is in the table and registered, and each active namespace has a state.
pub struct PerNet<T: NetState> {
    slot: NonNull<Slot>,
    module: &'static ThisModule,
    _state: PhantomData<fn() -> T>,
}

// SAFETY: The slot belongs to the core, and all that this gives away are shared references to a
// `T`, which is `Send` and `Sync`.
unsafe impl<T: NetState> Send for PerNet<T> {}

// SAFETY: As above.
unsafe impl<T: NetState> Sync for PerNet<T> {}

impl<T: NetState> PerNet<T> {
    /// Makes the state of all namespaces. `module` is the module that this is part of. It may sleep.
    ///
    /// Not in handlers: it waits for a lock of the core that others hold when they wait for locks of
    /// netlink. Dropping it does, too; so in a handler it goes a moment later.
    ///
    /// Returns [`EBUSY`] if there is one for this type, [`EDEADLK`] in a handler or in a
    /// [`NetState::new`], [`EINVAL`] for the wrong module, `ESHUTDOWN` in one that is going,
    /// [`ENOMEM`], and what [`NetState::new`] returns.
    pub fn new(module: &'static ThisModule) -> Result<Self> {
        if module::is_within(ptr::null()) {
            return Err(EDEADLK);
        }
        let mut ops: bindings::pernet_operations = pin_init::zeroed();
        ops.init = Some(net_init::<T>);
        ops.exit = Some(net_exit::<T>);
        // What the core allocates for each namespace is a pointer to the state.
        ops.size = size_of::<*mut T>();
        let slot = KBox::pin_init(
            pin_init!(Slot {
                work <- new_work!("genl::PerNet"),
                ops: Opaque::new(ops),
                id: Opaque::new(0),
                state: TypeId::of::<T>(),
            }),
            GFP_KERNEL,
        )?;
        let raw = NonNull::from(&*slot);
        module::add_slot(slot.state, raw.cast())?;
        let register = || -> Result<Place> {
            let place = Place::new(module, Kind::Callback, raw.cast(), Slot::end_raw)?;
            let ops = slot.ops.get();
            // SAFETY: The slot is pinned, and can be found until the operations were unregistered.
            to_result(unsafe {
                (*ops).id = slot.id.get();
                bindings::register_pernet_subsys(ops)
            })?;
            Ok(place)
        };
        let place = register().inspect_err(|_| module::remove_slot(slot.state))?;
        // The core has it.
        core::mem::forget(slot);
        // SAFETY: `end_raw` takes it back, and then nobody else does.
        unsafe { place.fill() };
        // INVARIANT: They are registered, and the core has called `init` for all namespaces.
        Ok(Self {
            slot: raw,
            module,
            _state: PhantomData,
        })
    }

    /// The state of a namespace.
    #[inline]
    pub fn get<'a>(&'a self, net: &'a Net) -> &'a T {
        // SAFETY: By the type invariants of both: a namespace that is active has a state, which
        // lives until the namespace ends or the operations are unregistered.
        unsafe { &(**self.slot.as_ref().place::<T>(net.as_ptr())).state }
    }
}

impl<T: NetState> Drop for PerNet<T> {
    fn drop(&mut self) {
        if !module::take_back(self.module, Kind::Callback, self.slot.cast()) {
            return;
        }
        // SAFETY: It comes from a pinned box, and nobody else ends it any more.
        let slot = unsafe { Pin::new_unchecked(KBox::from_raw(self.slot.as_ptr())) };
        if module::is_within(ptr::null()) {
            // The lock of the core that is needed may be held by this very task.
            // SAFETY: There is a slot, so something was given; `Home::take_all_back` waits for it.
            unsafe { module::queue() }.enqueue(slot);
        } else {
            Slot::end(slot);
        }
    }
}

#[kunit_tests(genl_per_net)]
mod tests {
    use super::{
        super::module::TEST_MODULE as MODULE,
        *, //
    };
    use core::sync::atomic::{
        AtomicU32,
        Ordering, //
    };
    use kernel::{
        new_mutex,
        sync::Mutex,
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    static GONE: AtomicU32 = AtomicU32::new(0);

    /// Counts when it goes.
    struct Inner;

    impl NetState for Inner {
        fn new(_cookie: u64) -> impl PinInit<Self, Error> {
            Ok(Self)
        }
    }

    impl Drop for Inner {
        fn drop(&mut self) {
            GONE.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Wants another state while it is being made.
    struct Greedy;

    impl NetState for Greedy {
        fn new(_cookie: u64) -> impl PinInit<Self, Error> {
            PerNet::<Inner>::new(MODULE).map(|_| Self)
        }
    }

    #[test]
    fn no_state_is_made_while_another_is() -> Result {
        assert!(PerNet::<Greedy>::new(MODULE).is_err_and(|error| error == EDEADLK));
        assert!(PerNet::<Inner>::new(MODULE).is_ok());
        Ok(())
    }

    /// Owns the state of all namespaces.
    struct Owner(Pin<KBox<Mutex<Option<PerNet<Inner>>>>>);

    impl NetState for Owner {
        fn new(_cookie: u64) -> impl PinInit<Self, Error> {
            Ok(Self(KBox::pin_init(new_mutex!(None), GFP_KERNEL)?))
        }
    }

    #[test]
    fn a_state_may_own_the_state_of_all_namespaces() -> Result {
        let owner = PerNet::<Owner>::new(MODULE)?;
        let inner = loop {
            // That of the last test may be on its way.
            match PerNet::<Inner>::new(MODULE) {
                Err(error) if error == EBUSY => fsleep(Delta::from_millis(1)),
                other => break other?,
            }
        };
        *owner.get(Net::init()).0.lock() = Some(inner);
        let before = GONE.load(Ordering::Relaxed);
        drop(owner);
        for _ in 0..5000 {
            if GONE.load(Ordering::Relaxed) > before {
                return Ok(());
            }
            fsleep(Delta::from_millis(1));
        }
        Err(ETIMEDOUT)
    }
}
