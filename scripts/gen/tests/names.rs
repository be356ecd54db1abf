// SPDX-License-Identifier: GPL-2.0

//! What names.yaml calls as something else, beside that: neither hides the other one.
//! compare_with_c.py compiles it.

use super::{
    names_gen::{
        attr::{
            attributes,
            core_,
            crate_,
            genl_,
            kernel_,
            text,
            TextNest,
            TextSet, //
        },
        def,
        op, //
    },
    Message, //
};
use crate::genl;
use kernel::{
    alloc::Flags,
    prelude::*, //
};

/// The methods of a request, next to attributes of the same names.
fn request<'a>(request: &genl::Request<'a, op::NewDo>) -> Result {
    let _: &'a genl::Net = request.net();
    let _: u16 = request.flags();
    let _: genl::Sender = request.sender();
    let _: &'a genl::Job<Message> = request.job();
    let _: Option<def::PerNet> = request.get(attributes::Net);
    let _: Option<def::Cursor> = request.get(attributes::Flags);
    let _: bool = request.get(attributes::Sender);
    let _: Option<def::Flags> = request.get(attributes::Multicast);
    let _: Option<u32> = request.get(attributes::Job);
    let _: genl::Nested<'a, TextSet> = request.need(attributes::Notify)?;
    let flags: Flags = GFP_KERNEL;
    request.notify::<op::ForNotify>(&op::ForEvent::default(), flags)?;
    Err(request.refuse(attributes::Fmt, EINVAL, c"no"))
}

/// Types of the prelude, and those that enums are called as.
fn types(request: &genl::Request<'_, op::NewDo>) -> Result<def::Option> {
    let _: Option<def::Result> = request.get(attributes::Parts);
    let _: Option<def::Message> = request.get(attributes::Layout);
    let _: Option<def::Clone> = request.get(attributes::Copies);
    assert!(def::Message::Some != def::Message::None && def::EINVAL == 3);
    request.need(attributes::MayBe)
}

/// Sets that are called as crates and modules.
fn modules(request: &genl::Request<'_, op::NewDo>) -> Option<()> {
    let _: Option<u32> = request.get(attributes::Core)?.get(core_::Set);
    let _: Option<u32> = request.get(attributes::Crate)?.get(crate_::Set);
    let _: Option<u32> = request.get(attributes::Genl)?.get(genl_::Set);
    let _: Option<u32> = request.get(attributes::Kernel)?.get(kernel_::Set);
    Some(())
}

/// The methods that each type has, of a message and of its members.
fn message(reply: op::NewReply<'_>) -> op::NewReply<'_> {
    let copy: op::NewReply<'_> = reply.clone();
    let _: Option<u32> = copy.into;
    let _: Option<u32> = op::NewReply::default().default;
    let _: Option<def::Error> = copy.clone;
    let _: &[u32] = copy.chain;
    let same: Result<op::NewReply<'_>, core::convert::Infallible> = copy.try_into();
    let _ = same;
    reply.into()
}

/// A nest with attributes of such names.
fn nest(nest: genl::Nested<'_, TextSet>) -> TextNest<'_> {
    TextNest {
        into: nest.get(text::Into),
        net: nest.get(text::Net),
        ..TextNest::default()
    }
}

/// What a handler is called by.
fn handler<'a>(
    family: &Message,
    request: genl::Request<'a, op::NewDo>,
    reply: genl::Responder<'a, op::NewDo>,
) -> Result<genl::Sent<'a>> {
    super::names_gen::Handler::new(family, request, reply)
}
