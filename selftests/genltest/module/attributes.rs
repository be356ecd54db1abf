// SPDX-License-Identifier: GPL-2.0

//! Command 2: echoes an attribute of each type that a policy has.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Attr,
        Attribute,
        InSet,
        Nested,
        NoAttrs,
        Request,
        Responder,
        Sent,
        Validate,
        ValidateBytes, //
    },
    op,
    GenlTest, //
};
use kernel::prelude::*;

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

genl::attributes! {
    /// Attributes of each type.
    pub(crate) mod types: TypesSet {
        /// A number of each size.
        U8 = 1: U8,
        /// As above.
        U16 = 2: U16,
        /// As above.
        U32 = 3: U32,
        /// As above.
        U64 = 4: U64,
        /// As above.
        S8 = 5: S8,
        /// As above.
        S16 = 6: S16,
        /// As above.
        S32 = 7: S32,
        /// As above.
        S64 = 8: S64,
        /// Numbers of 4 or 8 bytes.
        UInt = 9: UInt,
        /// As above.
        SInt = 10: SInt,
        /// Numbers in network byte order.
        Be16 = 11: Be16,
        /// As above.
        Be32 = 12: Be32,
        /// A time.
        Msecs = 13: Msecs,
        /// A flag.
        Flag = 14: Flag,
        /// Strings.
        Str = 15: Str { max_len(16) },
        /// As above.
        Unterminated = 16: Unterminated { max_len(16) },
        /// Bytes: up to 16, exactly six, two to eight, at least four.
        Bytes = 17: Binary { max_len(16) },
        /// As above.
        Exactly = 18: Binary = Attr::exact(6),
        /// As above.
        Between = 19: Binary { len_range(2, 8) },
        /// As above.
        AtLeast = 20: Binary { min_len(4) },
        /// Bits.
        Bits = 21: Bitfield32 = Attr::bitfield32(0x0f),
        /// Nodes in nodes.
        Node = 22: Nest<NodeSet>,
        /// An array of pairs.
        Array = 23: Indexed<Nest<PairSet>>,
        /// What nobody may send.
        Gone = 24: U32 = Attr::reject(c"gone since version 1"),
        /// Any number of numbers.
        Several = 25: Many<U32>,
        /// Numbers in a range.
        Range8 = 26: U8 { range::<10, 20>() },
        /// As above.
        Range64 = 27: U64 { range::<1, { 1 << 40 }>() },
        /// As above.
        SignedRange32 = 28: S32 { signed_range::<-5, 5>() },
        /// As above.
        SignedRange64 = 29: S64 { signed_range::<{ -(1 << 40) }, { 1 << 40 }>() },
        /// A number with some bits only.
        Mask = 30: U32 { mask(0xf0) },
        /// A number with a check.
        PowerOfTwo = 31: U32 { validate::<PowerOfTwo>() },
        /// More numbers in a range.
        RangeBe16 = 32: Be16 { range::<1000, 2000>() },
        /// As above.
        MaxUInt = 33: UInt { max::<{ 1 << 33 }>() },
        /// As above.
        SignedRange8 = 34: S8 { signed_range::<-100, 100>() },
        /// Any number of strings, and of pairs.
        Strings = 35: Many<Str> { max_len(8) },
        /// As above.
        Pairs = 36: Many<Nest<PairSet>>,
        /// More bytes than others.
        LongBytes = 37: Binary { len_range(2, 40000) },
        /// How many nodes there were, and the sum of their numbers.
        Depth = 38: U32,
        /// As above.
        Sum = 39: U32,
        /// A nest without attributes.
        Empty = 40: Nest<NoAttrs>,
        /// Strings and bytes with a check.
        Letters = 41: Str { max_len(16).validate_bytes::<Letters>() },
        /// As above.
        UnterminatedLetters = 42: Unterminated { max_len(16).validate_bytes::<Letters>() },
        /// As above.
        EvenBytes = 43: Binary { max_len(16).validate_bytes::<Pairs>() },
        /// So many bytes, and any number of others.
        Array32 = 44: Array<32>,
        /// As above.
        Arrays = 45: Many<Array<6>>,
        /// Numbers of other kinds with a check.
        LargeUInt = 46: UInt { validate::<Large>() },
        /// As above.
        CheckedSInt = 47: SInt { validate::<NotVeryNegative>() },
        /// As above.
        CheckedBe16 = 48: Be16 { validate::<UserPort>() },
        /// As above.
        CheckedBe32 = 49: Be32 { validate::<NotInNetZero>() },
        /// As above.
        CheckedMsecs = 50: Msecs { validate::<Large>() },
        /// Numbers that are sent with `NLA_F_NET_BYTEORDER`.
        NetOrder16 = 51: NetOrder<Be16>,
        /// As above.
        NetOrder32 = 52: NetOrder<Be32>,
    }

    /// A number, and what is below it: nodes in nodes.
    pub(crate) mod node: NodeSet static NODE {
        /// The number.
        Number = 1: U32,
        /// The node below.
        Below = 2: NestIn<NodeSet> = Attr::nested_in(&NODE),
    }

    /// Two numbers.
    pub(crate) mod pair: PairSet {
        /// A large one.
        Large = 1: U32,
        /// A small one.
        Small = 2: U16,
    }
}

/// How many nodes are below this one, itself included, and the sum of their numbers.
fn depth(node: Nested<'_, NodeSet>) -> (u32, u32) {
    let (mut depth, mut sum) = (0u32, 0u32);
    let mut node = Some(node);
    while let Some(this) = node {
        depth = depth.wrapping_add(1);
        sum = sum.wrapping_add(this.get(node::Number).unwrap_or(0));
        node = this.get(node::Below);
    }
    (depth, sum)
}

/// A pair, as it was sent.
pub(crate) fn pair(pair: Nested<'_, PairSet>) -> impl InSet<PairSet> {
    (
        pair.get(pair::Large).map(|large| pair::Large.put(large)),
        pair.get(pair::Small).map(|small| pair::Small.put(small)),
    )
}

impl GenlTest {
    pub(crate) fn types<'a>(
        &self,
        request: Request<'a, op::Types>,
        reply: Responder<'a, op::Types>,
    ) -> Result<Sent<'a>> {
        macro_rules! echo {
            ($name:ident) => {
                request
                    .get(types::$name)
                    .map(|value| types::$name.put(value))
            };
        }

        let node = request.get(types::Node).map(depth);
        let array = request.get(types::Array);
        reply.send(&(
            (
                echo!(U8),
                echo!(U16),
                echo!(U32),
                echo!(U64),
                echo!(S8),
                echo!(S16),
                echo!(S32),
                echo!(S64),
                echo!(UInt),
                echo!(SInt),
                echo!(Be16),
                echo!(Be32),
            ),
            (
                echo!(Msecs),
                request.get(types::Flag).then(|| types::Flag.put(())),
                echo!(Str),
                echo!(Unterminated),
                echo!(Bytes),
                echo!(Exactly),
                echo!(Between),
                echo!(AtLeast),
                echo!(Bits),
                array
                    .clone()
                    .next()
                    .map(|_| types::Array.indexed(array.map(|(index, nest)| (index, pair(nest))))),
            ),
            (
                types::Several.each(request.get(types::Several)),
                echo!(Range8),
                echo!(Range64),
                echo!(SignedRange32),
                echo!(SignedRange64),
                echo!(Mask),
                echo!(PowerOfTwo),
                echo!(RangeBe16),
                echo!(MaxUInt),
                echo!(SignedRange8),
                types::Strings.each(request.get(types::Strings)),
                types::Pairs.each(request.get(types::Pairs).map(pair)),
            ),
            (
                echo!(LongBytes),
                node.map(|(depth, _)| types::Depth.put(depth)),
                node.map(|(_, sum)| types::Sum.put(sum)),
                request.get(types::Empty).map(|_| types::Empty.put(())),
                echo!(Letters),
                echo!(UnterminatedLetters),
                echo!(EvenBytes),
                echo!(Array32),
                types::Arrays.each(request.get(types::Arrays)),
                echo!(LargeUInt),
                echo!(CheckedSInt),
                echo!(CheckedBe16),
            ),
            (
                echo!(CheckedBe32),
                echo!(CheckedMsecs),
                echo!(NetOrder16),
                echo!(NetOrder32),
            ),
        ))
    }
}
