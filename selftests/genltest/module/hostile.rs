// SPDX-License-Identifier: GPL-2.0

//! Commands 17 to 19: safe code that makes it hard for the framework to come to an end.

#![forbid(unsafe_code)]

use crate::{
    commands,
    genl::{
        layout::U32,
        Attr,
        Cursor,
        Do,
        Dump,
        DumpResult,
        Family,
        Layout,
        Message,
        NoAttrs,
        Objects,
        Op,
        PerSocket,
        Policy,
        Request, //
    },
    GenlTest, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    ThisModule, //
};

commands! {
    /// Leave a job for later that owns what unregistering waits for.
    Hold = 17, "hold";
    /// Keep a state for the socket that is hard to drop.
    Own = 18, "own";
    /// Dump the same object again and again.
    Stay = 19, "stay";
}

impl Op for Hold {
    type Policy = NoAttrs;
}

impl Do for Hold {
    fn doit(_: &GenlTest, request: Request<'_, Self>) -> Result {
        let guard = GenlTest::descriptor().registered().ok_or(ENODEV)?;
        request
            .registered()
            .queue_delayed_work(20_000, move |_| drop(guard))
    }
}

/// What keeps states for sockets.
pub(crate) struct Keeper {
    states: PerSocket<State>,
}

impl Keeper {
    pub(crate) fn new(module: &'static ThisModule) -> Result<Arc<Self>> {
        let keeper = Self {
            states: PerSocket::new(module)?,
        };
        Ok(Arc::new(keeper, GFP_KERNEL)?)
    }
}

/// Does nothing but to be dropped.
enum State {
    /// With the socket may go what tells that sockets go.
    Keeper(#[allow(dead_code)] Arc<Keeper>),
    /// The same for other states.
    Another(#[allow(dead_code)] PerSocket<u32>),
}

impl Policy for Own {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().max::<1>()];
}

impl Op for Own {
    type Policy = Self;
}

impl Do for Own {
    fn doit(test: &GenlTest, request: Request<'_, Self>) -> Result {
        let way = request.u32::<1>().ok_or_else(|| request.missing::<1>())?;
        test.keeper.states.get_or_make(&request, || match way {
            0 => Ok(State::Keeper(test.keeper.clone())),
            _ => {
                let another = PerSocket::new(request.registered().module())?;
                // A state of the same socket goes with it.
                another.get_or_make(&request, || Ok(0))?;
                Ok(State::Another(another))
            }
        })?;
        Ok(())
    }
}

impl Op for Stay {
    type Policy = NoAttrs;
}

/// The object that comes again and again.
struct Same;

impl Message<Stay> for Same {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(0),)
    }
}

/// A cursor that does not move. No two of it are equal, which nobody asks.
#[derive(Clone, Copy)]
pub(crate) struct Stuck;

impl PartialEq for Stuck {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Cursor<Stay> for Stuck {
    fn place(&self) -> u64 {
        0
    }

    fn peek(&self) -> Option<impl Message<Stay> + '_> {
        Some(Same)
    }

    fn advance(&mut self) {}
}

impl Dump for Stay {
    type State = Stuck;

    fn start(_: &GenlTest, _: Request<'_, Self>) -> Result<Stuck> {
        Ok(Stuck)
    }

    fn dump(_: &GenlTest, cursor: &mut Stuck, objects: &mut Objects<'_, Self>) -> DumpResult {
        objects.run(cursor)
    }
}
