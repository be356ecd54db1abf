// SPDX-License-Identifier: GPL-2.0

//! The layout of messages: what knows its size before it is written.
//!
//! A family in C fills a message by calls. `nla_put_u32()` looks whether there is room, makes it,
//! stores a header and a value, and clears the padding. A nest is opened, and its length is patched
//! when it is closed. When there is no room any more, all of it is taken back. Each call costs a
//! hundred instructions, and each can fail, at a place where something is half written.
//!
//! Here a message is described first, as a tuple of parts, most of which are attributes with their
//! [payloads](super::payload). A part that may be missing is an [`Option`]. Parts in a row are
//! [`Each`]. Then three things happen, in this order:
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
//! from the description. Values can be closures, which are called when their bytes are stored.
//!
//! Families write down [`Attribute::put`](super::Attribute::put) and its relatives, which return
//! such parts. Of this they see [`Layout`] only, for the size of a part.

/// The longest attribute, its header included: `nla_len` has 16 bits.
pub(super) const MAX_ATTR: usize = 0xffff;

/// The longest message, its headers included. Longer ones are refused with `EMSGSIZE`: an skb of
/// this size is about the largest that the allocator gives, and a little below it may be
/// `ENOMEM`.
pub(super) const MAX_MESSAGE: usize = 1 << 22;

/// The size of parts that are together larger than any message, whatever it is: a multiple of 4,
/// and far from where a sum of sizes wraps.
const TOO_LARGE: usize = MAX_MESSAGE + 4;

/// A part of a message, or several in a row.
///
/// Where a sum of sizes could wrap, it saturates: the same bytes can be sent any number of times, so
/// the parts of a message can be larger than all of memory. What is larger than a message is refused
/// before anything is written, and [`usize::MAX`] is.
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

    /// The name of the family whose [`Header`](super::Header) the part begins with, for the
    /// compiler only.
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

/// Adds two sizes, the sum of which is at most `max`: a plain addition where that cannot wrap. The
/// compiler knows `max`.
#[inline(always)]
pub(super) fn add(max: usize, a: usize, b: usize) -> usize {
    if max < usize::MAX {
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

/// Asserts that a part is attributes only.
pub(super) const fn assert_no_header(header: Option<&'static str>) {
    core::assert!(
        header.is_none(),
        "genl: the header of a family stands in front of all attributes"
    );
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
/// # Invariants
///
/// `size` is what the parts of the value had when they were asked for it first, a multiple of 4.
#[derive(Clone, Copy)]
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
/// # Invariants
///
/// `size` is a multiple of 4, and at most `TOO_LARGE`. Where it is above `MAX_MESSAGE`, `fits` is
/// false.
#[derive(Clone, Copy)]
pub(super) struct Each<I> {
    parts: I,
    size: usize,
    fits: bool,
}

impl<I, L> Each<I>
where
    I: Iterator<Item = L> + Clone,
    L: Layout,
{
    /// Takes the parts.
    #[inline(always)]
    pub(super) fn new(parts: I) -> Self {
        let (count, most) = parts.size_hint();
        if const { L::MIN == L::MAX && L::MAX <= MAX_ATTR } && most == Some(count) {
            let size = match count.checked_mul(L::MAX) {
                Some(size) if size <= MAX_MESSAGE => size,
                _ => TOO_LARGE,
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
                (size, fits) = (TOO_LARGE, false);
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
    const MAX: usize = TOO_LARGE;
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
                let left = end.addr().wrapping_sub(at.addr());
                if part.size() > left || !part.fits() {
                    break;
                }
                // SAFETY: The part is not larger than what is left.
                at = unsafe { part.write(at) };
            }
        }
        if at != end {
            // SAFETY: As above.
            unsafe { fill(at, end.addr().wrapping_sub(at.addr())) };
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
                $(let size = add(Self::MAX, size, self.$index.size());)*
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

/// Does something for each tuple that a message may consist of: `$each!` takes a name for the type
/// of each part, and its index.
macro_rules! each_tuple {
    ($each:ident) => {
        $each!();
        $each!(A 0);
        $each!(A 0 B 1);
        $each!(A 0 B 1 D 2);
        $each!(A 0 B 1 D 2 E 3);
        $each!(A 0 B 1 D 2 E 3 F 4);
        $each!(A 0 B 1 D 2 E 3 F 4 G 5);
        $each!(A 0 B 1 D 2 E 3 F 4 G 5 H 6);
        $each!(A 0 B 1 D 2 E 3 F 4 G 5 H 6 I 7);
        $each!(A 0 B 1 D 2 E 3 F 4 G 5 H 6 I 7 J 8);
        $each!(A 0 B 1 D 2 E 3 F 4 G 5 H 6 I 7 J 8 K 9);
        $each!(A 0 B 1 D 2 E 3 F 4 G 5 H 6 I 7 J 8 K 9 L 10);
        $each!(A 0 B 1 D 2 E 3 F 4 G 5 H 6 I 7 J 8 K 9 L 10 M 11);
    };
}
pub(super) use each_tuple;

each_tuple!(tuple);
