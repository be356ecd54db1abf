// SPDX-License-Identifier: GPL-2.0

//! The tables of a family, as the core wants them: operations and multicast groups.
//!
//! What the core would find wrong with one does not compile.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::ffi;
use core::marker::PhantomData;
use kernel::bindings;

/// The longest name of a family or a group, in bytes: `GENL_NAMSIZ` less the terminator.
pub(super) const NAME_MAX: usize = 15;

/// Who may listen to a group. The example of [`MulticastGroup`] has two of these.
#[derive(Clone, Copy)]
pub enum Listen {
    /// Everybody.
    Anyone,
    /// Whoever has `CAP_NET_ADMIN` over the network namespace when joining.
    NetAdmin,
    /// Whoever has `CAP_SYS_ADMIN` over the network namespace when joining.
    SysAdmin,
}

/// A multicast group in the table of the family `F`.
///
/// Mirrors `struct genl_multicast_group`.
///
/// # Examples
///
/// A family with a group for anyone and one for the administrator of the network, which is told
/// when somebody joins. Its command sets a value and tells of it in each way that there is.
///
/// ```
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use genl::{
///     kind::U32,
///     Attribute,
///     Bind,
///     Family,
///     FamilyDescriptor,
///     MulticastGroup,
///     Request,
///     SplitOp, //
/// };
/// use kernel::prelude::*;
///
/// genl::attributes! {
///     /// A gauge.
///     pub(crate) mod gauge: GaugeSet {
///         /// Its value.
///         Value = 1: U32,
///         /// A port that is told of it.
///         Port = 2: U32,
///     }
/// }
///
/// genl::operations! {
///     for Gauge;
///
///     /// Sets the value.
///     do Set = "set" 1, Anyone, GaugeSet [gauge::Value, gauge::Port] => set;
/// }
///
/// genl::groups! {
///     for Gauge;
///     Values = 0 "values", Anyone;
///     Alarms = 1 "alarms", NetAdmin;
/// }
///
/// genl::notifications! {
///     for Gauge;
///
///     /// There is a new value.
///     Changed = "changed" 2, GaugeSet => Values;
///
///     /// The value is too large.
///     Alarm = "alarm" 3, GaugeSet => Alarms;
/// }
///
/// struct Gauge {
///     value: Atomic<u32>,
///     joined: Atomic<u32>,
/// }
///
/// impl Family for Gauge {
///     const NAME: &'static str = "gauge";
///     const VERSION: u8 = 1;
///     const OPS: &'static [SplitOp<Self>] = OPS;
///     const GROUPS: &'static [MulticastGroup<Self>] = GROUPS;
///
///     fn descriptor() -> &'static FamilyDescriptor<Self> {
///         // `new()` for a family that is not told who joins and leaves.
///         static DESCRIPTOR: FamilyDescriptor<Gauge> = FamilyDescriptor::with_bind();
///         &DESCRIPTOR
///     }
/// }
///
/// impl Bind for Gauge {
///     fn bind(&self, _group: u32) {
///         self.joined.fetch_add(1, Relaxed);
///     }
/// }
///
/// impl Gauge {
///     fn set(&self, request: Request<'_, Set>) -> Result {
///         let value = request.need(gauge::Value)?;
///         let old = self.value.xchg(value, Relaxed);
///         // Who has joined since the last time does not know the value.
///         if old == value && self.joined.xchg(0, Relaxed) == 0 {
///             return Ok(());
///         }
///         let (family, net) = (request.registered(), request.net());
///         let message = (gauge::Value.put(value),);
///         // The value has changed, so the request succeeds, whoever could not be told.
///         let _ = match value {
///             // To the listeners in the namespace of the request, as `request.multicast()`.
///             0..=9 => family.multicast::<Changed>(net, &message, GFP_KERNEL),
///             // To all of them but the sender.
///             10..=19 => {
///                 let sender = request.portid();
///                 family.multicast_except::<Changed>(net, sender, &message, GFP_KERNEL)
///             }
///             // As an answer to the request, and to the sender if it asks for an echo.
///             20..=99 => request.notify::<Changed>(&message, GFP_KERNEL),
///             // To the listeners in all namespaces.
///             _ => family.multicast_allns::<Alarm>(&message, GFP_KERNEL),
///         };
///         // What costs something to find out is worth it only where somebody listens.
///         if value > 50 && family.has_listeners::<Alarms>(net) {
///             let step = (gauge::Value.put(old.abs_diff(value)),);
///             let _ = family.multicast::<Alarm>(net, &step, GFP_KERNEL);
///         }
///         // To one port, which has not asked for it.
///         match request.get(gauge::Port) {
///             Some(port) => family.unicast::<Changed>(net, port, &message, GFP_KERNEL),
///             None => Ok(()),
///         }
///     }
/// }
/// ```
#[repr(transparent)]
pub struct MulticastGroup<F> {
    group: bindings::genl_multicast_group,
    // Invariant: a subtype of a type has implementations of its own.
    _family: PhantomData<fn(F) -> F>,
}

impl<F> MulticastGroup<F> {
    /// A group with a name of 1 to 15 bytes. `listen` says who may listen.
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

/// An entry of the table in the making, made by [`do_`](super::do_), [`do_reply`](super::do_reply)
/// or [`dump`](super::dump()).
pub struct Entry<F> {
    pub(super) raw: bindings::genl_split_ops,
    pub(super) name: &'static str,
    // Invariant: a subtype of a type has implementations of its own.
    pub(super) _family: PhantomData<fn(F) -> F>,
}

/// An entry of the table of the family `F`, made by [`table`].
///
/// # Invariants
///
/// The callbacks, the policy and its length belong to the same operation of `F`.
#[repr(transparent)]
pub struct SplitOp<F> {
    raw: bindings::genl_split_ops,
    // Invariant: a subtype of a type has implementations of its own.
    _family: PhantomData<fn(F) -> F>,
}

// SAFETY: The table is never written to, and its pointers point to constants and functions.
unsafe impl<F> Sync for SplitOp<F> {}

impl<F> SplitOp<F> {
    const EMPTY: Self = Self {
        raw: pin_init::zeroed(),
        _family: PhantomData,
    };

    /// Whether `next` may stand right behind this one, see [`check_order`].
    pub(super) const fn may_precede(&self, next: &Self) -> bool {
        order_fault(&self.raw, &next.raw).is_none()
    }
}

/// Makes the table of a family from its entries, in ascending order of their commands, a do in
/// front of the dump of the same command.
pub const fn table<F, const N: usize>(entries: [Entry<F>; N]) -> [SplitOp<F>; N] {
    core::assert!(N <= 255, "genl: a family has at most 255 operations");
    let mut ops = [const { SplitOp::EMPTY }; N];
    let mut i = 0;
    while i < N {
        if i > 0 {
            check_order(&entries[i - 1], &entries[i]);
        }
        // INVARIANT: `entry` and its callers fill in what belongs to one operation, and the type
        // of the entry says that its family is `F`.
        ops[i].raw = entries[i].raw;
        i += 1;
    }
    ops
}

const fn check_order<F>(a: &Entry<F>, b: &Entry<F>) {
    if let Some(fault) = order_fault(&a.raw, &b.raw) {
        fail(b.name, fault);
    }
}

/// The rules for two entries in a row, as in `genl_validate_ops()`: what is wrong with the second.
const fn order_fault(
    a: &bindings::genl_split_ops,
    b: &bindings::genl_split_ops,
) -> Option<&'static str> {
    const DO: u32 = bindings::GENL_CMD_CAP_DO;
    const DUMP: u32 = bindings::GENL_CMD_CAP_DUMP;
    // CAST: They have eight bits.
    let (x, y) = (a.flags as u32, b.flags as u32);
    if a.cmd > b.cmd {
        Some("must stand in front of an operation with a larger command number")
    } else if a.cmd < b.cmd {
        None
    } else if x & y & (DO | DUMP) != 0 {
        Some("has the command number and the direction of another operation")
    } else if x & DUMP != 0 {
        Some("must stand in front of the dump of the same command")
    } else if (x ^ y) & !(DO | DUMP) != 0 {
        Some("must have the same access for do and dump")
    } else {
        None
    }
}

/// Stops the compiler with a message that names what is wrong.
pub(super) const fn fail(name: &'static str, why: &'static str) -> ! {
    let mut text = [0u8; 256];
    let mut len = 0;
    let parts = ["genl: ", name, ": ", why];
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut i = 0;
        while i < bytes.len() && len < text.len() {
            text[len] = bytes[i];
            len += 1;
            i += 1;
        }
        part += 1;
    }
    match core::str::from_utf8(text.split_at(len).0) {
        Ok(text) => core::panic!("{}", text),
        Err(_) => core::panic!("genl: a name is too long"),
    }
}

/// Whether two texts are the same.
pub(super) const fn same(a: &[u8], b: &[u8]) -> bool {
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
