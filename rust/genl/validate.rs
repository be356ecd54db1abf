// SPDX-License-Identifier: GPL-2.0

//! Checks of a value that a policy has no words for.

use super::{
    extack::Extack,
    module,
    wire::Value, //
};
use core::ptr;
use kernel::{
    bindings,
    prelude::*, //
};

/// A check of one attribute that a policy has no words for, like `NLA_POLICY_VALIDATE_FN()`.
///
/// # Examples
///
/// A number that has to be a power of two.
///
/// ```
/// use genl::{kind::U32, Validate};
/// use kernel::prelude::*;
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
/// genl::attributes! {
///     /// A ring.
///     pub(crate) mod ring: RingSet {
///         /// How many entries it has.
///         Entries = 1: U32 { validate::<PowerOfTwo>() },
///     }
/// }
/// ```
pub trait Validate: 'static {
    /// The type of the value: `u8` to `u64`, `i8` to `i64`.
    ///
    /// The attribute has the type of the same name. Or it is [`Attr::uint`](super::Attr::uint) or
    /// [`Attr::msecs`](super::Attr::msecs) for `u64`, [`Attr::sint`](super::Attr::sint) for `i64`,
    /// [`Attr::be16`](super::Attr::be16) for `u16` and [`Attr::be32`](super::Attr::be32) for `u32`,
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
/// use genl::{kind::*, ValidateBytes};
/// use kernel::prelude::*;
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
/// genl::attributes! {
///     /// A table.
///     pub(crate) mod table: TableSet {
///         /// Its name.
///         Name = 1: Str { max_len(15).validate_bytes::<Letters>() },
///         /// Numbers of 16 bits.
///         Numbers = 2: Binary { max_len(64).validate_bytes::<Pairs>() },
///     }
/// }
/// ```
pub trait ValidateBytes: 'static {
    /// Checks what reading the attribute returns: all bytes of a binary, and those of a string up
    /// to its first NUL, which is not among them.
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
pub(super) type Check =
    unsafe extern "C" fn(*const bindings::nlattr, *mut bindings::netlink_ext_ack) -> c_int;

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
/// The core calls it for a string or, where `TEXT` is false, for a binary, with an extended ack
/// that is null or of the request.
pub(super) unsafe extern "C" fn check_bytes<V: ValidateBytes, const TEXT: bool>(
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
pub(super) const fn check_number_of<V: Validate>(kind: u32) -> Check {
    match kind {
        bindings::NLA_UINT => check_number::<V, { bindings::NLA_UINT }>,
        bindings::NLA_SINT => check_number::<V, { bindings::NLA_SINT }>,
        bindings::NLA_BE16 => check_number::<V, { bindings::NLA_BE16 }>,
        bindings::NLA_BE32 => check_number::<V, { bindings::NLA_BE32 }>,
        // The number as it is.
        _ => check_number::<V, { bindings::NLA_UNSPEC }>,
    }
}
