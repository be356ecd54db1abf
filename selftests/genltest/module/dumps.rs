// SPDX-License-Identifier: GPL-2.0

//! Command 8: dumps with all that a dump can have.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Attribute,
        DumpResult,
        DumpState,
        Net,
        Objects,
        Request,
        Responder,
        Sent, //
    },
    op,
    GenlTest, //
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed, //
};

genl::attributes! {
    /// What the objects are after a change.
    pub(crate) mod change: ChangeSet {
        /// The new generation.
        Generation = 1: U32,
    }

    /// Which objects, and one of them.
    pub(crate) mod object: ObjectSet {
        /// How many objects there are.
        Count = 1: U32 { max::<100_000>() },
        /// How far it is from one to the next.
        Step = 2: U32 { range::<1, 1000>() },
        /// How much data each of them has.
        Size = 3: U32 { max::<60_000>() },
        /// The smallest buffer.
        MinAlloc = 4: U32 { max::<{ 1 << 20 }>() },
        /// The number of an object.
        Id = 5: U32,
        /// The round in which it was sent.
        Round = 6: U32,
        /// Its data.
        Data = 7: Binary,
    }
}

genl::messages! {
    /// An object, with as much data as was asked for.
    pub(crate) struct Object: ObjectSet for op::Objects {
        id: object::Id,
        round: object::Round,
        data: object::Data,
    }
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

static DATA: [u8; 60_000] = [0x5a; 60_000];

impl GenlTest {
    pub(crate) fn change<'a>(
        &self,
        _: Request<'a, op::Change>,
        reply: Responder<'a, op::Change>,
    ) -> Result<Sent<'a>> {
        let generation = self.generation.fetch_add(1, Relaxed).wrapping_add(1);
        reply.send(&(change::Generation.put(generation),))
    }

    pub(crate) fn objects(&self, request: Request<'_, op::Objects>) -> Result<State> {
        const { assert!(size_of::<State>() > 48) };
        let step = request.get(object::Step);
        Ok(State {
            next: 0,
            count: request.need(object::Count)?,
            step: step.unwrap_or(1),
            filtered: step.is_some(),
            size: request.get(object::Size).unwrap_or(0) as usize,
            min_alloc: request.get(object::MinAlloc).unwrap_or(0),
            rounds: [0; 16],
        })
    }
}

impl DumpState<op::Objects> for State {
    fn filtered(&self) -> bool {
        self.filtered
    }

    fn min_dump_alloc(&self) -> u32 {
        self.min_alloc
    }

    fn dump(&mut self, _: &GenlTest, objects: &mut Objects<'_, op::Objects>) -> DumpResult {
        let [first, rest @ ..] = &mut self.rounds;
        *first = first.wrapping_add(1);
        for round in rest {
            *round = round.wrapping_add(1);
            if *round != *first {
                return Err(EIO.into());
            }
        }
        while self.next < self.count {
            objects.push(&Object {
                id: Some(self.next),
                round: Some(*first),
                data: DATA.get(..self.size).filter(|data| !data.is_empty()),
            })?;
            self.next = self.next.saturating_add(self.step);
        }
        Ok(())
    }

    fn generation(&self, test: &GenlTest, _: &Net) -> u32 {
        test.generation.load(Relaxed)
    }
}
