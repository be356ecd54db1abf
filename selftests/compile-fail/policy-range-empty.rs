// SPDX-License-Identifier: GPL-2.0
//! No value fits.
//@ error: genl: the range of an attribute is empty

type State = ();

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32().range::<5, 4>(), //~ WRONG
        Attr::u32().range::<4, 5>(), //~ RIGHT
    ];
}

impl Op for Set {
    type Policy = Self;
}

do_nothing!(Set);
