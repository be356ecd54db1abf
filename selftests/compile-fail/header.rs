// SPDX-License-Identifier: GPL-2.0
//! Headers of a family's own.
//!
// covers: surface 11b
//@ padding: PaddingFree
//@     Bytes that nobody writes would be sent: what the stack had there.
// covers: surface 11b
//@ bytes: the trait bound `bool: (zerocopy::)?FromBytes` is not satisfied
//@     A request has any bytes, and not each of them is one of these values.
// covers: surface 11b
//@ length: genl: fam: has a header whose length is no multiple of 4
//@     The core looks for attributes at the next multiple.
// covers: surface 11b
//@ large: genl: fam: has a header of more than 1024 bytes
//@     A header is copied, on the stack.
// covers: surface 11b
//@ hdrsize: genl: fam: must have hdrsize::<Self>\(\) as its HDRSIZE
//@     The core would not look whether a request has the header.
// covers: surface 11b
//@ read: the method `header` exists for struct `Request<.*Show>`, but its trait bounds
//@     The header of this family is none of its own.
// covers: surface 11b
//@ forgotten: genl: get: has a message without the header of its family
//@     A reader would take attributes for it.
// covers: surface 11b
//@ stranger: genl: show: has a message with the header of another family
//@     A reader would take it for attributes.
// covers: surface 11b
//@ behind: genl: the header of a family stands in front of all attributes
//@     A reader looks for it in front.
// covers: surface 11b
//@ optional: genl: the header of a family stands in front of all attributes
//@     Each message has it.
// covers: surface 11b
//@ inside: genl: the header of a family stands in front of all attributes
//@     A nest has attributes.

#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(C)]
pub struct Index {
    #[cfg(any())] //~ not padding
    first: u8,
    ifindex: i32, //~ not length bytes
    ifindex: u16, //~ length
    is_up: bool, //~ bytes
    rest: [u8; 1021], //~ large
    last: [u8; 3], //~ large
}

pub struct Fam;

impl FixedHeader for Fam {
    type Header = Index;
}

impl Family for Fam {
    const NAME: &'static str = "fam";
    const VERSION: u8 = 1;
    const HDRSIZE: usize = genl::hdrsize::<Self>(); //~ not hdrsize
    const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_reply::<Get>()]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

pub struct Plain;

impl Family for Plain {
    const NAME: &'static str = "plain";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_reply::<Show>()]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Plain> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

command!(Get of Fam, "get" = 1);
command!(Show of Plain, "show" = 1);

impl Op for Get {
    type Policy = NoAttrs;
}

impl Op for Show {
    type Policy = NoAttrs;
}

pub struct Answer(Index);

impl Message<Get> for Answer {
    fn layout(&self) -> impl Layout + '_ {
        let header = Header::<Fam>(self.0);
        (U32::<1>(1),) //~ forgotten
        (U32::<1>(1), header) //~ behind
        (Some(header), U32::<1>(1)) //~ optional
        (Nest::<1, _>((header,)),) //~ inside
        ((header, U32::<1>(1)), Flag::<2>) //~ not forgotten behind optional inside
    }
}

impl Message<Show> for Answer {
    fn layout(&self) -> impl Layout + '_ {
        (Header::<Fam>(self.0), U32::<1>(1)) //~ stranger
        (U32::<1>(1),) //~ not stranger
    }
}

impl DoReply for Get {
    fn doit<'a>(_: &Fam, request: Request<'a, Self>, reply: Responder<'a, Self>) -> Result<Sent<'a>> {
        reply.send(&Answer(request.header()))
    }
}

impl DoReply for Show {
    fn doit<'a>(
        _: &Plain,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let _ = request.header(); //~ read
        let _ = request.portid();
        let index = Index::read_from_bytes(&[0; size_of::<Index>()]).map_err(|_| EINVAL)?;
        reply.send(&Answer(index))
    }
}
