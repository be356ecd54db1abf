// SPDX-License-Identifier: GPL-2.0

//! What the value of an attribute may be: ranges, masks, lengths and checks.

use super::{
    policy::{
        Attr,
        INLINE_MAX, //
    },
    validate::{
        check_bytes,
        check_number_of,
        Check,
        Scalar,
        Validate,
        ValidateBytes, //
    }, //
};
use kernel::bindings;

/// Bounds that have room in `struct nla_policy` itself.
const RANGE: u32 = bindings::nla_policy_validation_NLA_VALIDATE_RANGE;

/// The bounds of an unsigned attribute, for values that do not fit the two 16-bit numbers that
/// `struct nla_policy` has room for.
struct Range<const MIN: u64, const MAX: u64>;

/// The same for a signed one.
struct SignedRange<const MIN: i64, const MAX: i64>;

impl<const MIN: i64, const MAX: i64> SignedRange<MIN, MAX> {
    const BOUNDS: &'static bindings::netlink_range_validation_signed =
        &bindings::netlink_range_validation_signed { min: MIN, max: MAX };
}

impl<const MIN: u64, const MAX: u64> Range<MIN, MAX> {
    const BOUNDS: &'static bindings::netlink_range_validation =
        &bindings::netlink_range_validation { min: MIN, max: MAX };
}

impl Attr {
    /// Bounds a string, without the terminator, or a binary: it has at most `max` bytes.
    pub const fn max_len(self, max: u16) -> Self {
        self.assert_no_rule();
        match self.kind() {
            bindings::NLA_NUL_STRING => Self::string(max),
            bindings::NLA_STRING => Self::unterminated_string(max),
            bindings::NLA_BINARY => {
                core::assert!(max > 0, "genl: a binary needs a maximal length above 0");
                Self::binary(max)
            }
            _ => core::panic!("genl: only strings and binaries have lengths"),
        }
    }

    /// Bounds a binary: it has at least `min` bytes.
    pub const fn min_len(self, min: u16) -> Self {
        self.assert_binary();
        Self::binary_min(min)
    }

    /// Bounds a binary: it has from `min` to `max` bytes.
    pub const fn len_range(self, min: u16, max: u16) -> Self {
        self.assert_binary();
        Self::binary_range(min, max)
    }

    const fn assert_binary(&self) {
        self.assert_no_rule();
        core::assert!(
            self.kind() == bindings::NLA_BINARY,
            "genl: only binaries have a smallest length"
        );
    }

    /// Bounds an unsigned number: `MIN` and `MAX` are the smallest and the largest value allowed.
    pub const fn range<const MIN: u64, const MAX: u64>(self) -> Self {
        self.assert_no_rule();
        // CAST: All of these have fewer bits.
        let limit = match self.kind() {
            bindings::NLA_U8 => u8::MAX as u64,
            bindings::NLA_U16 | bindings::NLA_BE16 => u16::MAX as u64,
            bindings::NLA_U32 | bindings::NLA_BE32 => u32::MAX as u64,
            bindings::NLA_U64 | bindings::NLA_UINT | bindings::NLA_MSECS => u64::MAX,
            _ => core::panic!("genl: only unsigned numbers have a range"),
        };
        core::assert!(MIN <= MAX, "genl: the range of an attribute is empty");
        core::assert!(
            MAX <= limit,
            "genl: the range of an attribute exceeds its type"
        );
        // The forms that the kernel's own generator chooses, so that a dump of the policy agrees.
        if MAX <= INLINE_MAX {
            // CAST: Both are at most `INLINE_MAX`, the largest `s16`.
            return self.bounded(RANGE, MIN as i16, MAX as i16);
        }
        let mut policy = self.0;
        policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_RANGE_PTR as u8;
        policy.__bindgen_anon_1.range = Range::<MIN, MAX>::BOUNDS;
        // INVARIANT: `BOUNDS` is a constant.
        Self(policy)
    }

    /// Bounds an unsigned number from above.
    pub const fn max<const MAX: u64>(self) -> Self {
        self.range::<0, MAX>()
    }

    /// Bounds a signed number: `MIN` and `MAX` are the smallest and the largest value allowed.
    pub const fn signed_range<const MIN: i64, const MAX: i64>(self) -> Self {
        self.assert_no_rule();
        // CAST: All of these have fewer bits.
        let (low, high) = match self.kind() {
            bindings::NLA_S8 => (i8::MIN as i64, i8::MAX as i64),
            bindings::NLA_S16 => (i16::MIN as i64, i16::MAX as i64),
            bindings::NLA_S32 => (i32::MIN as i64, i32::MAX as i64),
            bindings::NLA_S64 | bindings::NLA_SINT => (i64::MIN, i64::MAX),
            _ => core::panic!("genl: only signed numbers have a signed range"),
        };
        core::assert!(MIN <= MAX, "genl: the range of an attribute is empty");
        core::assert!(
            MIN >= low && MAX <= high,
            "genl: the range of an attribute exceeds its type"
        );
        // CAST: Both have fewer bits.
        if MIN >= i16::MIN as i64 && MAX <= i16::MAX as i64 {
            // CAST: Both were just compared with the bounds of 16 bits.
            return self.bounded(RANGE, MIN as i16, MAX as i16);
        }
        let mut policy = self.0;
        policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_RANGE_PTR as u8;
        policy.__bindgen_anon_1.range_signed = SignedRange::<MIN, MAX>::BOUNDS;
        // INVARIANT: `BOUNDS` is a constant.
        Self(policy)
    }

    /// Whether [`Attr::inline`] takes these bounds.
    pub(super) const fn has_inline(&self, min: i64, max: i64) -> bool {
        let signed = core::matches!(
            self.kind(),
            bindings::NLA_S8
                | bindings::NLA_S16
                | bindings::NLA_S32
                | bindings::NLA_S64
                | bindings::NLA_SINT
        );
        // CAST: All of these have fewer bits, and `INLINE_MAX` is small.
        let (low, high) = match (self.kind(), signed) {
            (bindings::NLA_S8, _) => (i8::MIN as i64, i8::MAX as i64),
            (_, true) => (i16::MIN as i64, i16::MAX as i64),
            (bindings::NLA_U8, _) => (0, u8::MAX as i64),
            _ => (0, INLINE_MAX as i64),
        };
        low <= min && min <= max && max <= high
    }

    /// Bounds a number, as [`Attr::range`] and [`Attr::signed_range`] do, by small numbers that are
    /// known when it is called only.
    pub(super) const fn inline(self, min: i64, max: i64) -> Self {
        self.assert_no_rule();
        core::assert!(self.has_inline(min, max));
        // CAST: As was just seen.
        self.bounded(RANGE, min as i16, max as i16)
    }

    /// Refuses an unsigned number with other bits than those in `mask`. Masks have 32 bits.
    pub const fn mask(self, mask: u32) -> Self {
        self.assert_no_rule();
        let Some(largest) = self.largest_mask() else {
            core::panic!("genl: only unsigned numbers have a mask")
        };
        core::assert!(
            mask <= largest,
            "genl: the mask of an attribute exceeds its type"
        );
        let mut policy = self.0;
        // CAST: The kinds of validation are small numbers.
        policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_MASK as u8;
        policy.__bindgen_anon_1.mask = mask;
        // INVARIANT: No pointer is set.
        Self(policy)
    }

    /// Whether [`Attr::mask`] takes this one.
    pub(super) const fn has_mask(&self, mask: u32) -> bool {
        core::matches!(self.largest_mask(), Some(largest) if mask <= largest)
    }

    /// The largest mask of this type; none where it has no mask.
    const fn largest_mask(&self) -> Option<u32> {
        // CAST: Both have fewer bits.
        match self.kind() {
            bindings::NLA_U8 => Some(u8::MAX as u32),
            bindings::NLA_U16 | bindings::NLA_BE16 => Some(u16::MAX as u32),
            bindings::NLA_U32 | bindings::NLA_U64 | bindings::NLA_UINT | bindings::NLA_BE32 => {
                Some(u32::MAX)
            }
            _ => None,
        }
    }

    /// Adds a check of the value. An attribute has one of them: a range, a mask or a check.
    pub const fn validate<V: Validate>(self) -> Self {
        let kind = self.kind();
        let mut fits = kind == V::Value::KIND;
        let mut i = 0;
        while i < V::Value::OTHERS.len() {
            fits |= kind == V::Value::OTHERS[i];
            i += 1;
        }
        core::assert!(fits, "genl: the check is for another type of attribute");
        self.with_check(check_number_of::<V>(kind))
    }

    /// Adds a check of the bytes of a string or a binary, behind that of their length. A binary
    /// whose smallest length is above 0 has a range already: there the check looks at the length.
    pub const fn validate_bytes<V: ValidateBytes>(self) -> Self {
        self.with_check(match self.kind() {
            bindings::NLA_NUL_STRING | bindings::NLA_STRING => check_bytes::<V, true>,
            bindings::NLA_BINARY => check_bytes::<V, false>,
            _ => core::panic!("genl: the check is for strings and binaries"),
        })
    }

    const fn with_check(self, check: Check) -> Self {
        self.assert_no_rule();
        let mut policy = self.0;
        // CAST: The kinds of validation are small numbers.
        policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_FUNCTION as u8;
        policy.__bindgen_anon_1.validate = Some(check);
        // INVARIANT: What the union points to is a function.
        Self(policy)
    }

    const fn assert_no_rule(&self) {
        core::assert!(
            // CAST: The kinds of validation are small numbers.
            self.0.validation_type == bindings::nla_policy_validation_NLA_VALIDATE_NONE as u8,
            "genl: an attribute has one rule for its value"
        );
    }
}
