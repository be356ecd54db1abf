// SPDX-License-Identifier: GPL-2.0

//! Multicast groups and the notifications that are sent to them.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`struct
//! genl_multicast_group`)

use super::{
    ffi,
    message::Command,
    op::fail,
    Family, //
};
use core::marker::PhantomData;
use kernel::bindings;

/// The longest name of a family or a group, in bytes: `GENL_NAMSIZ` less the terminator.
pub(super) const NAME_MAX: usize = 15;

/// Who may listen to a group.
#[derive(Clone, Copy)]
pub enum Listen {
    /// Everybody.
    Anyone,
    /// Sockets whose owner has `CAP_NET_ADMIN` over the network namespace.
    NetAdmin,
    /// Sockets whose owner has `CAP_SYS_ADMIN` over the network namespace.
    SysAdmin,
}

/// A multicast group in the table of the family `F`.
///
/// Mirrors `struct genl_multicast_group`.
#[repr(transparent)]
pub struct MulticastGroup<F> {
    group: bindings::genl_multicast_group,
    _family: PhantomData<fn() -> F>,
}

impl<F> MulticastGroup<F> {
    /// A group with a name of 1 to 15 bytes. Who may listen has to be said.
    pub const fn new(name: &'static str, listen: Listen) -> Self {
        let mut group: bindings::genl_multicast_group = pin_init::zeroed();
        group.name = name_bytes(name);
        group.flags = match listen {
            Listen::Anyone => 0,
            Listen::NetAdmin => ffi::GENL_RS_MCAST_CAP_NET_ADMIN,
            Listen::SysAdmin => ffi::GENL_RS_MCAST_CAP_SYS_ADMIN,
        };
        Self {
            group,
            _family: PhantomData,
        }
    }

    /// The name, padded with NULs.
    pub(super) const fn name(&self) -> &[u8; NAME_MAX + 1] {
        &self.group.name
    }
}

/// A name as the core keeps it: terminated, in 16 bytes.
pub(super) const fn name_bytes(name: &'static str) -> [u8; NAME_MAX + 1] {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        fail("a name", "is empty");
    }
    if bytes.len() > NAME_MAX {
        fail(name, "is longer than 15 bytes");
    }
    let mut padded = [0; NAME_MAX + 1];
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == 0 {
            fail(name, "has a NUL in its name");
        }
        padded[i] = bytes[i];
        i += 1;
    }
    padded
}

/// A group of a family, as a type: a message can not be sent to the group of another family.
pub trait Group: 'static {
    /// The family that has the group.
    type Family: Family;

    /// Where the group stands in [`Family::GROUPS`].
    const INDEX: u32;
}

/// A command that is a notification.
pub trait Notify: Command {
    /// The group that it is sent to.
    type Group: Group<Family = Self::Family>;
}
