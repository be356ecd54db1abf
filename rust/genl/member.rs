// SPDX-License-Identifier: GPL-2.0

//! Attributes as members of a message: what [`messages!`](super::messages) makes structs of.

use super::{
    attribute::{
        Attribute,
        InSet,
        Parts, //
    },
    layout::Each,
    list::{
        Indexed,
        Many,
        Nesting,
        Noflag, //
    },
    nest::{
        Nest,
        NestIn,
        Under, //
    },
    number::{
        Be16,
        Be32,
        Be64,
        Enum,
        Msecs,
        Number,
        Of,
        Padded,
        SInt,
        UInt,
        S16,
        S32,
        S64,
        S8,
        U16,
        U32,
        U64,
        U8, //
    },
    payload::{
        self,
        Numbered,
        Payload, //
    },
    plain::{
        Array,
        Binary,
        Bitfield32,
        Flag,
        Kind,
        NetOrder,
        One,
        Store,
        Str,
        Struct,
        Unterminated, //
    },
    policy::Set,
    wire::Bits32, //
};
use kernel::prelude::*;

/// A kind that can be a member of a message.
pub trait Field: Kind {
    /// The member. What is `None`, `false` or empty is left out.
    type Field<'a>: Copy + Default;

    /// Describes what is sent.
    #[doc(hidden)]
    fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
    where
        A: Attribute;
}

/// A kind whose values can be in a list.
pub trait Item: One {
    /// The value, as it is kept in a list.
    type Item<'a>: Copy;

    /// Describes one.
    #[doc(hidden)]
    fn part<'a>(item: &Self::Item<'a>) -> impl Payload;
}

/// What those have that are a member of a message if they can be in a list.
macro_rules! field {
    ([$($generic:tt)*] $kind:ty) => {
        impl<$($generic)*> Field for $kind {
            type Field<'a> = Option<<Self as Item>::Item<'a>>;

            #[inline(always)]
            fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
            where
                A: Attribute,
            {
                field.as_ref().map(|item| A::part(<Self as Item>::part(item)))
            }
        }
    };
}

/// And those whose value is in a list as it is.
macro_rules! plain_field {
    ([$($generic:tt)*] $kind:ty, $value:ty) => {
        field!([$($generic)*] $kind);

        impl<$($generic)*> Item for $kind {
            type Item<'a> = $value;

            #[inline(always)]
            fn part<'a>(item: &Self::Item<'a>) -> impl Payload {
                <Self as Store<$value>>::part(*item)
            }
        }
    };
}

plain_field!([] U8, u8);
plain_field!([] U16, u16);
plain_field!([] U32, u32);
plain_field!([] U64, u64);
plain_field!([] S8, i8);
plain_field!([] S16, i16);
plain_field!([] S32, i32);
plain_field!([] S64, i64);
plain_field!([] Be16, u16);
plain_field!([] Be32, u32);
plain_field!([] Msecs, u64);
plain_field!([] UInt, u64);
plain_field!([] SInt, i64);
plain_field!([] Bitfield32, Bits32);
plain_field!([] Str, &'a CStr);
plain_field!([] Unterminated, &'a CStr);
plain_field!([] Binary, &'a [u8]);
plain_field!([const LEN: usize] Array<LEN>, &'a [u8; LEN]);
plain_field!([T: Copy + FromBytes + IntoBytes + 'static] Struct<T>, T);
plain_field!([] Be64, u64);
plain_field!([const PAD: u16] Padded<PAD>, u64);
plain_field!([K: Number, E: Enum] Of<K, E>, E);

impl<K: Item> Item for Under<K> {
    type Item<'a> = (u16, K::Item<'a>);

    #[inline(always)]
    fn part<'a>((number, item): &Self::Item<'a>) -> impl Payload {
        payload::Nest(Numbered::new(*number, K::FLAGS, K::part(item)))
    }
}

field!([K: Item] Under<K>);

impl Field for Flag {
    type Field<'a> = bool;

    #[inline(always)]
    fn parts<'a, A>(field: &bool) -> impl InSet<A::Set>
    where
        A: Attribute,
    {
        field.then_some(A::part(payload::Flag))
    }
}

/// A set of which there is a struct with its values, for nests in messages.
pub trait NestMessage: Set {
    /// The struct.
    type Nest<'a>: Copy + Parts<Self>;
}

impl<S: NestMessage> Item for Nest<S> {
    type Item<'a> = S::Nest<'a>;

    #[inline(always)]
    fn part<'a>(item: &Self::Item<'a>) -> impl Payload {
        payload::Nest(item.parts())
    }
}

field!([S: NestMessage] Nest<S>);

impl<S: NestMessage> Item for NestIn<S> {
    type Item<'a> = S::Nest<'a>;

    #[inline(always)]
    fn part<'a>(item: &Self::Item<'a>) -> impl Payload {
        // The type of what is inside would contain itself.
        payload::Nest(item.whole())
    }
}

impl<S: NestMessage> Field for NestIn<S> {
    type Field<'a> = Option<&'a S::Nest<'a>>;

    #[inline(always)]
    fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
    where
        A: Attribute,
    {
        field.map(|nest| A::part(<Self as Item>::part(nest)))
    }
}

impl<K: Item> Field for Many<K> {
    type Field<'a> = &'a [K::Item<'a>];

    #[inline(always)]
    fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
    where
        A: Attribute,
    {
        Each::new(field.iter().map(|item| A::part(K::part(item))))
    }
}

impl<K: Item> Field for Indexed<K> {
    type Field<'a> = Option<&'a [(u16, K::Item<'a>)]>;

    #[inline(always)]
    fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
    where
        A: Attribute,
    {
        field.map(|list| {
            let elements = list
                .iter()
                .map(|(index, item)| Numbered::new(*index, K::FLAGS, K::part(item)));
            A::part(payload::Nest(Each::new(elements)))
        })
    }
}

/// Members of a kind that is sent as another one.
macro_rules! like_member {
    ($kind:ident, $what:path) => {
        impl<K: $what + Field> Field for $kind<K> {
            type Field<'a> = K::Field<'a>;

            #[inline(always)]
            fn parts<'a, A>(field: &K::Field<'a>) -> impl InSet<A::Set>
            where
                A: Attribute,
            {
                K::parts::<A>(field)
            }
        }

        impl<K: $what + Item> Item for $kind<K> {
            type Item<'a> = K::Item<'a>;

            #[inline(always)]
            fn part<'a>(item: &K::Item<'a>) -> impl Payload {
                <K as Item>::part(item)
            }
        }
    };
}

like_member!(Noflag, Nesting);
like_member!(NetOrder, Kind);

/// The type of the member of a message for an attribute.
pub type FieldOf<'a, A> = <<A as Attribute>::Kind as Field>::Field<'a>;

/// The part of a message for a member.
#[doc(hidden)]
#[inline(always)]
pub fn field<'b, 'a: 'b, A: Attribute<Kind: Field>>(
    field: &'b FieldOf<'a, A>,
) -> impl InSet<A::Set> + use<'a, 'b, A> {
    A::Kind::parts::<A>(field)
}

#[kunit_tests(genl_kind)]
mod tests {
    use super::{
        super::{
            attribute::Parts,
            nest::AnyNest,
            nested::{
                tests::with_nest,
                Nested, //
            },
            payload::{
                tests::{
                    written,
                    Expected, //
                }, //
            },
            policy::Attr, //
        },
        *, //
    };
    use kernel::bindings;

    /// What the macros know it by.
    mod genl {
        pub(super) use super::super::super::*;
    }

    genl::enumerations! {
        /// A colour.
        pub(crate) enum Colour {
            /// One.
            Red = 3,
            /// Another one.
            Blue = 4,
        }
    }

    #[derive(Clone, Copy, FromBytes, IntoBytes)]
    #[repr(C)]
    pub(crate) struct Pair {
        a: u16,
        b: u16,
    }

    genl::attributes! {
        /// Attributes of each kind.
        pub(crate) mod all: AllSet {
            /// An attribute.
            U8 = 1: U8,
            /// An attribute.
            U16 = 2: U16,
            /// An attribute.
            U32 = 3: U32,
            /// An attribute.
            U64 = 4: U64,
            /// An attribute.
            S8 = 5: S8,
            /// An attribute.
            S16 = 6: S16,
            /// An attribute.
            S32 = 7: S32,
            /// An attribute.
            S64 = 8: S64,
            /// An attribute.
            Be16 = 9: Be16,
            /// An attribute.
            Be32 = 10: Be32,
            /// An attribute.
            Msecs = 11: Msecs,
            /// An attribute.
            UInt = 12: UInt,
            /// An attribute.
            SInt = 13: SInt,
            /// An attribute.
            Colour = 14: Of<U16, Colour>,
            /// An attribute.
            Flag = 15: Flag,
            /// An attribute.
            Bits = 16: Bitfield32 = Attr::bitfield32(u32::MAX),
            /// An attribute.
            Str = 17: Str,
            /// An attribute.
            Unterminated = 18: Unterminated,
            /// An attribute.
            Binary = 19: Binary,
            /// An attribute.
            Array = 20: Array<6>,
            /// An attribute.
            Struct = 21: Struct<Pair>,
            /// An attribute.
            Nest = 22: Nest<SmallSet>,
            /// An attribute.
            NestIn = 23: NestIn<SmallSet> = Attr::nested::<SmallSet>(),
            /// An attribute.
            Numbers = 24: Many<U32>,
            /// An attribute.
            Nests = 25: Many<Nest<SmallSet>>,
            /// An attribute.
            NumberArray = 26: Indexed<Be16>,
            /// An attribute.
            BinaryArray = 27: Indexed<Binary> = Attr::any_nest(),
            /// An attribute.
            NestArray = 28: Indexed<Nest<SmallSet>>,
            /// An attribute.
            NestNoflag = 29: Noflag<Nest<SmallSet>>,
            /// An attribute.
            NestsNoflag = 30: Many<Noflag<NestIn<SmallSet>>> = Attr::nested::<SmallSet>(),
            /// An attribute.
            NestArrayNoflag = 31: Noflag<Indexed<Nest<SmallSet>>>,
            /// An attribute.
            NothingNoflag = 32: Indexed<Noflag<Nest<SmallSet>>>,
            /// An attribute.
            AllNoflag = 33: Noflag<Indexed<Noflag<Nest<SmallSet>>>>,
            /// An attribute.
            NetBe16 = 34: NetOrder<Be16>,
            /// An attribute.
            NetColour = 35: NetOrder<Of<Be32, Colour>>,
            /// An attribute.
            NetMany = 36: Many<NetOrder<Be32>>,
            /// An attribute.
            NetArray = 37: Indexed<NetOrder<Be32>>,
            /// An attribute.
            Padded = 38: Padded<39>,
            /// An attribute.
            Be64 = 40: Be64,
            /// An attribute.
            Under = 41: Under<Under<Nest<SmallSet>>>,
        }

        /// What is in nests.
        pub(crate) mod small: SmallSet {
            /// A number.
            Value = 1: U32,
        }

        /// The least and the largest number.
        pub(crate) mod edge: EdgeSet {
            /// Some old protocols have it.
            First = 0: U32,
            /// What 14 bits can hold.
            Last = 0x3fff: Noflag<AnyNest>,
        }
    }

    genl::messages! {
        /// In nests.
        pub(crate) nest SmallNest: SmallSet { value: small::Value }

        /// All kinds.
        pub(crate) nest AllNest: AllSet {
            u8: all::U8, u16: all::U16, u32: all::U32, u64: all::U64, s8: all::S8, s16: all::S16,
            s32: all::S32, s64: all::S64, be16: all::Be16, be32: all::Be32, msecs: all::Msecs,
            uint: all::UInt, sint: all::SInt, colour: all::Colour, flag: all::Flag, bits: all::Bits,
            str: all::Str, unterminated: all::Unterminated, binary: all::Binary, array: all::Array,
            pair: all::Struct, nest: all::Nest, nest_in: all::NestIn, numbers: all::Numbers,
            nests: all::Nests, number_array: all::NumberArray, binary_array: all::BinaryArray,
            nest_array: all::NestArray, nest_noflag: all::NestNoflag,
            nests_noflag: all::NestsNoflag, nest_array_noflag: all::NestArrayNoflag,
            nothing_noflag: all::NothingNoflag, all_noflag: all::AllNoflag, net_be16: all::NetBe16,
            net_colour: all::NetColour, net_many: all::NetMany, net_array: all::NetArray,
            padded: all::Padded, be64: all::Be64, under: all::Under
        }
    }

    /// All attributes, as C puts them.
    fn all_of_c(want: &Expected) -> Result {
        // CAST: A bit of 16.
        let net = bindings::NLA_F_NET_BYTEORDER as u16;
        let value = |n: u32| move || want.put(1, &n.to_ne_bytes());
        want.put(1, &[0xf1])?;
        want.put(2, &0xf2f1u16.to_ne_bytes())?;
        want.put(3, &0xf4f3_f2f1u32.to_ne_bytes())?;
        want.put(4, &0xf8f7_f6f5_f4f3_f2f1u64.to_ne_bytes())?;
        want.put(5, &(-5i8).to_ne_bytes())?;
        want.put(6, &(-600i16).to_ne_bytes())?;
        want.put(7, &(-70000i32).to_ne_bytes())?;
        want.put(8, &(-1i64 << 40).to_ne_bytes())?;
        want.put(9, &[0x12, 0x34])?;
        want.put(10, &[0x12, 0x34, 0x56, 0x78])?;
        want.put(11, &11000u64.to_ne_bytes())?;
        want.put(12, &12u32.to_ne_bytes())?;
        want.put(13, &(-1i64 << 40).to_ne_bytes())?;
        want.put(14, &4u16.to_ne_bytes())?;
        want.put(15, &[])?;
        // value and selector
        want.put(16, &[1, 0, 0, 0, 3, 0, 0, 0])?;
        want.put(17, b"text\0")?;
        want.put(18, b"more\0")?;
        want.put(19, &[1, 2, 3, 4, 5])?;
        want.put(20, &[6, 5, 4, 3, 2, 1])?;
        want.put(21, &[0x34, 0x12, 0x78, 0x56])?;
        want.nest(22, value(22))?;
        want.nest(23, value(23))?;
        for n in [7u32, 8] {
            want.put(24, &n.to_ne_bytes())?;
        }
        want.nest(25, value(251))?;
        want.nest(25, value(252))?;
        want.nest(26, || {
            want.put(0, &[0, 1])?;
            want.put(0x3fff, &[0, 2])
        })?;
        want.nest(27, || want.put(1, &[9]))?;
        want.nest(28, || want.nest(5, value(28)))?;
        want.nest_noflag(29, value(29))?;
        want.nest_noflag(30, value(30))?;
        want.nest_noflag(31, || want.nest(5, value(31)))?;
        want.nest(32, || want.nest_noflag(5, value(32)))?;
        want.nest_noflag(33, || want.nest_noflag(5, value(33)))?;
        want.put(34 | net, &[0x12, 0x34])?;
        want.put(35 | net, &[0, 0, 0, 3])?;
        want.put(36 | net, &[0, 0, 0, 36])?;
        want.nest(37, || want.put(5 | net, &[0, 0, 0, 37]))?;
        want.put(40, &0x0102_0304_0506_0708u64.to_be_bytes())?;
        want.nest(41, || want.nest(5, || want.nest(6, value(41))))
    }

    #[test]
    fn each_kind_is_what_c_makes_of_it() -> Result {
        let want = Expected::new()?;
        all_of_c(&want)?;
        let value = |n: u32| (small::Value.put(n),);
        let bits = Bits32 {
            value: 1,
            selector: 3,
        };
        let parts = (
            (
                all::U8.put(0xf1),
                all::U16.put(0xf2f1),
                all::U32.put(|| 0xf4f3_f2f1),
                all::U64.put(0xf8f7_f6f5_f4f3_f2f1),
                all::S8.put(-5),
                all::S16.put(-600),
                all::S32.put(|| -70000),
                all::S64.put(-1 << 40),
                all::Be16.put(0x1234),
                all::Be32.put(|| 0x1234_5678),
            ),
            (
                all::Msecs.put(11000),
                all::UInt.put(12),
                all::SInt.put(-1 << 40),
                all::Colour.put(Colour::Blue),
                all::Flag.put(()),
                all::Bits.put(bits),
                all::Str.put(c"text"),
                all::Unterminated.put(c"more"),
                all::Binary.put(&[1, 2, 3, 4, 5][..]),
                all::Array.put([6, 5, 4, 3, 2, 1]),
                all::Struct.put(Pair {
                    a: 0x1234,
                    b: 0x5678,
                }),
            ),
            (
                all::Nest.put(value(22)),
                all::NestIn.put(value(23)),
                all::Numbers.each([7, 8]),
                all::Nests.each([251, 252].map(value)),
                all::NumberArray.indexed([(0, 1), (0xffff, 2)]),
                all::BinaryArray.indexed([(1, &[9][..])]),
                all::NestArray.indexed([(5, value(28))]),
            ),
            (
                all::NestNoflag.put(value(29)),
                all::NestsNoflag.each([value(30)]),
                all::NestArrayNoflag.indexed([(5, value(31))]),
                all::NothingNoflag.indexed([(5, value(32))]),
                all::AllNoflag.indexed([(5, value(33))]),
                all::NetBe16.put(0x1234),
                all::NetColour.put(Colour::Red),
                all::NetMany.each([36]),
                all::NetArray.indexed([(5, 37)]),
                all::Be64.put(0x0102_0304_0506_0708),
                all::Under.put((5, (6, value(41)))),
            ),
        );
        assert_eq!(&written(&parts, 0)?[..], want.bytes());
        let at_the_edge = (
            edge::First.put(|| 1),
            edge::Last.put((edge::First.put(2), small::Value.put(3))),
        );
        let want = Expected::new()?;
        want.put(0, &1u32.to_ne_bytes())?;
        want.nest_noflag(0x3fff, || {
            want.put(0, &2u32.to_ne_bytes())?;
            want.put(1, &3u32.to_ne_bytes())
        })?;
        assert_eq!(&written(&at_the_edge, 0)?[..], want.bytes());
        Ok(())
    }

    #[test]
    fn each_member_is_what_c_makes_of_it() -> Result {
        let value = |n: u32| SmallNest { value: Some(n) };
        let (nest_in, nests) = (value(23), [value(251), value(252)]);
        let (nest_array, nests_noflag) = ([(5, value(28))], [value(30)]);
        let arrays = [31, 32, 33].map(|n| [(5, value(n))]);
        let all = AllNest {
            u8: Some(0xf1),
            u16: Some(0xf2f1),
            u32: Some(0xf4f3_f2f1),
            u64: Some(0xf8f7_f6f5_f4f3_f2f1),
            s8: Some(-5),
            s16: Some(-600),
            s32: Some(-70000),
            s64: Some(-1 << 40),
            be16: Some(0x1234),
            be32: Some(0x1234_5678),
            msecs: Some(11000),
            uint: Some(12),
            sint: Some(-1 << 40),
            colour: Some(Colour::Blue),
            flag: true,
            bits: Some(Bits32 {
                value: 1,
                selector: 3,
            }),
            str: Some(c"text"),
            unterminated: Some(c"more"),
            binary: Some(&[1, 2, 3, 4, 5]),
            array: Some(&[6, 5, 4, 3, 2, 1]),
            pair: Some(Pair {
                a: 0x1234,
                b: 0x5678,
            }),
            nest: Some(value(22)),
            nest_in: Some(&nest_in),
            numbers: &[7, 8],
            nests: &nests,
            number_array: Some(&[(0, 1), (0xffff, 2)]),
            binary_array: Some(&[(1, &[9])]),
            nest_array: Some(&nest_array),
            nest_noflag: Some(value(29)),
            nests_noflag: &nests_noflag,
            nest_array_noflag: Some(&arrays[0]),
            nothing_noflag: Some(&arrays[1]),
            all_noflag: Some(&arrays[2]),
            net_be16: Some(0x1234),
            net_colour: Some(Colour::Red),
            net_many: &[36],
            net_array: Some(&[(5, 37)]),
            padded: None,
            be64: Some(0x0102_0304_0506_0708),
            under: Some((5, (6, value(41)))),
        };
        let want = Expected::new()?;
        all_of_c(&want)?;
        assert_eq!(&written(&all.parts(), 0)?[..], want.bytes());
        assert_eq!(&written(&all.whole(), 4)?[..], want.bytes());
        // What is not there is left out.
        assert!(written(&AllNest::default().parts(), 0)?.is_empty());
        Ok(())
    }

    #[test]
    fn padded_numbers_are_aligned() -> Result {
        for skew in [0, 4] {
            let got = written(&all::Padded.put(0x0102_0304_0506_0708), skew)?;
            let (at, pad) = if skew == 0 { (8, 0) } else { (4, 12) };
            assert_eq!(&got[at..at + 8], &0x0102_0304_0506_0708u64.to_ne_bytes());
            assert_eq!(&got[pad..pad + 4], &[4, 0, 39, 0]);
            assert_eq!(&got[at - 4..at], &[12, 0, 38, 0]);
        }
        Ok(())
    }

    #[test]
    fn an_array_passes_over_what_is_no_value() {
        genl::attributes! {
            /// An array that the core has not looked into.
            pub(crate) mod array: ArraySet {
                /// The array.
                Array = 1: Indexed<Be16> = Attr::any_nest(),
            }
        }

        // { 1: { 1: 0x0102, 2: one byte, 3: 0x0304 } }
        let payload = [
            28, 0, 1, 0x80, 6, 0, 1, 0, 1, 2, 0, 0, 5, 0, 2, 0, 9, 0, 0, 0, 6, 0, 3, 0, 3, 4, 0, 0,
        ];
        with_nest(&payload, 0, |nest: Nested<'_, ArraySet>| {
            let mut got = nest.get(array::Array);
            assert!(got.next() == Some((1, 0x0102)) && got.next() == Some((3, 0x0304)));
            assert!(got.next().is_none());
        });
    }
}
