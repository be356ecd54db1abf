// SPDX-License-Identifier: GPL-2.0

//! What attributes consist of, without their numbers: for each [kind](super::kind) how it is sent.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h) (`nla_put()` and relatives)

use super::{
    layout::{
        add,
        assert_no_header,
        Layout,
        MAX_ATTR, //
    },
    store::{
        copy_short,
        store_u32, //
    },
    text::AsText,
    wire::{
        nla_align,
        Bits32,
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

/// An attribute without its number.
///
/// # Safety
///
/// - [`Payload::write`] writes exactly [`Payload::size`] bytes, all of them, and returns the end.
/// - Two calls of `size` on the same value return the same number, from [`Payload::MIN`] to
///   [`Payload::MAX`]: the exact size, header and padding included, a multiple of 4, or, where that
///   is above 4 MiB, any number above 4 MiB.
/// - [`Payload::fits`] is true where `size` is at most 65,535.
pub unsafe trait Payload {
    /// The size of the smallest value.
    const MIN: usize;

    /// The size of the largest value, [`usize::MAX`] if there is no bound.
    const MAX: usize;

    /// How many bytes `write` writes.
    fn size(&self) -> usize;

    /// Whether the attribute, and each inside it, is short enough for its 16-bit length.
    fn fits(&self) -> bool;

    /// Writes the attribute to `p` and returns the end of it. `type_` is its number, with the flags
    /// that are sent beside it.
    ///
    /// # Safety
    ///
    /// [`Payload::size`], which is at most 4 MiB, bytes from `p` on are writable, and
    /// [`Payload::fits`].
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8;
}

/// What all payloads of one size have in common.
macro_rules! fixed {
    ($max:expr) => {
        const MIN: usize = Self::MAX;
        const MAX: usize = $max;

        #[inline(always)]
        fn size(&self) -> usize {
            Self::MAX
        }

        #[inline(always)]
        fn fits(&self) -> bool {
            true
        }
    };
}

/// The size of an attribute of so many bytes, of any value.
const fn size_with(len: usize) -> usize {
    core::assert!(
        len <= MAX_ATTR - NLA_HDRLEN,
        "genl: an attribute has at most 65531 bytes"
    );
    nla_align(NLA_HDRLEN + len)
}

/// The largest size of an attribute that has the bytes of a slice: what a slice refers to is in the
/// kernel's half of the address space, which is 56 bits wide at most.
const SLICE_MAX: usize = {
    core::assert!(usize::BITS == 64);
    1 << 56
};

/// The part of an attribute's type that is its number.
// CAST: The mask is one of 16 bits.
const NUMBER: u16 = bindings::NLA_TYPE_MASK as u16;

/// The type of an attribute with this number and these flags.
pub(super) const fn type_of(number: u16, flags: u16) -> u16 {
    core::assert!(
        number <= NUMBER,
        "genl: an attribute number is at most 16383"
    );
    number | flags
}

/// An attribute whose number is known at run time only: an element of an array.
#[derive(Clone, Copy)]
pub struct Numbered<P> {
    type_: u16,
    payload: P,
}

impl<P: Payload> Numbered<P> {
    /// Takes the number, of which 14 bits are sent, the flags beside it, and the attribute.
    #[inline(always)]
    pub(super) const fn new(number: u16, flags: u16, payload: P) -> Self {
        Self {
            type_: number & NUMBER | flags,
            payload,
        }
    }
}

// SAFETY: It is one attribute, which is as large as the payload says.
unsafe impl<P: Payload> Layout for Numbered<P> {
    const MIN: usize = P::MIN;
    const MAX: usize = P::MAX;

    #[inline(always)]
    fn size(&self) -> usize {
        self.payload.size()
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.payload.fits()
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8) -> *mut u8 {
        // SAFETY: By the safety requirements of this function.
        unsafe { self.payload.write(p, self.type_) }
    }
}

/// Stores the header of an attribute: one store, since length and type are neighbours.
///
/// # Safety
///
/// The four bytes from `p` on are writable.
#[inline(always)]
unsafe fn store_header(p: *mut u8, len: usize, type_: u16) {
    const { core::assert!(core::cfg!(target_endian = "little")) };
    // CAST: `Payload::fits` bounds the length of an attribute.
    // SAFETY: By the safety requirements of this function.
    unsafe { store_u32(p, 0, len as u32 | u32::from(type_) << 16) }
}

/// Where the value of a scalar comes from: the value itself, or a closure that is called at the
/// moment when its bytes are stored.
///
/// A closure spares the compiler from loading all members of an object first and spilling them.
#[diagnostic::on_unimplemented(
    message = "the attribute holds a `{T}`, and this is a `{Self}`",
    label = "neither a `{T}` nor a closure that returns one"
)]
pub trait Get<T> {
    /// Returns the value.
    fn get(&self) -> T;
}

#[diagnostic::do_not_recommend]
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

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident: $type:ident $(, $stored:path)?;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<G = $type>(
            /// The value, or where it comes from.
            pub G,
        );

        // SAFETY: `write` stores the header, then `MAX - 4` bytes: the value and its padding.
        unsafe impl<G: Get<$type>> Payload for $name<G> {
            fixed!(nla_align(NLA_HDRLEN + size_of::<$type>()));

            #[inline(always)]
            unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
                const LEN: usize = NLA_HDRLEN + size_of::<$type>();
                // SAFETY: By the safety requirements of this function, `MAX` bytes are writable.
                unsafe {
                    store_header(p, LEN, type_);
                    if const { LEN < Self::MAX } {
                        // The padding; the value goes on top of it.
                        store_u32(p, NLA_HDRLEN, 0);
                    }
                    let value = self.0.get();
                    $(let value = $stored(value);)?
                    p.add(NLA_HDRLEN).cast::<$type>().write_unaligned(value);
                    p.add(Self::MAX)
                }
            }
        }
    )*};
}

scalars! {
    /// An 8-bit number, as `nla_put_u8()`.
    U8: u8;
    /// A 16-bit number in host byte order, as `nla_put_u16()`.
    U16: u16;
    /// A 32-bit number in host byte order, as `nla_put_u32()`.
    U32: u32;
    /// A 64-bit number in host byte order, aligned to 4 bytes.
    ///
    /// `nla_put_u64_64bit()` is the same on machines with cheap unaligned accesses, and no others
    /// are supported. [`PaddedU64`] is aligned to 8 bytes.
    U64: u64;
    /// An 8-bit signed number, as `nla_put_s8()`.
    S8: i8;
    /// A 16-bit signed number in host byte order, as `nla_put_s16()`.
    S16: i16;
    /// A 32-bit signed number in host byte order, as `nla_put_s32()`.
    S32: i32;
    /// A 64-bit signed number in host byte order, as [`U64`].
    S64: i64;
    /// A 16-bit number, sent in network byte order, as `nla_put_be16()`.
    Be16: u16, u16::to_be;
    /// A 32-bit number, sent in network byte order, as `nla_put_be32()`.
    Be32: u32, u32::to_be;
}

/// 32 bits and which of them are meant, like `nla_put_bitfield32()`.
#[derive(Clone, Copy)]
pub struct Bits(
    /// The bits.
    pub Bits32,
);

// SAFETY: `write` writes what a `U64` writes, which has the size of a `U64`.
unsafe impl Payload for Bits {
    fixed!(<U64 as Payload>::MAX);

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
        const { core::assert!(core::cfg!(target_endian = "little")) };
        let Bits32 { value, selector } = self.0;
        // The two members, in this order.
        let both = u64::from(value) | u64::from(selector) << 32;
        // SAFETY: By the safety requirements of this function.
        unsafe { U64(both).write(p, type_) }
    }
}

macro_rules! variable {
    ($($(#[$doc:meta])* $name:ident: $long:ident $wide:ty, $short:ident $narrow:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name(
            /// The value.
            pub $wide,
        );

        // SAFETY: `write` writes what one of two other payloads writes, the one that `size` has
        // chosen.
        unsafe impl Payload for $name {
            const MIN: usize = <$short as Payload>::MAX;
            const MAX: usize = <$long as Payload>::MAX;

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
            unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
                // SAFETY: By the safety requirements of this function.
                unsafe {
                    match <$narrow>::try_from(self.0) {
                        Ok(value) => $short(value).write(p, type_),
                        Err(_) => $long(self.0).write(p, type_),
                    }
                }
            }
        }
    )*};
}

variable! {
    /// A number of 4 bytes where it fits and else of 8, as `nla_put_uint()`.
    UInt: U64 u64, U32 u32;
    /// A signed number of 4 bytes where it fits and else of 8, as `nla_put_sint()`.
    SInt: S64 i64, S32 i32;
}

/// A 64-bit number in host byte order, aligned to 8 bytes by an empty attribute `PAD`.
///
/// Unlike `nla_put_u64_64bit()` this always sends the padding attribute, in front of the number or
/// behind it, so that the size does not depend on the place.
#[derive(Clone, Copy)]
pub struct PaddedU64<const PAD: u16, G = u64>(
    /// The value, or where it comes from.
    pub G,
);

// SAFETY: `write` writes two headers and the value between or behind them, 16 bytes.
unsafe impl<const PAD: u16, G: Get<u64>> Payload for PaddedU64<PAD, G> {
    fixed!(2 * NLA_HDRLEN + size_of::<u64>());

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
        let in_front = p.addr() & 7 == 0;
        // SAFETY: By the safety requirements of this function, `MAX` bytes are writable; the two
        // attributes have 4 and 12 of them.
        unsafe {
            let (pad, value) = if in_front {
                (p, p.add(NLA_HDRLEN))
            } else {
                (p.add(NLA_HDRLEN + size_of::<u64>()), p)
            };
            store_header(pad, NLA_HDRLEN, const { type_of(PAD, 0) });
            U64(|| self.0.get()).write(value, type_);
            p.add(Self::MAX)
        }
    }
}

/// Nothing but the header, like `nla_put_flag()`.
#[derive(Clone, Copy)]
pub struct Flag;

// SAFETY: `write` writes the header, and that is all there is.
unsafe impl Payload for Flag {
    fixed!(NLA_HDRLEN);

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
        // SAFETY: By the safety requirements of this function.
        unsafe {
            store_header(p, NLA_HDRLEN, type_);
            p.add(NLA_HDRLEN)
        }
    }
}

/// A NUL-terminated string, like `nla_put_string()`.
#[derive(Clone, Copy)]
pub struct Str<'a>(&'a [u8]);

impl<'a> Str<'a> {
    /// Takes a [`CStr`], a [`Text`](super::Text) or what else has a text.
    #[inline(always)]
    pub fn new<T: AsText + ?Sized>(text: &'a T) -> Self {
        // What `as_text` returns is looked up here and never again, so that an implementation
        // that changes its mind cannot make a part larger than the room for it.
        Self(text.as_text())
    }
}

// SAFETY: `write` writes the header, the text and the last word, which has the terminator and the
// padding, and these are all `size()` bytes. The slice does not change while it is borrowed.
unsafe impl Payload for Str<'_> {
    const MIN: usize = nla_align(NLA_HDRLEN + 1);
    const MAX: usize = SLICE_MAX;

    #[inline(always)]
    fn size(&self) -> usize {
        nla_align(self.0.len().wrapping_add(NLA_HDRLEN + 1))
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.0.len() < MAX_ATTR - NLA_HDRLEN
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
        let len = self.0.len();
        let size = self.size();
        // SAFETY: By the safety requirements of this function, `size` bytes are writable; it is at
        // least 8, and at least `len + 5`.
        unsafe {
            // The last word first: the text goes on top of it.
            store_u32(p, size.wrapping_sub(4), 0);
            store_header(p, len.wrapping_add(NLA_HDRLEN + 1), type_);
            copy_short(p.add(NLA_HDRLEN), self.0.as_ptr(), len);
            p.add(size)
        }
    }
}

/// Bytes of any value, like `nla_put()`.
#[derive(Clone, Copy)]
pub struct Bytes<'a>(
    /// The bytes.
    pub &'a [u8],
);

// SAFETY: `write` writes the last word, which has the padding, then the header and the bytes, and
// these are all `size()` bytes. The slice does not change while it is borrowed.
unsafe impl Payload for Bytes<'_> {
    const MIN: usize = NLA_HDRLEN;
    const MAX: usize = SLICE_MAX;

    #[inline(always)]
    fn size(&self) -> usize {
        nla_align(self.0.len().wrapping_add(NLA_HDRLEN))
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        self.0.len() <= MAX_ATTR - NLA_HDRLEN
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
        let len = self.0.len();
        let size = self.size();
        // SAFETY: By the safety requirements of this function, `size` bytes are writable; it is at
        // least 4, and at least `len + 4`.
        unsafe {
            // The last word first: where there are no bytes it is the header itself.
            store_u32(p, size.wrapping_sub(4), 0);
            store_header(p, len.wrapping_add(NLA_HDRLEN), type_);
            ptr::copy_nonoverlapping(self.0.as_ptr(), p.add(NLA_HDRLEN), len);
            p.add(size)
        }
    }
}

/// Bytes of a number that is known at compile time, like `nla_put()` of a structure: an array, or a
/// reference to one.
///
/// An array that no attribute can hold, of more than 65,531 bytes, does not compile.
#[derive(Clone, Copy)]
pub struct Array<const LEN: usize, T = [u8; LEN]>(
    /// The bytes.
    pub T,
);

// SAFETY: `write` writes what a `Bytes` of `LEN` bytes writes, which has the size of one.
unsafe impl<const LEN: usize, T: Borrow<[u8; LEN]>> Payload for Array<LEN, T> {
    fixed!(size_with(LEN));

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
        // SAFETY: By the safety requirements of this function.
        unsafe { Bytes(self.0.borrow()).write(p, type_) }
    }
}

/// A value of plain data, like `nla_put()` of a structure.
#[derive(Clone, Copy)]
pub struct Plain<T>(
    /// The value.
    pub T,
);

// SAFETY: `write` writes what a `Bytes` of these bytes writes, which has the size of one.
unsafe impl<T: IntoBytes> Payload for Plain<T> {
    fixed!(size_with(size_of::<T>()));

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
        // SAFETY: The value is as long as it is borrowed, and by `IntoBytes` has no padding.
        let bytes = unsafe {
            core::slice::from_raw_parts(ptr::from_ref(&self.0).cast::<u8>(), size_of::<T>())
        };
        // SAFETY: By the safety requirements of this function.
        unsafe { Bytes(bytes).write(p, type_) }
    }
}

/// Parts inside an attribute, like `nla_nest_start_noflag()` and `nla_nest_end()` around them. The
/// flag `NLA_F_NESTED` is a matter of the type.
#[derive(Clone, Copy)]
pub struct Nest<L>(
    /// The parts inside.
    pub L,
);

// SAFETY: `write` writes the header and the parts, which write all of their own size.
unsafe impl<L: Layout> Payload for Nest<L> {
    const MIN: usize = L::MIN.saturating_add(NLA_HDRLEN);
    const MAX: usize = L::MAX.saturating_add(NLA_HDRLEN);

    #[inline(always)]
    fn size(&self) -> usize {
        add(Self::MAX, NLA_HDRLEN, self.0.size())
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        // Then what is inside is shorter still, and fits.
        Self::MAX <= MAX_ATTR || self.size() <= MAX_ATTR
    }

    #[inline(always)]
    unsafe fn write(&self, p: *mut u8, type_: u16) -> *mut u8 {
        const { assert_no_header(L::HEADER) };
        // SAFETY: By the safety requirements of this function, there is room for the header and for
        // the parts. The nest fits, so they have fewer than 65,535 bytes, and fit by the safety
        // requirements of `Layout`.
        unsafe {
            store_header(p, self.size(), type_);
            self.0.write(p.add(NLA_HDRLEN))
        }
    }
}

// CAST: What does not fit into a smaller number is cut, and so is what it is compared with.
#[kunit_tests(genl_payload)]
pub(super) mod tests {
    use super::{
        super::{
            layout::{
                Each,
                Parts,
                Whole,
                MAX_MESSAGE, //
            },
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
    pub(in super::super) fn written<L: Layout>(layout: &L, skew: usize) -> Result<KVVec<u8>> {
        let size = layout.size();
        let mut buffer = KVVec::from_elem(POISON, skew + MARGIN + size + MARGIN, GFP_KERNEL)?;
        let start = skew + MARGIN;
        // SAFETY: `size` bytes from there on are in the buffer.
        let end = unsafe { layout.write(buffer.as_mut_ptr().add(start)) };
        if end.addr() != buffer.as_ptr().addr() + start + size {
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
    pub(in super::super) struct Expected(NonNull<bindings::sk_buff>);

    impl Expected {
        pub(in super::super) fn new() -> Result<Self> {
            // SAFETY: Allocating has no requirements; -1 stands for any node.
            let skb = unsafe { bindings::__alloc_skb(1 << 18, bindings::GFP_KERNEL, 0, -1) };
            Ok(Self(NonNull::new(skb).ok_or(ENOMEM)?))
        }

        pub(in super::super) fn put(&self, attr: u16, bytes: &[u8]) -> Result {
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

        pub(in super::super) fn nest(&self, attr: u16, inside: impl FnOnce() -> Result) -> Result {
            self.nest_noflag(attr | NESTED, inside)
        }

        pub(in super::super) fn nest_noflag(
            &self,
            type_: u16,
            inside: impl FnOnce() -> Result,
        ) -> Result {
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

        pub(in super::super) fn bytes(&self) -> &[u8] {
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

    // CAST: A bit of 16.
    const NESTED: u16 = bindings::NLA_F_NESTED as u16;

    fn at<P: Payload>(number: u16, payload: P) -> Numbered<P> {
        Numbered::new(number, 0, payload)
    }

    fn nest<L: Layout>(number: u16, inside: L) -> Numbered<Nest<L>> {
        Numbered::new(number, NESTED, Nest(inside))
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
                at(1, U8(8)),
                at(2, U16(0x1234)),
                at(3, U32(|| 0x1234_5678)),
                None::<Numbered<U32>>,
                Some(at(4, U64(0x1234_5678_9abc_def0))),
                at(0x3fff, Flag),
                Numbered::new(5, flag, Be16(0x1234)),
                Numbered::new(6, flag, Be32(0x1234_5678)),
            ),
            0,
        )?;
        assert_eq!(&got[..], want.bytes());
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
                let got = written(
                    &(at(1, Str::new(&text)), at(2, Bytes(&bytes[..len]))),
                    skew * 4,
                )?;
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
            let fixed = Each::new(numbers[..n].iter().map(|number| at(2, U32(*number))));
            let variable = Each::new((0..n).map(|i| at(4, Bytes(&[0xff; 16][..i]))));
            let got = written(&(nest(1, (fixed, nest(3, ()))), variable), 0)?;
            assert_eq!(&got[..], want.bytes());
            // An iterator that does not know how many it has.
            let filtered = Each::new(
                numbers[..n]
                    .iter()
                    .filter(|number| **number != 0)
                    .map(|number| at(2, U32(*number))),
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
        let element = |index| at(index, Nest((at(3, U16(index & 0x3fff)),)));
        let inside = (
            nest(2, at(3, U32(7))),
            // The flags of a type are not those of an index.
            Each::new([0, 0xffff].into_iter().map(element)),
            at(0, Nest((at(3, Flag),))),
        );
        let got = written(&at(1, Nest(inside)), 0)?;
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
            at(1, Array([1, 2, 3, 4, 5, 6])),
            at(2, Array::<33, _>(&key)),
            at(3, Array([])),
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
            Each::new((0..n).map(|_| at(1, U8(2))))
        }
    }

    /// Has the same parts each time.
    struct Same;

    impl Parts for Same {
        fn parts(&self) -> impl Layout + '_ {
            (
                at(1, Array([1, 2, 3, 4, 5])),
                at(7, U32(8)),
                nest(0, (at(1, Flag),)),
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
        let got = written(&nest(3, Whole::new(Same)), 0)?;
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
        type Item = Numbered<Bytes<'static>>;

        fn next(&mut self) -> Option<Self::Item> {
            const BYTES: &[u8] = &[0x77; 64];
            let lengths = self.lengths[usize::from(self.clones.get() > 1)];
            let len = *lengths.get(self.next)?;
            self.next += 1;
            // A length that is too large stands for the end.
            Some(at(1, Bytes(BYTES.get(..len)?)))
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
            assert_eq!(Bytes(&bytes[..len]).fits(), fits);
            assert_eq!(Str::new(&Raw(&bytes[..len - 1])).fits(), fits);
        }
        // The padding of what is inside is part of a nest.
        assert!(Nest(at(2, Bytes(&bytes[..65524]))).fits());
        assert!(!Nest(at(2, Bytes(&bytes[..65525]))).fits());
        let list = |n: usize| Nest(Each::new((0..n).map(|_| at(1, U32(0)))));
        assert!(list(8191).fits());
        assert!(!list(8192).fits());
        // Counts whose sizes would wrap.
        for n in [1usize << 30, usize::MAX / 8, usize::MAX / 8 + 2, usize::MAX] {
            let each = Each::new((0..n).map(|_| at(1, U32(0))));
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
                    plan.number(0).map(|n| at(1, U8(n as u8))),
                    plan.number(1).map(|n| at(2, U16(move || n as u16))),
                    plan.number(2).map(|n| at(3, S32(n as i32))),
                    plan.number(3).map(|n| at(4, U64(n))),
                    plan.number(4).map(|n| at(5, Be32(n as u32))),
                    plan.number(5).map(|n| at(6, UInt(n))),
                    plan.number(6).map(|n| at(7, SInt(n as i64))),
                    plan.number(7).map(|n| {
                        at(
                            8,
                            Bits(Bits32 {
                                value: n as u32,
                                selector: (n >> 32) as u32,
                            }),
                        )
                    }),
                    plan.number(8).map(|n| at(9, Array([n as u8; 6]))),
                    Some(at(10, Flag)).filter(|_| plan.row & 1 != 0),
                ),
                plan.text.map(|len| at(11, Str(&SOURCE[..len]))),
                plan.bytes.map(|len| at(12, Bytes(&SOURCE[..len]))),
                plan.huge.map(Huge),
                plan.nest.map(|seed| nest(13, node(seed))),
                plan.element.map(|seed| nest(14, (node(seed),))),
                Each::new((0..plan.rows).map(move |i| at(15, U32(plan.row as u32 ^ u32::from(i))))),
                nest(
                    16,
                    Each::new(
                        (1..=plan.many).map(move |i| nest(i, node(plan.children ^ u64::from(i)))),
                    ),
                ),
                Each::new((0..plan.rows).map(move |i| at(i, Bytes(&SOURCE[..usize::from(i) * 3])))),
                plan.noflag.map(|seed| {
                    let inside = || Whole::new(self.inside(seed));
                    (at(17, Nest(inside())), at(18, Nest(inside())))
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
                nest(1, Whole::new(node())),
                Each::new((0..seed % 4).map(|_| nest(7, Whole::new(node())))),
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
        type Item = Numbered<U32>;

        fn next(&mut self) -> Option<Numbered<U32>> {
            self.1.next().map(|n| at(1, U32(n)))
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
            let got = written(&at(1, PaddedU64::<2>(0x0102_0304_0506_0708)), skew)?;
            let value = 0x0102_0304_0506_0708u64.to_ne_bytes();
            let (at, pad) = if skew == 0 { (8, 0) } else { (4, 12) };
            assert_eq!(&got[at..at + 8], &value[..]);
            assert_eq!(&got[pad..pad + 4], &[4, 0, 2, 0][..]);
            assert_eq!(&got[at - 4..at], &[12, 0, 1, 0][..]);
        }
        Ok(())
    }
}
