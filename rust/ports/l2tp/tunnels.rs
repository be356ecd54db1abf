// SPDX-License-Identifier: GPL-2.0

//! Tunnels of `l2tp_core.ko`, behind a safe type: all `unsafe` of the port is here.
//!
//! C header: `tunnels.h`, and `net/l2tp/l2tp_core.h` of the kernel

use super::genl::Net;
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// `struct tunnel_ends`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Ends {
    /// An IPv4 address has the first four bytes.
    pub(crate) local: [u8; 16],
    pub(crate) peer: [u8; 16],
    pub(crate) local_port: u16,
    pub(crate) peer_port: u16,
    pub(crate) has_socket: bool,
    pub(crate) v6: bool,
    pub(crate) csum: bool,
    pub(crate) zero_csum6_tx: bool,
    pub(crate) zero_csum6_rx: bool,
}

/// `struct tunnel_config`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Config {
    /// The socket, or a negative number for one that the kernel makes.
    pub(crate) fd: i32,
    pub(crate) id: u32,
    pub(crate) peer_id: u32,
    pub(crate) encap: u32,
    pub(crate) version: u32,
    pub(crate) ends: Ends,
}

/// `struct tunnel_state`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) counters: [u64; 10],
}

// As `tunnels.h` has them.
const _: () = {
    assert!(size_of::<Ends>() == 42);
    assert!(core::mem::offset_of!(Config, ends) == 20);
    assert!(size_of::<Config>() == 64);
    assert!(size_of::<State>() == 144);
};

/// `struct l2tp_tunnel`, of which Rust has pointers only.
#[repr(C)]
struct Raw([u8; 0]);

// Locks of the kernel have keys without fields where lockdep is not configured.
#[allow(improper_ctypes)]
extern "C" {
    fn genl_l2tp_tunnel_create(
        net: *mut bindings::net,
        config: *const Config,
        tunnel: *mut *mut Raw,
    ) -> c_int;
    fn genl_l2tp_tunnel_read(tunnel: *const Raw, state: *mut State);
    // And of the core.
    fn l2tp_tunnel_get(net: *const bindings::net, id: u32) -> *mut Raw;
    fn l2tp_tunnel_get_next(net: *const bindings::net, key: *mut c_ulong) -> *mut Raw;
    fn l2tp_tunnel_delete(tunnel: *mut Raw);
    fn l2tp_tunnel_put(tunnel: *mut Raw);
}

/// A reference to a tunnel.
///
/// # Invariants
///
/// It is valid, and one of the references that `l2tp_tunnel_put()` gives back.
pub(crate) struct Tunnel(NonNull<Raw>);

impl Tunnel {
    /// Creates a tunnel, and its socket unless it is given one.
    pub(crate) fn create(net: &Net, config: &Config) -> Result<Self> {
        let mut raw = core::ptr::null_mut();
        // SAFETY: The namespace is active, and both pointers are valid; C keeps neither.
        to_result(unsafe { genl_l2tp_tunnel_create(net.as_ptr(), config, &mut raw) })?;
        // INVARIANT: It was just created, with a reference for us.
        NonNull::new(raw).map(Self).ok_or(EINVAL)
    }

    /// The tunnel that has this number.
    pub(crate) fn get(net: &Net, id: u32) -> Option<Self> {
        // INVARIANT: What is found comes with a reference.
        // SAFETY: The namespace is active.
        NonNull::new(unsafe { l2tp_tunnel_get(net.as_ptr(), id) }).map(Self)
    }

    /// The first tunnel whose number is not below `id`.
    pub(crate) fn next(net: &Net, id: u64) -> Option<Self> {
        let mut key = c_ulong::try_from(id).ok()?;
        // INVARIANT: What is found comes with a reference.
        // SAFETY: The namespace is active, and the key is ours.
        NonNull::new(unsafe { l2tp_tunnel_get_next(net.as_ptr(), &mut key) }).map(Self)
    }

    /// Has the tunnel deleted, a moment later.
    pub(crate) fn delete(&self) {
        // SAFETY: By the type invariants.
        unsafe { l2tp_tunnel_delete(self.0.as_ptr()) }
    }

    /// What there is to tell of it.
    pub(crate) fn read(&self) -> State {
        let mut state = State::default();
        // SAFETY: By the type invariants; the state is ours.
        unsafe { genl_l2tp_tunnel_read(self.0.as_ptr(), &mut state) };
        state
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; it is not used any more.
        unsafe { l2tp_tunnel_put(self.0.as_ptr()) }
    }
}
