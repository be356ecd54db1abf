// SPDX-License-Identifier: GPL-2.0

//! Stores to any address: numbers, and bytes of any length.

use core::ptr;

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

/// Copies `n` bytes, with loads and stores of eight bytes for what names and small binaries need.
///
/// # Safety
///
/// `n` bytes are readable at `s` and writable at `d`, and the two do not overlap.
#[inline(always)]
pub(super) unsafe fn copy_short(d: *mut u8, s: *const u8, n: usize) {
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
