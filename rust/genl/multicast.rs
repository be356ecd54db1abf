// SPDX-License-Identifier: GPL-2.0

//! Multicast groups and the notifications that are sent to them.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct
//! genl_multicast_group`)

use super::{
    command::{
        Command,
        Message, //
    },
    family::{
        Family,
        Registered, //
    },
    ffi,
    gfp::gfp,
    message::{
        Header,
        Skb, //
    },
    net::Net,
    trace, //
};
use core::ptr;
use kernel::{
    alloc::Flags,
    bindings,
    error::to_result,
    prelude::*, //
};

/// A group of the family `F`, as a type: a message cannot be sent to the group of another family.
/// It is made by [`groups!`](super::groups); the example of
/// [`MulticastGroup`](super::MulticastGroup) has two.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no group of the family `{F}`",
    label = "another family has it, or it is no group at all"
)]
pub trait Group<F: Family>: 'static {
    /// Where the group stands in [`Family::GROUPS`].
    const INDEX: u32;
}

/// A command that is a notification, as in the example of
/// [`MulticastGroup`](super::MulticastGroup).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no notification that a group listens to",
    label = "it is not sent to a group, or is no notification at all"
)]
pub trait Notify: Command {
    /// The group that it is sent to.
    type Group: Group<Self::Family>;
}

/// Sending notifications.
///
/// This needs proof that the family is registered. Otherwise the number of a group may belong to
/// another family by now. Handlers get the proof by
/// [`Request::registered`](super::Request::registered), others by
/// [`FamilyDescriptor::registered`](super::FamilyDescriptor::registered).
///
/// The example of [`MulticastGroup`](super::MulticastGroup) uses all of these methods.
///
/// A notification is built only when somebody listens. It is no error when nobody does.
///
/// What sends takes allocation flags, like the rest of `kernel`. With `GFP_ATOMIC` or `GFP_NOWAIT`
/// it never sleeps: it is for soft interrupts, as timers have, for what holds a spinlock, and for
/// RCU read-side sections. With `GFP_KERNEL` it may sleep, also because a listener is slow. In a
/// scope of `memalloc_nofs_save()` or `memalloc_noio_save()` that means `GFP_NOFS` or `GFP_NOIO`,
/// as everywhere.
///
/// In a hard interrupt it works as in C. But the core may be the last there to free a message that
/// already belongs to a socket, and a kernel with `CONFIG_DEBUG_NET` warns of that. So queue
/// [`FamilyWork`](super::FamilyWork) there, or let the timer expire in a soft interrupt.
///
/// A request should not fail because a listener could not be told of what it has done: anybody who
/// may listen can ask for errors (`NETLINK_BROADCAST_ERROR`) and let the socket be full. So a
/// handler that has changed something ignores the result, as callers in C do.
///
/// A listener that has missed something learns it nevertheless: what its socket does next fails
/// with `ENOBUFS`, once, unless it has asked for no such errors (`NETLINK_NO_ENOBUFS`). The core
/// sees to that where the socket has no room, and this where the message itself could not be made,
/// as `rtnl_set_sk_err()` does for rtnetlink.
impl<F: Family> Registered<F> {
    /// Returns whether anybody listens to the group, in this namespace or in another one. The core
    /// counts the listeners of all namespaces together.
    pub fn has_listeners<G: Group<F>>(&self, net: &Net) -> bool {
        const { assert_group::<F, G>() };
        // SAFETY: By the invariants of both types.
        unsafe { bindings::genl_has_listeners(self.as_ptr(), net.as_ptr(), G::INDEX) > 0 }
    }

    /// Sends a notification to its group, in one network namespace, like
    /// `genlmsg_multicast_netns()`.
    ///
    /// Returns [`EMSGSIZE`] for an attribute or a nest above 65,535 bytes, [`ENOMEM`] without
    /// memory, and `ENOBUFS` if a listener that has asked for this error
    /// (`NETLINK_BROADCAST_ERROR`) had no room for it. Other listeners without room learn it from
    /// their sockets only.
    #[track_caller]
    pub fn multicast<N>(&self, net: &Net, message: &impl Message<N>, flags: Flags) -> Result
    where
        N: Notify<Family = F>,
    {
        self.multicast_except::<N>(net, 0, message, flags)
    }

    /// Does the same, and leaves out the socket with the port `portid`.
    #[track_caller]
    pub fn multicast_except<N>(
        &self,
        net: &Net,
        portid: u32,
        message: &impl Message<N>,
        flags: Flags,
    ) -> Result
    where
        N: Notify<Family = F>,
    {
        let flags = gfp(flags);
        if !self.has_listeners::<N::Group>(net) {
            return Ok(());
        }
        let group = <N::Group as Group<F>>::INDEX;
        let skb = Skb::new::<N, _>(Header::new(self.id(), 0, 0, 0), &message.layout(), flags);
        // SAFETY: It is what `raw_or_error` returns, and the group is one of the family.
        unsafe { self.send(net, raw_or_error(skb), portid, group, flags) }
    }

    /// Sends a notification that is ready to the listeners of one network namespace, or tells them
    /// that it could not be made.
    ///
    /// # Safety
    ///
    /// `skb` is what [`raw_or_error`] has returned, and `group` the index of a group of the family.
    #[inline(never)]
    unsafe fn send(
        &self,
        net: &Net,
        skb: *mut bindings::sk_buff,
        portid: u32,
        group: u32,
        flags: bindings::gfp_t,
    ) -> Result {
        // CAST: In 32 bits an error is the number that it was.
        let err = if skb.addr() > LAST_ADDRESS {
            // SAFETY: By the type invariants and the safety requirements of this function.
            unsafe { lost(self.as_ptr(), net, portid, group) };
            skb.addr() as c_int
        } else {
            // SAFETY: By the invariants of both types and the safety requirements of this function;
            // `genlmsg_multicast_netns()` takes the skb, also where it fails.
            unsafe {
                ffi::genl_rs_multicast_netns(self.as_ptr(), net.as_ptr(), skb, portid, group, flags)
            }
        };
        self.notified(group, net.as_ptr(), err)
    }

    /// Sends a notification to its group in all network namespaces, like
    /// `genlmsg_multicast_allns()`.
    ///
    /// It does not look first whether anybody listens, so it is for what happens rarely. `flags`
    /// are for the message. Memory for the copies is allocated as in atomic context.
    ///
    /// The errors are those of [`Registered::multicast`]. At the first one the core stops: the
    /// namespaces behind that one are not told. Where the message could not be made no listener
    /// learns it; [`Registered::set_err`] is there for a namespace that should.
    #[track_caller]
    pub fn multicast_allns<N>(&self, message: &impl Message<N>, flags: Flags) -> Result
    where
        N: Notify<Family = F>,
    {
        let flags = gfp(flags);
        const { assert_group::<F, N::Group>() };
        let group = <N::Group as Group<F>>::INDEX;
        let skb = Skb::new::<N, _>(Header::new(self.id(), 0, 0, 0), &message.layout(), flags)?;
        // SAFETY: By the type invariants; it takes the skb, also where it fails.
        let err =
            unsafe { bindings::genlmsg_multicast_allns(self.as_ptr(), skb.into_raw(), 0, group) };
        self.notified(group, ptr::null(), err)
    }

    /// Tells the listeners of a group, in one network namespace, that they have missed something,
    /// like `genl_set_err()`: for what was not told at all. For a notification that could not be made
    /// it is done already.
    ///
    /// What each of their sockets does next fails with `error`, once, but for the socket with the
    /// port `portid`; 0 stands for no port. Who is in this for `ENOBUFS` and has asked for no such
    /// errors (`NETLINK_NO_ENOBUFS`) gets none. It never sleeps and can be called in any context.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Group, Net, Notify, Registered};
    /// use kernel::prelude::*;
    ///
    /// /// Tells that there were more changes than anybody has counted.
    /// fn overrun<N: Notify>(family: &Registered<N::Family>, net: &Net) {
    ///     family.set_err::<N::Group>(net, 0, ENOBUFS);
    /// }
    /// ```
    pub fn set_err<G: Group<F>>(&self, net: &Net, portid: u32, error: Error) {
        const { assert_group::<F, G>() };
        // SAFETY: By the invariants of both types, and the group is one of the family.
        unsafe { set_err(self.as_ptr(), net, portid, G::INDEX, error) };
    }

    /// Sends a notification of what a request has done, like `genl_notify()`.
    ///
    /// # Safety
    ///
    /// `info` belongs to a request that is being handled.
    #[track_caller]
    pub(super) unsafe fn notify_for<N>(
        &self,
        info: &bindings::genl_info,
        net: &Net,
        message: &impl Message<N>,
        flags: Flags,
    ) -> Result
    where
        N: Notify<Family = F>,
    {
        let raw = gfp(flags);
        // SAFETY: The header of a request is valid.
        let asked = unsafe { (*info.nlhdr).nlmsg_flags };
        // CAST: `NLM_F_ECHO` is a flag of 16 bits.
        let echo = asked & bindings::NLM_F_ECHO as u16 != 0;
        if !echo && !self.has_listeners::<N::Group>(net) {
            return Ok(());
        }
        let group = <N::Group as Group<F>>::INDEX;
        // SAFETY: By the safety requirements of this function.
        let header = unsafe { Header::answer(info, 0) };
        // SAFETY: By the invariants of both types; the group is one of the family. What sends takes
        // the skb and only reads `info`.
        let err = unsafe {
            match Skb::new::<N, _>(header, &message.layout(), raw) {
                Ok(skb) => {
                    let info = ptr::from_ref(info).cast_mut();
                    bindings::genl_notify(self.as_ptr(), skb.into_raw(), info, group, raw);
                    // It does not say how it went; a listener that lost a message is told by its
                    // socket.
                    0
                }
                Err(error) => {
                    // Who has asked is one of those who miss it.
                    lost(self.as_ptr(), net, 0, group);
                    error.to_errno()
                }
            }
        };
        self.notified(group, net.as_ptr(), err)
    }

    /// Sends a message that nobody has asked for to one port, with the sequence number 0.
    ///
    /// Returns [`EMSGSIZE`] and [`ENOMEM`] like [`Registered::multicast`], `ECONNREFUSED` if no
    /// socket has the port, and `EAGAIN` if its receive buffer is full.
    #[track_caller]
    pub fn unicast<N>(
        &self,
        net: &Net,
        portid: u32,
        message: &impl Message<N>,
        flags: Flags,
    ) -> Result
    where
        N: Command<Family = F>,
    {
        let flags = gfp(flags);
        // Port 0 is the kernel's own socket: a handler that sends there would take the lock again
        // that it runs under.
        if portid == 0 {
            return Err(ECONNREFUSED);
        }
        let skb = Skb::new::<N, _>(Header::new(self.id(), 0, 0, 0), &message.layout(), flags)?;
        skb.unicast(net, portid)
    }

    #[inline(never)]
    fn notified(&self, group: u32, net: *const bindings::net, err: c_int) -> Result {
        // SAFETY: By the type invariants the family is registered, and the group was seen to be one
        // of it; `net` is null or valid.
        unsafe { trace::notify(self.as_ptr(), group, net, err) };
        // There may be no listener, or the last one has left since we looked.
        if err == ESRCH.to_errno() {
            return Ok(());
        }
        to_result(err)
    }
}

/// Tells the listeners of a group that they have missed something.
///
/// # Safety
///
/// The family is registered, and `group` is the index of one of its groups.
unsafe fn set_err(
    family: *const bindings::genl_family,
    net: &Net,
    portid: u32,
    group: u32,
    error: Error,
) {
    // SAFETY: By the safety requirements of this function the groups have numbers, and the
    // namespace is active, so it has its socket of generic netlink.
    unsafe {
        let group = (*family).mcgrp_offset.wrapping_add(group);
        let sk = (*net.as_ptr()).genl_sock;
        bindings::netlink_set_err(sk, portid, group, error.to_errno());
    }
}

/// A notification could not be made: tells those who would have got it that they miss one, whatever
/// the error was.
///
/// # Safety
///
/// The family is registered, and `group` is the index of one of its groups.
#[cold]
#[inline(never)]
unsafe fn lost(family: *const bindings::genl_family, net: &Net, portid: u32, group: u32) {
    // SAFETY: By the safety requirements of this function.
    unsafe { set_err(family, net, portid, group, ENOBUFS) };
}

/// Behind this there are no addresses, and so errors: `MAX_ERRNO` of them.
// CAST: The number is small.
const LAST_ADDRESS: usize = usize::MAX - bindings::MAX_ERRNO as usize;

/// A message, or the error in the place of its address, as `ERR_PTR()` makes one: it takes one
/// register, where a `Result` is in memory. [`Error::to_ptr`] and `from_err_ptr()` are calls of C, which
/// each notification would make.
#[inline(always)]
fn raw_or_error(skb: Result<Skb>) -> *mut bindings::sk_buff {
    match skb {
        Ok(skb) => skb.into_raw(),
        // CAST: The sign is extended.
        Err(error) => ptr::without_provenance_mut(error.to_errno() as usize),
    }
}

/// Asserts that the group is in the table of its family.
const fn assert_group<F: Family, G: Group<F>>() {
    core::assert!(
        // CAST: What has 32 bits fits.
        (G::INDEX as usize) < F::GROUPS.len(),
        "genl: the family has no multicast group of this index"
    );
}

#[kunit_tests(genl_multicast)]
mod tests {
    use super::{
        super::{
            attribute::Attribute,
            family::FamilyDescriptor,
            module::TEST_MODULE as MODULE,
            number::U32,
            registration::Registration,
            table::{
                MulticastGroup,
                SplitOp, //
            }, //
        },
        *, //
    };
    use kernel::alloc::flags::{
        __GFP_NOWARN,
        __GFP_ZERO, //
    };

    /// What the macros know it by.
    mod genl {
        pub(super) use super::super::super::*;
    }

    genl::attributes! {
        /// What is told.
        pub(crate) mod told: ToldSet {
            /// A number.
            Value = 1: U32,
        }
    }

    genl::groups! {
        for Fam;
        One = 0 "one", Anyone;
    }

    genl::notifications! {
        for Fam;

        /// Something has happened.
        Event = "event" 1, ToldSet => One;
    }

    /// A family that only tells.
    pub(crate) struct Fam;

    impl Family for Fam {
        const NAME: &'static str = "kunit-send";
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];
        const GROUPS: &'static [MulticastGroup<Self>] = GROUPS;

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
            &DESCRIPTOR
        }
    }

    #[test]
    fn allocation_flags_are_those_of_c() {
        assert_eq!(gfp(GFP_KERNEL), bindings::GFP_KERNEL);
        assert_eq!(gfp(GFP_KERNEL_ACCOUNT), bindings::GFP_KERNEL_ACCOUNT);
        assert_eq!(gfp(GFP_ATOMIC), bindings::GFP_ATOMIC);
        assert_eq!(gfp(GFP_NOWAIT), bindings::GFP_NOWAIT);
        assert_eq!(
            gfp(GFP_KERNEL | __GFP_NOWARN),
            bindings::GFP_KERNEL | bindings::__GFP_NOWARN
        );
        // A message is not zeroed: all of it is written.
        assert_eq!(gfp(GFP_ATOMIC | __GFP_ZERO), bindings::GFP_ATOMIC);
    }

    /// Makes a message and sends it to all namespaces, and to a port that nobody has.
    fn send(family: &Registered<Fam>, flags: Flags) -> bool {
        let message = (told::Value.put(1u32),);
        let all = family.multicast_allns::<Event>(&message, flags);
        let one = family.unicast::<Event>(Net::init(), u32::MAX, &message, flags);
        all.is_ok() && one.is_err_and(|error| error == ECONNREFUSED)
    }

    #[test]
    fn messages_are_made_with_each_kind_of_flags() -> Result {
        let registration = Registration::new(MODULE, Fam)?;
        let family = registration.registered().ok_or(ENODEV)?;
        assert!(send(&family, GFP_KERNEL));
        assert!(send(&family, GFP_NOWAIT));
        assert!(send(&family, GFP_ATOMIC));
        Ok(())
    }

    #[test]
    fn messages_are_made_where_the_task_must_not_write_back() -> Result {
        let registration = Registration::new(MODULE, Fam)?;
        let family = registration.registered().ok_or(ENODEV)?;
        // As `memalloc_nofs_save()` and `memalloc_noio_save()`, which are inline.
        for scope in [bindings::PF_MEMALLOC_NOFS, bindings::PF_MEMALLOC_NOIO] {
            let task = current!().as_ptr();
            // SAFETY: A task may write to its own flags.
            let old = unsafe { (*task).flags };
            // SAFETY: As above.
            unsafe { (*task).flags = old | scope };
            let sent = send(&family, GFP_KERNEL);
            // SAFETY: As above.
            unsafe { (*task).flags = old };
            assert!(sent);
        }
        Ok(())
    }
}
