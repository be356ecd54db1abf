// SPDX-License-Identifier: GPL-2.0
//! The core refuses a group without a name, with a warning.
//@ error: genl: a name: is empty

type State = ();

family!(Fam, "fam", [], [MulticastGroup::new("", Listen::Anyone)]); //~ WRONG
family!(Fam, "fam", [], [MulticastGroup::new("g", Listen::Anyone)]); //~ RIGHT
