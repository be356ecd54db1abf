// SPDX-License-Identifier: GPL-2.0

//! In the place of `rust/genl/sync.rs`: atomics that `loom` interleaves, and a completion.

use crate::world::{
    self,
    world, //
};
use std::cell::Cell;

pub(super) use core::sync::atomic::Ordering;

/// An atomic that can be made in a constant, as those of `loom` cannot. It takes one of those that
/// the main thread has made when the model began, so its first value is older than all else. In a
/// static it begins anew in each run.
macro_rules! atomic {
    ($name:ident $([$param:ident])?, $value:ty, $loom:ty, $pool:ident) => {
        pub(super) struct $name$(<$param>)? {
            place: Cell<(u64, usize)>,
            _value: core::marker::PhantomData<fn() -> $value>,
        }

        // SAFETY: All threads of a model are run by one thread of the system.
        unsafe impl$(<$param>)? Send for $name$(<$param>)? {}

        // SAFETY: As above.
        unsafe impl$(<$param>)? Sync for $name$(<$param>)? {}

        impl$(<$param>)? $name$(<$param>)? {
            fn get(&self) -> &'static $loom {
                let world = world();
                let (run, mut index) = self.place.get();
                if run != world.run {
                    index = world.$pool.next.get();
                    world.$pool.next.set(index + 1);
                    self.place.set((world.run, index));
                }
                &world.$pool.all[index]
            }
        }
    };
}

macro_rules! integer {
    ($name:ident, $value:ty, $loom:ty, $pool:ident) => {
        atomic!($name, $value, $loom, $pool);

        #[allow(dead_code)]
        impl $name {
            pub(super) const fn new(value: $value) -> Self {
                assert!(value == 0);
                Self {
                    place: Cell::new((0, 0)),
                    _value: core::marker::PhantomData,
                }
            }

            pub(super) fn load(&self, order: Ordering) -> $value {
                self.get().load(order)
            }

            pub(super) fn store(&self, value: $value, order: Ordering) {
                self.get().store(value, order)
            }

            pub(super) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.get().fetch_add(value, order)
            }

            pub(super) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.get().fetch_sub(value, order)
            }

            pub(super) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.get().fetch_or(value, order)
            }

            pub(super) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                self.get().fetch_and(value, order)
            }

            pub(super) fn compare_exchange(
                &self,
                old: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.get().compare_exchange(old, new, success, failure)
            }

            pub(super) fn compare_exchange_weak(
                &self,
                old: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.get().compare_exchange_weak(old, new, success, failure)
            }
        }
    };
}

integer!(AtomicU32, u32, loom::sync::atomic::AtomicU32, words);
integer!(AtomicU64, u64, loom::sync::atomic::AtomicU64, longs);
atomic!(
    AtomicPtr[T],
    *mut T,
    loom::sync::atomic::AtomicUsize,
    pointers
);

impl<T> AtomicPtr<T> {
    /// Of a null pointer: an address has no place in a constant.
    pub(super) const fn new(_null: *mut T) -> Self {
        Self {
            place: Cell::new((0, 0)),
            _value: core::marker::PhantomData,
        }
    }

    pub(super) fn load(&self, order: Ordering) -> *mut T {
        self.get().load(order) as *mut T
    }

    pub(super) fn store(&self, value: *mut T, order: Ordering) {
        self.get().store(value as usize, order)
    }

    pub(super) fn compare_exchange(
        &self,
        old: *mut T,
        new: *mut T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut T, *mut T> {
        self.get()
            .compare_exchange(old as usize, new as usize, success, failure)
            .map(|value| value as *mut T)
            .map_err(|value| value as *mut T)
    }
}

/// A completion: a lock, and who waits.
pub(super) struct Completion(Cell<(u64, *const world::Event)>);

// SAFETY: All threads of a model are run by one thread of the system.
unsafe impl Send for Completion {}

// SAFETY: As above.
unsafe impl Sync for Completion {}

impl Completion {
    pub(super) const fn new() -> Self {
        Self(Cell::new((0, core::ptr::null())))
    }

    /// Makes a new one: the old one is memory that somebody else may use by now.
    pub(super) fn reset(&self) {
        if let Some(old) = self.now() {
            old.forget();
        }
        let event = Box::leak(Box::new(world::Event::new()));
        self.0.set((world().run, event));
    }

    fn now(&self) -> Option<&'static world::Event> {
        let (run, event) = self.0.get();
        // SAFETY: Those of this run are never freed.
        (run == world().run).then(|| unsafe { &*event })
    }

    pub(super) fn complete(&self) {
        self.now().expect("a completion is initialised").complete();
    }

    /// Nobody waits for too long here.
    pub(super) fn wait(&self, _msecs: u32) -> bool {
        self.now().expect("a completion is initialised").wait();
        true
    }
}
