// SPDX-License-Identifier: GPL-2.0

//! Command 2: echoes an attribute of each type that a policy has.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        layout::*,
        Attr,
        Command,
        DoReply,
        Layout,
        Message,
        Nested,
        NoAttrs,
        Op,
        Policy,
        Request,
        Responder,
        Sent,
        Validate,
        ValidateBytes, //
    },
    GenlTest, //
};
use kernel::prelude::*;

/// Return each attribute as it was sent.
pub(crate) struct Types;

impl Command for Types {
    type Family = GenlTest;
    const NAME: &'static str = "types";
    const NUMBER: u8 = 2;
}

impl Op for Types {
    type Policy = Self;
}

/// A number that has to be a power of two.
struct PowerOfTwo;

impl Validate for PowerOfTwo {
    type Value = u32;

    fn validate(value: u32) -> core::result::Result<(), &'static CStr> {
        if value.is_power_of_two() {
            Ok(())
        } else {
            Err(c"must be a power of two")
        }
    }
}

/// A string that has letters only.
struct Letters;

impl ValidateBytes for Letters {
    fn validate(text: &[u8]) -> core::result::Result<(), &'static CStr> {
        if text.iter().all(u8::is_ascii_alphabetic) {
            Ok(())
        } else {
            Err(c"letters only")
        }
    }
}

/// Bytes of which there is an even number.
struct Pairs;

impl ValidateBytes for Pairs {
    fn validate(bytes: &[u8]) -> core::result::Result<(), &'static CStr> {
        if bytes.len() % 2 == 0 {
            Ok(())
        } else {
            Err(c"one is left over")
        }
    }
}

/// A check for numbers, in whatever form they arrive: a smallest value.
macro_rules! at_least {
    ($name:ident, $type:ty, $min:literal) => {
        struct $name;

        impl Validate for $name {
            type Value = $type;

            fn validate(value: $type) -> core::result::Result<(), &'static CStr> {
                if value >= $min {
                    Ok(())
                } else {
                    Err(c"too small")
                }
            }
        }
    };
}

at_least!(Large, u64, 1000);
at_least!(NotVeryNegative, i64, -1000);
at_least!(UserPort, u16, 1024);
at_least!(NotInNetZero, u32, 0x0100_0000);

/// A number, and what is below it: nodes in nodes.
struct Node;

static NODE: [Attr; 3] = [Attr::unused(), Attr::u32(), Attr::nested_in(&NODE)];

impl Policy for Node {
    const ATTRS: &'static [Attr] = &NODE;
}

/// Two numbers.
pub(crate) struct Pair;

impl Policy for Pair {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::u16()];
}

impl Policy for Types {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u8(),
        Attr::u16(),
        Attr::u32(),
        Attr::u64(),
        Attr::s8(),
        Attr::s16(),
        Attr::s32(),
        Attr::s64(),
        Attr::uint(),
        Attr::sint(),
        Attr::be16(),
        Attr::be32(),
        Attr::msecs(),
        Attr::flag(),
        Attr::string(16),
        Attr::unterminated_string(16),
        Attr::binary(16),
        Attr::exact(6),
        Attr::binary_range(2, 8),
        Attr::binary_min(4),
        Attr::bitfield32(0x0f),
        Attr::nested::<Node>(),
        Attr::nested_array::<Pair>(),
        Attr::reject(c"gone since version 1"),
        Attr::u32(),
        Attr::u8().range::<10, 20>(),
        Attr::u64().range::<1, { 1 << 40 }>(),
        Attr::s32().signed_range::<-5, 5>(),
        Attr::s64().signed_range::<{ -(1 << 40) }, { 1 << 40 }>(),
        Attr::u32().mask(0xf0),
        Attr::u32().validate::<PowerOfTwo>(),
        Attr::be16().range::<1000, 2000>(),
        Attr::uint().max::<{ 1 << 33 }>(),
        Attr::s8().signed_range::<-100, 100>(),
        Attr::string(8),
        Attr::nested::<Pair>(),
        Attr::binary_range(2, 40000),
        Attr::u32(),
        Attr::u32(),
        Attr::nested::<NoAttrs>(),
        Attr::string(16).validate_bytes::<Letters>(),
        Attr::unterminated_string(16).validate_bytes::<Letters>(),
        Attr::binary(16).validate_bytes::<Pairs>(),
        Attr::exact(32),
        Attr::exact(6),
        Attr::uint().validate::<Large>(),
        Attr::sint().validate::<NotVeryNegative>(),
        Attr::be16().validate::<UserPort>(),
        Attr::be32().validate::<NotInNetZero>(),
        Attr::msecs().validate::<Large>(),
        Attr::be16(),
        Attr::be32(),
    ];
}

impl Nested<'_, Node> {
    /// How many nodes are below this one, itself included, and the sum of their numbers.
    fn depth(self) -> (u32, u32) {
        let (mut depth, mut sum) = (0u32, 0u32);
        let mut node = Some(self);
        while let Some(this) = node {
            depth = depth.wrapping_add(1);
            sum = sum.wrapping_add(this.u32::<1>().unwrap_or(0));
            node = this.nest::<2, Node>();
        }
        (depth, sum)
    }
}

fn pair<const ATTR: u16>(nest: Nested<'_, Pair>) -> impl Layout {
    Nest::<ATTR, _>((nest.u32::<1>().map(U32::<1>), nest.u16::<2>().map(U16::<2>)))
}

struct Reply<'a>(&'a Request<'a, Types>);

impl Message<Types> for Reply<'_> {
    fn layout(&self) -> impl Layout + '_ {
        let request = self.0;
        let node = request.nest::<22, Node>().map(Nested::depth);
        (
            (
                request.u8::<1>().map(U8::<1>),
                request.u16::<2>().map(U16::<2>),
                request.u32::<3>().map(U32::<3>),
                request.u64::<4>().map(U64::<4>),
                request.s8::<5>().map(S8::<5>),
                request.s16::<6>().map(S16::<6>),
                request.s32::<7>().map(S32::<7>),
                request.s64::<8>().map(S64::<8>),
                request.uint::<9>().map(UInt::<9>),
                request.sint::<10>().map(SInt::<10>),
                request.be16::<11>().map(Be16::<11>),
                request.be32::<12>().map(Be32::<12>),
            ),
            (
                request.msecs::<13>().map(U64::<13>),
                request.flag::<14>().then_some(Flag::<14>),
                request.string::<15>().map(Str::<15>::new),
                request.unterminated_string::<16>().map(Bytes::<16>),
                request.binary::<17>().map(Bytes::<17>),
                request.binary::<18>().map(Bytes::<18>),
                request.binary::<19>().map(Bytes::<19>),
                request.binary::<20>().map(Bytes::<20>),
                request.bitfield32::<21>().map(Bits::<21>),
                Some(request.nested_array::<23, Pair>())
                    .filter(|array| array.clone().next().is_some())
                    .map(|array| {
                        let element = |(index, nest): (u16, Nested<'_, Pair>)| {
                            let parts =
                                (nest.u32::<1>().map(U32::<1>), nest.u16::<2>().map(U16::<2>));
                            Element(index, parts)
                        };
                        Nest::<23, _>(Each::new(array.map(element)))
                    }),
            ),
            (
                Each::new(request.all::<25, u32>().map(U32::<25>)),
                request.u8::<26>().map(U8::<26>),
                request.u64::<27>().map(U64::<27>),
                request.s32::<28>().map(S32::<28>),
                request.s64::<29>().map(S64::<29>),
                request.u32::<30>().map(U32::<30>),
                request.u32::<31>().map(U32::<31>),
                request.be16::<32>().map(Be16::<32>),
                request.uint::<33>().map(UInt::<33>),
                request.s8::<34>().map(S8::<34>),
                Each::new(request.all::<35, &CStr>().map(Str::<35>::new)),
                Each::new(request.all::<36, Nested<'_, Pair>>().map(pair::<36>)),
            ),
            (
                request.binary::<37>().map(Bytes::<37>),
                node.map(|(depth, _)| U32::<38>(depth)),
                node.map(|(_, sum)| U32::<39>(sum)),
                request.nest::<40, NoAttrs>().map(|_| Nest::<40, _>(())),
                request.string::<41>().map(Str::<41>::new),
                request.unterminated_string::<42>().map(Bytes::<42>),
                request.binary::<43>().map(Bytes::<43>),
                request.array::<44, 32>().map(Array::<44, 32, _>),
                Each::new(request.all::<45, &[u8; 6]>().map(Array::<45, 6, _>)),
                request.uint::<46>().map(UInt::<46>),
                request.sint::<47>().map(SInt::<47>),
                request.be16::<48>().map(Be16::<48>),
            ),
            (
                request.be32::<49>().map(Be32::<49>),
                request.msecs::<50>().map(U64::<50>),
                request
                    .be16::<51>()
                    .map(|port| NetByteorder(Be16::<51>(port))),
                request
                    .be32::<52>()
                    .map(|address| NetByteorder(Be32::<52>(address))),
            ),
        )
    }
}

impl DoReply for Types {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Reply(&request))
    }
}
