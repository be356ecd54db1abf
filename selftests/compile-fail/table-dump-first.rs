// SPDX-License-Identifier: GPL-2.0
//! The do of a command stands in front of its dump.
//@ error: genl: get: must stand in front of the dump of the same command

type State = ();

family!(
    Fam,
    "fam",
    [
        genl::dump::<GetAll>(), //~ WRONG
        genl::do_::<Get>(),
        genl::dump::<GetAll>(), //~ RIGHT
    ],
    []
);
command!(Get of Fam, "get" = 1);
command!(GetAll of Fam, "get-all" = 1);

impl Op for Get {
    type Policy = NoAttrs;
}

impl Op for GetAll {
    type Policy = NoAttrs;
}

do_nothing!(Get);
dump_nothing!(GetAll);
