// SPDX-License-Identifier: GPL-2.0

//! Families and their registration.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct genl_family`)

use super::{
    gate::Gate,
    module,
    sync::{
        settled,
        Atomic,
        Release, //
    },
    table::{
        fail,
        name_bytes,
        same,
        MulticastGroup,
        SplitOp, //
    },
    work::LazyJobs, //
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
    prelude::*,
    types::Opaque,
    workqueue::{
        Work,
        WorkItem, //
    },
    ThisModule, //
};

/// A family: its description as constants, and as a value the state that its handlers share.
///
/// Handlers of different requests run at the same time, unless [`Family::PARALLEL_OPS`] is false.
/// So they borrow the state, and what changes in it needs a lock or an atomic type.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no family",
    label = "nothing says what it is called and what it can be asked: see `genl::Family`",
    note = "what is generated from a spec is for the type that has the name of the family"
)]
pub trait Family: Sized + Send + Sync + 'static {
    /// The name that user space asks for, of 1 to 15 bytes.
    const NAME: &'static str;

    /// The version of the protocol.
    const VERSION: u8;

    /// The length of the family's own header. One that has none leaves it at 0, and others have
    /// [`hdrsize::<Self>()`](super::hdrsize), see [`FixedHeader`](super::FixedHeader).
    const HDRSIZE: usize = 0;

    /// The operations, from [`table`](super::table()).
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
/// `state` is null, or what a [`Registration`](super::Registration) has that exists, is being made,
/// or is being ended. `family` is not written to by anybody but the core while `state` is not null,
/// and by whoever makes or ends the registration, before the core knows it and after.
///
/// Whoever is inside of `gate` keeps the family registered, and `serial` as it is.
#[repr(C)]
pub struct FamilyDescriptor<F: Family> {
    // The first member: the core passes a pointer to it, which stands for the whole.
    pub(super) family: Opaque<bindings::genl_family>,
    pub(super) state: Atomic<*mut Inner<F>>,
    pub(super) gate: Gate,
    /// The number of the registration, so that what belongs to one is not taken for the next.
    pub(super) serial: Atomic<u64>,
    /// For a family that is told who joins and leaves its groups.
    pub(super) left: Option<NewLeft<F>>,
}

// SAFETY: The core protects `family` by its own locks, and all that `state` gives away are shared
// references to an `F`, which is `Send` and `Sync`.
unsafe impl<F: Family> Sync for FamilyDescriptor<F> {}

impl<F: Family> FamilyDescriptor<F> {
    /// Describes the family. A description that `genl_register_family()` would refuse does not
    /// compile.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self::describe(None, None)
    }

    pub(super) const fn describe(
        callbacks: Option<(BindFn, UnbindFn)>,
        left: Option<NewLeft<F>>,
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
        // CAST: It has eight bits.
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
            state: Atomic::new(ptr::null_mut()),
            gate: Gate::new(),
            serial: Atomic::new(0),
            left,
        }
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
    /// while you wait for that, and do not keep it where it lives as long as somebody likes, as in
    /// a [`PerSocket`](super::PerSocket) or a static. The log says who waits. Jobs and work get the
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
}

pub(super) type BindFn = unsafe extern "C" fn(c_int) -> c_int;
pub(super) type UnbindFn = unsafe extern "C" fn(c_int);
pub(super) type NewLeft<F> = fn() -> Result<KBox<dyn Left<F>>>;

/// The groups of a family that somebody has left, and the work that tells the family.
pub(super) trait Left<F: Family>: Send + Sync {
    /// Notes that somebody has left a group.
    fn note(&self, family: &Registered<F>, group: u32);
}

/// A family that is registered. It is always borrowed: from a [`Request`](super::Request), or from
/// a [`RegistrationGuard`] that somebody holds; so it is not there for longer than the family is.
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
    pub(super) fn inner(&self) -> &Inner<F> {
        // SAFETY: By the type invariants it is registered, so it has a state, and keeps it.
        unsafe { &*settled(&self.0.state) }
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
        // SAFETY: By the type invariants it is registered, and has been given its number before.
        unsafe { settled(&self.0.serial) }
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
    /// [`Registration::new`](super::Registration::new) has told, and what it leaves behind must not
    /// be taken for something of a family that has gone.
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
    const { core::assert!(core::cfg!(target_endian = "little")) };
    // SAFETY: The unit is one byte, and each value of it is valid.
    // CAST: True is 1.
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

/// What [`table`](super::table()) has checked holds for the array that it has returned. Who moves
/// its elements is told here, and not by a warning when the module is loaded.
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
    unsafe { &(*settled(&descriptor_of::<F>(info).state)).state }
}

/// What a registration consists of.
#[pin_data]
pub(super) struct Inner<F: Family> {
    #[pin]
    pub(super) state: F,
    /// Ends the registration where whoever drops it must not wait.
    #[pin]
    pub(super) work: Work<Inner<F>>,
    #[pin]
    pub(super) jobs: LazyJobs,
    pub(super) left: Option<KBox<dyn Left<F>>>,
    /// That which is registered: the author may return another one by now.
    pub(super) descriptor: &'static FamilyDescriptor<F>,
    pub(super) module: &'static ThisModule,
}

kernel::impl_has_work! {
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
    #[inline(never)]
    pub(super) fn end(inner: Pin<KBox<Self>>) {
        let descriptor = inner.descriptor;
        // SAFETY: The static is valid for ever, and `state` is not null yet.
        unsafe { unregister(&descriptor.family, &descriptor.gate, &inner.jobs) };
        descriptor.state.store(ptr::null_mut(), Release);
        drop(inner);
    }

    /// As [`Inner::end`], for a registration that was never dropped.
    ///
    /// # Safety
    ///
    /// `inner` points to what [`Registration::new`](super::Registration::new) has made, and its
    /// registration is not used any more.
    pub(super) unsafe fn end_raw(inner: NonNull<c_void>) {
        // SAFETY: By the safety requirements of this function.
        Self::end(unsafe { Pin::new_unchecked(KBox::from_raw(inner.cast().as_ptr())) });
    }
}

/// Unregisters a family, where the core knows it. Then no handler of it runs any more, and nobody is
/// inside of its gate.
///
/// # Safety
///
/// The family is in a static, and nobody else registers or unregisters it.
#[inline(never)]
unsafe fn unregister(family: &Opaque<bindings::genl_family>, gate: &Gate, jobs: &LazyJobs) {
    let family = family.get();
    // Those who have proof that the family is registered come first: they may send.
    let busy = gate.close();
    // A job that waits may own proof.
    jobs.close();
    if busy {
        module::wait_for(
            gate,
            c"\x013genl: family %s cannot go: somebody holds a RegistrationGuard of it\n",
            // SAFETY: The name is never written to.
            unsafe { (&raw const (*family).name).cast() },
        );
    }
    // SAFETY: By the safety requirements of this function. The core looks the family up by its
    // number, and has let go of it then.
    unsafe {
        bindings::genl_unregister_family(family);
        clear_number(family);
    }
    jobs.end();
}

/// Makes the number of a family that of no family, as it was at first. The core leaves it as it is.
///
/// # Safety
///
/// The core does not know the family, and nobody else registers it at the same time.
pub(super) unsafe fn clear_number(family: *mut bindings::genl_family) {
    // SAFETY: By the safety requirements of this function nobody else writes to it. What reads it at
    // the same time, by one instruction, is `FamilyDescriptor::called`.
    unsafe { (&raw mut (*family).id).write_volatile(0) };
}

/// [`Family::HDRSIZE`] for the core, which knows where attributes begin by it.
pub(super) const fn checked_hdrsize<F: Family>() -> u32 {
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
