// SPDX-License-Identifier: GPL-2.0

//! Allocation flags, for C.

use kernel::{
    alloc::{
        flags::*,
        Flags, //
    },
    bindings,
    task::might_sleep, //
};

/// The bits of allocation flags, which the `kernel` crate keeps to itself, as far as they matter
/// for a message.
///
/// Flags that allow to sleep say so here, and not only when there is no memory or a listener is
/// slow: a kernel with `CONFIG_DEBUG_ATOMIC_SLEEP` tells who is in atomic context.
#[track_caller]
#[inline(always)]
pub(super) fn gfp(flags: Flags) -> bindings::gfp_t {
    // Each may contain others.
    let known = [
        (GFP_KERNEL, bindings::GFP_KERNEL),
        (GFP_KERNEL_ACCOUNT, bindings::GFP_KERNEL_ACCOUNT),
        (GFP_ATOMIC, bindings::GFP_ATOMIC),
        (GFP_NOWAIT, bindings::GFP_NOWAIT),
        (__GFP_NOWARN, bindings::__GFP_NOWARN),
    ];
    let mut raw = 0;
    for (flag, bits) in known {
        if flags.contains(flag) {
            raw |= bits;
        }
    }
    if raw & (1 << bindings::___GFP_DIRECT_RECLAIM_BIT) != 0 {
        might_sleep();
    }
    raw
}
