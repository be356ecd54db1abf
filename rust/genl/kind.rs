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
        NestMessage,
        Part,
        Parts,
        Rule,
        Set, //
    },
    layout::{
        self,
        AsText,
        Get,
        Layout, //
    },
    nested::{
        AnyNest as AnyNested,
        Nested, //
    },
    policy::{
        private,
        Attr,
        Known,
        Scalar, //
    },
    wire::{
        Bitfield32 as Bits32,
        Stream,
        Value, //
    },
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

    /// What a policy must say for it to be read.
    #[doc(hidden)]
    const NEEDS: (u32, Rule);

    /// Reads it.
    #[doc(hidden)]
    fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Self::Got<'a>;
}

/// A kind of which there is one value: all but flags and lists.
pub trait One: Kind {
    /// The value, as it is read.
    type Value<'a>;

    /// Reads it; none where it is too short.
    #[doc(hidden)]
    fn read(value: Value<'_>) -> Option<Self::Value<'_>>;
}

/// A kind that can be sent with a `V` as its value: see [`Attribute::put`].
pub trait Store<V>: Kind {
    /// The attribute, without its number.
    #[doc(hidden)]
    type Part: Layout;

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
        A: Attribute<Kind = Self>;
}

/// A kind whose values can be in a list.
pub trait Item: One {
    /// The value, as it is kept in a list.
    type Item<'a>: Copy;

    /// Describes one.
    #[doc(hidden)]
    fn part<'a>(item: &Self::Item<'a>) -> impl Layout;
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

/// And what those have whose value is a member as it is.
macro_rules! plain_field {
    ([$($generic:tt)*] $kind:ty, $value:ty) => {
        impl<$($generic)*> Field for $kind {
            type Field<'a> = Option<$value>;

            #[inline(always)]
            fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
            where
                A: Attribute<Kind = Self>,
            {
                field.map(|value| A::part(<Self as Store<$value>>::part(value)))
            }
        }

        impl<$($generic)*> Item for $kind {
            type Item<'a> = $value;

            #[inline(always)]
            fn part<'a>(item: &Self::Item<'a>) -> impl Layout {
                <Self as Store<$value>>::part(*item)
            }
        }
    };
}

/// A number.
pub trait Number: for<'a> One<Value<'a> = Self::Int> + Store<Self::Int> {
    /// The integer that it is in Rust.
    type Int: Scalar + 'static;

    /// In 64 bits; what is negative has its sign there.
    #[doc(hidden)]
    fn widen(value: Self::Int) -> u64;

    /// And back.
    #[doc(hidden)]
    fn narrow(value: u64) -> Self::Int;
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $int:ident, $nla:ident, $rule:ident, $part:ident $(, $order:path)?;)*) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl private::Sealed for $name {}

            impl Kind for $name {
                const RULE: Attr = Attr::$rule();
                one!(@ bindings::$nla, Rule::None);

                #[inline(always)]
                fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Option<$int> {
                    // SAFETY: Any bytes are a number, and this is the size of one of this type.
                    unsafe { from.scalar::<$int>(number) }$(.map($order))?
                }
            }

            impl One for $name {
                type Value<'a> = $int;

                #[inline(always)]
                fn read(value: Value<'_>) -> Option<$int> {
                    // SAFETY: Any bytes are a number.
                    unsafe { value.checked_scalar::<$int>() }$(.map($order))?
                }
            }

            impl<G: Get<$int>> Store<G> for $name {
                type Part = layout::$part<1, G>;

                #[inline(always)]
                fn part(value: G) -> Self::Part {
                    layout::$part(value)
                }
            }

            number!($name, $int);
        )*
    };
}

macro_rules! number {
    ($name:ident, $int:ident) => {
        impl Number for $name {
            type Int = $int;

            // CAST: An integer and 64 bits that hold it, with its sign.
            #[inline(always)]
            fn widen(value: $int) -> u64 {
                value as u64
            }

            #[inline(always)]
            fn narrow(value: u64) -> $int {
                value as $int
            }
        }

        plain_field!([] $name, $int);
    };
}

numbers! {
    /// An 8-bit number.
    U8: u8, NLA_U8, u8, U8;
    /// A 16-bit number in host byte order.
    U16: u16, NLA_U16, u16, U16;
    /// A 32-bit number in host byte order.
    U32: u32, NLA_U32, u32, U32;
    /// A 64-bit number in host byte order, aligned to 4 bytes.
    U64: u64, NLA_U64, u64, U64;
    /// An 8-bit signed number.
    S8: i8, NLA_S8, s8, S8;
    /// A 16-bit signed number in host byte order.
    S16: i16, NLA_S16, s16, S16;
    /// A 32-bit signed number in host byte order.
    S32: i32, NLA_S32, s32, S32;
    /// A 64-bit signed number in host byte order.
    S64: i64, NLA_S64, s64, S64;
    /// A 16-bit number in network byte order. Its value is in that of the host.
    Be16: u16, NLA_BE16, be16, Be16, u16::from_be;
    /// A 32-bit number in network byte order. Its value is in that of the host.
    Be32: u32, NLA_BE32, be32, Be32, u32::from_be;
    /// A time in milliseconds, of 64 bits.
    Msecs: u64, NLA_MSECS, msecs, U64;
}

macro_rules! variable {
    ($($(#[$doc:meta])* $name:ident: $int:ident, $nla:ident, $rule:ident, $part:ident;)*) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl private::Sealed for $name {}

            impl Kind for $name {
                const RULE: Attr = Attr::$rule();
                one!(bindings::$nla, Rule::None);
            }

            impl One for $name {
                type Value<'a> = $int;

                #[inline(always)]
                fn read(value: Value<'_>) -> Option<$int> {
                    value.$rule()
                }
            }

            impl Store<$int> for $name {
                type Part = layout::$part<1>;

                #[inline(always)]
                fn part(value: $int) -> Self::Part {
                    layout::$part(value)
                }
            }

            number!($name, $int);
        )*
    };
}

variable! {
    /// A number of 4 bytes where it fits and else of 8.
    UInt: u64, NLA_UINT, uint, UInt;
    /// A signed number of 4 bytes where it fits and else of 8.
    SInt: i64, NLA_SINT, sint, SInt;
}

/// The values that an enumeration or a set of flags has, see [`Enum`].
#[derive(Clone, Copy)]
pub enum Values {
    /// All from one to another one.
    Range(i64, i64),
    /// These bits, in any combination.
    Mask(u64),
    /// Some, with gaps.
    Gaps,
}

impl Values {
    /// Those of an enumeration.
    #[doc(hidden)]
    pub const fn of(all: &[i64]) -> Self {
        if all.is_empty() {
            return Self::Gaps;
        }
        let (mut min, mut max, mut i) = (all[0], all[0], 1);
        while i < all.len() {
            if all[i] < min {
                min = all[i];
            }
            if all[i] > max {
                max = all[i];
            }
            i += 1;
        }
        // All of them differ. CAST: What is too far apart has gaps.
        match max.checked_sub(min) {
            Some(distance) if distance as usize == all.len() - 1 => Self::Range(min, max),
            _ => Self::Gaps,
        }
    }
}

/// An enumeration or a set of flags, made by [`enumerations!`](super::enumerations) and
/// [`flags!`](super::flags).
pub trait Enum: Copy + 'static {
    /// The values that there are.
    const VALUES: Values;

    /// The value with this number, in 64 bits; none where there is no such value.
    fn from_value(value: u64) -> Option<Self>;

    /// The number that is sent, in 64 bits.
    fn value(self) -> u64;
}

/// An `E`, sent as a number of the kind `K`: `Of<U32, Color>`.
///
/// The policy refuses what is no `E`, as far as it is not given a rule of its own.
pub struct Of<K, E>(PhantomData<(K, E)>);

impl<K: Number, E: Enum> private::Sealed for Of<K, E> {}

impl<K: Number, E: Enum> Kind for Of<K, E> {
    const RULE: Attr = match E::VALUES {
        Values::Range(min, max) if K::RULE.has_inline(min, max) => K::RULE.inline(min, max),
        // CAST: `mask` is checked against the type, and this against 32 bits.
        Values::Mask(mask) if mask <= u32::MAX as u64 && K::RULE.has_mask(mask as u32) => {
            K::RULE.mask(mask as u32)
        }
        _ => K::RULE.validate::<Known<K, E>>(),
    };
    one!(K::NEEDS.0, Rule::None);
}

impl<K: Number, E: Enum> One for Of<K, E> {
    type Value<'a> = E;

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<E> {
        K::read(value).and_then(|value| E::from_value(K::widen(value)))
    }
}

impl<K: Number, E: Enum> Store<E> for Of<K, E> {
    type Part = <K as Store<K::Int>>::Part;

    #[inline(always)]
    fn part(value: E) -> Self::Part {
        K::part(K::narrow(value.value()))
    }
}

plain_field!([K: Number, E: Enum] Of<K, E>, E);

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
    type Part = layout::Flag<1>;

    #[inline(always)]
    fn part((): ()) -> Self::Part {
        layout::Flag
    }
}

impl Field for Flag {
    type Field<'a> = bool;

    #[inline(always)]
    fn parts<'a, A>(field: &bool) -> impl InSet<A::Set>
    where
        A: Attribute<Kind = Self>,
    {
        field.then_some(A::part(layout::Flag::<1>))
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
    type Part = layout::Bits<1>;

    #[inline(always)]
    fn part(value: Bits32) -> Self::Part {
        layout::Bits(value)
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
    type Part = layout::Str<'t, 1>;

    #[inline(always)]
    fn part(value: &'t T) -> Self::Part {
        layout::Str::new(value)
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
    type Part = layout::Str<'t, 1>;

    #[inline(always)]
    fn part(value: &'t T) -> Self::Part {
        layout::Str::new(value)
    }
}

impl<'t> Store<&'t [u8]> for Unterminated {
    type Part = layout::Bytes<'t, 1>;

    #[inline(always)]
    fn part(value: &'t [u8]) -> Self::Part {
        layout::Bytes(value)
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
    type Part = layout::Bytes<'t, 1>;

    #[inline(always)]
    fn part(value: &'t [u8]) -> Self::Part {
        layout::Bytes(value)
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
    type Part = layout::Array<1, LEN, T>;

    #[inline(always)]
    fn part(value: T) -> Self::Part {
        layout::Array(value)
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
    type Part = layout::Plain<1, T>;

    #[inline(always)]
    fn part(value: T) -> Self::Part {
        layout::Plain(value)
    }
}

plain_field!([T: Copy + FromBytes + IntoBytes + 'static] Struct<T>, T);

/// A nest with the attributes of a set.
pub struct Nest<S>(PhantomData<S>);

impl<S: Set> private::Sealed for Nest<S> {}

impl<S: Set> Kind for Nest<S> {
    const RULE: Attr = Attr::nested::<S>();
    one!(bindings::NLA_NESTED, Rule::Nest(S::ATTRS));
}

impl<S: Set> One for Nest<S> {
    type Value<'a> = Nested<'a, S>;

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<Nested<'_, S>> {
        Some(Nested::new(value))
    }
}

impl<S: Set, P: InSet<S>> Store<P> for Nest<S> {
    type Part = layout::Nest<1, P>;

    #[inline(always)]
    fn part(value: P) -> Self::Part {
        layout::Nest(value)
    }
}

impl<S: NestMessage> Field for Nest<S> {
    type Field<'a> = Option<S::Nest<'a>>;

    #[inline(always)]
    fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
    where
        A: Attribute<Kind = Self>,
    {
        field.as_ref().map(|nest| A::part(layout::Nest::<1, _>(nest.parts())))
    }
}

impl<S: NestMessage> Item for Nest<S> {
    type Item<'a> = S::Nest<'a>;

    #[inline(always)]
    fn part<'a>(item: &Self::Item<'a>) -> impl Layout {
        layout::Nest::<1, _>(item.parts())
    }
}

/// A nest with the attributes of a set that has such nests inside. As a member of a message it is
/// borrowed.
///
/// The rule has to say where the policy is, as it cannot be looked at while it is in the making:
/// `= Attr::nested_in(&TREE)`.
pub struct NestIn<S>(PhantomData<S>);

impl<S: Set> private::Sealed for NestIn<S> {}

impl<S: Set> Kind for NestIn<S> {
    const RULE: Attr = Attr::nested::<S>();
    one!(bindings::NLA_NESTED, Rule::Nest(S::ATTRS));
}

impl<S: Set> One for NestIn<S> {
    type Value<'a> = Nested<'a, S>;

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<Nested<'_, S>> {
        Some(Nested::new(value))
    }
}

impl<S: Set, P: InSet<S>> Store<P> for NestIn<S> {
    type Part = layout::Nest<1, P>;

    #[inline(always)]
    fn part(value: P) -> Self::Part {
        layout::Nest(value)
    }
}

impl<S: NestMessage> Field for NestIn<S> {
    type Field<'a> = Option<&'a S::Nest<'a>>;

    #[inline(always)]
    fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
    where
        A: Attribute<Kind = Self>,
    {
        // The type of what is inside would contain itself.
        field.map(|nest| A::part(layout::Nest::<1, _>(nest.whole())))
    }
}

impl<S: NestMessage> Item for NestIn<S> {
    type Item<'a> = S::Nest<'a>;

    #[inline(always)]
    fn part<'a>(item: &Self::Item<'a>) -> impl Layout {
        layout::Nest::<1, _>(item.whole())
    }
}

/// A nest that the core has not looked into, see [`AnyNest`](super::AnyNest).
pub struct AnyNest;

impl private::Sealed for AnyNest {}

impl Kind for AnyNest {
    const RULE: Attr = Attr::any_nest();
    one!(bindings::NLA_NESTED, Rule::AnyNest);
}

impl One for AnyNest {
    type Value<'a> = AnyNested<'a>;

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<AnyNested<'_>> {
        Some(AnyNested::new(value))
    }
}

impl<P: Layout> Store<P> for AnyNest {
    type Part = layout::Nest<1, P>;

    #[inline(always)]
    fn part(value: P) -> Self::Part {
        layout::Nest(value)
    }
}

/// An attribute that comes as often as there are values (`multi-attr`). Reading it returns them in
/// the order in which they were sent; [`Attribute::each`] sends them.
pub struct Many<K>(PhantomData<K>);

impl<K: One> private::Sealed for Many<K> {}

impl<K: One> Kind for Many<K> {
    const RULE: Attr = K::RULE;
    const NEEDS: (u32, Rule) = K::NEEDS;
    type Got<'a> = All<'a, K>;

    #[inline(always)]
    fn get<'a, F: Find<'a>>(from: &F, number: u16) -> All<'a, K> {
        All {
            stream: from.stream(),
            number,
            _kind: PhantomData,
        }
    }
}

/// The values of an attribute that comes several times, see [`Many`].
pub struct All<'a, K> {
    stream: Stream<'a>,
    number: u16,
    _kind: PhantomData<fn() -> K>,
}

impl<K> Clone for All<'_, K> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<'a, K: One> Iterator for All<'a, K> {
    type Item = K::Value<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<K::Value<'a>> {
        let number = self.number;
        self.stream
            .find_map(|(n, value)| if n == number { K::read(value) } else { None })
    }
}

impl<K: Item> Field for Many<K> {
    type Field<'a> = &'a [K::Item<'a>];

    #[inline(always)]
    fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
    where
        A: Attribute<Kind = Self>,
    {
        layout::Each::new(field.iter().map(|item| A::part(K::part(item))))
    }
}

/// A nest that holds any number of values, each with an index (`indexed-array`). Reading it returns
/// them with their indices, and none where it is missing; [`Attribute::indexed`] sends them.
///
/// A policy has such arrays of nests only. What is `Indexed<Nest<S>>` can be in a request.
pub struct Indexed<K>(PhantomData<K>);

impl<K: Element> private::Sealed for Indexed<K> {}

impl<K: Element> Kind for Indexed<K> {
    const RULE: Attr = K::ARRAY;
    const NEEDS: (u32, Rule) = K::ARRAY_NEEDS;
    type Got<'a> = Elements<'a, K>;

    #[inline(always)]
    fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Elements<'a, K> {
        Elements {
            stream: Stream(from.find(number).map_or(&[][..], Value::bytes)),
            _kind: PhantomData,
        }
    }
}

/// A kind that an array may consist of.
pub trait Element: One {
    #[doc(hidden)]
    const ARRAY: Attr;

    #[doc(hidden)]
    const ARRAY_NEEDS: (u32, Rule);
}

impl<S: Set> Element for Nest<S> {
    const ARRAY: Attr = Attr::nested_array::<S>();
    const ARRAY_NEEDS: (u32, Rule) = (bindings::NLA_NESTED_ARRAY, Rule::Nest(S::ATTRS));
}

/// The elements of an array, see [`Indexed`].
pub struct Elements<'a, K> {
    stream: Stream<'a>,
    _kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Elements<'_, K> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<'a, K: One> Iterator for Elements<'a, K> {
    type Item = (u16, K::Value<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<(u16, K::Value<'a>)> {
        self.stream
            .find_map(|(index, value)| K::read(value).map(|value| (index, value)))
    }
}

impl<K: Item + Element> Field for Indexed<K> {
    type Field<'a> = Option<&'a [(u16, K::Item<'a>)]>;

    #[inline(always)]
    fn parts<'a, A>(field: &Self::Field<'a>) -> impl InSet<A::Set>
    where
        A: Attribute<Kind = Self>,
    {
        field.map(|list| {
            let elements = list
                .iter()
                .map(|(index, item)| layout::Numbered(*index, K::part(item)));
            A::part(layout::Nest::<1, _>(layout::Each::new(elements)))
        })
    }
}
