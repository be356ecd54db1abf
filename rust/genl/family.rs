// SPDX-License-Identifier: GPL-2.0

//! Families and their registration.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct genl_family`)

use super::{
    later,
    multicast::{
        name_bytes,
        MulticastGroup, //
    },
    op::{
        fail,
        SplitOp, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr,
    sync::atomic::{
        AtomicPtr,
        AtomicU32,
        AtomicU64,
        Ordering, //
    },
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta,
        Msecs, //
    },
    types::Opaque,
    workqueue::{
        impl_has_work,
        new_work,
        HasWork,
        Queue,
        Work,
        WorkItem, //
    },
    ThisModule, //
};

/// A family: its description as constants, and as a value the state that its handlers share.
///
/// Handlers of different requests run at the same time, unless [`Family::PARALLEL`] is false. So
/// they borrow the state, and what changes in it needs a lock or an atomic type.
///
/// # Examples
///
/// The example of the [framework](super) has a new family. This is an old one. It exists in the
/// initial network namespace only, and its handlers never run at the same time. Command 1 is
/// validated as it always was, and those from 2 on strictly:
///
/// ```
/// use genl::{
///     Family,
///     NoAttrs,
///     Op,
///     SplitOp,
///     Validation, //
/// };
/// # use genl::{Attr, Command, Do, FamilyDescriptor, Policy, Request};
/// # use kernel::{prelude::*, sync::Arc};
///
/// struct Old;
///
/// impl Family for Old {
///     const NAME: &'static str = "old";
///     const VERSION: u8 = 1;
///     const PARALLEL: bool = false;
///     const NETNS: bool = false;
///     const RESV_START_OP: u8 = 2;
///     const OPS: &'static [SplitOp<Self>] = &genl::table([
///         genl::do_::<Set>(),
///         genl::do_::<Reset>(),
///     ]);
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Old> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// #
/// #     fn new() -> Result<Arc<Self>> {
/// #         Ok(Arc::new(Self, GFP_KERNEL)?)
/// #     }
/// }
/// #
/// # struct Set;
/// #
/// # impl Command for Set {
/// #     type Family = Old;
/// #     const NAME: &'static str = "set";
/// #     const NUMBER: u8 = 1;
/// # }
/// #
/// # impl Policy for Set {
/// #     const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32()];
/// # }
/// #
/// # impl Do for Set {
/// #     fn doit(_: &Old, request: Request<'_, Self>) -> Result {
/// #         request.u32::<1>().map(|_| ()).ok_or(EINVAL)
/// #     }
/// # }
/// #
/// # struct Reset;
/// #
/// # impl Command for Reset {
/// #     type Family = Old;
/// #     const NAME: &'static str = "reset";
/// #     const NUMBER: u8 = 2;
/// # }
/// #
/// # impl Do for Reset {
/// #     fn doit(_: &Old, _: Request<'_, Self>) -> Result {
/// #         Ok(())
/// #     }
/// # }
///
/// impl Op for Set {
///     type Policy = Self;
///     const VALIDATION: Validation = Validation::LIBERAL_DO;
/// }
///
/// impl Op for Reset {
///     type Policy = NoAttrs;
/// }
/// ```
pub trait Family: Sized + Send + Sync + 'static {
    /// The name that user space asks for, of 1 to 15 bytes.
    const NAME: &'static str;

    /// The version of the protocol.
    const VERSION: u8;

    /// The operations, from [`table`](super::table).
    const OPS: &'static [SplitOp<Self>];

    /// The multicast groups.
    const GROUPS: &'static [MulticastGroup<Self>] = &[];

    /// Whether handlers may run at the same time. If not, the core serialises them with those of
    /// all other such families.
    const PARALLEL: bool = true;

    /// Whether the family exists in all network namespaces, or in the initial one only.
    const NETNS: bool = true;

    /// The first command that is validated strictly in each respect. New families leave it at 0.
    ///
    /// A family that was validated liberally once can state
    /// [`Op::VALIDATION`](super::Op::VALIDATION) for the commands below this one. Their headers are
    /// not looked at closely either.
    const RESV_START_OP: u8 = 0;

    /// How many jobs may wait at the same time, see [`Registered::later`].
    const LATER_MAX: usize = 1024;

    /// The static that holds the description.
    fn descriptor() -> &'static FamilyDescriptor<Self>;

    /// Makes the state when the module is loaded. If it succeeds, the family is registered, unless
    /// its name is taken. Nothing that could fail comes after that.
    fn new() -> Result<Arc<Self>>;
}

/// The `struct genl_family` of a family, and where its callbacks find the state.
///
/// It must be a static: the core writes into it and keeps a pointer to it. A constant does not
/// work, since a reference to one would not live long enough.
///
/// # Invariants
///
/// `state` is null, or comes from [`Arc::into_raw`] of a [`Registration`] that exists or that is
/// being made. `family` is not written to by anybody but the core while `state` is not null, and by
/// [`Registration::new`] before it registers.
///
/// `users` is 0 while the family is not known to be registered. Then it is one more than there are
/// values of [`Live`], with `CLOSING` instead of the one when the family is about to go and after
/// that.
///
/// `jobs` is null or comes from `later::into_raw`; it is null while `state` is. `leaving` is null
/// or comes from [`Arc::into_raw`], and it is not null where a family that is registered has an
/// `unbind`.
#[repr(C)]
pub struct FamilyDescriptor<F: Family> {
    // The first member: the core passes a pointer to it, which stands for the whole.
    family: Opaque<bindings::genl_family>,
    pub(super) state: AtomicPtr<F>,
    users: AtomicU32,
    /// Is initialised by [`Registration::new`], and completed by the last user that it waits for.
    unused: Opaque<bindings::completion>,
    jobs: AtomicPtr<later::Jobs<F>>,
    leaving: AtomicPtr<Leaving<F>>,
    /// [`Watch::left`] of a family that watches its groups.
    left: Option<fn(&F, u32)>,
}

/// The bit of [`FamilyDescriptor::users`] that says that the family is about to go.
const CLOSING: u32 = 1 << 31;

// SAFETY: The core protects `family` by its own locks, and all that `state` gives away are shared
// references to an `F`, which is `Send` and `Sync`.
unsafe impl<F: Family> Sync for FamilyDescriptor<F> {}

impl<F: Family> FamilyDescriptor<F> {
    /// Describes the family. What `genl_register_family()` would refuse does not compile.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self::describe(None, None)
    }

    /// Describes a family that is told who joins and leaves its groups.
    pub const fn watching() -> Self
    where
        F: Watch,
    {
        Self::describe(
            Some((bind_trampoline::<F>, unbind_trampoline::<F>)),
            Some(F::left),
        )
    }

    const fn describe(callbacks: Option<(Bind, Unbind)>, left: Option<fn(&F, u32)>) -> Self {
        // Also where this is called at run time.
        const {
            check_name(F::NAME);
            check_groups(F::GROUPS);
            if F::OPS.len() > 255 {
                fail(F::NAME, "has more than 255 operations");
            }
            check_table(F::OPS);
        }
        let mut family: bindings::genl_family = pin_init::zeroed();
        family.name = name_bytes(F::NAME);
        family.version = F::VERSION as u32;
        family._bitfield_1 = bitfield(F::NETNS, F::PARALLEL);
        family.resv_start_op = F::RESV_START_OP;
        if let Some((bind, unbind)) = callbacks {
            family.bind = Some(bind);
            family.unbind = Some(unbind);
        }
        // CAST: Both lengths were checked to be at most 255.
        family.n_split_ops = F::OPS.len() as u8;
        family.n_mcgrps = F::GROUPS.len() as u8;
        if !F::OPS.is_empty() {
            family.split_ops = F::OPS.as_ptr().cast();
        }
        if !F::GROUPS.is_empty() {
            family.mcgrps = F::GROUPS.as_ptr().cast();
        }
        // INVARIANT: `state` and `jobs` are null, and `users` is 0.
        Self {
            family: Opaque::new(family),
            state: AtomicPtr::new(ptr::null_mut()),
            users: AtomicU32::new(0),
            unused: Opaque::uninit(),
            jobs: AtomicPtr::new(ptr::null_mut()),
            leaving: AtomicPtr::new(ptr::null_mut()),
            left,
        }
    }

    /// The name, for C.
    pub(super) fn name(&self) -> *const c_char {
        // SAFETY: The name is never written to.
        unsafe { (&raw const (*self.family.get()).name).cast() }
    }

    /// Proves that the family is registered, for code that has no request. Returns `None` while it
    /// is not registered, and when it is about to be unregistered.
    ///
    /// Unregistering waits until the returned value is dropped, for ever if it must. Do not hold it
    /// while you wait for the module to be unloaded. Jobs get the family as an argument, and do not
    /// need one of these; a job that waits and owns one is dropped when the family is about to go.
    ///
    /// One that is kept where it lives as long as somebody likes, as in a
    /// [`PerSocket`](super::PerSocket) or a static, keeps the module for as long. The log says so.
    ///
    /// # Examples
    ///
    /// A notification from anywhere in a module.
    ///
    /// ```
    /// use genl::{Family, Message, Net, Notify};
    /// use kernel::prelude::*;
    ///
    /// fn tell<N: Notify, M: Message<N>>(message: &M) -> Result {
    ///     let family = N::Family::descriptor().registered().ok_or(ENODEV)?;
    ///     family.notify::<N, M>(Net::init(), message)
    /// }
    /// ```
    pub fn registered(&'static self) -> Option<Live<F>> {
        let mut users = self.users.load(Ordering::Relaxed);
        loop {
            if users == 0 || users & CLOSING != 0 {
                return None;
            }
            match self.users.compare_exchange_weak(
                users,
                users.wrapping_add(1),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                // INVARIANT: It was counted, and `CLOSING` was not set.
                Ok(_) => return Some(Live(self)),
                Err(now) => users = now,
            }
        }
    }

    /// Notes that the family is registered, unless it is about to go.
    #[inline]
    fn open(&self) {
        let _ = self
            .users
            .compare_exchange(0, 1, Ordering::Release, Ordering::Relaxed);
    }

    /// Gives back what [`FamilyDescriptor::registered`] has counted.
    fn release(&self) {
        if self.users.fetch_sub(1, Ordering::Release) == CLOSING | 1 {
            // SAFETY: `Registration::new` has initialised it before `CLOSING` was ever set.
            unsafe { bindings::complete_all(self.unused.get()) };
        }
    }

    /// Whether the family is about to go, or has gone.
    fn is_closing(&self) -> bool {
        // Not weaker: see `Registered::jobs`.
        self.users.load(Ordering::SeqCst) & CLOSING != 0
    }

    /// Lets nobody prove any more that the family is registered, drops the jobs that wait, and
    /// waits for those who have proof.
    fn close(&self) {
        // Not weaker: whoever makes the queue of jobs after this load sees `CLOSING`.
        let users = self.users.fetch_add(CLOSING - 1, Ordering::SeqCst);
        // SAFETY: By the type invariants it is null or valid; only `Registration::drop`, which
        // calls this, takes it away.
        if let Some(jobs) = unsafe { self.jobs.load(Ordering::SeqCst).as_ref() } {
            // A job that waits may own proof.
            jobs.close();
        }
        let wait = || {
            // SAFETY: As in `release`.
            unsafe {
                bindings::wait_for_completion_timeout(self.unused.get(), msecs_to_jiffies(COMPLAIN))
            }
        };
        while users > 1 && wait() == 0 {
            complain::<F>(c"somebody holds a Live of it");
        }
    }
}

/// A family that is told who joins and leaves its groups, see [`FamilyDescriptor::watching`]. The
/// example of [`MulticastGroup`] is one.
///
/// Never a count of the listeners: joining a group twice calls [`Watch::joined`] twice, several
/// sockets that leave may call [`Watch::left`] once, and whoever is a member when the family is
/// unregistered never leaves. Ask [`Registered::has_listeners`] instead.
pub trait Watch: Family {
    /// A socket joins the group with this index. Joining waits for this, and so does whoever
    /// registers a family of generic netlink.
    fn joined(&self, group: u32);

    /// Sockets have left the group with this index, or were closed as members of it.
    ///
    /// This runs a moment later, in a task of its own. Where C has its `unbind`, the table of all
    /// netlink sockets may be locked (`netlink_bind()` of a port that is taken), and what waits for
    /// that table there waits for ever.
    fn left(&self, _group: u32) {}
}

type Bind = unsafe extern "C" fn(c_int) -> c_int;
type Unbind = unsafe extern "C" fn(c_int);

/// # Safety
///
/// The core calls it as the `bind` of the family `F`.
unsafe extern "C" fn bind_trampoline<F: Watch>(group: c_int) -> c_int {
    let state = F::descriptor().state.load(Ordering::Relaxed);
    // SAFETY: The family is registered during this call, so its state is valid.
    if let Some(state) = unsafe { state.as_ref() } {
        // CAST: An index is not negative.
        state.joined(group as u32);
    }
    0
}

/// # Safety
///
/// The core calls it as the `unbind` of the family `F`.
unsafe extern "C" fn unbind_trampoline<F: Watch>(group: c_int) {
    let descriptor = F::descriptor();
    let leaving = descriptor.leaving.load(Ordering::Relaxed);
    // CAST: An index is from 0 to 254.
    let (word, bit) = (group as usize / 64, 1 << (group as u32 % 64));
    // SAFETY: The family is registered during this call, so what it was registered with is valid.
    let Some(groups) = (unsafe { leaving.as_ref() }).and_then(|it| it.groups.get(word)) else {
        return;
    };
    groups.fetch_or(bit, Ordering::Relaxed);
    // As in `Registered::jobs`; what has a `leaving` is what was registered.
    descriptor.open();
    // SAFETY: It comes from `Arc::into_raw`, and is only borrowed.
    let leaving = ManuallyDrop::new(unsafe { Arc::from_raw(leaving) });
    // SAFETY: The family is registered.
    // Where it is queued already, it will see this group as well.
    let _ = unsafe { queue() }.enqueue(Arc::clone(&leaving));
}

/// The groups of a family that somebody has left, and the work that tells the family.
#[pin_data]
struct Leaving<F: Family> {
    #[pin]
    work: Work<Leaving<F>>,
    /// A bit for each group.
    groups: [AtomicU64; 4],
    /// [`Watch::left`], which not every family has.
    left: fn(&F, u32),
}

impl_has_work! {
    impl{F: Family} HasWork<Self> for Leaving<F> { self.work }
}

impl<F: Family> WorkItem for Leaving<F> {
    type Pointer = Arc<Self>;

    fn run(leaving: Arc<Self>) {
        let Some(family) = F::descriptor().registered() else {
            return;
        };
        for (index, _) in (0u32..).zip(F::GROUPS) {
            // CAST: It is below 255.
            let (word, bit) = (index as usize / 64, 1 << (index % 64));
            let was = leaving
                .groups
                .get(word)
                .map_or(0, |groups| groups.fetch_and(!bit, Ordering::Relaxed));
            if was & bit != 0 {
                (leaving.left)(family.state(), index);
            }
        }
    }
}

impl<F: Family> Leaving<F> {
    fn new(left: fn(&F, u32)) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                work <- new_work!("genl::Leaving"),
                groups: [const { AtomicU64::new(0) }; 4],
                left,
            }),
            GFP_KERNEL,
        )
    }

    /// Ends what [`Leaving::new`] and [`Arc::into_raw`] have begun.
    ///
    /// # Safety
    ///
    /// `leaving` is null or comes from [`Arc::into_raw`], and nobody queues it any more.
    unsafe fn end(leaving: *mut Self) {
        if leaving.is_null() {
            return;
        }
        // SAFETY: By the safety requirements of this function.
        let leaving = unsafe { Arc::from_raw(leaving) };
        // SAFETY: It is valid; `Work` is transparent.
        let pending = unsafe {
            let work = <Self as HasWork<Self>>::raw_get_work(Arc::as_ptr(&leaving).cast_mut());
            bindings::cancel_work_sync(work.cast())
        };
        if pending {
            // SAFETY: Queueing has taken a reference out of an `Arc`, and running would have put it
            // back.
            drop(unsafe { Arc::from_raw(Arc::as_ptr(&leaving)) });
        }
    }
}

/// A family that is registered. It is always borrowed: from a [`Request`](super::Request), or from
/// a [`Live`] that somebody holds; so it is not there for longer than the family is.
///
/// # Invariants
///
/// The family is registered as long as somebody has a reference to this.
#[repr(transparent)]
pub struct Registered<F: Family>(FamilyDescriptor<F>);

impl<F: Family> Registered<F> {
    /// # Safety
    ///
    /// `info` belongs to a request for `F` that is being handled during `'a`.
    #[inline(always)]
    pub(super) unsafe fn from_info(info: &bindings::genl_info) -> &Self {
        // INVARIANT: A family with a request in a handler is registered.
        // SAFETY: By the safety requirements of this function; `family` is the first member of the
        // descriptor, of which this is a transparent view.
        unsafe { &*info.family.cast() }
    }

    /// The state of the family.
    pub fn state(&self) -> &F {
        // SAFETY: By the type invariants it is registered, so it has a state.
        unsafe { &*self.0.state.load(Ordering::Relaxed) }
    }

    /// The number of the family.
    #[inline(always)]
    pub(super) fn id(&self) -> c_int {
        // SAFETY: It does not change while the family is registered.
        unsafe { (*self.as_ptr()).id }
    }

    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *mut bindings::genl_family {
        self.0.family.get()
    }

    /// The queue of the family, if it has ever been used.
    pub(super) fn existing_jobs(&self) -> Option<&later::Jobs<F>> {
        // SAFETY: By the invariants of the descriptor it is null or valid, and it goes only when
        // the family is not registered any more.
        unsafe { self.0.jobs.load(Ordering::Acquire).as_ref() }
    }

    /// The queue of the family, which is made when it is needed first.
    pub(super) fn jobs(&self) -> Result<&later::Jobs<F>> {
        if let Some(jobs) = self.existing_jobs() {
            return Ok(jobs);
        }
        // A handler may come before `Registration::new` has noted that the family is there, and
        // the job it leaves must not be taken for one of a family that has gone.
        self.0.open();
        let new = later::into_raw(later::Jobs::new()?);
        let other =
            self.0
                .jobs
                .compare_exchange(ptr::null_mut(), new, Ordering::SeqCst, Ordering::Acquire);
        // SAFETY: What is stored in the descriptor stays while the family is registered; what is
        // not stored was seen by nobody.
        let jobs = unsafe {
            match other {
                Ok(_) => &*new,
                Err(other) => {
                    later::drop_raw(new);
                    &*other
                }
            }
        };
        // Whoever has said that the family is about to go has closed what was there, or what was
        // stored here is later than that, and so is this look.
        if self.0.is_closing() {
            jobs.close();
        }
        Ok(jobs)
    }
}

/// Proof that a family is registered, for whoever has no request: see
/// [`FamilyDescriptor::registered`].
///
/// # Invariants
///
/// It is counted in the `users` of the descriptor.
pub struct Live<F: Family>(&'static FamilyDescriptor<F>);

impl<F: Family> Deref for Live<F> {
    type Target = Registered<F>;

    fn deref(&self) -> &Registered<F> {
        // INVARIANT: By the type invariants, unregistering waits for this.
        // SAFETY: `Registered` is a transparent view of the descriptor.
        unsafe { &*ptr::from_ref(self.0).cast() }
    }
}

impl<F: Family> Drop for Live<F> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// The bits of `struct genl_family`; bindgen's setters are not constant functions.
const fn bitfield(netnsok: bool, parallel_ops: bool) -> bindings::__BindgenBitfieldUnit<[u8; 1]> {
    const { assert!(cfg!(target_endian = "little")) };
    // SAFETY: The unit is one byte, and each value of it is valid.
    unsafe { core::mem::transmute(netnsok as u8 | (parallel_ops as u8) << 1) }
}

/// Refuses the names for which the core has special cases (`genl_register_family()`,
/// `genl_validate_assign_mc_groups()`); one of them is a `BUG_ON()`.
const fn check_name(name: &'static str) {
    const RESERVED: [&str; 4] = ["NET_DM", "VFS_DQUOT", "nlctrl", "pmcraid"];
    let mut i = 0;
    while i < RESERVED.len() {
        if same(name.as_bytes(), RESERVED[i].as_bytes()) {
            fail(name, "is a name that the core treats in its own way");
        }
        i += 1;
    }
}

/// Group names are the only handle that user space has, so no two may be equal.
const fn check_groups<F: Family>(groups: &'static [MulticastGroup<F>]) {
    if groups.len() > 255 {
        fail(F::NAME, "has more than 255 multicast groups");
    }
    let mut i = 0;
    while i < groups.len() {
        let mut j = 0;
        while j < i {
            if same(groups[i].name(), groups[j].name()) {
                fail(F::NAME, "has two multicast groups of the same name");
            }
            j += 1;
        }
        i += 1;
    }
}

/// What [`table`](super::table) has checked holds for the array that it has returned. Who moves its
/// elements is told here, and not by a warning when the module is loaded.
const fn check_table<F: Family>(ops: &'static [SplitOp<F>]) {
    let mut i = 1;
    while i < ops.len() {
        if !ops[i - 1].may_precede(&ops[i]) {
            fail(
                F::NAME,
                "has operations in another order than that which table() has checked",
            );
        }
        i += 1;
    }
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The state of the family that a request belongs to.
///
/// # Safety
///
/// `info` belongs to a request for a family described by a [`FamilyDescriptor<F>`], and the family
/// is registered as long as the returned reference is used.
#[inline(always)]
pub(super) unsafe fn state_of<F: Family>(info: &bindings::genl_info) -> &F {
    let descriptor = info.family.cast::<FamilyDescriptor<F>>();
    // SAFETY: By the safety requirements of this function; `family` is the first member. The
    // registration has stored the state before the core knew the family, and takes it away after
    // the last handler has returned.
    unsafe { &*(*descriptor).state.load(Ordering::Relaxed) }
}

/// A family that is registered. Dropping it unregisters the family.
///
/// It is made by [`module_genl_family!`](crate::module_genl_family!) only, as the last step of
/// loading: callbacks run from the moment of the registration on, and a module whose initialisation
/// fails after that is freed under them. A handler cannot reach it either: (un)registering there
/// would deadlock.
///
/// Unregistering waits for the handlers that run. A dump that is open goes on after it: it holds a
/// reference of its own to the state, and one to the module, so that the module cannot be
/// unloaded under it.
///
/// # Invariants
///
/// The family is registered, and the `state` of its descriptor owns a reference.
pub struct Registration<F: Family>(&'static FamilyDescriptor<F>);

impl<F: Family> Registration<F> {
    /// Registers the family.
    ///
    /// Returns [`EEXIST`] if there is a family of this name.
    ///
    /// # Safety
    ///
    /// `module` is the module whose initialisation calls this, and the initialisation cannot fail
    /// after this has succeeded.
    #[doc(hidden)]
    pub unsafe fn new(module: &'static ThisModule, state: Arc<F>) -> Result<Self> {
        let descriptor = F::descriptor();
        let leaving = match descriptor.left {
            Some(left) => Arc::into_raw(Leaving::new(left)?).cast_mut(),
            None => ptr::null_mut(),
        };
        let state = Arc::into_raw(state).cast_mut();
        let claim = descriptor.state.compare_exchange(
            ptr::null_mut(),
            state,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if claim.is_err() {
            // SAFETY: They come from `into_raw` above, and nobody has seen them.
            unsafe {
                Leaving::end(leaving);
                drop(Arc::from_raw(state));
            }
            return Err(EEXIST);
        }
        let family = descriptor.family.get();
        descriptor.users.store(0, Ordering::Relaxed);
        descriptor.leaving.store(leaving, Ordering::Relaxed);
        // SAFETY: `state` was null, so the family is not registered, and the exchange has made us
        // the only one to register it.
        let err = unsafe {
            bindings::init_completion(descriptor.unused.get());
            (*family).module = module.as_ptr();
            bindings::genl_register_family(family)
        };
        if let Err(error) = to_result(err) {
            // Not by dropping a `Registration`: the core looks a family up by its id to unregister
            // it, and the id that this one had before, if any, may be that of another by now.
            descriptor.state.store(ptr::null_mut(), Ordering::Relaxed);
            descriptor.leaving.store(ptr::null_mut(), Ordering::Relaxed);
            // SAFETY: They come from `into_raw` above, and the core has not called back.
            unsafe {
                Leaving::end(leaving);
                drop(Arc::from_raw(state));
            }
            return Err(error);
        }
        descriptor.open();
        // INVARIANT: It is registered, and `state` was stored above.
        Ok(Self(descriptor))
    }
}

impl<F: Family> Drop for Registration<F> {
    fn drop(&mut self) {
        // Those who have proof that the family is registered come first: they may send.
        self.0.close();
        // SAFETY: The static is valid for ever. The core looks the family up by its id.
        unsafe { bindings::genl_unregister_family(self.0.family.get()) };
        let jobs = self.0.jobs.swap(ptr::null_mut(), Ordering::AcqRel);
        let leaving = self.0.leaving.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: By the invariants of the descriptor; no callback runs any more, and nobody has a
        // `Registered`.
        unsafe {
            later::drop_raw(jobs);
            Leaving::end(leaving);
        }
        let state = self.0.state.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: By the type invariants it comes from `into_raw`, and no handler runs any more.
        drop(unsafe { Arc::from_raw(state) });
    }
}

/// The workqueue of the module, null in a module that has no [`Unloading`].
static QUEUE: AtomicPtr<bindings::workqueue_struct> = AtomicPtr::new(ptr::null_mut());

/// How many [`Callback`]s there are in this module, and [`CLOSING`] while there may be none.
static CALLBACKS: AtomicU32 = AtomicU32::new(CLOSING);

/// The queue for what has to be done in a task of its own.
///
/// # Safety
///
/// During `'a` there is a [`Callback`], or a family of this module is registered.
pub(super) unsafe fn queue<'a>() -> &'a Queue {
    // SAFETY: Both are made after `Unloading` and are gone before it ends the queue.
    unsafe { Queue::from_raw(QUEUE.load(Ordering::Relaxed)) }
}

/// Whatever makes the core call this module, beside the registration of the family, has one of
/// these: the module is not unloaded before they are gone.
pub(super) struct Callback(());

impl Callback {
    /// Returns [`EPERM`] in a module that would not wait.
    pub(super) fn new() -> Result<Self> {
        let mut count = CALLBACKS.load(Ordering::Relaxed);
        loop {
            if count & CLOSING != 0 {
                return Err(EPERM);
            }
            match CALLBACKS.compare_exchange_weak(
                count,
                count.wrapping_add(1),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(Self(())),
                Err(now) => count = now,
            }
        }
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        CALLBACKS.fetch_sub(1, Ordering::Release);
    }
}

/// After how many milliseconds somebody who waits says so.
const COMPLAIN: Msecs = 10_000;

/// Says in the log why the module of a family cannot go.
#[cold]
fn complain<F: Family>(why: &'static CStr) {
    // SAFETY: The format takes two strings, and all three are terminated. Not `pr_err!`: that wants
    // to be in the crate of a module.
    unsafe {
        bindings::_printk(
            c"\x013genl: family %s cannot go: %s\n".as_char_ptr(),
            F::descriptor().name(),
            why.as_char_ptr(),
        )
    };
}

/// Waits when it is dropped until the core has no reason to call this module any more.
///
/// What registers something in `Drop` alone is not safe: a value can be forgotten, or be in a cycle
/// of references. Here the module then stays where it is, and says so, instead of being freed while
/// it can be called.
///
/// # Invariants
///
/// `QUEUE` is a workqueue that this owns.
#[doc(hidden)]
pub struct Unloading<F: Family>(PhantomData<fn() -> F>);

impl<F: Family> Unloading<F> {
    /// Returns [`ENOMEM`] without memory.
    ///
    /// # Safety
    ///
    /// There is no other value of this in the module. It is dropped when the module is unloaded, or
    /// when its initialisation fails, and nothing of the module is used after that.
    #[doc(hidden)]
    pub unsafe fn new() -> Result<Self> {
        // SAFETY: The format takes one string, and both are terminated.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"genl-%s".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND,
                0,
                F::descriptor().name(),
            )
        };
        if queue.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: It was just made.
        QUEUE.store(queue, Ordering::Relaxed);
        CALLBACKS.store(0, Ordering::Release);
        Ok(Self(PhantomData))
    }
}

impl<F: Family> Drop for Unloading<F> {
    fn drop(&mut self) {
        const PAUSE: Msecs = 10;
        let mut waited = 0;
        // What the queue still has to drop may make a new one until there is none, and not after.
        while CALLBACKS
            .compare_exchange(0, CLOSING, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            if waited == COMPLAIN {
                complain::<F>(c"state for sockets or namespaces is kept");
                waited = 0;
            }
            waited = waited.wrapping_add(PAUSE);
            fsleep(Delta::from_millis(PAUSE.into()));
        }
        // SAFETY: By the type invariants. Nobody queues anything any more, and this waits for what
        // is queued.
        unsafe { bindings::destroy_workqueue(QUEUE.load(Ordering::Relaxed)) };
    }
}

/// The length of [`alias`].
#[doc(hidden)]
pub const fn alias_len<F: Family>() -> usize {
    ALIAS.len() + F::NAME.len() + 1
}

/// What `MODULE_ALIAS_GENL_FAMILY()` puts into the `.modinfo` of a module, terminator included.
#[doc(hidden)]
pub const fn alias<F: Family, const LEN: usize>() -> [u8; LEN] {
    let mut text = [0; LEN];
    let mut i = 0;
    while i + 1 < LEN {
        text[i] = if i < ALIAS.len() {
            ALIAS[i]
        } else {
            F::NAME.as_bytes()[i - ALIAS.len()]
        };
        i += 1;
    }
    text
}

/// `PF_NETLINK` and `NETLINK_GENERIC` are both 16.
const ALIAS: &[u8] = b"alias=net-pf-16-proto-16-family-";

/// Declares a module that consists of one family.
///
/// Takes what [`module!`] takes, with the family as `type`, and behind it whether the module has
/// the `alias` by which the core loads it when user space asks for the family: with `alias: true`
/// **anybody** can load the module, where it is installed, by asking for its name. That is right
/// for what a machine is meant to offer, and wrong for a family that is for tests.
///
/// When the module is loaded, [`Family::new`] makes the state and the family is registered; when it
/// is unloaded, the family goes. `genl` must be in scope under this name.
///
/// # Examples
///
/// The example of the [framework](super) uses it.
#[macro_export]
macro_rules! module_genl_family {
    (type: $family:ty, alias: $alias:tt, $($info:tt)*) => {
        /// The module: a family, as long as it is registered.
        struct GenlFamilyModule {
            // Members are dropped in this order.
            _registration: genl::Registration<$family>,
            _unloading: genl::Unloading<$family>,
        }

        impl ::kernel::Module for GenlFamilyModule {
            fn init(module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                // A family could call this as well: once is enough.
                static ENTERED: ::core::sync::atomic::AtomicBool =
                    ::core::sync::atomic::AtomicBool::new(false);
                if ENTERED.swap(true, ::core::sync::atomic::Ordering::Relaxed) {
                    return Err(::kernel::error::code::EBUSY);
                }
                // SAFETY: It is dropped when this fails, or as the last member of the module.
                let unloading = unsafe { genl::Unloading::new() }?;
                let state = <$family as genl::Family>::new()?;
                // SAFETY: `module` is this module, whose loader is the one call of this function
                // that comes so far, and nothing that could fail comes after this.
                let registration = unsafe { genl::Registration::new(module, state) }?;
                Ok(Self {
                    _registration: registration,
                    _unloading: unloading,
                })
            }
        }

        $crate::module_genl_family!(@alias $alias, $family);

        ::kernel::prelude::module! {
            type: GenlFamilyModule,
            $($info)*
        }
    };
    (@alias true, $family:ty) => {
        const _: () = {
            const LEN: usize = genl::alias_len::<$family>();
            #[link_section = ".modinfo"]
            #[used]
            static ALIAS: [u8; LEN] = genl::alias::<$family, LEN>();
        };
    };
    (@alias false, $family:ty) => {};
    (@alias $other:tt, $family:ty) => {
        ::core::compile_error!("genl: 'alias' is true or false");
    };
    (type: $family:ty, $($info:tt)*) => {
        ::core::compile_error!(
            "genl: say behind 'type' whether asking for the family loads the module: \
             'alias: true' or 'alias: false'"
        );
    };
}
