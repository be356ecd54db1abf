// SPDX-License-Identifier: GPL-2.0

//! Who has sent a request, and what the sender may do.

use super::{
    command::Op,
    net::Net,
    request::Request,
    wire::control_block, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// Who has sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The process, by its number in the pid namespace that it was in.
    pub pid: u32,
    /// The user, by its number in the initial user namespace.
    pub uid: u32,
    /// The group, by its number in the initial user namespace.
    pub gid: u32,
}

/// A capability, `CAP_*` of
/// [`include/uapi/linux/capability.h`](srctree/include/uapi/linux/capability.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability(c_int);

// CAST: Capabilities are small numbers.
impl Capability {
    /// `CAP_NET_ADMIN`
    pub const NET_ADMIN: Self = Self(bindings::CAP_NET_ADMIN as c_int);
    /// `CAP_NET_RAW`
    pub const NET_RAW: Self = Self(bindings::CAP_NET_RAW as c_int);
    /// `CAP_SYS_ADMIN`
    pub const SYS_ADMIN: Self = Self(bindings::CAP_SYS_ADMIN as c_int);

    /// Another one, by its number.
    pub const fn new(number: u32) -> Self {
        core::assert!(
            number <= bindings::CAP_LAST_CAP,
            "genl: there is no capability of this number"
        );
        Self(number as c_int)
    }
}

impl<O: Op> Request<'_, O> {
    /// Who has sent the request, when the message was sent.
    ///
    /// The kernel checks it, but leaves the sender a choice (`SCM_CREDENTIALS`, see unix(7)). The
    /// sender may name any of its own user and group numbers. With privilege in its own user
    /// namespace it may name others too. To decide what the sender may do, ask for a capability.
    pub fn sender(&self) -> Sender {
        // SAFETY: By the type invariants.
        let creds = unsafe { (*control_block(self.skb)).creds };
        Sender {
            pid: creds.pid,
            uid: creds.uid.val,
            gid: creds.gid.val,
        }
    }

    /// Returns whether the sender has a capability in the initial user namespace, like
    /// `netlink_capable()`.
    ///
    /// If the message was sent without an address, the opener of the socket must have had the
    /// capability too. For `CAP_NET_ADMIN` there is [`Op::ACCESS`].
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Capability, Op, Request};
    /// use kernel::prelude::*;
    ///
    /// fn only_raw<O: Op>(request: &Request<'_, O>) -> Result {
    ///     if !request.net_capable(Capability::NET_RAW) {
    ///         request.extack().set_text(c"this needs CAP_NET_RAW");
    ///         return Err(EPERM);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn capable(&self, capability: Capability) -> bool {
        // SAFETY: By the type invariants.
        unsafe { bindings::netlink_capable(self.skb, capability.0) }
    }

    /// Returns whether the sender has a capability over the network namespace, like
    /// `netlink_net_capable()`.
    pub fn net_capable(&self, capability: Capability) -> bool {
        // SAFETY: By the type invariants.
        unsafe { bindings::netlink_net_capable(self.skb, capability.0) }
    }

    /// Returns whether the sender has a capability in the user namespace that another network
    /// namespace belongs to, like `netlink_ns_capable()` with the `user_ns` of a `struct net`. Of
    /// the request's own one [`Request::net_capable`] tells.
    ///
    /// The example of [`Net::by_fd`] uses this.
    pub fn capable_over(&self, net: &Net, capability: Capability) -> bool {
        // SAFETY: By the type invariants of both; a namespace has a reference to its user
        // namespace, which never changes.
        unsafe {
            let user_ns = (*net.as_ptr()).user_ns;
            bindings::netlink_ns_capable(self.skb, user_ns, capability.0)
        }
    }
}
