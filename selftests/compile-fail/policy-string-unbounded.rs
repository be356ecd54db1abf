// SPDX-License-Identifier: GPL-2.0
//! A string without a limit lets a request of any size through.
//@ error: genl: a string needs a maximal length above 0

type State = ();

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::string(0), //~ WRONG
        Attr::string(1), //~ RIGHT
    ];
}

impl Op for Set {
    type Policy = Self;
}

do_nothing!(Set);
