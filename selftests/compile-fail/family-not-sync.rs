// SPDX-License-Identifier: GPL-2.0
//! Handlers run at the same time, so what they share must be Sync.
//@ error: cannot be shared between threads safely

type State = Cell<u32>; //~ WRONG
type State = core::sync::atomic::AtomicU32; //~ RIGHT

family!(Fam, "fam", [], []);
