// SPDX-License-Identifier: GPL-2.0
//! Entries out of order make genl_register_family() warn and fail.
//@ error: genl: first: must stand in front of an operation with a larger command number

type State = ();

family!(
    Fam,
    "fam",
    [
        genl::do_::<Second>(), //~ WRONG
        genl::do_::<First>(),
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
