// SPDX-License-Identifier: GPL-2.0

//! Who may prove that a family is registered, and how unregistering waits for them.
//!
//! This is the lock-free half of a registration. Nothing here knows the kernel beyond the names
//! that [`super::sync`] lends it, so `scripts/check/loom` compiles the same file in user space and
//! runs it through all interleavings.

use super::sync::{
    Acquire,
    Atomic,
    Completion,
    Full,
    Relaxed,
    Release, //
};

/// The bit of [`Gate::users`] that says that the family is about to go.
const CLOSING: u32 = 1 << 31;

/// Counts those who rely on a family being registered.
///
/// It is shut at first. [`Gate::open`] lets users in, [`Gate::close`] lets no more in, and
/// [`Gate::wait`] waits for those who are inside.
///
/// # Invariants
///
/// `users` is 0 while the gate has not been opened. Then it is one more than there are users, with
/// `CLOSING` instead of the one from [`Gate::close`] on. Each user has come in by [`Gate::enter`],
/// and [`Gate::reset`] has initialised `empty` before the gate was opened for the first time.
pub(super) struct Gate {
    users: Atomic<u32>,
    /// Is completed by the last user that [`Gate::close`] has found inside.
    empty: Completion,
}

impl Gate {
    /// A gate that is shut.
    pub(super) const fn new() -> Self {
        // INVARIANT: It has not been opened.
        Self {
            users: Atomic::new(0),
            empty: Completion::new(),
        }
    }

    /// Shuts the gate, so that it can be opened again.
    ///
    /// Nobody may be inside, and the gate is shut or was closed: others may try to open it or to
    /// come in, which works from here on.
    pub(super) fn reset(&self) {
        // SAFETY: Nobody is inside, and nobody waits for them.
        unsafe { self.empty.reset() };
        // INVARIANT: It has not been opened since.
        // Not before what they find inside who open it at once.
        self.users.store(0, Release);
    }

    /// Lets users in, unless the gate was closed. It does not matter how often this is called.
    #[inline]
    pub(super) fn open(&self) {
        // Not before the registration that this stands for.
        let _ = self.users.cmpxchg(0, 1, Release);
    }

    /// Comes in. Returns whether that was possible; then [`Gate::leave`] has to follow.
    // The atomics of the kernel are functions of C: a call less is no gain in several places.
    #[inline(never)]
    pub(super) fn enter(&self) -> bool {
        let mut users = self.users.load(Relaxed);
        loop {
            if users == 0 || users & CLOSING != 0 {
                return false;
            }
            // INVARIANT: It is counted, and `CLOSING` is not set.
            match self.users.cmpxchg(users, users.wrapping_add(1), Acquire) {
                Ok(_) => return true,
                Err(now) => users = now,
            }
        }
    }

    /// Goes out.
    #[inline(never)]
    pub(super) fn leave(&self) {
        // Not before what was done inside. The last one speaks for all who have left before it, so
        // it has to know what they did.
        if self.users.fetch_sub(1, Full) == CLOSING | 1 {
            // SAFETY: By the type invariants.
            unsafe { self.empty.complete() };
        }
    }

    /// Lets nobody in any more, whether or not it was open. Returns whether somebody is still
    /// inside.
    ///
    /// Nobody else may close it.
    #[inline(never)]
    pub(super) fn close(&self) -> bool {
        // INVARIANT: Nobody is inside, and nobody can open it from now on.
        if self.users.cmpxchg(0, CLOSING, Relaxed).is_ok() {
            return false;
        }
        // INVARIANT: It was opened, and `CLOSING` takes the place of the one. Acquires what those
        // have done who have left before; what those do who leave later comes through the
        // completion.
        self.users.fetch_add(CLOSING - 1, Acquire) > 1
    }

    /// Waits until nobody is inside, for so many milliseconds at most. Returns whether that is so.
    ///
    /// It is called after [`Gate::close`] has found somebody.
    pub(super) fn wait(&self, msecs: u32) -> bool {
        // SAFETY: By the type invariants: somebody was inside.
        unsafe { self.empty.wait(msecs) }
    }
}
