// SPDX-License-Identifier: GPL-2.0

//! Attributes as types.
//!
//! Each attribute of a set is a type: its number, what it holds, and which values it may have. What
//! can be done with it is written once, here and in [`Request`](super::Request): reading it,
//! insisting on it, refusing a request because of it, and sending it. So a family's code has no
//! numbers, and the compiler knows which request carries what.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

use super::{
    carried::{
        assert_any_nest,
        assert_exact,
        assert_kind,
        assert_nest_of, //
    },
    layout::{
        self,
        Each,
        Layout,
        Whole, //
    },
    list::{
        element,
        Indices,
        Several, //
    },
    payload::{
        type_of,
        Nest,
        Payload, //
    },
    plain::{
        Kind,
        Rule,
        Store, //
    },
    policy::{
        Attr,
        Policy,
        Set, //
    },
    table::{
        fail,
        same, //
    }, //
};
use core::marker::PhantomData;

/// An attribute of a set, made by [`attributes!`](super::attributes).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no attribute",
    label = "not declared by `genl::attributes!`"
)]
pub trait Attribute: Copy + 'static {
    /// The set that it is in.
    type Set: Set + Carries<Self>;

    /// What it holds.
    type Kind: Kind;

    /// Its number, at most 16,383. What is sent as number 0 cannot be read by the core.
    const NUMBER: u16;

    /// Its rule in a policy.
    const RULE: Attr;

    /// The attribute with a value, for a message: see [`Message`](super::Message).
    #[inline(always)]
    fn put<V>(self, value: V) -> Part<Self, <Self::Kind as Store<V>>::Part>
    where
        Self::Kind: Store<V>,
    {
        Self::part(Self::Kind::part(value))
    }

    /// The attribute once for each value of an iterator.
    ///
    /// The iterator runs twice, first for the size. One that then has other values, fewer or larger
    /// ones, makes a message that nobody can read, but never one that is larger than the room for
    /// it.
    #[inline(always)]
    fn each<V, I>(self, values: I) -> impl InSet<Self::Set>
    where
        Self::Kind: Several<Element: Store<V>>,
        I: IntoIterator<Item = V, IntoIter: Clone>,
    {
        let one = |value| Self::part(<Self::Kind as Several>::Element::part(value));
        Each::new(values.into_iter().map(one))
    }

    /// The attribute as an array of the values of an iterator, each with its index, of which 14
    /// bits are sent.
    ///
    /// Indices from a range without an end overflow where there are more values than indices.
    #[inline(always)]
    fn indexed<V, I>(self, values: I) -> impl InSet<Self::Set>
    where
        Self::Kind: Indices<Element: Store<V>>,
        I: IntoIterator<Item = (u16, V), IntoIter: Clone>,
    {
        let elements = values
            .into_iter()
            .map(|(index, value)| element::<<Self::Kind as Indices>::Element, _>(index, value));
        Self::part(Nest(Each::new(elements)))
    }

    /// One of the elements that [`Attribute::indexed`] sends, for its size.
    #[inline(always)]
    fn element<V>(self, index: u16, value: V) -> impl Layout
    where
        Self::Kind: Indices<Element: Store<V>>,
    {
        element::<<Self::Kind as Indices>::Element, _>(index, value)
    }

    /// The attribute, from one without a number.
    #[doc(hidden)]
    #[inline(always)]
    fn part<P: Payload>(payload: P) -> Part<Self, P> {
        Part(payload, PhantomData)
    }
}

/// What is carried: a request for the operation `Self`, or a nest or message of the set `Self`, may
/// have the attribute `A`.
///
/// # Examples
///
/// A function that reads requests of several operations says what they share.
///
/// ```
/// use genl::{kind::U32, Carries, Op, Request};
/// use kernel::prelude::*;
///
/// genl::attributes! {
///     /// A port.
///     pub(crate) mod port: PortSet {
///         /// Its index.
///         Index = 1: U32,
///     }
/// }
///
/// fn index<O: Op + Carries<port::Index>>(request: &Request<'_, O>) -> Result<u32> {
///     match request.need(port::Index)? {
///         0 => Err(request.refuse(port::Index, EINVAL, c"ports begin with 1")),
///         index => Ok(index),
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not carry the attribute `{A}`",
    label = "not among the attributes of this request, nest or message"
)]
pub trait Carries<A: Attribute> {}

/// A request for the operation `Self` has attributes of the set `S`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a request for `{Self}` has no attributes of `{S}`",
    label = "the number of an attribute means something else in another set"
)]
pub trait Asks<S> {}

/// The attribute `A` with a value.
#[derive(Clone, Copy)]
pub struct Part<A, P>(P, PhantomData<A>);

// SAFETY: It is one attribute, which is as large as the payload says.
unsafe impl<A: Attribute, P: Payload> Layout for Part<A, P> {
    const MIN: usize = P::MIN;
    const MAX: usize = P::MAX;

    #[inline(always)]
    fn size(&self) -> usize {
        self.0.size()
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.0.fits()
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        // SAFETY: By the safety requirements of this function.
        unsafe {
            self.0
                .write(p, const { type_of(A::NUMBER, A::Kind::FLAGS) })
        }
    }
}

/// Attributes of the set `S`, in the order in which they are sent: what [`Attribute::put`] and its
/// relatives return, an [`Option`] of that, or a tuple of them. A tuple may begin with a
/// [`Header`](super::Header).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not consist of attributes of `{S}`",
    label = "of another set, a value without its attribute, or an attribute without its value",
    note = "a tuple has at most twelve members, which may be tuples"
)]
pub trait InSet<S>: Layout {}

impl<S: Carries<A>, A: Attribute, P: Payload> InSet<S> for Part<A, P> {}
impl<S, P: InSet<S>> InSet<S> for Option<P> {}
impl<S, P: InSet<S>> InSet<S> for &P {}
impl<S, I: Iterator<Item: InSet<S>> + Clone> InSet<S> for Each<I> {}
impl<S, T: Parts<S>> InSet<S> for Whole<Of<T, S>> {}

/// What consists of attributes of the set `S`, which it borrows or computes.
///
/// Structs made by [`messages!`](super::messages) do.
pub trait Parts<S> {
    /// Returns the attributes, in the order in which they are sent.
    fn parts(&self) -> impl InSet<S> + '_;

    /// The value together with its attributes: for one that nobody else keeps, such as what an
    /// iterator or a closure returns, and for one that contains others of its type.
    ///
    /// The attributes are asked for twice, first for their size. A value that then has other ones
    /// makes a message that nobody can read, but never one that is larger than the room for it.
    #[inline(always)]
    fn whole(self) -> Whole<Of<Self, S>>
    where
        Self: Sized,
    {
        Whole::new(Of(self, PhantomData))
    }
}

impl<S, T: Parts<S> + ?Sized> Parts<S> for &T {
    #[inline(always)]
    fn parts(&self) -> impl InSet<S> + '_ {
        (**self).parts()
    }
}

/// A value of which [`Whole`] keeps the parts.
#[doc(hidden)]
pub struct Of<T, S>(T, PhantomData<S>);

impl<S, T: Parts<S>> layout::Parts for Of<T, S> {
    #[inline(always)]
    fn parts(&self) -> impl Layout + '_ {
        self.0.parts()
    }
}

/// What reading the attribute `A` returns.
pub type Got<'a, A> = <<A as Attribute>::Kind as Kind>::Got<'a>;

/// Asserts that the policy `P` has `A`, so that it can be read.
pub(super) const fn assert_carried<P: Policy, A: Attribute>() {
    let (kind, rule) = A::Kind::NEEDS;
    assert_kind::<P>(A::NUMBER, kind);
    match rule {
        Rule::None => (),
        Rule::Nest(attrs) => assert_nest_of::<P>(A::NUMBER, attrs),
        Rule::AnyNest => assert_any_nest::<P>(A::NUMBER),
        Rule::Exact(len) => assert_exact::<P>(A::NUMBER, len),
    }
}

/// The rule of the kind of an attribute, for one that says no more.
#[doc(hidden)]
pub const fn rule_of<A: Attribute>() -> Attr {
    let ((inside, module), (set, set_module)) = (A::Kind::INSIDE, A::Set::NAME);
    // What is in the making cannot be looked at.
    if !set.is_empty()
        && same(inside.as_bytes(), set.as_bytes())
        && same(module.as_bytes(), set_module.as_bytes())
    {
        fail(
            set,
            "contains itself: 'static TABLE' behind it, 'NestIn<..> = Attr::nested_in(&TABLE)'",
        );
    }
    rule_of_kind::<A::Kind>()
}

/// A function of its own: what a function may look at is looked at before it begins.
const fn rule_of_kind<K: Kind>() -> Attr {
    K::RULE
}

/// What [`attributes!`](super::attributes) and [`carries!`](super::carries) add to the policy of a
/// set or an operation that is declared elsewhere: they give that type an associated constant of
/// this name. It comes before this one, which is that of all other types.
#[doc(hidden)]
pub trait Added {
    /// Numbers and rules.
    const ADDED: &'static [(u16, Attr)] = &[];
}

impl<T> Added for T {}

/// The length of a table with these numbers: none where there is no number above 0.
#[doc(hidden)]
pub const fn table_len(numbers: &[u16], added: &[(u16, Attr)]) -> usize {
    let (mut i, mut max) = (0, 0);
    while i < numbers.len() + added.len() {
        let number = if i < numbers.len() {
            numbers[i]
        } else {
            added[i - numbers.len()].0
        };
        if number > max {
            max = number;
        }
        i += 1;
    }
    if max == 0 {
        0
    } else {
        // CAST: What has 16 bits fits.
        max as usize + 1
    }
}

/// The table of the policy of `name`: what has no rule is refused.
#[doc(hidden)]
pub const fn table_of<const N: usize>(
    name: &'static str,
    rules: &[(u16, Attr)],
    added: &[(u16, Attr)],
) -> [Attr; N] {
    let mut table = [const { Attr::unused() }; N];
    let mut taken = [false; N];
    let mut i = 0;
    while i < rules.len() + added.len() {
        let (number, rule) = if i < rules.len() {
            rules[i]
        } else {
            added[i - rules.len()]
        };
        // CAST: What has 16 bits fits.
        let number = number as usize;
        // A set with number 0 alone has no table.
        if number < N {
            if taken[number] {
                fail(name, "has two attributes of the same number");
            }
            taken[number] = true;
            // The core passes over attributes 0. What stands for them says something else.
            if number > 0 || rule.is_unspecific() {
                table[number] = rule;
            }
        }
        i += 1;
    }
    table
}

/// The table of a policy that is a static.
#[doc(hidden)]
pub const fn static_table_of<const N: usize>(
    name: &'static str,
    rules: &[(u16, Attr)],
    added: &[(u16, Attr)],
) -> [Attr; N] {
    let mut table = table_of(name, rules, added);
    if N > 0 {
        table[0] = table[0].of_static(name);
    }
    table
}

/// More implementations for what a request carries. Where there is only one, the compiler takes its
/// attribute for the one that is meant, and says so, instead of what is missing.
#[doc(hidden)]
pub mod others {
    use super::{super::plain, *};

    #[derive(Clone, Copy)]
    pub struct One;
    #[derive(Clone, Copy)]
    pub struct Other;
    pub struct Nothing;

    impl Policy for Nothing {
        const ATTRS: &'static [Attr] = &[];
    }

    impl Set for Nothing {}
    #[diagnostic::do_not_recommend]
    impl<A: Attribute<Set = Nothing>> Carries<A> for Nothing {}

    impl Attribute for One {
        type Set = Nothing;
        type Kind = plain::Flag;
        const NUMBER: u16 = 0;
        const RULE: Attr = Attr::unused();
    }

    impl Attribute for Other {
        type Set = Nothing;
        type Kind = plain::Flag;
        const NUMBER: u16 = 0;
        const RULE: Attr = Attr::unused();
    }
}

macro_rules! tuple {
    ($($part:ident $index:tt)*) => {
        impl<S, $($part: InSet<S>),*> InSet<S> for ($($part,)*) {}
    };
}

super::layout::each_tuple!(tuple);
