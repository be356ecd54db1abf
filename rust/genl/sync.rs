// SPDX-License-Identifier: GPL-2.0

//! What the lock-free files are made of.
//!
//! `scripts/check/loom` has another file in the place of this one, with what the crate `loom` can
//! interleave.

pub(super) use kernel::sync::atomic::{
    Acquire,
    Atomic,
    Full,
    Relaxed,
    Release, //
};

use kernel::{
    bindings,
    sync::atomic::AtomicType,
    time::msecs_to_jiffies,
    types::Opaque, //
};

/// Reads what nobody writes: a plain load, where that of an atomic is a call.
///
/// # Safety
///
/// What was written last happens before this, and nobody writes at the same time.
#[inline(always)]
pub(super) unsafe fn settled<T: AtomicType>(atomic: &Atomic<T>) -> T {
    // SAFETY: By the safety requirements of this function.
    unsafe { atomic.as_ptr().read() }
}

/// A `struct completion`, as part of a static: it is initialised by [`Completion::reset`].
pub(super) struct Completion(Opaque<bindings::completion>);

// SAFETY: A completion has a lock of its own.
unsafe impl Send for Completion {}

// SAFETY: As above.
unsafe impl Sync for Completion {}

impl Completion {
    pub(super) const fn new() -> Self {
        Self(Opaque::uninit())
    }

    /// Initialises it.
    ///
    /// # Safety
    ///
    /// Nobody uses it meanwhile.
    pub(super) unsafe fn reset(&self) {
        // SAFETY: It is memory for a completion, which nobody uses.
        unsafe { bindings::init_completion(self.0.get()) };
    }

    /// # Safety
    ///
    /// It was initialised.
    pub(super) unsafe fn complete(&self) {
        // SAFETY: By the safety requirements of this function.
        unsafe { bindings::complete_all(self.0.get()) };
    }

    /// Waits for so many milliseconds at most. Returns whether it was completed.
    ///
    /// # Safety
    ///
    /// It was initialised.
    pub(super) unsafe fn wait(&self, msecs: u32) -> bool {
        // SAFETY: By the safety requirements of this function.
        unsafe { bindings::wait_for_completion_timeout(self.0.get(), msecs_to_jiffies(msecs)) != 0 }
    }
}
