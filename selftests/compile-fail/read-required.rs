// SPDX-License-Identifier: GPL-2.0
//! An attribute that may be missing has to be looked for before it is used.
//@ error: mismatched types

type State = ();

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

pub struct Inner;

impl Policy for Inner {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32()];
}

pub struct Lookalike;

impl Policy for Lookalike {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::string(8)];
}

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::nested::<Inner>()];
}

impl Op for Set {
    type Policy = Self;
}

impl Do for Set {
    fn doit(_: &Fam, request: Request<'_, Self>) -> Result {
        let value: u32 = request.u32::<1>(); //~ WRONG
        let value: u32 = request.u32::<1>().ok_or_else(|| request.missing::<1>())?; //~ RIGHT
        if value == 0 { Err(EINVAL) } else { Ok(()) }
    }
}
