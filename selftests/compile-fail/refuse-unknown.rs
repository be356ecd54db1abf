// SPDX-License-Identifier: GPL-2.0
//! An extended ack names attributes of the policy only.
//@ error: genl: the policy has no attribute of this number

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
        Err(request.refuse::<3>(EINVAL, c"no")) //~ WRONG
        Err(request.refuse::<1>(EINVAL, c"no")) //~ RIGHT
    }
}
