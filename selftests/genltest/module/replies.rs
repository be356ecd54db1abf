// SPDX-License-Identifier: GPL-2.0

//! Commands 3 to 7: how a do is answered.

#![forbid(unsafe_code)]

use crate::{
    commands,
    genl::{
        layout::{
            AsText,
            Str,
            Text,
            U32, //
        },
        Attr,
        Both,
        Deferred,
        Do,
        DoReply,
        Guard,
        GuardedDo,
        GuardedDoReply,
        Job,
        Layout,
        Message,
        NoAttrs,
        Op,
        Policy,
        Request,
        Responder,
        Sent, //
    },
    GenlTest, //
};
use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

commands! {
    /// Refuse the request in one of the ways that there are.
    Refuse = 3, "refuse";
    /// Reply several times.
    Several = 4, "several";
    /// Reply later.
    Defer = 5, "defer";
    /// Reply from inside of guards.
    Guarded = 6, "guarded";
    /// The same without a reply.
    GuardedSet = 7, "guarded-set";
}

/// What is in the nest of [`Refuse`].
pub(crate) struct Inside;

impl Policy for Inside {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::u32()];
}

impl Policy for Refuse {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32(),
        Attr::u32().max::<1000>(),
        Attr::nested::<Inside>(),
    ];
}

impl Op for Refuse {
    type Policy = Self;
}

impl Do for Refuse {
    fn doit(_: &GenlTest, request: Request<'_, Self>) -> Result {
        let value = || request.u32::<2>().ok_or_else(|| request.missing::<2>());
        let nest = || {
            request
                .nest::<3, Inside>()
                .ok_or_else(|| request.missing::<3>())
        };
        let way = request.u32::<1>().ok_or_else(|| request.missing::<1>())?;
        Err(match way {
            1 => request.refuse::<2>(ERANGE, c"a fixed text"),
            2 => request.refuse_fmt::<2>(EDOM, fmt!("the value {} is not liked", value()?)),
            3 => request.refuse_with_policy::<2>(EINVAL, c"see the policy"),
            4 => request.refuse_in::<1, Inside>(&nest()?, EINVAL, c"inside of the nest"),
            5 => request.missing_in::<2, Inside>(&nest()?),
            6 => {
                request.extack().set_cookie(b"cookie\x01\x02");
                request.extack().set_text(c"a warning, and no error");
                return Ok(());
            }
            // The last character that would fit has two bytes, and only one has room.
            7 => request.refuse_fmt::<2>(EINVAL, fmt!("{:>78}ä{}", "text", value()?)),
            8 => {
                request.extack().set_cookie(b"12345678");
                request.extack().set_fmt(fmt!("no attribute is to blame"));
                EPERM
            }
            _ => request.refuse::<1>(EOPNOTSUPP, c"unknown way"),
        })
    }
}

/// A message with one number.
pub(crate) struct Number(pub(crate) u32);

impl Message<Several> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl Message<Defer> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl Policy for Several {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().range::<1, 1000>()];
}

impl Op for Several {
    type Policy = Self;
}

impl DoReply for Several {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let count = request.u32::<1>().ok_or_else(|| request.missing::<1>())?;
        for i in 1..count {
            reply.send_more(&Number(i))?;
        }
        reply.send(&Number(count))
    }
}

impl Policy for Defer {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32(),
        Attr::u32().max::<10_000>(),
        Attr::u32(),
    ];
}

impl Op for Defer {
    type Policy = Self;
}

impl DoReply for Defer {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let value = request.u32::<1>().ok_or_else(|| request.missing::<1>())?;
        let delay = request.u32::<2>().unwrap_or(0);
        let way = request.u32::<3>().unwrap_or(0);
        let (token, sent) = reply.defer()?;
        // Whatever cannot be sent reaches nobody: the requester has gone.
        let redeem = move |token: Deferred<Self>, job: &Job<GenlTest>| match way {
            0 => token.send(job, &Number(value)),
            1 => {
                token.fail_with(job, EDOM, c"a late error");
                Ok(())
            }
            2 => {
                token.finish(job);
                Ok(())
            }
            6 => token.multipart(job, |messages| {
                (0..value).try_for_each(|number| messages.push(&Number(number)))
            }),
            7 => token.multipart(job, |messages| {
                messages.push(&Number(value))?;
                messages.next_buffer()?;
                messages.push(&Number(value))?;
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
            9 => token.send(job, &Number(job.state().closed.load(Relaxed))),
            _ => {
                drop(token);
                Ok(())
            }
        };
        match way {
            // Before the handler returns.
            4 => token.send(request.job(), &Number(value))?,
            // The handler fails, and the token is dropped.
            5 => return Err(EINVAL),
            _ => request.registered().queue_delayed_work(delay, move |job| {
                let _ = redeem(token, job);
            })?,
        }
        Ok(sent)
    }
}

/// What the guards of the family have done.
pub(crate) struct Guards {
    /// A digit for each step, the last one last.
    steps: AtomicU32,
}

impl Guards {
    pub(crate) const fn new() -> Self {
        Self {
            steps: AtomicU32::new(0),
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

/// The guard of [`Guarded`]: notes 2 and 7, and refuses what says so.
pub(crate) struct OpGuard<'a>(&'a Guards);

impl<'a> Guard<'a, Guarded> for OpGuard<'a> {
    fn enter(family: &'a GenlTest, request: &Request<'a, Guarded>) -> Result<Self> {
        if request.flag::<1>() {
            return Err(request.refuse::<1>(EACCES, c"the guard does not let you in"));
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

impl Policy for Guarded {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::flag(), Attr::flag()];
}

impl Op for Guarded {
    type Policy = Self;
}

/// What the guards had done before the handler of this request noted 4, as digits.
struct Steps(Text<10>);

impl Message<Guarded> for Steps {
    fn layout(&self) -> impl Layout + '_ {
        (Str::<3>::new(&self.0 as &dyn AsText),)
    }
}

impl GuardedDoReply for Guarded {
    type Guard<'a> = Both<FamilyGuard<'a>, OpGuard<'a>>;

    fn doit<'a>(
        family: &'a GenlTest,
        guard: &mut Self::Guard<'a>,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        if request.flag::<2>() {
            return Err(request.refuse::<2>(EDOM, c"the handler fails"));
        }
        let mut text = Text::new();
        text.push_decimal(family.guards.steps.load(Relaxed))?;
        guard.inner().0.note(4);
        reply.send(&Steps(text))
    }
}

impl Op for GuardedSet {
    type Policy = NoAttrs;
}

impl GuardedDo for GuardedSet {
    type Guard<'a> = FamilyGuard<'a>;

    /// Forgets all steps but those of this request.
    fn doit<'a>(family: &'a GenlTest, _: &mut Self::Guard<'a>, _: Request<'a, Self>) -> Result {
        family.guards.steps.store(0, Relaxed);
        Ok(())
    }
}
