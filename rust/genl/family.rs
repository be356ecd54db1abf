// SPDX-License-Identifier: GPL-2.0

//! Families and their registration.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct genl_family`)

use super::{
    gate::Gate,
    module::{
        self,
        Kind,
        Place, //
    },
    sync::{
        AtomicPtr,
        AtomicU64,
        Ordering, //
    },
    table::{
        fail,
        name_bytes,
        same,
        MulticastGroup,
        SplitOp, //
    },
    work::{
        FamilyWork,
        LazyJobs, //
    }, //
};
use core::{
    ffi::c_void,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::Arc,
    types::Opaque,
    workqueue::{
        impl_has_work,
        new_work,
        Work,
        WorkItem, //
    },
    ThisModule, //
};

/// A family: its description as constants, and as a value the state that its handlers share.
///
/// Handlers of different requests run at the same time, unless [`Family::PARALLEL_OPS`] is false. So
/// they borrow the state, and what changes in it needs a lock or an atomic type.
///
/// # Examples
///
/// The example of the [framework](super) has a new family. This is an old one. It exists in the
/// initial network namespace only, and its handlers never run at the same time. Command 1 is
/// validated as it always was, and those from 2 on strictly:
///
/// ```
/// use genl::{kind::U32, Family, Request, SplitOp};
/// # use genl::FamilyDescriptor;
/// # use kernel::prelude::*;
/// #
/// # genl::attributes! {
/// #     /// What is set.
/// #     pub(crate) mod setting: SettingSet {
/// #         /// A number.
/// #         Value = 1: U32,
/// #     }
/// # }
///
/// struct Old;
///
/// impl Family for Old {
///     const NAME: &'static str = "old";
///     const VERSION: u8 = 1;
///     const PARALLEL_OPS: bool = false;
///     const NETNSOK: bool = false;
///     const RESV_START_OP: u8 = 2;
///     const OPS: &'static [SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Old> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// }
///
/// genl::operations! {
///     for Old;
///
///     /// Sets it.
///     do Set = "set" 1, Anyone + LIBERAL_DO, SettingSet [setting::Value] => set;
///
///     /// Sets it to 0.
///     do Reset = "reset" 2, Anyone, SettingSet [] => reset;
/// }
/// #
/// # impl Old {
/// #     fn set(&self, request: Request<'_, Set>) -> Result {
/// #         request.need(setting::Value).map(|_| ())
/// #     }
/// #
/// #     fn reset(&self, _: Request<'_, Reset>) -> Result {
/// #         Ok(())
/// #     }
/// # }
/// ```
pub trait Family: Sized + Send + Sync + 'static {
    /// The name that user space asks for, of 1 to 15 bytes.
    const NAME: &'static str;

    /// The version of the protocol.
    const VERSION: u8;

    /// The length of the family's own header. One that has none leaves it at 0, and others have
    /// [`hdrsize::<Self>()`](super::hdrsize), see [`FixedHeader`](super::FixedHeader).
    const HDRSIZE: usize = 0;

    /// The operations, from [`table`](super::table).
    const OPS: &'static [SplitOp<Self>];

    /// The multicast groups.
    const GROUPS: &'static [MulticastGroup<Self>] = &[];

    /// Whether handlers may run at the same time. If not, the core serialises them with those of
    /// all other such families.
    const PARALLEL_OPS: bool = true;

    /// Whether the family exists in all network namespaces, or in the initial one only.
    const NETNSOK: bool = true;

    /// The first command that is validated strictly in each respect. New families leave it at 0.
    ///
    /// A family that was validated liberally once can state
    /// [`Op::VALIDATION`](super::Op::VALIDATION) for the commands below this one. Their headers are
    /// not looked at closely either.
    const RESV_START_OP: u8 = 0;

    /// How many jobs may wait at the same time, see [`Registered::queue_delayed_work`].
    const JOBS_MAX: usize = 1024;

    /// The static that holds the description, each time the same one.
    ///
    /// Whoever looks for the family in another static does not find it.
    fn descriptor() -> &'static FamilyDescriptor<Self>;
}

/// The `struct genl_family` of a family, and where its callbacks find the state.
///
/// It must be a static: the core writes into it and keeps a pointer to it. A constant does not
/// work, since a reference to one would not live long enough.
///
/// # Invariants
///
/// `state` is null, or what a [`Registration`] has that exists, is being made, or is being ended.
/// `family` is not written to by anybody but the core while `state` is not null, and by whoever
/// makes or ends the registration, before the core knows it and after.
///
/// Whoever is inside of `gate` keeps the family registered, and `serial` as it is.
#[repr(C)]
pub struct FamilyDescriptor<F: Family> {
    // The first member: the core passes a pointer to it, which stands for the whole.
    family: Opaque<bindings::genl_family>,
    state: AtomicPtr<Inner<F>>,
    gate: Gate,
    /// The number of the registration, so that what belongs to one is not taken for the next.
    serial: AtomicU64,
    /// [`Left::new`] of a family that is told who joins and leaves its groups.
    left: Option<fn() -> Result<Left<F>>>,
}

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
    pub const fn with_bind() -> Self
    where
        F: Bind,
    {
        Self::describe(
            Some((bind_trampoline::<F>, unbind_trampoline::<F>)),
            Some(Left::new),
        )
    }

    const fn describe(
        callbacks: Option<(BindFn, UnbindFn)>,
        left: Option<fn() -> Result<Left<F>>>,
    ) -> Self {
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
        family.hdrsize = const { checked_hdrsize::<F>() };
        family._bitfield_1 = bitfield(F::NETNSOK, F::PARALLEL_OPS);
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
        // INVARIANT: `state` is null, and nobody is inside of `gate`.
        Self {
            family: Opaque::new(family),
            state: AtomicPtr::new(ptr::null_mut()),
            gate: Gate::new(),
            serial: AtomicU64::new(0),
            left,
        }
    }

    /// The name, for C.
    fn name(&self) -> *const c_char {
        // SAFETY: The name is never written to.
        unsafe { (&raw const (*self.family.get()).name).cast() }
    }

    /// What stands for the family in [`module::within`].
    #[inline(always)]
    pub(super) fn mark(&self) -> *const c_void {
        ptr::from_ref(self).cast()
    }

    /// Proves that the family is registered, for code that has no request. Returns `None` while it
    /// is not registered, and when it is about to be unregistered. It can be called in any context,
    /// and so can all that does not say that it may sleep.
    ///
    /// Unregistering waits until the returned value is dropped, for ever if it must. Do not hold it
    /// while you wait for that, and do not keep it where it lives as long as somebody likes, as in a
    /// [`PerSocket`](super::PerSocket) or a static. The log says who waits. Jobs and work get the
    /// family as an argument and do not need one of these; a job that waits and owns one is dropped
    /// when the family is about to go.
    ///
    /// # Examples
    ///
    /// A notification from anywhere, for instance a timer.
    ///
    /// ```
    /// use genl::{Family, Message, Net, Notify};
    /// use kernel::prelude::*;
    ///
    /// fn tell<N: Notify>(message: &impl Message<N>) -> Result {
    ///     let family = N::Family::descriptor().registered().ok_or(ENODEV)?;
    ///     family.multicast::<N>(Net::init(), message, GFP_ATOMIC)
    /// }
    /// ```
    #[inline]
    pub fn registered(&'static self) -> Option<RegistrationGuard<F>> {
        // INVARIANT: It is inside from here on. Not `then_some()`, which would make a guard in any
        // case, and drop it.
        self.gate.enter().then(|| RegistrationGuard(self))
    }

    /// As [`FamilyDescriptor::registered`], for the registration with this number only.
    #[inline(never)]
    pub(super) fn registered_as(&'static self, serial: u64) -> Option<RegistrationGuard<F>> {
        self.registered().filter(|family| family.serial() == serial)
    }

    /// As [`FamilyDescriptor::registered`], for a callback that does not say whose it is, while the
    /// core keeps its families as they are.
    ///
    /// The core may call before [`Registration::new`] has told, as soon as it has given the family a
    /// number. If the author has more than one static, this may be another one than that of the family
    /// which is called. Then the number is that of a registration which has gone, whose gate is shut,
    /// or 0: [`Registration::new`] clears it before the gate can be opened again. Whoever has read it
    /// before and opens the gate after that is waited for, whether or not the core takes the family.
    fn called(&'static self) -> Option<RegistrationGuard<F>> {
        // SAFETY: It is part of a static. What writes it at the same time writes all of it.
        let number = unsafe { (&raw const (*self.family.get()).id).read_volatile() };
        if number > 0 {
            self.gate.open();
        }
        self.registered()
    }
}

/// A family that is told who joins and leaves its groups, see [`FamilyDescriptor::with_bind`]. The
/// example of [`MulticastGroup`] is one. In C these are `genl_family::bind` and `unbind`.
///
/// Never a count of the listeners: joining a group twice calls [`Bind::bind`] twice, several sockets
/// that leave may call [`Bind::unbind`] once, and whoever is a member when the family is unregistered
/// never leaves. When the family is about to be unregistered nobody joins any more either. Ask [`Registered::has_listeners`] instead.
pub trait Bind: Family {
    /// A socket joins the group with this index. Joining waits for this, and so does whoever
    /// registers a family of generic netlink.
    fn bind(&self, group: u32);

    /// Sockets have left the group with this index, or were closed as members of it.
    ///
    /// This runs a moment later, in a task of its own. Where C has its `unbind`, the table of all
    /// netlink sockets may be locked (`netlink_bind()` of a port that is taken), and what waits for
    /// that table there waits for ever.
    fn unbind(&self, _group: u32) {}
}

type BindFn = unsafe extern "C" fn(c_int) -> c_int;
type UnbindFn = unsafe extern "C" fn(c_int);

/// # Safety
///
/// The core calls it as the `bind` of the family `F`.
unsafe extern "C" fn bind_trampoline<F: Bind>(group: c_int) -> c_int {
    if let Some(family) = F::descriptor().called() {
        // CAST: An index is not negative.
        module::within(ptr::null(), || family.state().bind(group as u32));
    }
    0
}

/// # Safety
///
/// The core calls it as the `unbind` of the family `F`.
unsafe extern "C" fn unbind_trampoline<F: Bind>(group: c_int) {
    let Some(family) = F::descriptor().called() else {
        return;
    };
    let Some(left) = &family.inner().left else {
        return;
    };
    // CAST: An index is from 0 to 254.
    let (word, bit) = (group as usize / 64, 1 << (group as u32 % 64));
    if let Some(groups) = left.groups.get(word) {
        groups.fetch_or(bit, Ordering::Relaxed);
    }
    // Where it is queued already, it will see this group as well.
    let _ = family.queue_work(&left.work);
}

/// The groups of a family that somebody has left, and the work that tells the family.
struct Left<F: Family> {
    /// A bit for each group.
    groups: Arc<[AtomicU64; 4]>,
    work: FamilyWork<F>,
}

impl<F: Bind> Left<F> {
    fn new() -> Result<Self> {
        let groups = Arc::new([const { AtomicU64::new(0) }; 4], GFP_KERNEL)?;
        let left = groups.clone();
        let work = FamilyWork::<F>::new(move |family| {
            for (index, _) in (0u32..).zip(F::GROUPS) {
                // CAST: It is below 255.
                let (word, bit) = (index as usize / 64, 1 << (index % 64));
                let was = left
                    .get(word)
                    .map_or(0, |groups| groups.fetch_and(!bit, Ordering::Relaxed));
                if was & bit != 0 {
                    family.state().unbind(index);
                }
            }
        })?;
        Ok(Self { groups, work })
    }
}

/// A family that is registered. It is always borrowed: from a [`Request`](super::Request), or from a
/// [`RegistrationGuard`] that somebody holds; so it is not there for longer than the family is.
///
/// # Invariants
///
/// It is a static. The family is registered as long as somebody has a reference to this.
#[repr(transparent)]
pub struct Registered<F: Family>(FamilyDescriptor<F>);

impl<F: Family> Registered<F> {
    /// # Safety
    ///
    /// `info` belongs to a request for `F` that is being handled during `'a`.
    #[inline(always)]
    pub(super) unsafe fn from_info(info: &bindings::genl_info) -> &Self {
        // INVARIANT: A family with a request in a handler is registered, which only statics are.
        // SAFETY: By the safety requirements of this function; `family` is the first member of the
        // descriptor, of which this is a transparent view.
        unsafe { &*info.family.cast() }
    }

    /// The description that is registered.
    #[inline(always)]
    pub(super) fn descriptor(&self) -> &'static FamilyDescriptor<F> {
        // SAFETY: By the type invariants.
        unsafe { &*ptr::from_ref(&self.0) }
    }

    #[inline(always)]
    fn inner(&self) -> &Inner<F> {
        // SAFETY: By the type invariants it is registered, so it has a state.
        unsafe { &*self.0.state.load(Ordering::Relaxed) }
    }

    /// The state of the family.
    #[inline(always)]
    pub fn state(&self) -> &F {
        &self.inner().state
    }

    /// The module that has registered the family.
    pub fn module(&self) -> &'static ThisModule {
        self.inner().module
    }

    /// The number of the family.
    #[inline(always)]
    pub(super) fn id(&self) -> c_int {
        // SAFETY: It does not change while the family is registered.
        unsafe { (*self.as_ptr()).id }
    }

    /// The number of the registration.
    #[inline]
    pub(super) fn serial(&self) -> u64 {
        self.0.serial.load(Ordering::Relaxed)
    }

    /// The `struct genl_family`, for code that calls C or bindings: see the page on
    /// [calling C](super::guide::calling_c).
    ///
    /// The family is registered as long as this is borrowed. What is called may send for it and
    /// read all of it, and does not register it, unregister it or write to it.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut bindings::genl_family {
        self.0.family.get()
    }

    /// Lets everybody know that the family is registered. Whoever has a request may know it before
    /// [`Registration::new`] has told, and what it leaves behind must not be taken for something of
    /// a family that has gone.
    #[inline]
    pub(super) fn open(&self) {
        self.0.gate.open();
    }

    pub(super) fn lazy_jobs(&self) -> &LazyJobs {
        &self.inner().jobs
    }
}

/// Proof that a family is registered, for whoever has no request: see
/// [`FamilyDescriptor::registered`].
///
/// # Invariants
///
/// It is inside of the gate of the descriptor.
pub struct RegistrationGuard<F: Family>(&'static FamilyDescriptor<F>);

impl<F: Family> Deref for RegistrationGuard<F> {
    type Target = Registered<F>;

    #[inline(always)]
    fn deref(&self) -> &Registered<F> {
        // INVARIANT: By the type invariants, unregistering waits for this.
        // SAFETY: `Registered` is a transparent view of the descriptor.
        unsafe { &*ptr::from_ref(self.0).cast() }
    }
}

impl<F: Family> Drop for RegistrationGuard<F> {
    #[inline]
    fn drop(&mut self) {
        self.0.gate.leave();
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

/// The description of the family that a request belongs to, which may have gone meanwhile.
///
/// # Safety
///
/// `info` belongs to a request for a family described by a [`FamilyDescriptor<F>`].
#[inline(always)]
pub(super) unsafe fn descriptor_of<F: Family>(
    info: &bindings::genl_info,
) -> &'static FamilyDescriptor<F> {
    // SAFETY: By the safety requirements of this function; `family` is the first member, and the
    // core knows families in statics only.
    unsafe { &*info.family.cast() }
}

/// The state of the family that a request belongs to.
///
/// # Safety
///
/// `info` belongs to a request for a family described by a [`FamilyDescriptor<F>`], and the family
/// is registered as long as the returned reference is used.
#[inline(always)]
pub(super) unsafe fn state_of<F: Family>(info: &bindings::genl_info) -> &F {
    // SAFETY: By the safety requirements of this function. The registration has stored the state
    // before the core knew the family, and takes it away after the last handler has returned.
    unsafe { &(*descriptor_of(info).state.load(Ordering::Relaxed)).state }
}

/// What a registration consists of.
#[pin_data]
struct Inner<F: Family> {
    #[pin]
    state: F,
    /// Ends the registration where whoever drops it must not wait.
    #[pin]
    work: Work<Inner<F>>,
    #[pin]
    jobs: LazyJobs,
    left: Option<Left<F>>,
    /// That which is registered: the author may return another one by now.
    descriptor: &'static FamilyDescriptor<F>,
    module: &'static ThisModule,
}

impl_has_work! {
    impl{F: Family} HasWork<Self> for Inner<F> { self.work }
}

impl<F: Family> WorkItem for Inner<F> {
    type Pointer = Pin<KBox<Self>>;

    fn run(inner: Pin<KBox<Self>>) {
        Inner::end(inner);
    }
}

impl<F: Family> Inner<F> {
    /// Unregisters the family, where the core knows it, and drops its state.
    fn end(inner: Pin<KBox<Self>>) {
        let descriptor = inner.descriptor;
        // Those who have proof that the family is registered come first: they may send.
        let busy = descriptor.gate.close();
        // A job that waits may own proof.
        inner.jobs.close();
        if busy {
            module::wait_for(
                &descriptor.gate,
                c"\x013genl: family %s cannot go: somebody holds a RegistrationGuard of it\n",
                descriptor.name(),
            );
        }
        // SAFETY: The static is valid for ever. The core looks the family up by its number.
        unsafe { bindings::genl_unregister_family(descriptor.family.get()) };
        // No handler runs any more, and nobody is inside of the gate.
        inner.jobs.end();
        descriptor.state.store(ptr::null_mut(), Ordering::Release);
        drop(inner);
    }

    /// As [`Inner::end`], for a registration that was never dropped.
    ///
    /// # Safety
    ///
    /// `inner` points to what [`Registration::new`] has made, and its registration is not used any
    /// more.
    unsafe fn end_raw(inner: NonNull<c_void>) {
        // SAFETY: By the safety requirements of this function.
        Self::end(unsafe { Pin::new_unchecked(KBox::from_raw(inner.cast().as_ptr())) });
    }
}

/// A family that is registered. Dropping it unregisters the family, and drops its state.
///
/// A module may have any number of them, of different families, and make and drop them in process
/// context whenever it likes: in its `init` or later, when a device is found, or in a job of another
/// family. It is a value like another: a member of the module, of the data of a driver, or in a box.
///
/// Dropping it waits for the handlers that run, for the rounds of dumps, and for whoever holds a
/// [`RegistrationGuard`]. A dump that is open then ends with [`ENODEV`]. In a handler waiting would
/// be for ever. There the family goes a moment later, in a task of its own.
///
/// This knows the handlers of its own module only. In a callback that a handler of another module
/// leads to, such as `probe` or `remove` of a driver whose device is added or removed there, making or
/// dropping one waits for ever, as in C: queue work there that does it. Two jobs that drop each
/// other's family wait for ever as well.
///
/// A module that fails to load, after it has registered a family, is safe: as long as it is being
/// loaded, dumps are refused with [`EAGAIN`]. One that forgets a registration, or keeps it in a static
/// or in a cycle, is safe, too: the family goes with the module, and [`Registration::registered`] says
/// so to whoever still has the registration.
///
/// # Examples
///
/// A module with two families, of which one can be loaded by its name.
///
/// ```
/// use genl::{Family, FamilyDescriptor, NoAttrs, Registration, Request, SplitOp};
/// use kernel::{prelude::*, ThisModule};
///
/// struct Left(u32);
/// struct Right(u32);
///
/// impl Family for Left {
///     const NAME: &'static str = "left";
///     const VERSION: u8 = 1;
///     const OPS: &'static [SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Left> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// }
///
/// impl Family for Right {
///     const NAME: &'static str = "right";
///     const VERSION: u8 = 1;
///     const OPS: &'static [SplitOp<Self>] = &[];
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Right> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// }
/// #
/// # genl::operations! {
/// #     for Left;
/// #     do Ping = "ping" 1, Anyone, NoAttrs [] => ping;
/// # }
/// #
/// # impl Left {
/// #     fn ping(&self, _: Request<'_, Ping>) -> Result {
/// #         Ok(())
/// #     }
/// # }
///
/// struct Hands {
///     _left: Registration<Left>,
///     _right: Registration<Right>,
/// }
///
/// impl kernel::Module for Hands {
///     fn init(module: &'static ThisModule) -> Result<Self> {
///         Ok(Self {
///             _left: Registration::new(module, Left(1))?,
///             // If this fails, the other one is unregistered.
///             _right: Registration::new(module, Right(2))?,
///         })
///     }
/// }
///
/// genl::module_alias_family!(Left);
///
/// module! {
///     type: Hands,
///     name: "hands",
///     authors: ["A. U. Thor"],
///     description: "Two families",
///     license: "GPL",
/// }
/// ```
///
/// # Invariants
///
/// `inner` is what the registration with this number consists of, until it was taken back: by this,
/// or because the module is going.
pub struct Registration<F: Family> {
    inner: NonNull<Inner<F>>,
    descriptor: &'static FamilyDescriptor<F>,
    serial: u64,
    module: &'static ThisModule,
}

// SAFETY: The state is `Send`, and any task may unregister a family.
unsafe impl<F: Family> Send for Registration<F> {}

// SAFETY: What this gives away is proof that the family is registered, which any task may have.
unsafe impl<F: Family> Sync for Registration<F> {}

impl<F: Family> Registration<F> {
    /// Makes the state of the family, in place, and registers the family. It may sleep.
    ///
    /// Requests may come before this returns. `module` is the module that this is part of: the
    /// argument of [`Module::init`](kernel::Module::init), or elsewhere
    /// [`this_module`](kernel::module::this_module)`::<LocalModule>()`.
    ///
    /// Returns what `state` returns, [`EEXIST`] where this family is registered already or another
    /// one has its name, [`EDEADLK`] in a handler or in another callback of the core, such as
    /// [`Bind::bind`] and [`NetState::new`](super::NetState::new), [`EINVAL`] for the wrong module,
    /// `ESHUTDOWN` in a module that is going, [`ENOSPC`] where all numbers of families are taken, and
    /// [`ENOMEM`].
    pub fn new<E>(module: &'static ThisModule, state: impl PinInit<F, E>) -> Result<Self>
    where
        Error: From<E>,
    {
        if module::is_within(ptr::null()) {
            return Err(EDEADLK);
        }
        let descriptor = F::descriptor();
        let left = descriptor.left.map(|new| new()).transpose()?;
        // SAFETY: It initialises what `state` does, or fails like it.
        let state = unsafe {
            pin_init::pin_init_from_closure(move |place: *mut F| {
                state.__init(place).map_err(Error::from)
            })
        };
        let inner = KBox::pin_init::<Error>(
            try_pin_init!(Inner {
                state <- state,
                work <- new_work!("genl::Registration"),
                jobs <- LazyJobs::new(),
                left,
                descriptor,
                module,
            }? Error),
            GFP_KERNEL,
        )?;
        let raw = NonNull::from(&*inner);
        let claim = descriptor.state.compare_exchange(
            ptr::null_mut(),
            raw.as_ptr(),
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if claim.is_err() {
            return Err(EEXIST);
        }
        let serial = descriptor
            .serial
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_add(1);
        let family = descriptor.family.get();
        // SAFETY: `state` was null, so the family is not registered, and the exchange has made us the
        // only one to write here. What reads it at the same time is `FamilyDescriptor::called`.
        let clear_number = || unsafe { (&raw mut (*family).id).write_volatile(0) };
        clear_number();
        descriptor.gate.reset();
        let register = || -> Result<Place> {
            let place = Place::new(module, Kind::Family, raw.cast(), Inner::<F>::end_raw)?;
            // SAFETY: As above.
            to_result(unsafe {
                (*family).module = module.as_ptr();
                bindings::genl_register_family(family)
            })?;
            Ok(place)
        };
        let place = match register() {
            Ok(place) => place,
            Err(error) => {
                // The core does not know it. The number may be that of another one by now, and 0 is
                // that of none.
                clear_number();
                // Somebody may have come in, see `FamilyDescriptor::called`.
                descriptor.gate.open();
                Inner::end(inner);
                return Err(error);
            }
        };
        // The core has it.
        core::mem::forget(inner);
        // Before anybody can take it back.
        descriptor.gate.open();
        // SAFETY: `end_raw` takes it back, and then nobody else does.
        unsafe { place.fill() };
        // INVARIANT: It was just made.
        Ok(Self {
            inner: raw,
            descriptor,
            serial,
            module,
        })
    }

    /// The family, as [`FamilyDescriptor::registered`], for this registration only. Returns `None`
    /// where the module is going: then the family goes, whoever has its registration.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Family, Registration};
    ///
    /// /// What the state says, as long as the family is there.
    /// fn ask<F: Family, T>(family: &Registration<F>, what: impl FnOnce(&F) -> T) -> Option<T> {
    ///     Some(what(family.registered()?.state()))
    /// }
    /// ```
    pub fn registered(&self) -> Option<RegistrationGuard<F>> {
        self.descriptor.registered_as(self.serial)
    }
}

impl<F: Family> Drop for Registration<F> {
    fn drop(&mut self) {
        if !module::take_back(self.module, Kind::Family, self.inner.cast()) {
            return;
        }
        // SAFETY: It comes from a pinned box, and nobody else ends it any more.
        let inner = unsafe { Pin::new_unchecked(KBox::from_raw(self.inner.as_ptr())) };
        if module::is_within(self.descriptor.mark()) {
            // SAFETY: The family is registered.
            unsafe { module::queue() }.enqueue(inner);
        } else {
            Inner::end(inner);
        }
    }
}

/// [`Family::HDRSIZE`] for the core, which knows where attributes begin by it.
const fn checked_hdrsize<F: Family>() -> u32 {
    // A header is copied, on the stack.
    if F::HDRSIZE > 1024 {
        fail(F::NAME, "has a header of more than 1024 bytes");
    }
    // The core begins with the attributes at the next multiple.
    if F::HDRSIZE % 4 != 0 {
        fail(F::NAME, "has a header whose length is no multiple of 4");
    }
    // CAST: It is small.
    F::HDRSIZE as u32
}

#[kunit_tests(genl_family)]
mod tests {
    use super::{
        super::{
            module::TEST_MODULE as MODULE,
            per_net::{
                NetState,
                PerNet, //
            },
            table::Listen, //
        },
        *, //
    };
    use core::sync::atomic::AtomicU32;
    use kernel::{
        new_mutex,
        sync::Mutex,
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    static GONE: AtomicU32 = AtomicU32::new(0);

    /// A family without operations, which counts when it goes.
    #[pin_data(PinnedDrop)]
    struct Fam {
        number: u32,
        #[pin]
        lock: Mutex<u32>,
    }

    impl Fam {
        fn new(number: u32) -> impl PinInit<Self> {
            pin_init!(Self {
                lock <- new_mutex!(number),
                number,
            })
        }

        fn failing() -> impl PinInit<Self, Error> {
            try_pin_init!(Self {
                number: Err::<u32, Error>(ENOMSG)?,
                lock <- new_mutex!(0),
            })
        }
    }

    #[pinned_drop]
    impl PinnedDrop for Fam {
        fn drop(self: Pin<&mut Self>) {
            GONE.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Family for Fam {
        const NAME: &'static str = "kunit-family";
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
            &DESCRIPTOR
        }
    }

    /// Another one that has its name.
    struct Namesake;

    impl Family for Namesake {
        const NAME: &'static str = Fam::NAME;
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTOR: FamilyDescriptor<Namesake> = FamilyDescriptor::new();
            &DESCRIPTOR
        }
    }

    static JOINED: AtomicU32 = AtomicU32::new(0);

    /// A family that never returns the same static twice in a row.
    struct Fickle;

    impl Family for Fickle {
        const NAME: &'static str = "kunit-fickle";
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];
        const GROUPS: &'static [MulticastGroup<Self>] =
            &[MulticastGroup::new("one", Listen::Anyone)];

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTORS: [FamilyDescriptor<Fickle>; 2] =
                [const { FamilyDescriptor::with_bind() }; 2];
            static NEXT: AtomicU32 = AtomicU32::new(0);
            &DESCRIPTORS[NEXT.fetch_add(1, Ordering::Relaxed) as usize % 2]
        }
    }

    impl Bind for Fickle {
        fn bind(&self, _group: u32) {
            JOINED.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_registration_knows_its_static() -> Result {
        // Each time another one, and the next time the other one.
        for round in 0..4 {
            let registration = Registration::new(MODULE, Fickle)?;
            if round % 2 == 0 {
                // In the other one. Its name is taken.
                assert!(is(Registration::new(MODULE, Fickle), EEXIST));
            }
            let family = registration.registered().ok_or(ENODEV)?;
            let found = [Fickle::descriptor(), Fickle::descriptor()].map(|descriptor| {
                let found = descriptor.registered().is_some();
                assert_eq!(found, ptr::eq(descriptor, family.descriptor()));
                found
            });
            assert_eq!(found.iter().filter(|found| **found).count(), 1);

            // A job runs for the one that it was queued for, wherever the family is looked for.
            let ran = Arc::new(AtomicU32::new(0), GFP_KERNEL)?;
            let there = ran.clone();
            family.queue_delayed_work(0, move |_| {
                there.fetch_add(1, Ordering::Relaxed);
            })?;
            let there = ran.clone();
            let work = FamilyWork::<Fickle>::new(move |_| {
                there.fetch_add(2, Ordering::Relaxed);
            })?;
            assert!(family.queue_work(&work));
            for _ in 0..5000 {
                if ran.load(Ordering::Relaxed) == 3 {
                    break;
                }
                fsleep(Delta::from_millis(1));
            }
            assert_eq!(ran.load(Ordering::Relaxed), 3);

            // Of two calls one comes to the family, and neither to what is not registered.
            let joined = JOINED.load(Ordering::Relaxed);
            // SAFETY: As the core would call it. Nobody else registers or ends this family.
            unsafe {
                bind_trampoline::<Fickle>(0);
                bind_trampoline::<Fickle>(0);
            }
            assert_eq!(JOINED.load(Ordering::Relaxed), joined + 1);
            drop(family);
            drop(registration);
            assert!(Fickle::descriptor().registered().is_none());
        }
        Ok(())
    }

    /// The number of the family that is registered.
    fn number() -> Option<u32> {
        let family = Fam::descriptor().registered()?;
        let state = family.state();
        Some(state.number).filter(|number| *number == *state.lock.lock())
    }

    fn is<T>(result: Result<T>, error: Error) -> bool {
        result.is_err_and(|other| other == error)
    }

    #[test]
    fn it_is_registered_and_dropped_again_and_again() -> Result {
        for round in 1..=3 {
            let before = GONE.load(Ordering::Relaxed);
            assert!(number().is_none());
            let registration = Registration::new(MODULE, Fam::new(round))?;
            let state = registration
                .registered()
                .map(|family| family.state().number);
            assert_eq!(state, Some(round));
            assert_eq!(number(), Some(round));
            // It can be moved.
            let boxed = KBox::new(registration, GFP_KERNEL)?;
            assert_eq!(number(), Some(round));
            drop(boxed);
            assert!(number().is_none());
            assert_eq!(GONE.load(Ordering::Relaxed), before + 1);
        }
        Ok(())
    }

    #[test]
    fn a_registration_that_was_taken_back_gives_nothing_away() -> Result {
        let leaked = Registration::new(MODULE, Fam::new(1))?;
        let before = GONE.load(Ordering::Relaxed);
        // As if the module were going.
        assert!(module::take_back(MODULE, Kind::Family, leaked.inner.cast()));
        // SAFETY: It was just taken off the list, so nobody else ends it.
        unsafe { Inner::<Fam>::end_raw(leaked.inner.cast()) };
        assert_eq!(GONE.load(Ordering::Relaxed), before + 1);
        assert!(leaked.registered().is_none());
        // The next one is none of its business.
        let next = Registration::new(MODULE, Fam::new(2))?;
        assert!(leaked.registered().is_none());
        drop(leaked);
        assert_eq!(number(), Some(2));
        assert!(next.registered().is_some());
        Ok(())
    }

    #[test]
    fn there_is_one_registration_of_a_family_and_of_a_name() -> Result {
        let registration = Registration::new(MODULE, Fam::new(1))?;
        let before = GONE.load(Ordering::Relaxed);
        assert!(is(Registration::new(MODULE, Fam::new(2)), EEXIST));
        assert_eq!(GONE.load(Ordering::Relaxed), before + 1);
        assert!(is(Registration::new(MODULE, Namesake), EEXIST));
        assert!(Namesake::descriptor().registered().is_none());
        assert_eq!(number(), Some(1));
        drop(registration);
        assert!(Registration::new(MODULE, Namesake).is_ok());
        assert!(Registration::new(MODULE, Fam::new(3)).is_ok());
        Ok(())
    }

    #[test]
    fn an_error_of_the_state_comes_back() -> Result {
        let before = GONE.load(Ordering::Relaxed);
        assert!(is(Registration::new(MODULE, Fam::failing()), ENOMSG));
        assert_eq!(GONE.load(Ordering::Relaxed), before);
        assert!(Registration::new(MODULE, Fam::new(1)).is_ok());
        Ok(())
    }

    #[test]
    fn another_module_is_refused() {
        // SAFETY: Null stands for what is built in.
        static OTHER: ThisModule = unsafe { ThisModule::from_ptr(ptr::null_mut()) };
        assert!(is(Registration::new(&OTHER, Fam::new(1)), EINVAL));
        assert!(number().is_none());
    }

    struct Nothing;

    impl NetState for Nothing {
        fn new(_cookie: u64) -> impl PinInit<Self, Error> {
            Ok(Self)
        }
    }

    #[test]
    fn nothing_is_registered_in_a_callback() {
        module::within(ptr::null(), || {
            assert!(is(Registration::new(MODULE, Fam::new(1)), EDEADLK));
            assert!(is(PerNet::<Nothing>::new(MODULE), EDEADLK));
        });
        // One that has returned does not matter.
        assert!(Registration::new(MODULE, Fam::new(1)).is_ok());
    }

    #[test]
    fn a_job_registers_another_family() -> Result {
        let registration = Registration::new(MODULE, Fam::new(1))?;
        module::within(Namesake::descriptor().mark(), || {
            assert!(is(Registration::new(MODULE, Fam::new(2)), EEXIST));
            // And waits here for another one.
            drop(registration);
            assert!(number().is_none());
        });
        Ok(())
    }

    #[test]
    fn what_is_dropped_in_its_callback_goes_a_moment_later() -> Result {
        for mark in [Fam::descriptor().mark(), ptr::null()] {
            let registration = Registration::new(MODULE, Fam::new(1))?;
            let before = GONE.load(Ordering::Relaxed);
            let guard = Fam::descriptor().registered();
            assert!(guard.is_some());
            // It would wait for the guard.
            module::within(mark, || drop(registration));
            assert_eq!(GONE.load(Ordering::Relaxed), before);
            drop(guard);
            let mut waited = 0;
            while GONE.load(Ordering::Relaxed) == before {
                assert!(waited < 5000);
                waited += 1;
                fsleep(Delta::from_millis(1));
            }
            assert!(number().is_none());
        }
        Ok(())
    }
}
