// SPDX-License-Identifier: GPL-2.0
//! Reading a request and refusing it.
//!
// covers: trap 6, trap 7
//@ carried: `Get` does not carry the attribute `outer::Bytes`
//@     The request never has it: the policy of this operation refuses it.
//@ needed: `Get` does not carry the attribute `outer::Bytes`
//@     The handler would refuse each request.
//@ missed: `Get` does not carry the attribute `outer::Bytes`
//@     The sender would be asked for what is refused.
// covers: surface 3b, trap 7, trap 23
//@ refused: `Get` does not carry the attribute `outer::Bytes`
//@     An extended ack names attributes of the request only.
//@ no-attributes: `Ping` does not carry the attribute `outer::Number`
//@     The request has no table of attributes at all.
//@ number: `\{integer\}` is no attribute
//@     Numbers stand in declarations only.
//@ set: `Set` does not carry the attribute `inner::Number`
//@     It is in a nest of the request, not in the request.
//@ nest-set: `InnerSet` does not carry the attribute `outer::Number`
//@     It is in the request, not in the nest.
//@ need-nest-set: `InnerSet` does not carry the attribute `outer::Number`
//@     It is in the request, not in the nest.
//@ missing-nest-set: `InnerSet` does not carry the attribute `outer::Number`
//@     The extended ack would have the number of an attribute of the nest.
//@ need-flag: `genl::kind::Flag` is no kind that has one value
//@     A flag that must be there says nothing.
//@ need-many: `genl::kind::Many<genl::kind::U32>` is no kind that has one value
//@     What comes several times is read as an iterator.
//@ any: `Get` is no set of attributes
//@     It carries one of them only, and who reads the request would ask for all.
//@ type: genl: the policy gives this attribute another type
//@     The policy has seen to four bytes, not to eight.
// covers: trap 6, trap 7
//@ beside: call to unsafe function .*Kind::get
//@     Nobody has looked whether the policy has the attribute.
// covers: trap 6, trap 7
//@ unknown: genl: the policy has no attribute of this number
//@     Behind the last attribute of the policy there is other memory.
//@ nest: genl: the policy gives this nest other attributes
//@     The nest was validated by another policy.
//@ nest-static: genl: the policy gives this nest other attributes
//@     What contains itself is compared by where it is, and not by what it says.
// covers: surface 2a, trap a
//@ required: mismatched types
//@ below: expected `u32`, found `Option<u32>`
//@     An attribute may be missing.
// covers: surface 3b, trap 7, trap 23
//@ refuse-unknown: genl: the policy has no attribute of this number
//@     An extended ack names attributes of the policy only.
// covers: surface 3a, trap 22
//@ refuse-text: `text` does not live long enough
//@     The core reads the text after the handler has returned.
// covers: surface 3b
//@ refuse-in: `InnerSet` does not carry the attribute `outer::Number`
//@     An extended ack names attributes of the nest only.
// covers: surface 3b
//@ refuse-in-unknown: genl: the policy has no attribute of this number
//@     The nest has no attribute of this number.
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

family!(Fam, "fam", OPS, &[]);

genl::attributes! {
    pub(crate) mod outer: OuterSet {
        Number = 1: U32,
        Inside = 2: Nest<InnerSet>,
        Bytes = 3: Binary { max_len(8) },
        List = 4: Indexed<Nest<InnerSet>>,
        Exact = 5: Array<8>,
        Range = 6: Binary { len_range(8, 9) },
        Keyed = 7: Nest<KeySet>,
        Unparsed = 8: AnyNest,
        Numbers = 9: Many<U32>,
        Present = 10: Flag,
        Tree = 11: Nest<TreeSet>,
    }

    pub(crate) mod inner: InnerSet {
        Number = 1: U32,
    }

    pub(crate) mod tree: TreeSet static TREE {
        Child = 1: NestIn<TreeSet> = Attr::nested_in(&TREE),
        Number = 2: U32,
    }

    pub(crate) mod twin: TwinSet static TWIN {
        Child = 1: NestIn<TwinSet> = Attr::nested_in(&TWIN),
        Number = 2: U32,
    }

    pub(crate) mod lookalike: LookalikeSet {
        Number = 1: Str { max_len(8) },
    }

    pub(crate) mod key: KeySet {
        Key = 1: Array<8>,
    }

    pub(crate) mod long_key: LongKeySet {
        Key = 1: Array<9>,
    }
}

// Declared by hand, beside those of a spec. All but the last ones are not what the policy says.
attribute!(Wide of OuterSet = 1: U64);
attribute!(Unknown of OuterSet = 12: U32);
attribute!(UnknownInside of InnerSet = 2: U32);
attribute!(WideNumbers of OuterSet = 9: Many<U64>);
attribute!(Lookalikes of OuterSet = 4: Indexed<Nest<LookalikeSet>>);
attribute!(LookalikeInside of OuterSet = 2: Nest<LookalikeSet>);
attribute!(TwinInside of OuterSet = 11: Nest<TwinSet>);
attribute!(Longer of OuterSet = 5: Array<9>);
attribute!(FromRange of OuterSet = 6: Array<8>);
attribute!(Shorter of OuterSet = 5: Many<Array<7>>);
attribute!(LongKeyed of OuterSet = 7: Nest<LongKeySet>);
attribute!(Parsed of OuterSet = 8: Nest<NoAttrs>);
attribute!(ParsedAll of OuterSet = 8: Many<Nest<NoAttrs>>);
attribute!(UnparsedInside of OuterSet = 2: AnyNest);
attribute!(Keys of OuterSet = 5: Many<Array<8>>);
attribute!(Same of OuterSet = 1: U32);

genl::operations! {
    for Fam;
    do Set = "set" 1, Anyone, OuterSet [..] => set;
    do Get = "get" 2, Anyone, OuterSet [outer::Number] => get;
    do Ping = "ping" 3, Anyone, OuterSet [] => ping;
}

impl Fam {
    fn get(&self, request: Request<'_, Get>) -> Result {
        let _ = request.get(outer::Number);
        let _ = request.get(outer::Bytes); //~ carried
        let _ = request.need(outer::Bytes)?; //~ needed
        let _ = request.missing(outer::Bytes); //~ missed
        let _ = request.any(); //~ any
        Err(request.refuse(outer::Bytes, EINVAL, c"no")) //~ refused
        Err(request.refuse(outer::Number, EINVAL, c"no")) //~ not refused
    }

    fn ping(&self, request: Request<'_, Ping>) -> Result {
        let _ = request.get(outer::Number); //~ no-attributes
        Ok(())
    }

    fn set(&self, request: Request<'_, Set>) -> Result {
        let _: Option<&[u8]> = request.any().get(outer::Bytes);
        let _ = request.get(1); //~ number
        let _ = request.get(inner::Number); //~ set
        let _ = request.get(Wide); //~ type
        let _ = <U64 as Kind>::get(&request, 1); //~ beside
        let _ = request.get(Unknown); //~ unknown
        let value: u32 = request.get(outer::Number); //~ required
        let value: u32 = request.need(outer::Number)?; //~ not required
        let _ = request.get(Same).ok_or_else(|| request.missing(Same))?;
        let _ = request.need(outer::Present)?; //~ need-flag
        let _: bool = request.get(outer::Present);
        let _ = request.need(outer::Numbers)?; //~ need-many

        let _ = request.get(LookalikeInside); //~ nest
        let _ = request.get(TwinInside); //~ nest-static
        let _ = request.get(outer::Tree).and_then(|tree| tree.get(tree::Child)?.get(tree::Number));
        let nest = request.need(outer::Inside)?;
        let _ = nest.get(outer::Number); //~ nest-set
        let _ = nest.need(outer::Number)?; //~ need-nest-set
        let _ = nest.missing(outer::Number); //~ missing-nest-set
        nest.get(inner::Number).ok_or_else(|| nest.missing(inner::Number))?;
        let _ = nest.need(inner::Number)?;

        let _ = request.get(WideNumbers); //~ all-type
        let _ = request.get(outer::Numbers);
        let _ = request.get(Lookalikes); //~ array
        let _ = request.get(outer::List);

        let _ = request.get(Longer); //~ exact
        let _ = request.get(FromRange); //~ exact-range
        let _ = request.get(Shorter); //~ exact-all
        let _ = request.get(LongKeyed); //~ exact-nest
        let _: Option<&[u8; 8]> = request.get(outer::Exact);
        let _ = request.get(Keys);
        let _ = request.get(outer::Keyed).and_then(|key| key.get(key::Key).copied());

        let _ = request.get(Parsed); //~ unparsed
        let _ = request.get(ParsedAll); //~ unparsed-all
        let _ = request.get(UnparsedInside); //~ parsed
        let any = request.need(outer::Unparsed)?;
        let parsed = any.parse::<InnerSet>()?;
        let _: Nested<'static, InnerSet> = parsed; //~ keep-nest

        if value == 3 {
            return Err(nest.refuse(outer::Number, EINVAL, c"no")); //~ refuse-in
            return Err(nest.refuse(UnknownInside, EINVAL, c"no")); //~ refuse-in-unknown
            return Err(nest.refuse(inner::Number, EINVAL, c"no")); //~ not refuse-in refuse-in-unknown
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

        *self.kept.lock() = request.bytes(); //~ keep-bytes
        *self.kept.lock() = if request.bytes().is_empty() { b"" } else { b"some" }; //~ not keep-bytes
        let bytes = request.need(outer::Bytes)?;
        *self.kept.lock() = bytes; //~ keep
        *self.kept.lock() = if bytes.is_empty() { b"" } else { b"some" };

        let text = [110u8, 111, 0];
        let text = CStr::from_bytes_with_nul(&text).map_err(|_| EINVAL)?; //~ refuse-text
        let text = c"no"; //~ not refuse-text
        if value == 0 {
            return Err(request.refuse(Unknown, EINVAL, text)); //~ refuse-unknown
            return Err(request.refuse(outer::Number, EINVAL, text)); //~ not refuse-unknown
        }
        Ok(())
    }
}
