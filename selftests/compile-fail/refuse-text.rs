// SPDX-License-Identifier: GPL-2.0
//! The core reads the text after the handler has returned.
//@ error: does not live long enough

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
        let text = [110u8, 111, 0];
        let text = CStr::from_bytes_with_nul(&text).map_err(|_| EINVAL)?; //~ WRONG
        let text = CStr::from_bytes_with_nul(&text).map_or(c"no", |_| c"no"); //~ RIGHT
        Err(request.refuse::<1>(EINVAL, text))
    }
}
