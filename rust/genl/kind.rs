// SPDX-License-Identifier: GPL-2.0

//! What attributes hold: for each type of netlink how it is validated, read and sent.
//!
//! An [`Attribute`] names its kind, and what can be done with it follows: what
//! [`Request::get`](super::Request::get) returns, what [`Attribute::put`] takes, and what is a
//! member of a message.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h) (the `NLA_*` types)

use super::{
    attribute::{
        Attribute,
        InSet,
        Rule, //
    },
    payload::{
        self,
        Payload, //
    },
    policy::{
        private,
        Attr, //
    },
    text::AsText,
    wire::{
        Bitfield32 as Bits32,
        Stream,
        Value, //
    }, //
};
use core::{
    borrow::Borrow,
    marker::PhantomData, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// What an attribute holds.
pub trait Kind: Sized + private::Sealed + 'static {
    /// The rule of a policy for it, as long as the attribute says no more.
    const RULE: Attr;

    /// What reading the attribute returns: an [`Option`] of its value, `bool` for a flag, and an
    /// iterator where there may be several.
    type Got<'a>;

    /// The flags beside the number, where it is sent.
    #[doc(hidden)]
    const FLAGS: u16 = 0;

    /// What a policy must say for it to be read.
    #[doc(hidden)]
    const NEEDS: (u32, Rule);

    /// Reads it.
    #[doc(hidden)]
    fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Self::Got<'a>;
}

/// A kind of which there is one value: all but flags and lists.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no kind that has one value",
    label = "`get()` reads a flag as a `bool`, and what comes several times as an iterator"
)]
pub trait One: Kind {
    /// The value, as it is read.
    type Value<'a>;

    /// The rule for an array of it. The core has one for nests only.
    #[doc(hidden)]
    const ARRAY: Attr = Attr::unused();

    /// What a policy must say for such an array to be read.
    #[doc(hidden)]
    const ARRAY_NEEDS: (u32, Rule) = (bindings::NLA_NESTED, Rule::AnyNest);

    /// Reads it; none where it is too short.
    #[doc(hidden)]
    fn read(value: Value<'_>) -> Option<Self::Value<'_>>;
}

/// A kind that can be sent with a `V` as its value: see [`Attribute::put`].
#[diagnostic::on_unimplemented(
    message = "an attribute of the kind `{Self}` cannot be sent with the value `{V}`",
    label = "not what `{Self}` holds"
)]
pub trait Store<V>: Kind {
    /// The attribute, without its number.
    #[doc(hidden)]
    type Part: Payload;

    /// Describes it.
    #[doc(hidden)]
    fn part(value: V) -> Self::Part;
}

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

/// Where attributes are found: a request, or a nest in it.
#[doc(hidden)]
pub trait Find<'a> {
    /// The attribute with a number, which is below the length of the policy.
    fn find(&self, number: u16) -> Option<Value<'a>>;

    /// The same as a number.
    ///
    /// # Safety
    ///
    /// Any bytes are a `T`, and the policy has the attribute as one of this size.
    unsafe fn scalar<T>(&self, number: u16) -> Option<T>;

    /// All attributes.
    fn stream(&self) -> Stream<'a>;
}

/// What all kinds with one value have in common.
macro_rules! one {
    ($nla:expr, $rule:expr) => {
        one!(@ $nla, $rule);

        #[inline(always)]
        fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Option<<Self as One>::Value<'a>> {
            from.find(number).and_then(Self::read)
        }
    };
    (@ $nla:expr, $rule:expr) => {
        const NEEDS: (u32, Rule) = ($nla, $rule);
        type Got<'a> = Option<<Self as One>::Value<'a>>;
    };
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

/// A kind that is sent as another one, with other flags: implements all but those.
macro_rules! like {
    ($kind:ident, $what:path) => {
        impl<K: $what> private::Sealed for $kind<K> {}

        impl<K: $what + One> One for $kind<K> {
            type Value<'a> = K::Value<'a>;
            const ARRAY: Attr = K::ARRAY;
            const ARRAY_NEEDS: (u32, Rule) = K::ARRAY_NEEDS;

            #[inline(always)]
            fn read(value: Value<'_>) -> Option<K::Value<'_>> {
                K::read(value)
            }
        }

        impl<V, K: $what + Store<V>> Store<V> for $kind<K> {
            type Part = K::Part;

            #[inline(always)]
            fn part(value: V) -> K::Part {
                K::part(value)
            }
        }

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
    (@kind $flags:expr) => {
        const RULE: Attr = K::RULE;
        const FLAGS: u16 = $flags;
        const NEEDS: (u32, Rule) = K::NEEDS;
        type Got<'a> = K::Got<'a>;

        #[inline(always)]
        fn get<'a, F: Find<'a>>(from: &F, number: u16) -> K::Got<'a> {
            K::get(from, number)
        }
    };
}

mod nest;
mod number;

pub(super) use self::nest::{
    element,
    Indices, //
};
pub use self::{
    nest::{
        All,
        AnyNest,
        Elements,
        Indexed,
        Many,
        Nest,
        NestIn,
        Nesting,
        Noflag,
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
        Values,
        S16,
        S32,
        S64,
        S8,
        U16,
        U32,
        U64,
        U8, //
    }, //
};

/// Nothing but its presence.
pub struct Flag;

impl private::Sealed for Flag {}

impl Kind for Flag {
    const RULE: Attr = Attr::flag();
    const NEEDS: (u32, Rule) = (bindings::NLA_FLAG, Rule::None);
    type Got<'a> = bool;

    #[inline(always)]
    fn get<'a, F: Find<'a>>(from: &F, number: u16) -> bool {
        from.find(number).is_some()
    }
}

impl Store<()> for Flag {
    type Part = payload::Flag;

    #[inline(always)]
    fn part((): ()) -> Self::Part {
        payload::Flag
    }
}

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

/// 32 bits, and which of them are meant. The rule has to say which are valid:
/// `= Attr::bitfield32(0x3)`.
pub struct Bitfield32;

impl private::Sealed for Bitfield32 {}

impl Kind for Bitfield32 {
    const RULE: Attr = Attr::bitfield32(u32::MAX);
    one!(bindings::NLA_BITFIELD32, Rule::None);
}

impl One for Bitfield32 {
    type Value<'a> = Bits32;

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<Bits32> {
        // SAFETY: Any bytes are two numbers.
        unsafe { value.checked_scalar() }
    }
}

impl Store<Bits32> for Bitfield32 {
    type Part = payload::Bits;

    #[inline(always)]
    fn part(value: Bits32) -> Self::Part {
        payload::Bits(value)
    }
}

plain_field!([] Bitfield32, Bits32);

/// A string with a NUL behind it: `Str { max_len(31) }`.
pub struct Str;

impl private::Sealed for Str {}

impl Kind for Str {
    const RULE: Attr = Attr::any_string();
    one!(bindings::NLA_NUL_STRING, Rule::None);
}

impl One for Str {
    type Value<'a> = &'a CStr;

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<&CStr> {
        value.string()
    }
}

impl<'t, T: AsText + ?Sized> Store<&'t T> for Str {
    type Part = payload::Str<'t>;

    #[inline(always)]
    fn part(value: &'t T) -> Self::Part {
        payload::Str::new(value)
    }
}

plain_field!([] Str, &'a CStr);

/// A string that needs no NUL behind it. A string is sent with one, and bytes as they are.
pub struct Unterminated;

impl private::Sealed for Unterminated {}

impl Kind for Unterminated {
    const RULE: Attr = Attr::any_unterminated_string();
    one!(bindings::NLA_STRING, Rule::None);
}

impl One for Unterminated {
    type Value<'a> = &'a [u8];

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<&[u8]> {
        Some(value.text())
    }
}

impl<'t, T: AsText + ?Sized> Store<&'t T> for Unterminated {
    type Part = payload::Str<'t>;

    #[inline(always)]
    fn part(value: &'t T) -> Self::Part {
        payload::Str::new(value)
    }
}

impl<'t> Store<&'t [u8]> for Unterminated {
    type Part = payload::Bytes<'t>;

    #[inline(always)]
    fn part(value: &'t [u8]) -> Self::Part {
        payload::Bytes(value)
    }
}

plain_field!([] Unterminated, &'a CStr);

/// Bytes of any value: `Binary { max_len(64) }`.
pub struct Binary;

impl private::Sealed for Binary {}

impl Kind for Binary {
    const RULE: Attr = Attr::binary(0);
    one!(bindings::NLA_BINARY, Rule::None);
}

impl One for Binary {
    type Value<'a> = &'a [u8];

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<&[u8]> {
        Some(value.bytes())
    }
}

impl<'t> Store<&'t [u8]> for Binary {
    type Part = payload::Bytes<'t>;

    #[inline(always)]
    fn part(value: &'t [u8]) -> Self::Part {
        payload::Bytes(value)
    }
}

plain_field!([] Binary, &'a [u8]);

/// Exactly `LEN` bytes.
pub struct Array<const LEN: usize>;

impl<const LEN: usize> private::Sealed for Array<LEN> {}

impl<const LEN: usize> Kind for Array<LEN> {
    const RULE: Attr = {
        assert!(
            LEN <= 32767,
            "genl: the exact length of an attribute is at most 32767"
        );
        // CAST: As was just seen.
        Attr::exact(LEN as u16)
    };
    one!(bindings::NLA_BINARY, Rule::Exact(LEN));
}

impl<const LEN: usize> One for Array<LEN> {
    type Value<'a> = &'a [u8; LEN];

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<&[u8; LEN]> {
        value.array()
    }
}

impl<const LEN: usize, T: Borrow<[u8; LEN]>> Store<T> for Array<LEN> {
    type Part = payload::Array<LEN, T>;

    #[inline(always)]
    fn part(value: T) -> Self::Part {
        payload::Array(value)
    }
}

plain_field!([const LEN: usize] Array<LEN>, &'a [u8; LEN]);

/// A structure of C: plain data without padding. More bytes may follow it.
pub struct Struct<T>(PhantomData<T>);

impl<T: Copy + FromBytes + IntoBytes + 'static> private::Sealed for Struct<T> {}

impl<T: Copy + FromBytes + IntoBytes + 'static> Kind for Struct<T> {
    const RULE: Attr = {
        assert!(
            size_of::<T>() <= 32767,
            "genl: the smallest length of a binary is at most 32767"
        );
        // CAST: As was just seen.
        Attr::binary_min(size_of::<T>() as u16)
    };
    one!(bindings::NLA_BINARY, Rule::None);
}

impl<T: Copy + FromBytes + IntoBytes + 'static> One for Struct<T> {
    type Value<'a> = T;

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<T> {
        // SAFETY: By `FromBytes` any bytes are a `T`.
        unsafe { value.checked_scalar() }
    }
}

impl<T: Copy + FromBytes + IntoBytes + 'static> Store<T> for Struct<T> {
    type Part = payload::Plain<T>;

    #[inline(always)]
    fn part(value: T) -> Self::Part {
        payload::Plain(value)
    }
}

plain_field!([T: Copy + FromBytes + IntoBytes + 'static] Struct<T>, T);

/// A `K` that is sent with the flag `NLA_F_NET_BYTEORDER`, as `nla_put_net16()` and its relatives do:
/// `NetOrder<Be16>`. In a request the flag is passed over.
///
/// The flag says that the value is in network byte order. It is the `K` that sees to that.
pub struct NetOrder<K>(PhantomData<K>);

impl<K: Kind> Kind for NetOrder<K> {
    // CAST: A bit of 16.
    like!(@kind K::FLAGS | bindings::NLA_F_NET_BYTEORDER as u16);
}

like!(NetOrder, Kind);

#[kunit_tests(genl_kind)]
mod tests {
    use super::{
        super::{
            attribute::Parts,
            nested::Nested,
            payload::{
                tests::{
                    written,
                    Expected, //
                }, //
            },
            wire::tests::with_attr, //
        },
        *, //
    };

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
            Bits = 16: Bitfield32,
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
            NestIn = 23: NestIn<SmallSet>,
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
            NestsNoflag = 30: Many<Noflag<NestIn<SmallSet>>>,
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
            padded: all::Padded
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
        want.nest(37, || want.put(5 | net, &[0, 0, 0, 37]))
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
        with_attr(&payload, 0, |value| {
            let nest = Nested::<'_, ArraySet>::new(value);
            let mut got = nest.get(array::Array);
            assert!(got.next() == Some((1, 0x0102)) && got.next() == Some((3, 0x0304)));
            assert!(got.next().is_none());
        });
    }
}
