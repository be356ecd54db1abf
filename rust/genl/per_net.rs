// SPDX-License-Identifier: GPL-2.0

//! State that a family keeps for each network namespace.
//!
//! C headers: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h),
//! [`include/net/netns/generic.h`](srctree/include/net/netns/generic.h)

use super::{
    ffi,
    gate::Gate,
    module::{
        self,
        Kind,
        Link,
        Place, //
    },
    net::Net, //
};
use core::{
    any::TypeId,
    ffi::c_void,
    marker::PhantomData,
    ops::Deref,
    ptr,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::Arc,
    types::Opaque,
    workqueue::{
        Work,
        WorkItem, //
    },
    ThisModule, //
};

/// What a family keeps for each network namespace, see [`PerNet`].
///
/// It is made under a lock of the core, under which no other [`PerNet`] can be made, and dropped in
/// a task of its own, a moment after its namespace has gone.
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

kernel::impl_has_work! {
    impl{T: NetState} HasWork<Self> for Kept<T> { self.work }
}

impl<T: NetState> WorkItem for Kept<T> {
    type Pointer = Pin<KBox<Self>>;

    fn run(_: Pin<KBox<Self>>) {}
}

/// What the core knows of a [`PerNet`].
///
/// # Invariants
///
/// Whoever is inside of `gate` keeps the operations registered.
#[pin_data]
struct Slot {
    #[pin]
    work: Work<Slot>,
    ops: Opaque<bindings::pernet_operations>,
    id: Opaque<c_uint>,
    link: Link,
    gate: Gate,
}

// SAFETY: The operations belong to the core, which any task may tell to give them back.
unsafe impl Send for Slot {}

// SAFETY: The core has a lock for the operations, and so has the list for the link. The id is not
// written any more when others read it.
unsafe impl Sync for Slot {}

kernel::impl_has_work! {
    impl HasWork<Self> for Slot { self.work }
}

impl WorkItem for Slot {
    type Pointer = Arc<Self>;

    fn run(slot: Arc<Self>) {
        slot.end();
    }
}

/// Finds the slot for a type of state.
///
/// # Safety
///
/// The slot stays registered during `'a`: it is as long as the core calls back because of it.
unsafe fn find_slot<'a, T: NetState>() -> Option<&'a Slot> {
    let link = module::find_slot(TypeId::of::<T>())?;
    // SAFETY: Each link is part of a slot, which is noted until it is not registered any more.
    Some(unsafe { &*kernel::container_of!(link.as_ptr(), Slot, link) })
}

impl Slot {
    /// Ends what [`PerNet::new`] has begun. Nobody uses the states any more, and whoever calls this
    /// has taken the slot off the list of what was given to the core.
    #[inline(never)]
    fn end(&self) {
        // SAFETY: What was in the list is registered.
        unsafe { bindings::unregister_pernet_subsys(self.ops.get()) };
        module::remove_slot(&self.link);
    }

    /// The reference that the list had.
    ///
    /// # Safety
    ///
    /// `slot` was just taken off the list.
    unsafe fn from_list(slot: NonNull<c_void>) -> Arc<Self> {
        // SAFETY: `PerNet::new` has forgotten a reference for the list.
        unsafe { Arc::from_raw(slot.cast().as_ptr()) }
    }

    /// As [`Slot::end`], for a [`PerNet`] that was never dropped: others may use it.
    ///
    /// # Safety
    ///
    /// `slot` was just taken off the list.
    unsafe fn end_raw(slot: NonNull<c_void>) {
        // SAFETY: By the safety requirements of this function.
        let slot = unsafe { Self::from_list(slot) };
        if slot.gate.close() {
            module::wait_for(
                &slot.gate,
                c"\x013genl: module %s cannot go: somebody holds a NetStateGuard\n",
                module::name(),
            );
        }
        slot.end();
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

    /// Comes in. Returns where the pointer to the state of a namespace is kept, or null.
    #[inline(never)]
    fn enter(&self, net: &Net) -> *mut c_void {
        if !self.gate.enter() {
            return ptr::null_mut();
        }
        // SAFETY: By the type invariants the operations are registered; so the core has written the
        // id.
        let place = unsafe { ffi::genl_rs_net_generic(net.as_ptr(), *self.id.get()) };
        if place.is_null() {
            // A namespace that is still being made.
            self.leave();
        }
        place
    }

    /// Goes out.
    #[inline]
    fn leave(&self) {
        self.gate.leave();
    }
}

/// # Safety
///
/// The core calls it as the `init` of a registered slot with states of type `T`.
unsafe extern "C" fn net_init<T: NetState>(net: *mut bindings::net) -> c_int {
    let make = || -> Result {
        // SAFETY: It is being called back.
        let slot = unsafe { find_slot::<T>() }.ok_or(ENOENT)?;
        // SAFETY: The namespace is valid, and has its cookie before the first `init` is called.
        let cookie = unsafe { (*net).net_cookie };
        let kept = module::within(ptr::null(), || {
            KBox::pin_init(
                kernel::try_pin_init!(Kept {
                    work <- kernel::new_work!("genl::PerNet"),
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
    // SAFETY: It is being called back.
    let Some(slot) = (unsafe { find_slot::<T>() }) else {
        return;
    };
    // SAFETY: The core calls `exit` once, and only where `init` has succeeded; the place is that
    // of `net_init`.
    let state = unsafe { ptr::replace(slot.place::<T>(net), ptr::null_mut()) };
    if !state.is_null() {
        // SAFETY: `net_init` has taken it from a pinned box, and the slot, which is registered, is
        // in the list of what was given to the core.
        unsafe { module::queue().enqueue(Pin::new_unchecked(KBox::from_raw(state))) };
    }
}

/// State for each network namespace, as long as this exists: a member of the state of a family.
///
/// Like `register_pernet_subsys()` and `net_generic()`: the state is made for all namespaces that
/// exist, then for each one that is created. It is dropped a moment after its namespace has gone,
/// or after this value.
///
/// # Examples
///
/// ```
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use genl::{Net, NetState, PerNet};
/// use kernel::{prelude::*, ThisModule};
///
/// /// Counts something in one namespace.
/// struct Counter(Atomic<u64>);
///
/// impl NetState for Counter {
///     fn new(_cookie: u64) -> impl PinInit<Self, Error> {
///         Ok(Self(Atomic::new(0)))
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
///     fn count(&self, net: &Net) -> Result {
///         self.counters.get(net)?.0.fetch_add(1, Relaxed);
///         Ok(())
///     }
/// }
/// ```
///
/// # Invariants
///
/// The slot is for states of type `T`. Where its operations are registered, and this exists, each
/// active namespace has a state.
pub struct PerNet<T: NetState> {
    slot: Arc<Slot>,
    module: &'static ThisModule,
    // Invariant: what is put in as one type is taken out as the same.
    _state: PhantomData<fn(T) -> T>,
}

/// The state of a network namespace, see [`PerNet::get`].
///
/// # Invariants
///
/// It is inside of the gate of the slot that the state belongs to.
pub struct NetStateGuard<'a, T: NetState> {
    state: &'a T,
    slot: &'a Slot,
}

impl<T: NetState> Deref for NetStateGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.state
    }
}

impl<T: NetState> Drop for NetStateGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.slot.leave();
    }
}

impl<T: NetState> PerNet<T> {
    /// Makes the state of all namespaces. `module` is the module that this is part of. It may
    /// sleep.
    ///
    /// Not in handlers: it waits for a lock of the core that others hold when they wait for locks
    /// of netlink. Dropping it does, too; so in a handler it goes a moment later.
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
        let slot = Arc::pin_init(
            pin_init::pin_init!(Slot {
                work <- kernel::new_work!("genl::PerNet"),
                ops: Opaque::new(ops),
                id: Opaque::new(0),
                link: Link::new(TypeId::of::<T>()),
                gate: Gate::new(),
            }),
            GFP_KERNEL,
        )?;
        let raw = NonNull::from(&*slot);
        // SAFETY: It is new and pinned. It is forgotten where this fails, and in `Slot::end`.
        unsafe { module::add_slot(&slot.link) }?;
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
        let place = register().inspect_err(|_| module::remove_slot(&slot.link))?;
        slot.gate.reset();
        slot.gate.open();
        // The list has a reference of its own, as long as it is in there.
        core::mem::forget(slot.clone());
        // SAFETY: `end_raw` takes it back, and then nobody else does.
        unsafe { place.fill() };
        // INVARIANT: They are registered, and the core has called `init` for all namespaces.
        Ok(Self {
            slot,
            module,
            _state: PhantomData,
        })
    }

    /// The state of a namespace.
    ///
    /// Returns `ESHUTDOWN` where the module is going: then all states go, whoever has their
    /// [`PerNet`]. As long as the module is not going it does not fail. Whoever ends the states
    /// waits until the returned guard is dropped, so do not keep one.
    #[inline]
    pub fn get<'a>(&'a self, net: &'a Net) -> Result<NetStateGuard<'a, T>> {
        let slot = &*self.slot;
        let place = slot.enter(net).cast::<*const Kept<T>>();
        if place.is_null() {
            return Err(ESHUTDOWN);
        }
        // INVARIANT: It is inside.
        Ok(NetStateGuard {
            // SAFETY: By the type invariants: a namespace that is active has a state, which lives
            // until the namespace ends or the operations are unregistered, and we are inside.
            state: unsafe { &(**place).state },
            slot,
        })
    }
}

impl<T: NetState> Drop for PerNet<T> {
    fn drop(&mut self) {
        let thing = NonNull::from(&*self.slot).cast();
        if !module::take_back(self.module, Kind::Callback, thing) {
            return;
        }
        // SAFETY: It was just taken off the list.
        let slot = unsafe { Slot::from_list(thing) };
        // Whoever has a guard borrows this, so there is nobody to wait for.
        if module::is_within(ptr::null()) {
            // The lock of the core that is needed may be held by this very task.
            // It is not in the queue: that happens once, here.
            // SAFETY: There is a slot, so something was given; `Home::take_all_back` waits for it.
            let _ = unsafe { module::queue() }.enqueue(slot);
        } else {
            slot.end();
        }
    }
}

#[kunit_tests(genl_per_net)]
mod tests {
    use super::{
        super::module::TEST_MODULE as MODULE,
        *, //
    };
    use kernel::{
        new_mutex,
        sync::{
            atomic::{
                Atomic,
                Relaxed, //
            },
            Mutex, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
        workqueue, //
    };

    static GONE: Atomic<u32> = Atomic::new(0);

    /// Counts when it goes.
    struct Inner;

    impl NetState for Inner {
        fn new(_cookie: u64) -> impl PinInit<Self, Error> {
            Ok(Self)
        }
    }

    impl Drop for Inner {
        fn drop(&mut self) {
            GONE.fetch_add(1, Relaxed);
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

    /// Counts nothing.
    struct Plain;

    impl NetState for Plain {
        fn new(_cookie: u64) -> impl PinInit<Self, Error> {
            Ok(Self)
        }
    }

    static LEFT: Atomic<u32> = Atomic::new(0);

    #[test]
    fn what_was_taken_back_has_no_state_and_whoever_uses_one_is_waited_for() -> Result {
        let leaked: &'static _ = KBox::leak(KBox::new(PerNet::<Plain>::new(MODULE)?, GFP_KERNEL)?);
        let guard = leaked.get(Net::init())?;
        workqueue::system().try_spawn(GFP_KERNEL, move || {
            fsleep(Delta::from_millis(50));
            LEFT.store(1, Relaxed);
            drop(guard);
        })?;
        // As if the module were going.
        let thing = NonNull::from(&*leaked.slot).cast();
        assert!(module::take_back(MODULE, Kind::Callback, thing));
        // SAFETY: It was just taken off the list.
        unsafe { Slot::end_raw(thing) };
        assert_eq!(LEFT.load(Relaxed), 1);
        assert!(leaked
            .get(Net::init())
            .is_err_and(|error| error == ESHUTDOWN));
        // The next one is none of its business.
        let next = PerNet::<Plain>::new(MODULE)?;
        // SAFETY: It was leaked above, and nobody refers to it.
        drop(unsafe { KBox::from_raw(ptr::from_ref(leaked).cast_mut()) });
        assert!(next.get(Net::init()).is_ok());
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
        *owner.get(Net::init())?.0.lock() = Some(inner);
        let before = GONE.load(Relaxed);
        drop(owner);
        for _ in 0..5000 {
            if GONE.load(Relaxed) > before {
                return Ok(());
            }
            fsleep(Delta::from_millis(1));
        }
        Err(ETIMEDOUT)
    }
}
