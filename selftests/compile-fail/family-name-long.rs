// SPDX-License-Identifier: GPL-2.0
//! genl_register_family() copies no more than 16 bytes, terminator included, and does not check.
//@ error: genl: sixteen-letters-: is longer than 15 bytes

type State = ();

family!(Fam, "sixteen-letters-", [], []); //~ WRONG
family!(Fam, "fifteen-letters", [], []); //~ RIGHT
