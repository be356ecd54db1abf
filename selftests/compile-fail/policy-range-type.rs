// SPDX-License-Identifier: GPL-2.0
//! The type can not hold the limit.
//@ error: genl: the range of an attribute exceeds its type

type State = ();

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u8().max::<256>(), //~ WRONG
        Attr::u8().max::<255>(), //~ RIGHT
    ];
}

impl Op for Set {
    type Policy = Self;
}

do_nothing!(Set);
