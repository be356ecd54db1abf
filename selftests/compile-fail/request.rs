// SPDX-License-Identifier: GPL-2.0
//! Reading a request and refusing it.
//!
//@ type: genl: the policy gives this attribute another type
//@     The policy has seen to four bytes, not to eight.
// covers: trap 6, trap 7
//@ unknown: genl: the policy has no attribute of this number
//@     Behind the last attribute of the policy there is other memory.
//@ nest: genl: the policy gives this nest other attributes
//@     The nest was validated by another policy.
// covers: surface 2a, trap a
//@ required: mismatched types
//@     An attribute may be missing.
// covers: surface 3b, trap 7, trap 23
//@ refuse-unknown: genl: the policy has no attribute of this number
//@     An extended ack names attributes of the policy only.
// covers: surface 3a, trap 22
//@ refuse-text: does not live long enough
//@     The core reads the text after the handler has returned.
// covers: surface 3b
//@ refuse-in: genl: the policy has no attribute of this number
//@     An extended ack names attributes of the nest only.
// covers: surface 3d
//@ cookie: genl: a cookie has 1 to 8 bytes
//@     The core keeps eight bytes.
// covers: surface 2b
//@ all-type: genl: the policy gives this attribute another type
//@     The policy has seen to four bytes, not to eight.
// covers: surface 2e
//@ exact: genl: the policy gives this attribute another length
//@     The array would have other bytes than the attribute.
// covers: surface 2e
//@ exact-range: genl: the policy gives this attribute another length
//@     The attribute may be shorter than the array.
// covers: surface 2e
//@ exact-all: genl: the policy gives this attribute another length
//@     The arrays would have other bytes than the attributes.
// covers: surface 2e
//@ exact-nest: genl: the policy gives this nest other attributes
//@     The nest was validated by a policy with another length.
// covers: surface 2f
//@ unparsed: genl: the handler parses this nest, see Attr::any_nest\(\)
//@     Nobody has validated what is inside.
// covers: surface 2f
//@ unparsed-all: genl: the handler parses this nest, see Attr::any_nest\(\)
//@     Nobody has validated what is inside of each.
// covers: surface 2f
//@ parsed: genl: the policy of this nest is known, so the core has parsed it
//@     Another policy would have something else to say.
// covers: surface 2f
//@ keep-nest: lifetime may not live long enough
//@     What was parsed from a request is gone when the request is.
// covers: surface 2c
//@ array: genl: the policy gives this nest other attributes
//@     The elements were validated by another policy.
// covers: surface 7b
//@ capability: genl: there is no capability of this number
//@     The core answers such a question with a BUG_ON().
// covers: surface 8a
//@ keep-net: lifetime may not live long enough
//@     A namespace may go when the request does not hold it any more.
// covers: surface 12a
//@ from-raw: call to unsafe function .*from_raw
//@     Nobody would say that the namespace is there.
// covers: surface 12a
//@ keep-bytes: borrowed data escapes outside of (associated function|method)
//@     The message is gone when the request is.
// covers: trap l
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

pub struct Key;

impl Policy for Key {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::exact(8)];
}

pub struct LongKey;

impl Policy for LongKey {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::exact(9)];
}

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32(),
        Attr::nested::<Inner>(),
        Attr::binary(8),
        Attr::nested_array::<Inner>(),
        Attr::exact(8),
        Attr::binary_range(8, 9),
        Attr::nested::<Key>(),
        Attr::any_nest(),
    ];
}

impl Op for Set {
    type Policy = Self;
}

impl Do for Set {
    fn doit(fam: &Fam, request: Request<'_, Self>) -> Result {
        let _ = request.u64::<1>(); //~ type
        let _ = request.u32::<9>(); //~ unknown
        let value: u32 = request.u32::<1>(); //~ required
        let value: u32 = request.u32::<1>().ok_or_else(|| request.missing::<1>())?; //~ not required

        let _ = request.nest::<2, Lookalike>(); //~ nest
        let nest = request.nest::<2, Inner>().ok_or(EINVAL)?;
        nest.u32::<1>().ok_or_else(|| request.missing_in::<1, _>(&nest))?;

        let _ = request.all::<1, u64>(); //~ all-type
        let _ = request.all::<1, u32>();
        let _ = request.nested_array::<4, Lookalike>(); //~ array
        let _ = request.nested_array::<4, Inner>();

        let _ = request.array::<5, 9>(); //~ exact
        let _ = request.array::<6, 8>(); //~ exact-range
        let _ = request.all::<5, &[u8; 7]>(); //~ exact-all
        let _ = request.nest::<7, LongKey>(); //~ exact-nest
        let _: Option<&[u8; 8]> = request.array::<5, 8>();
        let _ = request.all::<5, &[u8; 8]>();
        let _ = request.nest::<7, Key>().and_then(|key| key.array::<1, 8>().copied());

        let _ = request.nest::<8, NoAttrs>(); //~ unparsed
        let _ = request.all::<8, Nested<'_, NoAttrs>>(); //~ unparsed-all
        let _ = request.any_nest::<2>(); //~ parsed
        let any = request.any_nest::<8>().ok_or(EINVAL)?;
        let parsed = any.parse::<Inner>(request.extack())?;
        let _: Nested<'static, Inner> = parsed; //~ keep-nest

        if value == 3 {
            return Err(request.refuse_in::<2, _>(&nest, EINVAL, c"no")); //~ refuse-in
            return Err(request.refuse_in::<1, _>(&nest, EINVAL, c"no")); //~ not refuse-in
        }
        request.extack().set_cookie(b"123456789"); //~ cookie
        request.extack().set_cookie(b"12345678");
        request.capable(const { Capability::new(41) }); //~ capability
        request.capable(const { Capability::new(40) });
        let _: &'static Net = request.net(); //~ keep-net
        let _: kernel::sync::aref::ARef<Net> = request.net().into();

        let net = request.net().as_ptr();
        let _ = Net::from_raw(net); //~ from-raw
        // SAFETY: It is that of the request.
        let _ = unsafe { Net::from_raw(net) }; //~ not from-raw

        *fam.kept.lock() = request.bytes(); //~ keep-bytes
        *fam.kept.lock() = if request.bytes().is_empty() { b"" } else { b"some" }; //~ not keep-bytes
        let bytes = request.binary::<3>().ok_or(EINVAL)?;
        *fam.kept.lock() = bytes; //~ keep
        *fam.kept.lock() = if bytes.is_empty() { b"" } else { b"some" };

        let text = [110u8, 111, 0];
        let text = CStr::from_bytes_with_nul(&text).map_err(|_| EINVAL)?; //~ refuse-text
        let text = c"no"; //~ not refuse-text
        if value == 0 {
            return Err(request.refuse::<9>(EINVAL, text)); //~ refuse-unknown
            return Err(request.refuse::<1>(EINVAL, text)); //~ not refuse-unknown
        }
        Ok(())
    }
}
