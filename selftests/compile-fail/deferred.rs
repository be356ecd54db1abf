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
//@ stranger: `Empty` is no message of `Get`
//@     The reply of another operation has other attributes.
// covers: surface 4b, trap 25
//@ unregistered: this method takes 2 arguments but 1 argument was supplied
//@ below: argument #1 of type `&Job<Fam>` is missing
//@     When the family has gone, its number may be that of another.
// covers: surface 4b, trap ag
//@ no-job: mismatched types
//@ below: expected `&Job<Fam>`, found `&Registered<Fam>`
//@     An answer may sleep, and who is registered may be in an interrupt.
// covers: surface 4b
//@ once: cannot move out of `\w+`, a captured variable in an `FnMut` closure
//@     Work may run many times, and a request is answered once.
// covers: surface 4b
//@ not-send: `\{closure@.*` cannot be kept for a later system call or job
//@     A job runs in another task.
// covers: surface 4b
//@ borrow: borrowed data escapes outside of (associated function|method)
//@     What was read from a request is gone when the job runs.
// covers: surface 4b
//@ forgotten: mismatched types
//@ below: expected `Sent<'_>`, found `\(\)`
//@     The handler has to say that the answer will come.
// covers: trap ah
//@ secret: genl: get: has secrets, which a deferred reply would keep a copy of
//@     The copy would not be wiped.

type State = ();

family!(Fam, "fam", OPS, &[]);

genl::attributes! {
    pub(crate) mod number: NumberSet {
        Value = 1: U32,
        Key = 2: Binary { max_len(8) },
    }
}

genl::operations! {
    for Fam;
    do_reply Get = "get" 1, Anyone, NumberSet [number::Key] => get;
    do_reply Other = "other" 2, Anyone, NumberSet [] => other;
}

impl Secrets for Get { //~ secret
    const SECRETS: &'static [Secret<Self>] = &[Secret::at::<number::Key>()]; //~ secret
} //~ secret

genl::messages! {
    pub(crate) struct Number: NumberSet for Get { value: number::Value }
    pub(crate) struct Empty: NumberSet for Other {}
}

fn number<'a>(value: u32) -> Number<'a> {
    Number { value: Some(value) }
}

impl Fam {
    fn get<'a>(&self, request: Request<'a, Get>, reply: Responder<'a, Get>) -> Result<Sent<'a>> {
        let bytes: &[u8] = request.get(number::Key).unwrap_or_default();
        let len = bytes.len() as u32;
        let bytes = [0; 8]; //~ not borrow
        let local = 0 as *const u8; //~ not-send
        let (token, sent) = reply.defer()?;
        reply.send(&number(1))?; //~ both
        if len == 8 {
            let mut kept = Some(token); //~ not once
            let work = FamilyWork::<Fam>::new(move |job| {
                if let Some(token) = kept.take() { //~ not once
                    let _ = token.send(job, &number(8)); //~ not once
                } //~ not once
                let _ = token.send(job, &number(8)); //~ once
            })?;
            request.registered().queue_work(&work);
            return Ok(sent);
        }
        request.registered().queue_delayed_work(kernel::time::Delta::from_millis(10), move |job| {
            drop(bytes);
            let _ = &local; //~ not-send
            token.finish(job); //~ twice
            let family: &Registered<Fam> = job; //~ no-job
            let _ = token.send(job, &Empty {}); //~ stranger
            let _ = token.send(&number(len)); //~ unregistered
            let _ = token.send(family, &number(len)); //~ no-job
            let _ = token.send(job, &number(len)); //~ not stranger unregistered no-job
        })?;
        Ok(()) //~ forgotten
        Ok(sent) //~ not forgotten
    }

    fn other<'a>(&self, _: Request<'a, Other>, reply: Responder<'a, Other>) -> Result<Sent<'a>> {
        reply.send(&Empty {})
    }
}
