// SPDX-License-Identifier: GPL-2.0

//! Attribute policies, as constants.
//!
//! A policy says which attributes a request may carry and what each of them may hold. The core
//! checks a request against the policy of its operation before any handler runs. If the request
//! does not fit, the core answers with an extended ack that points at the attribute. Validation is
//! strict unless [`Op::VALIDATION`](super::Op::VALIDATION) says otherwise: an unknown attribute, a
//! scalar of another length, and bytes behind the last attribute are refused.
//!
//! C headers: [`include/net/netlink.h`](srctree/include/net/netlink.h) (`struct nla_policy`).

use super::{
    attr::Value,
    extack::Extack,
    module, //
};
use core::ptr;
use kernel::{
    bindings,
    prelude::*, //
};

/// The attributes of a request or of a nest: one [`Attr`] for each attribute number, from 0 on.
///
/// Number 0 is never sent and must be [`Attr::unused`], or [`Attr::strict_from`] in an old policy.
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
/// # Examples
///
/// A route has an array of hops, each with an address, a port and flags. It has a preference. And
/// it has a metric, which is refused nowadays.
///
/// ```
/// use genl::{
///     Attr,
///     Do,
///     Policy,
///     Request, //
/// };
/// use kernel::{
///     prelude::*,
///     rbtree::RBTree, //
/// };
/// # use genl::{Command, Family, FamilyDescriptor, Op, SplitOp};
/// #
/// # struct Routes;
/// #
/// # impl Routes {
/// #     fn add(&self, _preference: i32, _hops: RBTree<u16, u16>) -> Result {
/// #         Ok(())
/// #     }
/// # }
/// #
/// # impl Family for Routes {
/// #     const NAME: &'static str = "routes";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_::<Add>()]);
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Routes> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
/// #
/// # struct Add;
/// #
/// # impl Command for Add {
/// #     type Family = Routes;
/// #     const NAME: &'static str = "add";
/// #     const NUMBER: u8 = 1;
/// # }
/// #
/// # impl Op for Add {
/// #     type Policy = Self;
/// # }
///
/// struct Hop;
///
/// impl Policy for Hop {
///     const ATTRS: &'static [Attr] = &[
///         Attr::unused(),
///         Attr::exact(16),
///         Attr::be16().range::<1, 65535>(),
///         Attr::u8().mask(0x7),
///     ];
/// }
///
/// impl Policy for Add {
///     const ATTRS: &'static [Attr] = &[
///         Attr::unused(),
///         Attr::nested_array::<Hop>(),
///         Attr::s32().signed_range::<{ -100 }, 100>(),
///         Attr::reject(c"the metric of a route is computed"),
///     ];
/// }
///
/// impl Do for Add {
///     /// Reads `{ 1: { 0: { 1: address, 2: port }, 1: { ... } } }`, with the indices as sent.
///     fn doit(routes: &Routes, request: Request<'_, Self>) -> Result {
///         let mut hops = RBTree::new();
///         for (index, hop) in request.nested_array::<1, Hop>() {
///             let port = hop
///                 .be16::<2>()
///                 .ok_or_else(|| request.missing_in::<2, _>(&hop))?;
///             hops.try_create_and_insert(index, port, GFP_KERNEL)?;
///         }
///         routes.add(request.s32::<2>().unwrap_or(0), hops)
///     }
/// }
/// ```
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

/// A check of one attribute that a policy has no words for, like `NLA_POLICY_VALIDATE_FN()`.
///
/// # Examples
///
/// A number that has to be a power of two.
///
/// ```
/// use genl::{Attr, Policy, Validate};
///
/// struct PowerOfTwo;
///
/// impl Validate for PowerOfTwo {
///     type Value = u32;
///
///     fn validate(value: u32) -> core::result::Result<(), &'static CStr> {
///         if value.is_power_of_two() {
///             Ok(())
///         } else {
///             Err(c"must be a power of two")
///         }
///     }
/// }
///
/// struct Set;
///
/// impl Policy for Set {
///     const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().validate::<PowerOfTwo>()];
/// }
/// # use kernel::prelude::*;
/// ```
pub trait Validate: 'static {
    /// The type of the value: `u8` to `u64`, `i8` to `i64`.
    ///
    /// The attribute has the type of the same name. Or it is [`Attr::uint`] or [`Attr::msecs`] for
    /// `u64`, [`Attr::sint`] for `i64`, [`Attr::be16`] for `u16` and [`Attr::be32`] for `u32`,
    /// whose values arrive in the byte order of the host.
    type Value: Scalar;

    /// Checks a value. The text goes into the extended ack, together with the attribute and
    /// [`EINVAL`].
    fn validate(value: Self::Value) -> core::result::Result<(), &'static CStr>;
}

/// A check of the bytes of a string or a binary, like `NLA_POLICY_VALIDATE_FN()`.
///
/// # Examples
///
/// A name that is made of letters, and a list of 16-bit numbers.
///
/// ```
/// use genl::{Attr, Policy, ValidateBytes};
///
/// struct Letters;
///
/// impl ValidateBytes for Letters {
///     fn validate(name: &[u8]) -> core::result::Result<(), &'static CStr> {
///         if name.iter().all(u8::is_ascii_alphabetic) {
///             Ok(())
///         } else {
///             Err(c"a name has letters only")
///         }
///     }
/// }
///
/// struct Pairs;
///
/// impl ValidateBytes for Pairs {
///     fn validate(bytes: &[u8]) -> core::result::Result<(), &'static CStr> {
///         if bytes.len() % 2 == 0 {
///             Ok(())
///         } else {
///             Err(c"half of a number is missing")
///         }
///     }
/// }
///
/// struct Set;
///
/// impl Policy for Set {
///     const ATTRS: &'static [Attr] = &[
///         Attr::unused(),
///         Attr::string(15).validate_bytes::<Letters>(),
///         Attr::binary(64).validate_bytes::<Pairs>(),
///     ];
/// }
/// # use kernel::prelude::*;
/// ```
pub trait ValidateBytes: 'static {
    /// Checks what the accessor of the attribute returns: all bytes of a binary, and those of a
    /// string up to its first NUL, which is not among them.
    ///
    /// The core has checked the length in front. The text goes into the extended ack, together with
    /// the attribute and [`EINVAL`].
    fn validate(bytes: &[u8]) -> core::result::Result<(), &'static CStr>;
}

pub(super) mod private {
    pub trait Sealed {}
}

/// A number of a fixed size in an attribute, in host byte order.
pub trait Scalar: Copy + private::Sealed {
    /// The `NLA_*` type.
    #[doc(hidden)]
    const KIND: u32;

    /// Other types of attributes that have such a value.
    #[doc(hidden)]
    const OTHERS: &'static [u32];

    /// Reads the value of an attribute of type `KIND`, or of one of the others.
    #[doc(hidden)]
    fn read_as(value: Value<'_>, kind: u32) -> Option<Self>;
}

macro_rules! scalars {
    ($($type:ty = $kind:ident $(or $other:ident by $read:expr)*,)*) => {
        $(
            impl private::Sealed for $type {}

            impl Scalar for $type {
                const KIND: u32 = bindings::$kind;
                const OTHERS: &'static [u32] = &[$(bindings::$other),*];

                #[inline(always)]
                fn read_as(value: Value<'_>, kind: u32) -> Option<Self> {
                    match kind {
                        $(bindings::$other => $read(value),)*
                        // SAFETY: Any bytes are a number.
                        _ => unsafe { value.checked_scalar() },
                    }
                }
            }
        )*
    };
}

scalars! {
    u8 = NLA_U8,
    u16 = NLA_U16 or NLA_BE16 by |value| u16::read_as(value, Self::KIND).map(u16::from_be),
    u32 = NLA_U32 or NLA_BE32 by |value| u32::read_as(value, Self::KIND).map(u32::from_be),
    u64 = NLA_U64 or NLA_UINT by Value::uint
        or NLA_MSECS by |value| u64::read_as(value, Self::KIND),
    i8 = NLA_S8,
    i16 = NLA_S16,
    i32 = NLA_S32,
    i64 = NLA_S64 or NLA_SINT by Value::sint,
}

/// The function of a policy that checks an attribute.
type Check = unsafe extern "C" fn(*const bindings::nlattr, *mut bindings::netlink_ext_ack) -> c_int;

/// The answer to the core, for an attribute that has been checked.
///
/// # Safety
///
/// `attr` is the attribute that the core has asked for, and `extack` is null or of its request.
unsafe fn checked(
    result: core::result::Result<(), &'static CStr>,
    attr: *const bindings::nlattr,
    extack: *mut bindings::netlink_ext_ack,
) -> c_int {
    match result {
        Ok(()) => 0,
        Err(text) => {
            // SAFETY: By the safety requirements of this function.
            let extack = unsafe { Extack::new(extack) };
            extack.set_text(text);
            extack.set_bad_attr(attr);
            EINVAL.to_errno()
        }
    }
}

/// # Safety
///
/// The core calls it for an attribute of type `KIND` whose length it has checked, with an extended
/// ack that is null or of the request.
unsafe extern "C" fn check_number<V: Validate, const KIND: u32>(
    attr: *const bindings::nlattr,
    extack: *mut bindings::netlink_ext_ack,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    let value = V::Value::read_as(unsafe { Value::new(attr) }, KIND);
    // It has been seen to be long enough. The core is in the middle of a request.
    let result = value.map_or(Err(c"the number is too short"), |value| {
        module::within(ptr::null(), || V::validate(value))
    });
    // SAFETY: By the safety requirements of this function.
    unsafe { checked(result, attr, extack) }
}

/// # Safety
///
/// The core calls it for a string or, where `TEXT` is false, for a binary, with an extended ack that
/// is null or of the request.
unsafe extern "C" fn check_bytes<V: ValidateBytes, const TEXT: bool>(
    attr: *const bindings::nlattr,
    extack: *mut bindings::netlink_ext_ack,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    let value = unsafe { Value::new(attr) };
    let bytes = if TEXT { value.text() } else { value.bytes() };
    // The core is in the middle of a request.
    let result = module::within(ptr::null(), || V::validate(bytes));
    // SAFETY: By the safety requirements of this function.
    unsafe { checked(result, attr, extack) }
}

/// The [`check_number`] for attributes of type `kind`.
const fn check_number_of<V: Validate>(kind: u32) -> Check {
    match kind {
        bindings::NLA_UINT => check_number::<V, { bindings::NLA_UINT }>,
        bindings::NLA_SINT => check_number::<V, { bindings::NLA_SINT }>,
        bindings::NLA_BE16 => check_number::<V, { bindings::NLA_BE16 }>,
        bindings::NLA_BE32 => check_number::<V, { bindings::NLA_BE32 }>,
        // The number as it is.
        _ => check_number::<V, { bindings::NLA_UNSPEC }>,
    }
}

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

    /// An 8-bit signed number.
    pub const fn s8() -> Self {
        Self::new(bindings::NLA_S8, 0)
    }

    /// A 16-bit signed number in host byte order.
    pub const fn s16() -> Self {
        Self::new(bindings::NLA_S16, 0)
    }

    /// A 32-bit signed number in host byte order.
    pub const fn s32() -> Self {
        Self::new(bindings::NLA_S32, 0)
    }

    /// A 64-bit signed number in host byte order. It is aligned to 4 bytes only.
    pub const fn s64() -> Self {
        Self::new(bindings::NLA_S64, 0)
    }

    /// An unsigned number in host byte order, of 4 bytes where it fits and else of 8.
    pub const fn uint() -> Self {
        Self::new(bindings::NLA_UINT, 0)
    }

    /// A signed number in host byte order, of 4 bytes where it fits and else of 8.
    pub const fn sint() -> Self {
        Self::new(bindings::NLA_SINT, 0)
    }

    /// A 16-bit unsigned number in network byte order. Its bounds are in that of the host, as its
    /// value is when it is read. A dump of the policy does not show it.
    pub const fn be16() -> Self {
        Self::new(bindings::NLA_BE16, 0)
    }

    /// A 32-bit unsigned number in network byte order, as [`Attr::be16`].
    pub const fn be32() -> Self {
        Self::new(bindings::NLA_BE32, 0)
    }

    /// A time in milliseconds: a 64-bit unsigned number. A dump of the policy shows it as a
    /// number of any size.
    pub const fn msecs() -> Self {
        Self::new(bindings::NLA_MSECS, 0)
    }

    /// 32 bits, and which of them are meant; others than those in `valid` are refused.
    pub const fn bitfield32(valid: u32) -> Self {
        assert!(valid != 0, "genl: a bitfield without valid bits");
        let mut policy = Self::new(bindings::NLA_BITFIELD32, 0);
        policy.0.__bindgen_anon_1.bitfield32_valid = valid;
        policy
    }

    /// An attribute that is refused, with a text that says why: one that is not used any more, for
    /// example. A dump of the policy does not show it. The example of [`Attr`] has one.
    pub const fn reject(text: &'static CStr) -> Self {
        let mut policy = Self::new(bindings::NLA_REJECT, 0);
        // INVARIANT: The text is static.
        policy.0.__bindgen_anon_1.reject_message = text.to_bytes_with_nul().as_ptr().cast();
        policy
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

    /// A NUL-terminated string of any length.
    pub const fn any_string() -> Self {
        Self::new(bindings::NLA_NUL_STRING, 0)
    }

    /// A string of any length that needs no terminator.
    pub const fn any_unterminated_string() -> Self {
        Self::new(bindings::NLA_STRING, 0)
    }

    /// A string of at most `max` bytes that needs no terminator.
    pub const fn unterminated_string(max: u16) -> Self {
        assert!(max > 0, "genl: a string needs a maximal length above 0");
        Self::new(bindings::NLA_STRING, max)
    }

    /// At most `max` bytes of any value; 0 stands for no limit.
    pub const fn binary(max: u16) -> Self {
        Self::new(bindings::NLA_BINARY, max)
    }

    /// Exactly `len` bytes, at most 32,767. They are read as an array, by `array` of
    /// [`Attrs`](super::Attrs).
    pub const fn exact(len: u16) -> Self {
        Self::binary_range(len, len)
    }

    /// From `min` to `max` bytes of any value.
    ///
    /// A dump of the policy does not show `min` if `max` is above 32,767.
    pub const fn binary_range(min: u16, max: u16) -> Self {
        assert!(min <= max, "genl: the range of an attribute is empty");
        assert!(max > 0, "genl: a binary needs a maximal length above 0");
        let mut policy = Self::new(bindings::NLA_BINARY, 0);
        // CAST: The kinds of validation are small numbers.
        if max as u64 <= INLINE_MAX {
            policy.0.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_RANGE as u8;
            // CAST: Both are at most `INLINE_MAX`, the largest `s16`.
            policy.0.__bindgen_anon_1.__bindgen_anon_1 =
                bindings::nla_policy__bindgen_ty_1__bindgen_ty_1 {
                    min: min as i16,
                    max: max as i16,
                };
        } else {
            policy.0.len = max;
            if min > 0 {
                assert!(
                    min as u64 <= INLINE_MAX,
                    "genl: the smallest length of a binary is at most 32767"
                );
                policy.0.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_MIN as u8;
                // CAST: As above. The core does not look at `max`.
                policy.0.__bindgen_anon_1.__bindgen_anon_1 =
                    bindings::nla_policy__bindgen_ty_1__bindgen_ty_1 {
                        min: min as i16,
                        max: 0,
                    };
            }
        }
        policy
    }

    /// Exactly `len` bytes, but more are let pass under liberal validation, with a warning in the
    /// kernel's log (`NLA_POLICY_EXACT_LEN_WARN()`, `NLA_POLICY_ETH_ADDR_COMPAT`).
    ///
    /// For protocols that have let pass what is too long. Too few bytes are always refused with
    /// `ERANGE`. Too many are refused with `EINVAL` and the text "invalid attribute length" where
    /// validation is strict: by [`Op::VALIDATION`](super::Op::VALIDATION), or from the number on
    /// that [`Attr::strict_from`] has.
    pub const fn exact_warn(len: u16) -> Self {
        Self::binary_range_warn(len, len)
    }

    /// From `min` to `max` bytes, and more where [`Attr::exact_warn`] lets them pass
    /// (`NLA_VALIDATE_RANGE_WARN_TOO_LONG`). `max` is at most 32,767.
    ///
    /// # Examples
    ///
    /// An old policy: attribute 1 has ever been accepted when it was too long. Attribute 2 came
    /// later, and is always validated strictly.
    ///
    /// ```
    /// use genl::{Attr, Policy};
    ///
    /// struct Station;
    ///
    /// impl Policy for Station {
    ///     const ATTRS: &'static [Attr] = &[
    ///         Attr::strict_from(2),
    ///         Attr::exact_warn(6),
    ///         Attr::binary_range_warn(1, 32),
    ///     ];
    /// }
    /// ```
    pub const fn binary_range_warn(min: u16, max: u16) -> Self {
        assert!(
            max as u64 <= INLINE_MAX,
            "genl: the largest length of such a binary is 32767"
        );
        let mut policy = Self::binary_range(min, max);
        // CAST: The kinds of validation are small numbers.
        policy.0.validation_type =
            bindings::nla_policy_validation_NLA_VALIDATE_RANGE_WARN_TOO_LONG as u8;
        policy
    }

    /// Stands for attribute 0, in the place of [`Attr::unused`]: the attributes from `number` on are
    /// validated strictly, also where [`Op::VALIDATION`](super::Op::VALIDATION) says otherwise
    /// (`strict_start_type`).
    ///
    /// For old policies that grow. A scalar has its exact length, a nest has the flag
    /// `NLA_F_NESTED`, and what is inside of it is validated strictly too, as a whole. An
    /// [`Attr::unused`] from there on is refused. What is above the largest number of the policy is
    /// passed over as before, and so are bytes behind the last attribute. The nests of a policy
    /// may have a number of their own.
    ///
    /// `number` is one of the policy: 1 makes all of it strict. The example of
    /// [`Attr::binary_range_warn`] has one.
    pub const fn strict_from(number: u16) -> Self {
        assert!(number > 0, "genl: an attribute number is from 1 to 16383");
        let mut policy = Self::unused();
        policy.0.__bindgen_anon_1.strict_start_type = number;
        policy
    }

    /// Where strict validation begins; 0 is no number. Only what stands for attribute 0 has one.
    const fn strict_start(&self) -> u16 {
        if self.kind() != bindings::NLA_UNSPEC {
            return 0;
        }
        // SAFETY: `new` has zeroed the union, and nothing but this field is set for this type.
        unsafe { self.0.__bindgen_anon_1.strict_start_type }
    }

    /// At least `min` bytes of any value. A dump of the policy does not show it.
    pub const fn binary_min(min: u16) -> Self {
        let mut policy = Self::binary_range(min, u16::MAX);
        policy.0.len = 0;
        policy
    }

    /// An array: a nest that holds nests, each with the attributes of `P`. The numbers of the inner
    /// nests mean nothing to the core. The example of [`Attr`] has an array, and reads it.
    pub const fn nested_array<P: Policy>() -> Self {
        let mut policy = Self::nested::<P>();
        policy.0.type_ = bindings::NLA_NESTED_ARRAY as u8;
        policy
    }

    /// A nest with the attributes of a table, which may be the table that the nest itself is in.
    ///
    /// The core follows nests to a depth of 10 and refuses deeper ones.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::{Attr, Policy};
    ///
    /// /// A tree: a number, and a node below it.
    /// struct Node;
    ///
    /// static NODE: [Attr; 3] = [Attr::unused(), Attr::u32(), Attr::nested_in(&NODE)];
    ///
    /// impl Policy for Node {
    ///     const ATTRS: &'static [Attr] = &NODE;
    /// }
    /// ```
    pub const fn nested_in<const N: usize>(table: &'static [Attr; N]) -> Self {
        // The table cannot be looked at here, where it may be in the making; whoever takes the
        // outermost one looks at it.
        assert!(N > 1 && N <= 0x4000, "genl: a nest without attributes");
        // CAST: As was just checked.
        let mut policy = Self::new(bindings::NLA_NESTED, (N - 1) as u16);
        // INVARIANT: The table is static.
        policy.0.__bindgen_anon_1.nested_policy = table.as_ptr().cast();
        policy
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
        assert!(fits, "genl: the check is for another type of attribute");
        self.with_check(check_number_of::<V>(kind))
    }

    /// Adds a check of the bytes of a string or a binary, behind that of their length. A binary
    /// whose smallest length is above 0 has a range already: there the check looks at the length.
    pub const fn validate_bytes<V: ValidateBytes>(self) -> Self {
        self.with_check(match self.kind() {
            bindings::NLA_NUL_STRING | bindings::NLA_STRING => check_bytes::<V, true>,
            bindings::NLA_BINARY => check_bytes::<V, false>,
            _ => panic!("genl: the check is for strings and binaries"),
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

    /// Refuses an unsigned number with other bits than those in `mask`. Masks have 32 bits.
    pub const fn mask(self, mask: u32) -> Self {
        self.assert_no_rule();
        let limit = match self.kind() {
            bindings::NLA_U8 => u8::MAX as u32,
            bindings::NLA_U16 | bindings::NLA_BE16 => u16::MAX as u32,
            bindings::NLA_U32 | bindings::NLA_U64 | bindings::NLA_UINT | bindings::NLA_BE32 => {
                u32::MAX
            }
            _ => panic!("genl: only unsigned numbers have a mask"),
        };
        assert!(
            mask <= limit,
            "genl: the mask of an attribute exceeds its type"
        );
        let mut policy = self.0;
        policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_MASK as u8;
        policy.__bindgen_anon_1.mask = mask;
        // INVARIANT: No pointer is set.
        Self(policy)
    }

    const fn assert_no_rule(&self) {
        assert!(
            self.0.validation_type == bindings::nla_policy_validation_NLA_VALIDATE_NONE as u8,
            "genl: an attribute has one rule for its value"
        );
    }

    /// A nest with the attributes of `P`. It may be empty. The core refuses it if its type lacks
    /// the flag `NLA_F_NESTED`.
    pub const fn nested<P: Policy>() -> Self {
        let mut policy = Self::new(bindings::NLA_NESTED, max_attr(P::ATTRS));
        // INVARIANT: The table is a constant and has an element for each number from 0 on.
        policy.0.__bindgen_anon_1.nested_policy = nest_table(P::ATTRS);
        policy
    }

    /// A nest that the core does not look into, `NLA_NESTED` without a policy. It may be empty.
    ///
    /// The handler parses it, see [`AnyNest`](super::AnyNest): for policies that depend on another
    /// attribute, and for old protocols. Under liberal validation the core does not look for the
    /// flag `NLA_F_NESTED`. Where one policy is enough, [`Attr::nested`] refuses before a handler
    /// runs, and tells the policy to who asks for it.
    pub const fn any_nest() -> Self {
        // INVARIANT: The pointer is null.
        Self::new(bindings::NLA_NESTED, 0)
    }

    /// Bounds an unsigned number: `MIN` and `MAX` are the smallest and the largest value allowed.
    pub const fn range<const MIN: u64, const MAX: u64>(self) -> Self {
        self.assert_no_rule();
        let limit = match self.kind() {
            bindings::NLA_U8 => u8::MAX as u64,
            bindings::NLA_U16 | bindings::NLA_BE16 => u16::MAX as u64,
            bindings::NLA_U32 | bindings::NLA_BE32 => u32::MAX as u64,
            bindings::NLA_U64 | bindings::NLA_UINT | bindings::NLA_MSECS => u64::MAX,
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

    /// Bounds a signed number: `MIN` and `MAX` are the smallest and the largest value allowed.
    pub const fn signed_range<const MIN: i64, const MAX: i64>(self) -> Self {
        self.assert_no_rule();
        let (low, high) = match self.kind() {
            bindings::NLA_S8 => (i8::MIN as i64, i8::MAX as i64),
            bindings::NLA_S16 => (i16::MIN as i64, i16::MAX as i64),
            bindings::NLA_S32 => (i32::MIN as i64, i32::MAX as i64),
            bindings::NLA_S64 | bindings::NLA_SINT => (i64::MIN, i64::MAX),
            _ => panic!("genl: only signed numbers have a signed range"),
        };
        assert!(MIN <= MAX, "genl: the range of an attribute is empty");
        assert!(
            MIN >= low && MAX <= high,
            "genl: the range of an attribute exceeds its type"
        );
        let mut policy = self.0;
        if MIN >= i16::MIN as i64 && MAX <= i16::MAX as i64 {
            policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_RANGE as u8;
            // CAST: Both were just compared with the bounds of 16 bits.
            policy.__bindgen_anon_1.__bindgen_anon_1 =
                bindings::nla_policy__bindgen_ty_1__bindgen_ty_1 {
                    min: MIN as i16,
                    max: MAX as i16,
                };
        } else {
            policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_RANGE_PTR as u8;
            policy.__bindgen_anon_1.range_signed = SignedRange::<MIN, MAX>::BOUNDS;
        }
        // INVARIANT: `BOUNDS` is a constant.
        Self(policy)
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

/// The table of a nest, with an element for each number from 0 on.
pub(super) const fn nest_table(attrs: &'static [Attr]) -> *const bindings::nla_policy {
    // The core reads one element more than the largest number, and takes no table at all for
    // leave to send anything.
    const NO_ATTRS: &[Attr] = &[Attr::unused()];

    check_policy(attrs);
    let table = if attrs.is_empty() { NO_ATTRS } else { attrs };
    table.as_ptr().cast()
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
            "genl: attribute 0 of a policy must be Attr::unused() or Attr::strict_from()"
        );
        assert!(
            (attrs[0].strict_start() as usize) < attrs.len(),
            "genl: strict validation begins with an attribute of the policy"
        );
        let mut number = 1;
        while number < attrs.len() {
            assert!(
                attrs[number].strict_start() == 0,
                "genl: Attr::strict_from() stands for attribute 0 only"
            );
            number += 1;
        }
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

/// The table of the nest `number` of `P`, which is null for [`Attr::any_nest`].
const fn table_of<P: Policy>(number: u16) -> *const bindings::nla_policy {
    // SAFETY: `assert_kind` has seen that this is a nest, so `Attr::nested` or a relative of it has
    // made it, and this is the field of the union that it wrote, or zeroed.
    unsafe { P::ATTRS[number as usize].0.__bindgen_anon_1.nested_policy }
}

/// Asserts that the nest `number` of `P` has these attributes.
pub(super) const fn assert_nest_of<P: Policy>(number: u16, nest_attrs: &[Attr]) {
    let attrs = table_of::<P>(number);
    let max = P::ATTRS[number as usize].0.len;
    let expected: *const bindings::nla_policy = nest_attrs.as_ptr().cast();
    assert!(
        !attrs.is_null(),
        "genl: the handler parses this nest, see Attr::any_nest()"
    );
    assert!(
        // SAFETY: Both point to constants that have one element more than their largest attribute.
        unsafe { same_policy(attrs, max, expected, max_attr(nest_attrs), NEST_DEPTH) },
        "genl: the policy gives this nest other attributes"
    );
}

/// Asserts that the core has not looked into the nest `number` of `P`.
pub(super) const fn assert_any_nest<P: Policy>(number: u16) {
    assert!(
        table_of::<P>(number).is_null(),
        "genl: the policy of this nest is known, so the core has parsed it"
    );
}

/// Asserts that the binary `number` of `P` has exactly `len` bytes.
pub(super) const fn assert_exact<P: Policy>(number: u16, len: usize) {
    assert!(
        exact_len(&P::ATTRS[number as usize].0) == len as i64,
        "genl: the policy gives this attribute another length"
    );
}

/// How many bytes a binary has that has passed validation: exactly so many, or at least where it is
/// one of [`Attr::exact_warn`]. -1 where that is not known before.
const fn exact_len(attr: &bindings::nla_policy) -> i64 {
    const RANGE: u32 = bindings::nla_policy_validation_NLA_VALIDATE_RANGE;
    const WARN: u32 = bindings::nla_policy_validation_NLA_VALIDATE_RANGE_WARN_TOO_LONG;
    if attr.type_ as u32 != bindings::NLA_BINARY
        || !matches!(attr.validation_type as u32, RANGE | WARN)
    {
        return -1;
    }
    // SAFETY: `binary_range` has set this field of the union, for both kinds of validation.
    let range = unsafe { attr.__bindgen_anon_1.__bindgen_anon_1 };
    if range.min == range.max {
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
    let mut number = 1;
    while number <= a_max as usize && depth > 0 {
        // SAFETY: `number` is at most `a_max` and `b_max`.
        let (x, y) = unsafe { (&*a.add(number), &*b.add(number)) };
        if x.type_ != y.type_ || exact_len(x) != exact_len(y) {
            return false;
        }
        if matches!(
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
