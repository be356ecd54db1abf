// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of `genl_trace.h`. One that is off costs a nop.
//!
//! They are found as `events/MODULE/genl_*` in tracefs. `kernel::tracepoint::declare_trace!` does
//! this for tracepoints of the kernel itself and cannot be used by an external module.

use super::ffi;
use kernel::{
    bindings,
    prelude::*, //
};

macro_rules! tracepoints {
    ($(
        $(#[$doc:meta])*
        fn $name:ident($($arg:ident: $type:ty),*) = $key:ident, $call:ident;
    )*) => {
        $(
            $(#[$doc])*
            #[inline(always)]
            pub(super) unsafe fn $name($($arg: $type),*) {
                // SAFETY: A tracepoint has a static key that is never freed while the module runs.
                let on = unsafe {
                    kernel::jump_label::static_branch_unlikely!(ffi::$key, bindings::tracepoint, key)
                };
                if on {
                    // SAFETY: By the safety requirements of this function.
                    unsafe { ffi::$call($($arg),*) };
                }
            }
        )*
    };
}

tracepoints! {
    /// A do has been parsed and is about to be handled.
    ///
    /// # Safety
    ///
    /// `info` belongs to a request that is being handled, and `skb` is null.
    fn do_enter(
        info: *const bindings::genl_info,
        skb: *const bindings::sk_buff,
        result: c_int
    ) = __tracepoint_genl_do_enter, rust_do_trace_genl_do_enter;

    /// A do has been handled.
    ///
    /// # Safety
    ///
    /// `info` belongs to a request that is being handled, and `skb` is null.
    fn do_exit(
        info: *const bindings::genl_info,
        skb: *const bindings::sk_buff,
        result: c_int
    ) = __tracepoint_genl_do_exit, rust_do_trace_genl_do_exit;

    /// A buffer of a dump is ready.
    ///
    /// # Safety
    ///
    /// `info` and `skb` belong to the round of a dump that is about to return.
    fn dump_buffer(
        info: *const bindings::genl_info,
        skb: *const bindings::sk_buff,
        result: c_int
    ) = __tracepoint_genl_dump_buffer, rust_do_trace_genl_dump_buffer;

    /// A notification has been sent, or could not be.
    ///
    /// # Safety
    ///
    /// `family` is registered and has the group, and `net` is null or valid.
    fn notify(
        family: *const bindings::genl_family,
        group: c_uint,
        net: *const bindings::net,
        result: c_int
    ) = __tracepoint_genl_notify, rust_do_trace_genl_notify;
}
