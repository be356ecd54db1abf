// SPDX-License-Identifier: GPL-2.0

//! A second family, whose messages have a header of their own: each kind of message.

#![forbid(unsafe_code)]

use crate::genl::{
    layout::{
        Each,
        Header,
        U32, //
    },
    Attr,
    Command,
    Do,
    DoReply,
    Dump,
    DumpResult,
    Family,
    FamilyDescriptor,
    FixedHeader,
    Group,
    Layout,
    Listen,
    Message,
    MulticastGroup,
    Notify,
    Objects,
    Op,
    Policy,
    Request,
    Responder,
    Sent,
    SplitOp,
    Validation, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// The header. Its last member is not aligned in a message, where the header begins at 20.
#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Numbers {
    index: i32,
    count: u16,
    bytes: [u8; 2],
    large: u64,
}

/// The family. It has no state.
pub(crate) struct Headed;

impl FixedHeader for Headed {
    type Header = Numbers;
}

impl Family for Headed {
    const NAME: &'static str = "genltest-header";
    const VERSION: u8 = 1;
    const HDRSIZE: usize = crate::genl::hdrsize::<Self>();
    const RESV_START_OP: u8 = 2;
    const GROUPS: &'static [MulticastGroup<Self>] = &[MulticastGroup::new("news", Listen::Anyone)];
    const OPS: &'static [SplitOp<Self>] = &crate::genl::table([
        crate::genl::do_reply::<Old>(),
        crate::genl::dump::<OldDump>(),
        crate::genl::do_reply::<Echo>(),
        crate::genl::dump::<Count>(),
        crate::genl::do_::<Tell>(),
    ]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Headed> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

macro_rules! commands {
    ($($(#[$doc:meta])* $type:ident = $number:literal, $name:literal, $flags:expr;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $type;

            impl Command for $type {
                type Family = Headed;
                const NAME: &'static str = $name;
                const NUMBER: u8 = $number;
                // CAST: Flags are bits of 16.
                const FLAGS: u16 = $flags as u16;
            }
        )*
    };
}

commands! {
    /// [`Echo`], with all liberties of an old command, and a flag of its own.
    Old = 1, "old", bindings::NLM_F_ACK;
    /// [`Count`], with all liberties of an old command, and a flag of its own.
    OldDump = 1, "old", bindings::NLM_F_ACK;
    /// Return the header, and the attributes.
    Echo = 2, "echo", 0;
    /// Dump as many objects as the header says.
    Count = 2, "count", 0;
    /// Notify the group, also by an echo.
    Tell = 3, "tell", 0;
    /// The notification.
    News = 4, "news", bindings::NLM_F_CREATE | bindings::NLM_F_EXCL;
}

/// The group, by its place.
pub(crate) struct ToAll;

impl Group for ToAll {
    type Family = Headed;
    const INDEX: u32 = 0;
}

impl Notify for News {
    type Group = ToAll;
}

/// Several numbers.
pub(crate) struct Several;

impl Policy for Several {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32()];
}

const OLD: Validation = Validation::LIBERAL_DO
    .or(Validation::UNCHECKED_DUMP)
    .or(Validation::LIBERAL_DUMP);

impl Op for Old {
    type Policy = Several;
    const VALIDATION: Validation = OLD;
}

impl Op for OldDump {
    type Policy = Several;
    const VALIDATION: Validation = OLD;
}

impl Op for Echo {
    type Policy = Several;
}

impl Op for Count {
    type Policy = Several;
}

impl Op for Tell {
    type Policy = Several;
}

/// A header, changed so that it is not that of the request, and the attributes of a request.
struct Reply<'a, O: Op>(&'a Request<'a, O>);

impl<'a, O: Op<Family = Headed, Policy = Several>> Reply<'a, O> {
    fn header(&self) -> Header<Headed> {
        let mut header = self.0.header();
        header.index = header.index.wrapping_neg();
        header.bytes.reverse();
        Header(header)
    }

    fn parts(&self) -> impl Layout + '_ {
        (
            self.header(),
            Each::new(self.0.all::<1, u32>().map(U32::<1>)),
        )
    }
}

impl Message<Old> for Reply<'_, Old> {
    fn layout(&self) -> impl Layout + '_ {
        self.parts()
    }
}

impl Message<Echo> for Reply<'_, Echo> {
    fn layout(&self) -> impl Layout + '_ {
        self.parts()
    }
}

impl Message<News> for Reply<'_, Tell> {
    fn layout(&self) -> impl Layout + '_ {
        self.parts()
    }
}

impl DoReply for Old {
    fn doit<'a>(
        _: &Headed,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Reply(&request))
    }
}

impl DoReply for Echo {
    fn doit<'a>(
        _: &Headed,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Reply(&request))
    }
}

impl Do for Tell {
    fn doit(_: &Headed, request: Request<'_, Self>) -> Result {
        request.notify::<News, _>(&Reply(&request), GFP_KERNEL)
    }
}

/// An object: how many follow it, and the number that the request has.
struct Object(Numbers, Option<u32>);

impl Message<Count> for Object {
    fn layout(&self) -> impl Layout + '_ {
        (Header::<Headed>(self.0), self.1.map(U32::<1>))
    }
}

impl Message<OldDump> for Object {
    fn layout(&self) -> impl Layout + '_ {
        // The header may stand in a tuple that comes first.
        ((Header::<Headed>(self.0),), self.1.map(U32::<1>))
    }
}

/// Pushes the objects that are left.
fn push<O: Op<Family = Headed>>(
    left: &mut (Numbers, Option<u32>),
    objects: &mut Objects<'_, O>,
) -> DumpResult
where
    Object: Message<O>,
{
    while left.0.count > 0 {
        let mut header = left.0;
        header.count = header.count.wrapping_sub(1);
        objects.push(&Object(header, left.1))?;
        left.0 = header;
    }
    Ok(())
}

impl Dump for OldDump {
    type State = (Numbers, Option<u32>);

    fn start(_: &Headed, request: Request<'_, Self>) -> Result<Self::State> {
        Ok((request.header(), request.u32::<1>()))
    }

    fn dump(_: &Headed, left: &mut Self::State, objects: &mut Objects<'_, Self>) -> DumpResult {
        push(left, objects)
    }
}

impl Dump for Count {
    type State = (Numbers, Option<u32>);

    fn start(_: &Headed, request: Request<'_, Self>) -> Result<Self::State> {
        Ok((request.header(), request.u32::<1>()))
    }

    fn dump(_: &Headed, left: &mut Self::State, objects: &mut Objects<'_, Self>) -> DumpResult {
        push(left, objects)
    }
}
