// SPDX-License-Identifier: GPL-2.0

//! Attributes as they are in memory: finding them, and reading what they hold.
//!
//! Nothing here knows of policies. Who reads has seen to it that what is read is there.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h) (`struct nlattr`)

use core::marker::PhantomData;
use kernel::{
    bindings,
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
    pub(super) fn string(self) -> Option<&'a CStr> {
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
    /// Eight bytes at a time: what the function of the core library costs before it begins is more
    /// than most names are long. The last word ends with the payload, so that no byte is looked at
    /// alone; where the payload is shorter, the word begins in the header.
    ///
    /// It is not inlined either: that would be a copy of it for each string that is read.
    #[inline(never)]
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
    pub(super) fn array<const N: usize>(self) -> Option<&'a [u8; N]> {
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
pub struct Bits32 {
    /// The bits.
    pub value: u32,
    /// Which of the bits are meant; the others are to be left as they are.
    pub selector: u32,
}

/// Attributes as they come in a message, one after the other.
#[derive(Clone, Copy)]
pub struct Stream<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Stream<'a> {
    /// The number, without its flags, and the attribute.
    type Item = (u16, Value<'a>);

    // What the core has validated ends with its last attribute, but nothing here depends on it.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        // One load for length and type, which are neighbours.
        const { core::assert!(core::cfg!(target_endian = "little")) };
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
    /// The last attribute with this number.
    pub(super) fn last_of(self, number: u16) -> Option<Value<'a>> {
        self.filter_map(|(n, value)| (n == number).then_some(value))
            .last()
    }
}

/// What netlink keeps beside a message, `NETLINK_CB()`.
#[inline(always)]
pub(super) fn control_block(skb: *const bindings::sk_buff) -> *const bindings::netlink_skb_parms {
    // No reference: only the address of a member is computed.
    skb.wrapping_byte_add(core::mem::offset_of!(bindings::sk_buff, cb))
        .cast()
}

#[kunit_tests(genl_wire)]
pub(super) mod tests {
    use super::*;

    const LONGEST: usize = 40;

    /// An attribute of so many bytes, with what is `around` it in memory.
    pub(in super::super) fn with_attr<T>(
        payload: &[u8],
        around: u8,
        f: impl FnOnce(Value<'_>) -> T,
    ) -> T {
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
}
