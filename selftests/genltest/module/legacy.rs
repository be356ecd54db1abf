// SPDX-License-Identifier: GPL-2.0

//! Command 1: validated as old families are, so it stands in front of `RESV_START_OP`.

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

/// What both take.
pub(crate) struct OldPolicy;

impl Policy for OldPolicy {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::binary(8)];
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

/// What was read.
struct Read<'a> {
    number: Option<u32>,
    bytes: Option<&'a [u8]>,
}

impl Read<'_> {
    fn parts(&self) -> impl Layout + '_ {
        (self.number.map(U32::<1>), self.bytes.map(Bytes::<2>))
    }
}

impl Message<Old> for Read<'_> {
    fn layout(&self) -> impl Layout + '_ {
        self.parts()
    }
}

impl Message<OldDump> for Read<'_> {
    fn layout(&self) -> impl Layout + '_ {
        self.parts()
    }
}

impl DoReply for Old {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Read {
            number: request.u32::<1>(),
            bytes: request.binary::<2>(),
        })
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
            objects.push(&Read {
                number: *number,
                bytes: None,
            })?;
            *sent = true;
        }
        Ok(())
    }
}
