// SPDX-License-Identifier: GPL-2.0

//! Kinds that hold others: nests, arrays, and what comes several times.

use super::{
    super::{
        attribute::{
            Attribute,
            InSet,
            NestMessage,
            Parts,
            Rule, //
        },
        layout::{
            Each,
            Layout, //
        },
        nested::{
            AnyNest as AnyNested,
            Nested, //
        },
        payload::{
            self,
            Numbered,
            Payload, //
        },
        policy::{
            private,
            Attr,
            Set, //
        },
        wire::{
            Stream,
            Value, //
        },
    },
    Field,
    Find,
    Item,
    Kind,
    One,
    Store, //
};
use core::marker::PhantomData;
use kernel::bindings;

/// The flag of a nest.
// CAST: A bit of 16.
const NESTED: u16 = bindings::NLA_F_NESTED as u16;

/// A kind that is sent as a nest.
pub trait Nesting: Kind {}

macro_rules! nest {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name<S>(PhantomData<S>);

        impl<S: Set> private::Sealed for $name<S> {}
        impl<S: Set> Nesting for $name<S> {}

        impl<S: Set> Kind for $name<S> {
            const RULE: Attr = Attr::nested::<S>();
            const FLAGS: u16 = NESTED;
            one!(bindings::NLA_NESTED, Rule::Nest(S::ATTRS));
        }

        impl<S: Set> One for $name<S> {
            type Value<'a> = Nested<'a, S>;
            const ARRAY: Attr = Attr::nested_array::<S>();
            const ARRAY_NEEDS: (u32, Rule) = (bindings::NLA_NESTED_ARRAY, Rule::Nest(S::ATTRS));

            #[inline(always)]
            fn read(value: Value<'_>) -> Option<Nested<'_, S>> {
                Some(Nested::new(value))
            }
        }

        impl<S: Set, P: InSet<S>> Store<P> for $name<S> {
            type Part = payload::Nest<P>;

            #[inline(always)]
            fn part(value: P) -> Self::Part {
                payload::Nest(value)
            }
        }
    )*};
}

nest! {
    /// A nest with the attributes of a set.
    Nest;
    /// A nest with the attributes of a set that has such nests inside. As a member of a message it is
    /// borrowed.
    ///
    /// The rule has to say where the policy is, as it cannot be looked at while it is in the making:
    /// `= Attr::nested_in(&TREE)`.
    NestIn;
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

/// A nest that the core has not looked into, see [`AnyNest`](super::super::AnyNest).
pub struct AnyNest;

impl private::Sealed for AnyNest {}
impl Nesting for AnyNest {}

impl Kind for AnyNest {
    const RULE: Attr = Attr::any_nest();
    const FLAGS: u16 = NESTED;
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
    type Part = payload::Nest<P>;

    #[inline(always)]
    fn part(value: P) -> Self::Part {
        payload::Nest(value)
    }
}

/// A nest or an array that is sent without the flag `NLA_F_NESTED`, like `nla_nest_start_noflag()`:
/// `Noflag<Nest<PlaceSet>>`.
///
/// For protocols that have always sent their nests so, and whose readers may compare the whole type.
/// A reader finds out from the protocol only that it is a nest. What is new has the flag.
///
/// The elements of an array have flags of their own: in a `Noflag<Indexed<Noflag<Nest<PlaceSet>>>>`
/// nothing has it.
pub struct Noflag<K>(PhantomData<K>);

impl<K: Nesting> Nesting for Noflag<K> {}

impl<K: Nesting> Kind for Noflag<K> {
    like!(@kind K::FLAGS & !NESTED);
}

like!(Noflag, Nesting);

/// A nest around a single value, whose number is one of what is said (`nest-type-value`): the value
/// goes with its number, as in `Under<Under<Nest<RuleSet>>>`, of `(u16, (u16, ..))`.
///
/// No policy has it. A request that does has a nest that the handler looks into.
pub struct Under<K>(PhantomData<K>);

impl<K: One> private::Sealed for Under<K> {}
impl<K: One> Nesting for Under<K> {}

impl<K: One> Kind for Under<K> {
    const RULE: Attr = Attr::any_nest();
    const FLAGS: u16 = NESTED;
    one!(bindings::NLA_NESTED, Rule::AnyNest);
}

impl<K: One> One for Under<K> {
    type Value<'a> = AnyNested<'a>;

    #[inline(always)]
    fn read(value: Value<'_>) -> Option<AnyNested<'_>> {
        Some(AnyNested::new(value))
    }
}

impl<K: One + Store<V>, V> Store<(u16, V)> for Under<K> {
    type Part = payload::Nest<Numbered<K::Part>>;

    #[inline(always)]
    fn part((number, value): (u16, V)) -> Self::Part {
        payload::Nest(element::<K, V>(number, value))
    }
}

impl<K: Item> Item for Under<K> {
    type Item<'a> = (u16, K::Item<'a>);

    #[inline(always)]
    fn part<'a>((number, item): &Self::Item<'a>) -> impl Payload {
        payload::Nest(Numbered::new(*number, K::FLAGS, K::part(item)))
    }
}

field!([K: Item] Under<K>);

/// An attribute that comes as often as there are values (`multi-attr`). Reading it returns them in
/// the order in which they were sent; [`Attribute::each`] sends them.
pub struct Many<K>(PhantomData<K>);

impl<K: One> private::Sealed for Many<K> {}

impl<K: One> Kind for Many<K> {
    const RULE: Attr = K::RULE;
    const FLAGS: u16 = K::FLAGS;
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
        A: Attribute,
    {
        Each::new(field.iter().map(|item| A::part(K::part(item))))
    }
}

/// A nest that holds any number of values, each with an index (`indexed-array`). Reading it returns
/// them with their indices, and none where it is missing; [`Attribute::indexed`] sends them.
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

/// An array: [`Indexed`], with the flag of a nest or without it.
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
pub fn element<K: Store<V>, V>(index: u16, value: V) -> Numbered<K::Part> {
    Numbered::new(index, K::FLAGS, K::part(value))
}
