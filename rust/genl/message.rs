// SPDX-License-Identifier: GPL-2.0

//! Messages in buffers of their own, and how they leave.
//!
//! A message has its exact size. An skb that could not be delivered is gone as well.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    command::Command,
    extack::{
        no_room,
        Extack, //
    },
    family::Family,
    ffi,
    layout::{
        add,
        Layout,
        MAX_ATTR,
        MAX_MESSAGE, //
    },
    net::Net,
    store::{
        store_u32,
        store_u64, //
    },
    table::{
        fail,
        same, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

/// Length of the two headers of a message, `NLMSG_HDRLEN + GENL_HDRLEN`. That of the family, if
/// there is one, is a part of the layout.
pub(super) const HDRLEN: usize = 20;

/// [`Command::FLAGS`], where they stand in a header.
const fn flags_of<C: Command>() -> u32 {
    const OWN: u32 = bindings::NLM_F_REQUEST | bindings::NLM_F_MULTI | bindings::NLM_F_DUMP_INTR;
    // CAST: What has 16 bits fits.
    if C::FLAGS as u32 & OWN != 0 {
        fail(
            C::NAME,
            "has flags that the framework sets, or none may have",
        );
    }
    // CAST: What has 16 bits fits.
    (C::FLAGS as u32) << 16
}

/// Keeps a type from being `Copy`. A module that takes all of this in as its own could implement that
/// for a type whose members are all copies; this member is none.
pub(super) struct Only;

/// The parts of a message header that are the same for all messages of a request or a round of a
/// dump.
#[derive(Clone, Copy)]
pub(super) struct Header {
    /// `nlmsg_type` and `nlmsg_flags`.
    type_flags: u32,
    /// `nlmsg_seq` and `nlmsg_pid`.
    seq_portid: u64,
}

impl Header {
    // CAST: The id of a family is below 1024, flags and sequence numbers are what netlink has.
    #[inline(always)]
    pub(super) fn new(family_id: c_int, flags: u32, seq: u32, portid: u32) -> Self {
        const { core::assert!(core::cfg!(target_endian = "little")) };
        Self {
            type_flags: u32::from(family_id as u16) | flags << 16,
            seq_portid: u64::from(seq) | u64::from(portid) << 32,
        }
    }

    /// The length of the header, `NLMSG_HDRLEN`.
    pub(super) const DONE: usize = 16;

    /// Writes the end of several messages: `NLMSG_DONE` with this header, and zeroes behind it.
    ///
    /// # Safety
    ///
    /// `size` is [`Header::DONE`] or 4 more, and that many bytes are writable from `p` on.
    pub(super) unsafe fn put_done(self, p: *mut u8, size: usize) {
        // SAFETY: By the safety requirements of this function.
        unsafe {
            // CAST: It is small.
            store_u32(p, 0, size as u32);
            store_u32(p, 4, self.type_flags & !0xffff | bindings::NLMSG_DONE);
            store_u64(p, 8, self.seq_portid);
            if size > Self::DONE {
                store_u32(p, 16, 0);
            }
        }
    }

    /// The header of an answer to a request.
    ///
    /// # Safety
    ///
    /// `info` belongs to a request that is being handled.
    #[inline(always)]
    pub(super) unsafe fn answer(info: &bindings::genl_info, flags: u32) -> Self {
        // SAFETY: The family of a request is valid as long as the request.
        let id = unsafe { (*info.family).id };
        Self::new(id, flags, info.snd_seq, info.snd_portid)
    }
}

/// The exact size of a message, or [`EMSGSIZE`] if a part is too long for its attribute.
#[inline(always)]
pub(super) fn message_size<L: Layout>(layout: &L) -> Result<usize> {
    let size = add(
        const { L::MAX.saturating_add(HDRLEN) },
        layout.size(),
        HDRLEN,
    );
    // No part is longer than the whole, so few messages ever need the closer look.
    if (const { L::MAX > MAX_ATTR }) && size > MAX_ATTR && !(layout.fits() && size <= MAX_MESSAGE) {
        return Err(EMSGSIZE);
    }
    Ok(size)
}

/// Writes a message.
///
/// # Safety
///
/// `size` is what [`message_size`] has returned for `layout`, and that many bytes are writable
/// from `p` on.
#[inline(always)]
pub(super) unsafe fn put_message<C: Command, L: Layout>(
    p: *mut u8,
    size: usize,
    header: Header,
    layout: &L,
) {
    const { check_message::<C, L>() };
    // SAFETY: By the safety requirements of this function; `size` includes `HDRLEN`, and
    // `message_size` has seen that the parts fit.
    unsafe {
        // CAST: `size` is at most `MAX_MESSAGE`.
        store_u32(p, 0, size as u32);
        store_u32(p, 4, header.type_flags | const { flags_of::<C>() });
        store_u64(p, 8, header.seq_portid);
        store_u32(
            p,
            16,
            u32::from(C::REPLY) | u32::from(<C::Family as Family>::VERSION) << 8,
        );
        layout.write(p.add(HDRLEN));
    }
}

/// A whole message in a buffer of its own.
///
/// # Invariants
///
/// `skb` is valid and owned by this.
pub(super) struct Skb(NonNull<bindings::sk_buff>);

impl Skb {
    /// Allocates a buffer of the exact size and writes the message into it.
    #[inline(always)]
    pub(super) fn new<C: Command, L: Layout>(
        header: Header,
        layout: &L,
        flags: bindings::gfp_t,
    ) -> Result<Self> {
        let size = message_size(layout)?;
        let skb = Self::with_room(size, flags).ok_or(ENOMEM)?;
        // SAFETY: There are `size` bytes, and they are ours alone.
        unsafe { put_message::<C, L>(skb.start(), size, header, layout) };
        Ok(skb)
    }

    /// Allocates a buffer with room for so many bytes, at most [`MAX_MESSAGE`].
    #[inline]
    pub(super) fn empty(size: usize, flags: bindings::gfp_t) -> Result<Self> {
        // CAST: It is at most `MAX_MESSAGE`.
        // SAFETY: The caller may allocate with these flags; -1 stands for any node.
        let skb = unsafe { bindings::__alloc_skb(size as u32, flags, 0, -1) };
        // INVARIANT: It was just allocated.
        NonNull::new(skb).ok_or(ENOMEM).map(Self)
    }

    /// Allocates a buffer for a message of `size` bytes, which is at [`Skb::start`]; none without
    /// memory. The message has to be written before anything else is done with the buffer.
    #[inline(never)]
    pub(super) fn with_room(size: usize, flags: bindings::gfp_t) -> Option<Self> {
        let mut skb = Self::empty(size, flags).ok()?;
        // SAFETY: A new skb is ours alone, and the `size` bytes behind its tail are free.
        let raw = unsafe { skb.0.as_mut() };
        // CAST: `message_size` bounds `size`.
        raw.tail = raw.tail.wrapping_add(size as u32);
        raw.len = raw.len.wrapping_add(size as u32);
        Some(skb)
    }

    /// Where the buffer begins.
    #[inline(always)]
    pub(super) fn start(&self) -> *mut u8 {
        // SAFETY: By the type invariants.
        unsafe { (*self.0.as_ptr()).data }
    }

    /// Makes what was written behind the tail part of the buffer.
    ///
    /// # Safety
    ///
    /// All bytes from the tail to `end` are written, and part of the buffer.
    pub(super) unsafe fn commit(&mut self, end: *const u8) {
        // SAFETY: By the type invariants and the safety requirements of this function.
        unsafe { commit(self.0.as_mut(), end) };
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    /// Sends the message to one port, like `genlmsg_unicast()`.
    #[inline(never)]
    pub(super) fn unicast(self, net: &Net, portid: u32) -> Result {
        // CAST: A flag.
        const FLAGS: c_int = bindings::MSG_DONTWAIT as c_int;
        // SAFETY: The namespace is active, so it has its socket of generic netlink. The skb is
        // taken, also where this fails.
        let result = unsafe {
            let sk = (*net.as_ptr()).genl_sock;
            bindings::netlink_unicast(sk, self.into_raw(), portid, FLAGS)
        };
        // What is not negative is a length.
        match result {
            0.. => Ok(()),
            errno => Err(Error::from_errno(errno)),
        }
    }

    /// Gives the buffer away.
    #[inline(always)]
    pub(super) fn into_raw(self) -> *mut bindings::sk_buff {
        let raw = self.0.as_ptr();
        core::mem::forget(self);
        raw
    }
}

/// Makes what was written behind the tail part of a buffer, and returns the length of the whole.
///
/// # Safety
///
/// All bytes from the tail to `end` are written, and part of the buffer.
#[inline(never)]
pub(super) unsafe fn commit(skb: &mut bindings::sk_buff, end: *const u8) -> u32 {
    // CAST: Offsets into an skb have 32 bits.
    let tail = (end as usize).wrapping_sub(skb.head as usize) as u32;
    skb.len = skb.len.wrapping_add(tail.wrapping_sub(skb.tail));
    skb.tail = tail;
    skb.len
}

impl Drop for Skb {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::nlmsg_free(self.0.as_ptr()) }
    }
}

/// Accounts for `messages` messages of `size` bytes that a request is the reason for, see
/// [`Request::spend`](super::Request::spend).
///
/// # Safety
///
/// `skb` and `info` belong to a request that is being handled.
#[inline(never)]
pub(super) unsafe fn spend(
    skb: *const bindings::sk_buff,
    info: &bindings::genl_info,
    messages: usize,
    size: usize,
) -> Result {
    // SAFETY: By the safety requirements of this function.
    if unsafe { ffi::genl_rs_spend(skb.cast_mut(), messages, size) } {
        return Ok(());
    }
    // SAFETY: As above.
    Err(no_room(unsafe { Extack::new(info.extack) }))
}

/// Asserts that a message begins with the header of its family, if that has one.
const fn check_message<C: Command, L: Layout>() {
    match L::HEADER {
        Some(name) => {
            if !same(name.as_bytes(), <C::Family as Family>::NAME.as_bytes()) {
                fail(C::NAME, "has a message with the header of another family");
            }
        }
        None => {
            if <C::Family as Family>::HDRSIZE != 0 {
                fail(C::NAME, "has a message without the header of its family");
            }
        }
    }
}

/// Where the tail of an skb is, and the bytes of room behind it; none in one that is not linear.
///
/// # Safety
///
/// `skb` is valid.
#[inline(always)]
pub(super) unsafe fn free_room(skb: *const bindings::sk_buff) -> (*mut u8, usize) {
    // SAFETY: By the safety requirements of this function; tail and end are offsets into the
    // buffer at `head`.
    unsafe {
        let skb = &*skb;
        let end = if skb.data_len == 0 { skb.end } else { skb.tail };
        // CAST: Offsets into a buffer fit.
        let room = end.wrapping_sub(skb.tail) as usize;
        (skb.head.add(skb.tail as usize), room)
    }
}
