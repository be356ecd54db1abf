// SPDX-License-Identifier: GPL-2.0

//! What nlpeer does: the handlers of its operations and the state that they share.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        layout::AsText,
        Cursor,
        DumpResult,
        Message,
        Sent,
        Stop, //
    },
    nlpeer_gen::*, //
};
use core::sync::atomic::{
    AtomicU32,
    AtomicU64,
    Ordering::Relaxed, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The state of the family.
pub(crate) struct Nlpeer {
    /// Requests whose handler has succeeded.
    requests: AtomicU64,
    /// Dumps that are open.
    dumps: AtomicU32,
}

impl Nlpeer {
    fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }
}

/// An object of the dump: all that it says follows from its id.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Object {
    id: u32,
    name: Name,
}

impl Object {
    /// The object with the id 0.
    fn first() -> Self {
        Self {
            id: 0,
            name: Name {
                text: *b"obj-0\0\0\0\0\0\0\0\0\0",
                len: 5,
            },
        }
    }
}

/// The name of an object, "obj-" and its id. Counting up the digits costs less than formatting.
#[derive(Clone, Copy, PartialEq)]
struct Name {
    text: [u8; 14],
    len: usize,
}

impl Name {
    const PREFIX: usize = 4;

    #[inline(always)]
    fn increment(&mut self) {
        let mut at = self.len;
        while at > Self::PREFIX {
            at = at.wrapping_sub(1);
            let Some(digit) = self.text.get_mut(at) else {
                return;
            };
            if *digit < b'9' {
                *digit = digit.wrapping_add(1);
                return;
            }
            *digit = b'0';
        }
        self.lengthen();
    }

    /// Goes from nines, which are zeros by now, to a one and one zero more.
    #[cold]
    fn lengthen(&mut self) {
        if let Some(first) = self.text.get_mut(Self::PREFIX) {
            *first = b'1';
        }
        if let Some(last) = self.text.get_mut(self.len) {
            *last = b'0';
            self.len = self.len.wrapping_add(1);
        }
    }
}

impl AsText for Name {
    #[inline(always)]
    fn as_text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }
}

impl AsPair for Object {
    #[inline(always)]
    fn a(&self) -> Option<u32> {
        Some(self.id.wrapping_add(1))
    }

    #[inline(always)]
    fn b(&self) -> Option<u32> {
        Some(self.id.wrapping_add(2))
    }
}

impl AsObjectGetReply for Object {
    #[inline(always)]
    fn id(&self) -> Option<u32> {
        Some(self.id)
    }

    #[inline(always)]
    fn counter(&self) -> Option<u64> {
        Some(u64::from(self.id) << 32 | u64::from(self.id))
    }

    #[inline(always)]
    fn name(&self) -> Option<&(impl AsText + ?Sized)> {
        Some(&self.name)
    }

    #[inline(always)]
    fn pair(&self) -> Option<impl AsPair> {
        Some(self)
    }

    #[inline(always)]
    fn v1(&self) -> Option<u32> {
        Some(self.id.wrapping_add(10))
    }

    #[inline(always)]
    fn v2(&self) -> Option<u32> {
        Some(self.id.wrapping_add(11))
    }

    #[inline(always)]
    fn v3(&self) -> Option<u32> {
        Some(self.id.wrapping_add(12))
    }

    #[inline(always)]
    fn v4(&self) -> Option<u32> {
        Some(self.id.wrapping_add(13))
    }

    #[inline(always)]
    fn v5(&self) -> Option<u32> {
        Some(self.id.wrapping_add(14))
    }

    #[inline(always)]
    fn v6(&self) -> Option<u32> {
        Some(self.id.wrapping_add(15))
    }

    #[inline(always)]
    fn extra(&self) -> Option<u32> {
        (self.id % 4 == 0).then_some(self.id ^ 0xffff)
    }
}

/// Where a dump of objects stands.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct ObjectCursor {
    next: Object,
    count: u32,
}

impl Cursor<ObjectGetDump> for ObjectCursor {
    #[inline(always)]
    fn peek(&self) -> Option<impl Message<ObjectGetDump> + '_> {
        (self.next.id < self.count).then_some(&self.next)
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.next.id = self.next.id.wrapping_add(1);
        self.next.name.increment();
    }
}

/// The bytes from 0 to 255 and from 0 on again: the data of each object is a part of them.
static PATTERN: [u8; SIZE_MAX as usize + 256] = {
    let mut pattern = [0; SIZE_MAX as usize + 256];
    let mut i = 0;
    while i < pattern.len() {
        // CAST: The lower byte is what is wanted.
        pattern[i] = i as u8;
        i += 1;
    }
    pattern
};

/// What an object of trouble-get consists of.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Material {
    /// How many bytes of data it has.
    size: Option<u32>,
    /// How many numbers its list has.
    numbers: Option<u32>,
}

impl Material {
    #[inline(always)]
    fn object(self, id: u32) -> Trouble {
        Trouble { id, material: self }
    }
}

/// An object of trouble-get.
struct Trouble {
    id: u32,
    material: Material,
}

/// The list in it: so many numbers from one on.
struct Numbers {
    first: u32,
    count: u32,
}

impl AsList for Numbers {
    #[inline(always)]
    fn number(&self) -> impl Iterator<Item = u32> + Clone {
        (0..self.count).map(|i| self.first.wrapping_add(i))
    }
}

impl AsTroubleGetReply for Trouble {
    #[inline(always)]
    fn id(&self) -> Option<u32> {
        Some(self.id)
    }

    #[inline(always)]
    fn data(&self) -> Option<&'_ [u8]> {
        // CAST: Both are small.
        let size = self.material.size? as usize;
        PATTERN.get((self.id & 0xff) as usize..)?.get(..size)
    }

    #[inline(always)]
    fn list(&self) -> Option<impl AsList> {
        Some(Numbers {
            first: self.id,
            count: self.material.numbers?,
        })
    }
}

/// The error with this number, which the policy has seen to be one.
fn error_of(errno: u32) -> Error {
    // CAST: Error numbers are small.
    Error::from_errno((errno as c_int).wrapping_neg())
}

/// What an error that was asked for says.
const ASKED_FOR: &CStr = c"the request has asked for this error";

/// A cursor that stays at the first object, as no cursor may.
#[derive(Clone, Copy, PartialEq)]
struct Stuck(Material);

impl Cursor<TroubleGetDump> for Stuck {
    fn peek(&self) -> Option<impl Message<TroubleGetDump> + '_> {
        Some(self.0.object(0))
    }

    fn advance(&mut self) {}
}

/// Where a dump with trouble stands.
pub(crate) struct TroubleCursor {
    material: Material,
    next: u32,
    count: u32,
    interrupt_after: Option<u32>,
    failure: Option<(u32, Error)>,
    stuck: bool,
}

impl Handler for Nlpeer {
    fn new() -> Result<Arc<Self>> {
        let peer = Self {
            requests: AtomicU64::new(0),
            dumps: AtomicU32::new(0),
        };
        Ok(Arc::new(peer, GFP_KERNEL)?)
    }

    #[inline(always)]
    fn echo(&self, request: EchoRequest<'_>, reply: EchoResponder<'_>) -> Result<Sent> {
        let sent = reply.send(&EchoReply {
            u32: request.u32(),
            u64: request.u64(),
            string: request.string(),
            binary: request.binary(),
            nest: request.nest().map(|nest| NestedValue {
                u32: nest.u32(),
                string: nest.string(),
            }),
        })?;
        self.count_request();
        Ok(sent)
    }

    type ObjectGetState = ObjectCursor;

    fn object_get_start(&self, request: ObjectGetRequest<'_>) -> Result<ObjectCursor> {
        let count = request.need_count()?;
        self.count_request();
        self.dumps.fetch_add(1, Relaxed);
        Ok(ObjectCursor {
            next: Object::first(),
            count,
        })
    }

    #[inline(always)]
    fn object_get_dump(
        &self,
        cursor: &mut ObjectCursor,
        objects: &mut ObjectGetObjects<'_>,
    ) -> DumpResult {
        objects.run(cursor)
    }

    fn object_get_done(&self, _: ObjectCursor) {
        self.dumps.fetch_sub(1, Relaxed);
    }

    fn status_get(&self, _: StatusGetRequest<'_>, reply: StatusGetResponder<'_>) -> Result<Sent> {
        let sent = reply.send(&StatusGetReply {
            // This request as well, which counts when it has been answered.
            requests: Some(self.requests.load(Relaxed).wrapping_add(1)),
            dumps: Some(self.dumps.load(Relaxed)),
        })?;
        self.count_request();
        Ok(sent)
    }

    fn reset(&self, _: ResetRequest<'_>) -> Result {
        self.requests.store(0, Relaxed);
        Ok(())
    }

    fn event_send(&self, request: EventSendRequest<'_>) -> Result {
        let cookie = request.need_cookie()?;
        let text = request.text();
        let printable = |byte: &u8| matches!(byte, b' '..=b'~');
        if text.is_some_and(|text| !text.to_bytes().iter().all(printable)) {
            return Err(request.refuse_text(EINVAL, c"text must be printable ASCII"));
        }
        request.registered().notify_event(
            request.net(),
            &EventNotification {
                cookie: Some(cookie),
                text,
            },
        )?;
        self.count_request();
        Ok(())
    }

    fn trouble_get(
        &self,
        request: TroubleGetRequest<'_>,
        reply: TroubleGetResponder<'_>,
    ) -> Result<Sent> {
        if let Some(errno) = request.errno() {
            return Err(request.refuse_errno(error_of(errno), ASKED_FOR));
        }
        let material = Material {
            size: request.size(),
            numbers: request.numbers(),
        };
        let sent = reply.send(&material.object(0))?;
        self.count_request();
        Ok(sent)
    }

    type TroubleGetState = TroubleCursor;

    fn trouble_get_start(&self, request: TroubleGetDumpRequest<'_>) -> Result<TroubleCursor> {
        let count = request.need_count()?;
        let after = request.fail_after().unwrap_or(0);
        let cursor = TroubleCursor {
            material: Material {
                size: request.size(),
                numbers: request.numbers(),
            },
            next: 0,
            count,
            interrupt_after: request.interrupt_after(),
            failure: request.errno().map(|errno| (after, error_of(errno))),
            stuck: request.stuck(),
        };
        self.count_request();
        self.dumps.fetch_add(1, Relaxed);
        Ok(cursor)
    }

    fn trouble_get_dump(
        &self,
        cursor: &mut TroubleCursor,
        objects: &mut TroubleGetObjects<'_>,
    ) -> DumpResult {
        if cursor.stuck {
            return objects.run(&mut Stuck(cursor.material));
        }
        loop {
            if let Some((after, error)) = cursor.failure {
                if cursor.next == after {
                    return Err(Stop::fail(error, ASKED_FOR));
                }
            }
            if cursor.next >= cursor.count {
                return Ok(());
            }
            objects.push(&cursor.material.object(cursor.next))?;
            cursor.next = cursor.next.wrapping_add(1);
        }
    }

    fn trouble_get_done(&self, _: TroubleCursor) {
        self.dumps.fetch_sub(1, Relaxed);
    }

    fn trouble_get_generation(&self, cursor: &TroubleCursor) -> u32 {
        match cursor.interrupt_after {
            Some(after) if cursor.next >= after => 2,
            _ => 1,
        }
    }
}
