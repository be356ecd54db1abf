// SPDX-License-Identifier: GPL-2.0

//! State that a family keeps for each network namespace.
//!
//! C headers: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h),
//! [`include/net/netns/generic.h`](srctree/include/net/netns/generic.h)

use super::{
    family::{
        queue,
        Callback, //
    },
    ffi,
    net::Net, //
};
use core::{
    any::TypeId,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr,
    sync::atomic::{
        AtomicBool,
        AtomicPtr,
        Ordering, //
    },
};
use kernel::{
    bindings,
    error::to_result,
    new_spinlock,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        rcu,
        SpinLock, //
    },
    types::Opaque,
    workqueue::{
        impl_has_work,
        new_work,
        Work,
        WorkItem, //
    },
};

/// What a family keeps for each network namespace, see [`PerNet`].
///
/// It is made under a lock of the core, under which no other [`PerNet`] can be made, and dropped in a
/// task of its own, a moment after its namespace has gone.
pub trait NetState: Sized + Send + Sync + 'static {
    /// Makes the state of the namespace that has this [`Net::cookie`].
    ///
    /// It is called when the family is loaded, and when a namespace is created. An error makes
    /// loading the family, or creating the namespace, fail.
    fn new(cookie: u64) -> Result<Self>;
}

/// A state, and the work that drops it: the core calls `exit` under a lock of its own, and what is
/// dropped may own what takes that.
#[pin_data]
struct Kept<T: NetState> {
    #[pin]
    work: Work<Kept<T>>,
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
    /// The tasks that are in [`NetState::new`], by their pids.
    #[pin]
    making: SpinLock<RBTree<i32, ()>>,
    _callback: Callback,
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

/// The slots that are registered, each with a state of another type: the core's callbacks say for
/// which namespace they are, and nothing else.
static SLOTS: [AtomicPtr<Slot>; 16] = [const { AtomicPtr::new(ptr::null_mut()) }; 16];

/// Whether somebody looks for a free place in [`SLOTS`].
static SEARCHING: AtomicBool = AtomicBool::new(false);

/// Finds the slot for a type of state.
///
/// The reference is valid as long as the slot is registered, which the lifetime does not say: who
/// is called back because of a slot may use it, others may only look whether there is one.
fn find_slot<'a, T: NetState>() -> Option<&'a Slot> {
    let _rcu = rcu::read_lock();
    SLOTS
        .iter()
        // SAFETY: The slots of other types may go meanwhile; they are freed when all who may have
        // found them in the table have left this function.
        .filter_map(|slot| unsafe { slot.load(Ordering::Acquire).as_ref() })
        .find(|slot| slot.state == TypeId::of::<T>())
}

/// Whether the current task is in a [`NetState::new`], and has a lock of the core.
fn is_making() -> bool {
    let pid = current!().pid();
    let _rcu = rcu::read_lock();
    SLOTS
        .iter()
        // SAFETY: As in `find_slot`.
        .filter_map(|slot| unsafe { slot.load(Ordering::Acquire).as_ref() })
        .any(|slot| slot.making.lock().get(&pid).is_some())
}

impl Slot {
    /// Ends what [`PerNet::new`] has begun.
    fn end(slot: Pin<KBox<Self>>) {
        // SAFETY: By the type invariants of `PerNet` they are registered.
        unsafe { bindings::unregister_pernet_subsys(slot.ops.get()) };
        let raw = ptr::from_ref(&*slot).cast_mut();
        for place in &SLOTS {
            let _ =
                place.compare_exchange(raw, ptr::null_mut(), Ordering::Release, Ordering::Relaxed);
        }
        // `find_slot` may be looking at it for the sake of another slot.
        rcu::synchronize_rcu();
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
        let pid = current!().pid();
        let node = RBTreeNode::new(pid, (), GFP_KERNEL)?;
        slot.making.lock().insert(node);
        // SAFETY: The namespace is valid, and has its cookie before the first `init` is called.
        let kept = T::new(unsafe { (*net).net_cookie }).and_then(|state| {
            KBox::pin_init(
                pin_init!(Kept {
                    work <- new_work!("genl::PerNet"),
                    state,
                }),
                GFP_KERNEL,
            )
        });
        // A state for which there was no memory has been dropped by now.
        let node = slot.making.lock().remove_node(&pid);
        drop(node);
        let kept = kept?;
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
        // SAFETY: `net_init` has taken it from a pinned box, and the `PerNet`, which is there or is
        // just being made, has a `Callback`.
        unsafe { queue().enqueue(Pin::new_unchecked(KBox::from_raw(state))) };
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
/// use kernel::prelude::*;
///
/// /// Counts something in one namespace.
/// struct Counter(AtomicU64);
///
/// impl NetState for Counter {
///     fn new(_cookie: u64) -> Result<Self> {
///         Ok(Self(AtomicU64::new(0)))
///     }
/// }
///
/// struct State {
///     counters: PerNet<Counter>,
/// }
///
/// impl State {
///     fn new() -> Result<Self> {
///         Ok(Self { counters: PerNet::new()? })
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
    slot: ManuallyDrop<Pin<KBox<Slot>>>,
    _state: PhantomData<fn() -> T>,
}

// SAFETY: The slot belongs to the core, and all that this gives away are shared references to a
// `T`, which is `Send` and `Sync`.
unsafe impl<T: NetState> Send for PerNet<T> {}

// SAFETY: As above.
unsafe impl<T: NetState> Sync for PerNet<T> {}

impl<T: NetState> PerNet<T> {
    /// Makes the state of all namespaces.
    ///
    /// Not for handlers: it waits for a lock of the core that others hold when they wait for locks of
    /// netlink, and so does dropping it.
    ///
    /// Returns [`EBUSY`] if there is one for this type or if another is being made, [`ENOSPC`] if
    /// the module has 16, [`EPERM`] in a module that was not made by `module_genl_family!`,
    /// `EDEADLK` in a [`NetState::new`], and what [`NetState::new`] returns.
    pub fn new() -> Result<Self> {
        if is_making() {
            return Err(EDEADLK);
        }
        let callback = Callback::new()?;
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
                making <- new_spinlock!(RBTree::new(), "genl::PerNet"),
                _callback: callback,
            }),
            GFP_KERNEL,
        )?;
        let raw = ptr::from_ref(&*slot).cast_mut();

        if SEARCHING.swap(true, Ordering::Acquire) {
            return Err(EBUSY);
        }
        let free = if find_slot::<T>().is_some() {
            Err(EBUSY)
        } else {
            SLOTS
                .iter()
                .find(|slot| slot.load(Ordering::Relaxed).is_null())
                .ok_or(ENOSPC)
        };
        if let Ok(free) = free {
            free.store(raw, Ordering::Release);
        }
        SEARCHING.store(false, Ordering::Release);
        let place = free?;

        let ops = slot.ops.get();
        // SAFETY: The slot is pinned and in the table; it leaves the table after the operations
        // were unregistered.
        let err = unsafe {
            (*ops).id = slot.id.get();
            bindings::register_pernet_subsys(ops)
        };
        if let Err(error) = to_result(err) {
            place.store(ptr::null_mut(), Ordering::Release);
            rcu::synchronize_rcu();
            return Err(error);
        }
        // INVARIANT: They are registered, and the core has called `init` for all namespaces.
        Ok(Self {
            slot: ManuallyDrop::new(slot),
            _state: PhantomData,
        })
    }

    /// The state of a namespace.
    #[inline]
    pub fn get<'a>(&'a self, net: &'a Net) -> &'a T {
        // SAFETY: By the type invariants of both: a namespace that is active has a state, which
        // lives until the namespace ends or the operations are unregistered.
        unsafe { &(**self.slot.place::<T>(net.as_ptr())).state }
    }
}

impl<T: NetState> Drop for PerNet<T> {
    fn drop(&mut self) {
        // SAFETY: It is not used after this.
        let slot = unsafe { ManuallyDrop::take(&mut self.slot) };
        if is_making() {
            // The lock of the core that is needed is held by this very task.
            // SAFETY: The slot has a `Callback`.
            unsafe { queue().enqueue(slot) };
        } else {
            Slot::end(slot);
        }
    }
}

#[kunit_tests(genl_net)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicU32;
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
        fn new(_cookie: u64) -> Result<Self> {
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
        fn new(_cookie: u64) -> Result<Self> {
            PerNet::<Inner>::new().map(|_| Self)
        }
    }

    #[test]
    fn no_state_is_made_while_another_is() -> Result {
        assert!(PerNet::<Greedy>::new().is_err_and(|error| error == EDEADLK));
        assert!(PerNet::<Inner>::new().is_ok());
        Ok(())
    }

    /// Owns the state of all namespaces.
    struct Owner(Pin<KBox<Mutex<Option<PerNet<Inner>>>>>);

    impl NetState for Owner {
        fn new(_cookie: u64) -> Result<Self> {
            Ok(Self(KBox::pin_init(new_mutex!(None), GFP_KERNEL)?))
        }
    }

    #[test]
    fn a_state_may_own_the_state_of_all_namespaces() -> Result {
        let owner = PerNet::<Owner>::new()?;
        let inner = loop {
            // That of the last test may be on its way.
            match PerNet::<Inner>::new() {
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
