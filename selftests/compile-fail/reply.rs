// SPDX-License-Identifier: GPL-2.0
//! Replies.
//!
// covers: surface 4a, trap b
//@ twice: use of moved value: `reply`
//@     genlmsg_reply() takes the message, also where it fails: a double free.
// covers: surface 4a, trap m
//@ forgotten: mismatched types
//@     The sender would wait for ever.
//@ stranger: the trait bound `Empty: Message<Get>` is not satisfied
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
//@ number: genl: an attribute number is from 1 to 16383
//@     Attribute 0 cannot be told from padding.
//@ array: genl: an attribute has at most 65531 bytes
//@     Its length has sixteen bits, and counts the header.
// covers: surface 4e
//@ flags: genl: get: has flags that the framework sets, or none may have
//@     A reader would wait for the end of something that has none.
//@ missing: genl: the part may be missing
//@     There would be no header to write the number into.
//@ missing-flag: genl: the part may be missing
//@     There would be no header to write the flag into.

type State = ();

family!(Fam, "fam", [genl::do_reply::<Get>(), genl::do_reply::<Other>()], []);
pub struct Get;

impl Command for Get {
    type Family = Fam;
    const NAME: &'static str = "get";
    const NUMBER: u8 = 1;
    const FLAGS: u16 = 0x2; //~ flags
    const FLAGS: u16 = 0x4; //~ not flags
}

command!(Other of Fam, "other" = 2);

impl Op for Get {
    type Policy = NoAttrs;
}

impl Op for Other {
    type Policy = NoAttrs;
}

pub struct Number(u32);

impl Message<Get> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<0>(self.0),) //~ number
        (Array::<1, 65532>([0; 65532]),) //~ array
        (Numbered(1, Some(U32::<1>(self.0))),) //~ missing
        (NetByteorder(Some(U32::<1>(self.0))),) //~ missing-flag
        (Numbered(1, U32::<1>(self.0)), Array::<2, 65531>([0; 65531])) //~ not number array missing missing-flag
    }
}

pub struct Empty;

impl Message<Other> for Empty {
    fn layout(&self) -> impl Layout + '_ {}
}

impl DoReply for Get {
    fn doit<'a>(_: &Fam, _: Request<'a, Self>, reply: Responder<'a, Self>) -> Result<Sent<'a>> {
        let later: Responder<'static, Self> = reply; //~ keep
        let later: Responder<'_, Self> = reply; //~ not keep
        let reply = later;
        reply.send(&Number(1))?; //~ twice
        reply.send(&Empty) //~ stranger
        Ok(()) //~ forgotten
        reply.send(&Number(2)) //~ not stranger forgotten
    }
}

impl DoReply for Other {
    fn doit<'a>(_: &Fam, _: Request<'a, Self>, reply: Responder<'a, Self>) -> Result<Sent<'a>> {
        let sent: Sent<'static> = reply.send(&Empty)?; //~ kept
        let mut kept = None; //~ parts-kept
        let sent = reply.multipart(|messages| { //~ not kept
            kept = Some(messages); //~ parts-kept
            Ok(()) //~ parts-kept
            messages.push(&Empty) //~ not kept parts-kept
        })?; //~ not kept
        Ok(sent)
    }
}
