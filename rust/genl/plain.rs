// SPDX-License-Identifier: GPL-2.0

//! What a kind is: how an attribute is validated, read and sent. The kinds that are flags and
//! bytes.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h) (the `NLA_*` types)

use super::{
    extack::Info,
    payload::{
        self,
        Payload, //
    },
    policy::Attr,
    text::AsText,
    validate::private,
    wire::{
        Bits32,
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

/// What a policy must say for an attribute to be read. It is not part of what families see.
pub enum Rule {
    /// Nothing beside the type.
    None,
    /// A nest has these attributes.
    Nest(&'static [Attr]),
    /// A nest has no policy.
    AnyNest,
    /// A binary has exactly so many bytes.
    Exact(usize),
}

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

    /// The name of the set whose attributes are inside, where that is one.
    #[doc(hidden)]
    const INSIDE: (&'static str, &'static str) = ("", "");

    /// What a policy must say for it to be read.
    #[doc(hidden)]
    const NEEDS: (u32, Rule);

    /// Reads it.
    ///
    /// # Safety
    ///
    /// The policy of `from` has an attribute of this number, as [`Kind::NEEDS`] says.
    #[doc(hidden)]
    unsafe fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Self::Got<'a>;
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

    /// Reads it; none where it is too short. A nest keeps `info`.
    #[doc(hidden)]
    fn read<'a>(value: Value<'a>, info: Info<'a>) -> Option<Self::Value<'a>>;
}

/// A kind that can be sent with a `V` as its value: see [`Attribute::put`](super::Attribute::put).
#[diagnostic::on_unimplemented(
    message = "an attribute of the kind `{Self}` cannot be sent with the value `{V}`",
    label = "not what `{Self}` holds",
    note = "several values are sent by `each()`, or by `indexed()` where they are an array"
)]
pub trait Store<V>: Kind {
    /// The attribute, without its number.
    #[doc(hidden)]
    type Part: Payload;

    /// Describes it.
    #[doc(hidden)]
    fn part(value: V) -> Self::Part;
}

/// Where attributes are found: a request, or a nest in it.
#[doc(hidden)]
pub trait Find<'a> {
    /// The attribute with a number; none where the policy has no such number.
    fn find(&self, number: u16) -> Option<Value<'a>>;

    /// The same as a number.
    ///
    /// # Safety
    ///
    /// Any bytes are a `T`, and the policy has the attribute as one of this size.
    unsafe fn scalar<T>(&self, number: u16) -> Option<T>;

    /// All attributes.
    fn stream(&self) -> Stream<'a>;

    /// The request.
    fn info(&self) -> Info<'a>;
}

/// What all kinds with one value have in common.
macro_rules! one {
    ($nla:expr, $rule:expr) => {
        super::plain::one!(@ $nla, $rule);

        #[inline(always)]
        unsafe fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Option<<Self as One>::Value<'a>> {
            let value = from.find(number)?;
            Self::read(value, from.info())
        }
    };
    (@ $nla:expr, $rule:expr) => {
        const NEEDS: (u32, Rule) = ($nla, $rule);
        type Got<'a> = Option<<Self as One>::Value<'a>>;
    };
}
pub(super) use one;

/// A kind that is sent as another one, with other flags: implements the others of its traits.
macro_rules! like {
    ($kind:ident, $what:path) => {
        impl<K: $what> private::Sealed for $kind<K> {}

        impl<K: $what + One> One for $kind<K> {
            type Value<'a> = K::Value<'a>;
            const ARRAY: Attr = K::ARRAY;
            const ARRAY_NEEDS: (u32, Rule) = K::ARRAY_NEEDS;

            #[inline(always)]
            fn read<'a>(value: Value<'a>, info: Info<'a>) -> Option<K::Value<'a>> {
                K::read(value, info)
            }
        }

        impl<V, K: $what + Store<V>> Store<V> for $kind<K> {
            type Part = K::Part;

            #[inline(always)]
            fn part(value: V) -> K::Part {
                K::part(value)
            }
        }
    };
    (@kind $flags:expr) => {
        const RULE: Attr = K::RULE;
        const FLAGS: u16 = $flags;
        const INSIDE: (&'static str, &'static str) = K::INSIDE;
        const NEEDS: (u32, Rule) = K::NEEDS;
        type Got<'a> = K::Got<'a>;

        #[inline(always)]
        unsafe fn get<'a, F: Find<'a>>(from: &F, number: u16) -> K::Got<'a> {
            // SAFETY: By the safety requirements of this function, as `NEEDS` is the same.
            unsafe { K::get(from, number) }
        }
    };
}
pub(super) use like;

/// Nothing but its presence.
pub struct Flag;

impl private::Sealed for Flag {}

impl Kind for Flag {
    const RULE: Attr = Attr::flag();
    const NEEDS: (u32, Rule) = (bindings::NLA_FLAG, Rule::None);
    type Got<'a> = bool;

    #[inline(always)]
    unsafe fn get<'a, F: Find<'a>>(from: &F, number: u16) -> bool {
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

/// 32 bits, and which of them are meant: [`Bits32`]. The rule has to say which are valid:
/// `= Attr::bitfield32(0x3)`.
pub struct Bitfield32;

impl private::Sealed for Bitfield32 {}

impl Kind for Bitfield32 {
    const RULE: Attr = {
        // Rustdoc looks at each constant.
        core::assert!(
            core::cfg!(doc),
            "genl: a Bitfield32 says which bits are valid: behind it '= Attr::bitfield32(0x3)'"
        );
        Attr::unused()
    };
    one!(bindings::NLA_BITFIELD32, Rule::None);
}

impl One for Bitfield32 {
    type Value<'a> = Bits32;

    #[inline(always)]
    fn read(value: Value<'_>, _: Info<'_>) -> Option<Bits32> {
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
    fn read<'a>(value: Value<'a>, _: Info<'a>) -> Option<&'a CStr> {
        value.string()
    }
}

/// One more implementation for what is sent. Where there is only one, the compiler takes its type for
/// the one that is meant, and says so, instead of what a string is.
pub enum NoText {}

#[diagnostic::do_not_recommend]
impl Store<NoText> for Str {
    type Part = payload::Flag;

    fn part(value: NoText) -> Self::Part {
        match value {}
    }
}

impl<'t, T: AsText + ?Sized> Store<&'t T> for Str {
    type Part = payload::Str<'t>;

    #[inline(always)]
    fn part(value: &'t T) -> Self::Part {
        payload::Str::new(value)
    }
}

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
    fn read<'a>(value: Value<'a>, _: Info<'a>) -> Option<&'a [u8]> {
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
    fn read<'a>(value: Value<'a>, _: Info<'a>) -> Option<&'a [u8]> {
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

/// Exactly `LEN` bytes.
pub struct Array<const LEN: usize>;

impl<const LEN: usize> private::Sealed for Array<LEN> {}

impl<const LEN: usize> Kind for Array<LEN> {
    const RULE: Attr = {
        core::assert!(
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
    fn read<'a>(value: Value<'a>, _: Info<'a>) -> Option<&'a [u8; LEN]> {
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

/// A structure of C: plain data without padding. More bytes may follow it.
pub struct Struct<T>(PhantomData<T>);

impl<T: Copy + FromBytes + IntoBytes + 'static> private::Sealed for Struct<T> {}

impl<T: Copy + FromBytes + IntoBytes + 'static> Kind for Struct<T> {
    const RULE: Attr = {
        core::assert!(
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
    fn read(value: Value<'_>, _: Info<'_>) -> Option<T> {
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

/// A `K` that is sent with the flag `NLA_F_NET_BYTEORDER`, as `nla_put_net16()` and its relatives
/// do: `NetOrder<Be16>`. In a request the flag is passed over.
///
/// The flag says that the value is in network byte order. It is the `K` that sees to that.
pub struct NetOrder<K>(PhantomData<K>);

impl<K: Kind> Kind for NetOrder<K> {
    // CAST: A bit of 16.
    like!(@kind K::FLAGS | bindings::NLA_F_NET_BYTEORDER as u16);
}

like!(NetOrder, Kind);
