// SPDX-License-Identifier: GPL-2.0

//! What the kernel around `rust/genl` has and does, as far as its protocols see it. Each run of a
//! model has a new one.

use loom::{
    cell::UnsafeCell,
    sync::{
        atomic::{
            AtomicU32,
            AtomicU64, //
        },
        Condvar,
        Mutex, //
    },
    thread::{
        self,
        JoinHandle,
        ThreadId, //
    },
};
use std::{
    alloc::Layout,
    cell::{
        Cell,
        RefCell, //
    },
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    ffi::c_void,
    ptr, //
};

/// Atomics that were made when the run began.
pub(crate) struct Pool<T> {
    pub(crate) all: Vec<T>,
    pub(crate) next: Cell<usize>,
}

impl<T> Pool<T> {
    fn new(size: usize, make: impl Fn() -> T) -> Self {
        Self {
            all: (0..size).map(|_| make()).collect(),
            next: Cell::new(0),
        }
    }
}

/// A `struct completion`. Like `complete_all()` and `wait_for_completion()`, both take its lock.
pub(crate) struct Event {
    done: Mutex<bool>,
    changed: Condvar,
    gone: Cell<bool>,
}

impl Event {
    pub(crate) fn new() -> Self {
        Self {
            done: Mutex::new(false),
            changed: Condvar::new(),
            gone: Cell::new(false),
        }
    }

    pub(crate) fn complete(&self) {
        let mut done = self.done.lock().unwrap();
        *done = true;
        self.changed.notify_all();
        assert!(!self.gone.get(), "a completion is used behind its end");
    }

    pub(crate) fn wait(&self) {
        let mut done = self.done.lock().unwrap();
        while !*done {
            done = self.changed.wait(done).unwrap();
        }
    }

    /// Somebody uses the memory for another one.
    pub(crate) fn forget(&self) {
        self.gone.set(true);
    }
}

/// Memory that must be written before others read it, in an order that they can rely on, and that
/// nobody reads while it goes.
pub(crate) struct Memory(UnsafeCell<bool>);

// SAFETY: `loom` looks after it.
unsafe impl Send for Memory {}

// SAFETY: As above.
unsafe impl Sync for Memory {}

impl Memory {
    /// That was not written yet.
    pub(crate) fn raw() -> Self {
        Self(UnsafeCell::new(false))
    }

    pub(crate) fn new() -> Self {
        let memory = Self::raw();
        memory.begin();
        memory
    }

    pub(crate) fn begin(&self) {
        // SAFETY: `loom` stops the model where somebody else uses it.
        self.0.with_mut(|alive| unsafe { *alive = true });
    }

    pub(crate) fn end(&self) {
        // SAFETY: As above.
        self.0.with_mut(|alive| unsafe { *alive = false });
    }

    pub(crate) fn read(&self) {
        // SAFETY: As above.
        let alive = self.0.with(|alive| unsafe { *alive });
        assert!(alive, "memory is read that was freed");
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

/// What is queued and what runs. Each work item has a thread of its own, which starts it at any
/// time: so a delay may take as long as it likes, and an item may wait for another.
pub(crate) struct Works {
    /// By the address of the item, and with the number of its turn.
    pending: BTreeMap<usize, u64>,
    /// Those of them that wait for a timer. Nobody who flushes the queue waits for that.
    timers: BTreeSet<usize>,
    running: BTreeMap<usize, u64>,
    next: u64,
}

/// A family as the core knows it.
pub(crate) struct Known {
    pub(crate) family: usize,
    pub(crate) name: [u8; 16],
}

pub(crate) struct World {
    /// The number of the run.
    pub(crate) run: u64,
    pub(crate) atomics: Pool<AtomicU64>,
    works: Mutex<Works>,
    changed: Condvar,
    threads: RefCell<Vec<JoinHandle<()>>>,
    /// `cb_lock`: handlers run with it, and registering takes it.
    pub(crate) families: Mutex<Vec<Known>>,
    /// The state of the module, as others come to know it.
    pub(crate) state: AtomicU32,
    pub(crate) notifiers: RefCell<Vec<usize>>,
    /// What is in the queue of the system.
    postponed: RefCell<BTreeMap<usize, Box<dyn FnOnce()>>>,
    pub(crate) marks: RefCell<Vec<(ThreadId, usize)>>,
    pub(crate) at_end: Cell<Option<(unsafe extern "C" fn(*mut c_void), usize)>>,
    /// What `KBox` allocates, the latest in front. What was freed stays readable until the run is
    /// over, and each run has the same order of addresses.
    arena: *mut u8,
    left: Cell<usize>,
}

impl World {
    fn new(run: u64) -> Self {
        Self {
            run,
            atomics: Pool::new(27, || AtomicU64::new(0)),
            works: Mutex::new(Works {
                pending: BTreeMap::new(),
                timers: BTreeSet::new(),
                running: BTreeMap::new(),
                next: 0,
            }),
            changed: Condvar::new(),
            threads: RefCell::new(Vec::new()),
            families: Mutex::new(Vec::new()),
            state: AtomicU32::new(0),
            notifiers: RefCell::new(Vec::new()),
            postponed: RefCell::new(BTreeMap::new()),
            marks: RefCell::new(Vec::new()),
            at_end: Cell::new(None),
            // SAFETY: It is not empty.
            arena: unsafe { std::alloc::alloc(ARENA) },
            left: Cell::new(ARENA.size()),
        }
    }

    /// `queue_work()` and `queue_delayed_work()`. Returns false where the item is pending.
    ///
    /// # Safety
    ///
    /// `call` may be called with `arg`, until [`World::cancel`] says that it will not be.
    pub(crate) unsafe fn queue(
        &'static self,
        item: usize,
        call: unsafe fn(*const c_void),
        arg: *const c_void,
        timer: bool,
    ) -> bool {
        let turn = {
            let mut works = self.works.lock().unwrap();
            if works.pending.contains_key(&item) {
                return false;
            }
            works.next += 1;
            let turn = works.next;
            works.pending.insert(item, turn);
            if timer {
                works.timers.insert(item);
            }
            turn
        };
        let arg = arg as usize;
        let thread = thread::spawn(move || {
            let mut works = self.works.lock().unwrap();
            // An item never runs twice at the same time, and it runs unless it was cancelled.
            while works.pending.get(&item) == Some(&turn) && works.running.contains_key(&item) {
                works = self.changed.wait(works).unwrap();
            }
            if works.pending.get(&item) != Some(&turn) {
                return;
            }
            works.pending.remove(&item);
            works.timers.remove(&item);
            works.running.insert(item, turn);
            drop(works);
            // SAFETY: By the safety requirements of `queue`.
            unsafe { call(arg as *const c_void) };
            self.works.lock().unwrap().running.remove(&item);
            self.changed.notify_all();
        });
        self.threads.borrow_mut().push(thread);
        true
    }

    /// `cancel_delayed_work_sync()`.
    pub(crate) fn cancel(&self, item: usize) -> bool {
        let mut works = self.works.lock().unwrap();
        let pending = works.pending.remove(&item).is_some();
        works.timers.remove(&item);
        if pending {
            self.changed.notify_all();
        }
        while works.running.contains_key(&item) {
            works = self.changed.wait(works).unwrap();
        }
        pending
    }

    /// `flush_workqueue()`: waits for what is queued by now.
    pub(crate) fn flush(&self) {
        let mut works = self.works.lock().unwrap();
        let last = works.next;
        let waits = |works: &Works| {
            let queued = |item: &usize| !works.timers.contains(item);
            let pending = works.pending.iter().filter(|(item, _)| queued(item));
            pending.chain(&works.running).any(|(_, turn)| *turn <= last)
        };
        while waits(&works) {
            works = self.changed.wait(works).unwrap();
        }
    }

    /// `drain_workqueue()`: waits until nothing is queued, also by what is.
    pub(crate) fn drain(&self) {
        let mut works = self.works.lock().unwrap();
        while works.pending.len() > works.timers.len() || !works.running.is_empty() {
            works = self.changed.wait(works).unwrap();
        }
    }

    /// Puts something into the queue of the system.
    pub(crate) fn postpone(&self, item: usize, call: Box<dyn FnOnce()>) {
        let earlier = self.postponed.borrow_mut().insert(item, call);
        assert!(earlier.is_none(), "it is in the queue already");
    }

    /// `flush_work()` of what is in the queue of the system.
    pub(crate) fn run_postponed(&self, item: usize) -> bool {
        let call = self.postponed.borrow_mut().remove(&item);
        call.map(|call| call()).is_some()
    }

    /// Whether somebody waits for a timer.
    pub(crate) fn has_timer(&self) -> bool {
        !self.works.lock().unwrap().timers.is_empty()
    }

    /// Waits for the threads of all work items.
    pub(crate) fn join(&self) {
        loop {
            let thread = self.threads.borrow_mut().pop();
            let Some(thread) = thread else { break };
            thread.join().unwrap();
        }
    }

    /// Memory for something.
    pub(crate) fn allocate(&self, layout: Layout) -> *mut u8 {
        let from = self.left.get().checked_sub(layout.size());
        let from = from.expect("the arena is large enough") & !(layout.align() - 1);
        self.left.set(from);
        // SAFETY: It is within.
        unsafe { self.arena.add(from) }
    }
}

const ARENA: Layout = match Layout::from_size_align(1 << 14, 64) {
    Ok(layout) => layout,
    Err(_) => panic!(),
};

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: It was allocated like this.
        unsafe { std::alloc::dealloc(self.arena, ARENA) };
    }
}

static mut WORLD: *const World = ptr::null();

/// The one of this run.
pub(crate) fn world() -> &'static World {
    // SAFETY: All threads of a model are run by one thread of the system, and each run has begun
    // with `begin`.
    unsafe { WORLD.as_ref() }.expect("a run has begun")
}

/// Begins a run.
pub(crate) fn begin() {
    // SAFETY: As above; nothing of the last run is used any more.
    unsafe {
        let old = WORLD.cast_mut();
        let run = old.as_ref().map_or(1, |old| old.run + 1);
        WORLD = Box::into_raw(Box::new(World::new(run)));
        if !old.is_null() {
            drop(Box::from_raw(old));
        }
    }
}
