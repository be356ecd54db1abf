// SPDX-License-Identifier: GPL-2.0

//! Requests whose reply is owed.

use super::{
    extack::{
        tell_too_large,
        Extack, //
    },
    ffi,
    net::Net,
    socket::Entry, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*,
    sync::aref::ARef, //
};

/// The longest request, its headers included, whose reply can be deferred: an error sends all of it
/// back, so all of it is kept. It takes 64 KiB of memory.
// CAST: 64 KiB, less what is in front of it.
const REQUEST_MAX: usize = ffi::GENL_RS_DEFERRED_MAX as usize;

/// What is kept of a request whose reply is owed, until somebody answers or the socket is closed.
///
/// # Invariants
///
/// `skb` is valid and owned by this; the request is all that is in it.
pub(super) struct Owed {
    pub(super) skb: NonNull<bindings::sk_buff>,
    pub(super) net: ARef<Net>,
}

// SAFETY: The request is not written to any more, and may be freed by any task.
unsafe impl Send for Owed {}

// SAFETY: As above.
unsafe impl Sync for Owed {}

impl Owed {
    /// Copies a request of the namespace `net`.
    ///
    /// # Safety
    ///
    /// `skb` and `info` belong to a request that is being handled.
    pub(super) unsafe fn new(
        net: &Net,
        skb: *const bindings::sk_buff,
        info: &bindings::genl_info,
    ) -> Result<Self> {
        // SAFETY: By the safety requirements of this function.
        let skb = unsafe {
            // CAST: The length of a message fits.
            if (*info.nlhdr).nlmsg_len as usize > REQUEST_MAX {
                return Err(EMSGSIZE);
            }
            ffi::genl_rs_copy(skb, info.nlhdr)
        };
        // INVARIANT: It was just made.
        Ok(Self {
            skb: NonNull::new(skb).ok_or(ENOMEM)?,
            net: net.into(),
        })
    }

    /// The header of the request.
    pub(super) fn request(&self) -> &bindings::nlmsghdr {
        // SAFETY: By the type invariants.
        unsafe { &*self.header() }
    }

    fn header(&self) -> *mut bindings::nlmsghdr {
        // SAFETY: By the type invariants.
        unsafe { (*self.skb.as_ptr()).data.cast() }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::nlmsg_free(self.skb.as_ptr()) };
    }
}

impl Entry<Owed> {
    /// Sends the error, or an ack if the request has asked for one, like `netlink_rcv_skb()` does.
    pub(super) fn answer(&self, result: Result, text: Option<&'static CStr>) {
        let owed = &self.value;
        // CAST: `NLM_F_ACK` is a flag of 16 bits.
        let wants_ack = owed.request().nlmsg_flags & bindings::NLM_F_ACK as u16 != 0;
        if (result.is_ok() && !wants_ack) || self.socket.is_closed() {
            return;
        }
        let mut extack: bindings::netlink_ext_ack = pin_init::zeroed();
        match (result, text) {
            // SAFETY: It is ours.
            (_, Some(text)) => unsafe { Extack::new(&mut extack) }.set_text(text),
            // SAFETY: As above.
            (Err(error), None) => tell_too_large(unsafe { Extack::new(&mut extack) }, error),
            _ => {}
        }
        let errno = result.map_or_else(Error::to_errno, |()| 0);
        // SAFETY: By the type invariants; the socket of the request is valid, since we have a
        // reference to it, and so is that of the kernel, which lives as long as its namespace.
        unsafe {
            bindings::netlink_ack(owed.skb.as_ptr(), owed.header(), errno, &extack);
        }
    }
}
