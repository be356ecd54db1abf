// SPDX-License-Identifier: GPL-2.0

//! Work that belongs to a family: it runs in a task of its own, with the family at hand, and never
//! when the family has gone.
//!
//! A [`FamilyWork`] is made once and queued as often as one likes, in any context: it is how an
//! interrupt gets something done that may sleep. [`Registered::queue_delayed_work`] runs a closure
//! once, after a while.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use super::{
    family::{
        Family,
        FamilyDescriptor,
        Registered, //
    },
    kept::{
        Keeps,
        Kept, //
    },
    module,
    net::Net,
    owed::Owed,
    socket::{
        Handle,
        Key,
        Socket,
        Sockets, //
    },
    sync::{
        Atomic,
        Relaxed, //
    }, //
};
use core::ops::Deref;
use kernel::{
    bindings,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        Arc,
        Mutex, //
    },
    task::might_sleep,
    time::{
        msecs_to_jiffies,
        Delta,
        Jiffies,
        Msecs, //
    },
    workqueue::{
        DelayedWork,
        HasWork,
        Work,
        WorkItem, //
    },
    ThisModule, //
};

/// A family that is registered, in a task that may sleep: what the closures of [`FamilyWork`] and
/// [`Registered::queue_delayed_work`] get, and what a [`Request`](super::Request) is handled in. It
/// is always borrowed, for the time of that.
///
/// # Invariants
///
/// As for [`Registered`]. Whoever has a reference to this is in process context.
#[repr(transparent)]
pub struct Job<F: Family>(Registered<F>);

impl<F: Family> Job<F> {
    /// # Safety
    ///
    /// The current task may sleep, as long as the returned reference is used.
    #[inline(always)]
    pub(super) unsafe fn new(family: &Registered<F>) -> &Self {
        // INVARIANT: By the safety requirements of this function.
        // SAFETY: It is a transparent view.
        unsafe { &*core::ptr::from_ref(family).cast() }
    }

    /// Runs a job for the registration with this number. If it has gone, returns the job.
    fn run<J: FnOnce(&Self)>(
        descriptor: &'static FamilyDescriptor<F>,
        serial: u64,
        job: J,
    ) -> core::result::Result<(), J> {
        match descriptor.registered_as(serial) {
            Some(family) => {
                // SAFETY: This runs from a workqueue.
                module::within(descriptor.mark(), || job(unsafe { Self::new(&family) }));
                Ok(())
            }
            None => Err(job),
        }
    }
}

impl<F: Family> Deref for Job<F> {
    type Target = Registered<F>;

    fn deref(&self) -> &Registered<F> {
        &self.0
    }
}

/// Work of a family that can be queued from any context, an interrupt included.
///
/// It is allocated once. Queueing it takes no lock that could sleep and no memory. It runs in a
/// task of its own, with the family at hand, never twice at the same time, and never when the
/// family has gone: what is queued then does not run. Unregistering the family waits for it when it
/// runs.
///
/// It is a handle: a clone stands for the same work. Dropping the last one drops the closure, so
/// that belongs where the closure may be dropped.
///
/// # Examples
///
/// An interrupt has seen a change of the link, and all who listen are told, which may sleep.
///
/// ```
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use genl::{Family, FamilyWork, Message, Net, Notify};
/// use kernel::{prelude::*, sync::Arc};
///
/// struct Link<F: Family> {
///     state: Arc<Atomic<u32>>,
///     tell: FamilyWork<F>,
/// }
///
/// impl<F: Family> Link<F> {
///     fn new<N: Notify<Family = F>, M: Message<N> + From<u32>>() -> Result<Self> {
///         let state = Arc::new(Atomic::new(0), GFP_KERNEL)?;
///         let now = state.clone();
///         let tell = FamilyWork::<F>::new(move |job| {
///             let message = M::from(now.load(Relaxed));
///             // Whoever could not be told learns it from its socket.
///             let _ = job.multicast::<N>(Net::init(), &message, GFP_KERNEL);
///         })?;
///         Ok(Self { state, tell })
///     }
///
///     /// In hard interrupt context.
///     fn interrupt(&self, state: u32) {
///         self.state.store(state, Relaxed);
///         if let Some(family) = F::descriptor().registered() {
///             family.queue_work(&self.tell);
///         }
///     }
/// }
/// ```
pub struct FamilyWork<F: Family>(Arc<Queued<F>>);

impl<F: Family> Clone for FamilyWork<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A closure for any number of runs.
type Run<F> = dyn FnMut(&Job<F>) + Send;

#[pin_data]
struct Queued<F: Family> {
    #[pin]
    work: Work<Queued<F>>,
    /// The registration that it was queued for. If these belong to two, it does not run, or for one
    /// of them.
    descriptor: Atomic<*mut FamilyDescriptor<F>>,
    serial: Atomic<u64>,
    #[pin]
    run: Mutex<KBox<Run<F>>>,
}

kernel::impl_has_work! {
    impl{F: Family} HasWork<Self> for Queued<F> { self.work }
}

impl<F: Family> WorkItem for Queued<F> {
    type Pointer = Arc<Self>;

    fn run(queued: Arc<Self>) {
        let descriptor = queued.descriptor.load(Relaxed);
        let serial = queued.serial.load(Relaxed);
        // SAFETY: It is null, or a static that `queue_work` has stored.
        if let Some(descriptor) = unsafe { descriptor.as_ref() } {
            // What was queued for a registration that has gone does not run.
            let _ = Job::run(descriptor, serial, |job| (queued.run.lock())(job));
        }
    }
}

impl<F: Family> FamilyWork<F> {
    /// Makes work out of a closure. It belongs to whatever registration of the family it is queued
    /// for.
    ///
    /// Returns [`ENOMEM`].
    pub fn new(run: impl FnMut(&Job<F>) + Kept + 'static) -> Result<Self> {
        let mut run = Keeps::new(run);
        let run: KBox<Run<F>> = KBox::new(move |job: &Job<F>| run.get_mut()(job), GFP_KERNEL)?;
        let queued = Arc::pin_init(
            pin_init::pin_init!(Queued {
                work <- kernel::new_work!("genl::FamilyWork"),
                descriptor: Atomic::new(core::ptr::null_mut()),
                serial: Atomic::new(0),
                run <- kernel::new_mutex!(run, "genl::FamilyWork"),
            }),
            GFP_KERNEL,
        )?;
        Ok(Self(queued))
    }
}

/// A job that waits for its time.
#[pin_data]
struct Item<F: Family> {
    #[pin]
    work: DelayedWork<Item<F>>,
    id: u64,
    descriptor: &'static FamilyDescriptor<F>,
    serial: u64,
    /// What runs at most once.
    #[pin]
    run: Mutex<Option<KBox<Run<F>>>>,
}

/// An item, and its node in the list of those that wait.
type ItemAndNode<F> = (Arc<Item<F>>, RBTreeNode<u64, Arc<Item<F>>>);

kernel::impl_has_delayed_work! {
    impl{F: Family} HasDelayedWork<Self> for Item<F> { self.work }
}

impl<F: Family> WorkItem for Item<F> {
    type Pointer = Arc<Self>;

    fn run(item: Arc<Self>) {
        // Where the family is about to go, `Jobs::close` drops what would run, in the task that
        // ends the family: it may own what that waits for, or another family.
        let _ = Job::run(item.descriptor, item.serial, |job| {
            let run = item.run.lock().take();
            if let Ok(jobs) = job.jobs() {
                jobs.forget(item.id);
            }
            if let Some(mut run) = run {
                run(job);
            }
        });
    }
}

/// What a family has still to do: its jobs, and the requests whose reply it owes.
#[pin_data]
pub(super) struct Jobs<F: Family> {
    module: &'static ThisModule,
    /// Is made when a reply is put off for the first time.
    #[pin]
    owed: Mutex<Option<Sockets<Owed>>>,
    #[pin]
    waiting: Mutex<Waiting<F>>,
}

struct Waiting<F: Family> {
    items: RBTree<u64, Arc<Item<F>>>,
    count: usize,
    next: u64,
    /// No more are taken: the family is about to go.
    closed: bool,
}

impl<F: Family> Jobs<F> {
    fn new(module: &'static ThisModule) -> Result<KBox<Self>> {
        let jobs = KBox::pin_init(
            pin_init::pin_init!(Self {
                module,
                owed <- kernel::new_mutex!(None, "genl::Jobs::owed"),
                waiting <- kernel::new_mutex!(
                    Waiting {
                        items: RBTree::new(),
                        count: 0,
                        next: 0,
                        closed: false,
                    },
                    "genl::Jobs"
                ),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: It is not moved out of its box.
        Ok(unsafe { Pin::into_inner_unchecked(jobs) })
    }

    /// Keeps a request whose reply is owed to a socket.
    pub(super) fn owe(
        &self,
        portid: u32,
        net: &Net,
        socket: Socket,
        request: Owed,
    ) -> Result<(Handle<Owed>, Key)> {
        let request = Arc::new(request, GFP_KERNEL)?;
        let mut owed = self.owed.lock();
        if owed.is_none() {
            *owed = Some(Sockets::new(self.module)?);
        }
        let all = owed.as_ref().ok_or(ENOMEM)?;
        let key = all.add(portid, net, socket, request)?;
        Ok((all.handle().clone(), key))
    }

    fn add(
        &self,
        family: &Registered<F>,
        delay: Delta,
        job: impl FnOnce(&Job<F>) + Kept + 'static,
    ) -> Result {
        let mut job = Some(Keeps::new(job));
        let run = move |at: &Job<F>| {
            if let Some(job) = job.take() {
                job.into_inner()(at);
            }
        };
        let run: KBox<Run<F>> = KBox::new(run, GFP_KERNEL)?;
        let id = {
            let mut waiting = self.waiting.lock();
            if waiting.closed {
                return Err(ESHUTDOWN);
            }
            if waiting.count >= F::JOBS_MAX {
                return Err(EBUSY);
            }
            waiting.count = waiting.count.wrapping_add(1);
            waiting.next = waiting.next.wrapping_add(1);
            waiting.next
        };
        let make = || -> Result<ItemAndNode<F>> {
            let item = Arc::pin_init(
                pin_init::pin_init!(Item {
                    work <- kernel::new_delayed_work!("genl::Item"),
                    id,
                    descriptor: family.descriptor(),
                    serial: family.serial(),
                    run <- kernel::new_mutex!(Some(run), "genl::Item"),
                }),
                GFP_KERNEL,
            )?;
            let node = RBTreeNode::new(id, item.clone(), GFP_KERNEL)?;
            Ok((item, node))
        };
        let (item, node) = make().inspect_err(|_| self.give_back())?;
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            drop(waiting);
            self.give_back();
            return Err(ESHUTDOWN);
        }
        waiting.items.insert(node);
        // With the lock: whoever finds it in the list can cancel it. It cannot be in the queue
        // yet, so there is nothing to get back.
        // SAFETY: The family is registered.
        let _ = unsafe { module::queue() }.enqueue_delayed(item, jiffies(delay));
        Ok(())
    }

    /// Takes an item off the list.
    fn forget(&self, id: u64) -> Option<Arc<Item<F>>> {
        let mut waiting = self.waiting.lock();
        let item = waiting.items.remove(&id)?;
        waiting.count = waiting.count.wrapping_sub(1);
        Some(item)
    }

    /// Gives back the place of an item that never came on the list.
    fn give_back(&self) {
        let mut waiting = self.waiting.lock();
        waiting.count = waiting.count.wrapping_sub(1);
    }
}

/// The jiffies that pass in at least this time.
fn jiffies(delay: Delta) -> Jiffies {
    if delay <= Delta::ZERO {
        return 0;
    }
    // One more, since the jiffy that has begun does not count as a whole one.
    let millis = Msecs::try_from(delay.as_millis_ceil()).unwrap_or(Msecs::MAX);
    msecs_to_jiffies(millis).saturating_add(1)
}

/// The end of the jobs of a family, of whatever type that is: a family that has none has no code
/// for them.
trait Ends: Send + Sync {
    /// Drops the jobs whose time has not come, and lets nobody add any more.
    fn close(&self);

    /// Answers for a family that has gone. Nobody else can.
    fn end(&self);
}

impl<F: Family> Ends for Jobs<F> {
    fn close(&self) {
        loop {
            let first = {
                let mut waiting = self.waiting.lock();
                waiting.closed = true;
                let first = waiting.items.keys().next().copied();
                first
            };
            let Some(first) = first else { break };
            // One that has begun meanwhile is waited for as all who have a `RegistrationGuard`.
            let Some(item) = self.forget(first) else {
                continue;
            };
            // SAFETY: The item is valid; `work` is a `delayed_work`, which is where the pointer
            // to its first member points.
            let pending = unsafe {
                let work =
                    <Item<F> as HasWork<Item<F>>>::raw_get_work(Arc::as_ptr(&item).cast_mut());
                bindings::cancel_delayed_work_sync(work.cast())
            };
            if pending {
                // SAFETY: Queueing has taken a reference out of an `Arc`, and running the item
                // would have put it back.
                drop(unsafe { Arc::from_raw(Arc::as_ptr(&item)) });
            }
            // Without the lock: the job may own what takes locks when it is dropped.
            let run = item.run.lock().take();
            drop(run);
        }
    }

    fn end(&self) {
        let owed = self.owed.lock().take();
        for entry in owed.iter().flat_map(Sockets::drain) {
            entry.answer(Err(ECANCELED), Some(c"the family has gone"));
        }
    }
}

/// The jobs of a registration.
///
/// # Invariants
///
/// What is in use is a `Jobs<F>` where the registration is one of `F`, and is never replaced.
#[pin_data]
pub(super) struct LazyJobs {
    #[pin]
    use_of: Mutex<Use>,
}

enum Use {
    None,
    Made(KBox<dyn Ends>),
    Closed,
}

impl LazyJobs {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init::pin_init!(Self {
            use_of <- kernel::new_mutex!(Use::None, "genl::LazyJobs"),
        })
    }

    /// What is in use, or else nothing from now on.
    #[inline(never)]
    fn made(&self) -> Option<&dyn Ends> {
        let mut use_of = self.use_of.lock();
        match &*use_of {
            // SAFETY: By the type invariants it lives as long as `self`.
            Use::Made(jobs) => Some(unsafe { &*core::ptr::from_ref::<dyn Ends>(&**jobs) }),
            _ => {
                *use_of = Use::Closed;
                None
            }
        }
    }

    /// Drops the jobs whose time has not come, and lets nobody add any more.
    pub(super) fn close(&self) {
        if let Some(jobs) = self.made() {
            jobs.close();
        }
    }

    /// Answers for a family that has gone.
    pub(super) fn end(&self) {
        if let Some(jobs) = self.made() {
            jobs.end();
        }
    }
}

impl<F: Family> Registered<F> {
    /// The jobs of the family, which are made when they are needed first.
    pub(super) fn jobs(&self) -> Result<&Jobs<F>> {
        let mut use_of = self.lazy_jobs().use_of.lock();
        if core::matches!(*use_of, Use::None) {
            *use_of = Use::Made(Jobs::<F>::new(self.module())?);
        }
        match &*use_of {
            // SAFETY: By the type invariants of `LazyJobs` it is one, and lives as long as `self`.
            Use::Made(jobs) => Ok(unsafe { &*core::ptr::from_ref::<dyn Ends>(&**jobs).cast() }),
            _ => Err(ESHUTDOWN),
        }
    }

    /// Queues work. Returns false where it is queued already, and has not begun: then it runs once
    /// for both.
    ///
    /// It can be called in any context. The example of [`FamilyWork`] uses it.
    pub fn queue_work(&self, work: &FamilyWork<F>) -> bool {
        self.open();
        let descriptor = core::ptr::from_ref(self.descriptor()).cast_mut();
        work.0.descriptor.store(descriptor, Relaxed);
        work.0.serial.store(self.serial(), Relaxed);
        // SAFETY: The family is registered.
        unsafe { module::queue() }.enqueue(work.0.clone()).is_ok()
    }

    /// Runs `job` in a task of its own after at least `delay`, or at once where that is not
    /// positive.
    ///
    /// The job gets the family, so it can notify and answer. Jobs run at the same time. When the
    /// family goes, those that have not begun are dropped, and then the others are waited for.
    ///
    /// It may sleep: [`FamilyWork`] is for other contexts.
    ///
    /// Returns [`ENOMEM`], [`EBUSY`] where [`Family::JOBS_MAX`] jobs are waiting, or `ESHUTDOWN`
    /// where the family is about to go.
    pub fn queue_delayed_work(
        &self,
        delay: Delta,
        job: impl FnOnce(&Job<F>) + Kept + 'static,
    ) -> Result {
        might_sleep();
        self.open();
        self.jobs()?.add(self, delay, job)
    }
}

#[kunit_tests(genl_work)]
mod tests {
    use super::{
        super::{
            family::RegistrationGuard,
            module::TEST_MODULE as MODULE,
            registration::Registration,
            table::SplitOp, //
        },
        *, //
    };
    use kernel::time::delay::fsleep;

    struct Fam;

    impl Family for Fam {
        const NAME: &'static str = "kunit-work";
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];
        const JOBS_MAX: usize = 2;

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
            &DESCRIPTOR
        }
    }

    /// How often a closure has run, and how often one was dropped.
    struct Counts {
        ran: Atomic<u32>,
        gone: Atomic<u32>,
    }

    /// Belongs to a closure.
    struct Part(Arc<Counts>);

    impl Part {
        fn of(counts: &Arc<Counts>) -> Self {
            Self(counts.clone())
        }

        fn run(&self) {
            self.0.ran.fetch_add(1, Relaxed);
        }
    }

    impl Drop for Part {
        fn drop(&mut self) {
            self.0.gone.fetch_add(1, Relaxed);
        }
    }

    fn counts() -> Result<Arc<Counts>> {
        let counts = Counts {
            ran: Atomic::new(0),
            gone: Atomic::new(0),
        };
        Ok(Arc::new(counts, GFP_KERNEL)?)
    }

    /// The family, for one statement.
    fn family(registration: &Registration<Fam>) -> Result<RegistrationGuard<Fam>> {
        registration.registered().ok_or(ENODEV)
    }

    fn wait_for(number: &Atomic<u32>, value: u32) -> Result {
        for _ in 0..5000 {
            if number.load(Relaxed) == value {
                return Ok(());
            }
            fsleep(Delta::from_millis(1));
        }
        Err(ETIMEDOUT)
    }

    #[test]
    fn work_runs_as_often_as_it_is_queued() -> Result {
        let registration = Registration::new(MODULE, Fam)?;
        let counts = counts()?;
        let part = Part::of(&counts);
        let work = FamilyWork::<Fam>::new(move |_| part.run())?;
        for round in 1..=3 {
            assert!(family(&registration)?.queue_work(&work));
            wait_for(&counts.ran, round)?;
        }
        drop(work);
        wait_for(&counts.gone, 1)
    }

    #[test]
    fn what_is_queued_twice_runs_once() -> Result {
        let registration = Registration::new(MODULE, Fam)?;
        let (first, counts) = (counts()?, counts()?);
        let (part, gate) = (Part::of(&counts), first.clone());
        let work = FamilyWork::<Fam>::new(move |_| {
            gate.ran.fetch_add(1, Relaxed);
            // Until it was queued again.
            while gate.gone.load(Relaxed) == 0 {
                fsleep(Delta::from_millis(1));
            }
            part.run();
        })?;
        assert!(family(&registration)?.queue_work(&work));
        wait_for(&first.ran, 1)?;
        // It has begun, so it will run once more.
        assert!(family(&registration)?.queue_work(&work));
        assert!(!family(&registration)?.queue_work(&work));
        first.gone.fetch_add(1, Relaxed);
        wait_for(&counts.ran, 2)?;
        fsleep(Delta::from_millis(20));
        assert_eq!(counts.ran.load(Relaxed), 2);
        Ok(())
    }

    #[test]
    fn nothing_runs_for_a_family_that_has_gone() -> Result {
        let counts = counts()?;
        let part = Part::of(&counts);
        let work = FamilyWork::<Fam>::new(move |_| part.run())?;
        let registration = Registration::new(MODULE, Fam)?;
        let serial = family(&registration)?.serial();
        assert!(Job::run(Fam::descriptor(), serial, |_| ()).is_ok());
        family(&registration)?.queue_work(&work);
        drop(registration);
        let ran = counts.ran.load(Relaxed);
        assert!(Job::run(Fam::descriptor(), serial, |_| ()).is_err());
        // Nor for the next one.
        let registration = Registration::new(MODULE, Fam)?;
        assert!(Job::run(Fam::descriptor(), serial, |_| ()).is_err());
        assert!(Job::run(Fam::descriptor(), family(&registration)?.serial(), |_| ()).is_ok());
        fsleep(Delta::from_millis(20));
        assert_eq!(counts.ran.load(Relaxed), ran);
        Ok(())
    }

    #[test]
    fn jobs_that_wait_are_dropped_with_the_family() -> Result {
        let registration = Registration::new(MODULE, Fam)?;
        let counts = counts()?;
        for _ in 0..Fam::JOBS_MAX {
            let (part, guard) = (Part::of(&counts), Fam::descriptor().registered());
            family(&registration)?.queue_delayed_work(Delta::from_secs(1000), move |_| {
                part.run();
                drop(guard);
            })?;
        }
        let part = Part::of(&counts);
        let more = family(&registration)?.queue_delayed_work(Delta::ZERO, move |_| part.run());
        assert!(more.is_err_and(|error| error == EBUSY));
        assert_eq!(counts.gone.load(Relaxed), 1);
        // Each of them owns what this waits for.
        drop(registration);
        assert_eq!(counts.gone.load(Relaxed), 3);
        assert_eq!(counts.ran.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn a_job_runs_once_and_makes_room_for_others() -> Result {
        let registration = Registration::new(MODULE, Fam)?;
        let counts = counts()?;
        for round in 1..=5 {
            let part = Part::of(&counts);
            family(&registration)?.queue_delayed_work(Delta::ZERO, move |job| {
                // It may sleep, and it may queue.
                fsleep(Delta::from_millis(1));
                if job.state().is_there() {
                    part.run();
                }
            })?;
            wait_for(&counts.gone, round)?;
            assert_eq!(counts.ran.load(Relaxed), round);
        }
        Ok(())
    }

    #[test]
    fn a_delay_is_at_least_as_long_as_it_says() {
        let long = |jiffies: Jiffies| {
            // CAST: Both have 64 bits.
            // SAFETY: It can be called with any number.
            unsafe { bindings::jiffies64_to_msecs(jiffies as u64) }
        };
        assert_eq!(jiffies(Delta::ZERO), 0);
        assert_eq!(jiffies(Delta::from_nanos(-1)), 0);
        assert_eq!(jiffies(Delta::from_nanos(i64::MIN)), 0);
        // One of them has begun.
        assert!(long(jiffies(Delta::from_nanos(1)) - 1) >= 1);
        assert!(long(jiffies(Delta::from_micros(1500)) - 1) >= 2);
        assert!(long(jiffies(Delta::from_millis(1234)) - 1) >= 1234);
        // What is too long for C's function is as long as that can make it.
        assert!(jiffies(Delta::from_nanos(i64::MAX)) >= jiffies(Delta::from_secs(86_400)));
    }

    impl Fam {
        fn is_there(&self) -> bool {
            Fam::descriptor().registered().is_some()
        }
    }
}
