// SPDX-License-Identifier: GPL-2.0

//! Command 1: validated as old families are, so it stands in front of `RESV_START_OP`.

#![forbid(unsafe_code)]

use crate::{
    commands,
    genl::{
        layout::{
            Array,
            Bytes,
            U32, //
        },
        Attr,
        DoReply,
        Dump,
        DumpResult,
        Layout,
        Message,
        Nested,
        Objects,
        Op,
        Policy,
        Request,
        Responder,
        Sent,
        Validation, //
    },
    GenlTest, //
};
use kernel::prelude::*;

commands! {
    /// Return what was read.
    Old = 1, "old";
    /// The same as a dump of one object.
    OldDump = 1, "old";
}

/// A nest with a number.
pub(crate) struct Inside;

impl Policy for Inside {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32()];
}

/// What both take. Attributes from 6 on came when validation was strict.
pub(crate) struct OldPolicy;

impl Policy for OldPolicy {
    const ATTRS: &'static [Attr] = &[
        Attr::strict_from(6),
        Attr::u32(),
        Attr::binary(8),
        Attr::exact_warn(6),
        Attr::binary_range_warn(2, 4),
        Attr::nested::<Inside>(),
        Attr::u32(),
        Attr::exact_warn(6),
        Attr::nested::<Inside>(),
        Attr::unused(),
    ];
}

const VALIDATION: Validation = Validation::LIBERAL_DO
    .or(Validation::UNCHECKED_DUMP)
    .or(Validation::LIBERAL_DUMP);

impl Op for Old {
    type Policy = OldPolicy;
    const VALIDATION: Validation = VALIDATION;
}

impl Op for OldDump {
    type Policy = OldPolicy;
    const VALIDATION: Validation = VALIDATION;
}

/// All that was read.
struct Reply<'a>(&'a Request<'a, Old>);

impl Message<Old> for Reply<'_> {
    fn layout(&self) -> impl Layout + '_ {
        let request = self.0;
        let number = |inside: Nested<'_, Inside>| inside.u32::<1>();
        (
            request.u32::<1>().map(U32::<1>),
            request.binary::<2>().map(Bytes::<2>),
            request.array::<3, 6>().map(Array::<3, 6, _>),
            request.binary::<4>().map(Bytes::<4>),
            request.nest::<5, Inside>().and_then(number).map(U32::<5>),
            request.u32::<6>().map(U32::<6>),
            request.array::<7, 6>().map(Array::<7, 6, _>),
            request.nest::<8, Inside>().and_then(number).map(U32::<8>),
        )
    }
}

impl DoReply for Old {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Reply(&request))
    }
}

/// The number of a dump.
struct Number(Option<u32>);

impl Message<OldDump> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (self.0.map(U32::<1>),)
    }
}

impl Dump for OldDump {
    /// The number, and whether it was sent.
    type State = (Option<u32>, bool);

    fn start(_: &GenlTest, request: Request<'_, Self>) -> Result<Self::State> {
        Ok((request.u32::<1>(), false))
    }

    fn dump(
        _: &GenlTest,
        (number, sent): &mut Self::State,
        objects: &mut Objects<'_, Self>,
    ) -> DumpResult {
        if !*sent {
            objects.push(&Number(*number))?;
            *sent = true;
        }
        Ok(())
    }
}
