// SPDX-License-Identifier: GPL-2.0

//! What the two halves of the module call of each other, as safe types.
//!
//! `link.c` has interfaces, which the `kernel` crate knows nothing of. Each has a [`Device`] that is
//! ours.

use super::{
    device::Device,
    genl::{
        AsText,
        Net, //
    }, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    types::NotThreadSafe, //
};

// As `link.h` and the headers of the kernel have them. Locks of the kernel have keys without fields
// where lockdep is not configured.
#[allow(improper_ctypes)]
extern "C" {
    fn genl_wg_links_register() -> c_int;
    fn genl_wg_links_unregister();
    fn genl_wg_link_find(net: *mut bindings::net, index: u32, name: *const c_char)
        -> *const c_void;
    fn genl_wg_link_read(
        dev: *const bindings::net_device,
        name: *mut c_char,
        index: *mut u32,
    ) -> usize;
    fn genl_wg_link_capable(dev: *const bindings::net_device) -> bool;
    fn genl_wg_same_key(a: *const u8, b: *const u8) -> bool;
    fn genl_wg_wipe_key(key: *mut u8);
    fn rtnl_lock();
    fn rtnl_unlock();
    fn curve25519_generate_public(public: *mut u8, secret: *const u8) -> bool;
}

/// The kind of interface, as long as it can be made. Its interfaces go with it.
pub(crate) struct Links(());

impl Links {
    /// Lets interfaces be made.
    pub(crate) fn register() -> Result<Self> {
        // SAFETY: It is done once: the core refuses a kind that there is.
        to_result(unsafe { genl_wg_links_register() })?;
        Ok(Self(()))
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        // SAFETY: They are registered.
        unsafe { genl_wg_links_unregister() }
    }
}

/// Finds the device of an interface, by its name or else by its index.
pub(crate) fn find(net: &Net, index: u32, name: Option<&CStr>) -> Result<Arc<Device>> {
    let name = name.map_or(ptr::null(), CStr::as_char_ptr);
    // SAFETY: The namespace is active, and the name is null or a string.
    let device = from_err_ptr(unsafe { genl_wg_link_find(net.as_ptr(), index, name) }.cast_mut())?;
    // SAFETY: It comes from `Arc::into_raw`, and we have got a reference.
    Ok(unsafe { Arc::from_raw(device.cast_const().cast()) })
}

/// The lock of rtnetlink, `rtnl_lock()`.
pub(crate) struct Rtnl(NotThreadSafe);

impl Rtnl {
    /// Takes it.
    pub(crate) fn lock() -> Self {
        // SAFETY: Nobody who calls this has the lock: nothing here calls others with it.
        unsafe { rtnl_lock() };
        Self(NotThreadSafe)
    }
}

impl Drop for Rtnl {
    fn drop(&mut self) {
        // SAFETY: This task has it.
        unsafe { rtnl_unlock() }
    }
}

// CAST: It is 16.
const IFNAMSIZ: usize = bindings::IFNAMSIZ as usize;

/// The name of an interface.
pub(crate) struct Name {
    bytes: [u8; IFNAMSIZ],
    len: usize,
}

impl AsText for Name {
    fn as_text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The interface of a device.
///
/// # Invariants
///
/// The `net_device` exists as long as this does.
pub(crate) struct Link(NonNull<bindings::net_device>);

// SAFETY: What is done with it may be done in any task.
unsafe impl Send for Link {}

impl Link {
    /// Its index and its name.
    pub(crate) fn read(&self, _: &Rtnl) -> (u32, Name) {
        let (mut index, mut bytes) = (0, [0; IFNAMSIZ]);
        let name = bytes.as_mut_ptr().cast();
        // SAFETY: By the type invariants, and the lock is taken; the name has as many bytes.
        let len = unsafe { genl_wg_link_read(self.0.as_ptr(), name, &mut index) };
        (index, Name { bytes, len })
    }

    /// Whether the current task is the administrator of where the interface was made.
    pub(crate) fn is_capable(&self) -> bool {
        // SAFETY: By the type invariants it is an interface of ours.
        unsafe { genl_wg_link_capable(self.0.as_ptr()) }
    }
}

/// The public key of a private one; `None` where there is none.
pub(crate) fn public_key(secret: &[u8; 32]) -> Option<[u8; 32]> {
    let mut public = [0; 32];
    // SAFETY: Both have 32 bytes.
    unsafe { curve25519_generate_public(public.as_mut_ptr(), secret.as_ptr()) }.then_some(public)
}

/// Whether two keys are the same. How long it takes does not depend on them.
pub(crate) fn same_key(a: &[u8; 32], b: &[u8; 32]) -> bool {
    // SAFETY: Both have 32 bytes.
    unsafe { genl_wg_same_key(a.as_ptr(), b.as_ptr()) }
}

/// Wipes a key, whether or not anybody looks at it again.
pub(crate) fn wipe_key(key: &mut [u8; 32]) {
    // SAFETY: It has 32 bytes.
    unsafe { genl_wg_wipe_key(key.as_mut_ptr()) };
}

/// Makes the device of an interface; null without memory.
///
/// # Safety
///
/// `dev` is not null, and exists until [`genl_wg_device_gone`] is called with what this returns.
#[no_mangle]
unsafe extern "C" fn genl_wg_device_new(dev: *mut bindings::net_device) -> *const c_void {
    // INVARIANT: `genl_wg_device_gone` drops it.
    // SAFETY: By the safety requirements of this function.
    let link = Link(unsafe { NonNull::new_unchecked(dev) });
    match Arc::pin_init(Device::new(link), GFP_KERNEL_ACCOUNT) {
        Ok(device) => Arc::into_raw(device).cast(),
        Err(_) => ptr::null(),
    }
}

/// Takes a reference to a device, for [`find`].
///
/// # Safety
///
/// `device` comes from [`genl_wg_device_new`], and is not gone until this returns.
#[no_mangle]
unsafe extern "C" fn genl_wg_device_get(device: *const c_void) -> *const c_void {
    // SAFETY: By the safety requirements of this function.
    let device = unsafe { ArcBorrow::<Device>::from_raw(device.cast()) };
    Arc::into_raw(device.into()).cast()
}

/// Says that an interface goes. Whoever has the device may keep it, without the interface.
///
/// # Safety
///
/// `device` comes from [`genl_wg_device_new`], and this is called once.
#[no_mangle]
unsafe extern "C" fn genl_wg_device_gone(device: *const c_void) {
    // SAFETY: By the safety requirements of this function.
    let device = unsafe { Arc::<Device>::from_raw(device.cast()) };
    device.gone();
}
