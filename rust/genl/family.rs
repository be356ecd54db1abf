// SPDX-License-Identifier: GPL-2.0

//! Families and their registration.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct genl_family`)

use super::{
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
    ptr,
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    },
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::Arc,
    types::Opaque,
    ThisModule, //
};

/// A family: its description as constants, and as a value the state that its handlers share.
///
/// Handlers of different requests run at the same time unless [`Family::PARALLEL`] is false, so
/// they borrow the state, and what changes in it needs a lock or an atomic type.
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

    /// Whether the family is there in all network namespaces, or in the initial one only.
    const NETNS: bool = true;

    /// The static that holds the description.
    fn descriptor() -> &'static FamilyDescriptor<Self>;

    /// Makes the state when the module is loaded. When it succeeds the family is registered;
    /// nothing that could fail comes after that.
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
/// being made. `family` is not written to by anybody but the core while `state` is not null.
#[repr(C)]
pub struct FamilyDescriptor<F> {
    // The first member: the core passes a pointer to it, which stands for the whole.
    family: Opaque<bindings::genl_family>,
    state: AtomicPtr<F>,
}

// SAFETY: The core protects `family` by its own locks, and all that `state` gives away are shared
// references to an `F`, which is `Send` and `Sync`.
unsafe impl<F: Family> Sync for FamilyDescriptor<F> {}

impl<F: Family> FamilyDescriptor<F> {
    /// Describes the family. What `genl_register_family()` would refuse does not compile.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        check_name(F::NAME);
        check_groups(F::GROUPS);
        if F::OPS.len() > 255 {
            fail(F::NAME, "has more than 255 operations");
        }
        let mut family: bindings::genl_family = pin_init::zeroed();
        family.name = name_bytes(F::NAME);
        family.version = F::VERSION as u32;
        family._bitfield_1 = bitfield(F::NETNS, F::PARALLEL);
        // CAST: Both lengths were checked to be at most 255.
        family.n_split_ops = F::OPS.len() as u8;
        family.n_mcgrps = F::GROUPS.len() as u8;
        if !F::OPS.is_empty() {
            family.split_ops = F::OPS.as_ptr().cast();
        }
        if !F::GROUPS.is_empty() {
            family.mcgrps = F::GROUPS.as_ptr().cast();
        }
        // INVARIANT: `state` is null.
        Self {
            family: Opaque::new(family),
            state: AtomicPtr::new(ptr::null_mut()),
        }
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
pub(super) unsafe fn state_of<F>(info: &bindings::genl_info) -> &F {
    let descriptor = info.family.cast::<FamilyDescriptor<F>>();
    // SAFETY: By the safety requirements of this function; `family` is the first member. The
    // registration has stored the state before the core knew the family, and takes it away after
    // the last handler has returned.
    unsafe { &*(*descriptor).state.load(Ordering::Relaxed) }
}

/// A family that is registered. Dropping it unregisters the family.
///
/// It is made by [`module_genl_family!`] only, as the last step of loading: callbacks run from the
/// moment of the registration on, and a module whose initialisation fails after that is freed under
/// them. A handler can not reach it either: (un)registering there would deadlock.
///
/// Unregistering waits for the handlers that run. A dump that is open goes on after it: it holds a
/// reference of its own to the state, and one to the module, so that the module can not be
/// unloaded under it.
///
/// # Invariants
///
/// The family is registered, and the `state` of its descriptor owns a reference.
pub struct Registration<F: Family>(&'static FamilyDescriptor<F>);

impl<F: Family> Registration<F> {
    /// Registers the family.
    ///
    /// Returns [`EEXIST`] where there is a family of this name.
    ///
    /// # Safety
    ///
    /// `module` is the module whose initialisation calls this, and the initialisation can not fail
    /// after this has succeeded.
    #[doc(hidden)]
    pub unsafe fn new(module: &'static ThisModule, state: Arc<F>) -> Result<Self> {
        let descriptor = F::descriptor();
        let state = Arc::into_raw(state).cast_mut();
        let claim = descriptor.state.compare_exchange(
            ptr::null_mut(),
            state,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if claim.is_err() {
            // SAFETY: It comes from `into_raw` above, and nobody has seen it.
            drop(unsafe { Arc::from_raw(state) });
            return Err(EEXIST);
        }
        let family = descriptor.family.get();
        // SAFETY: `state` was null, so the family is not registered, and the exchange has made us
        // the only one to register it.
        let err = unsafe {
            (*family).module = module.as_ptr();
            bindings::genl_register_family(family)
        };
        if let Err(error) = to_result(err) {
            // Not by dropping a `Registration`: the core looks a family up by its id to unregister
            // it, and the id that this one had before, if any, may be that of another by now.
            descriptor.state.store(ptr::null_mut(), Ordering::Relaxed);
            // SAFETY: It comes from `into_raw` above, and the core has not called back.
            drop(unsafe { Arc::from_raw(state) });
            return Err(error);
        }
        // INVARIANT: It is registered, and `state` was stored above.
        Ok(Self(descriptor))
    }
}

impl<F: Family> Drop for Registration<F> {
    fn drop(&mut self) {
        // SAFETY: The static is valid for ever. The core looks the family up by its id.
        unsafe { bindings::genl_unregister_family(self.0.family.get()) };
        let state = self.0.state.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: By the type invariants it comes from `into_raw`, and no handler runs any more.
        drop(unsafe { Arc::from_raw(state) });
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
/// Takes what [`module!`] takes, with the family as `type`. When the module is loaded,
/// [`Family::new`] makes the state and the family is registered; when it is unloaded, the family
/// goes. The module also gets the alias by which the core loads it when user space asks for the
/// family. `genl` must be in scope under this name.
///
/// # Examples
///
/// The example of the [crate](crate) uses it.
#[macro_export]
macro_rules! module_genl_family {
    (type: $family:ty, $($info:tt)*) => {
        /// The module: a family, as long as it is registered.
        struct GenlFamilyModule {
            _registration: genl::Registration<$family>,
        }

        impl ::kernel::Module for GenlFamilyModule {
            fn init(module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                let state = <$family as genl::Family>::new()?;
                // SAFETY: `module` is this module, and nothing that could fail comes after this.
                let registration = unsafe { genl::Registration::new(module, state) }?;
                Ok(Self {
                    _registration: registration,
                })
            }
        }

        const _: () = {
            const LEN: usize = genl::alias_len::<$family>();
            #[link_section = ".modinfo"]
            #[used]
            static ALIAS: [u8; LEN] = genl::alias::<$family, LEN>();
        };

        ::kernel::prelude::module! {
            type: GenlFamilyModule,
            $($info)*
        }
    };
}
