// SPDX-License-Identifier: GPL-2.0
//! Attribute 0 can not be told from padding.
//@ error: genl: an attribute number is from 1 to 16383

type State = ();

family!(Fam, "fam", [genl::do_reply::<Get>(), genl::do_reply::<Other>()], []);
command!(Get of Fam, "get" = 1);
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
        (U32::<0>(self.0),) //~ WRONG
        (U32::<1>(self.0),) //~ RIGHT
    }
}

pub struct Empty;

impl Message<Other> for Empty {
    fn layout(&self) -> impl Layout + '_ {}
}

impl DoReply for Get {
    fn doit(_: &Fam, _: Request<'_, Self>, reply: Responder<'_, Self>) -> Result<Sent> {
        reply.send(&Number(1))
    }
}

impl DoReply for Other {
    fn doit(_: &Fam, _: Request<'_, Self>, reply: Responder<'_, Self>) -> Result<Sent> {
        reply.send(&Empty)
    }
}
