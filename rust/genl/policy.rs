// SPDX-License-Identifier: GPL-2.0

//! Attribute policies, as constants.
//!
//! A policy says which attributes a request may carry and what each of them may hold. The core
//! checks a request against the policy of its operation before any handler runs, and answers with
//! an extended ack that points at the attribute when it does not fit. Validation is always strict:
//! an unknown attribute, a scalar of another length, or bytes behind the last attribute are refused.
//!
//! C headers: [`include/net/netlink.h`](srctree/include/net/netlink.h) (`struct nla_policy`).

use kernel::bindings;

/// The attributes of a request or of a nest: one [`Attr`] for each attribute number, from 0 on.
///
/// Number 0 is never sent and must be [`Attr::unused`].
///
/// # Examples
///
/// ```
/// use genl::{Attr, Policy};
///
/// /// A request with a number from 0 to 100 and a name of at most 15 bytes.
/// struct Get;
///
/// impl Policy for Get {
///     const ATTRS: &'static [Attr] = &[
///         Attr::unused(),
///         Attr::u32().max::<100>(),
///         Attr::string(15),
///     ];
/// }
/// ```
pub trait Policy {
    /// The rules, indexed by attribute number.
    const ATTRS: &'static [Attr];
}

/// The policy of operations without attributes: each attribute in a request is refused.
pub struct NoAttrs;

impl Policy for NoAttrs {
    const ATTRS: &'static [Attr] = &[];
}

/// The rule for one attribute: its type and the values that it may have.
///
/// Mirrors `struct nla_policy`.
///
/// # Invariants
///
/// The pointer in the union, if the type and the kind of validation have one, points to a constant
/// that lives as long as the module.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Attr(bindings::nla_policy);

// SAFETY: An `Attr` is never written to after it was made, and by its invariants points only to
// constants.
unsafe impl Sync for Attr {}

/// The bounds of an unsigned attribute, for values that do not fit the two 16-bit numbers that
/// `struct nla_policy` has room for.
struct Range<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Range<MIN, MAX> {
    const BOUNDS: &'static bindings::netlink_range_validation =
        &bindings::netlink_range_validation { min: MIN, max: MAX };
}

/// The largest bound that fits into `struct nla_policy` itself.
const INLINE_MAX: u64 = 0x7fff;

impl Attr {
    // CAST: The types of attributes are small numbers, `type_` has eight bits in C as well.
    const fn new(type_: u32, len: u16) -> Self {
        let mut policy: bindings::nla_policy = pin_init::zeroed();
        policy.type_ = type_ as u8;
        policy.len = len;
        // INVARIANT: `validation_type` is `NLA_VALIDATE_NONE`, and no pointer is set.
        Self(policy)
    }

    /// A number that requests must not use. Under strict validation the core refuses it with
    /// `EINVAL` and the text "Unsupported attribute".
    pub const fn unused() -> Self {
        Self::new(bindings::NLA_UNSPEC, 0)
    }

    /// An 8-bit unsigned number.
    pub const fn u8() -> Self {
        Self::new(bindings::NLA_U8, 0)
    }

    /// A 16-bit unsigned number in host byte order.
    pub const fn u16() -> Self {
        Self::new(bindings::NLA_U16, 0)
    }

    /// A 32-bit unsigned number in host byte order.
    pub const fn u32() -> Self {
        Self::new(bindings::NLA_U32, 0)
    }

    /// A 64-bit unsigned number in host byte order. It is aligned to 4 bytes only.
    pub const fn u64() -> Self {
        Self::new(bindings::NLA_U64, 0)
    }

    /// An attribute without a value: its presence is the message.
    pub const fn flag() -> Self {
        Self::new(bindings::NLA_FLAG, 0)
    }

    /// A NUL-terminated string of at most `max` bytes before the terminator.
    pub const fn string(max: u16) -> Self {
        assert!(max > 0, "genl: a string needs a maximal length above 0");
        Self::new(bindings::NLA_NUL_STRING, max)
    }

    /// At most `max` bytes of any value; 0 stands for no limit.
    pub const fn binary(max: u16) -> Self {
        Self::new(bindings::NLA_BINARY, max)
    }

    /// A nest with the attributes of `P`. It may be empty, and the core refuses it where the flag
    /// `NLA_F_NESTED` is missing from its type.
    pub const fn nested<P: Policy>() -> Self {
        check_policy(P::ATTRS);
        let mut policy = Self::new(bindings::NLA_NESTED, max_attr(P::ATTRS));
        // INVARIANT: `P::ATTRS` is a constant.
        policy.0.__bindgen_anon_1.nested_policy = P::ATTRS.as_ptr().cast();
        policy
    }

    /// Bounds an unsigned number: `MIN` and `MAX` are the smallest and the largest value allowed.
    pub const fn range<const MIN: u64, const MAX: u64>(self) -> Self {
        let limit = match self.0.type_ as u32 {
            bindings::NLA_U8 => u8::MAX as u64,
            bindings::NLA_U16 => u16::MAX as u64,
            bindings::NLA_U32 => u32::MAX as u64,
            bindings::NLA_U64 => u64::MAX,
            _ => panic!("genl: only unsigned numbers have a range"),
        };
        assert!(MIN <= MAX, "genl: the range of an attribute is empty");
        assert!(
            MAX <= limit,
            "genl: the range of an attribute exceeds its type"
        );
        let mut policy = self.0;
        // The forms that the kernel's own generator chooses, so that a dump of the policy agrees.
        if MAX <= INLINE_MAX {
            policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_RANGE as u8;
            // CAST: Both are at most `INLINE_MAX`, the largest `s16`.
            policy.__bindgen_anon_1.__bindgen_anon_1 =
                bindings::nla_policy__bindgen_ty_1__bindgen_ty_1 {
                    min: MIN as i16,
                    max: MAX as i16,
                };
        } else {
            policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_RANGE_PTR as u8;
            policy.__bindgen_anon_1.range = Range::<MIN, MAX>::BOUNDS;
        }
        // INVARIANT: `BOUNDS` is a constant.
        Self(policy)
    }

    /// Bounds an unsigned number from above.
    pub const fn max<const MAX: u64>(self) -> Self {
        self.range::<0, MAX>()
    }

    /// The `NLA_*` type.
    pub(super) const fn kind(&self) -> u32 {
        self.0.type_ as u32
    }
}

/// The largest attribute number of a policy; 0 where it has none.
// CAST: `check_policy` bounds the length.
pub(super) const fn max_attr(attrs: &[Attr]) -> u16 {
    if attrs.is_empty() {
        0
    } else {
        (attrs.len() - 1) as u16
    }
}

/// The rules for a table of attributes, checked when the program is compiled.
pub(super) const fn check_policy(attrs: &[Attr]) {
    // The two upper bits of an attribute's type are flags, which leaves 14 for the number.
    assert!(
        attrs.len() <= 0x4000,
        "genl: a policy has attribute numbers above 16383"
    );
    if !attrs.is_empty() {
        assert!(
            attrs[0].kind() == bindings::NLA_UNSPEC,
            "genl: attribute 0 of a policy must be Attr::unused()"
        );
        assert!(
            attrs.len() > 1,
            "genl: a policy without attributes must be empty"
        );
    }
}

/// Whether attribute `number` of `P` has the type `kind`; the reason why an accessor compiles.
pub(super) const fn assert_kind<P: Policy>(number: u16, kind: u32) {
    assert!(
        (number as usize) < P::ATTRS.len(),
        "genl: the policy has no attribute of this number"
    );
    assert!(
        P::ATTRS[number as usize].kind() == kind,
        "genl: the policy gives this attribute another type"
    );
}

/// Asserts that the nest `number` of `P` has the policy `N`.
pub(super) const fn assert_nest<P: Policy, N: Policy>(number: u16) {
    let nest = &P::ATTRS[number as usize].0;
    // SAFETY: `assert_kind` has seen that this is a nest, so `Attr::nested` has made it, and this
    // is the field of the union that it wrote.
    let attrs = unsafe { nest.__bindgen_anon_1.nested_policy };
    let expected: *const bindings::nla_policy = N::ATTRS.as_ptr().cast();
    assert!(
        // SAFETY: Both point to constants that have one element more than their largest attribute.
        unsafe { same_policy(attrs, nest.len, expected, max_attr(N::ATTRS), NEST_DEPTH) },
        "genl: the policy gives this nest other attributes"
    );
}

/// How deep the core validates nests, `MAX_POLICY_RECURSION_DEPTH` in `lib/nlattr.c`.
const NEST_DEPTH: usize = 10;

/// Compares two policies by what they say, since constants have no identity: whether both have the
/// same numbers with the same types, down to the depth that the core validates.
///
/// # Safety
///
/// `a` and `b` point to `a_max + 1` and `b_max + 1` elements, unless these are 0.
const unsafe fn same_policy(
    a: *const bindings::nla_policy,
    a_max: u16,
    b: *const bindings::nla_policy,
    b_max: u16,
    depth: usize,
) -> bool {
    if a_max != b_max {
        return false;
    }
    let mut number = 1;
    while number <= a_max as usize && depth > 0 {
        // SAFETY: `number` is at most `a_max` and `b_max`.
        let (x, y) = unsafe { (&*a.add(number), &*b.add(number)) };
        if x.type_ != y.type_ {
            return false;
        }
        if x.type_ as u32 == bindings::NLA_NESTED {
            // SAFETY: `Attr::nested` is the only source of nests, so both have this field, and it
            // points to one element more than `len`.
            let same = unsafe {
                same_policy(
                    x.__bindgen_anon_1.nested_policy,
                    x.len,
                    y.__bindgen_anon_1.nested_policy,
                    y.len,
                    depth - 1,
                )
            };
            if !same {
                return false;
            }
        }
        number += 1;
    }
    true
}
