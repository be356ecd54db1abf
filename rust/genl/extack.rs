// SPDX-License-Identifier: GPL-2.0

//! Extended acks: what an error message says in addition to its number.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h) (`struct
//! netlink_ext_ack`)

use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    bindings,
    fmt,
    fmt::Write,
    prelude::*, //
};

/// The extended ack of a request that is being answered.
///
/// User space gets it if the socket has asked for it (`NETLINK_EXT_ACK`): with the error, or with
/// an ack, which has the text and the cookie only. If there is nobody to tell, writing is harmless.
///
/// # Invariants
///
/// `extack` is null, or valid during `'a`, and nobody else accesses it during the callback that
/// this was made for.
#[derive(Clone, Copy)]
pub struct Extack<'a> {
    extack: *mut bindings::netlink_ext_ack,
    _request: PhantomData<&'a ()>,
}

impl Extack<'_> {
    /// # Safety
    ///
    /// `extack` is null or valid for writes during `'a`, and only the current callback uses it.
    #[inline(always)]
    pub(super) unsafe fn new(extack: *mut bindings::netlink_ext_ack) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            extack,
            _request: PhantomData,
        }
    }

    /// The `struct netlink_ext_ack`, for code that calls C or bindings: see the page on
    /// [calling C](super::guide::calling_c). Null if there is nobody to tell, which the macros of C
    /// look at.
    ///
    /// What is called may use it until the handler returns, and nobody else does meanwhile. A text
    /// of C is a string literal, or it stands in the extended ack itself, as
    /// `NL_SET_ERR_MSG_FMT()` has it: it is read when the handler has returned. An attribute that
    /// it points at is one of the request, or it is not sent.
    pub fn as_ptr(&self) -> *mut bindings::netlink_ext_ack {
        self.extack
    }

    /// Sets the text, like `NL_SET_ERR_MSG()`. The text is sent after the callback has returned, so
    /// it must be `'static`.
    pub fn set_text(&self, text: &'static CStr) {
        if !self.extack.is_null() {
            // SAFETY: By the type invariants.
            unsafe { (*self.extack)._msg = text.as_char_ptr() };
        }
    }

    /// Sets a formatted text, like `NL_SET_ERR_MSG_FMT()`. A text of more than 79 bytes is cut, at
    /// the end of a character.
    ///
    /// # Examples
    ///
    /// ```
    /// use genl::Extack;
    /// use kernel::prelude::*;
    ///
    /// fn refuse(extack: Extack<'_>, port: u32) -> Error {
    ///     extack.set_fmt(fmt!("port {port} is in use"));
    ///     EBUSY
    /// }
    /// ```
    pub fn set_fmt(&self, args: fmt::Arguments<'_>) {
        if self.extack.is_null() {
            return;
        }
        // On the stack: what is formatted may come back to this very extended ack.
        // CAST: A small number.
        let mut buffer = [0; bindings::NETLINK_MAX_FMTMSG_LEN as usize];
        let mut text = Text {
            buffer: &mut buffer,
            len: 0,
        };
        // What does not fit is left out.
        let _ = text.write_fmt(args);
        // SAFETY: By the type invariants. The text is terminated, and is read when the callback has
        // returned; its buffer lives as long as the extended ack itself.
        unsafe {
            (*self.extack)._msg_buf = buffer;
            (*self.extack)._msg = (&raw const (*self.extack)._msg_buf).cast();
        }
    }

    /// Sets a cookie of at most 8 bytes, which goes to the sender with the ack or with the error
    /// (`NLMSGERR_ATTR_COOKIE`). The example of [`Request`](super::Request) sets one.
    pub fn set_cookie<const N: usize>(&self, cookie: &[u8; N]) {
        const { core::assert!(N > 0 && N <= MAX_COOKIE, "genl: a cookie has 1 to 8 bytes") };
        if !self.extack.is_null() {
            // SAFETY: By the type invariants; the cookie was just seen to fit.
            unsafe {
                (&raw mut (*self.extack).cookie)
                    .cast::<[u8; N]>()
                    .write(*cookie);
                // CAST: It is at most 8.
                (*self.extack).cookie_len = N as u8;
            }
        }
    }

    /// Adds the policy of the attribute that [`Extack::set_bad_attr`] has pointed at.
    ///
    /// `policy` is a constant of a policy.
    pub(super) fn set_policy(&self, policy: *const bindings::nla_policy) {
        if !self.extack.is_null() {
            // SAFETY: By the type invariants.
            unsafe { (*self.extack).policy = policy };
        }
    }

    /// Points at an attribute of the request, as `NL_SET_BAD_ATTR()`.
    ///
    /// `attr` is an attribute of this very request: the core computes its offset from it.
    pub(super) fn set_bad_attr(&self, attr: *const bindings::nlattr) {
        if !self.extack.is_null() {
            // SAFETY: By the type invariants.
            unsafe {
                (*self.extack).bad_attr = attr;
                (*self.extack).policy = core::ptr::null();
            }
        }
    }

    /// Names an attribute that is missing, as `NL_SET_ERR_ATTR_MISS()`: from `nest`, or from the
    /// top level where `nest` is null.
    pub(super) fn set_missing(&self, nest: *const bindings::nlattr, attr: u16) {
        if !self.extack.is_null() {
            // SAFETY: By the type invariants.
            unsafe {
                (*self.extack).miss_nest = nest;
                (*self.extack).miss_type = attr;
            }
        }
    }
}

/// The longest cookie, `NETLINK_MAX_COOKIE_LEN`.
// CAST: A small number.
const MAX_COOKIE: usize = bindings::NETLINK_MAX_COOKIE_LEN as usize;

/// A text that fits, terminated at all times.
struct Text<'a> {
    buffer: &'a mut [c_char],
    len: usize,
}

impl Write for Text<'_> {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        for c in s.chars() {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).as_bytes();
            let end = self.len.wrapping_add(bytes.len());
            if end >= self.buffer.len() {
                return Err(core::fmt::Error);
            }
            // Not `skip()`, whose addition could panic.
            let room = self.buffer.get_mut(self.len..).unwrap_or_default();
            for (to, from) in room.iter_mut().zip(bytes) {
                *to = *from;
            }
            if let Some(end) = self.buffer.get_mut(end) {
                *end = 0;
            }
            self.len = end;
        }
        Ok(())
    }
}

/// Says that a request is the reason for more than its sender has room for.
#[cold]
pub(super) fn no_room(extack: Extack<'_>) -> Error {
    extack.set_text(c"the receive buffer has no room for the replies to this datagram");
    EAGAIN
}

/// Says why a reply could not be made.
#[cold]
pub(super) fn tell_too_large(extack: Extack<'_>, error: Error) {
    if error == EMSGSIZE {
        extack.set_text(c"the reply is too large for a message");
    }
}

/// The request that is being handled: what is read from it knows it, to say why it is refused. It
/// is not part of what families see.
///
/// # Invariants
///
/// It belongs to a request that is being handled during `'a`.
#[derive(Clone, Copy)]
pub struct Info<'a>(&'a bindings::genl_info);

impl<'a> Info<'a> {
    /// # Safety
    ///
    /// `info` belongs to a request that is being handled during `'a`.
    #[inline(always)]
    pub(super) unsafe fn new(info: &'a bindings::genl_info) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self(info)
    }

    /// Its extended ack, which nobody but its handler uses.
    pub(super) fn extack(self) -> Extack<'a> {
        // SAFETY: The extended ack of a request lives as long as the request, and its only other
        // user is the core, when the callback has returned.
        unsafe { Extack::new(self.0.extack) }
    }

    /// Says why the request is refused, and because of which attribute.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(
        self,
        attr: *const bindings::nlattr,
        error: Error,
        text: &'static CStr,
    ) -> Error {
        self.extack().set_text(text);
        self.point_at(attr);
        error
    }

    /// Says which attribute the request lacks, in a nest of it or, with null, at its top level.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse_missing(self, nest: *const bindings::nlattr, attr: u16) -> Error {
        let nest = if self.has(nest) { nest } else { ptr::null() };
        self.extack().set_text(c"required attribute is missing");
        self.extack().set_missing(nest, attr);
        EINVAL
    }

    /// Points the extended ack at an attribute, unless that is null.
    #[cold]
    pub(super) fn point_at(self, attr: *const bindings::nlattr) {
        if self.has(attr) {
            self.extack().set_bad_attr(attr);
        }
    }

    /// Whether an attribute is in the request, and not in another one that was sent together with
    /// it.
    fn has(self, attr: *const bindings::nlattr) -> bool {
        // SAFETY: The header of a request is valid.
        // CAST: The length of a message fits.
        let len = unsafe { (*self.0.nlhdr).nlmsg_len } as usize;
        attr.addr().wrapping_sub(self.0.nlhdr.addr()) < len
    }
}
