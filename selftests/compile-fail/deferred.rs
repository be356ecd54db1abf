// SPDX-License-Identifier: GPL-2.0
//! Deferred replies.
//!
// covers: surface 4b
//@ twice: use of moved value: `token`
//@     The requester would get two answers to one request.
// covers: surface 4b
//@ both: use of moved value: `reply`
//@     The same: one now, one later.
// covers: surface 4b
//@ stranger: the trait bound `Empty: Message<Get>` is not satisfied
//@     The reply of another operation has other attributes.
// covers: surface 4b, trap 25
//@ unregistered: this method takes 2 arguments but 1 argument was supplied
//@     When the family has gone, its number may be that of another.
// covers: surface 4b, trap ag
//@ no-job: expected `&Job<Fam>`, found `&Registered<Fam>`
//@     An answer may sleep, and who is registered may be in an interrupt.
// covers: surface 4b
//@ once: cannot move out of `\w+`, a captured variable in an `FnMut` closure
//@     Work may run many times, and a request is answered once.
// covers: surface 4b
//@ not-send: cannot be sent between threads safely
//@     A job runs in another task.
// covers: surface 4b
//@ borrow: borrowed data escapes outside of (associated function|method)
//@     What was read from a request is gone when the job runs.
// covers: surface 4b
//@ forgotten: mismatched types
//@     The handler has to say that the answer will come.

type State = ();

family!(Fam, "fam", [genl::do_reply::<Get>(), genl::do_reply::<Other>()], []);
command!(Get of Fam, "get" = 1);
command!(Other of Fam, "other" = 2);

impl Policy for Get {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::binary(8)];
}

impl Op for Get {
    type Policy = Self;
}

impl Op for Other {
    type Policy = NoAttrs;
}

pub struct Number(u32);

impl Message<Get> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

pub struct Empty;

impl Message<Other> for Empty {
    fn layout(&self) -> impl Layout + '_ {}
}

impl DoReply for Get {
    fn doit<'a>(_: &Fam, request: Request<'a, Self>, reply: Responder<'a, Self>) -> Result<Sent<'a>> {
        let bytes: &[u8] = request.binary::<1>().unwrap_or_default();
        let len = bytes.len() as u32;
        let bytes = [0; 8]; //~ not borrow
        let local = 0 as *const u8; //~ not-send
        let (token, sent) = reply.defer()?;
        reply.send(&Number(1))?; //~ both
        if len == 8 {
            let mut kept = Some(token); //~ not once
            let work = FamilyWork::<Fam>::new(move |job| {
                if let Some(token) = kept.take() { //~ not once
                    let _ = token.send(job, &Number(8)); //~ not once
                } //~ not once
                let _ = token.send(job, &Number(8)); //~ once
            })?;
            request.registered().queue_work(&work);
            return Ok(sent);
        }
        request.registered().queue_delayed_work(10, move |job| {
            drop(bytes);
            let _ = &local; //~ not-send
            token.finish(job); //~ twice
            let family: &Registered<Fam> = job; //~ no-job
            let _ = token.send(job, &Empty); //~ stranger
            let _ = token.send(&Number(len)); //~ unregistered
            let _ = token.send(family, &Number(len)); //~ no-job
            let _ = token.send(job, &Number(len)); //~ not stranger unregistered no-job
        })?;
        Ok(()) //~ forgotten
        Ok(sent) //~ not forgotten
    }
}

impl DoReply for Other {
    fn doit<'a>(_: &Fam, _: Request<'a, Self>, reply: Responder<'a, Self>) -> Result<Sent<'a>> {
        reply.send(&Empty)
    }
}
