// SPDX-License-Identifier: GPL-2.0

//! What names.yaml calls as something else, beside that: neither hides the other one.
//! compare_with_c.py compiles it.

use super::{
    names_gen::*,
    Message, //
};
use crate::genl;
use kernel::{
    alloc::Flags,
    prelude::*, //
};

/// The methods of a request, next to attributes of the same names.
fn request<'a>(request: &NewRequest<'a>) -> Result {
    let _: &'a genl::Net = request.net();
    let _: u16 = request.flags();
    let _: genl::Sender = request.sender();
    let _: Option<PerNetValue> = request.net_();
    let _: Option<CursorValue> = request.flags_();
    let _: bool = request.sender_();
    let _: Option<TextView<'a>> = request.notify_();
    let _: Option<FlagsValue> = request.multicast_();
    let _: Option<u32> = request.job_();
    let _: &'a genl::Job<Message> = request.job();
    let flags: Flags = GFP_KERNEL;
    request.notify::<ForNotify, _>(&ForNotification::default(), flags)?;
    request
        .registered()
        .notify_for_(request.net(), &ForNotification::default(), flags)?;

    // By number, what is asked for by name as well.
    let _: Error = request.missing::<1>();
    let _: Error = request.refuse::<1>(EINVAL, c"no");
    let _: Error = request.refuse_fmt::<1>(EINVAL, fmt!("no"));
    Err(request.refuse_fmt_(EINVAL, c"no"))
}

/// Attributes that are called as methods which each type has.
fn attributes<'a>(request: &NewRequest<'a>) -> Result {
    let _: Option<u32> = request.into_();
    let _: Option<u32> = request.try_into_();
    let _: Option<u32> = request.default_();
    let _: Option<&'a CStr> = request.from_();
    let _: Option<StopValue> = request.self_();
    for number in request.chain_() {
        let _: u32 = number;
    }
    let _: u32 = request.need_into()?;
    let text: TextView<'a> = request.text().ok_or(EINVAL)?;
    let _: Option<u8> = text.into_();
    // A nest has no namespace of its own.
    let _: Option<u8> = text.net();
    let _: TextView<'a> = text.clone();
    let _: u8 = Clone::clone(&text).need_into(request)?;
    let nest: RefView<'a> = request.ref_().ok_or(EINVAL)?;
    let _: Option<u32> = nest.clone_();
    Err(request.refuse_into(EINVAL, c"no"))
}

/// The methods that each type has, of a message.
fn message(reply: NewReply<'_>) -> NewReply<'_> {
    let copy: NewReply<'_> = reply.clone();
    let _: Option<u32> = copy.into_;
    let _: Option<u32> = copy.into_();
    let _: Option<u32> = NewReply::default().default_();
    let same: Result<NewReply<'_>, core::convert::Infallible> = copy.try_into();
    let _ = same;
    reply.into()
}

/// The same of each type that can be sent.
fn messages<T: AsNewReply + Clone + Default + Into<u32>>(message: &T) -> u32 {
    let _: Option<u32> = message.into_();
    let _ = T::default();
    message.clone().into()
}

/// What a handler is called by.
fn handler<'a>(
    family: &Message,
    request: NewRequest<'a>,
    reply: NewResponder<'a>,
) -> Result<genl::Sent<'a>> {
    family.clone_(CloneRequest::of(&request)?)?;
    family.new(request, reply)
}

/// For the test above: there is no such request.
trait Of: Sized {
    fn of(_: &NewRequest<'_>) -> Result<Self> {
        Err(EINVAL)
    }
}

impl Of for CloneRequest<'_> {}

/// Traits of the prelude that sets and enums are called as.
fn bytes<T: AsRef<[u8]>>(bytes: &T) -> &[u8] {
    bytes.as_ref()
}
