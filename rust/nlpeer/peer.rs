// SPDX-License-Identifier: GPL-2.0

//! What nlpeer does: the handlers of its operations and the state that they share.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        Attribute,
        Capability,
        Cursor,
        DumpResult,
        DumpState,
        InSet,
        Message,
        ModuleFamily,
        Nested,
        Net,
        NetState,
        Objects,
        Parts,
        PerNet,
        PerSocket,
        Request,
        Responder,
        Sent,
        Stop,
        Text, //
    },
    nlpeer_gen::{
        attr::*,
        def::*,
        op,
        Handler, //
    },
    odd::{
        answer,
        OddDump, //
    }, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    ThisModule, //
};

/// The state of the family.
pub(crate) struct Nlpeer {
    /// Requests whose handler has succeeded.
    requests: Atomic<u64>,
    /// Dumps that are open.
    dumps: Atomic<u32>,
    /// Requests of others than the administrator that wait for their delayed reply.
    delayed: Atomic<u32>,
    of_socket: PerSocket<Atomic<u32>>,
    of_netns: PerNet<OfNetns>,
}

/// What a network namespace has.
pub(crate) struct OfNetns {
    /// How often its counter was asked for.
    counter: Atomic<u64>,
    /// How often somebody has asked for a change of the objects.
    changes: Atomic<u32>,
}

impl NetState for OfNetns {
    fn new(_cookie: u64) -> impl PinInit<Self, Error> {
        Ok(Self {
            counter: Atomic::new(0),
            changes: Atomic::new(0),
        })
    }
}

impl Nlpeer {
    #[inline(never)]
    fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// Counts a dump that has ended.
    pub(crate) fn end_dump(&self) {
        self.dumps.fetch_sub(1, Relaxed);
    }
}

/// An object of the dump: all that it says follows from its id.
#[derive(Clone, Copy)]
pub(crate) struct Object {
    id: u32,
    name: Text<15>,
}

impl Object {
    /// The object with the id 0.
    fn first() -> Result<Self> {
        let mut name = Text::new();
        name.push(b"obj-0")?;
        Ok(Self { id: 0, name })
    }
}

impl Message<op::ObjectGetDump> for Object {
    fn layout(&self) -> impl InSet<ObjectSet> + '_ {
        let plus = |n: u32| move || self.id.wrapping_add(n);
        (
            object::Id.put(|| self.id),
            object::Counter.put(|| u64::from(self.id) << 32 | u64::from(self.id)),
            object::Name.put(&self.name),
            object::Pair.put((pair::A.put(plus(1)), pair::B.put(plus(2)))),
            object::V1.put(plus(10)),
            object::V2.put(plus(11)),
            object::V3.put(plus(12)),
            object::V4.put(plus(13)),
            object::V5.put(plus(14)),
            object::V6.put(plus(15)),
            (self.id % 4 == 0).then_some(object::Extra.put(|| self.id ^ 0xffff)),
        )
    }
}

/// Where a dump of objects stands.
#[derive(Clone, Copy)]
pub(crate) struct ObjectCursor {
    next: Object,
    count: u32,
}

impl Cursor<op::ObjectGetDump> for ObjectCursor {
    fn place(&self) -> u64 {
        self.next.id.into()
    }

    fn peek(&self) -> Option<impl Message<op::ObjectGetDump> + '_> {
        (self.next.id < self.count).then_some(&self.next)
    }

    fn advance(&mut self) {
        self.next.id = self.next.id.wrapping_add(1);
        // It has room for the digits of any id.
        let _ = self.next.name.count_up();
    }
}

impl DumpState<op::ObjectGetDump> for ObjectCursor {
    fn dump(&mut self, _: &Nlpeer, objects: &mut Objects<'_, op::ObjectGetDump>) -> DumpResult {
        objects.run(self)
    }

    fn done(self, peer: &Nlpeer) {
        peer.end_dump();
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

/// So many bytes of the pattern, from the lower byte of `first` on.
fn pattern(first: u32, size: u32) -> Option<&'static [u8]> {
    // CAST: Both are small.
    PATTERN.get((first & 0xff) as usize..)?.get(..size as usize)
}

/// What an object of trouble-get consists of.
#[derive(Clone, Copy)]
pub(crate) struct Material {
    /// How many bytes of data it has.
    size: Option<u32>,
    /// How many numbers its list has.
    numbers: Option<u32>,
    /// What all of them begin with, beside the id.
    seed: u32,
}

impl Material {
    fn object(self, id: u32) -> Trouble {
        Trouble { id, material: self }
    }
}

/// An object of trouble-get.
struct Trouble {
    id: u32,
    material: Material,
}

impl Trouble {
    fn first(&self) -> u32 {
        self.id.wrapping_add(self.material.seed)
    }
}

impl Message<op::TroubleGetDo> for Trouble {
    fn layout(&self) -> impl InSet<TroubleSet> + '_ {
        let Material { size, numbers, .. } = self.material;
        // In 64 bits, where it cannot wrap: there is one number to count up, and not two.
        let first = u64::from(self.first());
        (
            trouble::Id.put(self.id),
            size.and_then(|size| pattern(self.first(), size))
                .map(|data| trouble::Data.put(data)),
            numbers.map(|count| {
                let numbers = first..first.wrapping_add(count.into());
                // CAST: The lower half is meant.
                trouble::List.put(list::Number.each(numbers.map(|number| number as u32)))
            }),
        )
    }
}

impl Message<op::TroubleGetDump> for Trouble {
    fn layout(&self) -> impl InSet<TroubleSet> + '_ {
        Message::<op::TroubleGetDo>::layout(self)
    }
}

/// The error with this number, which the policy has seen to be one.
fn error_of(errno: u32) -> Error {
    // CAST: Error numbers are small.
    Error::from_errno((errno as c_int).wrapping_neg())
}

/// What an error that was asked for says.
const ASKED_FOR: &CStr = c"the request has asked for this error";

/// Where a dump with trouble stands.
pub(crate) struct TroubleCursor {
    material: Material,
    next: u32,
    /// How many objects have been sent.
    sent: u32,
    count: u32,
    step: u32,
    interrupt_after: Option<u32>,
    failure: Option<Failure>,
    /// How many milliseconds to wait in front of each buffer.
    slow: u32,
    stuck: bool,
}

/// The error of a dump: after so many objects, or after all of them.
struct Failure {
    after: Option<u32>,
    error: Error,
}

/// Pushes an object, in one place for all of them.
#[inline(never)]
fn push(objects: &mut Objects<'_, op::TroubleGetDump>, object: Trouble) -> DumpResult {
    objects.push(&object)
}

impl TroubleCursor {
    /// Whether the error comes before the object that is next.
    fn fails_now(&self) -> Option<Error> {
        let failure = self.failure.as_ref()?;
        let now = match failure.after {
            Some(after) => self.sent >= after,
            None => self.next >= self.count,
        };
        now.then_some(failure.error)
    }
}

impl DumpState<op::TroubleGetDump> for TroubleCursor {
    fn dump(&mut self, _: &Nlpeer, objects: &mut Objects<'_, op::TroubleGetDump>) -> DumpResult {
        if self.slow > 0 {
            fsleep(Delta::from_millis(self.slow.into()));
        }
        if self.stuck {
            // What becomes of a cursor that stays at its first object.
            while push(objects, self.material.object(0)).is_ok() {}
            return Err(Stop::fail(EINVAL, c"the dump does not advance"));
        }
        loop {
            if let Some(error) = self.fails_now() {
                return Err(Stop::fail(error, ASKED_FOR));
            }
            if self.next >= self.count {
                return Ok(());
            }
            push(objects, self.material.object(self.next))?;
            self.next = self.next.saturating_add(self.step);
            self.sent = self.sent.wrapping_add(1);
            // The mark comes with the next buffer, however large this one is.
            if self.interrupt_after == Some(self.sent) {
                return Err(Stop::next_buffer());
            }
        }
    }

    fn done(self, peer: &Nlpeer) {
        peer.end_dump();
    }

    fn generation(&self, peer: &Nlpeer, net: &Net) -> u32 {
        let interrupted = matches!(self.interrupt_after, Some(after) if self.sent >= after);
        let Ok(of_netns) = peer.of_netns.get(net) else {
            return 0;
        };
        // Never 0, which stands for "not known".
        let changes = of_netns.changes.load(Relaxed);
        changes.wrapping_mul(2) | 1 << 31 | u32::from(interrupted)
    }
}

/// Attributes of a request or of a nest, as they were sent. So many of them are less code than a
/// struct, which would be filled first.
macro_rules! as_sent {
    ($from:ident, $set:ident: $($attr:ident)*) => {
        ($($from.get($set::$attr).map(|value| $set::$attr.put(value)),)*)
    };
}

/// A tree, as it was sent.
struct Tree<'a>(Nested<'a, TreeSet>);

impl Parts<TreeSet> for Tree<'_> {
    fn parts(&self) -> impl InSet<TreeSet> + '_ {
        (
            self.0
                .get(tree::Child)
                .map(|child| tree::Child.put(Tree(child).whole())),
            self.0.get(tree::Value).map(|value| tree::Value.put(value)),
        )
    }
}

/// The pieces of a large reply.
fn pieces(size: u32) -> impl Iterator<Item = impl InSet<PieceSet>> + Clone {
    // The pattern repeats within a piece, so all of them begin with it.
    (0..size.div_ceil(PIECE_MAX))
        .map(move |i| size.wrapping_sub(i.wrapping_mul(PIECE_MAX)).min(PIECE_MAX))
        .filter_map(|size| pattern(0, size))
        .map(|data| (piece::Data.put(data),))
}

/// The largest size of a large reply that everybody may ask for.
const BIG_FOR_ALL: u32 = 65536;

/// How many requests of others than the administrator may wait for their delayed reply.
const DELAYED_FOR_ALL: u32 = 512;

/// How many replies to one request everybody may ask for.
const SEVERAL_FOR_ALL: u32 = 64;

/// How many messages an event counts for: it goes to all who listen, and whoever sends it can have
/// thousands of sockets that do.
const EVENT_MESSAGES: usize = 100;

/// How many bytes all events of a burst may have.
const BURST_BYTES: u32 = 64 << 20;

/// How many events of a burst everybody may ask for, and how many bytes all of them may have.
const BURST_FOR_ALL: (u32, u32) = (1024, 1 << 20);

impl ModuleFamily for Nlpeer {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_init!(Self {
            requests: Atomic::new(0),
            dumps: Atomic::new(0),
            delayed: Atomic::new(0),
            of_socket: PerSocket::new(module)?,
            of_netns: PerNet::new(module)?,
        })
    }
}

impl Handler for Nlpeer {
    fn echo<'a>(
        &self,
        request: Request<'a, op::EchoDo>,
        reply: Responder<'a, op::EchoDo>,
    ) -> Result<Sent<'a>> {
        let sent = reply.send(&op::EchoReply {
            u32: request.get(value::U32),
            u64: request.get(value::U64),
            string: request.get(value::String),
            binary: request.get(value::Binary),
            nest: request.get(value::Nest).map(|nest| NestedValueNest {
                u32: nest.get(nested_value::U32),
                string: nest.get(nested_value::String),
            }),
        })?;
        self.count_request();
        Ok(sent)
    }

    type ObjectGetDump = ObjectCursor;

    fn object_get_dump(&self, request: Request<'_, op::ObjectGetDump>) -> Result<ObjectCursor> {
        let count = request.need(object::Count)?;
        let next = Object::first()?;
        self.count_request();
        self.dumps.fetch_add(1, Relaxed);
        Ok(ObjectCursor { next, count })
    }

    fn status_get<'a>(
        &self,
        _: Request<'a, op::StatusGetDo>,
        reply: Responder<'a, op::StatusGetDo>,
    ) -> Result<Sent<'a>> {
        let sent = reply.send(&op::StatusGetReply {
            // This request as well, which counts when it has been answered.
            requests: Some(self.requests.load(Relaxed).wrapping_add(1)),
            dumps: Some(self.dumps.load(Relaxed)),
        })?;
        self.count_request();
        Ok(sent)
    }

    fn reset(&self, _: Request<'_, op::ResetDo>) -> Result {
        self.requests.store(0, Relaxed);
        Ok(())
    }

    fn event_send(&self, request: Request<'_, op::EventSendDo>) -> Result {
        let cookie = request.need(event::Cookie)?;
        let text = request.get(event::Text);
        let printable = |byte: &u8| matches!(byte, b' '..=b'~');
        if text.is_some_and(|text| !text.to_bytes().iter().all(printable)) {
            return Err(request.refuse(event::Text, EINVAL, c"text must be printable ASCII"));
        }
        request.spend(EVENT_MESSAGES, text.map_or(0, CStr::count_bytes))?;
        let (family, net) = (request.registered(), request.net());
        let cookie = Some(cookie);
        let event = op::EventEvent { cookie, text };
        match request.get(event::Audience).unwrap_or(Audience::Anyone) {
            Audience::Anyone => family.multicast::<op::EventNotify>(net, &event, GFP_KERNEL)?,
            Audience::NetAdmin => {
                let event = op::AdminEventEvent { cookie, text };
                family.multicast::<op::AdminEventNotify>(net, &event, GFP_KERNEL)?
            }
            Audience::Everywhere => {
                if !request.capable(Capability::NET_ADMIN) {
                    let text = c"all network namespaces are for the administrator";
                    return Err(request.refuse(event::Audience, EPERM, text));
                }
                family.multicast_allns::<op::EventNotify>(&event, GFP_KERNEL)?;
            }
        }
        self.count_request();
        Ok(())
    }

    fn trouble_get<'a>(
        &self,
        request: Request<'a, op::TroubleGetDo>,
        reply: Responder<'a, op::TroubleGetDo>,
    ) -> Result<Sent<'a>> {
        if let Some(number) = request.get(trouble::Error) {
            return Err(request.refuse(trouble::Error, error_of(number), ASKED_FOR));
        }
        let material = Material {
            size: request.get(trouble::Size),
            numbers: request.get(trouble::Numbers),
            seed: request.get(trouble::Seed).unwrap_or(0),
        };
        let sent = reply.send(&material.object(0))?;
        self.count_request();
        Ok(sent)
    }

    type TroubleGetDump = TroubleCursor;

    fn trouble_get_dump(&self, request: Request<'_, op::TroubleGetDump>) -> Result<TroubleCursor> {
        let count = request.need(trouble::Count)?;
        let slow = request.get(trouble::Slow).unwrap_or(0);
        if slow > 0 && !request.capable(Capability::NET_ADMIN) {
            return Err(request.refuse(
                trouble::Slow,
                EPERM,
                c"slow dumps are for the administrator",
            ));
        }
        let after = request.get(trouble::FailAfter).unwrap_or(0);
        let cursor = TroubleCursor {
            material: Material {
                size: request.get(trouble::Size),
                numbers: request.get(trouble::Numbers),
                seed: request.get(trouble::Seed).unwrap_or(0),
            },
            next: 0,
            sent: 0,
            count,
            step: request.get(trouble::Step).unwrap_or(1),
            interrupt_after: request.get(trouble::InterruptAfter),
            failure: request.get(trouble::Error).map(|number| Failure {
                after: (!request.get(trouble::FailAtEnd)).then_some(after),
                error: error_of(number),
            }),
            slow,
            stuck: request.get(trouble::Stuck),
        };
        self.count_request();
        self.dumps.fetch_add(1, Relaxed);
        Ok(cursor)
    }

    fn types<'a>(
        &self,
        request: Request<'a, op::TypesDo>,
        reply: Responder<'a, op::TypesDo>,
    ) -> Result<Sent<'a>> {
        let pairs = request
            .get(types::Pairs)
            .map(|pair| as_sent!(pair, pair: A B));
        let items = request
            .get(types::Array)
            .map(|(index, item)| (index, as_sent!(item, item: Value Label)));
        let array = request.get(types::Array).next();
        let array = array.map(|_| types::Array.indexed(items));
        let sent = reply.send(&(
            as_sent!(request, types: U8 U16 U32 U64 S8 S16 S32 S64 Uint Sint Be16 Be32),
            request.get(types::Flag).then(|| types::Flag.put(())),
            as_sent!(request, types: String Binary Mac AtLeast Range SignedRange Color Modes),
            types::Numbers.each(request.get(types::Numbers)),
            types::Strings.each(request.get(types::Strings)),
            types::Pairs.each(pairs),
            array,
            request
                .get(types::Tree)
                .map(|tree| types::Tree.put(Tree(tree).whole())),
        ))?;
        self.count_request();
        Ok(sent)
    }

    fn big_get<'a>(
        &self,
        request: Request<'a, op::BigGetDo>,
        reply: Responder<'a, op::BigGetDo>,
    ) -> Result<Sent<'a>> {
        let size = request.need(big::Size)?;
        if size > BIG_FOR_ALL && !request.capable(Capability::NET_ADMIN) {
            let text = c"replies of more than 65536 bytes are for the administrator";
            return Err(request.refuse(big::Size, EPERM, text));
        }
        let sent = reply.send(&(big::Piece.each(pieces(size)),))?;
        self.count_request();
        Ok(sent)
    }

    fn several_get<'a>(
        &self,
        request: Request<'a, op::SeveralGetDo>,
        reply: Responder<'a, op::SeveralGetDo>,
    ) -> Result<Sent<'a>> {
        let count = request.need(several::Count)?;
        if count > SEVERAL_FOR_ALL && !request.capable(Capability::NET_ADMIN) {
            let text = c"more than 64 replies are for the administrator";
            return Err(request.refuse(several::Count, EPERM, text));
        }
        for index in 1..count {
            reply.send_more(&op::SeveralGetReply { index: Some(index) })?;
        }
        let sent = reply.send(&op::SeveralGetReply { index: Some(count) })?;
        self.count_request();
        Ok(sent)
    }

    fn delayed_get<'a>(
        &self,
        request: Request<'a, op::DelayedGetDo>,
        reply: Responder<'a, op::DelayedGetDo>,
    ) -> Result<Sent<'a>> {
        let delay = request.need(delayed::Delay)?;
        let (cookie, error) = (
            request.get(delayed::Cookie),
            request.get(delayed::Error).map(error_of),
        );
        let forget = request.get(delayed::Drop);
        // Others leave room for the administrator.
        let counts = !request.capable(Capability::NET_ADMIN);
        if counts && self.delayed.fetch_add(1, Relaxed) >= DELAYED_FOR_ALL {
            self.delayed.fetch_sub(1, Relaxed);
            return Err(request.refuse(delayed::Delay, EBUSY, c"512 such requests are waiting"));
        }
        let no_more = move |peer: &Self| {
            if counts {
                peer.delayed.fetch_sub(1, Relaxed);
            }
        };
        let (token, sent) = reply.defer().inspect_err(|_| no_more(self))?;
        let time = Delta::from_millis(delay.into());
        let later = request.registered().queue_delayed_work(time, move |job| {
            no_more(job.state());
            match error {
                _ if forget => {}
                Some(error) => token.fail_with(job, error, ASKED_FOR),
                None => {
                    let reply = op::DelayedGetReply {
                        delay: Some(delay),
                        cookie,
                    };
                    // An error here has no other reader than the requester, who is told.
                    let _ = token.send(job, &reply);
                }
            }
        });
        later.inspect_err(|_| no_more(self))?;
        self.count_request();
        Ok(sent)
    }

    fn refuse(&self, request: Request<'_, op::RefuseDo>) -> Result {
        let extack = request.extack();
        let text = match request.get(refusal::Text).map(CStr::to_str).transpose() {
            Ok(text) => text,
            Err(_) => return Err(request.refuse(refusal::Text, EINVAL, c"text must be UTF-8")),
        };
        let error = request.get(refusal::Error).map(error_of);
        let blamed = error.unwrap_or(EINVAL);
        let answer = match request.get(refusal::Blame) {
            Some(Blame::Attribute) => Err(request.refuse(refusal::Blame, blamed, ASKED_FOR)),
            Some(Blame::Nest) => request
                .need(refusal::Nest)
                .and_then(|nest| Err(nest.refuse(refusal_nest::Inside, blamed, ASKED_FOR))),
            Some(Blame::Missing) => request
                .need(refusal::Nest)
                .and_then(|_| Err(request.refuse(refusal::Blame, EINVAL, c"the nest is there"))),
            Some(Blame::MissingInNest) => request
                .need(refusal::Nest)
                .and_then(|nest| nest.need(refusal_nest::Missing))
                .and_then(|_| {
                    Err(request.refuse(refusal::Blame, EINVAL, c"the attribute is there"))
                }),
            None => error.map_or(Ok(()), |error| {
                extack.set_text(ASKED_FOR);
                Err(error)
            }),
        };
        if let Some(text) = text {
            extack.set_fmt(fmt!("{text}"));
        }
        if let Some(cookie) = request.get(refusal::Cookie) {
            extack.set_cookie(cookie);
        }
        if answer.is_ok() {
            self.count_request();
        }
        answer
    }

    fn burst<'a>(
        &self,
        request: Request<'a, op::BurstDo>,
        reply: Responder<'a, op::BurstDo>,
    ) -> Result<Sent<'a>> {
        let (count, size) = (
            request.need(burst::Count)?,
            request.get(burst::Size).unwrap_or(0),
        );
        if count.saturating_mul(size) > BURST_BYTES {
            return Err(request.refuse(burst::Size, EINVAL, c"a burst has at most 64 MiB"));
        }
        let (events, bytes) = BURST_FOR_ALL;
        if (count > events || count.saturating_mul(size) > bytes)
            && !request.capable(Capability::NET_ADMIN)
        {
            let text = c"more than 1024 events or 1 MiB are for the administrator";
            return Err(request.refuse(burst::Count, EPERM, text));
        }
        // CAST: Both are 32 bits.
        request.spend(count as usize, size as usize)?;
        let (family, net) = (request.registered(), request.net());
        let mut lost = 0u32;
        for index in 0..count {
            let event = op::BurstEventEvent {
                index: Some(index),
                data: pattern(0, size).filter(|data| !data.is_empty()),
            };
            match family.multicast::<op::BurstEventNotify>(net, &event, GFP_KERNEL) {
                Ok(()) => {}
                Err(error) if error == ENOBUFS => lost = lost.wrapping_add(1),
                Err(error) => return Err(error),
            }
        }
        let sent = reply.send(&op::BurstReply {
            sent: Some(count),
            lost: Some(lost),
        })?;
        self.count_request();
        Ok(sent)
    }

    fn sender_get<'a>(
        &self,
        request: Request<'a, op::SenderGetDo>,
        reply: Responder<'a, op::SenderGetDo>,
    ) -> Result<Sent<'a>> {
        let (sender, net) = (request.sender(), request.net());
        let sent = reply.send(&op::SenderGetReply {
            portid: Some(request.portid()),
            seq: Some(request.seq()),
            flags: Some(request.flags().into()),
            pid: Some(sender.pid),
            uid: Some(sender.uid),
            gid: Some(sender.gid),
            netns_cookie: Some(net.cookie()),
            netns_inum: Some(net.inum()),
            net_admin: request.capable(Capability::NET_ADMIN),
            netns_admin: request.net_capable(Capability::NET_ADMIN),
        })?;
        self.count_request();
        Ok(sent)
    }

    fn counter_get<'a>(
        &self,
        request: Request<'a, op::CounterGetDo>,
        reply: Responder<'a, op::CounterGetDo>,
    ) -> Result<Sent<'a>> {
        let of_netns = self.of_netns.get(request.net())?;
        let in_netns = of_netns.counter.fetch_add(1, Relaxed);
        drop(of_netns);
        let of_socket = self
            .of_socket
            .get_or_make(&request, || Ok(Atomic::new(0)))?;
        let sent = reply.send(&op::CounterGetReply {
            socket: Some(of_socket.fetch_add(1, Relaxed).wrapping_add(1)),
            netns: Some(in_netns.wrapping_add(1)),
            // CAST: There are not that many sockets.
            sockets: Some(self.of_socket.len() as u32),
        })?;
        self.count_request();
        Ok(sent)
    }

    fn netns_admin(&self, _: Request<'_, op::NetnsAdminDo>) -> Result {
        self.count_request();
        Ok(())
    }

    fn change(&self, request: Request<'_, op::ChangeDo>) -> Result {
        let of_netns = self.of_netns.get(request.net())?;
        of_netns.changes.fetch_add(1, Relaxed);
        self.count_request();
        Ok(())
    }

    fn odd_get<'a>(
        &self,
        request: Request<'a, op::OddGetDo>,
        reply: Responder<'a, op::OddGetDo>,
    ) -> Result<Sent<'a>> {
        let sent = answer(&request, reply)?;
        self.count_request();
        Ok(sent)
    }

    type OddGetDump = OddDump;

    fn odd_get_dump(&self, request: Request<'_, op::OddGetDump>) -> Result<OddDump> {
        self.count_request();
        self.dumps.fetch_add(1, Relaxed);
        Ok(OddDump::new(&request))
    }
}
