// SPDX-License-Identifier: GPL-2.0
//! Attribute 0 is never used: the core looks at it for another purpose.
//@ error: genl: attribute 0 of a policy must be Attr::unused\(\)

type State = ();

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[
        Attr::u32(), //~ WRONG
        Attr::unused(), //~ RIGHT
        Attr::u32(),
    ];
}

impl Op for Set {
    type Policy = Self;
}

do_nothing!(Set);
