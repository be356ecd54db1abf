// SPDX-License-Identifier: GPL-2.0

//! Families that are told who joins and leaves their groups.

use super::{
    family::{
        Family,
        FamilyDescriptor,
        Left,
        Registered,
        RegistrationGuard, //
    },
    module,
    sync::{
        Atomic,
        Relaxed, //
    },
    work::FamilyWork, //
};
use core::ptr;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// A family that is told who joins and leaves its groups, see [`FamilyDescriptor::with_bind`]. The
/// example of [`MulticastGroup`](super::MulticastGroup) is one. In C these are `genl_family::bind`
/// and `unbind`.
///
/// Never a count of the listeners: joining a group twice calls [`Bind::bind`] twice, several
/// sockets that leave may call [`Bind::unbind`] once, and whoever is a member when the family is
/// unregistered never leaves. When the family is about to be unregistered nobody joins any more
/// either. Ask [`Registered::has_listeners`](super::Registered::has_listeners) instead.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it does when somebody joins its groups",
    label = "`with_bind()` is for a family that implements `genl::Bind`"
)]
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

impl<F: Family> FamilyDescriptor<F> {
    /// Describes a family that is told who joins and leaves its groups.
    pub const fn with_bind() -> Self
    where
        F: Bind,
    {
        Self::describe(
            Some((bind_trampoline::<F>, unbind_trampoline::<F>)),
            Some(Groups::make),
        )
    }

    /// As [`FamilyDescriptor::registered`], for a callback that does not say whose it is, while the
    /// core keeps its families as they are.
    ///
    /// The core may call before [`Registration::new`](super::Registration::new) has told, as soon
    /// as it has given the family a number. If the author has more than one static, this may be
    /// another one than that of the family which is called. Then the number is 0, which it is again
    /// whenever a registration has gone; or the core is about to register this one as well, and
    /// whoever has opened the gate is waited for, whether or not the core takes it.
    fn called(&'static self) -> Option<RegistrationGuard<F>> {
        // SAFETY: It is part of a static. What writes it at the same time writes all of it.
        let number = unsafe { (&raw const (*self.family.get()).id).read_volatile() };
        if number > 0 {
            self.gate.open();
        }
        self.registered()
    }
}

/// # Safety
///
/// The core calls it as the `bind` of the family `F`.
pub(super) unsafe extern "C" fn bind_trampoline<F: Bind>(group: c_int) -> c_int {
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
    if let Some(left) = &family.inner().left {
        // CAST: An index is from 0 to 254.
        left.note(&family, group as u32);
    }
}

/// What [`Left`] is for families that want it.
struct Groups<F: Family> {
    /// A bit for each group.
    groups: Arc<[Atomic<u64>; 4]>,
    work: FamilyWork<F>,
}

impl<F: Family> Left<F> for Groups<F> {
    fn note(&self, family: &Registered<F>, group: u32) {
        // CAST: It is small.
        let (word, bit) = (group as usize / 64, 1 << (group % 64));
        if let Some(groups) = self.groups.get(word) {
            let mut now = groups.load(Relaxed);
            while let Err(other) = groups.cmpxchg(now, now | bit, Relaxed) {
                now = other;
            }
        }
        // Where it is queued already, it will see this group as well.
        let _ = family.queue_work(&self.work);
    }
}

impl<F: Bind> Groups<F> {
    fn make() -> Result<KBox<dyn Left<F>>> {
        let groups = Arc::new([const { Atomic::new(0) }; 4], GFP_KERNEL)?;
        let left = groups.clone();
        let work = FamilyWork::<F>::new(move |family| {
            let mut were = [0; 4];
            for (were, groups) in were.iter_mut().zip(&*left) {
                *were = groups.xchg(0, Relaxed);
            }
            for (index, _) in (0u32..).zip(F::GROUPS) {
                // CAST: It is below 255.
                let was = were.get(index as usize / 64);
                if was.is_some_and(|was: &u64| was >> (index % 64) & 1 != 0) {
                    family.state().unbind(index);
                }
            }
        })?;
        Ok(KBox::new(Self { groups, work }, GFP_KERNEL)?)
    }
}
