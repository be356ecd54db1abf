// SPDX-License-Identifier: GPL-2.0

//! Commands 3 to 7: how a do is answered.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        AsText,
        Attribute,
        Both,
        Deferred,
        Guard,
        Job,
        Op,
        Request,
        Responder,
        Sent,
        Text, //
    },
    op,
    GenlTest, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

genl::attributes! {
    /// How a request is refused.
    pub(crate) mod refuse: RefuseSet {
        /// In which of the ways.
        Way = 1: U32,
        /// What may be to blame.
        Value = 2: U32 { max::<1000>() },
        /// A nest, which may be to blame as well.
        Inside = 3: Nest<InsideSet>,
    }

    /// What is in the nest.
    pub(crate) mod inside: InsideSet {
        /// A number.
        First = 1: U32,
        /// Another one, which is missed.
        Second = 2: U32,
    }

    /// How many replies there are to be.
    pub(crate) mod several: SeveralSet {
        /// So many.
        Count = 1: U32 { range::<1, 1000>() },
    }

    /// How the reply is put off.
    pub(crate) mod defer: DeferSet {
        /// What it is to say.
        Value = 1: U32,
        /// For how many milliseconds.
        Delay = 2: U32 { max::<10_000>() },
        /// In which of the ways it is given.
        Way = 3: U32,
    }

    /// The reply of both.
    pub(crate) mod answer: NumberSet {
        /// A number.
        Number = 1: U32,
    }

    /// What the guards do.
    pub(crate) mod guarded: GuardedSet {
        /// The guard of the operation refuses the request.
        Barred = 1: Flag,
        /// The handler does.
        Fails = 2: Flag,
        /// What the guards had done before the handler of this request noted 4, as digits.
        Steps = 3: Str,
    }
}

genl::messages! {
    /// A message with one number.
    pub(crate) struct Number: NumberSet for op::Several, op::Defer { number: answer::Number }
}

fn number(number: u32) -> Number<'static> {
    Number {
        number: Some(number),
    }
}

impl GenlTest {
    pub(crate) fn refuse(&self, request: Request<'_, op::Refuse>) -> Result {
        let value = || request.need(refuse::Value);
        let nest = || request.need(refuse::Inside);
        Err(match request.need(refuse::Way)? {
            1 => request.refuse(refuse::Value, ERANGE, c"a fixed text"),
            2 => request.refuse_fmt(
                refuse::Value,
                EDOM,
                fmt!("the value {} is not liked", value()?),
            ),
            3 => request.refuse_with_policy(refuse::Value, EINVAL, c"see the policy"),
            4 => nest()?.refuse(inside::First, EINVAL, c"inside of the nest"),
            5 => nest()?.missing(inside::Second),
            6 => {
                request.extack().set_cookie(b"cookie\x01\x02");
                request.extack().set_text(c"a warning, and no error");
                return Ok(());
            }
            // The last character that would fit has two bytes, and only one has room.
            7 => request.refuse_fmt(refuse::Value, EINVAL, fmt!("{:>78}ä{}", "text", value()?)),
            8 => {
                request.extack().set_cookie(b"12345678");
                request.extack().set_fmt(fmt!("no attribute is to blame"));
                EPERM
            }
            _ => request.refuse(refuse::Way, EOPNOTSUPP, c"unknown way"),
        })
    }

    pub(crate) fn several<'a>(
        &self,
        request: Request<'a, op::Several>,
        reply: Responder<'a, op::Several>,
    ) -> Result<Sent<'a>> {
        let count = request.need(several::Count)?;
        for i in 1..count {
            reply.send_more(&number(i))?;
        }
        reply.send(&number(count))
    }

    pub(crate) fn defer<'a>(
        &self,
        request: Request<'a, op::Defer>,
        reply: Responder<'a, op::Defer>,
    ) -> Result<Sent<'a>> {
        let value = request.need(defer::Value)?;
        let delay = Delta::from_millis(request.get(defer::Delay).unwrap_or(0).into());
        let way = request.get(defer::Way).unwrap_or(0);
        let (token, sent) = reply.defer()?;
        // Whatever cannot be sent reaches nobody: the requester has gone.
        let redeem = move |token: Deferred<op::Defer>, job: &Job<GenlTest>| match way {
            0 => token.send(job, &number(value)),
            1 => {
                token.fail_with(job, EDOM, c"a late error");
                Ok(())
            }
            2 => {
                token.finish(job);
                Ok(())
            }
            6 => token.multipart(job, |messages| {
                (0..value).try_for_each(|count| messages.push(&number(count)))
            }),
            7 => token.multipart(job, |messages| {
                messages.push(&number(value))?;
                messages.next_buffer()?;
                messages.push(&number(value))?;
                Err(EDOM)
            }),
            // Until the requester closes its socket.
            8 => {
                for _ in 0..1000 {
                    if token.is_closed() {
                        job.state().closed.fetch_add(1, Relaxed);
                        break;
                    }
                    fsleep(Delta::from_millis(10));
                }
                Ok(())
            }
            9 => token.send(job, &number(job.state().closed.load(Relaxed))),
            _ => {
                drop(token);
                Ok(())
            }
        };
        match way {
            // Before the handler returns.
            4 => token.send(request.job(), &number(value))?,
            // The handler fails, and the token is dropped.
            5 => return Err(EINVAL),
            _ => request.registered().queue_delayed_work(delay, move |job| {
                let _ = redeem(token, job);
            })?,
        }
        Ok(sent)
    }

    pub(crate) fn guarded<'a>(
        &'a self,
        guard: &mut BothGuards<'a>,
        request: Request<'a, op::Guarded>,
        reply: Responder<'a, op::Guarded>,
    ) -> Result<Sent<'a>> {
        if request.get(guarded::Fails) {
            return Err(request.refuse(guarded::Fails, EDOM, c"the handler fails"));
        }
        let mut text = Text::<10>::new();
        text.push_decimal(self.guards.steps.load(Relaxed))?;
        guard.inner().0.note(4);
        reply.send(&(guarded::Steps.put(&text as &dyn AsText),))
    }

    /// Forgets all steps but those of this request.
    pub(crate) fn guarded_set<'a>(
        &'a self,
        _: &mut FamilyGuard<'a>,
        _: Request<'a, op::GuardedSet>,
    ) -> Result {
        self.guards.steps.store(0, Relaxed);
        Ok(())
    }
}

/// What the guards of the family have done.
pub(crate) struct Guards {
    /// A digit for each step, the last one last.
    steps: Atomic<u32>,
}

impl Guards {
    pub(crate) const fn new() -> Self {
        Self {
            steps: Atomic::new(0),
        }
    }

    fn note(&self, digit: u32) {
        let steps = self.steps.load(Relaxed);
        self.steps.store((steps % 10_000_000) * 10 + digit, Relaxed);
    }
}

/// The guard of all operations that name it: notes 1 and 8.
pub(crate) struct FamilyGuard<'a>(&'a Guards);

impl<'a, O: Op<Family = GenlTest>> Guard<'a, O> for FamilyGuard<'a> {
    fn enter(family: &'a GenlTest, _: &Request<'a, O>) -> Result<Self> {
        family.guards.note(1);
        Ok(Self(&family.guards))
    }
}

impl Drop for FamilyGuard<'_> {
    fn drop(&mut self) {
        self.0.note(8);
    }
}

/// The guard of [`op::Guarded`]: notes 2 and 7, and refuses what says so.
pub(crate) struct OpGuard<'a>(&'a Guards);

impl<'a> Guard<'a, op::Guarded> for OpGuard<'a> {
    fn enter(family: &'a GenlTest, request: &Request<'a, op::Guarded>) -> Result<Self> {
        if request.get(guarded::Barred) {
            return Err(request.refuse(guarded::Barred, EACCES, c"the guard does not let you in"));
        }
        family.guards.note(2);
        Ok(Self(&family.guards))
    }
}

impl Drop for OpGuard<'_> {
    fn drop(&mut self) {
        self.0.note(7);
    }
}

/// Both of them, that of the family around that of the operation.
pub(crate) type BothGuards<'a> = Both<FamilyGuard<'a>, OpGuard<'a>>;
