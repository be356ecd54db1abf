// SPDX-License-Identifier: GPL-2.0

//! Reading the attributes of a request.
//!
//! The core validates a request against the policy of its operation before a handler sees it. The
//! accessors here are checked against the same policy when the program is compiled. So reading a
//! scalar is a load. An attribute that the policy does not have, or has with another type, does not
//! compile. What is read is borrowed from the request and cannot outlive it.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

use super::{
    extack::Extack,
    policy::{
        assert_any_nest,
        assert_exact,
        assert_kind,
        assert_nest_of,
        max_attr,
        nest_table,
        private,
        Attr,
        Policy,
        Scalar, //
    }, //
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// Length of the header of an attribute, `NLA_HDRLEN`.
pub(super) const NLA_HDRLEN: usize = 4;

/// Rounds a length up to the alignment of attributes, `NLA_ALIGN`.
#[inline(always)]
pub(super) const fn nla_align(len: usize) -> usize {
    len.wrapping_add(3) & !3
}

/// The payload of one attribute that the core has validated. It is not part of what families see.
///
/// # Invariants
///
/// `attr` points to an attribute whose whole length is readable and unchanged during `'a`, and not
/// smaller than its header.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    attr: *const bindings::nlattr,
    _request: PhantomData<&'a [u8]>,
}

impl<'a> Value<'a> {
    /// # Safety
    ///
    /// `attr` points to an attribute that is readable and unchanged for its whole length during
    /// `'a`; it is not shorter than its header, which the core and `Stream` see to.
    #[inline(always)]
    pub(super) unsafe fn new(attr: *const bindings::nlattr) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            attr,
            _request: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn as_ptr(self) -> *const bindings::nlattr {
        self.attr
    }

    #[inline(always)]
    pub(super) fn bytes(self) -> &'a [u8] {
        // SAFETY: By the type invariants `attr` is readable for its whole length.
        let len = usize::from(unsafe { (*self.attr).nla_len }).wrapping_sub(NLA_HDRLEN);
        // SAFETY: As above; the payload follows the header and nobody writes to it during `'a`.
        unsafe { core::slice::from_raw_parts(self.attr.cast::<u8>().add(NLA_HDRLEN), len) }
    }

    /// Reads a scalar; validation has refused what is shorter, and strict validation what is
    /// longer.
    ///
    /// # Safety
    ///
    /// The payload has at least the size of `T`, and any bytes are a `T`.
    #[inline(always)]
    pub(super) unsafe fn scalar<T>(self) -> T {
        // SAFETY: By the safety requirements of this function. Attributes are aligned to four
        // bytes only, hence the unaligned read.
        unsafe {
            self.attr
                .cast::<u8>()
                .add(NLA_HDRLEN)
                .cast::<T>()
                .read_unaligned()
        }
    }

    /// The string in front of the first NUL. The policy has seen to it that there is one.
    #[inline(always)]
    fn string(self) -> Option<&'a CStr> {
        let len = self.find_nul()?.wrapping_add(1);
        // SAFETY: The slice ends with the first NUL of the payload. Its length is that of a part of
        // an attribute and one more, which is far from where it would wrap.
        Some(unsafe {
            core::hint::assert_unchecked(len > 0);
            CStr::from_bytes_with_nul_unchecked(self.bytes().get_unchecked(..len))
        })
    }

    /// The bytes in front of the first NUL, or all of them.
    #[inline(always)]
    pub(super) fn text(self) -> &'a [u8] {
        let bytes = self.bytes();
        let end = self.find_nul().unwrap_or(bytes.len());
        bytes.get(..end).unwrap_or(bytes)
    }

    /// The position of the first NUL in the payload.
    ///
    /// Eight bytes at a time: the function of the core library is not inlined, and a call of it
    /// costs more than most names are long. The last word ends with the payload, so that no byte
    /// is looked at alone; where the payload is shorter, the word begins in the header.
    #[inline(always)]
    fn find_nul(self) -> Option<usize> {
        let len = self.bytes().len();
        let start = self.attr.cast::<u8>().wrapping_add(NLA_HDRLEN);
        // SAFETY: By the type invariants the header and the payload behind it are readable, and
        // each word is inside the two: the long ones begin at `at <= len - 8` in the payload, the
        // short ones at most as far in front of it as the header is long.
        unsafe {
            let word =
                |at: usize| u64::from_le(start.wrapping_add(at).cast::<u64>().read_unaligned());
            let last = len.wrapping_sub(8);
            if len < 8 {
                // CAST: Both are numbers of bits.
                let word = if len < 4 {
                    let word = start.wrapping_add(len).wrapping_sub(4).cast::<u32>();
                    let unused = 4usize.wrapping_sub(len).wrapping_mul(8) as u32;
                    u64::from(u32::from_le(word.read_unaligned())).wrapping_shr(unused)
                } else {
                    let unused = 8usize.wrapping_sub(len).wrapping_mul(8) as u32;
                    word(last).wrapping_shr(unused)
                };
                // What comes in from above are zeros, the first one at `len`.
                return first_zero(word).filter(|zero| *zero < len);
            }
            let mut at = 0usize;
            while at < last {
                if let Some(zero) = first_zero(word(at)) {
                    return Some(at.wrapping_add(zero));
                }
                at = at.wrapping_add(8);
            }
            first_zero(word(last)).map(|zero| last.wrapping_add(zero))
        }
    }

    /// The first `N` bytes, which are all of them where a policy asks for an exact length.
    #[inline(always)]
    fn array<const N: usize>(self) -> Option<&'a [u8; N]> {
        self.bytes().first_chunk()
    }

    /// An unsigned number of 4 or of 8 bytes.
    #[inline(always)]
    pub(super) fn uint(self) -> Option<u64> {
        match self.bytes() {
            [a, b, c, d] => Some(u32::from_ne_bytes([*a, *b, *c, *d]).into()),
            bytes => Some(u64::from_ne_bytes(*bytes.first_chunk()?)),
        }
    }

    /// A signed number of 4 or of 8 bytes.
    #[inline(always)]
    pub(super) fn sint(self) -> Option<i64> {
        match self.bytes() {
            [a, b, c, d] => Some(i32::from_ne_bytes([*a, *b, *c, *d]).into()),
            bytes => Some(i64::from_ne_bytes(*bytes.first_chunk()?)),
        }
    }

    /// Reads a scalar, and looks at its length.
    ///
    /// # Safety
    ///
    /// Any bytes are a `T`.
    #[inline(always)]
    pub(super) unsafe fn checked_scalar<T>(self) -> Option<T> {
        if self.bytes().len() < size_of::<T>() {
            return None;
        }
        // SAFETY: The payload is large enough; the rest is by the safety requirements of this
        // function.
        Some(unsafe { self.scalar() })
    }
}

/// The position of the first byte that is zero, from the lower end.
#[inline(always)]
fn first_zero(word: u64) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The lowest bit that is set belongs to the first byte that is zero.
    let zeros = word.wrapping_sub(LOW) & !word & HIGH;
    // CAST: A number of bits.
    (zeros != 0).then(|| zeros.trailing_zeros() as usize / 8)
}

/// 32 bits, and which of them are meant (`struct nla_bitfield32`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Bitfield32 {
    /// The bits.
    pub value: u32,
    /// Which of the bits are meant; the others are to be left as they are.
    pub selector: u32,
}

/// Attributes as they come in a message, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Stream<'a> {
    /// The number, without its flags, and the attribute.
    type Item = (u16, Value<'a>);

    // What the core has validated ends with its last attribute, but nothing here depends on it.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        // One load for length and type, which are neighbours.
        const { assert!(cfg!(target_endian = "little")) };
        let header = u32::from_le_bytes(*self.0.first_chunk::<NLA_HDRLEN>()?);
        // CAST: Each takes its half. `NLA_TYPE_MASK` is the complement of the two upper bits of 16.
        let len = usize::from(header as u16);
        let number = (header >> 16) as u16 & bindings::NLA_TYPE_MASK as u16;
        if len < NLA_HDRLEN || len > self.0.len() {
            return None;
        }
        // SAFETY: `len` bytes from here on are in the slice, which is borrowed for `'a`.
        let value = unsafe { Value::new(self.0.as_ptr().cast()) };
        // The last attribute may lack its padding.
        let step = nla_align(len).min(self.0.len());
        // SAFETY: `step` is not larger than the length.
        self.0 = unsafe { self.0.get_unchecked(step..) };
        Some((number, value))
    }
}

impl<'a> Stream<'a> {
    /// All attributes with this number, in the order in which they were sent.
    pub(super) fn all(self, number: u16) -> impl Iterator<Item = Value<'a>> + Clone {
        self.filter_map(move |(n, value)| (n == number).then_some(value))
    }
}

/// What an attribute that may come several times can be read as: the numbers `u8` to `u64` and `i8`
/// to `i64`, `&CStr`, `&[u8]`, `&[u8; N]`, [`Nested`] and [`AnyNest`].
pub trait Read<'a>: Sized + private::Sealed {
    /// The `NLA_*` type.
    #[doc(hidden)]
    const KIND: u32;

    /// What the policy must say beside the type.
    #[doc(hidden)]
    const RULE: Rule = Rule::None;

    /// Reads one. Returns `None` if it is too short.
    #[doc(hidden)]
    fn read(value: Value<'a>) -> Option<Self>;
}

/// What a policy must say for an attribute to be read. It is not part of what families see.
pub enum Rule {
    /// Nothing beside the type.
    None,
    /// A nest has these attributes.
    Nest(&'static [Attr]),
    /// A nest has no policy.
    AnyNest,
    /// A binary has exactly so many bytes.
    Exact(usize),
}

impl<'a, T: Scalar> Read<'a> for T {
    const KIND: u32 = <T as Scalar>::KIND;

    #[inline(always)]
    fn read(value: Value<'a>) -> Option<Self> {
        // SAFETY: Any bytes are a `Scalar`.
        unsafe { value.checked_scalar() }
    }
}

impl private::Sealed for &CStr {}

impl<'a> Read<'a> for &'a CStr {
    const KIND: u32 = bindings::NLA_NUL_STRING;

    #[inline(always)]
    fn read(value: Value<'a>) -> Option<Self> {
        value.string()
    }
}

impl private::Sealed for &[u8] {}

impl<'a> Read<'a> for &'a [u8] {
    const KIND: u32 = bindings::NLA_BINARY;

    #[inline(always)]
    fn read(value: Value<'a>) -> Option<Self> {
        Some(value.bytes())
    }
}

impl<const N: usize> private::Sealed for &[u8; N] {}

impl<'a, const N: usize> Read<'a> for &'a [u8; N] {
    const KIND: u32 = bindings::NLA_BINARY;
    const RULE: Rule = Rule::Exact(N);

    #[inline(always)]
    fn read(value: Value<'a>) -> Option<Self> {
        value.array()
    }
}

impl private::Sealed for AnyNest<'_> {}

impl<'a> Read<'a> for AnyNest<'a> {
    const KIND: u32 = bindings::NLA_NESTED;
    const RULE: Rule = Rule::AnyNest;

    #[inline(always)]
    fn read(value: Value<'a>) -> Option<Self> {
        Some(AnyNest(value))
    }
}

impl<P> private::Sealed for Nested<'_, P> {}

impl<'a, P: Policy> Read<'a> for Nested<'a, P> {
    const KIND: u32 = bindings::NLA_NESTED;
    const RULE: Rule = Rule::Nest(P::ATTRS);

    #[inline(always)]
    fn read(value: Value<'a>) -> Option<Self> {
        Some(Nested::new(value))
    }
}

/// Asserts that attribute `number` of `P` can be read as `T`.
pub(super) const fn assert_read<'a, P: Policy, T: Read<'a>>(number: u16) {
    assert_kind::<P>(number, T::KIND);
    match T::RULE {
        Rule::None => (),
        Rule::Nest(attrs) => assert_nest_of::<P>(number, attrs),
        Rule::AnyNest => assert_any_nest::<P>(number),
        Rule::Exact(len) => assert_exact::<P>(number, len),
    }
}

/// The nests in an attribute made by [`Attr::nested_array`](super::Attr::nested_array), each with
/// its index.
fn elements<'a, N: Policy>(
    array: Option<Value<'a>>,
) -> impl Iterator<Item = (u16, Nested<'a, N>)> + Clone {
    Stream(array.map_or(&[][..], Value::bytes)).map(|(index, value)| (index, Nested::new(value)))
}

/// The accessors that requests and nests have in common. `find` is how they get at an attribute.
macro_rules! accessors {
    ($a:lifetime, $policy:ty) => {
        /// Reads an 8-bit number.
        #[inline(always)]
        pub fn u8<const ATTR: u16>(&self) -> Option<u8> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_U8) };
            self.scalar(ATTR)
        }

        /// Reads a 16-bit number in host byte order.
        #[inline(always)]
        pub fn u16<const ATTR: u16>(&self) -> Option<u16> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_U16) };
            self.scalar(ATTR)
        }

        /// Reads a 32-bit number in host byte order.
        #[inline(always)]
        pub fn u32<const ATTR: u16>(&self) -> Option<u32> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_U32) };
            self.scalar(ATTR)
        }

        /// Reads a 64-bit number in host byte order.
        #[inline(always)]
        pub fn u64<const ATTR: u16>(&self) -> Option<u64> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_U64) };
            self.scalar(ATTR)
        }

        /// Reads an 8-bit signed number.
        #[inline(always)]
        pub fn s8<const ATTR: u16>(&self) -> Option<i8> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_S8) };
            self.scalar(ATTR)
        }

        /// Reads a 16-bit signed number in host byte order.
        #[inline(always)]
        pub fn s16<const ATTR: u16>(&self) -> Option<i16> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_S16) };
            self.scalar(ATTR)
        }

        /// Reads a 32-bit signed number in host byte order.
        #[inline(always)]
        pub fn s32<const ATTR: u16>(&self) -> Option<i32> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_S32) };
            self.scalar(ATTR)
        }

        /// Reads a 64-bit signed number in host byte order.
        #[inline(always)]
        pub fn s64<const ATTR: u16>(&self) -> Option<i64> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_S64) };
            self.scalar(ATTR)
        }

        /// Reads an unsigned number of 4 or of 8 bytes.
        #[inline(always)]
        pub fn uint<const ATTR: u16>(&self) -> Option<u64> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_UINT) };
            self.find(ATTR).and_then(Value::uint)
        }

        /// Reads a signed number of 4 or of 8 bytes.
        #[inline(always)]
        pub fn sint<const ATTR: u16>(&self) -> Option<i64> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_SINT) };
            self.find(ATTR).and_then(Value::sint)
        }

        /// Reads a 16-bit number that was sent in network byte order.
        #[inline(always)]
        pub fn be16<const ATTR: u16>(&self) -> Option<u16> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_BE16) };
            self.scalar(ATTR).map(u16::from_be)
        }

        /// Reads a 32-bit number that was sent in network byte order.
        #[inline(always)]
        pub fn be32<const ATTR: u16>(&self) -> Option<u32> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_BE32) };
            self.scalar(ATTR).map(u32::from_be)
        }

        /// Reads a time in milliseconds.
        #[inline(always)]
        pub fn msecs<const ATTR: u16>(&self) -> Option<u64> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_MSECS) };
            self.scalar(ATTR)
        }

        /// Reads 32 bits, with a mask that says which of them are meant.
        #[inline(always)]
        pub fn bitfield32<const ATTR: u16>(&self) -> Option<Bitfield32> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_BITFIELD32) };
            self.scalar(ATTR)
        }

        /// Reads a string that needs no terminator, up to the first NUL if it has one.
        #[inline(always)]
        pub fn unterminated_string<const ATTR: u16>(&self) -> Option<&$a [u8]> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_STRING) };
            self.find(ATTR).map(Value::text)
        }

        /// Reads an array of nests, each with its index. A missing array has no nests. `N` must be
        /// the policy of the nests. The example of [`Attr`] reads one.
        pub fn nested_array<const ATTR: u16, N: Policy>(
            &self,
        ) -> impl Iterator<Item = (u16, Nested<$a, N>)> + Clone {
            const {
                assert_kind::<$policy>(ATTR, bindings::NLA_NESTED_ARRAY);
                assert_nest_of::<$policy>(ATTR, N::ATTRS);
            };
            elements(self.find(ATTR))
        }

        /// Returns whether the flag is set.
        #[inline(always)]
        pub fn flag<const ATTR: u16>(&self) -> bool {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_FLAG) };
            self.find(ATTR).is_some()
        }

        /// Reads a string, up to the first NUL. Netlink does not define its encoding.
        #[inline(always)]
        pub fn string<const ATTR: u16>(&self) -> Option<&$a CStr> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_NUL_STRING) };
            self.find(ATTR).and_then(Value::string)
        }

        /// Reads the bytes of a binary attribute.
        #[inline(always)]
        pub fn binary<const ATTR: u16>(&self) -> Option<&$a [u8]> {
            const { assert_kind::<$policy>(ATTR, bindings::NLA_BINARY) };
            self.find(ATTR).map(Value::bytes)
        }

        /// Reads the bytes of an attribute that has exactly `N` of them, made by [`Attr::exact`].
        /// One of [`Attr::exact_warn`] may have more, which are left out.
        ///
        /// # Examples
        ///
        /// ```
        /// use genl::{Attr, Op, Policy, Request};
        ///
        /// struct Peer;
        ///
        /// impl Policy for Peer {
        ///     const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::exact(32)];
        /// }
        ///
        /// fn key<O: Op<Policy = Peer>>(request: &Request<'_, O>) -> Option<[u8; 32]> {
        ///     request.array::<1, 32>().copied()
        /// }
        /// ```
        #[inline(always)]
        pub fn array<const ATTR: u16, const N: usize>(&self) -> Option<&$a [u8; N]> {
            const {
                assert_kind::<$policy>(ATTR, bindings::NLA_BINARY);
                assert_exact::<$policy>(ATTR, N);
            };
            self.find(ATTR).and_then(Value::array)
        }

        /// Reads a nest that the core has not looked into, made by [`Attr::any_nest`]. The example
        /// of [`AnyNest`] parses two.
        #[inline(always)]
        pub fn any_nest<const ATTR: u16>(&self) -> Option<AnyNest<$a>> {
            const {
                assert_kind::<$policy>(ATTR, bindings::NLA_NESTED);
                assert_any_nest::<$policy>(ATTR);
            };
            self.find(ATTR).map(AnyNest)
        }

        /// Reads a nest. `N` must be the policy of the nest.
        #[inline(always)]
        pub fn nest<const ATTR: u16, N: Policy>(&self) -> Option<Nested<$a, N>> {
            const {
                assert_kind::<$policy>(ATTR, bindings::NLA_NESTED);
                assert_nest_of::<$policy>(ATTR, N::ATTRS);
            };
            self.find(ATTR).map(Nested::new)
        }
    };
}

/// The attributes of a request at their top level, as the core has parsed them.
///
/// If a request carries an attribute twice, the last one counts.
///
/// # Invariants
///
/// `tb` is null, or an array of `P::ATTRS.len()` pointers, each null or to an attribute that is
/// valid during `'a` and was validated against its rule in `P`: a scalar has at least the length of
/// its type, under liberal validation too.
#[repr(transparent)]
pub struct Attrs<'a, P> {
    tb: *mut *mut bindings::nlattr,
    _request: PhantomData<&'a [u8]>,
    _policy: PhantomData<fn() -> P>,
}

impl<P> Clone for Attrs<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Attrs<'_, P> {}

impl<'a, P: Policy> Attrs<'a, P> {
    /// # Safety
    ///
    /// `tb` is what the core has made of a request that it has validated with the policy `P`:
    /// null, or one pointer for each number up to the largest one of `P`. All of it is valid
    /// during `'a`.
    #[inline(always)]
    pub(super) unsafe fn at<'b>(tb: &'b *mut *mut bindings::nlattr) -> &'b Self {
        // INVARIANT: By the safety requirements of this function.
        // SAFETY: The type is transparent.
        unsafe { &*ptr::from_ref(tb).cast() }
    }

    /// `attr` must be below `P::ATTRS.len()`, which each caller has asserted.
    #[inline(always)]
    pub(super) fn find(&self, attr: u16) -> Option<Value<'a>> {
        debug_assert!(usize::from(attr) < P::ATTRS.len());
        if self.tb.is_null() {
            return None;
        }
        // SAFETY: By the type invariants `tb` has an element for each number of the policy.
        let attr = unsafe { *self.tb.add(usize::from(attr)) };
        if attr.is_null() {
            None
        } else {
            // SAFETY: By the type invariants the attribute is valid during `'a`.
            Some(unsafe { Value::new(attr) })
        }
    }

    #[inline(always)]
    fn scalar<T>(&self, attr: u16) -> Option<T> {
        // SAFETY: The callers instantiate this with integers only, and by the type invariants a
        // scalar of that type has been validated to have at least this length.
        self.find(attr).map(|value| unsafe { value.scalar() })
    }

    accessors!('a, P);
}

/// The largest policy of which a nest keeps the place of each attribute.
const INDEXED: usize = 16;

/// The attributes inside a nest. The example of [`Request`](super::Request) reads one.
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
    offsets: [u16; INDEXED],
    _policy: PhantomData<fn() -> P>,
}

impl<P> Clone for Nested<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Nested<'_, P> {}

/// Where the attributes of a nest are, see [`Nested`].
#[inline(never)]
fn index(nest: Value<'_>) -> [u16; INDEXED] {
    let mut offsets = [0; INDEXED];
    for (number, value) in Stream(nest.bytes()) {
        if let Some(offset) = offsets.get_mut(usize::from(number)) {
            // CAST: The length of a nest has 16 bits.
            *offset = (value.as_ptr() as usize).wrapping_sub(nest.as_ptr() as usize) as u16;
        }
    }
    offsets
}

impl<'a, P: Policy> Nested<'a, P> {
    #[inline(always)]
    fn new(nest: Value<'a>) -> Self {
        let offsets = if const { P::ATTRS.len() <= INDEXED } {
            index(nest)
        } else {
            [0; INDEXED]
        };
        // INVARIANT: These are zero, or where the stream has found an attribute.
        Self {
            nest,
            offsets,
            _policy: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn find(&self, attr: u16) -> Option<Value<'a>> {
        if const { P::ATTRS.len() > INDEXED } {
            return Stream(self.nest.bytes()).all(attr).last();
        }
        let offset = *self.offsets.get(usize::from(attr))?;
        if offset == 0 {
            return None;
        }
        // SAFETY: By the type invariants there is an attribute, which is valid as long as the nest
        // is.
        Some(unsafe { Value::new(self.nest.as_ptr().byte_add(usize::from(offset))) })
    }

    /// Reads all attributes with the number `ATTR`, in the order in which they were sent.
    ///
    /// In a spec such an attribute has `multi-attr`. `T` is the type that the accessor of a single
    /// one returns. [`Request::all`](super::Request::all) has an example.
    pub fn all<const ATTR: u16, T: Read<'a>>(
        &self,
    ) -> impl Iterator<Item = T> + Clone + use<'a, ATTR, T, P> {
        const { assert_read::<P, T>(ATTR) };
        Stream(self.nest.bytes()).all(ATTR).filter_map(T::read)
    }

    #[inline(always)]
    fn scalar<T>(&self, attr: u16) -> Option<T> {
        let value = self.find(attr)?;
        // SAFETY: The callers instantiate this with integers, and with what consists of integers.
        unsafe { value.checked_scalar() }
    }

    /// The nest itself, for an extended ack.
    pub(super) fn value(&self) -> Value<'a> {
        self.nest
    }

    accessors!('a, P);
}

/// A nest that the core has not looked into, made by [`Attr::any_nest`].
///
/// What is inside is unknown until it is parsed: by [`AnyNest::parse`] against a policy of the
/// handler's choice, like `nla_parse_nested()`, or one nest after the other by [`AnyNest::nests`],
/// like `nla_for_each_nested()`.
///
/// # Examples
///
/// The type of a device decides what its settings may be. Attribute 2 has these, attribute 3 a list
/// of addresses, whose elements are nests without their flag, as ever.
///
/// ```
/// use genl::{
///     AnyNest,
///     Attr,
///     Op,
///     Policy,
///     Request, //
/// };
/// use kernel::{
///     prelude::*,
///     rbtree::RBTree, //
/// };
///
/// struct Create;
///
/// impl Policy for Create {
///     const ATTRS: &'static [Attr] =
///         &[Attr::unused(), Attr::u8(), Attr::any_nest(), Attr::any_nest()];
/// }
///
/// struct Tunnel;
///
/// impl Policy for Tunnel {
///     const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::be16(), Attr::exact(16)];
/// }
///
/// struct Bridge;
///
/// impl Policy for Bridge {
///     const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().range::<1, 4094>()];
/// }
///
/// struct Address;
///
/// impl Policy for Address {
///     const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::be32()];
/// }
///
/// fn create<O: Op<Policy = Create>>(request: &Request<'_, O>) -> Result<RBTree<u32, ()>> {
///     let settings = request
///         .any_nest::<2>()
///         .ok_or_else(|| request.missing::<2>())?;
///     match request.u8::<1>() {
///         Some(1) => {
///             let tunnel = settings.parse::<Tunnel>(request.extack())?;
///             let _port = tunnel.be16::<1>().unwrap_or(4789);
///         }
///         _ => {
///             let bridge = settings.parse::<Bridge>(request.extack())?;
///             let _vlan = bridge.u32::<1>();
///         }
///     }
///     let mut addresses = RBTree::new();
///     for (_, element) in request.any_nest::<3>().iter().flat_map(AnyNest::nests) {
///         let address = element.parse_deprecated::<Address>(request.extack())?;
///         if let Some(address) = address.be32::<1>() {
///             addresses.try_create_and_insert(address, (), GFP_KERNEL)?;
///         }
///     }
///     Ok(addresses)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct AnyNest<'a>(Value<'a>);

impl<'a> AnyNest<'a> {
    /// Parses the nest against the policy `P`, like `nla_parse_nested()`: strictly, and with the
    /// flag `NLA_F_NESTED`.
    ///
    /// Returns what the core returns, mostly [`EINVAL`] or [`ERANGE`], and sets the text of
    /// `extack` and the attribute that it points at as the core does for a request:
    /// `request.extack()` is that of the request.
    pub fn parse<P: Policy>(&self, extack: Extack<'a>) -> Result<Nested<'a, P>> {
        // SAFETY: By the type invariants of `Value` the header is readable.
        let type_ = unsafe { (*self.0.as_ptr()).nla_type };
        // CAST: `NLA_F_NESTED` is a bit of 16.
        if type_ & bindings::NLA_F_NESTED as u16 == 0 {
            extack.set_text(c"NLA_F_NESTED is missing");
            extack.set_bad_attr(self.0.as_ptr());
            return Err(EINVAL);
        }
        self.parse_as(STRICT, extack)
    }

    /// Parses the nest against the policy `P`, like `nla_parse_nested_deprecated()`: what is
    /// unknown or longer than it should be is let pass, and the flag `NLA_F_NESTED` is not looked
    /// for. [`Validation`](super::Validation) says more of this. Otherwise like [`AnyNest::parse`].
    pub fn parse_deprecated<P: Policy>(&self, extack: Extack<'a>) -> Result<Nested<'a, P>> {
        self.parse_as(bindings::netlink_validation_NL_VALIDATE_LIBERAL, extack)
    }

    fn parse_as<P: Policy>(&self, validate: u32, extack: Extack<'a>) -> Result<Nested<'a, P>> {
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
                extack.as_ptr(),
            )
        };
        to_result(result)?;
        Ok(Nested::new(self.0))
    }

    /// The attributes inside, each taken for a nest, with its number, like `nla_for_each_nested()`:
    /// for arrays, whose elements are parsed one by one.
    ///
    /// Nothing is known of them but where they end. It stops in front of what is no attribute.
    pub fn nests(&self) -> impl Iterator<Item = (u16, AnyNest<'a>)> + Clone + use<'a> {
        Stream(self.0.bytes()).map(|(number, value)| (number, AnyNest(value)))
    }

    /// What the attribute holds, like `nla_data()` and `nla_len()`: for lists whose elements are
    /// numbers, texts or bytes, or where the order of unlike ones counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::AnyNest;
    /// use kernel::prelude::*;
    ///
    /// /// The highest of some frequencies, whatever numbers the attributes have.
    /// fn highest(list: AnyNest<'_>) -> Result<Option<u32>> {
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

#[kunit_tests(genl_attr)]
mod tests {
    use super::*;

    const LONGEST: usize = 40;

    /// An attribute of so many bytes, with what is `around` it in memory.
    fn with_attr<T>(payload: &[u8], around: u8, f: impl FnOnce(Value<'_>) -> T) -> T {
        #[repr(align(4))]
        struct Memory([u8; LONGEST + 2 * NLA_HDRLEN]);

        let Memory(memory) = &mut Memory([around; LONGEST + 2 * NLA_HDRLEN]);
        let len = NLA_HDRLEN + payload.len();
        // CAST: It is small.
        memory[..2].copy_from_slice(&(len as u16).to_ne_bytes());
        memory[NLA_HDRLEN..len].copy_from_slice(payload);
        // SAFETY: The whole attribute is in the memory, which is borrowed meanwhile.
        f(unsafe { Value::new(memory.as_ptr().cast()) })
    }

    #[test]
    fn the_first_nul_is_found_in_each_length() {
        for len in 0..LONGEST {
            for nul in 0..len + 1 {
                // Bytes that a carry of the search could take for a NUL, and another NUL behind.
                for filler in [0x01, 0x80, 0xff] {
                    let mut payload = [filler; LONGEST];
                    payload[nul] = 0;
                    payload[LONGEST - 1] = 0;
                    for around in [0, 0x55] {
                        let found = with_attr(&payload[..len], around, |value| value.find_nul());
                        assert_eq!(found, (nul < len).then_some(nul));
                    }
                }
            }
        }
    }

    struct Inside;

    impl Policy for Inside {
        const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::string(4)];
    }

    #[test]
    fn the_last_one_of_a_nest_counts() {
        // { 1: 7, 3: (none), 1: 8 }, and a header that says more than there is.
        let payload = [
            8, 0, 1, 0, 7, 0, 0, 0, 4, 0, 3, 0, 8, 0, 1, 0, 8, 0, 0, 0, 9, 0, 2, 0, b'a', 0, 0, 0,
        ];
        let read = |value: Value<'_>| {
            let nest = Nested::<'_, Inside>::new(value);
            (nest.u32::<1>(), nest.string::<2>().is_some())
        };
        assert_eq!(with_attr(&payload, 0, read), (Some(8), false));
        assert_eq!(with_attr(&payload[..12], 0, read), (Some(7), false));
        assert_eq!(with_attr(&payload[..3], 0, read), (None, false));
        assert_eq!(with_attr(&[], 0, read), (None, false));
    }

    struct Key;

    impl Policy for Key {
        const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::exact(4)];
    }

    #[test]
    fn an_array_of_a_nest_is_whole_or_none() {
        // { 1: 2 to 5 bytes }, of which nothing has seen the length here.
        let payload = [0, 0, 1, 0, 1, 2, 3, 4, 5, 0, 0, 0];
        let read = |value: Value<'_>| Nested::<'_, Key>::new(value).array::<1, 4>().copied();
        for len in 2..6 {
            let mut nest = payload;
            // CAST: It is small.
            nest[0] = (NLA_HDRLEN + len) as u8;
            let want = (len >= 4).then_some([1, 2, 3, 4]);
            assert_eq!(with_attr(&nest, 0x77, read), want);
        }
    }

    /// The parsed number of a nest of this type, or the error and the text.
    fn parse(
        type_: u16,
        payload: &[u8],
        liberal: bool,
    ) -> core::result::Result<Option<u32>, (Error, Option<&'static CStr>)> {
        let mut extack: bindings::netlink_ext_ack = pin_init::zeroed();
        let raw = &raw mut extack;
        let result = with_attr(payload, 0, |value| {
            // SAFETY: The header is in the memory of `with_attr`, and nobody else looks at it.
            unsafe { (*value.as_ptr().cast_mut()).nla_type = type_ };
            let nest = AnyNest(value);
            // SAFETY: It is valid, and nobody else uses it meanwhile.
            let extack = unsafe { Extack::new(raw) };
            let nest = if liberal {
                nest.parse_deprecated::<Inside>(extack)
            } else {
                nest.parse::<Inside>(extack)
            };
            nest.map(|nest| nest.u32::<1>())
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
