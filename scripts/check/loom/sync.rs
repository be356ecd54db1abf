// SPDX-License-Identifier: GPL-2.0

//! In the place of `rust/genl/sync.rs`: atomics that `loom` interleaves, and a completion.

use crate::world::{
    self,
    world, //
};
use std::{
    cell::Cell,
    marker::PhantomData,
    sync::atomic::Ordering, //
};

/// How an operation is ordered, as in the kernel; there it is a type as well.
pub(super) trait Order {
    const LOOM: Ordering;
}

macro_rules! orders {
    ($($name:ident = $loom:ident,)*) => {
        $(
            pub(super) struct $name;

            impl Order for $name {
                const LOOM: Ordering = Ordering::$loom;
            }
        )*
    };
}

orders! {
    Relaxed = Relaxed,
    Acquire = Acquire,
    Release = Release,
    // In the kernel it is a barrier besides, which nothing here relies on.
    Full = AcqRel,
}

/// What an atomic holds, as a number.
pub(super) trait Held: Copy {
    fn number(self) -> u64;
    fn of(number: u64) -> Self;
}

impl Held for u32 {
    fn number(self) -> u64 {
        self.into()
    }

    fn of(number: u64) -> Self {
        number.try_into().expect("no number wraps")
    }
}

impl Held for u64 {
    fn number(self) -> u64 {
        self
    }

    fn of(number: u64) -> Self {
        number
    }
}

impl<T> Held for *mut T {
    fn number(self) -> u64 {
        self as u64
    }

    fn of(number: u64) -> Self {
        number as Self
    }
}

/// An atomic that can be made in a constant, as those of `loom` cannot. It takes one of those that
/// the main thread has made when the model began, so its first value is older than all else. In a
/// static it begins anew in each run.
pub(super) struct Atomic<T> {
    place: Cell<(u64, usize)>,
    _value: PhantomData<fn() -> T>,
}

// SAFETY: All threads of a model are run by one thread of the system.
unsafe impl<T> Send for Atomic<T> {}

// SAFETY: As above.
unsafe impl<T> Sync for Atomic<T> {}

impl<T> Atomic<T> {
    /// Of 0 or a null pointer: an address has no place in a constant.
    pub(super) const fn new(_zero: T) -> Self
    where
        T: Copy,
    {
        Self {
            place: Cell::new((0, 0)),
            _value: PhantomData,
        }
    }

    fn get(&self) -> &'static loom::sync::atomic::AtomicU64 {
        let world = world();
        let (run, mut index) = self.place.get();
        if run != world.run {
            index = world.atomics.next.get();
            world.atomics.next.set(index + 1);
            self.place.set((world.run, index));
        }
        &world.atomics.all[index]
    }
}

#[allow(dead_code)]
impl<T: Held> Atomic<T> {
    pub(super) fn load<O: Order>(&self, _: O) -> T {
        T::of(self.get().load(O::LOOM))
    }

    pub(super) fn store<O: Order>(&self, value: T, _: O) {
        self.get().store(value.number(), O::LOOM)
    }

    pub(super) fn xchg<O: Order>(&self, value: T, _: O) -> T {
        T::of(self.get().swap(value.number(), O::LOOM))
    }

    /// One that fails is not ordered.
    pub(super) fn cmpxchg<O: Order>(&self, old: T, new: T, _: O) -> Result<T, T> {
        self.get()
            .compare_exchange(old.number(), new.number(), O::LOOM, Ordering::Relaxed)
            .map(T::of)
            .map_err(T::of)
    }

    pub(super) fn fetch_add<O: Order>(&self, value: T, _: O) -> T {
        T::of(self.get().fetch_add(value.number(), O::LOOM))
    }

    pub(super) fn fetch_sub<O: Order>(&self, value: T, _: O) -> T {
        T::of(self.get().fetch_sub(value.number(), O::LOOM))
    }
}

/// That nobody writes is what the models are about.
///
/// # Safety
///
/// None here.
pub(super) unsafe fn settled<T: Held>(atomic: &Atomic<T>) -> T {
    atomic.load(Relaxed)
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
    ///
    /// # Safety
    ///
    /// None here.
    pub(super) unsafe fn reset(&self) {
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

    /// # Safety
    ///
    /// None here.
    pub(super) unsafe fn complete(&self) {
        self.now().expect("a completion is initialised").complete();
    }

    /// Nobody waits for too long here.
    ///
    /// # Safety
    ///
    /// None here.
    pub(super) unsafe fn wait(&self, _msecs: u32) -> bool {
        self.now().expect("a completion is initialised").wait();
        true
    }
}
