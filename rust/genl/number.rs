// SPDX-License-Identifier: GPL-2.0

//! Kinds that are numbers, and enumerations and flags, which are sent as numbers.

use super::{
    extack::Info,
    payload::{
        self,
        Get, //
    },
    plain::{
        Find,
        Kind,
        One,
        Rule,
        Store, //
    },
    policy::Attr,
    validate::{
        private,
        Scalar,
        Validate, //
    },
    wire::Value, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*, //
};

/// A number.
pub trait Number: for<'a> One<Value<'a> = Self::Int> + Store<Self::Int> {
    /// The integer that it is in Rust.
    type Int: Scalar + 'static;

    /// The smallest value.
    #[doc(hidden)]
    const MIN: i64;

    /// The largest value.
    #[doc(hidden)]
    const MAX: u64;

    /// In 64 bits; what is negative has its sign there.
    #[doc(hidden)]
    fn widen(value: Self::Int) -> u64;

    /// And back.
    #[doc(hidden)]
    fn narrow(value: u64) -> Self::Int;
}

macro_rules! numbers {
    ($(
        $(#[$doc:meta])*
        $name:ident: $int:ident, $nla:ident, $rule:ident, $part:ident $(, $order:path)?;
    )*) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl private::Sealed for $name {}

            impl Kind for $name {
                const RULE: Attr = Attr::$rule();
                super::plain::one!(@ bindings::$nla, Rule::None);

                #[inline(always)]
                unsafe fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Option<$int> {
                    // SAFETY: Any bytes are a number, and by the safety requirements of this
                    // function the policy has one of this size.
                    unsafe { from.scalar::<$int>(number) }$(.map($order))?
                }
            }

            impl One for $name {
                type Value<'a> = $int;

                #[inline(always)]
                fn read(value: Value<'_>, _: Info<'_>) -> Option<$int> {
                    // SAFETY: Any bytes are a number.
                    unsafe { value.checked_scalar::<$int>() }$(.map($order))?
                }
            }

            impl<G: Get<$int>> Store<G> for $name {
                type Part = payload::$part<G>;

                #[inline(always)]
                fn part(value: G) -> Self::Part {
                    payload::$part(value)
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

            // CAST: The smallest value of what is unsigned is 0, the largest one is never negative.
            const MIN: i64 = $int::MIN as i64;
            const MAX: u64 = $int::MAX as u64;

            // CAST: An integer and 64 bits that hold it, with its sign.
            #[allow(clippy::cast_lossless)]
            #[inline(always)]
            fn widen(value: $int) -> u64 {
                value as u64
            }

            #[inline(always)]
            fn narrow(value: u64) -> $int {
                value as $int
            }
        }
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

/// A 64-bit number in network byte order. Its value is in that of the host. Netlink has no such
/// type: a policy takes it for a [`U64`] and cannot check its value.
pub struct Be64;

impl private::Sealed for Be64 {}

impl Kind for Be64 {
    const RULE: Attr = Attr::u64();
    super::plain::one!(bindings::NLA_U64, Rule::None);
}

impl One for Be64 {
    type Value<'a> = u64;

    #[inline(always)]
    fn read(value: Value<'_>, _: Info<'_>) -> Option<u64> {
        // SAFETY: Any bytes are a number.
        unsafe { value.checked_scalar() }.map(u64::from_be)
    }
}

impl Store<u64> for Be64 {
    type Part = payload::U64;

    #[inline(always)]
    fn part(value: u64) -> Self::Part {
        payload::U64(value.to_be())
    }
}

macro_rules! variable {
    ($($(#[$doc:meta])* $name:ident: $int:ident, $nla:ident, $rule:ident, $part:ident;)*) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl private::Sealed for $name {}

            impl Kind for $name {
                const RULE: Attr = Attr::$rule();
                super::plain::one!(bindings::$nla, Rule::None);
            }

            impl One for $name {
                type Value<'a> = $int;

                #[inline(always)]
                fn read(value: Value<'_>, _: Info<'_>) -> Option<$int> {
                    value.$rule()
                }
            }

            impl Store<$int> for $name {
                type Part = payload::$part;

                #[inline(always)]
                fn part(value: $int) -> Self::Part {
                    payload::$part(value)
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

/// A 64-bit number in host byte order, sent with an empty attribute of the number `PAD` that aligns
/// it to 8 bytes: `Padded<3>`. It is for readers that use the number in place and cannot read it
/// from any address.
///
/// Unlike `nla_put_u64_64bit()` this always sends the attribute, in front of the number or behind
/// it, so that the size does not depend on the place. As there, it is the place in the kernel's
/// buffer that is aligned. That in the reader's differs where the kernel lets a dump begin
/// elsewhere, for a reader whose buffer has a length that is no multiple of 8.
pub struct Padded<const PAD: u16>;

impl<const PAD: u16> private::Sealed for Padded<PAD> {}

impl<const PAD: u16> Kind for Padded<PAD> {
    const RULE: Attr = U64::RULE;
    super::plain::one!(U64::NEEDS.0, Rule::None);
}

impl<const PAD: u16> One for Padded<PAD> {
    type Value<'a> = u64;

    #[inline(always)]
    fn read(value: Value<'_>, info: Info<'_>) -> Option<u64> {
        U64::read(value, info)
    }
}

impl<const PAD: u16, G: Get<u64>> Store<G> for Padded<PAD> {
    type Part = payload::PaddedU64<PAD, G>;

    #[inline(always)]
    fn part(value: G) -> Self::Part {
        payload::PaddedU64(value)
    }
}

/// The values that an enumeration or a set of flags has, see [`Enum`].
#[derive(Clone, Copy)]
pub enum Values {
    /// All from one to another one.
    Range(i64, i64),
    /// These bits, in any combination.
    Mask(u64),
    /// Some from one to another one, with gaps.
    Gaps(i64, i64),
}

impl Values {
    /// Those of an enumeration.
    #[doc(hidden)]
    pub const fn of(all: &[i64]) -> Self {
        if all.is_empty() {
            return Self::Gaps(0, 0);
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
            _ => Self::Gaps(min, max),
        }
    }

    /// Whether a number of the kind `K` holds all of them.
    const fn fit<K: Number>(self) -> bool {
        match self {
            // CAST: What is not negative is the same number.
            Self::Range(min, max) | Self::Gaps(min, max) => {
                min >= K::MIN && (max < 0 || max as u64 <= K::MAX)
            }
            Self::Mask(mask) => mask <= K::MAX,
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

impl<K: Number, E: Enum> Of<K, E> {
    const FITS: () = core::assert!(
        E::VALUES.fit::<K>(),
        "genl: an enumeration has values that its number cannot hold"
    );
}

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
    const FLAGS: u16 = K::FLAGS;
    super::plain::one!(K::NEEDS.0, Rule::None);
}

impl<K: Number, E: Enum> One for Of<K, E> {
    type Value<'a> = E;

    #[inline(always)]
    fn read<'a>(value: Value<'a>, info: Info<'a>) -> Option<E> {
        K::read(value, info).and_then(|value| E::from_value(K::widen(value)))
    }
}

impl<K: Number, E: Enum> Store<E> for Of<K, E> {
    type Part = <K as Store<K::Int>>::Part;

    #[inline(always)]
    fn part(value: E) -> Self::Part {
        const { Self::FITS };
        K::part(K::narrow(value.value()))
    }
}

/// Whether a number of the kind `K` is a value of the enumeration `E`.
pub(super) struct Known<K, E>(PhantomData<(K, E)>);

impl<K: Number, E: Enum> Validate for Known<K, E> {
    type Value = K::Int;

    fn validate(value: K::Int) -> core::result::Result<(), &'static CStr> {
        match E::from_value(K::widen(value)) {
            Some(_) => Ok(()),
            None => Err(c"unknown value"),
        }
    }
}
