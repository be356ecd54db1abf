// SPDX-License-Identifier: GPL-2.0

//! A family that asks C for the devices of a network namespace: `devices.c` beside this file gets
//! the namespace, the request and the extended ack.

#[path = "../../../rust/genl/mod.rs"]
mod genl;

use core::ffi::c_void;
use genl::{
    kind::*,
    Family,
    FamilyDescriptor,
    Listen,
    ModuleFamily,
    MulticastGroup,
    Net,
    Request,
    Responder,
    Sent,
    SplitOp, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    ThisModule, //
};

genl::module_family! {
    type: Bridge,
    alias: false,
    name: "genl_bridge",
    authors: ["The rust-genl authors"],
    description: "Family half in Rust and half in C, for the tests of rust/genl",
    license: "GPL",
}

// Locks of the kernel have keys without fields where lockdep is not configured.
#[allow(improper_ctypes)]
extern "C" {
    fn devices_find(
        net: *mut bindings::net,
        info: *const bindings::genl_info,
        extack: *mut bindings::netlink_ext_ack,
    ) -> c_int;
    fn devices_for_each(
        net: *mut bindings::net,
        seen: unsafe extern "C" fn(*mut c_void, *mut bindings::net, c_int),
        context: *mut c_void,
    );
    fn devices_family(family: *const bindings::genl_family, net: *mut bindings::net) -> c_int;
    fn devices_sender(skb: *const bindings::sk_buff, info: *const bindings::genl_info) -> u32;
}

struct Bridge;

impl Family for Bridge {
    const NAME: &'static str = "genl-bridge";
    const VERSION: u8 = 1;
    const GROUPS: &'static [MulticastGroup<Self>] =
        &[MulticastGroup::new("devices", Listen::Anyone)];
    const OPS: &'static [SplitOp<Self>] = OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Bridge> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

impl ModuleFamily for Bridge {
    fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> {
        Ok(Self)
    }
}

genl::attributes! {
    /// Which device.
    pub(crate) mod find: FindSet {
        /// By its name.
        // CAST: It is 16.
        Name = 1: Str { max_len(bindings::IFNAMSIZ as u16 - 1) },
        /// By its index.
        ByIndex = 2: Nest<ByIndexSet>,
    }

    /// A device, by its index.
    pub(crate) mod by_index: ByIndexSet {
        /// The index.
        Index = 1: U32,
    }

    /// What is known of a device, of its namespace and of who asks.
    pub(crate) mod found: FoundSet {
        /// The index of the device.
        Index = 1: U32,
        /// How many devices the namespace has.
        Count = 2: U32,
        /// The cookie of the namespace.
        Cookie = 3: U64,
        /// Who asks, as C sees it.
        Sender = 4: U32,
        /// What C says of the family.
        Family = 5: S32,
    }
}

genl::operations! {
    for Bridge;

    /// Find a device by its name, or by its index.
    do_reply Find = "find" 1, Anyone, FindSet [find::Name, find::ByIndex] -> FoundSet => find;
}

genl::messages! {
    /// The reply of find.
    pub(crate) struct Found: FoundSet for Find {
        index: found::Index,
        count: found::Count,
        cookie: found::Cookie,
        sender: found::Sender,
        family: found::Family,
    }
}

/// The devices of a namespace, as C has shown them.
#[derive(Default)]
struct Seen {
    count: u32,
    cookie: u64,
}

/// Takes a look at a device.
///
/// # Safety
///
/// `context` is a [`Seen`] that nobody else uses, and `net` a namespace that is active.
unsafe extern "C" fn seen(context: *mut c_void, net: *mut bindings::net, _index: c_int) {
    // SAFETY: By the safety requirements of this function.
    let (seen, net) = unsafe { (&mut *context.cast::<Seen>(), Net::from_raw(net)) };
    seen.count = seen.count.wrapping_add(1);
    seen.cookie = net.cookie();
}

impl Bridge {
    fn find<'a>(&self, request: Request<'a, Find>, reply: Responder<'a, Find>) -> Result<Sent<'a>> {
        let (net, info) = (request.net().as_ptr(), request.as_ptr());
        // SAFETY: All three belong to a request that is being handled; its attributes are those of
        // the policy, a string that is terminated and a nest with a number.
        let index = unsafe { devices_find(net, info, request.extack().as_ptr()) };
        to_result(index)?;
        let mut all = Seen::default();
        // SAFETY: The namespace is that of a socket that is in use, and C calls back before it
        // returns, with the namespace of its devices, which is the same.
        unsafe { devices_for_each(net, seen, (&raw mut all).cast()) };
        // SAFETY: Both belong to the request.
        let sender = unsafe { devices_sender(request.skb(), info) };
        // SAFETY: A family with a request is registered, and it has one group.
        let family = unsafe { devices_family(request.registered().as_ptr(), net) };
        reply.send(&Found {
            // CAST: It is not negative.
            index: Some(index as u32),
            count: Some(all.count),
            cookie: Some(all.cookie),
            sender: Some(sender),
            family: Some(family),
        })
    }
}
