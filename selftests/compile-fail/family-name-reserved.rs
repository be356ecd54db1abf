// SPDX-License-Identifier: GPL-2.0
//! With one of these names genl_register_family() runs into a BUG_ON() or hands out reserved ids.
//@ error: genl: NET_DM: is a name that the core treats in its own way

type State = ();

family!(Fam, "NET_DM", [], []); //~ WRONG
family!(Fam, "NET_DM2", [], []); //~ RIGHT
