// SPDX-License-Identifier: GPL-2.0

//! What is kept when a handler has returned: the state of a dump, and jobs.

/// What another task can go on with.
///
/// # Safety
///
/// Implementations are for what is [`Send`]. That is no supertrait: the compiler would say which
/// pointer it has found, and not why that is none that can be kept.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept for a later system call or job: that may be in another task",
    label = "it is not `Send`: there is a lock guard in it, a raw pointer or the like",
    note = "take the lock anew each time; what is kept is a key, an index or an `Arc`"
)]
pub unsafe trait Kept {}

#[diagnostic::do_not_recommend]
// SAFETY: It is `Send`.
unsafe impl<T: Send> Kept for T {}

/// Something that is kept, for what asks for [`Send`].
pub(super) struct Keeps<T>(T);

// SAFETY: It is `Kept`.
unsafe impl<T: Kept> Send for Keeps<T> {}

impl<T: Kept> Keeps<T> {
    pub(super) fn new(kept: T) -> Self {
        Self(kept)
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }

    pub(super) fn into_inner(self) -> T {
        self.0
    }
}
