// SPDX-License-Identifier: GPL-2.0

//! Network namespaces, and state that a family keeps for each of them.
//!
//! C headers: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h),
//! [`include/net/netns/generic.h`](srctree/include/net/netns/generic.h)

use super::ffi;
use core::{
    marker::PhantomData,
    ptr,
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::aref::AlwaysRefCounted,
    types::Opaque, //
};

/// A network namespace, `struct net`.
///
/// [`Request::net`](super::Request::net) lends that of a request. Who needs it for longer takes an
/// [`ARef<Net>`](kernel::sync::aref::ARef), which keeps the namespace alive: give it back soon.
///
/// # Invariants
///
/// Whoever has a reference to a `Net` keeps the namespace active.
#[repr(transparent)]
pub struct Net(Opaque<bindings::net>);

// SAFETY: A namespace is counted by references that any task may drop.
unsafe impl Send for Net {}

// SAFETY: All that is read of it here never changes.
unsafe impl Sync for Net {}

// SAFETY: `get_net()` and `put_net()` count the references that keep a namespace active.
unsafe impl AlwaysRefCounted for Net {
    fn inc_ref(&self) {
        // SAFETY: By the type invariants it is active.
        unsafe { ffi::genl_rs_get_net(self.as_ptr()) };
    }

    unsafe fn dec_ref(net: NonNull<Self>) {
        // SAFETY: By the safety requirements of this function.
        unsafe { ffi::genl_rs_put_net(net.cast().as_ptr()) };
    }
}

impl Net {
    /// # Safety
    ///
    /// The namespace is active during `'a`.
    #[inline(always)]
    pub(super) unsafe fn from_raw<'a>(net: *const bindings::net) -> &'a Self {
        // INVARIANT: By the safety requirements of this function.
        // SAFETY: As above; the type is transparent.
        unsafe { &*net.cast() }
    }

    /// The initial namespace.
    pub fn init() -> &'static Self {
        // SAFETY: It is never destroyed.
        unsafe { Self::from_raw(&raw const bindings::init_net) }
    }

    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *mut bindings::net {
        self.0.get()
    }

    /// The number of the namespace, which is that of its file in `/proc/PID/ns`. It may be used
    /// again when the namespace has gone.
    pub fn inum(&self) -> u32 {
        // SAFETY: By the type invariants; the member is written once.
        unsafe { (*self.as_ptr()).ns.inum }
    }

    /// A number that no other namespace ever has; user space reads it by `SO_NETNS_COOKIE`.
    pub fn cookie(&self) -> u64 {
        // SAFETY: As in `inum`.
        unsafe { (*self.as_ptr()).net_cookie }
    }
}

impl PartialEq for Net {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

impl Eq for Net {}

/// What a family keeps for each network namespace, see [`PerNet`].
pub trait NetState: Sized + Send + Sync + 'static {
    /// The static through which the core finds the state.
    fn slot() -> &'static NetSlot<Self>;

    /// Makes the state of a namespace with the [`Net::cookie`] `cookie`, when the namespace appears
    /// or when the family is loaded. An error makes the namespace, or loading, fail.
    fn new(cookie: u64) -> Result<Self>;
}

/// The `struct pernet_operations` of a [`NetState`], in a static.
///
/// # Invariants
///
/// `ops` and `id` are not written to by anybody but the core while `taken`.
pub struct NetSlot<T> {
    ops: Opaque<bindings::pernet_operations>,
    id: Opaque<c_uint>,
    taken: AtomicBool,
    _state: PhantomData<fn() -> T>,
}

// SAFETY: The core protects what it writes by its own locks, and `taken` sees to it that nobody
// else writes.
unsafe impl<T> Sync for NetSlot<T> {}

impl<T: NetState> NetSlot<T> {
    /// An empty slot.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        let mut ops: bindings::pernet_operations = pin_init::zeroed();
        ops.init = Some(net_init::<T>);
        ops.exit = Some(net_exit::<T>);
        // What the core allocates for each namespace is a pointer to the state.
        ops.size = size_of::<*mut T>();
        Self {
            ops: Opaque::new(ops),
            id: Opaque::new(0),
            taken: AtomicBool::new(false),
            _state: PhantomData,
        }
    }

    /// Where the pointer to the state of a namespace is kept.
    ///
    /// # Safety
    ///
    /// The slot is registered, and the namespace is active or is just being made or destroyed.
    #[inline]
    unsafe fn place(&self, net: *const bindings::net) -> *mut *mut T {
        // SAFETY: By the safety requirements of this function; the core has written the id.
        unsafe { ffi::genl_rs_net_generic(net, *self.id.get()) }.cast()
    }
}

/// # Safety
///
/// The core calls it as the `init` of the slot of `T`.
unsafe extern "C" fn net_init<T: NetState>(net: *mut bindings::net) -> c_int {
    let make = || -> Result<KBox<T>> {
        // SAFETY: The namespace is valid, and has its cookie before the first `init` is called.
        let state = T::new(unsafe { (*net).net_cookie })?;
        Ok(KBox::new(state, GFP_KERNEL)?)
    };
    match make() {
        Ok(state) => {
            // SAFETY: The core has allocated the place and waits for this call.
            unsafe { *T::slot().place(net) = KBox::into_raw(state) };
            0
        }
        Err(error) => error.to_errno(),
    }
}

/// # Safety
///
/// The core calls it as the `exit` of the slot of `T`.
unsafe extern "C" fn net_exit<T: NetState>(net: *mut bindings::net) {
    // SAFETY: The core calls `exit` once, and only where `init` has succeeded.
    let state = unsafe { ptr::replace(T::slot().place(net), ptr::null_mut()) };
    if !state.is_null() {
        // SAFETY: `net_init` has taken it from a box.
        drop(unsafe { KBox::from_raw(state) });
    }
}

/// State for each network namespace, as long as this exists: a member of the state of a family.
///
/// As `register_pernet_subsys()` and `net_generic()`: the state is made for all namespaces that
/// there are, then for each one that appears, and it goes with its namespace, or with this.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use genl::{Net, NetSlot, NetState, PerNet};
/// use kernel::prelude::*;
///
/// /// Counts something in one namespace.
/// struct Counter(AtomicU64);
///
/// impl NetState for Counter {
///     fn slot() -> &'static NetSlot<Self> {
///         static SLOT: NetSlot<Counter> = NetSlot::new();
///         &SLOT
///     }
///
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
/// The slot is registered, and each active namespace has a state.
pub struct PerNet<T: NetState>(&'static NetSlot<T>);

impl<T: NetState> PerNet<T> {
    /// Makes the state of all namespaces. Returns [`EBUSY`] where there is one of this type.
    pub fn new() -> Result<Self> {
        let slot = T::slot();
        if slot.taken.swap(true, Ordering::Acquire) {
            return Err(EBUSY);
        }
        let ops = slot.ops.get();
        // SAFETY: `taken` was false, so the operations are not registered, and we are the only one
        // to write to them.
        let err = unsafe {
            (*ops).id = slot.id.get();
            bindings::register_pernet_subsys(ops)
        };
        if let Err(error) = to_result(err) {
            slot.taken.store(false, Ordering::Release);
            return Err(error);
        }
        // INVARIANT: They are registered, and the core has called `init` for all namespaces.
        Ok(Self(slot))
    }

    /// The state of a namespace.
    #[inline]
    pub fn get<'a>(&'a self, net: &'a Net) -> &'a T {
        // SAFETY: By the type invariants of both: a namespace that is active has a state, which
        // lives until the namespace ends or the operations are unregistered.
        unsafe { &**self.0.place(net.as_ptr()) }
    }
}

impl<T: NetState> Drop for PerNet<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants they are registered.
        unsafe { bindings::unregister_pernet_subsys(self.0.ops.get()) };
        self.0.taken.store(false, Ordering::Release);
    }
}
