// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of `genl_trace.h`. One that is off costs a nop.
//!
//! They are found as `events/MODULE/genl_*` in tracefs. `kernel::tracepoint::declare_trace!` does
//! this for tracepoints of the kernel itself and cannot be used by an external module.

use super::ffi;
use core::ptr::null;
use kernel::{
    bindings,
    prelude::*, //
};

macro_rules! tracepoints {
    ($($name:ident = $key:ident, $call:ident;)*) => {
        $(
            /// # Safety
            ///
            /// What is not null is valid, and the family is registered.
            #[inline(always)]
            unsafe fn $name(
                family: *const bindings::genl_family,
                info: *const bindings::genl_info,
                skb: *const bindings::sk_buff,
                group: *const bindings::genl_multicast_group,
                net: *const bindings::net,
                result: c_int,
            ) {
                // SAFETY: A tracepoint has a static key that is never freed while the module runs.
                let on = unsafe {
                    kernel::jump_label::static_branch_unlikely!(
                        ffi::$key,
                        bindings::tracepoint,
                        key
                    )
                };
                if on {
                    // SAFETY: By the safety requirements of this function.
                    unsafe { ffi::$call(family, info, skb, group, net, result) };
                }
            }
        )*
    };
}

tracepoints! {
    genl_do_enter = __tracepoint_genl_do_enter, rust_do_trace_genl_do_enter;
    genl_do_exit = __tracepoint_genl_do_exit, rust_do_trace_genl_do_exit;
    genl_dump_buffer = __tracepoint_genl_dump_buffer, rust_do_trace_genl_dump_buffer;
    genl_notify = __tracepoint_genl_notify, rust_do_trace_genl_notify;
}

/// A do has been parsed and is about to be handled.
///
/// # Safety
///
/// `info` belongs to a request that is being handled.
#[inline(always)]
pub(super) unsafe fn do_enter(info: &bindings::genl_info) {
    // SAFETY: By the safety requirements of this function.
    unsafe { genl_do_enter(info.family, info, null(), null(), null(), 0) };
}

/// A do has been handled.
///
/// # Safety
///
/// `info` belongs to a request that is being handled.
#[inline(always)]
pub(super) unsafe fn do_exit(info: &bindings::genl_info, result: c_int) {
    // SAFETY: By the safety requirements of this function.
    unsafe { genl_do_exit(info.family, info, null(), null(), null(), result) };
}

/// A buffer of a dump is ready.
///
/// # Safety
///
/// `info` and `skb` belong to the round of a dump that is about to return.
#[inline(always)]
pub(super) unsafe fn dump_buffer(
    info: &bindings::genl_info,
    skb: *const bindings::sk_buff,
    result: c_int,
) {
    // SAFETY: By the safety requirements of this function.
    unsafe { genl_dump_buffer(info.family, info, skb, null(), null(), result) };
}

/// A notification has been sent, or could not be.
///
/// # Safety
///
/// `family` is registered and has the group, and `net` is null or valid.
#[inline(always)]
pub(super) unsafe fn notify(
    family: *const bindings::genl_family,
    group: c_uint,
    net: *const bindings::net,
    result: c_int,
) {
    // CAST: The index of a group is small.
    // SAFETY: By the safety requirements of this function.
    unsafe {
        let group = (*family).mcgrps.add(group as usize);
        genl_notify(family, null(), null(), group, net, result);
    }
}
