// SPDX-License-Identifier: GPL-2.0

//! Extended acks: what an error message says beside its number.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h) (`struct
//! netlink_ext_ack`)

use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*, //
};

/// The extended ack of a request that is being answered.
///
/// Nothing that is written here reaches user space unless the request fails, or unless a socket
/// asks for it (`NETLINK_EXT_ACK`); where there is nobody to tell, writing is harmless.
///
/// # Invariants
///
/// `extack` is null, or valid during `'a`, and nobody else accesses it during the callback that
/// this was made for.
#[derive(Clone, Copy)]
pub struct Extack<'a> {
    extack: *mut bindings::netlink_ext_ack,
    _request: PhantomData<&'a ()>,
}

impl Extack<'_> {
    /// # Safety
    ///
    /// `extack` is null or valid for writes during `'a`, and only the current callback uses it.
    #[inline(always)]
    pub(super) unsafe fn new(extack: *mut bindings::netlink_ext_ack) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            extack,
            _request: PhantomData,
        }
    }

    /// Sets the text, as `NL_SET_ERR_MSG()`. It is sent after the callback has returned, hence
    /// the lifetime.
    pub fn set_text(&self, text: &'static CStr) {
        if !self.extack.is_null() {
            // SAFETY: By the type invariants.
            unsafe { (*self.extack)._msg = text.as_char_ptr() };
        }
    }

    /// Points at an attribute of the request, as `NL_SET_BAD_ATTR()`.
    ///
    /// `attr` is an attribute of this very request: the core computes its offset from it.
    pub(super) fn set_bad_attr(&self, attr: *const bindings::nlattr) {
        if !self.extack.is_null() {
            // SAFETY: By the type invariants.
            unsafe {
                (*self.extack).bad_attr = attr;
                (*self.extack).policy = core::ptr::null();
            }
        }
    }

    /// Names an attribute that is missing, as `NL_SET_ERR_ATTR_MISS()`: from `nest`, or from the
    /// top level where `nest` is null.
    pub(super) fn set_missing(&self, nest: *const bindings::nlattr, attr: u16) {
        if !self.extack.is_null() {
            // SAFETY: By the type invariants.
            unsafe {
                (*self.extack).miss_nest = nest;
                (*self.extack).miss_type = attr;
            }
        }
    }
}
