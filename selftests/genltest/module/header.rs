// SPDX-License-Identifier: GPL-2.0

//! A second family, whose messages have a header of their own: each kind of message.

#![forbid(unsafe_code)]

use crate::genl::{
    self,
    kind::*,
    Attribute,
    Carries,
    Command,
    DumpResult,
    DumpState,
    Family,
    FamilyDescriptor,
    FixedHeader,
    Header,
    InSet,
    Message,
    MulticastGroup,
    Objects,
    Op,
    Parts,
    Request,
    Responder,
    Sent,
    SplitOp, //
};
use kernel::prelude::*;

/// The header. Its last member is not aligned in a message, where the header begins at 20.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes)]
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
    const HDRSIZE: usize = genl::hdrsize::<Self>();
    const RESV_START_OP: u8 = 2;
    const GROUPS: &'static [MulticastGroup<Self>] = GROUPS;
    const OPS: &'static [SplitOp<Self>] = OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Headed> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::attributes! {
    /// Several numbers.
    pub(crate) mod several: SeveralSet {
        /// Any of them.
        Number = 1: Many<U32>,
    }

    /// One number.
    pub(crate) mod single: SingleSet {
        /// The last one, where there are several.
        Number = 1: U32,
    }
}

genl::operations! {
    for Headed;

    /// [`Echo`], with all liberties of an old command, and a flag of its own.
    do_reply Old = "old" 1 | NLM_F_ACK,
        Anyone + LIBERAL_DO + UNCHECKED_DUMP + LIBERAL_DUMP, SeveralSet [..] => old;

    /// [`Count`], with all liberties of an old command, and a flag that it gets below.
    dump OldDump = "old" 1,
        Anyone + LIBERAL_DO + UNCHECKED_DUMP + LIBERAL_DUMP, SingleSet [..] => old_dump Left;

    /// Return the header, and the attributes.
    do_reply Echo = "echo" 2, Anyone, SeveralSet [..] => echo;

    /// Dump as many objects as the header says.
    dump Count = "count" 2, Anyone, SingleSet [..] => count Left;

    /// Notify the group, also by an echo.
    do Tell = "tell" 3, Anyone, SeveralSet [..] => tell;
}

// As for what a spec has declared.
genl::sent_with! {
    OldDump: NLM_F_ACK;
}

genl::groups! {
    for Headed;
    ToAll = 0 "news", Anyone;
}

genl::notifications! {
    for Headed;

    /// The notification.
    News = "news" 4 | NLM_F_CREATE | NLM_F_EXCL, SeveralSet => ToAll;
}

/// A header, changed so that it is not that of the request, and the attributes of a request.
struct Reply<'a, O: Op>(&'a Request<'a, O>);

impl<C, O> Message<C> for Reply<'_, O>
where
    C: Command<Set = SeveralSet>,
    O: Op<Family = Headed> + Carries<several::Number>,
{
    fn layout(&self) -> impl InSet<C::Set> + '_ {
        let mut header = self.0.header();
        header.index = header.index.wrapping_neg();
        header.bytes.reverse();
        (
            Header::<Headed>(header),
            several::Number.each(self.0.get(several::Number)),
        )
    }
}

genl::messages! {
    /// An object: how many follow it, and the number that the request has.
    pub(crate) struct Object: SingleSet with Headed for Count { number: single::Number }
}

impl Message<OldDump> for Object<'_> {
    fn layout(&self) -> impl InSet<SingleSet> + '_ {
        // The header may stand in a tuple that comes first.
        ((Header::<Headed>(self.header),), self.parts())
    }
}

/// The objects that are left: the header of the last one that was sent, and the number.
pub(crate) struct Left(Numbers, Option<u32>);

impl<O: Op<Family = Headed>> DumpState<O> for Left
where
    for<'a> Object<'a>: Message<O>,
{
    fn dump(&mut self, _: &Headed, objects: &mut Objects<'_, O>) -> DumpResult {
        while self.0.count > 0 {
            let mut header = self.0;
            header.count = header.count.wrapping_sub(1);
            objects.push(&Object {
                header,
                number: self.1,
            })?;
            self.0 = header;
        }
        Ok(())
    }
}

impl Headed {
    fn old<'a>(&self, request: Request<'a, Old>, reply: Responder<'a, Old>) -> Result<Sent<'a>> {
        reply.send(&Reply(&request))
    }

    fn echo<'a>(&self, request: Request<'a, Echo>, reply: Responder<'a, Echo>) -> Result<Sent<'a>> {
        reply.send(&Reply(&request))
    }

    fn tell(&self, request: Request<'_, Tell>) -> Result {
        request.notify::<News>(&Reply(&request), GFP_KERNEL)
    }

    fn old_dump(&self, request: Request<'_, OldDump>) -> Result<Left> {
        Ok(Left(request.header(), request.get(single::Number)))
    }

    fn count(&self, request: Request<'_, Count>) -> Result<Left> {
        Ok(Left(request.header(), request.get(single::Number)))
    }
}
