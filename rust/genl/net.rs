// SPDX-License-Identifier: GPL-2.0

//! Network namespaces.
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

use super::ffi;
use core::{
    ptr,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    sync::aref::AlwaysRefCounted,
    types::Opaque, //
};

/// A network namespace, `struct net`.
///
/// [`Request::net`](super::Request::net) lends that of a request. To have it for longer, take an
/// [`ARef<Net>`](kernel::sync::aref::ARef). It keeps the namespace alive, so drop it soon.
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

    /// The namespace of a request, like `genl_info_net()`.
    ///
    /// # Safety
    ///
    /// `info` belongs to a request that is being handled as long as it is borrowed.
    #[inline(always)]
    pub(super) unsafe fn of(info: &bindings::genl_info) -> &Self {
        #[cfg(CONFIG_NET_NS)]
        // SAFETY: The socket of a request keeps its namespace active.
        return unsafe { Self::from_raw(info._net.net) };
        #[cfg(not(CONFIG_NET_NS))]
        return Self::init();
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

    /// The number of the namespace, which is the inode number of its file in `/proc/PID/ns`. It may
    /// be used again when the namespace has gone.
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
