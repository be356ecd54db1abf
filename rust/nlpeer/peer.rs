// SPDX-License-Identifier: GPL-2.0

//! What nlpeer does: the handlers of its operations and the state that they share.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        layout::Text,
        Do,
        DoReply,
        Dump,
        DumpResult,
        Family,
        FamilyDescriptor,
        MulticastGroup,
        Objects,
        Request,
        Responder,
        Sent,
        SplitOp, //
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

/// Where a dump of objects stands.
pub(crate) struct Cursor {
    next: u32,
    count: u32,
}

impl Object {
    /// The object with this id; all that it says follows from the id.
    fn new(id: u32) -> Result<Self> {
        let mut name = Text::new();
        name.push(b"obj-")?;
        name.push_decimal(id)?;
        Ok(Self {
            id,
            counter: u64::from(id) << 32 | u64::from(id),
            name,
            pair: Pair {
                a: id.wrapping_add(1),
                b: id.wrapping_add(2),
            },
            v: [10, 11, 12, 13, 14, 15].map(|n| id.wrapping_add(n)),
            extra: (id % 4 == 0).then_some(id ^ 0xffff),
        })
    }
}

impl Dump for ObjectGet {
    type State = Cursor;

    fn start(peer: &Peer, request: Request<'_, Self>) -> Result<Cursor> {
        let count = request
            .u32::<{ ObjectGetRequest::COUNT }>()
            .ok_or_else(|| request.missing::<{ ObjectGetRequest::COUNT }>())?;
        peer.count_request();
        peer.dumps.fetch_add(1, Relaxed);
        Ok(Cursor { next: 0, count })
    }

    fn dump(_: &Peer, cursor: &mut Cursor, objects: &mut Objects<'_, Self>) -> DumpResult {
        for id in cursor.next..cursor.count {
            objects.push(&Object::new(id)?)?;
            cursor.next = id + 1;
        }
        Ok(())
    }

    fn done(peer: &Peer, _: Cursor) {
        peer.dumps.fetch_sub(1, Relaxed);
    }
}

impl DoReply for StatusGet {
    fn doit(peer: &Peer, _: Request<'_, Self>, reply: Responder<'_, Self>) -> Result<Sent> {
        peer.count_request();
        reply.send(&StatusReply {
            requests: peer.requests.load(Relaxed),
            dumps: peer.dumps.load(Relaxed),
        })
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
