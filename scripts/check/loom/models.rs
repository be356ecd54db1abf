// SPDX-License-Identifier: GPL-2.0

//! The models: what may happen at the same time, and what must hold however it happens.

use super::{
    gate::Gate,
    module::{
        self,
        Kind,
        Place, //
    },
    sync::{
        Atomic,
        Relaxed, //
    },
    Bind,
    Family,
    FamilyDescriptor,
    FamilyWork,
    Job,
    MulticastGroup,
    Registered,
    Registration,
    SplitOp, //
};
use crate::{
    bindings,
    prelude::*,
    time::Delta,
    workqueue::{
        impl_has_work,
        Work,
        WorkItem, //
    },
    world::{
        begin,
        world,
        Known,
        Memory, //
    },
    ThisModule, //
};
use loom::{
    model::Builder,
    thread::spawn, //
};
use std::{
    alloc::Layout,
    cell::RefCell,
    convert::Infallible,
    ffi::c_void,
    ptr::NonNull,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    }, //
};

/// A model.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// How often a thread may be stopped where it could go on. `None` is without a limit.
    preemptions: Option<usize>,
    body: fn(),
}

static RUNS: AtomicU64 = AtomicU64::new(0);

impl Model {
    /// Runs it, and returns in how many ways.
    pub(crate) fn run(&self) -> u64 {
        let mut builder = Builder::new();
        builder.preemption_bound = self.preemptions;
        builder.max_branches = 5_000;
        let body = self.body;
        builder.check(move || {
            RUNS.fetch_add(1, Ordering::Relaxed);
            begin();
            SEEN.with_borrow_mut(|seen| *seen = Seen::default());
            body();
            module_goes();
            SEEN.with_borrow(|seen| assert_eq!(seen.alive, 0, "a state is left"));
        });
        RUNS.load(Ordering::Relaxed)
    }
}

/// What is noted beside the model. It orders nothing.
#[derive(Default)]
struct Seen {
    /// How many states there are.
    alive: i32,
    /// The numbers of the states that work was queued for.
    queued: Vec<u32>,
    /// The groups that somebody has left, as the family was told.
    left: Vec<u32>,
    /// How many jobs somebody tried to add, how many were added, ran, and were dropped.
    tried: u32,
    added: u32,
    ran: u32,
    dropped: u32,
    /// What work has seen when it ran last.
    words: [u32; 2],
    /// Which static `Odd` returns.
    odd: usize,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

fn seen<R>(look: impl FnOnce(&mut Seen) -> R) -> R {
    SEEN.with_borrow_mut(look)
}

static mut MODULE_MEMORY: bindings::module = bindings::module {
    state: 0,
    name: [0; 56],
};

/// The module that all of this is part of.
// SAFETY: It is a module.
pub(crate) static MODULE: ThisModule = unsafe { ThisModule::from_ptr(&raw mut MODULE_MEMORY) };

/// The module is unloaded: its notifiers are told, then it is freed.
fn module_goes() {
    // SAFETY: It is a module, and a notifier that is registered is valid.
    unsafe {
        world()
            .state
            .store(bindings::module_state_MODULE_STATE_GOING, Ordering::Relaxed);
        let notifiers = world().notifiers.borrow().clone();
        for nb in notifiers {
            let nb = nb as *mut bindings::notifier_block;
            let going = bindings::module_state_MODULE_STATE_GOING.into();
            (*nb).notifier_call.unwrap()(nb, going, MODULE.as_ptr().cast());
        }
    }
    assert!(
        world().families.lock().unwrap().is_empty(),
        "a family is left"
    );
    assert!(!world().has_timer(), "a timer is left");
    // Nothing of the module runs any more.
    world().join();
    if let Some((call, arg)) = world().at_end.take() {
        // SAFETY: They belong together.
        unsafe { call(arg as *mut _) };
    }
    assert!(world().notifiers.borrow().is_empty(), "a notifier is left");
    assert!(
        world().families.lock().unwrap().is_empty(),
        "a family is left"
    );
}

/// The state of a family.
struct Board {
    number: u32,
    memory: Memory,
    /// What is done when it is dropped.
    last: Option<fn()>,
}

impl Board {
    fn new(number: u32) -> Self {
        seen(|seen| seen.alive += 1);
        Self {
            number,
            memory: Memory::new(),
            last: None,
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if let Some(last) = self.last {
            last();
        }
        seen(|seen| seen.alive -= 1);
    }
}

impl Family for Board {
    const NAME: &'static str = "board";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];
    const GROUPS: &'static [MulticastGroup<Self>] =
        &[MulticastGroup::new("one"), MulticastGroup::new("two")];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Board> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// A family beside it, that is told who leaves.
struct Other(Board);

impl Family for Other {
    const NAME: &'static str = "other";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];
    const GROUPS: &'static [MulticastGroup<Self>] = Board::GROUPS_OF_OTHER;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Other> = FamilyDescriptor::with_bind();
        &DESCRIPTOR
    }
}

impl Board {
    const GROUPS_OF_OTHER: &'static [MulticastGroup<Other>] =
        &[MulticastGroup::new("one"), MulticastGroup::new("two")];
}

impl Bind for Other {
    fn bind(&self, _group: u32) {}

    fn unbind(&self, group: u32) {
        self.0.memory.read();
        seen(|seen| seen.left.push(group));
    }
}

/// A family that has two statics, of which the author returns either.
struct Odd(Board);

impl Family for Odd {
    const NAME: &'static str = "odd";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];
    const GROUPS: &'static [MulticastGroup<Self>] = &[MulticastGroup::new("one")];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTORS: [FamilyDescriptor<Odd>; 2] =
            [const { FamilyDescriptor::with_bind() }; 2];
        &DESCRIPTORS[seen(|seen| seen.odd)]
    }
}

impl Bind for Odd {
    fn bind(&self, _group: u32) {
        self.0.memory.read();
    }
}

fn register(number: u32) -> Result<Registration<Board>> {
    Registration::new::<Infallible>(&MODULE, Board::new(number))
}

/// A request comes. Returns whether the family was there.
fn request(handler: impl FnOnce(&Registered<Board>)) -> bool {
    let families = world().families.lock().unwrap();
    let Some(known) = families.iter().find(|known| &known.name[..6] == b"board\0") else {
        return false;
    };
    let info = bindings::genl_info {
        family: known.family as *const _,
    };
    // SAFETY: It is the family, and cannot go as long as the lock is held.
    handler(unsafe { Registered::from_info(&info) });
    true
}

/// Uses a family from anywhere, if it is there.
fn use_it() {
    if let Some(family) = Board::descriptor().registered() {
        family.state().memory.read();
    }
}

/// Memory that is written when the model says so.
fn raw_memory() -> &'static Memory {
    let memory = world().allocate(Layout::new::<Memory>()).cast::<Memory>();
    // SAFETY: It is memory for one, until the run is over.
    unsafe {
        memory.write(Memory::raw());
        &*memory
    }
}

static GATE: Gate = Gate::new();

/// Comes in, reads, goes out.
fn visit(memory: &Memory) {
    if GATE.enter() {
        memory.read();
        GATE.leave();
    }
}

/// Shuts the gate, and takes away what was behind it.
fn shut(memory: &Memory) {
    if GATE.close() {
        assert!(GATE.wait(1));
    }
    memory.end();
}

/// Whoever is inside keeps the gate from being shut, and sees what was there before it was opened.
fn gate_users() {
    GATE.reset();
    let memory = raw_memory();
    let one = spawn(move || visit(memory));
    let two = spawn(move || visit(memory));
    memory.begin();
    GATE.open();
    shut(memory);
    one.join().unwrap();
    two.join().unwrap();
}

/// Two are inside, and go while the gate is being shut.
fn gate_leave() {
    GATE.reset();
    let memory = raw_memory();
    memory.begin();
    GATE.open();
    assert!(GATE.enter() && GATE.enter());
    let go = move || {
        memory.read();
        GATE.leave();
    };
    let one = spawn(go);
    let two = spawn(go);
    shut(memory);
    one.join().unwrap();
    two.join().unwrap();
}

/// Whoever has a request opens the gate as well, at any time before the family has gone.
fn gate_opened_twice() {
    GATE.reset();
    let memory = raw_memory();
    memory.begin();
    let one = spawn(move || {
        GATE.open();
        visit(memory);
    });
    let two = spawn(move || visit(memory));
    GATE.open();
    shut(memory);
    one.join().unwrap();
    two.join().unwrap();
}

/// As above, by somebody who does not know yet that the gate was shut anew.
fn gate_opened_early() {
    GATE.reset();
    GATE.open();
    assert!(!GATE.close());
    let memory = raw_memory();
    let one = spawn(move || {
        GATE.open();
        visit(memory);
    });
    memory.begin();
    GATE.reset();
    GATE.open();
    shut(memory);
    one.join().unwrap();
}

/// The gate is used again.
fn gate_again() {
    GATE.reset();
    let memories = [raw_memory(), raw_memory()];
    static NOW: Atomic<u32> = Atomic::new(0);
    let one = spawn(move || {
        if GATE.enter() {
            memories[NOW.load(Relaxed) as usize].read();
            GATE.leave();
        }
    });
    memories[0].begin();
    GATE.open();
    shut(memories[0]);
    GATE.reset();
    NOW.store(1, Relaxed);
    memories[1].begin();
    GATE.open();
    shut(memories[1]);
    one.join().unwrap();
}

/// Somebody is inside each time, and is waited for each time.
fn gate_waits_again() {
    for _ in 0..2 {
        GATE.reset();
        let memory = raw_memory();
        memory.begin();
        GATE.open();
        assert!(GATE.enter());
        let inside = spawn(move || {
            memory.read();
            GATE.leave();
        });
        shut(memory);
        inside.join().unwrap();
    }
}

/// A family is registered twice, one registration after the other, while others use it.
fn registered_anew() {
    let one = spawn(use_it);
    drop(register(1).unwrap());
    drop(register(2).unwrap());
    one.join().unwrap();
}

/// Two register the same family at a time. Who comes too late is told so.
fn registered_at_a_time() {
    let register_and_use = |number| {
        if let Ok(registration) = register(number) {
            let family = registration.registered().unwrap();
            assert_eq!(family.state().number, number);
            drop(family);
            use_it();
        }
    };
    let one = spawn(move || register_and_use(1));
    register_and_use(2);
    one.join().unwrap();
    assert!(register(3).is_ok());
}

/// A request comes while a family is registered and goes.
fn request_while_going() {
    let one = spawn(|| {
        request(|family| {
            family.open();
            use_it();
            family.state().memory.read();
        });
    });
    drop(register(1).unwrap());
    one.join().unwrap();
    assert!(
        Board::descriptor().registered().is_none(),
        "there is proof of what has gone"
    );
}

/// A handler drops the registration that it belongs to, while somebody else uses it.
fn dropped_inside() {
    let registration = register(1).unwrap();
    let one = spawn(use_it);
    assert!(request(move |family| {
        module::within(Board::descriptor().mark(), || {
            drop(registration);
            family.state().memory.read();
        });
    }));
    one.join().unwrap();
}

/// Work that notes for which state it runs.
fn noting_work() -> FamilyWork<Board> {
    FamilyWork::new(|job: &Job<Board>| {
        job.state().memory.read();
        let number = job.state().number;
        seen(|seen| {
            assert!(seen.queued.contains(&number), "it was queued for another");
            seen.ran += 1;
        });
    })
    .unwrap()
}

fn queue(work: &FamilyWork<Board>) {
    if let Some(family) = Board::descriptor().registered() {
        let number = family.state().number;
        seen(|seen| seen.queued.push(number));
        family.queue_work(work);
    }
}

/// Work that was queued for a registration does not run for the next.
fn work_of_another() {
    let work = noting_work();
    let same = work.clone();
    let first = register(1).unwrap();
    let one = spawn(move || queue(&same));
    drop(first);
    let second = register(2).unwrap();
    one.join().unwrap();
    drop(second);
}

/// A request queues work before the registration has returned.
fn work_of_request() {
    let work = noting_work();
    let same = work.clone();
    let one = spawn(move || {
        request(|family| {
            let number = family.state().number;
            seen(|seen| seen.queued.push(number));
            family.queue_work(&same);
        });
    });
    let registration = register(1).unwrap();
    one.join().unwrap();
    world().flush();
    seen(|seen| assert_eq!(seen.ran, seen.queued.len() as u32, "a run is lost"));
    drop(registration);
}

/// Work that two queue runs behind the last of them.
fn work_of_two() {
    static WORDS: [Atomic<u32>; 2] = [const { Atomic::new(0) }; 2];
    let work = FamilyWork::new(move |_: &Job<Board>| {
        let words = [0, 1].map(|word| WORDS[word].load(Relaxed));
        seen(|seen| seen.words = words);
    })
    .unwrap();
    let same = work.clone();
    let registration = register(1).unwrap();
    let tell = |word: usize, work: &FamilyWork<Board>| {
        if let Some(family) = Board::descriptor().registered() {
            WORDS[word].store(1, Relaxed);
            family.queue_work(work);
        }
    };
    let one = spawn(move || tell(0, &same));
    tell(1, &work);
    one.join().unwrap();
    world().flush();
    assert_eq!(seen(|seen| seen.words), [1, 1], "a run is lost");
    drop(registration);
}

/// A job that owns something, and knows that it ran.
fn add_job(family: &Registered<Board>, number: u32) {
    struct Owned;

    impl Drop for Owned {
        fn drop(&mut self) {
            seen(|seen| seen.dropped += 1);
        }
    }

    let owned = Owned;
    let added = family.queue_delayed_work(Delta::from_millis(1), move |job| {
        job.state().memory.read();
        assert_eq!(job.state().number, number, "it belongs to another");
        seen(|seen| seen.ran += 1);
        drop(owned);
    });
    seen(|seen| seen.added += u32::from(added.is_ok()));
}

/// Each job has run, or was dropped, when its family has gone.
fn check_jobs() {
    seen(|seen| {
        assert!(seen.ran <= seen.added, "a job ran that was refused");
        assert_eq!(seen.dropped, seen.tried, "a job is left");
    });
}

/// A job that was added runs or is cancelled, while its family goes.
fn job_while_going() {
    let registration = register(1).unwrap();
    seen(|seen| seen.tried = 1);
    add_job(&registration.registered().unwrap(), 1);
    drop(registration);
    check_jobs();
}

/// A job is added while its family goes, and the next comes.
fn job_added_while_going() {
    let registration = register(1).unwrap();
    let one = spawn(|| {
        if let Some(family) = Board::descriptor().registered() {
            seen(|seen| seen.tried = 1);
            add_job(&family, family.state().number);
        }
    });
    drop(registration);
    one.join().unwrap();
    check_jobs();
}

/// As above, by a request: that does not keep the gate open.
fn job_of_request() {
    let registration = register(1).unwrap();
    let one = spawn(|| {
        request(|family| {
            seen(|seen| seen.tried = 1);
            add_job(family, 1);
        });
    });
    drop(registration);
    one.join().unwrap();
    check_jobs();
}

/// A job drops the registration that it belongs to, while somebody else uses it.
fn job_drops_family() {
    let registration = register(1).unwrap();
    let family = registration.registered().unwrap();
    let added = family.queue_delayed_work(Delta::ZERO, move |job| {
        drop(registration);
        job.state().memory.read();
    });
    assert!(added.is_ok());
    drop(family);
    use_it();
}

/// A socket leaves the groups of a family: the core calls this with the lock of its families.
fn leave_group(group: c_int) {
    let families = world().families.lock().unwrap();
    let Some(known) = families.iter().find(|known| &known.name[..6] == b"other\0") else {
        return;
    };
    // SAFETY: It is the family, and cannot go as long as the lock is held.
    unsafe {
        (*(known.family as *const bindings::genl_family))
            .unbind
            .unwrap()(group)
    };
}

/// Two sockets leave two groups, and the family is told of both.
fn groups_left() {
    let state = Other(Board::new(1));
    let registration = Registration::new::<Infallible>(&MODULE, state).unwrap();
    let one = spawn(|| leave_group(0));
    leave_group(1);
    one.join().unwrap();
    world().flush();
    let left = seen(|seen| {
        seen.left.sort();
        seen.left.clone()
    });
    assert_eq!(
        left,
        [0, 1],
        "somebody has left, and the family does not know"
    );
    drop(registration);
}

/// A socket leaves a group while the family goes.
fn group_left_while_going() {
    let state = Other(Board::new(1));
    let registration = Registration::new::<Infallible>(&MODULE, state).unwrap();
    let one = spawn(|| leave_group(0));
    drop(registration);
    one.join().unwrap();
}

/// A socket joins a group, and the family is looked for in another static, which was registered once
/// and is being registered anew, in vain.
fn called_in_another_static() {
    let register = |odd| {
        seen(|seen| seen.odd = odd);
        Registration::new::<Infallible>(&MODULE, Odd(Board::new(1)))
    };
    drop(register(1).unwrap());
    let registration = register(0).unwrap();
    seen(|seen| seen.odd = 1);
    let one = spawn(|| {
        let families = world().families.lock().unwrap();
        let family = families[0].family as *const bindings::genl_family;
        // SAFETY: It is the family, and cannot go as long as the lock is held.
        unsafe { (*family).bind.unwrap()(0) };
    });
    assert!(register(1).is_err_and(|error| error == EEXIST));
    one.join().unwrap();
    drop(registration);
}

/// The core refuses a family, since another module has one of its name, while somebody looks for
/// it.
fn refused() {
    let mut name = [0; 16];
    name[..5].copy_from_slice(b"board");
    let known = Known { family: 8, name };
    world().families.lock().unwrap().push(known);
    let one = spawn(|| {
        let found = Board::descriptor().registered().is_some();
        assert!(
            !found,
            "there is proof of a family that the core does not have"
        );
    });
    assert!(register(1).is_err_and(|error| error == EEXIST));
    one.join().unwrap();
    world().families.lock().unwrap().clear();
}

/// Two families of a module that has had none are registered at a time. Both are forgotten, and go
/// with the module.
fn module_of_two() {
    let one = spawn(|| {
        let state = Other(Board::new(1));
        std::mem::forget(Registration::new::<Infallible>(&MODULE, state).unwrap());
    });
    std::mem::forget(register(2).unwrap());
    one.join().unwrap();
}

/// The module goes while a job of a family that was forgotten registers another one.
fn module_goes_while_registering() {
    let state = Other(Board::new(1));
    let other = Registration::new::<Infallible>(&MODULE, state).unwrap();
    let added = other
        .registered()
        .unwrap()
        .queue_delayed_work(Delta::ZERO, |_| {
            if let Ok(registration) = register(2) {
                std::mem::forget(registration);
            }
        });
    assert!(added.is_ok());
    std::mem::forget(other);
    module_goes();
}

/// As above, where it is registered by what a state owns when it is dropped: a handler has dropped
/// its own registration, and a task in the queue ends it.
fn module_goes_while_dropping() {
    let mut state = Board::new(1);
    state.last = Some(|| {
        let state = Other(Board::new(2));
        if let Ok(registration) = Registration::new::<Infallible>(&MODULE, state) {
            std::mem::forget(registration);
        }
    });
    let registration = Registration::new::<Infallible>(&MODULE, state).unwrap();
    assert!(request(move |_| {
        module::within(Board::descriptor().mark(), || drop(registration));
    }));
    module_goes();
}

/// Work that belongs to no family, and registers one.
struct Later {
    work: Work<Later>,
}

impl_has_work! {
    impl HasWork<Self> for Later { self.work }
}

impl WorkItem for Later {
    type Pointer = Pin<KBox<Self>>;

    fn run(_: Pin<KBox<Self>>) {
        if let Ok(registration) = register(1) {
            std::mem::forget(registration);
        }
    }
}

/// A thing that does nothing when it is taken back.
unsafe fn nothing(_thing: NonNull<c_void>) {}

/// As above, in a module that has had no family before, as what a namespace leaves behind does it.
fn module_goes_while_working() {
    let thing = NonNull::from(raw_memory()).cast();
    let place = Place::new(&MODULE, Kind::Callback, thing, nothing).unwrap();
    // SAFETY: It may be taken back.
    unsafe { place.fill() };
    let later = KBox::new(Later { work: Work::new() }, GFP_KERNEL).unwrap();
    // SAFETY: Something is given; a box does not move.
    unsafe { module::queue().enqueue(Pin::new_unchecked(later)) };
    module_goes();
}

pub(crate) fn all() -> Vec<Model> {
    let model = |name, preemptions, body| Model {
        name,
        preemptions,
        body,
    };
    vec![
        model("gate_users", None, gate_users as fn()),
        model("gate_leave", None, gate_leave),
        model("gate_opened_twice", None, gate_opened_twice),
        model("gate_opened_early", None, gate_opened_early),
        model("gate_again", None, gate_again),
        model("gate_waits_again", None, gate_waits_again),
        model("registered_anew", None, registered_anew),
        model("registered_at_a_time", None, registered_at_a_time),
        model("request_while_going", None, request_while_going),
        model("dropped_inside", None, dropped_inside),
        model("work_of_another", Some(3), work_of_another),
        model("work_of_request", None, work_of_request),
        model("work_of_two", Some(2), work_of_two),
        model("job_while_going", None, job_while_going),
        model("job_added_while_going", None, job_added_while_going),
        model("job_of_request", None, job_of_request),
        model("job_drops_family", Some(3), job_drops_family),
        model("groups_left", Some(3), groups_left),
        model("group_left_while_going", None, group_left_while_going),
        model("called_in_another_static", None, called_in_another_static),
        model("refused", None, refused),
        model("module_of_two", None, module_of_two),
        model(
            "module_goes_while_registering",
            None,
            module_goes_while_registering,
        ),
        model(
            "module_goes_while_dropping",
            None,
            module_goes_while_dropping,
        ),
        model("module_goes_while_working", None, module_goes_while_working),
    ]
}
