// SPDX-License-Identifier: GPL-2.0
//! A string has a length, not a range.
//@ error: genl: only unsigned numbers have a range

type State = ();

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::string(8).max::<5>(), //~ WRONG
        Attr::string(8), //~ RIGHT
    ];
}

impl Op for Set {
    type Policy = Self;
}

do_nothing!(Set);
