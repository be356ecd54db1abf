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

use kernel::{
    bindings,
    prelude::*, //
};

/// The rules for the attributes of a request or of a nest: one [`Attr`] for each attribute number,
/// from 0 on.
///
/// [`attributes!`](super::attributes) makes that of a set, and [`operations!`](super::operations)
/// that of a request. The core passes over number 0: its rule is [`Attr::unused`], or
/// [`Attr::strict_from`] in an old policy.
///
/// # Examples
///
/// ```
/// use genl::kind::{Str, U32};
///
/// genl::attributes! {
///     /// A number from 0 to 100 and a name of at most 15 bytes.
///     pub(crate) mod entry: EntrySet {
///         /// The number.
///         Number = 1: U32 { max::<100>() },
///         /// The name.
///         Name = 2: Str { max_len(15) },
///     }
/// }
/// ```
pub trait Policy {
    /// The rules, indexed by attribute number.
    const ATTRS: &'static [Attr];
}

/// The set of operations without attributes, and their policy: each attribute in a request is
/// refused.
pub struct NoAttrs;

impl Policy for NoAttrs {
    const ATTRS: &'static [Attr] = &[];
}

impl Set for NoAttrs {}

/// The rule for one attribute: its type and the values that it may have.
///
/// Mirrors `struct nla_policy`. In [`attributes!`](super::attributes) the rule of an attribute is
/// that of its [kind](super::kind), with the methods of this type that are called for it, as
/// `max_len(31)`. A whole rule stands behind `=`.
///
/// # Examples
///
/// A route has an array of hops, each with an address, a port and flags. It has a preference. And
/// it has a metric, which is refused nowadays.
///
/// ```
/// use genl::{kind::*, Attr, Request};
/// use kernel::{
///     prelude::*,
///     rbtree::RBTree, //
/// };
///
/// genl::attributes! {
///     /// A route.
///     pub(crate) mod route: RouteSet {
///         /// Where it leads through.
///         Hops = 1: Indexed<Nest<HopSet>>,
///         /// How much it is liked.
///         Preference = 2: S32 { signed_range::<{ -100 }, 100>() },
///         /// Is computed nowadays.
///         Metric = 3: U32 = Attr::reject(c"the metric of a route is computed"),
///     }
///
///     /// A hop.
///     pub(crate) mod hop: HopSet {
///         /// The address.
///         Address = 1: Array<16>,
///         /// The port.
///         Port = 2: Be16 { range::<1, 65535>() },
///         /// Three flags.
///         Flags = 3: U8 { mask(0x7) },
///     }
/// }
///
/// genl::operations! {
///     for Routes;
///
///     /// Adds a route.
///     do Add = "add" 1, NetnsAdmin,
///         RouteSet [route::Hops, route::Preference, route::Metric] => add;
/// }
/// #
/// # struct Routes;
/// #
/// # impl Routes {
/// #     fn insert(&self, _preference: i32, _hops: RBTree<u16, u16>) -> Result {
/// #         Ok(())
/// #     }
/// # }
/// #
/// # impl genl::Family for Routes {
/// #     const NAME: &'static str = "routes";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [genl::SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static genl::FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: genl::FamilyDescriptor<Routes> = genl::FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
///
/// impl Routes {
///     /// Reads `{ hops: { 0: { address, port }, 1: { ... } } }`, with the indices as sent.
///     fn add(&self, request: Request<'_, Add>) -> Result {
///         let mut hops = RBTree::new();
///         for (index, hop) in request.get(route::Hops) {
///             hops.try_create_and_insert(index, hop.need(hop::Port)?, GFP_KERNEL)?;
///         }
///         self.insert(request.get(route::Preference).unwrap_or(0), hops)
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
pub struct Attr(pub(super) bindings::nla_policy);

// SAFETY: An `Attr` is never written to after it was made, and by its invariants points only to
// constants.
unsafe impl Sync for Attr {}

/// The largest bound that fits into `struct nla_policy` itself.
pub(super) const INLINE_MAX: u64 = 0x7fff;

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

    /// An attribute of at least `min` bytes, of which old policies say no more. Under strict
    /// validation it is as [`Attr::unused`]. [`Request::bytes_of`](super::Request::bytes_of) reads
    /// it.
    pub const fn unspecified(min: u16) -> Self {
        Self::new(bindings::NLA_UNSPEC, min)
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
        core::assert!(valid != 0, "genl: a bitfield without valid bits");
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
        core::assert!(max > 0, "genl: a string needs a maximal length above 0");
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
        core::assert!(max > 0, "genl: a string needs a maximal length above 0");
        Self::new(bindings::NLA_STRING, max)
    }

    /// At most `max` bytes of any value; 0 stands for no limit.
    pub const fn binary(max: u16) -> Self {
        Self::new(bindings::NLA_BINARY, max)
    }

    /// Exactly `len` bytes, at most 32,767: the rule of a [`kind::Array`](super::kind::Array).
    pub const fn exact(len: u16) -> Self {
        Self::binary_range(len, len)
    }

    /// From `min` to `max` bytes of any value.
    ///
    /// A dump of the policy does not show `min` if `max` is above 32,767.
    pub const fn binary_range(min: u16, max: u16) -> Self {
        core::assert!(min <= max, "genl: the range of an attribute is empty");
        core::assert!(max > 0, "genl: a binary needs a maximal length above 0");
        const RANGE: u32 = bindings::nla_policy_validation_NLA_VALIDATE_RANGE;
        const MIN: u32 = bindings::nla_policy_validation_NLA_VALIDATE_MIN;
        // CAST: What is an `i16` is at most `INLINE_MAX`, the largest one.
        if max as u64 <= INLINE_MAX {
            return Self::new(bindings::NLA_BINARY, 0).bounded(RANGE, min as i16, max as i16);
        }
        let policy = Self::new(bindings::NLA_BINARY, max);
        if min == 0 {
            return policy;
        }
        core::assert!(
            min as u64 <= INLINE_MAX,
            "genl: the smallest length of a binary is at most 32767"
        );
        // The core does not look at the largest one.
        policy.bounded(MIN, min as i16, 0)
    }

    /// Bounds that have room in `struct nla_policy` itself, for this kind of validation.
    pub(super) const fn bounded(self, validation: u32, min: i16, max: i16) -> Self {
        let mut policy = self.0;
        // CAST: The kinds of validation are small numbers.
        policy.validation_type = validation as u8;
        policy.__bindgen_anon_1.__bindgen_anon_1 =
            bindings::nla_policy__bindgen_ty_1__bindgen_ty_1 { min, max };
        // INVARIANT: No pointer is set.
        Self(policy)
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
    /// use genl::{kind::*, Attr};
    ///
    /// genl::attributes! {
    ///     /// A station of a network.
    ///     pub(crate) mod station: StationSet {
    ///         /// What is behind it came later.
    ///         Strict = 0: Flag = Attr::strict_from(2),
    ///         /// The address.
    ///         Address = 1: Array<6> = Attr::exact_warn(6),
    ///         /// The name of the network.
    ///         Ssid = 2: Binary = Attr::binary_range_warn(1, 32),
    ///     }
    /// }
    /// ```
    pub const fn binary_range_warn(min: u16, max: u16) -> Self {
        core::assert!(
            // CAST: What has 16 bits fits.
            max as u64 <= INLINE_MAX,
            "genl: the largest length of such a binary is 32767"
        );
        let mut policy = Self::binary_range(min, max);
        // CAST: The kinds of validation are small numbers.
        policy.0.validation_type =
            bindings::nla_policy_validation_NLA_VALIDATE_RANGE_WARN_TOO_LONG as u8;
        policy
    }

    /// Stands for attribute 0, in the place of [`Attr::unused`]: the attributes from `number` on
    /// are validated strictly, also where [`Op::VALIDATION`](super::Op::VALIDATION) says otherwise
    /// (`strict_start_type`).
    ///
    /// For old policies that grow. A scalar has its exact length, a nest has the flag
    /// `NLA_F_NESTED`, and what is inside of it is validated strictly too, as a whole. An
    /// [`Attr::unused`] from there on is refused. What is above the largest number of the policy is
    /// passed over as before, and so are bytes behind the last attribute. The nests of a policy
    /// may have a number of their own.
    ///
    /// `number` is one of the policy: 1 makes all of it strict. Where an operation lists its
    /// attributes, this is one of them. The example of [`Attr::binary_range_warn`] has one.
    pub const fn strict_from(number: u16) -> Self {
        core::assert!(number > 0, "genl: an attribute number is from 1 to 16383");
        let mut policy = Self::unused();
        policy.0.__bindgen_anon_1.strict_start_type = number;
        policy
    }

    /// Attribute 0 of a table that is a static, and has an identity: such tables are not compared
    /// by what they say, which takes forever where several of them contain each other. The core
    /// does not look at this length.
    pub(super) const fn of_static(self, name: &'static str) -> Self {
        let mut policy = self.0;
        // Of the name of the set, and never 0.
        let (bytes, mut i) = (name.as_bytes(), 0);
        policy.len = 1;
        while i < bytes.len() {
            // CAST: What has eight bits fits.
            policy.len = policy.len.wrapping_mul(31).wrapping_add(bytes[i] as u16);
            i += 1;
        }
        if policy.len == 0 {
            policy.len = 1;
        }
        // INVARIANT: No pointer is set.
        Self(policy)
    }

    /// Where strict validation begins; 0 is no number. Only what stands for attribute 0 has one.
    const fn strict_start(&self) -> u16 {
        if !self.is_unspecific() {
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
        // CAST: The types of attributes are small numbers.
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
    /// use genl::{kind::*, Attr};
    ///
    /// genl::attributes! {
    ///     /// A tree: a number, and a node below it.
    ///     pub(crate) mod node: NodeSet static NODE {
    ///         /// The number.
    ///         Value = 1: U32,
    ///         /// The node below.
    ///         Below = 2: NestIn<NodeSet> = Attr::nested_in(&NODE),
    ///     }
    /// }
    /// ```
    pub const fn nested_in<const N: usize>(table: &'static [Attr; N]) -> Self {
        // The table cannot be looked at here, where it may be in the making; whoever takes the
        // outermost one looks at it.
        core::assert!(N > 1 && N <= 0x4000, "genl: a nest without attributes");
        // CAST: As was just checked.
        let mut policy = Self::new(bindings::NLA_NESTED, (N - 1) as u16);
        // INVARIANT: The table is static.
        policy.0.__bindgen_anon_1.nested_policy = table.as_ptr().cast();
        policy
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
    /// The handler parses it, see [`Unparsed`](super::Unparsed): for policies that depend on
    /// another attribute, and for old protocols. Under liberal validation the core does not look
    /// for the flag `NLA_F_NESTED`. Where one policy is enough, [`Attr::nested`] refuses before a
    /// handler runs, and tells the policy to who asks for it.
    pub const fn any_nest() -> Self {
        // INVARIANT: The pointer is null.
        Self::new(bindings::NLA_NESTED, 0)
    }

    /// Whether it is [`Attr::unused`] or [`Attr::strict_from`].
    pub(super) const fn is_unspecific(&self) -> bool {
        self.kind() == bindings::NLA_UNSPEC
    }

    /// The `NLA_*` type.
    pub(super) const fn kind(&self) -> u32 {
        // CAST: It has eight bits.
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
    core::assert!(
        attrs.len() <= 0x4000,
        "genl: a policy has attribute numbers above 16383"
    );
    if let [zero, rest @ ..] = attrs {
        core::assert!(
            zero.is_unspecific(),
            "genl: attribute 0 of a policy must be Attr::unused() or Attr::strict_from()"
        );
        core::assert!(
            // CAST: What has 16 bits fits.
            (zero.strict_start() as usize) < attrs.len(),
            "genl: strict validation begins with an attribute of the policy"
        );
        core::assert!(
            !rest.is_empty(),
            "genl: a policy without attributes must be empty"
        );
        // Each operation has such a table, and the compiler is slow where it calls a function or
        // has an index.
        let mut rest = rest;
        while let [attr, more @ ..] = rest {
            core::assert!(
                // SAFETY: As in `strict_start`.
                attr.0.type_ != 0 || unsafe { attr.0.__bindgen_anon_1.strict_start_type } == 0,
                "genl: Attr::strict_from() stands for attribute 0 only"
            );
            rest = more;
        }
    }
}

/// A set of attributes, made by [`attributes!`](super::attributes). As a [`Policy`] it is that of a
/// nest which has the set.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of attributes",
    label = "not a set that `genl::attributes!` declares",
    note = "an operation has the policy of a set where it carries all of that: `[..]`"
)]
pub trait Set: Policy + Sized + 'static {
    /// Its name, and that of the module that it is in; none where it is not made by the macro.
    #[doc(hidden)]
    const NAME: (&'static str, &'static str) = ("", "");
}
