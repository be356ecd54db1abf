// SPDX-License-Identifier: GPL-2.0

//! Command 8: dumps with all that a dump can have.

#![forbid(unsafe_code)]

use crate::{
    commands,
    genl::{
        layout::{
            Bytes,
            U32, //
        },
        Attr,
        DoReply,
        Dump,
        DumpResult,
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
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;

commands! {
    /// Change the objects: dumps that have begun are inconsistent from here on.
    Change = 8, "objects";
    /// Dump objects.
    Objects = 8, "objects";
}

impl Op for Change {
    type Policy = NoAttrs;
}

/// The new generation.
struct Generation(u32);

impl Message<Change> for Generation {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl DoReply for Change {
    fn doit<'a>(
        test: &GenlTest,
        _: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let generation = test.generation.fetch_add(1, Relaxed).wrapping_add(1);
        reply.send(&Generation(generation))
    }
}

impl Policy for Objects {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32().max::<100_000>(),
        Attr::u32().range::<1, 1000>(),
        Attr::u32().max::<60_000>(),
        Attr::u32().max::<{ 1 << 20 }>(),
    ];
}

impl Op for Objects {
    type Policy = Self;
}

/// Where a dump stands. It is too large for the room that the core has, so it lives in a box.
pub(crate) struct State {
    next: u32,
    count: u32,
    step: u32,
    /// Whether the request has said how large the steps are.
    filtered: bool,
    size: usize,
    min_alloc: u32,
    /// All members of this say which round it is, so that a copy that is not whole is seen.
    rounds: [u32; 16],
}

/// An object, with as much data as was asked for.
struct Object<'a> {
    id: u32,
    round: u32,
    data: Option<&'a [u8]>,
}

impl Message<Objects> for Object<'_> {
    fn layout(&self) -> impl Layout + '_ {
        (
            U32::<5>(self.id),
            U32::<6>(self.round),
            self.data.map(Bytes::<7>),
        )
    }
}

static DATA: [u8; 60_000] = [0x5a; 60_000];

impl Dump for Objects {
    type State = State;

    fn start(_: &GenlTest, request: Request<'_, Self>) -> Result<State> {
        const { assert!(size_of::<State>() > 48) };
        Ok(State {
            next: 0,
            count: request.u32::<1>().ok_or_else(|| request.missing::<1>())?,
            step: request.u32::<2>().unwrap_or(1),
            filtered: request.u32::<2>().is_some(),
            size: request.u32::<3>().unwrap_or(0) as usize,
            min_alloc: request.u32::<4>().unwrap_or(0),
            rounds: [0; 16],
        })
    }

    fn filtered(state: &State) -> bool {
        state.filtered
    }

    fn min_dump_alloc(state: &State) -> u32 {
        state.min_alloc
    }

    fn dump(
        _: &GenlTest,
        state: &mut State,
        objects: &mut crate::genl::Objects<'_, Self>,
    ) -> DumpResult {
        let [first, rest @ ..] = &mut state.rounds;
        *first = first.wrapping_add(1);
        for round in rest {
            *round = round.wrapping_add(1);
            if *round != *first {
                return Err(EIO.into());
            }
        }
        while state.next < state.count {
            objects.push(&Object {
                id: state.next,
                round: *first,
                data: DATA.get(..state.size).filter(|data| !data.is_empty()),
            })?;
            state.next = state.next.saturating_add(state.step);
        }
        Ok(())
    }

    fn generation(test: &GenlTest, _: &State) -> u32 {
        test.generation.load(Relaxed)
    }
}
