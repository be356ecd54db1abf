// SPDX-License-Identifier: GPL-2.0

//! Kinds of which there are several values: arrays, and what comes several times.

use super::{
    extack::Info,
    payload::Numbered,
    plain::{
        Find,
        Kind,
        One,
        Rule,
        Store, //
    },
    policy::Attr,
    validate::private,
    wire::{
        Stream,
        Value, //
    }, //
};
use core::marker::PhantomData;
use kernel::bindings;

/// The flag of a nest.
// CAST: A bit of 16.
pub(super) const NESTED: u16 = bindings::NLA_F_NESTED as u16;

/// A kind that is sent as a nest.
pub trait Nesting: Kind {}

/// A nest or an array that is sent without the flag `NLA_F_NESTED`, like `nla_nest_start_noflag()`:
/// `Noflag<Nest<PlaceSet>>`.
///
/// For protocols that have always sent their nests so, and whose readers may compare the whole
/// type. A reader finds out from the protocol only that it is a nest. What is new has the flag.
///
/// The elements of an array have flags of their own: in a `Noflag<Indexed<Noflag<Nest<PlaceSet>>>>`
/// nothing has it.
pub struct Noflag<K>(PhantomData<K>);

impl<K: Nesting> Nesting for Noflag<K> {}

impl<K: Nesting> Kind for Noflag<K> {
    super::plain::like!(@kind K::FLAGS & !NESTED);
}

super::plain::like!(Noflag, Nesting);

/// An attribute that comes as often as there are values (`multi-attr`). Reading it returns them in
/// the order in which they were sent; [`Attribute::each`](super::Attribute::each) sends them.
pub struct Many<K>(PhantomData<K>);

impl<K: One> private::Sealed for Many<K> {}

impl<K: One> Kind for Many<K> {
    const RULE: Attr = K::RULE;
    const FLAGS: u16 = K::FLAGS;
    const INSIDE: (&'static str, &'static str) = K::INSIDE;
    const NEEDS: (u32, Rule) = K::NEEDS;
    type Got<'a> = All<'a, K>;

    #[inline(always)]
    unsafe fn get<'a, F: Find<'a>>(from: &F, number: u16) -> All<'a, K> {
        All {
            stream: from.stream(),
            info: from.info(),
            number,
            _kind: PhantomData,
        }
    }
}

/// What comes several times: [`Many`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no kind that comes several times",
    label = "only a `Many` is sent by `each()`: one value is sent by `put()`"
)]
pub trait Several: Kind {
    /// What each of them is.
    type Element: Kind;
}

impl<K: One> Several for Many<K> {
    type Element = K;
}

/// The values of an attribute that comes several times, see [`Many`].
pub struct All<'a, K> {
    stream: Stream<'a>,
    info: Info<'a>,
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
        let (number, info) = (self.number, self.info);
        self.stream.find_map(|(n, value)| {
            if n == number {
                K::read(value, info)
            } else {
                None
            }
        })
    }
}

/// A nest that holds any number of values, each with an index (`indexed-array`). Reading it returns
/// them with their indices, and none where it is missing;
/// [`Attribute::indexed`](super::Attribute::indexed) sends them.
///
/// The core has a rule for arrays of nests only. Other arrays are for messages. A set that has one
/// refuses it in requests, unless it is said to be `= Attr::any_nest()`: then what is no value is
/// passed over where the array is read.
pub struct Indexed<K>(PhantomData<K>);

impl<K: One> private::Sealed for Indexed<K> {}
impl<K: One> Nesting for Indexed<K> {}

impl<K: One> Kind for Indexed<K> {
    const RULE: Attr = K::ARRAY;
    const FLAGS: u16 = NESTED;
    const INSIDE: (&'static str, &'static str) = K::INSIDE;
    const NEEDS: (u32, Rule) = K::ARRAY_NEEDS;
    type Got<'a> = Elements<'a, K>;

    #[inline(always)]
    unsafe fn get<'a, F: Find<'a>>(from: &F, number: u16) -> Elements<'a, K> {
        Elements {
            stream: Stream(from.find(number).map_or(&[][..], Value::bytes)),
            info: from.info(),
            _kind: PhantomData,
        }
    }
}

/// The elements of an array, see [`Indexed`].
pub struct Elements<'a, K> {
    stream: Stream<'a>,
    info: Info<'a>,
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
        let info = self.info;
        self.stream
            .find_map(|(index, value)| K::read(value, info).map(|value| (index, value)))
    }
}

/// An array: [`Indexed`], with the flag of a nest or without it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no array",
    label = "only an `Indexed` is sent with indices"
)]
pub trait Indices: Nesting {
    /// What it consists of.
    type Element: Kind;
}

impl<K: One> Indices for Indexed<K> {
    type Element = K;
}

impl<K: Indices> Indices for Noflag<K> {
    type Element = K::Element;
}

/// An element of an array.
#[inline(always)]
pub(super) fn element<K: Store<V>, V>(index: u16, value: V) -> Numbered<K::Part> {
    Numbered::new(index, K::FLAGS, K::part(value))
}
