// SPDX-License-Identifier: GPL-2.0

//! Command 20: nests that the core does not look into, and nests that are sent without their flag.

#![forbid(unsafe_code)]

use crate::{
    attributes::Pair,
    commands,
    genl::{
        layout::{
            Bytes,
            Each,
            ElementNoflag,
            NestNoflag,
            Numbered,
            U16,
            U32, //
        },
        AnyNest,
        Attr,
        DoReply,
        Layout,
        Message,
        Nested,
        Op,
        Policy,
        Request,
        Responder,
        Sent, //
    },
    GenlTest, //
};
use kernel::prelude::*;

commands! {
    /// Return the pairs in each of the nests.
    Nests = 20, "nests";
}

/// A nest with a nest that the core does not look into.
pub(crate) struct Around;

impl Policy for Around {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::any_nest()];
}

impl Policy for Nests {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        // A pair, and one that is parsed as in old protocols.
        Attr::any_nest(),
        Attr::any_nest(),
        // Arrays of both.
        Attr::any_nest(),
        Attr::any_nest(),
        // Several pairs.
        Attr::any_nest(),
        Attr::nested::<Around>(),
        // Values of any kind.
        Attr::any_nest(),
    ];
}

impl Op for Nests {
    type Policy = Self;
}

/// The parts of a pair.
fn parts(pair: Nested<'_, Pair>) -> impl Layout {
    (pair.u32::<1>().map(U32::<1>), pair.u16::<2>().map(U16::<2>))
}

/// How many pairs a list may have.
const PAIRS_MAX: usize = 16;

/// An element of a list, as it was.
fn value<'a>((number, element): (u16, AnyNest<'a>)) -> Numbered<Bytes<'a, 1>> {
    Numbered(number, Bytes(element.bytes()))
}

/// A list of pairs, with their numbers.
type Pairs<'a> = KBox<[Option<(u16, Nested<'a, Pair>)>; PAIRS_MAX]>;

fn parse_all<'a>(
    nests: impl Iterator<Item = (u16, AnyNest<'a>)>,
    parse: impl Fn(AnyNest<'a>) -> Result<Nested<'a, Pair>>,
) -> Result<Pairs<'a>> {
    let mut pairs = KBox::new([None; PAIRS_MAX], GFP_KERNEL)?;
    let mut free = pairs.iter_mut();
    for (number, nest) in nests {
        *free.next().ok_or(E2BIG)? = Some((number, parse(nest)?));
    }
    Ok(pairs)
}

/// All that was parsed.
struct Reply<'a> {
    strict: Option<Nested<'a, Pair>>,
    deprecated: Option<Nested<'a, Pair>>,
    array: Pairs<'a>,
    old_array: Pairs<'a>,
    several: Pairs<'a>,
    inside: Option<Nested<'a, Pair>>,
    values: Option<AnyNest<'a>>,
}

fn array<'a>(pairs: &'a Pairs<'a>) -> impl Layout + 'a {
    Each::new(
        pairs
            .iter()
            .flatten()
            .map(|(number, pair)| ElementNoflag(*number, parts(*pair))),
    )
}

impl Message<Nests> for Reply<'_> {
    fn layout(&self) -> impl Layout + '_ {
        (
            self.strict.map(|pair| NestNoflag::<1, _>(parts(pair))),
            self.deprecated.map(|pair| NestNoflag::<2, _>(parts(pair))),
            NestNoflag::<3, _>(array(&self.array)),
            NestNoflag::<4, _>(array(&self.old_array)),
            Each::new(
                self.several
                    .iter()
                    .flatten()
                    .map(|(number, pair)| Numbered(*number, NestNoflag::<5, _>(parts(*pair)))),
            ),
            self.inside
                .map(|pair| NestNoflag::<6, _>((NestNoflag::<2, _>(parts(pair)),))),
            self.values
                .map(|list| NestNoflag::<7, _>(Each::new(list.nests().map(value)))),
        )
    }
}

impl DoReply for Nests {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let extack = request.extack();
        let parse = |nest: AnyNest<'a>| nest.parse::<Pair>(extack);
        let parse_deprecated = |nest: AnyNest<'a>| nest.parse_deprecated::<Pair>(extack);
        let elements =
            |array: Option<AnyNest<'a>>| array.into_iter().flat_map(|array| array.nests());
        let inside = request.nest::<6, Around>();
        reply.send(&Reply {
            strict: request.any_nest::<1>().map(parse).transpose()?,
            deprecated: request.any_nest::<2>().map(parse_deprecated).transpose()?,
            array: parse_all(elements(request.any_nest::<3>()), parse)?,
            old_array: parse_all(elements(request.any_nest::<4>()), parse_deprecated)?,
            several: parse_all(request.all::<5, AnyNest<'_>>().map(|nest| (5, nest)), parse)?,
            inside: inside
                .and_then(|around| around.any_nest::<2>())
                .map(parse)
                .transpose()?,
            values: request.any_nest::<7>(),
        })
    }
}
