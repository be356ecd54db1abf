// SPDX-License-Identifier: GPL-2.0

//! Command 1: validated as old families are, so it stands in front of `RESV_START_OP`.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Attr,
        Attribute,
        DumpResult,
        DumpState,
        Nested,
        Objects,
        Request,
        Responder,
        Sent, //
    },
    op,
    GenlTest, //
};
use kernel::prelude::*;

genl::attributes! {
    /// What both take.
    pub(crate) mod old: OldSet {
        /// Attributes from 6 on came when validation was strict.
        Strict = 0: Flag = Attr::strict_from(6),
        /// A number.
        Number = 1: U32,
        /// Up to eight bytes.
        Bytes = 2: Binary { max_len(8) },
        /// Six bytes, or more.
        Address = 3: Array<6> = Attr::exact_warn(6),
        /// Two bytes, or more.
        Short = 4: Binary = Attr::binary_range_warn(2, 4),
        /// A nest with a number.
        Inside = 5: Nest<InsideSet>,
        /// As [`Number`].
        Newer = 6: U32,
        /// As [`Address`].
        NewerAddress = 7: Array<6> = Attr::exact_warn(6),
        /// As [`Inside`].
        NewerInside = 8: Nest<InsideSet>,
        /// Nothing.
        Unused = 9: Flag = Attr::unused(),
    }

    /// A nest with a number.
    pub(crate) mod inside: InsideSet {
        /// The number.
        Number = 1: U32,
    }

    /// What was read, with the numbers of what nests were for.
    pub(crate) mod read: ReadSet {
        /// [`old::Number`].
        Number = 1: U32,
        /// [`old::Bytes`].
        Bytes = 2: Binary,
        /// [`old::Address`].
        Address = 3: Array<6>,
        /// [`old::Short`].
        Short = 4: Binary,
        /// What is in [`old::Inside`].
        Inside = 5: U32,
        /// [`old::Newer`].
        Newer = 6: U32,
        /// [`old::NewerAddress`].
        NewerAddress = 7: Array<6>,
        /// What is in [`old::NewerInside`].
        NewerInside = 8: U32,
        /// All bytes of [`old::Number`].
        Whole = 9: Binary,
    }
}

genl::messages! {
    /// All that was read.
    pub(crate) struct Read: ReadSet for op::Old {
        number: read::Number,
        bytes: read::Bytes,
        address: read::Address,
        short: read::Short,
        inside: read::Inside,
        newer: read::Newer,
        newer_address: read::NewerAddress,
        newer_inside: read::NewerInside,
        whole: read::Whole,
    }
}

impl GenlTest {
    pub(crate) fn old<'a>(
        &self,
        request: Request<'a, op::Old>,
        reply: Responder<'a, op::Old>,
    ) -> Result<Sent<'a>> {
        let number = |inside: Nested<'_, InsideSet>| inside.get(inside::Number);
        reply.send(&Read {
            number: request.get(old::Number),
            bytes: request.get(old::Bytes),
            address: request.get(old::Address),
            short: request.get(old::Short),
            inside: request.get(old::Inside).and_then(number),
            newer: request.get(old::Newer),
            newer_address: request.get(old::NewerAddress),
            newer_inside: request.get(old::NewerInside).and_then(number),
            whole: request.bytes_of(old::Number),
        })
    }

    pub(crate) fn old_dump(&self, request: Request<'_, op::OldDump>) -> Result<Number> {
        Ok(Number {
            number: request.get(old::Number),
            sent: false,
        })
    }
}

/// The number of a dump, and whether it was sent.
pub(crate) struct Number {
    number: Option<u32>,
    sent: bool,
}

impl DumpState<op::OldDump> for Number {
    fn dump(&mut self, _: &GenlTest, objects: &mut Objects<'_, op::OldDump>) -> DumpResult {
        if !self.sent {
            objects.push(&(self.number.map(|number| old::Number.put(number)),))?;
            self.sent = true;
        }
        Ok(())
    }
}
