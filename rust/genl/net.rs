// SPDX-License-Identifier: GPL-2.0

//! Network namespaces.
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

use super::{
    ffi,
    gfp::gfp, //
};
use core::{
    ptr,
    ptr::NonNull, //
};
use kernel::{
    alloc::Flags,
    bindings,
    error::from_err_ptr,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        }, //
    },
    types::Opaque, //
};

/// A network namespace, `struct net`.
///
/// [`Request::net`](super::Request::net) lends that of a request. To have it for longer, take an
/// [`ARef<Net>`](kernel::sync::aref::ARef). It keeps the namespace alive, so drop it soon.
///
/// # Invariants
///
/// Whoever has a reference to a `Net` keeps the namespace active.
#[repr(transparent)]
pub struct Net(Opaque<bindings::net>);

// SAFETY: A namespace is counted by references that any task may drop.
unsafe impl Send for Net {}

// SAFETY: All that is read of it here never changes.
unsafe impl Sync for Net {}

// SAFETY: `get_net()` and `put_net()` count the references that keep a namespace active.
unsafe impl AlwaysRefCounted for Net {
    fn inc_ref(&self) {
        // SAFETY: By the type invariants it is active.
        unsafe { ffi::genl_rs_get_net(self.as_ptr()) };
    }

    unsafe fn dec_ref(net: NonNull<Self>) {
        // SAFETY: By the safety requirements of this function.
        unsafe { ffi::genl_rs_put_net(net.cast().as_ptr()) };
    }
}

impl Net {
    /// Takes a pointer that C or a binding has given us.
    ///
    /// A function of C that returns a namespace with a reference of its own, as
    /// `get_net_ns_by_fd()` does, gives an [`ARef<Net>`](ARef): `ARef::from_raw()` takes the
    /// pointer, cast to a [`Net`].
    ///
    /// # Safety
    ///
    /// `net` is valid, and the namespace is active during `'a`: somebody has a reference that
    /// `get_net()` counts, and keeps it for that long. A socket of user space has one, and a task
    /// has one for the namespace that it is in. A `net_device` and a socket of the kernel may have
    /// none.
    ///
    /// # Examples
    ///
    /// A callback of C, which has a namespace for us as long as it runs.
    ///
    /// ```
    /// use genl::Net;
    /// use kernel::{bindings, prelude::*};
    ///
    /// /// # Safety
    /// ///
    /// /// `net` is the namespace of a socket that is open until this returns.
    /// unsafe extern "C" fn is_ours(net: *mut bindings::net) -> bool {
    ///     // SAFETY: By the safety requirements of this function.
    ///     let net = unsafe { Net::from_raw(net) };
    ///     net == Net::init()
    /// }
    /// ```
    #[inline(always)]
    pub unsafe fn from_raw<'a>(net: *const bindings::net) -> &'a Self {
        // INVARIANT: By the safety requirements of this function.
        // SAFETY: As above; the type is transparent.
        unsafe { &*net.cast() }
    }

    /// The namespace of a request, like `genl_info_net()`.
    ///
    /// # Safety
    ///
    /// `info` belongs to a request that is being handled as long as it is borrowed.
    #[inline(always)]
    pub(super) unsafe fn of(info: &bindings::genl_info) -> &Self {
        #[cfg(CONFIG_NET_NS)]
        // SAFETY: The socket of a request keeps its namespace active.
        return unsafe { Self::from_raw(info._net.net) };
        #[cfg(not(CONFIG_NET_NS))]
        return Self::init();
    }

    /// The initial namespace.
    pub fn init() -> &'static Self {
        // SAFETY: It is never destroyed.
        unsafe { Self::from_raw(&raw const bindings::init_net) }
    }

    /// The `struct net`, for code that calls C or bindings: see the page on
    /// [calling C](super::guide::calling_c).
    ///
    /// It is valid, and the namespace active, as long as this is borrowed. Who keeps the pointer
    /// for longer keeps an [`ARef<Net>`](ARef) beside it.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut bindings::net {
        self.0.get()
    }

    /// The namespace of a file in `/proc/PID/ns` or of one that it is mounted at, like
    /// `get_net_ns_by_fd()`.
    ///
    /// It is a descriptor of the current task: that of the sender in a handler and in
    /// [`Dump::start`](super::Dump::start). In a job of the family there is none.
    ///
    /// Whoever has such a descriptor may name the namespace, and that is all: what they may do
    /// there is for [`Request::capable_over`](super::Request::capable_over) to say.
    ///
    /// Returns [`EBADF`] if nothing is open there and [`EINVAL`] if it is something else.
    ///
    /// # Examples
    ///
    /// A request names the namespace that it is about, by a descriptor or by a process, and else
    /// means its own.
    ///
    /// ```
    /// use genl::{Capability, Net, Op, Request};
    /// use kernel::{prelude::*, sync::aref::ARef};
    ///
    /// fn meant<O: Op>(
    ///     request: &Request<'_, O>,
    ///     fd: Option<u32>,
    ///     pid: Option<u32>,
    /// ) -> Result<ARef<Net>> {
    ///     let net = match (fd, pid) {
    ///         (Some(fd), _) => Net::by_fd(fd)?,
    ///         (None, Some(pid)) => Net::by_pid(pid)?,
    ///         (None, None) => return Ok(request.net().into()),
    ///     };
    ///     if !request.capable_over(&net, Capability::NET_ADMIN) {
    ///         request.extack().set_text(c"you are not the administrator of that network");
    ///         return Err(EPERM);
    ///     }
    ///     Ok(net)
    /// }
    /// ```
    pub fn by_fd(fd: u32) -> Result<ARef<Self>> {
        // CAST: As the core reads `IFLA_NET_NS_FD`: what is no `int` is no descriptor either.
        // SAFETY: This has no requirements.
        let net = from_err_ptr(unsafe { bindings::get_net_ns_by_fd(fd as c_int) })?;
        // SAFETY: It is not null where it is no error, and we have got a reference.
        Ok(unsafe { Self::counted(NonNull::new_unchecked(net)) })
    }

    /// The namespace that a process is in, like `get_net_ns_by_pid()`.
    ///
    /// The number is that which the current task sees, in its own pid namespace: see
    /// [`Net::by_fd`], which has an example. Anybody may name any process.
    ///
    /// Returns `ESRCH` if there is no such process or if it is just ending.
    pub fn by_pid(pid: u32) -> Result<ARef<Self>> {
        // CAST: As the core reads `IFLA_NET_NS_PID`.
        // SAFETY: This has no requirements.
        let net = from_err_ptr(unsafe { bindings::get_net_ns_by_pid(pid as bindings::pid_t) })?;
        // SAFETY: As in `by_fd`.
        Ok(unsafe { Self::counted(NonNull::new_unchecked(net)) })
    }

    /// The namespace that has the number `nsid` in this one, like `get_net_ns_by_id()`.
    ///
    /// `None` if the number is below zero or not assigned, or if its namespace is just going.
    ///
    /// # Examples
    ///
    /// A reply says where a peer is, and a later request may name that place.
    ///
    /// ```
    /// use genl::{Net, Op, Request};
    /// use kernel::{prelude::*, sync::aref::ARef};
    ///
    /// fn where_is<O: Op>(request: &Request<'_, O>, peer: &Net) -> Option<i32> {
    ///     request.net().assign_nsid(peer, GFP_KERNEL)
    /// }
    ///
    /// fn at<O: Op>(request: &Request<'_, O>, nsid: i32) -> Result<ARef<Net>> {
    ///     request.net().by_nsid(nsid).ok_or(ENOENT)
    /// }
    /// ```
    pub fn by_nsid(&self, nsid: i32) -> Option<ARef<Self>> {
        // SAFETY: By the type invariants.
        let net = unsafe { bindings::get_net_ns_by_id(self.as_ptr(), nsid) };
        // SAFETY: We have got a reference, where it is not null.
        NonNull::new(net).map(|net| unsafe { Self::counted(net) })
    }

    /// The number that `peer` has in this namespace, like `peernet2id()`: what user space reads by
    /// `RTM_GETNSID`. `None` if it has none (`NETNSA_NSID_NOT_ASSIGNED`).
    ///
    /// The example of [`Net::by_nsid`] assigns one.
    pub fn nsid_of(&self, peer: &Self) -> Option<i32> {
        // SAFETY: By the type invariants of both.
        nsid(unsafe { bindings::peernet2id(self.as_ptr(), peer.as_ptr()) })
    }

    /// The number that `peer` has in this namespace. It gets one if it has none, and whoever
    /// listens to such numbers is told (`RTM_NEWNSID`), like `peernet2id_alloc()`.
    ///
    /// `None` if there is no memory for it. `flags` are for telling the listeners only.
    ///
    /// Not for interrupts and softirqs: it takes a spinlock of the namespace.
    pub fn assign_nsid(&self, peer: &Self, flags: Flags) -> Option<i32> {
        // SAFETY: By the type invariants of both.
        nsid(unsafe { bindings::peernet2id_alloc(self.as_ptr(), peer.as_ptr(), gfp(flags)) })
    }

    /// # Safety
    ///
    /// `net` is valid, and the caller gives a reference away.
    unsafe fn counted(net: NonNull<bindings::net>) -> ARef<Self> {
        // INVARIANT: The reference keeps it active.
        // SAFETY: By the safety requirements of this function; the type is transparent.
        unsafe { ARef::from_raw(net.cast()) }
    }

    /// The number of the namespace, which is the inode number of its file in `/proc/PID/ns`. It may
    /// be used again when the namespace has gone.
    pub fn inum(&self) -> u32 {
        // SAFETY: By the type invariants; the member is written once.
        unsafe { (*self.as_ptr()).ns.inum }
    }

    /// A number that no other namespace ever has; user space reads it by `SO_NETNS_COOKIE`.
    pub fn cookie(&self) -> u64 {
        // SAFETY: As in `inum`.
        unsafe { (*self.as_ptr()).net_cookie }
    }
}

/// What the core says of a number that may not be assigned.
fn nsid(id: c_int) -> Option<i32> {
    (id >= 0).then_some(id)
}

impl PartialEq for Net {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

impl Eq for Net {}

#[kunit_tests(genl_net)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_found_by_its_process() -> Result {
        // That which runs this.
        // CAST: A process that runs has a number above zero.
        assert!(*Net::by_pid(current!().tgid() as u32)? == *Net::init());
        assert!(Net::by_pid(0).is_err_and(|error| error == ESRCH));
        assert!(Net::by_pid(u32::MAX).is_err_and(|error| error == ESRCH));
        Ok(())
    }

    #[test]
    fn what_is_no_descriptor_is_no_namespace() {
        assert!(Net::by_fd(u32::MAX).is_err_and(|error| error == EBADF));
        assert!(Net::by_fd(1 << 30).is_err_and(|error| error == EBADF));
    }

    #[test]
    fn a_namespace_is_found_by_its_number() -> Result {
        let init = Net::init();
        let nsid = init.assign_nsid(init, GFP_KERNEL).ok_or(ENOMEM)?;
        assert_eq!(init.nsid_of(init), Some(nsid));
        assert_eq!(init.assign_nsid(init, GFP_KERNEL), Some(nsid));
        assert!(init.by_nsid(nsid).is_some_and(|net| *net == *init));
        assert!(init.by_nsid(-1).is_none() && init.by_nsid(i32::MAX).is_none());
        Ok(())
    }
}
