// SPDX-License-Identifier: GPL-2.0
//! The policy has seen to four bytes, not to eight.
//@ error: genl: the policy gives this attribute another type

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
        let _ = request.u64::<1>(); //~ WRONG
        let _ = request.u32::<1>(); //~ RIGHT
        Ok(())
    }
}
