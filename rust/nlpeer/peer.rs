// SPDX-License-Identifier: GPL-2.0

//! What nlpeer does: the handlers of its operations and the state that they share.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        layout::AsText,
        Cursor,
        Do,
        DoReply,
        Dump,
        DumpResult,
        Family,
        FamilyDescriptor,
        Message,
        MulticastGroup,
        Objects,
        Request,
        Responder,
        Sent,
        SplitOp,
        Stop, //
    },
    proto::*, //
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
pub(crate) struct Peer {
    /// Requests whose handler has succeeded.
    requests: AtomicU64,
    /// Dumps that are open.
    dumps: AtomicU32,
}

impl Peer {
    fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }
}

impl Family for Peer {
    const NAME: &'static str = NAME;
    const VERSION: u8 = VERSION;
    const OPS: &'static [SplitOp<Self>] = OPS;
    const GROUPS: &'static [MulticastGroup<Self>] = GROUPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Peer> = FamilyDescriptor::new();
        &DESCRIPTOR
    }

    fn new() -> Result<Arc<Self>> {
        let peer = Self {
            requests: AtomicU64::new(0),
            dumps: AtomicU32::new(0),
        };
        Ok(Arc::new(peer, GFP_KERNEL)?)
    }
}

impl DoReply for Echo {
    fn doit(peer: &Peer, request: Request<'_, Self>, reply: Responder<'_, Self>) -> Result<Sent> {
        let sent = reply.send(&EchoReply {
            u32: request.u32::<{ Value::U32 }>(),
            u64: request.u64::<{ Value::U64 }>(),
            string: request.string::<{ Value::STRING }>(),
            binary: request.binary::<{ Value::BINARY }>(),
            nest: request
                .nest::<{ Value::NEST }, NestedValue>()
                .map(|nest| EchoReplyNest {
                    u32: nest.u32::<{ NestedValue::U32 }>(),
                    string: nest.string::<{ NestedValue::STRING }>(),
                }),
        })?;
        peer.count_request();
        Ok(sent)
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

impl ObjectSource for Object {
    #[inline(always)]
    fn id(&self) -> u32 {
        self.id
    }

    #[inline(always)]
    fn counter(&self) -> u64 {
        u64::from(self.id) << 32 | u64::from(self.id)
    }

    #[inline(always)]
    fn name(&self) -> &(impl AsText + ?Sized) {
        &self.name
    }

    #[inline(always)]
    fn pair_a(&self) -> u32 {
        self.id.wrapping_add(1)
    }

    #[inline(always)]
    fn pair_b(&self) -> u32 {
        self.id.wrapping_add(2)
    }

    #[inline(always)]
    fn v1(&self) -> u32 {
        self.id.wrapping_add(10)
    }

    #[inline(always)]
    fn v2(&self) -> u32 {
        self.id.wrapping_add(11)
    }

    #[inline(always)]
    fn v3(&self) -> u32 {
        self.id.wrapping_add(12)
    }

    #[inline(always)]
    fn v4(&self) -> u32 {
        self.id.wrapping_add(13)
    }

    #[inline(always)]
    fn v5(&self) -> u32 {
        self.id.wrapping_add(14)
    }

    #[inline(always)]
    fn v6(&self) -> u32 {
        self.id.wrapping_add(15)
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

impl Cursor<ObjectGet> for ObjectCursor {
    #[inline(always)]
    fn peek(&self) -> Option<impl Message<ObjectGet> + '_> {
        (self.next.id < self.count).then_some(&self.next)
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.next.id = self.next.id.wrapping_add(1);
        self.next.name.increment();
    }
}

impl Dump for ObjectGet {
    type State = ObjectCursor;

    fn start(peer: &Peer, request: Request<'_, Self>) -> Result<ObjectCursor> {
        let count = request
            .u32::<{ ObjectGetRequest::COUNT }>()
            .ok_or_else(|| request.missing::<{ ObjectGetRequest::COUNT }>())?;
        peer.count_request();
        peer.dumps.fetch_add(1, Relaxed);
        Ok(ObjectCursor {
            next: Object::first(),
            count,
        })
    }

    fn dump(_: &Peer, cursor: &mut ObjectCursor, objects: &mut Objects<'_, Self>) -> DumpResult {
        objects.run(cursor)
    }

    fn done(peer: &Peer, _: ObjectCursor) {
        peer.dumps.fetch_sub(1, Relaxed);
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

/// What an object of [`TroubleGet`] and [`TroubleDump`] consists of.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Material {
    /// How many bytes of data it has.
    size: Option<u32>,
    /// How many numbers its list has.
    numbers: Option<u32>,
}

impl Material {
    fn object(self, id: u32) -> TroubleObject<'static, impl Iterator<Item = u32> + Clone> {
        // CAST: Both are small.
        let data = |size| PATTERN.get((id & 0xff) as usize..)?.get(..size as usize);
        TroubleObject {
            id,
            data: self.size.and_then(data),
            list: self
                .numbers
                .map(|n| (0..n).map(move |i| id.wrapping_add(i))),
        }
    }
}

/// The error with this number, which the policy has seen to be one.
fn error_of(errno: u32) -> Error {
    // CAST: Error numbers are small.
    Error::from_errno((errno as c_int).wrapping_neg())
}

/// What an error that was asked for says.
const ASKED_FOR: &CStr = c"the request has asked for this error";

impl DoReply for TroubleGet {
    fn doit(peer: &Peer, request: Request<'_, Self>, reply: Responder<'_, Self>) -> Result<Sent> {
        if let Some(errno) = request.u32::<{ Trouble::ERRNO }>() {
            return Err(request.refuse::<{ Trouble::ERRNO }>(error_of(errno), ASKED_FOR));
        }
        let material = Material {
            size: request.u32::<{ Trouble::SIZE }>(),
            numbers: request.u32::<{ Trouble::NUMBERS }>(),
        };
        let sent = reply.send(&material.object(0))?;
        peer.count_request();
        Ok(sent)
    }
}

/// A cursor that stays at the first object, as no cursor may.
#[derive(Clone, Copy, PartialEq)]
struct Stuck(Material);

impl Cursor<TroubleDump> for Stuck {
    fn peek(&self) -> Option<impl Message<TroubleDump> + '_> {
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

impl Dump for TroubleDump {
    type State = TroubleCursor;

    fn start(peer: &Peer, request: Request<'_, Self>) -> Result<TroubleCursor> {
        let count = request
            .u32::<{ Trouble::COUNT }>()
            .ok_or_else(|| request.missing::<{ Trouble::COUNT }>())?;
        let after = request.u32::<{ Trouble::FAIL_AFTER }>().unwrap_or(0);
        let cursor = TroubleCursor {
            material: Material {
                size: request.u32::<{ Trouble::SIZE }>(),
                numbers: request.u32::<{ Trouble::NUMBERS }>(),
            },
            next: 0,
            count,
            interrupt_after: request.u32::<{ Trouble::INTERRUPT_AFTER }>(),
            failure: request
                .u32::<{ Trouble::ERRNO }>()
                .map(|errno| (after, error_of(errno))),
            stuck: request.flag::<{ Trouble::STUCK }>(),
        };
        peer.count_request();
        peer.dumps.fetch_add(1, Relaxed);
        Ok(cursor)
    }

    fn dump(_: &Peer, cursor: &mut TroubleCursor, objects: &mut Objects<'_, Self>) -> DumpResult {
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

    fn done(peer: &Peer, _: TroubleCursor) {
        peer.dumps.fetch_sub(1, Relaxed);
    }

    fn generation(_: &Peer, cursor: &TroubleCursor) -> u32 {
        match cursor.interrupt_after {
            Some(after) if cursor.next >= after => 2,
            _ => 1,
        }
    }
}

impl DoReply for StatusGet {
    fn doit(peer: &Peer, _: Request<'_, Self>, reply: Responder<'_, Self>) -> Result<Sent> {
        let sent = reply.send(&StatusReply {
            // This request as well, which counts when it has been answered.
            requests: peer.requests.load(Relaxed).wrapping_add(1),
            dumps: peer.dumps.load(Relaxed),
        })?;
        peer.count_request();
        Ok(sent)
    }
}

impl Do for Reset {
    fn doit(peer: &Peer, _: Request<'_, Self>) -> Result {
        peer.requests.store(0, Relaxed);
        Ok(())
    }
}

impl Do for EventSend {
    fn doit(peer: &Peer, request: Request<'_, Self>) -> Result {
        let cookie = request
            .u32::<{ EventValue::COOKIE }>()
            .ok_or_else(|| request.missing::<{ EventValue::COOKIE }>())?;
        let text = request.string::<{ EventValue::TEXT }>();
        let printable = |byte: &u8| matches!(byte, b' '..=b'~');
        if text.is_some_and(|text| !text.to_bytes().iter().all(printable)) {
            return Err(
                request.refuse::<{ EventValue::TEXT }>(EINVAL, c"text must be printable ASCII")
            );
        }
        request.notify::<Event, _>(&EventMessage { cookie, text })?;
        peer.count_request();
        Ok(())
    }
}
