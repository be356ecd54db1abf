// SPDX-License-Identifier: GPL-2.0
//! The core refuses a group whose name is not terminated, with a warning.
//@ error: genl: sixteen-letters-: is longer than 15 bytes

type State = ();

family!(Fam, "fam", [], [MulticastGroup::new("sixteen-letters-", Listen::Anyone)]); //~ WRONG
family!(Fam, "fam", [], [MulticastGroup::new("fifteen-letters", Listen::Anyone)]); //~ RIGHT
