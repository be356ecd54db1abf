// SPDX-License-Identifier: GPL-2.0

//! What a module has given to the core, and how all of it comes back before the module goes.
//!
//! A family that is registered, the state of network namespaces, and a notifier of sockets have in
//! common that the core calls the module because of them. A value that stands for one of them takes
//! it back when it is dropped. But safe code may forget a value, or build a cycle of references. So
//! each of them is noted here, and a module notifier takes back what is left when the module goes:
//! behind its `exit`, or where its `init` has failed.
//!
//! Then nothing of the module runs any more, but somebody may still have a reference to it: `rmmod`
//! does not come so far, and a module whose `init` has failed is freed all the same. That reference
//! is waited for when the parameters of the module are freed, which is right in front of its
//! memory. A notifier must not wait for it, since no other module could be loaded or removed
//! meanwhile. Nor may it be in the chain any more: a module that is about to be freed is none whose
//! functions are called. It cannot leave the chain while it is called, so a work item takes it out.
//!
//! Everything is noted by module, as if one crate served all of them.

use super::{
    ffi,
    gate::Gate,
    sync::{
        Acquire,
        Atomic,
        Full,
        Release, //
    }, //
};
use core::{
    any::TypeId,
    cell::Cell,
    ffi::c_void,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta,
        Msecs, //
    },
    types::Opaque,
    workqueue::{
        self,
        HasWork,
        Queue,
        Work,
        WorkItem, //
    },
    ThisModule, //
};

/// What a thing is; those of the first kind are taken back first, since they use the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A family.
    Family,
    /// What calls the module beside a family.
    Callback,
}

/// Takes a thing back.
///
/// # Safety
///
/// The pointer was given together with this function, and was taken off the list since.
pub(super) type End = unsafe fn(NonNull<c_void>);

/// A thing that a module has given to the core, how it is taken back, and another one. There are
/// few: a tree would have more code than it saves steps.
struct Thing {
    module: usize,
    kind: Kind,
    thing: NonNull<c_void>,
    end: End,
    next: Option<KBox<Thing>>,
}

/// What is in the list, and where the core's callbacks for network namespaces find their slots.
struct Given {
    things: Option<KBox<Thing>>,
    /// A slot for each type of state. The core's callbacks say for which namespace they are, and
    /// nothing else.
    slots: Next,
}

// SAFETY: Things may be taken back in any task, and links are only followed with the lock.
unsafe impl Send for Given {}

// Its nodes have allocations of their own.
impl Unpin for Given {}

/// Points to the link of a slot, or to none at the end of the list.
type Next = Cell<Option<NonNull<Link>>>;

/// The part of a slot by which it is found. Others than [`Link::state`] are protected by the lock
/// of the list.
///
/// # Invariants
///
/// In the list, `next` points to a link that is in the list as well.
pub(super) struct Link {
    state: TypeId,
    next: Next,
}

impl Link {
    pub(super) fn new(state: TypeId) -> Self {
        // INVARIANT: It is in no list.
        Self {
            state,
            next: Cell::new(None),
        }
    }
}

impl Given {
    /// Takes a thing of a module off the list: that at an address, or any one of the kind.
    #[inline(never)]
    fn take(
        &mut self,
        module: usize,
        kind: Kind,
        address: Option<NonNull<c_void>>,
    ) -> Option<(NonNull<c_void>, End)> {
        let mut at = &mut self.things;
        loop {
            let thing = at.as_ref()?;
            let found = thing.module == module && thing.kind == kind;
            if found && address.is_none_or(|address| thing.thing == address) {
                break;
            }
            at = &mut at.as_mut()?.next;
        }
        let mut thing = at.take()?;
        *at = thing.next.take();
        Some((thing.thing, thing.end))
    }

    /// What points to the link for a type of state, or the end of the list.
    #[inline(never)]
    fn to_slot(&self, state: TypeId) -> &Next {
        let mut at = &self.slots;
        while let Some(link) = at.get() {
            // SAFETY: By the type invariants of `Link` it is in the list; whoever put it there
            // keeps it until it was taken off.
            let link = unsafe { link.as_ref() };
            if link.state == state {
                break;
            }
            at = &link.next;
        }
        at
    }
}

/// A workqueue of our own.
///
/// # Invariants
///
/// It is valid, and destroyed when this is dropped.
struct OwnQueue(NonNull<bindings::workqueue_struct>);

impl Drop for OwnQueue {
    fn drop(&mut self) {
        // SAFETY: By the type invariants. Nobody queues anything any more.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}

/// The one of this crate.
#[pin_data(PinnedDrop)]
struct Home {
    nb: Opaque<bindings::notifier_block>,
    // Is dropped behind the end of the notifier.
    queue: OwnQueue,
    /// Takes the notifier out of the chain.
    #[pin]
    leave: Work<Home>,
    #[pin]
    given: Mutex<Given>,
}

// SAFETY: The notifier block and the queue have locks of their own.
unsafe impl Send for Home {}

// SAFETY: As above.
unsafe impl Sync for Home {}

kernel::impl_has_work! {
    impl HasWork<Self> for Home { self.leave }
}

impl WorkItem for Home {
    type Pointer = Arc<Self>;

    fn run(home: Arc<Self>) {
        home.leave_chain();
        release(home);
    }
}

/// Null until something is given for the first time; then it has a reference.
static HOME: Atomic<*mut Home> = Atomic::new(ptr::null_mut());

impl Home {
    fn new() -> Result<Arc<Self>> {
        // SAFETY: The format takes nothing, and is terminated.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"genl".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND,
                0,
            )
        };
        // INVARIANT: It was just made.
        let queue = OwnQueue(NonNull::new(queue).ok_or(ENOMEM)?);
        let nb = bindings::notifier_block {
            notifier_call: Some(module_goes),
            // In front of those who take away what the module is made of.
            priority: c_int::MAX,
            ..pin_init::zeroed()
        };
        let home = Arc::pin_init(
            pin_init::pin_init!(Self {
                nb: Opaque::new(nb),
                queue,
                leave <- kernel::new_work!("genl::Home"),
                given <- kernel::new_mutex!(Given { things: None, slots: Cell::new(None) }, "genl::Home"),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The block is pinned, and unregistered when it is dropped.
        match to_result(unsafe { bindings::register_module_notifier(home.nb.get()) }) {
            Ok(()) => Ok(home),
            Err(error) => {
                release(home);
                Err(error)
            }
        }
    }

    /// The one that there is.
    fn get<'a>() -> Option<&'a Self> {
        // SAFETY: It is null, or valid until the module is freed.
        unsafe { HOME.load(Acquire).as_ref() }
    }

    /// The one that there is, or is made now.
    fn make<'a>() -> Result<&'a Self> {
        if let Some(home) = Self::get() {
            return Ok(home);
        }
        let new = Self::new()?;
        let raw = Arc::as_ptr(&new).cast_mut();
        match HOME.cmpxchg(ptr::null_mut(), raw, Full) {
            Ok(_) => {
                core::mem::forget(new);
                // SAFETY: It is called once, in the module that this is part of; `end` takes what
                // was just forgotten.
                unsafe { ffi::genl_rs_at_end(Some(end), raw.cast()) };
                // SAFETY: It was just forgotten.
                Ok(unsafe { &*raw })
            }
            Err(_) => {
                release(new);
                // An exchange that fails acquires nothing.
                // SAFETY: As in `get`, and it is not null any more.
                Ok(unsafe { &*HOME.load(Acquire) })
            }
        }
    }

    /// Takes the notifier out of the chain, if it is in there.
    fn leave_chain(&self) {
        // SAFETY: The block was registered once, or nobody knows of it: then this does nothing.
        unsafe { bindings::unregister_module_notifier(self.nb.get()) };
    }

    /// Takes back what a module has given.
    fn take_all_back(&self, module: *mut bindings::module) {
        let mut waited = false;
        loop {
            let next = {
                let mut given = self.given.lock();
                let mut take = |kind| given.take(module.addr(), kind, None);
                take(Kind::Family).or_else(|| take(Kind::Callback))
            };
            match next {
                Some((thing, end)) => {
                    waited = false;
                    // SAFETY: They were given together, and were just taken off the list.
                    unsafe { end(thing) };
                }
                None if waited => break,
                None => {
                    // What has begun before the module was going may be about to give something.
                    // SAFETY: By the type invariants.
                    unsafe { bindings::__flush_workqueue(self.queue.0.as_ptr()) };
                    waited = true;
                }
            }
        }
        // What it does is done before others take away what the module is made of. Nobody but what
        // is in the queue adds to it any more.
        // SAFETY: As above.
        unsafe { bindings::drain_workqueue(self.queue.0.as_ptr()) };
    }
}

/// Drops a reference. What drops the home is compiled once, in here.
#[inline(never)]
fn release(home: Arc<Home>) {
    drop(home);
}

#[pinned_drop]
impl PinnedDrop for Home {
    fn drop(self: Pin<&mut Self>) {
        self.leave_chain();
    }
}

/// # Safety
///
/// The core calls it for the block of a [`Home`] that is there for as long as it is registered,
/// with a module.
unsafe extern "C" fn module_goes(
    _: *mut bindings::notifier_block,
    action: c_ulong,
    module: *mut c_void,
) -> c_int {
    // Others that go do not wait for what this one has in its queue.
    // SAFETY: It only returns an address.
    let own = module.cast() == unsafe { ffi::genl_rs_this_module() };
    // CAST: It is a small number.
    if own && action == bindings::module_state_MODULE_STATE_GOING as c_ulong {
        if let Some(home) = Home::get() {
            home.take_all_back(module.cast());
            // SAFETY: It is what `Home::make` has forgotten, and `end` is what takes that back.
            let home = ManuallyDrop::new(unsafe { Arc::from_raw(HOME.load(Acquire)) });
            // It waits for the lock of the chain. In the queue of our own it would wait for who has
            // that and waits for the queue, as this has just done.
            if let Err(home) = workqueue::system_unbound().enqueue(Arc::clone(&home)) {
                release(home);
            }
        }
    }
    // CAST: It is 0.
    bindings::NOTIFY_DONE as c_int
}

/// The end of the module that this crate is part of, right before its memory is freed.
///
/// # Safety
///
/// `home` is what [`Home::make`] has made, and nobody uses it any more.
unsafe extern "C" fn end(home: *mut c_void) {
    // SAFETY: By the safety requirements of this function; `Home::make` has forgotten a reference.
    let home = unsafe { Arc::from_raw(home.cast_const().cast::<Home>()) };
    // SAFETY: The work is part of the home.
    unsafe {
        let leave = <Home as HasWork<Home>>::raw_get_work(Arc::as_ptr(&home).cast_mut());
        bindings::flush_work(Work::raw_get(leave));
    }
    wait_for_references();
    HOME.store(ptr::null_mut(), Release);
    release(home);
}

/// A place in the list for a thing that a module is about to give to the core.
///
/// The thing is noted when the core has it, and not before: a module that goes takes back all that
/// is in the list, and whoever still gives something then would do so behind that. What is given
/// meanwhile is found: it comes from a job or from work in the queue, and the module waits for both
/// before it looks at the list for the last time.
pub(super) struct Place {
    home: &'static Home,
    thing: KBox<Thing>,
}

impl Place {
    /// Makes a place, so that nothing can fail later.
    ///
    /// Returns [`EINVAL`] for another module than that which this is part of, `ESHUTDOWN` for one
    /// that is going, and [`ENOMEM`].
    pub(super) fn new(
        module: &'static ThisModule,
        kind: Kind,
        thing: NonNull<c_void>,
        end: End,
    ) -> Result<Self> {
        let raw = module.as_ptr();
        // SAFETY: It only returns an address.
        if raw != unsafe { ffi::genl_rs_this_module() } {
            return Err(EINVAL);
        }
        // SAFETY: It is null for what is built in, or a module whose code this is.
        let going = unsafe { raw.as_ref() }.is_some_and(|module| {
            module.state != bindings::module_state_MODULE_STATE_LIVE
                && module.state != bindings::module_state_MODULE_STATE_COMING
        });
        if going {
            return Err(ESHUTDOWN);
        }
        let home = Home::make()?;
        let thing = Thing {
            module: raw.addr(),
            kind,
            thing,
            end,
            next: None,
        };
        let thing = KBox::new(thing, GFP_KERNEL)?;
        Ok(Self { home, thing })
    }

    /// Notes the thing, which the core has.
    ///
    /// Whoever takes it back calls [`take_back`] first, and goes on only if that returns true.
    ///
    /// # Safety
    ///
    /// `end` takes back what `thing` points to, until [`take_back`] was called for it.
    pub(super) unsafe fn fill(self) {
        let Self { home, mut thing } = self;
        let mut given = home.given.lock();
        thing.next = given.things.take();
        given.things = Some(thing);
    }
}

/// Takes a thing off the list. Returns false if the module is going and it was taken back already.
#[inline(never)]
pub(super) fn take_back(module: &'static ThisModule, kind: Kind, thing: NonNull<c_void>) -> bool {
    let module = module.as_ptr().addr();
    let take = |home: &Home| home.given.lock().take(module, kind, Some(thing));
    Home::get().and_then(take).is_some()
}

/// Notes the slot for a type of state. Returns [`EBUSY`] if there is one.
///
/// # Safety
///
/// The link is in no list, and stays where it is until [`remove_slot`] was called for it, if this
/// succeeds.
pub(super) unsafe fn add_slot(link: &Link) -> Result {
    let home = Home::make()?;
    let given = home.given.lock();
    let end = given.to_slot(link.state);
    if end.get().is_some() {
        return Err(EBUSY);
    }
    // INVARIANT: It is the last one.
    end.set(Some(NonNull::from(link)));
    Ok(())
}

/// The link of the slot for a type of state.
#[inline(never)]
pub(super) fn find_slot(state: TypeId) -> Option<NonNull<Link>> {
    Home::get()?.given.lock().to_slot(state).get()
}

/// Forgets a slot, which was noted.
pub(super) fn remove_slot(link: &Link) {
    if let Some(home) = Home::get() {
        let given = home.given.lock();
        given.to_slot(link.state).set(link.next.get());
    }
}

/// Waits for those who have a reference to the module that this is part of, as dumps have: a dump
/// of the policies of a family reads them even if the family has gone. `rmmod` does not come so far
/// while there is one. `do_init_module()` of a module whose `init` has failed does not ask.
fn wait_for_references() {
    let mut waited = 0;
    // SAFETY: It is a module, since what is built in does not end.
    while unsafe { bindings::module_refcount(ffi::genl_rs_this_module()) } > 0 {
        if waited == COMPLAIN {
            // SAFETY: The format takes a string, and both are terminated.
            unsafe {
                bindings::_printk(
                    c"\x013genl: module %s cannot go: somebody has an open dump of a policy of it\n"
                        .as_char_ptr(),
                    name(),
                )
            };
            waited = 0;
        }
        waited = waited.wrapping_add(PAUSE);
        fsleep(Delta::from_millis(PAUSE.into()));
    }
}

/// Waits until nobody is inside of a gate, which [`Gate::close`] has found somebody in. Where that
/// takes long, it says so: `complaint` is a format that takes one string, which is `name`.
#[cold]
pub(super) fn wait_for(gate: &Gate, complaint: &'static CStr, name: *const c_char) {
    while !gate.wait(COMPLAIN) {
        // SAFETY: The format takes a string, and both are terminated. Not `pr_err!`: that wants to
        // be in the crate of a module.
        unsafe { bindings::_printk(complaint.as_char_ptr(), name) };
    }
}

/// The name of the module that this is part of, which is not built in.
pub(super) fn name() -> *const c_char {
    // SAFETY: It only computes an address.
    unsafe { (&raw const (*ffi::genl_rs_this_module()).name).cast() }
}

/// How many milliseconds there are between two looks.
const PAUSE: Msecs = 10;

/// After how many milliseconds somebody who waits says so.
const COMPLAIN: Msecs = 10_000;

/// The queue for what has to be done in a task of its own. A module does not go before what is in
/// here has been done.
///
/// # Safety
///
/// During `'a` something is given, somebody has a [`Place`], or a family is registered.
pub(super) unsafe fn queue<'a>() -> &'a Queue {
    let home = HOME.load(Acquire);
    // SAFETY: There is a home, since something was given, and it is there until the module is
    // freed.
    unsafe { Queue::from_raw((*home).queue.0.as_ptr()) }
}

/// What the current task is in the middle of, on its stack.
// CAST: It is a small number.
pub(super) struct Mark(MaybeUninit<[c_ulong; ffi::GENL_RS_MARK_WORDS as usize]>);

impl Mark {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Notes that the current task is in a callback of the core, or of a family. With a null
    /// `family`, the core holds a lock that whoever registers or unregisters something needs; else,
    /// unregistering that family waits for the callback. Returns whether the task is being killed.
    ///
    /// # Safety
    ///
    /// The mark stays where it is until the same task calls [`Mark::leave`].
    #[inline(always)]
    pub(super) unsafe fn enter(&mut self, family: *const c_void) -> bool {
        // SAFETY: By the safety requirements of this function.
        unsafe { ffi::genl_rs_enter(self.0.as_mut_ptr().cast(), family) }
    }

    /// # Safety
    ///
    /// The current task has called [`Mark::enter`].
    #[inline(always)]
    pub(super) unsafe fn leave(&mut self) {
        // SAFETY: By the safety requirements of this function.
        unsafe { ffi::genl_rs_leave(self.0.as_mut_ptr().cast()) };
    }
}

/// Runs a callback with a [`Mark`].
#[inline(always)]
pub(super) fn within<R>(family: *const c_void, callback: impl FnOnce() -> R) -> R {
    let mut mark = Mark::new();
    // SAFETY: It stays where it is: nothing unwinds.
    unsafe { mark.enter(family) };
    let result = callback();
    // SAFETY: As above.
    unsafe { mark.leave() };
    result
}

/// Whether the current task is in a callback that unregistering this family would wait for, or in
/// one under a lock of the core.
pub(super) fn is_within(family: *const c_void) -> bool {
    // SAFETY: It only compares the pointer.
    unsafe { ffi::genl_rs_inside(family) }
}

/// The module that the KUnit suites are part of.
#[cfg(CONFIG_KUNIT = "y")]
pub(super) const TEST_MODULE: &ThisModule = kernel::module::this_module::<crate::LocalModule>();
