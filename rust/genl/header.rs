// SPDX-License-Identifier: GPL-2.0

//! Headers of a family's own, between that of generic netlink and the attributes.
//!
//! Old families have one: in C it is `hdrsize` of `struct genl_family`. The core refuses a request
//! that is too short for it, for each do and each dump, before it looks up the operation. No kind
//! of [`Validation`](super::Validation) changes that. So a request has its header whenever there is
//! a [`Request`](super::Request).
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h) (`genl_info_userhdr()`)

use super::{
    attribute::InSet,
    family::{
        checked_hdrsize,
        Family, //
    },
    layout::Layout,
    table::fail, //
};
use kernel::prelude::*;

/// A family whose messages have a header of their own, between that of generic netlink and the
/// attributes.
///
/// All messages of the family have it: requests, replies, objects of dumps and notifications. A
/// handler reads it by [`Request::header`](super::Request::header). What is sent has a
/// [`Header`] as the first part of its layout, or does not compile. New
/// families have attributes only.
///
/// # Examples
///
/// A datapath, by the number of its interface. The header has plain data: integers, or arrays and
/// structures of them, without padding.
///
/// ```
/// use genl::{
///     kind::U32,
///     Attribute,
///     Family,
///     FixedHeader,
///     Header,
///     Request,
///     Responder,
///     Sent,
///     SplitOp, //
/// };
/// use kernel::prelude::*;
/// # use genl::FamilyDescriptor;
///
/// genl::attributes! {
///     /// A datapath.
///     pub(crate) mod datapath: DatapathSet {
///         /// How many ports it has.
///         Ports = 1: U32,
///     }
/// }
///
/// genl::operations! {
///     for Datapath;
///
///     /// Returns a datapath.
///     do_reply Get = "get" 1, Anyone, DatapathSet [] => get;
/// }
///
/// #[derive(Clone, Copy, FromBytes, IntoBytes)]
/// #[repr(C)]
/// struct DatapathHeader {
///     ifindex: i32,
/// }
///
/// struct Datapath;
///
/// impl FixedHeader for Datapath {
///     type Header = DatapathHeader;
/// }
///
/// impl Family for Datapath {
///     const NAME: &'static str = "datapath";
///     const VERSION: u8 = 1;
///     const HDRSIZE: usize = genl::hdrsize::<Self>();
///     const OPS: &'static [SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Datapath> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// }
///
/// impl Datapath {
///     fn get<'a>(
///         &self,
///         request: Request<'a, Get>,
///         reply: Responder<'a, Get>,
///     ) -> Result<Sent<'a>> {
///         let ifindex = request.header().ifindex;
///         if ifindex <= 0 {
///             return Err(ENODEV);
///         }
///         let header = DatapathHeader { ifindex };
///         reply.send(&(Header::<Datapath>(header), datapath::Ports.put(8)))
///     }
/// }
/// ```
pub trait FixedHeader: Family {
    /// The header. Its length is a multiple of 4, and at most 1,024 bytes.
    ///
    /// It is read and written as it is in memory. It may have any alignment: the one in a message
    /// is aligned to 4 bytes only, so it is copied.
    type Header: Copy + FromBytes + IntoBytes + 'static;
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
    const MIN: usize = header_len::<F>();
    const MAX: usize = header_len::<F>();
    const HEADER: Option<&'static str> = Some(F::NAME);

    #[inline(always)]
    fn size(&self) -> usize {
        // Not `Self::MAX`: a module that has this folder could give the type a `MAX` of its own.
        const { header_len::<F>() }
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
            p.add(const { header_len::<F>() })
        }
    }
}

impl<S, F: FixedHeader> InSet<S> for Header<F> {}

/// What [`Family::HDRSIZE`] is for a family with a header of its own.
pub const fn hdrsize<F: FixedHeader>() -> usize {
    size_of::<F::Header>()
}

/// Asserts that the core knows of the header of a family, and returns its length.
pub(super) const fn header_len<F: FixedHeader>() -> usize {
    if F::HDRSIZE != size_of::<F::Header>() || F::HDRSIZE == 0 {
        fail(F::NAME, "must have hdrsize::<Self>() as its HDRSIZE");
    }
    // CAST: It is small.
    checked_hdrsize::<F>() as usize
}
