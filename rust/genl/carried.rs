// SPDX-License-Identifier: GPL-2.0

//! Whether a policy has an attribute as its kind says: the reason why reading it compiles.

use super::policy::{
    check_policy,
    max_attr,
    Attr,
    Policy, //
};
use kernel::bindings;

/// The rule of attribute `number` of `P`, which there must be.
const fn rule_of<P: Policy>(number: u16) -> &'static Attr {
    // CAST: What has 16 bits fits.
    let number = number as usize;
    core::assert!(
        number > 0 && number < P::ATTRS.len(),
        "genl: the policy has no attribute of this number"
    );
    &P::ATTRS[number]
}

/// Asserts that `number` is an attribute of `P`.
pub(super) const fn assert_in<P: Policy>(number: u16) {
    rule_of::<P>(number);
}

/// Whether attribute `number` of `P` has the type `kind`; the reason why it can be read.
pub(super) const fn assert_kind<P: Policy>(number: u16, kind: u32) {
    core::assert!(
        rule_of::<P>(number).kind() == kind,
        "genl: the policy gives this attribute another type"
    );
}

/// The table of the nest `number` of `P`, which is null for [`Attr::any_nest`].
const fn table_of<P: Policy>(number: u16) -> *const bindings::nla_policy {
    // SAFETY: `assert_kind` has seen that this is a nest, so `Attr::nested` or a relative of it has
    // made it, and this is the field of the union that it wrote, or zeroed.
    unsafe { rule_of::<P>(number).0.__bindgen_anon_1.nested_policy }
}

/// Asserts that the nest `number` of `P` has these attributes.
pub(super) const fn assert_nest_of<P: Policy>(number: u16, nest_attrs: &[Attr]) {
    check_policy(nest_attrs);
    let attrs = table_of::<P>(number);
    let max = rule_of::<P>(number).0.len;
    let expected: *const bindings::nla_policy = nest_attrs.as_ptr().cast();
    core::assert!(
        !attrs.is_null(),
        "genl: the handler parses this nest, see Attr::any_nest()"
    );
    core::assert!(
        // SAFETY: Both point to constants that have one element more than their largest attribute.
        unsafe { same_policy(attrs, max, expected, max_attr(nest_attrs), NEST_DEPTH) },
        "genl: the policy gives this nest other attributes"
    );
}

/// Asserts that the core has not looked into the nest `number` of `P`.
pub(super) const fn assert_any_nest<P: Policy>(number: u16) {
    core::assert!(
        table_of::<P>(number).is_null(),
        "genl: the policy of this nest is known, so the core has parsed it"
    );
}

/// Asserts that the binary `number` of `P` has exactly `len` bytes.
pub(super) const fn assert_exact<P: Policy>(number: u16, len: usize) {
    core::assert!(
        // CAST: An array is not that long.
        exact_len(&rule_of::<P>(number).0) == len as i64,
        "genl: the policy gives this attribute another length"
    );
}

/// How many bytes a binary has that has passed validation: exactly so many, or at least where it is
/// one of [`Attr::exact_warn`]. -1 where that is not known before.
const fn exact_len(attr: &bindings::nla_policy) -> i64 {
    const RANGE: u32 = bindings::nla_policy_validation_NLA_VALIDATE_RANGE;
    const WARN: u32 = bindings::nla_policy_validation_NLA_VALIDATE_RANGE_WARN_TOO_LONG;
    // CAST: Both have eight bits.
    if attr.type_ as u32 != bindings::NLA_BINARY
        || !core::matches!(attr.validation_type as u32, RANGE | WARN)
    {
        return -1;
    }
    // SAFETY: `binary_range` has set this field of the union, for both kinds of validation.
    let range = unsafe { attr.__bindgen_anon_1.__bindgen_anon_1 };
    if range.min == range.max {
        // CAST: A number with a sign, of fewer bits.
        range.min as i64
    } else {
        -1
    }
}

/// How deep the core validates nests, `MAX_POLICY_RECURSION_DEPTH` in `lib/nlattr.c`.
const NEST_DEPTH: usize = 10;

/// Compares two policies by what they say, since constants have no identity: whether both have the
/// same numbers with the same types and exact lengths, down to the depth that the core validates.
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
    if a_max > 0 {
        // SAFETY: There is an element 0.
        let (x, y) = unsafe { (&*a, &*b) };
        // Statics, see `Attr::of_static`: of sets with other names.
        if x.len != 0 && y.len != 0 && x.len != y.len {
            return false;
        }
        if x.len != 0 && y.len != 0 {
            // SAFETY: Where they are not in the same static, the compiler stops here.
            return unsafe { a.offset_from(b) } == 0;
        }
    }
    let mut number = 1;
    // CAST: What has 16 bits fits.
    while number <= a_max as usize && depth > 0 {
        // SAFETY: `number` is at most `a_max` and `b_max`.
        let (x, y) = unsafe { (&*a.add(number), &*b.add(number)) };
        if x.type_ != y.type_ || exact_len(x) != exact_len(y) {
            return false;
        }
        // CAST: It has eight bits.
        if core::matches!(
            x.type_ as u32,
            bindings::NLA_NESTED | bindings::NLA_NESTED_ARRAY
        ) {
            // SAFETY: Nests are made by `Attr::nested` and its relatives only, so both have this
            // field.
            let (below_x, below_y) = unsafe {
                (
                    x.__bindgen_anon_1.nested_policy,
                    y.__bindgen_anon_1.nested_policy,
                )
            };
            if below_x.is_null() != below_y.is_null() {
                return false;
            }
            // SAFETY: What is not null points to one element more than `len`, which is 0 for null.
            if !unsafe { same_policy(below_x, x.len, below_y, y.len, depth - 1) } {
                return false;
            }
        }
        number += 1;
    }
    true
}
