// SPDX-License-Identifier: GPL-2.0

//! Commands 17 to 19: safe code that makes it hard for the framework to come to an end.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Attribute,
        Cursor,
        DumpResult,
        DumpState,
        Family,
        Message,
        Objects,
        PerSocket,
        Request, //
    },
    op,
    GenlTest, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::Delta,
    ThisModule, //
};

genl::attributes! {
    /// What is kept.
    pub(crate) mod own: OwnSet {
        /// 0: what keeps it, 1: another state of the same socket.
        Way = 1: U32 { max::<1>() },
    }

    /// The object that comes again and again.
    pub(crate) mod same: SameSet {
        /// A number.
        Number = 1: U32,
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

impl GenlTest {
    pub(crate) fn hold(&self, request: Request<'_, op::Hold>) -> Result {
        let guard = GenlTest::descriptor().registered().ok_or(ENODEV)?;
        request
            .registered()
            .queue_delayed_work(Delta::from_secs(20), move |_| drop(guard))
    }

    pub(crate) fn own(&self, request: Request<'_, op::Own>) -> Result {
        let way = request.need(own::Way)?;
        self.keeper.states.get_or_make(&request, || match way {
            0 => Ok(State::Keeper(self.keeper.clone())),
            _ => {
                let another = PerSocket::new(request.registered().module())?;
                // A state of the same socket goes with it.
                another.get_or_make(&request, || Ok(0))?;
                Ok(State::Another(another))
            }
        })?;
        Ok(())
    }

    pub(crate) fn stay(&self, _: Request<'_, op::Stay>) -> Result<Stuck> {
        Ok(Stuck)
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

impl Cursor<op::Stay> for Stuck {
    fn place(&self) -> u64 {
        0
    }

    fn peek(&self) -> Option<impl Message<op::Stay> + '_> {
        Some((same::Number.put(0),))
    }

    fn advance(&mut self) {}
}

impl DumpState<op::Stay> for Stuck {
    fn dump(&mut self, _: &GenlTest, objects: &mut Objects<'_, op::Stay>) -> DumpResult {
        objects.run(self)
    }
}
