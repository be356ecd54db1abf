// SPDX-License-Identifier: GPL-2.0

//! Nests in a request: those that the core has validated, and those that a handler parses.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h) (`nla_parse_nested()`)

use super::{
    attribute::{
        assert_carried,
        Attribute,
        Carries,
        Got, //
    },
    carried::assert_in,
    extack::Info,
    plain::{
        Find,
        Kind,
        One, //
    },
    policy::{
        max_attr,
        nest_table,
        Policy, //
    },
    wire::{
        Stream,
        Value, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// The largest policy of which a nest keeps the place of each attribute.
const INDEXED: usize = 16;

/// The attributes inside a nest, which has the set `S`. The example of [`Request`](super::Request)
/// reads one.
///
/// A nest is walked once, when it is read from the request. If its policy has very many attributes,
/// it is searched each time that one of them is read. If it carries an attribute twice, the last
/// one counts, as at the top level.
///
/// # Invariants
///
/// Each element of `offsets` is zero, or the distance from the beginning of the nest to one of its
/// attributes, which lies in the nest as a whole.
pub struct Nested<'a, P> {
    nest: Value<'a>,
    info: Info<'a>,
    offsets: [u16; INDEXED],
    // Invariant: a subtype of a type has implementations of its own.
    _policy: PhantomData<fn(P) -> P>,
}

impl<P> Clone for Nested<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Nested<'_, P> {}

/// Where the attributes of a nest are, see [`Nested`]. All of `offsets` is written.
#[inline(never)]
fn index(nest: Value<'_>, offsets: &mut MaybeUninit<[u16; INDEXED]>) {
    let offsets = offsets.write([0; INDEXED]);
    for (number, value) in Stream(nest.bytes()) {
        if let Some(offset) = offsets.get_mut(usize::from(number)) {
            // CAST: The length of a nest has 16 bits.
            *offset = (value.as_ptr() as usize).wrapping_sub(nest.as_ptr() as usize) as u16;
        }
    }
}

impl<'a, P: Policy> Nested<'a, P> {
    #[inline(always)]
    pub(super) fn new(nest: Value<'a>, info: Info<'a>) -> Self {
        let mut offsets = MaybeUninit::uninit();
        if const { P::ATTRS.len() <= INDEXED } {
            index(nest, &mut offsets);
        } else {
            offsets.write([0; INDEXED]);
        }
        // INVARIANT: These are zero, or where the stream has found an attribute.
        Self {
            nest,
            info,
            // SAFETY: They were written.
            offsets: unsafe { offsets.assume_init() },
            _policy: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn find(&self, attr: u16) -> Option<Value<'a>> {
        if const { P::ATTRS.len() > INDEXED } {
            return Stream(self.nest.bytes()).last_of(attr);
        }
        let offset = *self.offsets.get(usize::from(attr))?;
        if offset == 0 {
            return None;
        }
        // SAFETY: By the type invariants there is an attribute, which is valid as long as the nest
        // is.
        Some(unsafe { Value::new(self.nest.as_ptr().byte_add(usize::from(offset))) })
    }

    /// Whether it has the flag `NLA_F_NESTED`. The core has looked for that of an attribute which
    /// is a nest or an array. The elements of an array may have none.
    pub fn has_flag(&self) -> bool {
        // SAFETY: By the type invariants of `Value` the header is readable.
        let type_ = unsafe { (*self.nest.as_ptr()).nla_type };
        // CAST: A bit of 16.
        type_ & bindings::NLA_F_NESTED as u16 != 0
    }

    /// Reads an attribute: an [`Option`] of its value, `bool` for a flag, an iterator for what
    /// comes several times.
    #[inline(always)]
    pub fn get<A: Attribute>(&self, _: A) -> Got<'a, A>
    where
        P: Carries<A>,
    {
        const { assert_carried::<P, A>() };
        // SAFETY: As was just asserted.
        unsafe { A::Kind::get(self, A::NUMBER) }
    }

    /// Reads an attribute that the nest must have. Without it the request is refused, as by
    /// [`Nested::missing`].
    #[inline(always)]
    pub fn need<A: Attribute<Kind: One>>(&self, _: A) -> Result<<A::Kind as One>::Value<'a>>
    where
        P: Carries<A>,
    {
        const { assert_carried::<P, A>() };
        self.find(A::NUMBER)
            .and_then(|value| A::Kind::read(value, self.info))
            .ok_or_else(|| self.info.refuse_missing(self.nest.as_ptr(), A::NUMBER))
    }

    /// Refuses a request in which the nest lacks an attribute. Otherwise like
    /// [`Request::missing`](super::Request::missing).
    #[cold]
    pub fn missing<A: Attribute>(&self, _: A) -> Error
    where
        P: Carries<A>,
    {
        self.info.refuse_missing(self.nest.as_ptr(), A::NUMBER)
    }

    /// Refuses the request because of an attribute in the nest, like
    /// [`Request::refuse`](super::Request::refuse).
    ///
    /// If the nest does not have the attribute, the extended ack points at the nest.
    #[cold]
    pub fn refuse<A: Attribute>(&self, _: A, error: Error, text: &'static CStr) -> Error
    where
        P: Carries<A>,
    {
        const { assert_in::<P>(A::NUMBER) };
        let at = self.find(A::NUMBER).unwrap_or(self.nest);
        self.info.refuse(at.as_ptr(), error, text)
    }
}

impl<'a, P: Policy> Find<'a> for Nested<'a, P> {
    #[inline(always)]
    fn find(&self, number: u16) -> Option<Value<'a>> {
        self.find(number)
    }

    #[inline(always)]
    unsafe fn scalar<T>(&self, number: u16) -> Option<T> {
        // SAFETY: By the safety requirements of this function.
        unsafe { self.find(number)?.checked_scalar() }
    }

    #[inline(always)]
    fn stream(&self) -> Stream<'a> {
        Stream(self.nest.bytes())
    }

    #[inline(always)]
    fn info(&self) -> Info<'a> {
        self.info
    }
}

/// A nest that the core has not looked into, see [`kind::AnyNest`](super::kind::AnyNest).
///
/// What is inside is unknown until it is parsed: by [`Unparsed::parse`] against a policy of the
/// handler's choice, like `nla_parse_nested()`, or one nest after the other by [`Unparsed::nests`],
/// like `nla_for_each_nested()`.
///
/// # Examples
///
/// The type of a device decides what its settings may be. Attribute 2 has these, attribute 3 a list
/// of addresses, whose elements are nests without their flag, as ever.
///
/// ```
/// use genl::{kind, Attribute, Op, Request};
/// use kernel::{
///     prelude::*,
///     rbtree::RBTree, //
/// };
///
/// genl::attributes! {
///     /// A device.
///     pub(crate) mod device: DeviceSet {
///         /// Its type: 1 is a tunnel, others are bridges.
///         Type = 1: kind::U8,
///         /// What the type decides.
///         Settings = 2: kind::AnyNest,
///         /// A list of addresses.
///         Addresses = 3: kind::AnyNest,
///     }
///
///     /// The settings of a tunnel.
///     pub(crate) mod tunnel: TunnelSet {
///         /// Where it begins.
///         Port = 1: kind::Be16,
///         /// Where it ends.
///         Peer = 2: kind::Array<16>,
///     }
///
///     /// The settings of a bridge.
///     pub(crate) mod bridge: BridgeSet {
///         /// The network that is untagged.
///         Vlan = 1: kind::U32 { range::<1, 4094>() },
///     }
///
///     /// An address.
///     pub(crate) mod address: AddressSet {
///         /// Of version 4.
///         Ip = 1: kind::Be32,
///     }
/// }
///
/// fn create<O>(request: &Request<'_, O>) -> Result<RBTree<u32, ()>>
/// where
///     O: Op + genl::Carries<device::Type> + genl::Carries<device::Settings>
///         + genl::Carries<device::Addresses>,
/// {
///     let settings = request.need(device::Settings)?;
///     match request.get(device::Type) {
///         Some(1) => {
///             let tunnel = settings.parse::<TunnelSet>()?;
///             let _port = tunnel.get(tunnel::Port).unwrap_or(4789);
///         }
///         _ => {
///             let bridge = settings.parse::<BridgeSet>()?;
///             let _vlan = bridge.get(bridge::Vlan);
///         }
///     }
///     let mut addresses = RBTree::new();
///     for (_, element) in request.get(device::Addresses).iter().flat_map(genl::Unparsed::nests) {
///         let address = element.parse_deprecated::<AddressSet>()?;
///         if let Some(ip) = address.get(address::Ip) {
///             addresses.try_create_and_insert(ip, (), GFP_KERNEL)?;
///         }
///     }
///     Ok(addresses)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Unparsed<'a>(Value<'a>, Info<'a>);

impl<'a> Unparsed<'a> {
    #[inline(always)]
    pub(super) fn new(nest: Value<'a>, info: Info<'a>) -> Self {
        Self(nest, info)
    }

    /// Parses the nest against the policy `P`, like `nla_parse_nested()`: strictly, and with the
    /// flag `NLA_F_NESTED`.
    ///
    /// Returns what the core returns, mostly [`EINVAL`] or [`ERANGE`], and sets the extended ack of
    /// the request as the core does: its text, and the attribute that it points at.
    pub fn parse<P: Policy>(&self) -> Result<Nested<'a, P>> {
        // SAFETY: By the type invariants of `Value` the header is readable.
        let type_ = unsafe { (*self.0.as_ptr()).nla_type };
        // CAST: `NLA_F_NESTED` is a bit of 16.
        if type_ & bindings::NLA_F_NESTED as u16 == 0 {
            let extack = self.1.extack();
            extack.set_text(c"NLA_F_NESTED is missing");
            extack.set_bad_attr(self.0.as_ptr());
            return Err(EINVAL);
        }
        self.parse_as(STRICT)
    }

    /// Parses the nest against the policy `P`, like `nla_parse_nested_deprecated()`: what is
    /// unknown or longer than it should be is let pass, and the flag `NLA_F_NESTED` is not looked
    /// for. [`Validation`](super::Validation) says more of this. Otherwise like
    /// [`Unparsed::parse`].
    pub fn parse_deprecated<P: Policy>(&self) -> Result<Nested<'a, P>> {
        self.parse_as(bindings::netlink_validation_NL_VALIDATE_LIBERAL)
    }

    fn parse_as<P: Policy>(&self, validate: u32) -> Result<Nested<'a, P>> {
        let bytes = self.0.bytes();
        // SAFETY: The bytes are readable. The table is a constant and has an element for each
        // number. The extended ack is null or valid; what it gets to point to are attributes of its
        // request, and constants.
        let result = unsafe {
            bindings::__nla_validate(
                bytes.as_ptr().cast(),
                // CAST: The length of an attribute has 16 bits.
                bytes.len() as c_int,
                const { max_attr(P::ATTRS) }.into(),
                const { nest_table(P::ATTRS) },
                validate,
                self.1.extack().as_ptr(),
            )
        };
        to_result(result)?;
        Ok(Nested::new(self.0, self.1))
    }

    /// The attributes inside, each taken for a nest, with its number, like `nla_for_each_nested()`:
    /// for arrays, whose elements are parsed one by one.
    ///
    /// Nothing is known of them but where they end. It stops in front of what is no attribute.
    pub fn nests(&self) -> impl Iterator<Item = (u16, Unparsed<'a>)> + Clone + use<'a> {
        let info = self.1;
        Stream(self.0.bytes()).map(move |(number, value)| (number, Unparsed(value, info)))
    }

    /// What the attribute holds, like `nla_data()` and `nla_len()`: for lists whose elements are
    /// numbers, texts or bytes, or where the order of unlike ones counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::Unparsed;
    /// use kernel::prelude::*;
    ///
    /// /// The highest of some frequencies, whatever numbers the attributes have.
    /// fn highest(list: Unparsed<'_>) -> Result<Option<u32>> {
    ///     let mut highest = None;
    ///     for (_, element) in list.nests() {
    ///         let bytes = element.bytes().try_into().map_err(|_| EINVAL)?;
    ///         highest = highest.max(Some(u32::from_ne_bytes(bytes)));
    ///     }
    ///     Ok(highest)
    /// }
    /// ```
    pub fn bytes(&self) -> &'a [u8] {
        self.0.bytes()
    }
}

/// `NL_VALIDATE_STRICT`, which bindgen does not evaluate.
const STRICT: u32 = bindings::netlink_validation_NL_VALIDATE_TRAILING
    | bindings::netlink_validation_NL_VALIDATE_MAXTYPE
    | bindings::netlink_validation_NL_VALIDATE_UNSPEC
    | bindings::netlink_validation_NL_VALIDATE_STRICT_ATTRS
    | bindings::netlink_validation_NL_VALIDATE_NESTED;

#[kunit_tests(genl_nested)]
pub(super) mod tests {
    use super::{
        super::{
            number::U32,
            plain::{
                Array,
                Str, //
            },
            wire::{
                tests::with_attr,
                NLA_HDRLEN, //
            }, //
        },
        *, //
    };

    /// What the macros know it by.
    mod genl {
        pub(super) use super::super::super::*;
    }

    genl::attributes! {
        /// A nest.
        pub(crate) mod inside: InsideSet {
            /// A number.
            Number = 1: U32,
            /// A text.
            Text = 2: Str { max_len(4) },
        }

        /// A nest of one array.
        pub(crate) mod key: KeySet {
            /// The array.
            Bytes = 1: Array<4>,
        }
    }

    /// A nest of a request that nobody waits for, with what is `around` it in memory.
    pub(in super::super) fn with_nest<P: Policy, T>(
        payload: &[u8],
        around: u8,
        f: impl FnOnce(Nested<'_, P>) -> T,
    ) -> T {
        let info: bindings::genl_info = pin_init::zeroed();
        // SAFETY: It has no extended ack, and is there meanwhile.
        let info = unsafe { Info::new(&info) };
        with_attr(payload, around, |value| f(Nested::new(value, info)))
    }

    #[test]
    fn the_last_one_of_a_nest_counts() {
        // { 1: 7, 3: (none), 1: 8 }, and a header that says more than there is.
        let payload = [
            8, 0, 1, 0, 7, 0, 0, 0, 4, 0, 3, 0, 8, 0, 1, 0, 8, 0, 0, 0, 9, 0, 2, 0, b'a', 0, 0, 0,
        ];
        let read = |nest: Nested<'_, InsideSet>| {
            (nest.get(inside::Number), nest.get(inside::Text).is_some())
        };
        assert_eq!(with_nest(&payload, 0, read), (Some(8), false));
        assert_eq!(with_nest(&payload[..12], 0, read), (Some(7), false));
        assert_eq!(with_nest(&payload[..3], 0, read), (None, false));
        assert_eq!(with_nest(&[], 0, read), (None, false));
    }

    #[test]
    fn an_element_may_lack_its_flag() {
        for (type_, flag) in [(0x8000, true), (0x8001, true), (0, false), (0x4001, false)] {
            let has = with_nest(&[], 0, |nest: Nested<'_, InsideSet>| {
                // SAFETY: The header is in the memory of `with_attr`, and nobody else looks at it.
                unsafe { (*nest.nest.as_ptr().cast_mut()).nla_type = type_ };
                nest.has_flag()
            });
            assert_eq!(has, flag);
        }
    }

    #[test]
    fn an_array_of_a_nest_is_whole_or_none() {
        // { 1: 2 to 5 bytes }, of which nothing has seen the length here.
        let payload = [0, 0, 1, 0, 1, 2, 3, 4, 5, 0, 0, 0];
        let read = |nest: Nested<'_, KeySet>| nest.get(key::Bytes).copied();
        for len in 2..6 {
            let mut nest = payload;
            // CAST: It is small.
            nest[0] = (NLA_HDRLEN + len) as u8;
            let want = (len >= 4).then_some([1, 2, 3, 4]);
            assert_eq!(with_nest(&nest, 0x77, read), want);
        }
    }

    /// The parsed number of a nest of this type, or the error and the text.
    fn parse(
        type_: u16,
        payload: &[u8],
        liberal: bool,
    ) -> core::result::Result<Option<u32>, (Error, Option<&'static CStr>)> {
        let mut extack: bindings::netlink_ext_ack = pin_init::zeroed();
        let mut info: bindings::genl_info = pin_init::zeroed();
        info.extack = &raw mut extack;
        // SAFETY: It is valid, and nobody else uses it or its extended ack meanwhile.
        let info = unsafe { Info::new(&info) };
        let result = with_attr(payload, 0, |value| {
            // SAFETY: The header is in the memory of `with_attr`, and nobody else looks at it.
            unsafe { (*value.as_ptr().cast_mut()).nla_type = type_ };
            let nest = Unparsed(value, info);
            let nest = if liberal {
                nest.parse_deprecated::<InsideSet>()
            } else {
                nest.parse::<InsideSet>()
            };
            nest.map(|nest| nest.get(inside::Number))
        });
        // SAFETY: A text of the core, or of this file, is a constant.
        result.map_err(|error| (error, unsafe { text_of(extack._msg) }))
    }

    /// # Safety
    ///
    /// `text` is null or points to a constant.
    unsafe fn text_of(text: *const c_char) -> Option<&'static CStr> {
        // SAFETY: By the safety requirements of this function.
        (!text.is_null()).then(|| unsafe { CStr::from_char_ptr(text) })
    }

    #[test]
    fn a_nest_is_parsed_by_the_handler() {
        // CAST: A bit of 16.
        const FLAG: u16 = bindings::NLA_F_NESTED as u16;
        let good = [8, 0, 1, 0, 7, 0, 0, 0];
        let long = [12, 0, 1, 0, 7, 0, 0, 0, 9, 9, 9, 9];
        let short = [6, 0, 1, 0, 7, 0, 0, 0];
        let unknown = [8, 0, 3, 0, 7, 0, 0, 0];
        let refused = |error, text| Err((error, Some(text)));
        for (type_, payload, strict, liberal) in [
            (FLAG | 1, &good[..], Ok(Some(7)), Ok(Some(7))),
            (FLAG, &[], Ok(None), Ok(None)),
            (
                1,
                &good,
                refused(EINVAL, c"NLA_F_NESTED is missing"),
                Ok(Some(7)),
            ),
            (
                FLAG,
                &long,
                refused(EINVAL, c"invalid attribute length"),
                Ok(Some(7)),
            ),
            (
                FLAG,
                &short,
                refused(EINVAL, c"invalid attribute length"),
                refused(ERANGE, c"Attribute failed policy validation"),
            ),
            (
                FLAG,
                &unknown,
                refused(EINVAL, c"Unknown attribute type"),
                Ok(None),
            ),
        ] {
            assert!(parse(type_, payload, false) == strict);
            assert!(parse(type_, payload, true) == liberal);
        }
    }
}
