// SPDX-License-Identifier: GPL-2.0
//! An operation of another family would be called with a state of another type.
//@ error: mismatched types

type State = ();

family!(Fam, "fam", [genl::do_::<Mine>()], []);
family!(Other, "other", [genl::do_::<Theirs>()], []);

command!(Mine of Other, "mine" = 1); //~ WRONG
command!(Mine of Fam, "mine" = 1); //~ RIGHT
command!(Theirs of Other, "theirs" = 1);

impl Op for Mine {
    type Policy = NoAttrs;
}

impl Op for Theirs {
    type Policy = NoAttrs;
}

do_nothing!(Mine);
do_nothing!(Theirs);
