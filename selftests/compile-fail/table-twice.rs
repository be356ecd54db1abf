// SPDX-License-Identifier: GPL-2.0
//! Two entries with the same command and direction make genl_register_family() fail.
//@ error: genl: first: has the command number and the direction of another operation

type State = ();

family!(
    Fam,
    "fam",
    [
        genl::do_::<First>(),
        genl::do_::<First>(), //~ WRONG
        genl::do_::<Second>(), //~ RIGHT
    ],
    []
);
command!(First of Fam, "first" = 1);
command!(Second of Fam, "second" = 2);

impl Op for First {
    type Policy = NoAttrs;
}

impl Op for Second {
    type Policy = NoAttrs;
}

do_nothing!(First);
do_nothing!(Second);
