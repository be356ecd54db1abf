// SPDX-License-Identifier: GPL-2.0

//! A family that asks C for the devices of a network namespace: `devices.c` beside this file gets
//! the namespace, the request and the extended ack.

#[path = "../../../rust/genl/mod.rs"]
mod genl;

use core::ffi::c_void;
use genl::{
    layout::{
        S32,
        U32,
        U64, //
    },
    Attr,
    Command,
    DoReply,
    Family,
    FamilyDescriptor,
    Layout,
    Listen,
    Message,
    ModuleFamily,
    MulticastGroup,
    Net,
    Op,
    Policy,
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
    const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_reply::<Find>()]);

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

/// Find a device by its name, or by its index.
struct Find;

impl Command for Find {
    type Family = Bridge;
    const NAME: &'static str = "find";
    const NUMBER: u8 = 1;
}

struct ByIndex;

impl Policy for ByIndex {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32()];
}

impl Policy for Find {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        // CAST: It is 16.
        Attr::string(bindings::IFNAMSIZ as u16 - 1),
        Attr::nested::<ByIndex>(),
    ];
}

impl Op for Find {
    type Policy = Self;
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

/// What is known of a device, of its namespace and of who asks.
struct Found {
    index: u32,
    seen: Seen,
    sender: u32,
    family: i32,
}

impl Message<Find> for Found {
    fn layout(&self) -> impl Layout + '_ {
        (
            U32::<1>(self.index),
            U32::<2>(self.seen.count),
            U64::<3>(self.seen.cookie),
            U32::<4>(self.sender),
            S32::<5>(self.family),
        )
    }
}

impl DoReply for Find {
    fn doit<'a>(
        _: &Bridge,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
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
            index: index as u32,
            seen: all,
            sender,
            family,
        })
    }
}
