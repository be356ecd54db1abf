// SPDX-License-Identifier: GPL-2.0
//! Reading a request and refusing it.
//!
//@ type: genl: the policy gives this attribute another type
//@     The policy has seen to four bytes, not to eight.
//@ unknown: genl: the policy has no attribute of this number
//@     Behind the last attribute of the policy there is other memory.
//@ nest: genl: the policy gives this nest other attributes
//@     The nest was validated by another policy.
//@ required: mismatched types
//@     An attribute may be missing.
//@ refuse-unknown: genl: the policy has no attribute of this number
//@     An extended ack names attributes of the policy only.
//@ refuse-text: does not live long enough
//@     The core reads the text after the handler has returned.
//@ keep: borrowed data escapes outside of (associated function|method)
//@     What was read from a request is gone when the request is.

type State = kernel::sync::SpinLock<&'static [u8]>;

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
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32(),
        Attr::nested::<Inner>(),
        Attr::binary(8),
    ];
}

impl Op for Set {
    type Policy = Self;
}

impl Do for Set {
    fn doit(fam: &Fam, request: Request<'_, Self>) -> Result {
        let _ = request.u64::<1>(); //~ type
        let _ = request.u32::<4>(); //~ unknown
        let value: u32 = request.u32::<1>(); //~ required
        let value: u32 = request.u32::<1>().ok_or_else(|| request.missing::<1>())?; //~ not required

        let _ = request.nest::<2, Lookalike>(); //~ nest
        let nest = request.nest::<2, Inner>().ok_or(EINVAL)?;
        nest.u32::<1>().ok_or_else(|| request.missing_in::<1, _>(&nest))?;

        let bytes = request.binary::<3>().ok_or(EINVAL)?;
        *fam.kept.lock() = bytes; //~ keep
        *fam.kept.lock() = if bytes.is_empty() { b"" } else { b"some" };

        let text = [110u8, 111, 0];
        let text = CStr::from_bytes_with_nul(&text).map_err(|_| EINVAL)?; //~ refuse-text
        let text = c"no"; //~ not refuse-text
        if value == 0 {
            return Err(request.refuse::<4>(EINVAL, text)); //~ refuse-unknown
            return Err(request.refuse::<1>(EINVAL, text)); //~ not refuse-unknown
        }
        Ok(())
    }
}
