// SPDX-License-Identifier: GPL-2.0
//! Do and dump of a command have the same flags, or the family is refused.
//@ error: genl: get-all: must have the same access for do and dump

type State = ();

family!(
    Fam,
    "fam",
    [
        genl::do_::<Get>(),
        genl::dump::<GetAll>(),
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
    const ACCESS: Access = Access::Admin; //~ WRONG
    const ACCESS: Access = Access::Anyone; //~ RIGHT
}

do_nothing!(Get);
dump_nothing!(GetAll);
