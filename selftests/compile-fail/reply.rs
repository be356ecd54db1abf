// SPDX-License-Identifier: GPL-2.0
//! Replies.
//!
// covers: surface 4a, trap b
//@ twice: use of moved value: `reply`
//@     genlmsg_reply() takes the message, also where it fails: a double free.
// covers: surface 4a, trap m
//@ forgotten: mismatched types
//@ below: expected `Sent<'_>`, found `\(\)`
//@     The sender would wait for ever.
//@ stranger: `Empty` is no message of `Get`
//@     The reply of another operation has other attributes.
// covers: trap k
//@ keep: lifetime may not live long enough
//@     What a later reply would be sent to may be gone, or somebody else by then.
// covers: trap y
//@ kept: lifetime may not live long enough
//@     It would answer another request.
// covers: surface 4f
//@ parts-kept: borrowed data escapes outside of closure
//@     Behind the end nothing can follow.
//@ set: `NumberSet` does not carry the attribute `other::Value`
//@     A reader would take it for an attribute of the set of the operation.
//@ nest-set: `InnerSet` does not carry the attribute `number::Value`
//@     A reader would take it for an attribute of the set of the nest.
//@ bare: `u32` does not consist of attributes of `NumberSet`
//@     A value alone has no number.
//@ value: the attribute holds a `u32`, and this is a `u64`
//@     A reader expects four bytes.
//@ text: an attribute of the kind `genl::kind::Str` cannot be sent with the value `u32`
//@     A reader expects a string.
//@ many: an attribute of the kind `genl::kind::Many<genl::kind::U32>` cannot be sent with the value
//@     What comes several times is sent by `each()`.
//@ each: `genl::kind::U32` is no kind that comes several times
//@     A reader would see the last one only.
//@ member: mismatched types
//@ below: expected `u32`, found `u64`
//@     A reader expects four bytes.
//@ number: genl: an attribute number is at most 16383
//@     The two bits above it are flags.
//@ enumeration: genl: an enumeration has values that its number cannot hold
//@     It would be cut.
//@ array: genl: an attribute has at most 65531 bytes
//@     Its length has sixteen bits, and counts the header.
// covers: surface 4e
//@ flags: genl: get: has flags that the framework sets, or none may have
//@     A reader would wait for the end of something that has none.

type State = ();

family!(Fam, "fam", OPS, &[]);

const FLAGS: u16 = 0x2; //~ flags
const FLAGS: u16 = 0x4; //~ not flags

genl::attributes! {
    pub(crate) mod number: NumberSet {
        Value = 1: U32,
        Inside = 2: Nest<InnerSet>,
        Values = 3: Many<U32>,
        Name = 4: Str { max_len(8) },
        Level = 5: Of<U8, Level>,
    }

    pub(crate) mod inner: InnerSet {
        Value = 1: U32,
    }

    pub(crate) mod other: OtherSet {
        Value = 1: U32,
    }
}

genl::enumerations! {
    pub(crate) enum Level {
        Low = 1,
        High = 256, //~ enumeration
        High = 255, //~ not enumeration
    }
}

attribute!(Number of NumberSet = 16384: U32); //~ number
attribute!(Number of NumberSet = 16383: U32); //~ not number

/// One that no policy has.
#[derive(Clone, Copy)]
pub(crate) struct Large;

impl Attribute for Large {
    type Set = NumberSet;
    type Kind = Array<65532>; //~ array
    type Kind = Array<65531>; //~ not array
    const NUMBER: u16 = 2;
    const RULE: Attr = Attr::unused();
}

genl::operations! {
    for Fam;
    do_reply Other = "other" 2, Anyone, OtherSet [] => other;
}

/// As the macro makes them, but for the flags.
pub(crate) struct Get;

impl Command for Get {
    type Family = Fam;
    type Set = NumberSet;
    const NAME: &'static str = "get";
    const NUMBER: u8 = 1;
    const FLAGS: u16 = FLAGS;
}

impl Op for Get {
    type Policy = NoAttrs;
}

const TABLE: &[SplitOp<Fam>] = &genl::table([genl::do_reply::<Get>(), genl::do_reply::<Other>()]);

genl::messages! {
    pub(crate) struct Reply: NumberSet for Get { value: number::Value }
    pub(crate) struct Empty: OtherSet for Other {}
}

impl DoReply for Get {
    fn doit<'a>(_: &Fam, _: Request<'a, Self>, reply: Responder<'a, Self>) -> Result<Sent<'a>> {
        let later: Responder<'static, Self> = reply; //~ keep
        let later: Responder<'_, Self> = reply; //~ not keep
        let reply = later;
        reply.send_more(&(Number.put(1u32), Large.put([0; 65531])))?; //~ not array
        reply.send_more(&(Number.put(1u32), Large.put([0; 65532])))?; //~ array
        reply.send_more(&(other::Value.put(1u32),))?; //~ set
        reply.send_more(&(number::Inside.put((number::Value.put(1u32),)),))?; //~ nest-set
        reply.send_more(&(number::Inside.put((inner::Value.put(1u32),)),))?;
        reply.send_more(&(1u32,))?; //~ bare
        reply.send_more(&(number::Value.put(1u64),))?; //~ value
        reply.send_more(&(number::Value.put(1),))?;
        reply.send_more(&(number::Name.put(1u32),))?; //~ text
        reply.send_more(&(number::Name.put(c"one"),))?;
        reply.send_more(&(number::Level.put(Level::Low),))?;
        reply.send_more(&(number::Values.put(1u32),))?; //~ many
        reply.send_more(&(number::Value.each([1u32, 2]),))?; //~ each
        reply.send_more(&(number::Values.each([1u32, 2]),))?;
        reply.send_more(&Reply { value: Some(1u64) })?; //~ member
        reply.send(&Reply { value: Some(1) })?; //~ twice
        reply.send(&Empty {}) //~ stranger
        Ok(()) //~ forgotten
        reply.send(&Reply { value: Some(2) }) //~ not stranger forgotten
    }
}

impl Fam {
    fn other<'a>(&self, _: Request<'a, Other>, reply: Responder<'a, Other>) -> Result<Sent<'a>> {
        let sent: Sent<'static> = reply.send(&Empty {})?; //~ kept
        let mut kept = None; //~ parts-kept
        let sent = reply.multipart(|messages| { //~ not kept
            kept = Some(messages); //~ parts-kept
            Ok(()) //~ parts-kept
            messages.push(&Empty {}) //~ not kept parts-kept
        })?; //~ not kept
        Ok(sent)
    }
}
