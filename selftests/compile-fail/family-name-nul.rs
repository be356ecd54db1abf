// SPDX-License-Identifier: GPL-2.0
//! User space would see a shorter name.
//@ error: has a NUL in its name

type State = ();

family!(Fam, "two\0names", [], []); //~ WRONG
family!(Fam, "two-names", [], []); //~ RIGHT
