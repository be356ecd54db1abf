// SPDX-License-Identifier: GPL-2.0

//! The layout of messages: attributes as values that know their size before they are written.
//!
//! A family in C fills a message by calls. `nla_put_u32()` looks whether there is room, makes it,
//! stores a header and a value, and clears the padding. A nest is opened, and its length is patched
//! when it is closed. When there is no room any more, all of it is taken back. Each call costs a
//! hundred instructions, and each can fail, at a place where something is half written.
//!
//! Here a message is described first, as a tuple of parts: [`U32`], [`Str`], [`Nest`] and so on,
//! each with its attribute number as a constant. A part that may be missing is an [`Option`]. Parts
//! in a row are [`Each`]. Then three things happen, in this order:
//!
//! 1. The parts are asked for their size. That of scalars is known to the compiler, so that for
//!    most messages this is a constant, or one plus the length of a name.
//! 2. Room is made for all of it: a reply is allocated at this size, an object of a dump goes into
//!    the buffer as a whole or not at all. What is too long for the 16 bits of an attribute's
//!    length is refused now, with nothing written.
//! 3. Each part is stored where it belongs. Nothing can fail any more, so there is nothing to
//!    cancel; the length of a nest is known and needs no patching.
//!
//! This is what one would write by hand if there were time for it. The compiler makes the same code
//! from the description. Values can be closures, which are called when their bytes are stored:
//! see [`Get`].
//!
//! ```
//! use genl::layout::{Nest, Str, U32};
//!
//! // { 1: 7, 2: "seven", 3: { 1: 8 } }
//! let parts = (U32::<1>(7), Str::<2>::new(c"seven"), Nest::<3, _>((U32::<1>(8),)));
//! ```
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h) (`nla_put()` and relatives)

use super::{
    header::{
        header_len,
        FixedHeader, //
    },
    wire::{
        nla_align,
        Bitfield32,
        NLA_HDRLEN, //
    }, //
};
use core::{
    borrow::Borrow,
    ptr, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// The longest attribute, its header included: `nla_len` has 16 bits.
pub(super) const MAX_ATTR: usize = 0xffff;

/// The longest message, its headers included. Longer ones are refused with [`EMSGSIZE`]: an skb of
/// this size is about the largest that the allocator gives, and a little below it may be
/// [`ENOMEM`].
pub(super) const MAX_MESSAGE: usize = 1 << 22;

/// A part of a message, or several in a row.
///
/// Sizes are added with saturation: the same bytes can be sent any number of times, so the parts of
/// a message can be larger than all of memory. What is larger than a message is refused before
/// anything is written, and [`usize::MAX`] is.
///
/// # Safety
///
/// - [`Layout::write`] writes exactly [`Layout::size`] bytes, all of them, and returns the end.
/// - Two calls of `size` on the same value return the same number, from [`Layout::MIN`] to
///   [`Layout::MAX`]: the exact size, a multiple of 4, or, where that is above 4 MiB, any number
///   above 4 MiB.
/// - [`Layout::fits`] is true where `size` is at most 65,535.
pub unsafe trait Layout {
    /// The size of the smallest value.
    const MIN: usize;

    /// The size of the largest value, [`usize::MAX`] if there is no bound.
    const MAX: usize;

    /// The name of the family whose [`Header`] the part begins with. It is looked at by the compiler
    /// only, and a layout of somebody's own leaves it as it is.
    const HEADER: Option<&'static str> = None;

    /// How many bytes `write` writes.
    fn size(&self) -> usize;

    /// Whether each attribute is short enough for its 16-bit length.
    fn fits(&self) -> bool;

    /// Writes the part to `p` and returns the end of it.
    ///
    /// # Safety
    ///
    /// [`Layout::size`], which is at most 4 MiB, bytes from `p` on are writable, and
    /// [`Layout::fits`].
    unsafe fn write(&self, p: *mut u8) -> *mut u8;
}

/// Adds two sizes of parts of an `L`: a plain addition where no value of it is so large that the
/// sum could wrap.
#[inline(always)]
fn add<L: Layout>(a: usize, b: usize) -> usize {
    if const { L::MAX < usize::MAX } {
        a.wrapping_add(b)
    } else {
        a.saturating_add(b)
    }
}

/// The header of a message's parts: that of the first one.
const fn first_header(headers: &[Option<&'static str>]) -> Option<&'static str> {
    let mut i = 1;
    while i < headers.len() {
        assert_no_header(headers[i]);
        i += 1;
    }
    if headers.is_empty() {
        None
    } else {
        headers[0]
    }
}

/// The header of what holds a part: none, and the part has none either.
const fn no_header<L: Layout>() -> Option<&'static str> {
    assert_no_header(L::HEADER);
    None
}

const fn assert_no_header(header: Option<&'static str>) {
    assert!(
        header.is_none(),
        "genl: the header of a family stands in front of all attributes"
    );
}

/// Stores a 32-bit number at any address.
///
/// # Safety
///
/// The four bytes from `p + offset` on are writable.
#[inline(always)]
pub(super) unsafe fn store_u32(p: *mut u8, offset: usize, value: u32) {
    // SAFETY: By the safety requirements of this function.
    unsafe { p.add(offset).cast::<u32>().write_unaligned(value) }
}

/// Stores a 64-bit number at any address.
///
/// # Safety
///
/// The eight bytes from `p + offset` on are writable.
#[inline(always)]
pub(super) unsafe fn store_u64(p: *mut u8, offset: usize, value: u64) {
    // SAFETY: By the safety requirements of this function.
    unsafe { p.add(offset).cast::<u64>().write_unaligned(value) }
}

/// Stores the header of an attribute: one store, since length and type are neighbours.
///
/// # Safety
///
/// The four bytes from `p` on are writable.
#[inline(always)]
unsafe fn store_header(p: *mut u8, len: usize, type_: u16) {
    const { assert!(cfg!(target_endian = "little")) };
    // CAST: `Layout::fits` bounds the length of an attribute.
    // SAFETY: By the safety requirements of this function.
    unsafe { store_u32(p, 0, len as u32 | u32::from(type_) << 16) }
}

/// Copies `n` bytes, with loads and stores of eight bytes for what names and small binaries need.
///
/// # Safety
///
/// `n` bytes are readable at `s` and writable at `d`, and the two do not overlap.
#[inline(always)]
unsafe fn copy_short(d: *mut u8, s: *const u8, n: usize) {
    // SAFETY: Each branch stays inside `n` bytes: in the first two, the second access ends at the
    // end of both; the loop handles whole pairs of words, the rest is covered by the word that
    // ends at `n`.
    unsafe {
        if n.wrapping_sub(8) <= 8 {
            let first = s.cast::<u64>().read_unaligned();
            let last = s.add(n.wrapping_sub(8)).cast::<u64>().read_unaligned();
            store_u64(d, 0, first);
            store_u64(d, n.wrapping_sub(8), last);
        } else if n.wrapping_sub(4) < 4 {
            let first = s.cast::<u32>().read_unaligned();
            let last = s.add(n.wrapping_sub(4)).cast::<u32>().read_unaligned();
            store_u32(d, 0, first);
            store_u32(d, n.wrapping_sub(4), last);
        } else if n.wrapping_sub(17) < 112 {
            let last = s.add(n.wrapping_sub(8)).cast::<u64>().read_unaligned();
            let mut i = 0usize;
            loop {
                let low = s.add(i).cast::<u64>().read_unaligned();
                let high = s.add(i).add(8).cast::<u64>().read_unaligned();
                store_u64(d.add(i), 0, low);
                store_u64(d.add(i), 8, high);
                i = i.wrapping_add(16);
                if i.wrapping_add(16) > n {
                    break;
                }
            }
            if n & 8 != 0 {
                store_u64(d, i, s.add(i).cast::<u64>().read_unaligned());
            }
            store_u64(d, n.wrapping_sub(8), last);
        } else {
            copy_other(d, s, n);
        }
    }
}

/// The lengths that [`copy_short`] leaves: below 4 and above 128.
///
/// # Safety
///
/// As for [`copy_short`].
#[cold]
#[inline(never)]
unsafe fn copy_other(d: *mut u8, s: *const u8, n: usize) {
    // SAFETY: By the safety requirements of this function.
    unsafe { ptr::copy_nonoverlapping(s, d, n) }
}

/// Where the value of a scalar comes from: the value itself, or a closure that is called at the
/// moment when its bytes are stored.
///
/// A closure spares the compiler from loading all members of an object first and spilling them.
pub trait Get<T> {
    /// Returns the value.
    fn get(&self) -> T;
}

impl<T, F: Fn() -> T> Get<T> for F {
    #[inline(always)]
    fn get(&self) -> T {
        self()
    }
}

macro_rules! get {
    ($($type:ty)*) => {
        $(
            impl Get<$type> for $type {
                #[inline(always)]
                fn get(&self) -> $type {
                    *self
                }
            }
        )*
    };
}

get!(u8 u16 u32 u64 i8 i16 i32 i64);

macro_rules! scalar {
    ($name:ident, $type:ty, $doc:literal) => {
        scalar!($name, $type, $doc, core::convert::identity);
    };
    ($name:ident, $type:ty, $doc:literal, $stored:path) => {
        #[doc = $doc]
        pub struct $name<const ATTR: u16, G = $type>(
            /// The value, or where it comes from.
            pub G,
        );

        // SAFETY: `write` stores the header, then `SIZE - 4` bytes: the value and its padding.
        unsafe impl<const ATTR: u16, G: Get<$type>> Layout for $name<ATTR, G> {
            const MIN: usize = Self::MAX;
            const MAX: usize = nla_align(NLA_HDRLEN + size_of::<$type>());

            #[inline(always)]
            fn size(&self) -> usize {
                Self::MAX
            }

            #[inline(always)]
            fn fits(&self) -> bool {
                true
            }

            #[inline(always)]
            unsafe fn write(&self, p: *mut u8) -> *mut u8 {
                const LEN: usize = NLA_HDRLEN + size_of::<$type>();
                const { assert_number(ATTR) };
                // SAFETY: By the safety requirements of this function, `MAX` bytes are writable.
                unsafe {
                    store_header(p, LEN, ATTR);
                    if const { LEN < Self::MAX } {
                        // The padding; the value goes on top of it.
                        store_u32(p, NLA_HDRLEN, 0);
                    }
                    p.add(NLA_HDRLEN)
                        .cast::<$type>()
                        .write_unaligned($stored(self.0.get()));
                    p.add(Self::MAX)
                }
            }
        }
    };
}

scalar!(U8, u8, "An 8-bit number, as `nla_put_u8()`.");
scalar!(
    U16,
    u16,
    "A 16-bit number in host byte order, as `nla_put_u16()`."
);
scalar!(
    U32,
    u32,
    "A 32-bit number in host byte order, as `nla_put_u32()`."
);
scalar!(
    U64,
    u64,
    "A 64-bit number in host byte order, aligned to 4 bytes.\n\n\
     `nla_put_u64_64bit()` is the same on machines with cheap unaligned accesses, and no others \
     are supported. [`PaddedU64`] is aligned to 8 bytes."
);

scalar!(S8, i8, "An 8-bit signed number, as `nla_put_s8()`.");
scalar!(
    S16,
    i16,
    "A 16-bit signed number in host byte order, as `nla_put_s16()`."
);
scalar!(
    S32,
    i32,
    "A 32-bit signed number in host byte order, as `nla_put_s32()`."
);
scalar!(
    S64,
    i64,
    "A 64-bit signed number in host byte order, as [`U64`]."
);
scalar!(
    Be16,
    u16,
    "A 16-bit number, sent in network byte order, as `nla_put_be16()`.",
    u16::to_be
);
scalar!(
    Be32,
    u32,
    "A 32-bit number, sent in network byte order, as `nla_put_be32()`.",
    u32::to_be
);

/// 32 bits and which of them are meant, like `nla_put_bitfield32()`.
pub struct Bits<const ATTR: u16>(
    /// The bits.
    pub Bitfield32,
);

// SAFETY: `write` writes what a `U64` writes, which has the size of a `U64`.
unsafe impl<const ATTR: u16> Layout for Bits<ATTR> {
    const MIN: usize = Self::MAX;
    const MAX: usize = <U64<ATTR> as Layout>::MAX;

    #[inline(always)]
    fn size(&self) -> usize {
        Self::MAX
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        let Bitfield32 { value, selector } = self.0;
        // The two members, in this order, on a machine whose byte order is little-endian.
        let both = u64::from(value) | u64::from(selector) << 32;
        // SAFETY: By the safety requirements of this function.
        unsafe { U64::<ATTR>(both).write(p) }
    }
}

macro_rules! variable {
    ($name:ident, $long:ident $wide:ty, $short:ident $narrow:ty, $doc:literal) => {
        #[doc = $doc]
        pub struct $name<const ATTR: u16>(
            /// The value.
            pub $wide,
        );

        // SAFETY: `write` writes what one of two other layouts writes, the one that `size` has
        // chosen.
        unsafe impl<const ATTR: u16> Layout for $name<ATTR> {
            const MIN: usize = <$short<ATTR> as Layout>::MAX;
            const MAX: usize = <$long<ATTR> as Layout>::MAX;

            #[inline(always)]
            fn size(&self) -> usize {
                match <$narrow>::try_from(self.0) {
                    Ok(_) => Self::MIN,
                    Err(_) => Self::MAX,
                }
            }

            #[inline(always)]
            fn fits(&self) -> bool {
                true
            }

            #[inline(always)]
            unsafe fn write(&self, p: *mut u8) -> *mut u8 {
                // SAFETY: By the safety requirements of this function.
                unsafe {
                    match <$narrow>::try_from(self.0) {
                        Ok(value) => $short::<ATTR>(value).write(p),
                        Err(_) => $long::<ATTR>(self.0).write(p),
                    }
                }
            }
        }
    };
}

variable!(
    UInt,
    U64 u64,
    U32 u32,
    "A number of 4 bytes where it fits and else of 8, as `nla_put_uint()`."
);
variable!(
    SInt,
    S64 i64,
    S32 i32,
    "A signed number of 4 bytes where it fits and else of 8, as `nla_put_sint()`."
);

/// A 64-bit number in host byte order, aligned to 8 bytes by an empty attribute `PAD`.
///
/// For readers that use the number in place and cannot read it from any address. Unlike
/// `nla_put_u64_64bit()` this always sends the padding attribute, in front of the number or behind
/// it, so that the size does not depend on the place.
///
/// As there, it is the place in the kernel's buffer that is aligned. That in the reader's differs
/// where the kernel lets a dump begin elsewhere, for a reader whose buffer has a length that is no
/// multiple of 8.
pub struct PaddedU64<const ATTR: u16, const PAD: u16, G = u64>(
    /// The value, or where it comes from.
    pub G,
);

// SAFETY: `write` writes two headers and the value between or behind them, 16 bytes.
unsafe impl<const ATTR: u16, const PAD: u16, G: Get<u64>> Layout for PaddedU64<ATTR, PAD, G> {
    const MIN: usize = Self::MAX;
    const MAX: usize = 2 * NLA_HDRLEN + size_of::<u64>();

    #[inline(always)]
    fn size(&self) -> usize {
        Self::MAX
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        const { assert_number(PAD) };
        let in_front = p as usize & 7 == 0;
        // SAFETY: By the safety requirements of this function, `MAX` bytes are writable; the two
        // attributes have 4 and 12 of them.
        unsafe {
            let (pad, value) = if in_front {
                (p, p.add(NLA_HDRLEN))
            } else {
                (p.add(NLA_HDRLEN + size_of::<u64>()), p)
            };
            store_header(pad, NLA_HDRLEN, PAD);
            U64::<ATTR, _>(|| self.0.get()).write(value);
            p.add(Self::MAX)
        }
    }
}

/// Attribute numbers have 14 bits, and 0 is never used.
const fn assert_number(number: u16) {
    assert!(
        number > 0 && number < 0x4000,
        "genl: an attribute number is from 1 to 16383"
    );
}

/// A flag, like `nla_put_flag()`. Wrap it into an [`Option`] to leave it out.
pub struct Flag<const ATTR: u16>;

// SAFETY: `write` writes the header, and that is all there is.
unsafe impl<const ATTR: u16> Layout for Flag<ATTR> {
    const MIN: usize = NLA_HDRLEN;
    const MAX: usize = NLA_HDRLEN;

    #[inline(always)]
    fn size(&self) -> usize {
        NLA_HDRLEN
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        const { assert_number(ATTR) };
        // SAFETY: By the safety requirements of this function.
        unsafe {
            store_header(p, NLA_HDRLEN, ATTR);
            p.add(NLA_HDRLEN)
        }
    }
}

/// What can be sent as a string.
pub trait AsText {
    /// The bytes, without a terminator and without a NUL: a reader would stop there.
    fn as_text(&self) -> &[u8];
}

impl AsText for CStr {
    #[inline(always)]
    fn as_text(&self) -> &[u8] {
        // What `to_bytes()` returns, without its check for an overflow that cannot be.
        let bytes = self.to_bytes_with_nul();
        // SAFETY: A C string has at least its terminator.
        unsafe { bytes.get_unchecked(..bytes.len().wrapping_sub(1)) }
    }
}

/// A short text that is kept in place, without an allocation: at most `CAP` bytes without a NUL.
///
/// # Examples
///
/// ```
/// use core::fmt::Write;
/// use genl::layout::Text;
///
/// let mut name = Text::<15>::new();
/// write!(name, "obj-{}", 7)?;
/// # Ok::<(), core::fmt::Error>(())
/// ```
///
/// # Invariants
///
/// `len` is at most `CAP`.
#[derive(Clone, Copy, PartialEq)]
pub struct Text<const CAP: usize> {
    bytes: [u8; CAP],
    len: usize,
}

impl<const CAP: usize> Text<CAP> {
    /// Returns an empty text.
    pub const fn new() -> Self {
        // INVARIANT: 0 is at most `CAP`.
        Self {
            bytes: [0; CAP],
            len: 0,
        }
    }

    /// Appends bytes. Returns [`EINVAL`] for a NUL and [`ENAMETOOLONG`] if there is no room,
    /// and leaves the text as it was.
    pub fn push(&mut self, bytes: &[u8]) -> Result {
        let end = self.len.wrapping_add(bytes.len());
        let room = self.bytes.get_mut(self.len..end).ok_or(ENAMETOOLONG)?;
        if bytes.contains(&0) {
            return Err(EINVAL);
        }
        room.copy_from_slice(bytes);
        // INVARIANT: `get_mut` has seen that `end` is at most `CAP`.
        self.len = end;
        Ok(())
    }

    /// Adds one to the decimal number at the end: `obj-9` becomes `obj-10`. Names that are counted
    /// cost less this way than by [`Text::push_decimal`].
    ///
    /// Returns [`EINVAL`] if the text does not end with a digit and [`ENAMETOOLONG`] if there
    /// is no room for one more, and leaves the text as it was.
    #[inline(always)]
    pub fn count_up(&mut self) -> Result {
        let mut at = self.len;
        while at > 0 {
            at = at.wrapping_sub(1);
            // SAFETY: `at` is below `len`, which is at most `CAP` by the type invariants.
            let digit = unsafe { self.bytes.get_unchecked_mut(at) };
            match *digit {
                b'0'..=b'8' => {
                    *digit = digit.wrapping_add(1);
                    return Ok(());
                }
                b'9' => *digit = b'0',
                _ => {
                    at = at.wrapping_add(1);
                    break;
                }
            }
        }
        self.carry(at)
    }

    /// Goes from nines, which are zeros by now and begin at `first`, to a one and one zero more.
    #[cold]
    #[inline(never)]
    fn carry(&mut self, first: usize) -> Result {
        let digits = self.bytes.get_mut(first..self.len).unwrap_or_default();
        let Some(digit) = digits.first_mut() else {
            return Err(EINVAL);
        };
        *digit = b'1';
        let result = self.push(b"0");
        if result.is_err() {
            self.bytes
                .get_mut(first..self.len)
                .unwrap_or_default()
                .fill(b'9');
        }
        result
    }

    /// Appends a number in decimal, as `{}` would, at a fraction of its cost.
    pub fn push_decimal(&mut self, number: u32) -> Result {
        let mut digits = [b'0'; 10];
        let mut rest = number;
        let mut len = 0;
        for digit in digits.iter_mut().rev() {
            // CAST: A remainder of 10 fits.
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            len += 1;
            if rest == 0 {
                break;
            }
        }
        self.push(
            digits
                .get(digits.len().wrapping_sub(len)..)
                .unwrap_or_default(),
        )
    }
}

impl<const CAP: usize> Default for Text<CAP> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const CAP: usize> core::fmt::Write for Text<CAP> {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        self.push(s.as_bytes()).map_err(|_| core::fmt::Error)
    }
}

impl<const CAP: usize> AsText for Text<CAP> {
    #[inline(always)]
    fn as_text(&self) -> &[u8] {
        // SAFETY: By the type invariants, `len` is at most `CAP`. The compiler is told so once
        // more, since that spares most of the looks at the size.
        unsafe {
            core::hint::assert_unchecked(self.len <= CAP);
            self.bytes.get_unchecked(..self.len)
        }
    }
}

/// A NUL-terminated string, like `nla_put_string()`.
pub struct Str<'a, const ATTR: u16>(&'a [u8]);

impl<'a, const ATTR: u16> Str<'a, ATTR> {
    /// Takes a [`CStr`], a [`Text`] or what else has a text.
    #[inline(always)]
    pub fn new<T: AsText + ?Sized>(text: &'a T) -> Self {
        // What `as_text` returns is looked up here and never again, so that an implementation
        // that changes its mind cannot make a part larger than the room for it.
        Self(text.as_text())
    }
}

// SAFETY: `write` writes the header, the text and the last word, which has the terminator and the
// padding, and these are all `size()` bytes. The slice does not change while it is borrowed.
unsafe impl<const ATTR: u16> Layout for Str<'_, ATTR> {
    const MIN: usize = nla_align(NLA_HDRLEN + 1);
    const MAX: usize = usize::MAX;

    #[inline(always)]
    fn size(&self) -> usize {
        nla_align(self.0.len().wrapping_add(NLA_HDRLEN + 1))
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.0.len() < MAX_ATTR - NLA_HDRLEN
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        const { assert_number(ATTR) };
        let len = self.0.len();
        let size = self.size();
        // SAFETY: By the safety requirements of this function, `size` bytes are writable; it is at
        // least 8, and at least `len + 5`.
        unsafe {
            // The last word first: the text goes on top of it.
            store_u32(p, size.wrapping_sub(4), 0);
            store_header(p, len.wrapping_add(NLA_HDRLEN + 1), ATTR);
            copy_short(p.add(NLA_HDRLEN), self.0.as_ptr(), len);
            p.add(size)
        }
    }
}

/// Bytes of any value, like `nla_put()`.
pub struct Bytes<'a, const ATTR: u16>(
    /// The bytes.
    pub &'a [u8],
);

// SAFETY: `write` writes the last word, which has the padding, then the header and the bytes, and
// these are all `size()` bytes. The slice does not change while it is borrowed.
unsafe impl<const ATTR: u16> Layout for Bytes<'_, ATTR> {
    const MIN: usize = NLA_HDRLEN;
    const MAX: usize = usize::MAX;

    #[inline(always)]
    fn size(&self) -> usize {
        nla_align(self.0.len().wrapping_add(NLA_HDRLEN))
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.0.len() <= MAX_ATTR - NLA_HDRLEN
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        const { assert_number(ATTR) };
        let len = self.0.len();
        let size = self.size();
        // SAFETY: By the safety requirements of this function, `size` bytes are writable; it is at
        // least 4, and at least `len + 4`.
        unsafe {
            // The last word first: where there are no bytes it is the header itself.
            store_u32(p, size.wrapping_sub(4), 0);
            store_header(p, len.wrapping_add(NLA_HDRLEN), ATTR);
            ptr::copy_nonoverlapping(self.0.as_ptr(), p.add(NLA_HDRLEN), len);
            p.add(size)
        }
    }
}

/// Bytes of a number that is known at compile time, like `nla_put()` of a structure: an array, or a
/// reference to one, such as `array` of [`Attrs`](super::Attrs) returns.
///
/// Unlike [`Bytes`] it has a size that the compiler knows. An array that no attribute can hold, of
/// more than 65,531 bytes, does not compile.
///
/// # Examples
///
/// ```
/// use genl::layout::Array;
///
/// let key = [0x2au8; 32];
/// // { 1: the bytes of the key, 2: a MAC address }
/// let parts = (Array::<1, 32, _>(&key), Array::<2, 6>([2, 0, 0, 0, 0, 1]));
/// ```
pub struct Array<const ATTR: u16, const LEN: usize, T = [u8; LEN]>(
    /// The bytes.
    pub T,
);

// SAFETY: `write` writes what a `Bytes` of `LEN` bytes writes, which has the size of one.
unsafe impl<const ATTR: u16, const LEN: usize, T> Layout for Array<ATTR, LEN, T>
where
    T: Borrow<[u8; LEN]>,
{
    const MIN: usize = Self::MAX;
    const MAX: usize = {
        assert!(
            LEN <= MAX_ATTR - NLA_HDRLEN,
            "genl: an attribute has at most 65531 bytes"
        );
        nla_align(NLA_HDRLEN + LEN)
    };

    #[inline(always)]
    fn size(&self) -> usize {
        Self::MAX
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        // SAFETY: By the safety requirements of this function.
        unsafe { Bytes::<ATTR>(self.0.borrow()).write(p) }
    }
}

/// A value of plain data, like `nla_put()` of a structure.
pub struct Plain<const ATTR: u16, T>(
    /// The value.
    pub T,
);

// SAFETY: `write` writes what a `Bytes` of these bytes writes, which has the size of one.
unsafe impl<const ATTR: u16, T: IntoBytes> Layout for Plain<ATTR, T> {
    const MIN: usize = Self::MAX;
    const MAX: usize = {
        assert!(
            size_of::<T>() <= MAX_ATTR - NLA_HDRLEN,
            "genl: an attribute has at most 65531 bytes"
        );
        nla_align(NLA_HDRLEN + size_of::<T>())
    };

    #[inline(always)]
    fn size(&self) -> usize {
        Self::MAX
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        // SAFETY: The value is as long as it is borrowed, and by `IntoBytes` has no padding.
        let bytes = unsafe {
            core::slice::from_raw_parts(ptr::from_ref(&self.0).cast::<u8>(), size_of::<T>())
        };
        // SAFETY: By the safety requirements of this function.
        unsafe { Bytes::<ATTR>(bytes).write(p) }
    }
}

/// Writes a nest of `size` bytes.
///
/// # Safety
///
/// As for [`Layout::write`] of the nest: its size is `size`, and `inside` is what it holds.
#[inline(always)]
unsafe fn write_nest<L: Layout>(p: *mut u8, size: usize, type_: u16, inside: &L) -> *mut u8 {
    // SAFETY: By the safety requirements of this function, there is room for the header and for
    // the parts, and the parts fit where the nest does.
    unsafe {
        store_header(p, size, type_);
        inside.write(p.add(NLA_HDRLEN))
    }
}

macro_rules! nest {
    ([$($generic:tt)*] $type:ty, $inside:tt, |$self:ident| $number:expr) => {
        // SAFETY: `write` writes the header and the parts, which write all of their own size.
        unsafe impl<$($generic)* L: Layout> Layout for $type {
            const MIN: usize = L::MIN.saturating_add(NLA_HDRLEN);
            const MAX: usize = L::MAX.saturating_add(NLA_HDRLEN);
            const HEADER: Option<&'static str> = no_header::<L>();

            #[inline(always)]
            fn size(&self) -> usize {
                add::<Self>(NLA_HDRLEN, self.$inside.size())
            }

            #[inline(always)]
            fn fits(&self) -> bool {
                (Self::MAX <= MAX_ATTR || self.size() <= MAX_ATTR) && self.$inside.fits()
            }

            #[inline(always)]
            unsafe fn write(&self, p: *mut u8) -> *mut u8 {
                let $self = self;
                // SAFETY: By the safety requirements of this function.
                unsafe { write_nest(p, $self.size(), $number, &$self.$inside) }
            }
        }
    };
}

/// The flag of a nest, which is a bit of 16.
// CAST: As it says.
const NESTED: u16 = bindings::NLA_F_NESTED as u16;

/// The part of an attribute's type that is its number.
// CAST: The mask is one of 16 bits.
pub(super) const NUMBER: u16 = bindings::NLA_TYPE_MASK as u16;

/// The type of a nest with the number `ATTR`, without its flag.
#[inline(always)]
const fn nest_type<const ATTR: u16>() -> u16 {
    const { assert_number(ATTR) };
    ATTR
}

/// A nest, like `nla_nest_start()` and `nla_nest_end()` around its parts.
pub struct Nest<const ATTR: u16, L>(
    /// The parts inside.
    pub L,
);

nest!([const ATTR: u16,] Nest<ATTR, L>, 0, |nest| nest_type::<ATTR>() | NESTED);

/// A nest that is sent without the flag `NLA_F_NESTED`, like `nla_nest_start_noflag()`.
///
/// For protocols that have always sent their nests so, and whose readers may compare the whole
/// type. A reader finds out from the protocol only that it is a nest. What is new has [`Nest`].
///
/// # Examples
///
/// A nest without the flag, and in it an array of nests, which have none either.
///
/// ```
/// use genl::layout::{Each, ElementNoflag, NestNoflag, U32};
///
/// // { 1: { 1: { 7: 2 }, 2: { 7: 3 } } }
/// let elements = (1..=u16::MAX)
///     .zip([2, 3])
///     .map(|(index, value)| ElementNoflag(index, (U32::<7>(value),)));
/// let parts = (NestNoflag::<1, _>(Each::new(elements)),);
/// ```
pub struct NestNoflag<const ATTR: u16, L>(
    /// The parts inside.
    pub L,
);

nest!([const ATTR: u16,] NestNoflag<ATTR, L>, 0, |nest| nest_type::<ATTR>());

/// A nest whose number is known at run time only: an element of an array of nests.
///
/// Numbers from a range without an end overflow where there are more elements than numbers.
///
/// # Examples
///
/// ```
/// use genl::layout::{Each, Element, Nest, U32};
///
/// // { 1: { 1: { 7: 2 }, 2: { 7: 3 }, 3: { 7: 5 } } }
/// let primes = [2, 3, 5];
/// let elements = (1..=u16::MAX)
///     .zip(&primes)
///     .map(|(index, prime)| Element(index, (U32::<7>(*prime),)));
/// let parts = (Nest::<1, _>(Each::new(elements)),);
/// ```
pub struct Element<L>(
    /// The index, of which 14 bits are sent.
    pub u16,
    /// The parts inside.
    pub L,
);

nest!([] Element<L>, 1, |element| element.0 & NUMBER | NESTED);

/// An [`Element`] that is sent without the flag `NLA_F_NESTED`. The example of [`NestNoflag`] has
/// two of them.
pub struct ElementNoflag<L>(
    /// The index, of which 14 bits are sent.
    pub u16,
    /// The parts inside.
    pub L,
);

nest!([] ElementNoflag<L>, 1, |element| element.0 & NUMBER);

/// An attribute whose number is known at run time only, or is 0, as in some old protocols: an
/// element of an array of numbers, for example.
///
/// The part must be one attribute; its own number is written over.
///
/// # Examples
///
/// ```
/// use genl::layout::{Each, Nest, Numbered, U32};
///
/// // { 1: { 0: 2, 1: 3, 2: 5 } }
/// let primes = [2, 3, 5];
/// let elements = (0..=u16::MAX)
///     .zip(&primes)
///     .map(|(index, prime)| Numbered(index, U32::<1>(*prime)));
/// let parts = (Nest::<1, _>(Each::new(elements)),);
/// ```
pub struct Numbered<L>(
    /// The number, of which 14 bits are sent.
    pub u16,
    /// The attribute.
    pub L,
);

// SAFETY: `write` writes what the part writes, and then once more to bytes of it.
unsafe impl<L: Layout> Layout for Numbered<L> {
    const MIN: usize = L::MIN;
    const MAX: usize = L::MAX;
    const HEADER: Option<&'static str> = no_header::<L>();

    #[inline(always)]
    fn size(&self) -> usize {
        self.1.size()
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.1.fits()
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        // SAFETY: By the safety requirements of this function.
        unsafe { write_as(&self.1, p, |type_| type_ & !NUMBER | self.0 & NUMBER) }
    }
}

/// Writes an attribute with another type, which is made out of its own.
///
/// # Safety
///
/// As for [`Layout::write`].
#[inline(always)]
pub(super) unsafe fn write_as<L: Layout>(part: &L, p: *mut u8, type_of: impl FnOnce(u16) -> u16) -> *mut u8 {
    const { assert!(L::MIN >= NLA_HDRLEN, "genl: the part may be missing") };
    // SAFETY: By the safety requirements of this function; a part has at least four bytes, of which
    // the type is the upper half.
    unsafe {
        let end = part.write(p);
        let type_ = p.add(2).cast::<u16>();
        type_.write_unaligned(type_of(type_.read_unaligned()));
        end
    }
}

/// An attribute that is sent with the flag `NLA_F_NET_BYTEORDER`, as `nla_put_net16()` and its
/// relatives do. In a request the flag is passed over.
///
/// The flag says that the value is in network byte order; the part sees to it that it is.
///
/// # Examples
///
/// ```
/// use genl::layout::{Be16, NetByteorder};
///
/// // { 1: 4789, in network byte order }
/// let parts = (NetByteorder(Be16::<1>(4789)),);
/// ```
pub struct NetByteorder<L>(
    /// The attribute.
    pub L,
);

// SAFETY: `write` writes what the part writes, and then once more to bytes of it.
unsafe impl<L: Layout> Layout for NetByteorder<L> {
    const MIN: usize = L::MIN;
    const MAX: usize = L::MAX;
    const HEADER: Option<&'static str> = no_header::<L>();

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
        // CAST: The flag is a bit of 16.
        const FLAG: u16 = bindings::NLA_F_NET_BYTEORDER as u16;
        // SAFETY: By the safety requirements of this function.
        unsafe { write_as(&self.0, p, |type_| type_ | FLAG) }
    }
}

/// What consists of parts that borrow from it.
pub trait Parts {
    /// Returns the parts, in the order in which they are sent.
    fn parts(&self) -> impl Layout + '_;
}

/// The parts of a value, together with the value: for what an iterator or a getter returns and
/// nobody else keeps.
///
/// The parts are asked for twice, first for their size. A value that then has other ones makes a
/// message that nobody can read, but never one that is larger than the room for it.
///
/// # Examples
///
/// ```
/// use genl::{layout::{Each, Nest, Parts, Str, Text, Whole}, Layout};
///
/// struct Named(Text<15>);
///
/// impl Parts for Named {
///     fn parts(&self) -> impl Layout + '_ {
///         (Str::<1>::new(&self.0),)
///     }
/// }
///
/// // { 2: { 1: "0" }, 2: { 1: "1" } }
/// let names = (0..2).map(|number| {
///     let mut name = Text::new();
///     let _ = name.push_decimal(number);
///     Nest::<2, _>(Whole::new(Named(name)))
/// });
/// let parts = (Each::new(names),);
/// ```
///
/// # Invariants
///
/// `size` is what the parts of the value had when they were asked for it first, a multiple of 4.
pub struct Whole<T> {
    value: T,
    size: usize,
    fits: bool,
}

/// Asserts that parts whose type has no name are attributes only.
#[inline(always)]
fn attributes<L: Layout>(parts: L) -> L {
    const { assert_no_header(L::HEADER) };
    parts
}

impl<T: Parts> Whole<T> {
    /// Takes a value.
    #[inline(always)]
    pub fn new(value: T) -> Self {
        let (size, fits) = {
            let parts = attributes(value.parts());
            (parts.size(), parts.fits())
        };
        // INVARIANT: It is what they had.
        Self { value, size, fits }
    }
}

// SAFETY: `write` writes parts of `size` bytes, or as many zeroes. Neither `size` nor `fits` ever
// changes.
unsafe impl<T: Parts> Layout for Whole<T> {
    const MIN: usize = 0;
    const MAX: usize = usize::MAX;

    #[inline(always)]
    fn size(&self) -> usize {
        self.size
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.fits
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        let parts = self.value.parts();
        // SAFETY: By the safety requirements of this function, `size` bytes are writable, and the
        // parts are written only where they have that size and fit.
        unsafe {
            if parts.size() != self.size || !parts.fits() {
                fill(p, self.size);
                return p.add(self.size);
            }
            parts.write(p)
        }
    }
}

// SAFETY: Writes what the part writes, or nothing.
unsafe impl<L: Layout> Layout for Option<L> {
    const MIN: usize = 0;
    const MAX: usize = L::MAX;
    const HEADER: Option<&'static str> = no_header::<L>();

    #[inline(always)]
    fn size(&self) -> usize {
        match self {
            Some(part) => part.size(),
            None => 0,
        }
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        match self {
            Some(part) => part.fits(),
            None => true,
        }
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        match self {
            // SAFETY: By the safety requirements of this function.
            Some(part) => unsafe { part.write(p) },
            None => p,
        }
    }
}

// SAFETY: Writes what the part writes.
unsafe impl<L: Layout> Layout for &L {
    const MIN: usize = L::MIN;
    const MAX: usize = L::MAX;
    const HEADER: Option<&'static str> = L::HEADER;

    #[inline(always)]
    fn size(&self) -> usize {
        (**self).size()
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        (**self).fits()
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        // SAFETY: By the safety requirements of this function.
        unsafe { (**self).write(p) }
    }
}

/// Parts in a row, as many as an iterator has: a multi-attr attribute, or the elements of a nest.
///
/// The iterator runs twice, first for the size. One that then has other parts, fewer or larger
/// ones, makes a message that nobody can read, but never one that is larger than the room for it.
///
/// # Examples
///
/// ```
/// use genl::layout::{Each, Nest, U32};
///
/// // { 1: { 1: 2, 1: 3, 1: 5 } }
/// let primes = [2, 3, 5];
/// let parts = (Nest::<1, _>(Each::new(primes.iter().map(|prime| U32::<1>(*prime)))),);
/// ```
///
/// # Invariants
///
/// `size` is a multiple of 4. Where it is above `MAX_MESSAGE`, `fits` is false.
pub struct Each<I> {
    parts: I,
    size: usize,
    fits: bool,
}

impl<I, L> Each<I>
where
    I: Iterator<Item = L> + Clone,
    L: Layout,
{
    /// More than any message has, and far from where a sum of sizes wraps.
    const TOO_LARGE: usize = MAX_MESSAGE + 4;

    /// Takes the parts.
    #[inline(always)]
    pub fn new(parts: I) -> Self {
        let (count, most) = parts.size_hint();
        if const { L::MIN == L::MAX && L::MAX <= MAX_ATTR } && most == Some(count) {
            let size = match count.checked_mul(L::MAX) {
                Some(size) if size <= MAX_MESSAGE => size,
                _ => Self::TOO_LARGE,
            };
            // INVARIANT: The size of a part is a multiple of 4, and so is `TOO_LARGE`.
            return Self {
                parts,
                size,
                fits: size <= MAX_MESSAGE,
            };
        }
        let (mut size, mut fits) = (0usize, true);
        for part in parts.clone() {
            size = size.saturating_add(part.size());
            fits &= part.fits();
            if size > MAX_MESSAGE {
                (size, fits) = (Self::TOO_LARGE, false);
                break;
            }
        }
        // INVARIANT: As above.
        Self { parts, size, fits }
    }
}

// SAFETY: `write` writes parts as long as they fit into `size` bytes, and zeroes the rest. Neither
// `size` nor `fits` ever changes.
unsafe impl<I, L> Layout for Each<I>
where
    I: Iterator<Item = L> + Clone,
    L: Layout,
{
    const MIN: usize = 0;
    const MAX: usize = usize::MAX;
    const HEADER: Option<&'static str> = no_header::<L>();

    #[inline(always)]
    fn size(&self) -> usize {
        self.size
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.fits
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        // SAFETY: By the safety requirements of this function, `size` bytes are writable.
        let end = unsafe { p.add(self.size) };
        let mut at = p;
        if const { L::MIN == L::MAX && L::MAX <= MAX_ATTR } {
            // As many as there is room for, without a look at the size of each. What counts is the
            // range: how the iterator of somebody's own runs is not relied on.
            let count = self.size.checked_div(L::MAX).unwrap_or(0);
            (0..count).zip(self.parts.clone()).for_each(|(_, part)| {
                // SAFETY: There is room for `count` parts of this size, none of which has an
                // attribute that is longer than the part.
                at = unsafe { part.write(at) };
            });
        } else {
            for part in self.parts.clone() {
                let left = (end as usize).wrapping_sub(at as usize);
                if part.size() > left || !part.fits() {
                    break;
                }
                // SAFETY: The part is not larger than what is left.
                at = unsafe { part.write(at) };
            }
        }
        if at != end {
            // SAFETY: As above.
            unsafe { fill(at, (end as usize).wrapping_sub(at as usize)) };
        }
        end
    }
}

/// Zeroes what an iterator that changed its mind has left.
///
/// # Safety
///
/// `n` bytes from `p` on are writable.
#[cold]
#[inline(never)]
unsafe fn fill(p: *mut u8, n: usize) {
    // SAFETY: By the safety requirements of this function.
    unsafe { p.write_bytes(0, n) }
}

/// The header of the family, in front of all attributes, see [`FixedHeader`]. The example there has
/// one.
///
/// It is the first part of each message of such a family, and stands nowhere else.
pub struct Header<F: FixedHeader>(
    /// The header.
    pub F::Header,
);

// SAFETY: `write` writes a header, and that has `MAX` bytes, none of which is padding.
unsafe impl<F: FixedHeader> Layout for Header<F> {
    const MIN: usize = Self::MAX;
    const MAX: usize = header_len::<F>();
    const HEADER: Option<&'static str> = Some(F::NAME);

    #[inline(always)]
    fn size(&self) -> usize {
        Self::MAX
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        // SAFETY: By the safety requirements of this function, `MAX` bytes are writable, which is
        // the size of a header.
        unsafe {
            p.cast::<F::Header>().write_unaligned(self.0);
            p.add(Self::MAX)
        }
    }
}

macro_rules! tuple {
    ($($part:ident $index:tt)*) => {
        // SAFETY: Writes what its parts write, one behind the other.
        unsafe impl<$($part: Layout),*> Layout for ($($part,)*) {
            const MIN: usize = 0usize $(.saturating_add($part::MIN))*;
            const MAX: usize = 0usize $(.saturating_add($part::MAX))*;
            const HEADER: Option<&'static str> = first_header(&[$($part::HEADER),*]);

            #[inline(always)]
            fn size(&self) -> usize {
                let size = 0usize;
                $(let size = add::<Self>(size, self.$index.size());)*
                size
            }

            #[inline(always)]
            fn fits(&self) -> bool {
                true $(&& self.$index.fits())*
            }

            #[inline(always)]
            unsafe fn write(&self, p: *mut u8) -> *mut u8 {
                // SAFETY: By the safety requirements of this function there is room for all parts.
                $(let p = unsafe { self.$index.write(p) };)*
                p
            }
        }
    };
}

tuple!();
tuple!(A 0);
tuple!(A 0 B 1);
tuple!(A 0 B 1 C 2);
tuple!(A 0 B 1 C 2 D 3);
tuple!(A 0 B 1 C 2 D 3 E 4);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 M 11);

#[kunit_tests(genl_layout)]
mod tests {
    use super::{
        super::{
            ffi,
            message::{
                message_size,
                HDRLEN, //
            }, //
        },
        *, //
    };
    use core::{
        cell::Cell,
        ptr::NonNull, //
    };

    /// What memory is filled with, so that bytes that nobody writes are seen.
    const POISON: u8 = 0xa5;
    const MARGIN: usize = 8;

    /// What a layout writes in poisoned memory; an error where it writes elsewhere as well, or
    /// says a wrong end.
    fn written<L: Layout>(layout: &L, skew: usize) -> Result<KVVec<u8>> {
        let size = layout.size();
        let mut buffer = KVVec::from_elem(POISON, skew + MARGIN + size + MARGIN, GFP_KERNEL)?;
        let start = skew + MARGIN;
        // SAFETY: `size` bytes from there on are in the buffer.
        let end = unsafe { layout.write(buffer.as_mut_ptr().add(start)) };
        if end as usize != buffer.as_ptr() as usize + start + size {
            return Err(ERANGE);
        }
        if buffer[..start].iter().any(|byte| *byte != POISON)
            || buffer[start + size..].iter().any(|byte| *byte != POISON)
        {
            return Err(EFAULT);
        }
        let mut bytes = KVVec::new();
        bytes.extend_from_slice(&buffer[start..start + size], GFP_KERNEL)?;
        Ok(bytes)
    }

    /// The same attributes, made by `nla_put()`.
    struct Expected(NonNull<bindings::sk_buff>);

    impl Expected {
        fn new() -> Result<Self> {
            // SAFETY: Allocating has no requirements; -1 stands for any node.
            let skb = unsafe { bindings::__alloc_skb(1 << 18, bindings::GFP_KERNEL, 0, -1) };
            Ok(Self(NonNull::new(skb).ok_or(ENOMEM)?))
        }

        fn put(&self, attr: u16, bytes: &[u8]) -> Result {
            // SAFETY: The skb is valid, and the bytes are readable.
            kernel::error::to_result(unsafe {
                bindings::nla_put(
                    self.0.as_ptr(),
                    attr.into(),
                    bytes.len() as c_int,
                    bytes.as_ptr().cast(),
                )
            })
        }

        fn nest(&self, attr: u16, inside: impl FnOnce() -> Result) -> Result {
            self.nest_noflag(attr | bindings::NLA_F_NESTED as u16, inside)
        }

        fn nest_noflag(&self, type_: u16, inside: impl FnOnce() -> Result) -> Result {
            let start = self.bytes().len();
            self.put(type_, &[])?;
            inside()?;
            let len = self.bytes().len() - start;
            // SAFETY: The header of the nest is at `start`; its length comes first.
            unsafe {
                (*self.0.as_ptr())
                    .data
                    .add(start)
                    .cast::<u16>()
                    .write(len as u16)
            };
            Ok(())
        }

        fn bytes(&self) -> &[u8] {
            // SAFETY: The skb is linear.
            unsafe {
                let skb = self.0.as_ref();
                core::slice::from_raw_parts(skb.data, skb.len as usize)
            }
        }
    }

    impl Drop for Expected {
        fn drop(&mut self) {
            // SAFETY: It is ours.
            unsafe { bindings::nlmsg_free(self.0.as_ptr()) }
        }
    }

    struct Raw<'a>(&'a [u8]);

    impl AsText for Raw<'_> {
        fn as_text(&self) -> &[u8] {
            self.0
        }
    }

    #[test]
    fn scalars_and_flags() -> Result {
        let want = Expected::new()?;
        want.put(1, &[8])?;
        want.put(2, &0x1234u16.to_ne_bytes())?;
        want.put(3, &0x1234_5678u32.to_ne_bytes())?;
        want.put(4, &0x1234_5678_9abc_def0u64.to_ne_bytes())?;
        want.put(0x3fff, &[])?;
        // CAST: A bit of 16.
        let flag = bindings::NLA_F_NET_BYTEORDER as u16;
        want.put(5 | flag, &[0x12, 0x34])?;
        want.put(6 | flag, &[0x12, 0x34, 0x56, 0x78])?;
        let got = written(
            &(
                U8::<1>(8),
                U16::<2>(0x1234),
                U32::<3, _>(|| 0x1234_5678),
                None::<U32<9>>,
                Some(U64::<4>(0x1234_5678_9abc_def0)),
                Flag::<0x3fff>,
                NetByteorder(Be16::<5>(0x1234)),
                NetByteorder(Be32::<6>(0x1234_5678)),
            ),
            0,
        )?;
        assert_eq!(&got[..], want.bytes());
        Ok(())
    }

    #[test]
    fn a_text_counts_up() -> Result {
        let mut text = Text::<7>::new();
        text.push(b"obj-8")?;
        for want in [&b"obj-9"[..], b"obj-10", b"obj-11"] {
            text.count_up()?;
            assert_eq!(text.as_text(), want);
        }
        let mut text = Text::<7>::new();
        text.push(b"obj-998")?;
        text.count_up()?;
        assert_eq!(text.count_up(), Err(ENAMETOOLONG));
        assert_eq!(text.as_text(), b"obj-999");
        let mut text = Text::<7>::new();
        assert_eq!(text.count_up(), Err(EINVAL));
        text.push(b"99")?;
        text.count_up()?;
        assert_eq!(text.as_text(), b"100");
        text.push(b"x")?;
        assert_eq!(text.count_up(), Err(EINVAL));
        Ok(())
    }

    #[test]
    fn strings_and_bytes_of_each_length() -> Result {
        let mut bytes = [0u8; 300];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = 1 + (i % 255) as u8;
        }
        for len in 0..bytes.len() - 1 {
            let want = Expected::new()?;
            let mut terminated = bytes;
            terminated[len] = 0;
            want.put(1, &terminated[..len + 1])?;
            want.put(2, &bytes[..len])?;
            let text = Raw(&bytes[..len]);
            for skew in 0..2 {
                let got = written(&(Str::<1>::new(&text), Bytes::<2>(&bytes[..len])), skew * 4)?;
                assert_eq!(&got[..], want.bytes());
            }
        }
        Ok(())
    }

    #[test]
    fn nests_and_lists() -> Result {
        let numbers = [1u32, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144];
        for n in 0..=numbers.len() {
            let want = Expected::new()?;
            want.nest(1, || {
                for number in &numbers[..n] {
                    want.put(2, &number.to_ne_bytes())?;
                }
                want.nest(3, || Ok(()))
            })?;
            for i in 0..n {
                want.put(4, &[0xff; 16][..i])?;
            }
            let fixed = Each::new(numbers[..n].iter().map(|number| U32::<2>(*number)));
            let variable = Each::new((0..n).map(|i| Bytes::<4>(&[0xff; 16][..i])));
            let got = written(&(Nest::<1, _>((fixed, Nest::<3, _>(()))), variable), 0)?;
            assert_eq!(&got[..], want.bytes());
            // An iterator that does not know how many it has.
            let filtered = Each::new(
                numbers[..n]
                    .iter()
                    .filter(|number| **number != 0)
                    .map(|number| U32::<2>(*number)),
            );
            assert_eq!(filtered.size(), n * 8);
        }
        Ok(())
    }

    #[test]
    fn nests_without_the_flag() -> Result {
        let want = Expected::new()?;
        want.nest_noflag(1, || {
            want.nest(2, || want.put(3, &7u32.to_ne_bytes()))?;
            for index in [0u16, 0x3fff] {
                want.nest_noflag(index, || want.put(3, &index.to_ne_bytes()))?;
            }
            want.nest_noflag(0, || want.put(3, &[]))
        })?;
        let element = |index| ElementNoflag(index, (U16::<3>(index & 0x3fff),));
        let got = written(
            &NestNoflag::<1, _>((
                Nest::<2, _>(U32::<3>(7)),
                // The flags of a type are not those of an index.
                Each::new([0, 0xffff].into_iter().map(element)),
                Numbered(0, NestNoflag::<5, _>((Flag::<3>,))),
            )),
            0,
        )?;
        assert_eq!(&got[..], want.bytes());
        Ok(())
    }

    #[test]
    fn arrays_by_value_and_by_reference() -> Result {
        let key = [0x77; 33];
        let want = Expected::new()?;
        want.put(1, &[1, 2, 3, 4, 5, 6])?;
        want.put(2, &key)?;
        want.put(3, &[])?;
        let parts = (
            Array::<1, 6>([1, 2, 3, 4, 5, 6]),
            Array::<2, 33, _>(&key),
            Array::<3, 0>([]),
        );
        assert_eq!(&written(&parts, 0)?[..], want.bytes());
        Ok(())
    }

    /// Has as many numbers as a cell says, and one less each time that it is asked.
    struct Shrinking<'a>(&'a Cell<usize>);

    impl Parts for Shrinking<'_> {
        fn parts(&self) -> impl Layout + '_ {
            let n = self.0.get();
            self.0.set(n.wrapping_sub(1));
            Each::new((0..n).map(|_| U8::<1>(2)))
        }
    }

    /// Has the same parts each time.
    struct Same;

    impl Parts for Same {
        fn parts(&self) -> impl Layout + '_ {
            (
                Array::<1, 5>([1, 2, 3, 4, 5]),
                Numbered(7, U32::<1>(8)),
                Numbered(0, Nest::<2, _>((Flag::<1>,))),
            )
        }
    }

    #[test]
    fn parts_of_a_value() -> Result {
        let want = Expected::new()?;
        want.nest(3, || {
            want.put(1, &[1, 2, 3, 4, 5])?;
            want.put(7, &8u32.to_ne_bytes())?;
            want.nest(0, || want.put(1, &[]))
        })?;
        let got = written(&Nest::<3, _>(Whole::new(Same)), 0)?;
        assert_eq!(&got[..], want.bytes());
        let cell = Cell::new(3);
        let got = written(&Whole::new(Shrinking(&cell)), 0)?;
        assert_eq!(&got[..], [0; 24]);
        Ok(())
    }

    /// Has other parts each time that it is cloned.
    struct Liar<'a> {
        clones: &'a Cell<usize>,
        lengths: [[usize; 4]; 2],
        next: usize,
    }

    impl Clone for Liar<'_> {
        fn clone(&self) -> Self {
            self.clones.set(self.clones.get() + 1);
            Self { ..*self }
        }
    }

    impl Iterator for Liar<'_> {
        type Item = Bytes<'static, 1>;

        fn next(&mut self) -> Option<Self::Item> {
            const BYTES: &[u8] = &[0x77; 64];
            let lengths = self.lengths[usize::from(self.clones.get() > 1)];
            let len = *lengths.get(self.next)?;
            self.next += 1;
            // A length that is too large stands for the end.
            Some(Bytes(BYTES.get(..len)?))
        }
    }

    #[test]
    fn an_iterator_that_changes_its_mind() -> Result {
        const END: usize = usize::MAX;
        for lengths in [
            [[8, 8, 8, END], [8, 8, END, END]],
            [[8, 8, END, END], [8, 8, 8, 8]],
            [[4, 4, 4, 4], [64, 64, 64, 64]],
            [[64, END, END, END], [63, 60, 1, 0]],
            [[8, 8, 8, 8], [END, END, END, END]],
        ] {
            let clones = Cell::new(0);
            let layout = Each::new(Liar {
                clones: &clones,
                lengths,
                next: 0,
            });
            assert_eq!(clones.get(), 1);
            // That nothing is written elsewhere is looked at there.
            let got = written(&layout, 0)?;
            assert_eq!(got.len(), layout.size());
            assert!(!got.contains(&POISON));
        }
        Ok(())
    }

    #[test]
    fn limits() -> Result {
        let bytes = KVVec::from_elem(0u8, 1 << 16, GFP_KERNEL)?;
        for (len, fits) in [(65531, true), (65532, false), (65536, false)] {
            assert_eq!(Bytes::<1>(&bytes[..len]).fits(), fits);
            assert_eq!(Str::<1>::new(&Raw(&bytes[..len - 1])).fits(), fits);
        }
        // The padding of what is inside is part of a nest.
        assert!(Nest::<1, _>(Bytes::<2>(&bytes[..65524])).fits());
        assert!(!Nest::<1, _>(Bytes::<2>(&bytes[..65525])).fits());
        let list = |n: usize| Nest::<1, _>(Each::new((0..n).map(|_| U32::<1>(0))));
        assert!(list(8191).fits());
        assert!(!list(8192).fits());
        // Counts whose sizes would wrap.
        for n in [1usize << 30, usize::MAX / 8, usize::MAX / 8 + 2, usize::MAX] {
            let each = Each::new((0..n).map(|_| U32::<1>(0)));
            assert!(!each.fits() && each.size() > MAX_MESSAGE && each.size() < 2 * MAX_MESSAGE);
        }
        Ok(())
    }

    /// SplitMix64: numbers without end from a seed.
    #[derive(Clone, Copy)]
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        }

        /// One of `0..n`.
        fn below(&mut self, n: u64) -> u64 {
            self.next() % n
        }

        fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
            let value = value(self);
            (self.below(3) == 0).then_some(value)
        }
    }

    /// What strings and bytes are taken from; there is no NUL in it.
    static SOURCE: [u8; 70000] = {
        let mut bytes = [0; 70000];
        let mut i = 0;
        while i < bytes.len() {
            bytes[i] = 1 + (i % 255) as u8;
            i += 1;
        }
        bytes
    };

    /// A part of any size, as a slice of the same length would be, without the memory for it.
    struct Huge(usize);

    // SAFETY: `size` is exact and a multiple of 4, and `write` fills all of it.
    unsafe impl Layout for Huge {
        const MIN: usize = 0;
        const MAX: usize = usize::MAX;

        fn size(&self) -> usize {
            self.0
        }

        fn fits(&self) -> bool {
            self.0 <= MAX_ATTR
        }

        unsafe fn write(&self, p: *mut u8) -> *mut u8 {
            // SAFETY: By the safety requirements of this function.
            unsafe {
                p.write_bytes(0, self.0);
                p.add(self.0)
            }
        }
    }

    /// A node of a random tree: what it has follows from its seed.
    #[derive(Clone, Copy)]
    struct Plan {
        numbers: [Option<u64>; 9],
        text: Option<usize>,
        bytes: Option<usize>,
        huge: Option<usize>,
        /// The seeds of what is inside.
        nest: Option<u64>,
        element: Option<u64>,
        row: u64,
        rows: u16,
        children: u64,
        many: u16,
        /// The seed of what is in two nests without the flag.
        noflag: Option<u64>,
    }

    impl Plan {
        fn new(seed: u64, depth: u32, huge: bool) -> Self {
            let mut n = Numbers(seed);
            let mut numbers = [None; 9];
            for number in &mut numbers {
                *number = n.maybe(|n| n.next() >> n.below(64));
            }
            let len = |n: &mut Numbers| match n.below(40) {
                // Around the longest attribute.
                0 => 65528 + n.below(8) as usize,
                1 => n.below(5000) as usize,
                _ => n.below(40) as usize,
            };
            let (text, bytes) = (n.maybe(len), n.maybe(len));
            // Around 2^16, the largest message, 2^32 and 2^64.
            let huge = n
                .maybe(|n| {
                    let near =
                        [1 << 16, MAX_MESSAGE as u64, 1 << 32, 0, 1 << 63][n.below(5) as usize];
                    (near.wrapping_sub(n.below(200)).wrapping_add(n.below(200)) & !3) as usize
                })
                .filter(|_| huge);
            let deeper = depth > 0;
            let (nest, element) = (n.maybe(Numbers::next), n.maybe(Numbers::next));
            let (row, children) = (n.next(), n.next());
            Self {
                numbers,
                text,
                bytes,
                huge,
                nest: nest.filter(|_| deeper),
                element: element.filter(|_| deeper),
                row,
                rows: n.below(6) as u16,
                children,
                many: if deeper { n.below(4) as u16 } else { 0 },
                noflag: n.maybe(Numbers::next).filter(|_| deeper),
            }
        }

        fn number(&self, i: usize) -> Option<u64> {
            self.numbers[i]
        }
    }

    /// A value with the parts of a plan. Where `lies` is set it has those of another plan each time
    /// that it is asked.
    struct Node<'a> {
        seed: u64,
        depth: u32,
        huge: bool,
        lies: Option<&'a Cell<u64>>,
    }

    impl Node<'_> {
        fn plan(&self) -> Plan {
            let mut seed = self.seed;
            if let Some(lies) = self.lies {
                lies.set(lies.get().wrapping_add(1));
                // Now and then it tells the truth.
                if lies.get() % 3 != 0 {
                    seed ^= lies.get();
                }
            }
            Plan::new(seed, self.depth, self.huge)
        }

        fn inside(&self, seed: u64) -> Self {
            Self {
                seed,
                depth: self.depth - 1,
                ..*self
            }
        }
    }

    impl Parts for Node<'_> {
        fn parts(&self) -> impl Layout + '_ {
            let plan = self.plan();
            let node = |seed| Whole::new(self.inside(seed));
            (
                (
                    plan.number(0).map(|n| U8::<1>(n as u8)),
                    plan.number(1).map(|n| U16::<2, _>(move || n as u16)),
                    plan.number(2).map(|n| S32::<3>(n as i32)),
                    plan.number(3).map(U64::<4>),
                    plan.number(4).map(|n| Be32::<5>(n as u32)),
                    plan.number(5).map(UInt::<6>),
                    plan.number(6).map(|n| SInt::<7>(n as i64)),
                    plan.number(7).map(|n| {
                        Bits::<8>(Bitfield32 {
                            value: n as u32,
                            selector: (n >> 32) as u32,
                        })
                    }),
                    plan.number(8).map(|n| Array::<9, 6>([n as u8; 6])),
                    Some(Flag::<10>).filter(|_| plan.row & 1 != 0),
                ),
                plan.text.map(|len| Str::<11>(&SOURCE[..len])),
                plan.bytes.map(|len| Bytes::<12>(&SOURCE[..len])),
                plan.huge.map(Huge),
                plan.nest.map(|seed| Nest::<13, _>(node(seed))),
                plan.element.map(|seed| Element(14, (node(seed),))),
                Each::new((0..plan.rows).map(move |i| U32::<15>(plan.row as u32 ^ u32::from(i)))),
                Nest::<16, _>(Each::new(
                    (1..=plan.many).map(move |i| Element(i, node(plan.children ^ u64::from(i)))),
                )),
                Each::new(
                    (0..plan.rows)
                        .map(move |i| Numbered(i, Bytes::<1>(&SOURCE[..usize::from(i) * 3]))),
                ),
                plan.noflag.map(|seed| {
                    let inside = || Whole::new(self.inside(seed));
                    (NestNoflag::<17, _>(inside()), ElementNoflag(18, inside()))
                }),
            )
        }
    }

    /// The parts of a plan as C puts them, and whether each fits.
    fn put_plan(want: &Expected, node: &Node<'_>) -> Result {
        let plan = node.plan();
        let put = |attr: u16, n: Option<u64>, len: usize| match n {
            Some(n) => want.put(attr, &n.to_ne_bytes()[..len]),
            None => Ok(()),
        };
        put(1, plan.number(0), 1)?;
        put(2, plan.number(1), 2)?;
        put(3, plan.number(2), 4)?;
        put(4, plan.number(3), 8)?;
        if let Some(n) = plan.number(4) {
            want.put(5, &(n as u32).to_be_bytes())?;
        }
        // As nla_put_uint() and nla_put_sint() choose.
        put(
            6,
            plan.number(5),
            if plan.number(5) <= Some(u32::MAX.into()) {
                4
            } else {
                8
            },
        )?;
        let is_short = plan
            .number(6)
            .is_some_and(|n| n as i64 == i64::from(n as i32));
        put(7, plan.number(6), if is_short { 4 } else { 8 })?;
        put(8, plan.number(7), 8)?;
        if let Some(n) = plan.number(8) {
            want.put(9, &[n as u8; 6])?;
        }
        if plan.row & 1 != 0 {
            want.put(10, &[])?;
        }
        if let Some(len) = plan.text {
            let mut text = KVVec::new();
            text.extend_from_slice(&SOURCE[..len], GFP_KERNEL)?;
            text.push(0, GFP_KERNEL)?;
            want.put(11, &text)?;
        }
        if let Some(len) = plan.bytes {
            want.put(12, &SOURCE[..len])?;
        }
        for (attr, seed) in [(13, plan.nest), (14, plan.element)] {
            if let Some(seed) = seed {
                want.nest(attr, || put_plan(want, &node.inside(seed)))?;
            }
        }
        for i in 0..plan.rows {
            want.put(15, &(plan.row as u32 ^ u32::from(i)).to_ne_bytes())?;
        }
        want.nest(16, || {
            for i in 1..=plan.many {
                let inside = node.inside(plan.children ^ u64::from(i));
                want.nest(i, || put_plan(want, &inside))?;
            }
            Ok(())
        })?;
        for i in 0..plan.rows {
            want.put(i, &SOURCE[..usize::from(i) * 3])?;
        }
        if let Some(seed) = plan.noflag {
            for attr in [17, 18] {
                want.nest_noflag(attr, || put_plan(want, &node.inside(seed)))?;
            }
        }
        Ok(())
    }

    /// The size of a plan where nothing wraps, and whether each attribute is short enough.
    fn true_size(node: &Node<'_>) -> (u128, bool) {
        let plan = node.plan();
        let attr = |len: usize| nla_align(NLA_HDRLEN + len) as u128;
        let lens = [1, 2, 4, 8, 4, 0, 0, 8, 6];
        let mut size = 0;
        for (i, len) in lens.iter().enumerate() {
            size += plan.number(i).map_or(0, |n| match i {
                5 => attr(if n <= u32::MAX.into() { 4 } else { 8 }),
                6 => attr(if n as i64 == i64::from(n as i32) {
                    4
                } else {
                    8
                }),
                _ => attr(*len),
            });
        }
        size += if plan.row & 1 != 0 { attr(0) } else { 0 };
        let mut fits = true;
        for len in [plan.text.map(|len| len + 1), plan.bytes]
            .into_iter()
            .flatten()
        {
            size += attr(len);
            fits &= len <= MAX_ATTR - NLA_HDRLEN;
        }
        if let Some(len) = plan.huge {
            size += len as u128;
            fits &= len <= MAX_ATTR;
        }
        let mut nest = |seed| {
            let (inside, all) = true_size(&node.inside(seed));
            fits &= all && inside + 4 <= MAX_ATTR as u128;
            inside + 4
        };
        let nests = plan.nest.map_or(0, &mut nest)
            + plan.element.map_or(0, &mut nest)
            + plan.noflag.map_or(0, |seed| 2 * nest(seed));
        let children: u128 = (1..=plan.many)
            .map(|i| nest(plan.children ^ u64::from(i)))
            .sum();
        fits &= children + 4 <= MAX_ATTR as u128;
        let rows: u128 = (0..plan.rows)
            .map(|i| attr(4) + attr(usize::from(i) * 3))
            .sum();
        (size + nests + children + 4 + rows, fits)
    }

    const TREES: u64 = 1000;

    #[test]
    fn random_trees_are_what_c_makes_of_them() -> Result {
        let (mut made, mut refused) = (0, 0);
        for seed in 0..TREES {
            let node = Node {
                seed,
                depth: seed as u32 % 4,
                huge: false,
                lies: None,
            };
            let (size, fits) = true_size(&node);
            let parts = node.parts();
            if !fits || size > (MAX_MESSAGE - HDRLEN) as u128 {
                assert!(message_size(&parts) == Err(EMSGSIZE));
                refused += 1;
                continue;
            }
            assert!(message_size(&parts) == Ok(size as usize + HDRLEN));
            // There is no room for more in what C writes to.
            if size > 1 << 17 {
                continue;
            }
            let want = Expected::new()?;
            put_plan(&want, &node)?;
            assert_eq!(&written(&parts, seed as usize % 2 * 4)?[..], want.bytes());
            made += 1;
        }
        // Neither is a rare case.
        assert!(made > TREES / 2 && refused > TREES / 50);
        Ok(())
    }

    #[test]
    fn random_trees_of_any_size_never_wrap() -> Result {
        let mut refused = 0;
        for seed in 0..TREES {
            let node = Node {
                seed,
                depth: seed as u32 % 4,
                huge: true,
                lies: None,
            };
            let (size, fits) = true_size(&node);
            let small = fits && size <= (MAX_MESSAGE - HDRLEN) as u128;
            let parts = (node.parts(), node.parts(), node.parts());
            let small = small && size * 3 <= (MAX_MESSAGE - HDRLEN) as u128;
            assert_eq!(message_size(&parts).is_ok(), small);
            refused += u64::from(!small);
            if small {
                // That nothing is written elsewhere is looked at there.
                assert_eq!(written(&parts, 0)?.len() as u128, size * 3);
            }
        }
        assert!(refused > TREES / 10 && refused < TREES);
        Ok(())
    }

    #[test]
    fn random_trees_that_lie_stay_where_they_belong() -> Result {
        let lies = Cell::new(0);
        let mut made = 0;
        for seed in 0..TREES {
            let node = || Node {
                seed,
                depth: seed as u32 % 3,
                huge: seed % 5 == 0,
                lies: Some(&lies),
            };
            let parts = (
                Whole::new(node()),
                Nest::<1, _>(Whole::new(node())),
                Each::new((0..seed % 4).map(|_| Element(7, Whole::new(node())))),
            );
            if let Ok(size) = message_size(&parts) {
                assert_eq!(written(&parts, 0)?.len(), size - HDRLEN);
                made += 1;
            }
        }
        assert!(made > TREES / 4);
        Ok(())
    }

    /// Says that it has fewer or more elements than it has.
    #[derive(Clone)]
    struct Hint<'a>(&'a Cell<u64>, core::ops::Range<u32>);

    impl Iterator for Hint<'_> {
        type Item = U32<1>;

        fn next(&mut self) -> Option<U32<1>> {
            self.1.next().map(U32::<1>)
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            let mut n = Numbers(self.0.get());
            self.0.set(n.next());
            // CAST: A few more, a few less, or any number.
            let count = match n.below(4) {
                0 => n.next() as usize,
                _ => n.below(20) as usize,
            };
            (count, Some(count))
        }
    }

    #[test]
    fn an_iterator_that_lies_about_its_length() -> Result {
        let seed = Cell::new(1);
        for n in 0..1000 {
            let each = Each::new(Hint(&seed, 0..n % 20));
            if message_size(&each).is_ok() {
                assert_eq!(written(&each, 0)?.len(), each.size());
            }
        }
        Ok(())
    }

    #[test]
    fn padded_numbers_are_aligned() -> Result {
        for skew in [0, 4] {
            let got = written(&PaddedU64::<1, 2>(0x0102_0304_0506_0708), skew)?;
            let value = 0x0102_0304_0506_0708u64.to_ne_bytes();
            let (at, pad) = if skew == 0 { (8, 0) } else { (4, 12) };
            assert_eq!(&got[at..at + 8], &value[..]);
            assert_eq!(&got[pad..pad + 4], &[4, 0, 2, 0][..]);
            assert_eq!(&got[at - 4..at], &[12, 0, 1, 0][..]);
        }
        Ok(())
    }
}
