// SPDX-License-Identifier: GPL-2.0

//! Kinds that are nests with the attributes of a set, and nests that the core does not look into.

use super::{
    attribute::InSet,
    extack::Info,
    layout::Layout,
    list::{
        element,
        Nesting,
        NESTED, //
    },
    nested::{
        Nested,
        Unparsed, //
    },
    payload::{
        self,
        Numbered, //
    },
    plain::{
        Find,
        Kind,
        One,
        Rule,
        Store, //
    },
    policy::{
        Attr,
        Set, //
    },
    validate::private,
    wire::Value, //
};
use core::marker::PhantomData;
use kernel::bindings;

macro_rules! nest {
    ($($(#[$doc:meta])* $name:ident, $rule:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name<S>(PhantomData<S>);

        impl<S: Set> private::Sealed for $name<S> {}
        impl<S: Set> Nesting for $name<S> {}

        impl<S: Set> Kind for $name<S> {
            const RULE: Attr = $rule;
            const FLAGS: u16 = NESTED;
            const INSIDE: (&'static str, &'static str) = S::NAME;
            super::plain::one!(bindings::NLA_NESTED, Rule::Nest(S::ATTRS));
        }

        impl<S: Set> One for $name<S> {
            type Value<'a> = Nested<'a, S>;
            const ARRAY: Attr = Attr::nested_array::<S>();
            const ARRAY_NEEDS: (u32, Rule) = (bindings::NLA_NESTED_ARRAY, Rule::Nest(S::ATTRS));

            #[inline(always)]
            fn read<'a>(value: Value<'a>, info: Info<'a>) -> Option<Nested<'a, S>> {
                Some(Nested::new(value, info))
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
    Nest, Attr::nested::<S>();
    /// A nest with the attributes of a set that has such nests inside. As a member of a message it
    /// is borrowed.
    ///
    /// The rule has to say where the policy is, as it cannot be looked at while it is in the
    /// making: `= Attr::nested_in(&TREE)`.
    NestIn, {
        // Rustdoc looks at each constant.
        core::assert!(
            core::cfg!(doc),
            "genl: a NestIn says where the policy is: 'static TABLE' behind the set, \
            '= Attr::nested_in(&TABLE)' behind the attribute"
        );
        Attr::unused()
    };
}

/// A nest that the core has not looked into, see [`Unparsed`].
pub struct AnyNest;

impl private::Sealed for AnyNest {}
impl Nesting for AnyNest {}

impl Kind for AnyNest {
    const RULE: Attr = Attr::any_nest();
    const FLAGS: u16 = NESTED;
    super::plain::one!(bindings::NLA_NESTED, Rule::AnyNest);
}

impl One for AnyNest {
    type Value<'a> = Unparsed<'a>;

    #[inline(always)]
    fn read<'a>(value: Value<'a>, info: Info<'a>) -> Option<Unparsed<'a>> {
        Some(Unparsed::new(value, info))
    }
}

impl<P: Layout> Store<P> for AnyNest {
    type Part = payload::Nest<P>;

    #[inline(always)]
    fn part(value: P) -> Self::Part {
        payload::Nest(value)
    }
}

/// A nest around a single value, whose number says something as well (`nest-type-value`): the value
/// goes with its number, as in `Under<Under<Nest<RuleSet>>>`, of `(u16, (u16, ..))`.
///
/// No policy has it. A request that does has a nest that the handler looks into.
pub struct Under<K>(PhantomData<K>);

impl<K: One> private::Sealed for Under<K> {}
impl<K: One> Nesting for Under<K> {}

impl<K: One> Kind for Under<K> {
    const RULE: Attr = Attr::any_nest();
    const FLAGS: u16 = NESTED;
    super::plain::one!(bindings::NLA_NESTED, Rule::AnyNest);
}

impl<K: One> One for Under<K> {
    type Value<'a> = Unparsed<'a>;

    #[inline(always)]
    fn read<'a>(value: Value<'a>, info: Info<'a>) -> Option<Unparsed<'a>> {
        Some(Unparsed::new(value, info))
    }
}

impl<K: One + Store<V>, V> Store<(u16, V)> for Under<K> {
    type Part = payload::Nest<Numbered<K::Part>>;

    #[inline(always)]
    fn part((number, value): (u16, V)) -> Self::Part {
        payload::Nest(element::<K, V>(number, value))
    }
}
