// SPDX-License-Identifier: GPL-2.0
//! A group says who may listen: to forget it has been a hole in several families.
//@ error: this function takes 2 arguments but 1 argument was supplied

type State = ();

family!(Fam, "fam", [], [MulticastGroup::new("events")]); //~ WRONG
family!(Fam, "fam", [], [MulticastGroup::new("events", Listen::NetAdmin)]); //~ RIGHT
