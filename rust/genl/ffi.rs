// SPDX-License-Identifier: GPL-2.0

//! The C side: what bindgen makes of `helpers.h`, beyond what `kernel::bindings` has.

#![allow(
    clippy::all,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    unreachable_pub
)]

use kernel::{
    bindings::*,
    ffi, //
};

// The build exports the path, since the output folder may be another one than that of the sources.
core::include!(core::env!("GENL_BINDINGS"));
