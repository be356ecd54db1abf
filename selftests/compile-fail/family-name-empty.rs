// SPDX-License-Identifier: GPL-2.0
//! A family without a name can not be asked for.
//@ error: genl: a name: is empty

type State = ();

family!(Fam, "", [], []); //~ WRONG
family!(Fam, "f", [], []); //~ RIGHT
