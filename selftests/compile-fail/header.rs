// SPDX-License-Identifier: GPL-2.0
//! Headers of a family's own.
//!
// covers: surface 11b
//@ padding: `Index` has 3 total byte\(s\) of padding
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
//@ read: the method `header` exists for struct `Request<.*Show>`, but its trait bounds were not satisfied
//@ below: `Plain: (genl::)?FixedHeader`
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
    const OPS: &'static [SplitOp<Self>] = fam::OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

pub struct Plain;

impl Family for Plain {
    const NAME: &'static str = "plain";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = plain::OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Plain> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::attributes! {
    pub(crate) mod number: NumberSet {
        Value = 1: U32,
        Inside = 2: Nest<NumberSet> = Attr::any_nest(),
        Present = 3: Flag,
    }
}

mod fam {
    use super::*;

    genl::operations! {
        for Fam;
        do_reply Get = "get" 1, Anyone, NumberSet [] => get;
    }
}

mod plain {
    use super::*;

    genl::operations! {
        for Plain;
        do_reply Show = "show" 1, Anyone, NumberSet [] => show;
    }
}

use fam::Get;
use plain::Show;

impl Fam {
    fn get<'a>(&self, request: Request<'a, Get>, reply: Responder<'a, Get>) -> Result<Sent<'a>> {
        let header = Header::<Fam>(request.header());
        reply.send(&(number::Value.put(1u32),)) //~ forgotten
        reply.send(&(number::Value.put(1u32), header)) //~ behind
        reply.send(&(Some(header), number::Value.put(1u32))) //~ optional
        reply.send(&(Header::<Fam>(header.0), number::Inside.put((header,)))) //~ inside
        reply.send(&((header, number::Value.put(1u32)), number::Present.put(()))) //~ not forgotten behind optional inside
    }
}

impl Plain {
    fn show<'a>(&self, request: Request<'a, Show>, reply: Responder<'a, Show>) -> Result<Sent<'a>> {
        let _ = request.header(); //~ read
        let _ = request.portid();
        let index = Index::read_from_bytes(&[0; size_of::<Index>()]).map_err(|_| EINVAL)?;
        reply.send(&(Header::<Fam>(index), number::Value.put(1u32))) //~ stranger
        reply.send(&(number::Value.put(1u32),)) //~ not stranger
    }
}
