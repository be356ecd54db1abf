// SPDX-License-Identifier: GPL-2.0
//! User space finds a group by its name.
//@ error: genl: fam: has two multicast groups of the same name

type State = ();

family!(
    Fam,
    "fam",
    [],
    [
        MulticastGroup::new("one", Listen::Anyone),
        MulticastGroup::new("one", Listen::NetAdmin), //~ WRONG
        MulticastGroup::new("two", Listen::NetAdmin), //~ RIGHT
    ]
);
