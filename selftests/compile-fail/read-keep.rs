// SPDX-License-Identifier: GPL-2.0
//! What was read from a request is gone when the request is.
//@ error: borrowed data escapes outside of (associated function|method)

type State = kernel::sync::SpinLock<&'static [u8]>;

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::binary(8)];
}

impl Op for Set {
    type Policy = Self;
}

impl Do for Set {
    fn doit(fam: &Fam, request: Request<'_, Self>) -> Result {
        let bytes = request.binary::<1>().ok_or(EINVAL)?;
        *fam.kept.lock() = bytes; //~ WRONG
        *fam.kept.lock() = if bytes.is_empty() { b"" } else { b"some" }; //~ RIGHT
        Ok(())
    }
}
