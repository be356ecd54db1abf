// SPDX-License-Identifier: GPL-2.0

//! Texts, as they are sent and put together.

use kernel::prelude::*;

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
/// use genl::Text;
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

#[kunit_tests(genl_text)]
mod tests {
    use super::*;

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
}
