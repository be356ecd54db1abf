// SPDX-License-Identifier: GPL-2.0

//! Command 20: nests that the core does not look into, and nests that are sent without their flag. It
//! carries attributes that its set and its operation do not have by themselves.

#![forbid(unsafe_code)]

use crate::{
    attributes::{
        pair,
        PairSet, //
    },
    genl::{
        self,
        kind::*,
        Attribute,
        Nested,
        Request,
        Responder,
        Sent,
        Unparsed, //
    },
    op,
    GenlTest, //
};
use kernel::prelude::*;

genl::attributes! {
    /// Nests of pairs, which the handler parses.
    pub(crate) mod nests: NestsSet {
        /// A pair.
        Strict = 1: AnyNest,
        /// One that is parsed as in old protocols.
        Deprecated = 2: AnyNest,
        /// An array.
        Array = 3: AnyNest,
        /// One that is parsed as in old protocols.
        OldArray = 4: AnyNest,
        /// Several pairs.
        Several = 5: Many<AnyNest>,
        /// A pair in a nest.
        Around = 6: Nest<AroundSet>,
        /// Values of any kind.
        Values = 7: AnyNest,
    }

    /// A nest with a nest that the core does not look into.
    pub(crate) mod around: AroundSet {
        /// A number.
        Number = 1: U32,
        /// A pair.
        Pair = 2: AnyNest,
    }

    /// All that was parsed: each attribute as it was, but for the flags.
    pub(crate) mod parsed: ParsedSet {
        /// A pair.
        Strict = 1: Noflag<Nest<PairSet>>,
        /// One that was parsed as in old protocols.
        Deprecated = 2: Noflag<Nest<PairSet>>,
        /// An array.
        Array = 3: Noflag<Indexed<Noflag<Nest<PairSet>>>>,
        /// One that was parsed as in old protocols.
        OldArray = 4: Noflag<Indexed<Noflag<Nest<PairSet>>>>,
        /// Several pairs.
        Several = 5: Many<Noflag<Nest<PairSet>>>,
        /// A pair in a nest.
        Around = 6: Noflag<Nest<WithinSet>>,
        /// Values of any kind.
        Values = 7: Noflag<Indexed<Binary>>,
    }

    /// [`AroundSet`] in a reply.
    pub(crate) mod within: WithinSet {
        /// A pair.
        Pair = 2: Noflag<Nest<PairSet>>,
    }
}

// As for what a spec forgets.
genl::attributes! {
    /// Beside the nests.
    pub(crate) mod beside in NestsSet {
        /// A number.
        Number = 8: U32 { max::<9>() },
        /// One that the operation does not carry.
        Unasked = 9: U32,
    }

    /// Beside what is in the nest.
    pub(crate) mod beside_pair in AroundSet {
        /// A number.
        Weight = 3: U32 { max::<9>() },
    }

    /// Both numbers.
    pub(crate) mod beside_parsed in ParsedSet {
        /// [`beside::Number`].
        Number = 8: U32,
        /// [`beside_pair::Weight`].
        Weight = 9: U32,
    }
}

genl::carries! {
    op::Nests [beside::Number];
}

/// How many pairs a list may have.
const PAIRS_MAX: usize = 16;

/// A list of pairs, with their numbers.
type Pairs<'a> = KBox<[Option<(u16, Nested<'a, PairSet>)>; PAIRS_MAX]>;

fn parse_all<'a>(
    nests: impl Iterator<Item = (u16, Unparsed<'a>)>,
    parse: impl Fn(Unparsed<'a>) -> Result<Nested<'a, PairSet>>,
) -> Result<Pairs<'a>> {
    let mut pairs = KBox::new([None; PAIRS_MAX], GFP_KERNEL)?;
    let mut free = pairs.iter_mut();
    for (number, nest) in nests {
        *free.next().ok_or(E2BIG)? = Some((number, parse(nest)?));
    }
    Ok(pairs)
}

impl GenlTest {
    pub(crate) fn nests<'a>(
        &self,
        request: Request<'a, op::Nests>,
        reply: Responder<'a, op::Nests>,
    ) -> Result<Sent<'a>> {
        let parse = |nest: Unparsed<'a>| nest.parse::<PairSet>();
        let parse_deprecated = |nest: Unparsed<'a>| nest.parse_deprecated::<PairSet>();
        let elements =
            |array: Option<Unparsed<'a>>| array.into_iter().flat_map(|array| array.nests());

        let strict = request.get(nests::Strict).map(parse).transpose()?;
        let deprecated = request
            .get(nests::Deprecated)
            .map(parse_deprecated)
            .transpose()?;
        let array = parse_all(elements(request.get(nests::Array)), parse)?;
        let old_array = parse_all(elements(request.get(nests::OldArray)), parse_deprecated)?;
        let several = request.get(nests::Several).map(|nest| (5, nest));
        let several = parse_all(several, parse)?;
        let around = request.get(nests::Around);
        let inside = around
            .and_then(|around| around.get(around::Pair))
            .map(parse)
            .transpose()?;

        let listed = |(number, nest): &(u16, Nested<'a, PairSet>)| (*number, pair(*nest));
        let message = (
            strict.map(|nest| parsed::Strict.put(pair(nest))),
            deprecated.map(|nest| parsed::Deprecated.put(pair(nest))),
            parsed::Array.indexed(array.iter().flatten().map(listed)),
            parsed::OldArray.indexed(old_array.iter().flatten().map(listed)),
            parsed::Several.each(several.iter().flatten().map(|(_, nest)| pair(*nest))),
            inside.map(|nest| parsed::Around.put((within::Pair.put(pair(nest)),))),
            request.get(nests::Values).map(|list| {
                let values = list.nests();
                parsed::Values.indexed(values.map(|(number, value)| (number, value.bytes())))
            }),
            request
                .get(beside::Number)
                .map(|number| beside_parsed::Number.put(number)),
            around
                .and_then(|around| around.get(beside_pair::Weight))
                .map(|weight| beside_parsed::Weight.put(weight)),
        );
        reply.send(&message)
    }
}
