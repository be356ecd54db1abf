// SPDX-License-Identifier: GPL-2.0

//! What nlpeer does: the handlers of its operations and the state that they share.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        layout::{
            AsText,
            Text, //
        },
        Capability,
        Cursor,
        DumpResult,
        Message,
        ModuleFamily,
        Net,
        NetState,
        PerNet,
        PerSocket,
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
    sync::aref::ARef,
    time::{
        delay::fsleep,
        Delta, //
    },
    ThisModule, //
};

/// The state of the family.
pub(crate) struct Nlpeer {
    /// Requests whose handler has succeeded.
    requests: AtomicU64,
    /// Dumps that are open.
    dumps: AtomicU32,
    /// Requests of others than the administrator that wait for their delayed reply.
    delayed: AtomicU32,
    of_socket: PerSocket<AtomicU32>,
    of_netns: PerNet<OfNetns>,
}

/// What a network namespace has.
pub(crate) struct OfNetns {
    /// How often its counter was asked for.
    counter: AtomicU64,
    /// How often somebody has asked for a change of the objects.
    changes: AtomicU32,
}

impl NetState for OfNetns {
    fn new(_cookie: u64) -> impl PinInit<Self, Error> {
        Ok(Self {
            counter: AtomicU64::new(0),
            changes: AtomicU32::new(0),
        })
    }
}

impl Nlpeer {
    fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
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
#[derive(Clone, Copy)]
pub(crate) struct ObjectCursor {
    next: Object,
    count: u32,
}

impl Cursor<ObjectGetDump> for ObjectCursor {
    #[inline(always)]
    fn place(&self) -> u64 {
        self.next.id.into()
    }

    #[inline(always)]
    fn peek(&self) -> Option<impl Message<ObjectGetDump> + '_> {
        (self.next.id < self.count).then_some(&self.next)
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.next.id = self.next.id.wrapping_add(1);
        // It has room for the digits of any id.
        let _ = self.next.name.count_up();
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

impl Trouble {
    fn first(&self) -> u32 {
        self.id.wrapping_add(self.material.seed)
    }
}

/// The list in it: so many numbers from one on.
struct Numbers {
    first: u32,
    count: u32,
}

impl AsList for Numbers {
    #[inline(always)]
    fn number(&self) -> impl Iterator<Item = u32> + Clone {
        // In 64 bits, where it cannot wrap: there is one number to count up, and not two.
        let first = u64::from(self.first);
        // CAST: The lower half is meant.
        (first..first.wrapping_add(self.count.into())).map(|number| number as u32)
    }
}

impl AsTroubleGetReply for Trouble {
    #[inline(always)]
    fn id(&self) -> Option<u32> {
        Some(self.id)
    }

    #[inline(always)]
    fn data(&self) -> Option<&'_ [u8]> {
        pattern(self.first(), self.material.size?)
    }

    #[inline(always)]
    fn list(&self) -> Option<impl AsList> {
        Some(Numbers {
            first: self.first(),
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

/// Where a dump with trouble stands.
pub(crate) struct TroubleCursor {
    net: ARef<Net>,
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
fn push(objects: &mut TroubleGetObjects<'_>, object: Trouble) -> DumpResult {
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

/// What types returns: what it was sent.
struct Types<'a>(TypesRequest<'a>);

impl AsPair for PairView<'_> {
    fn a(&self) -> Option<u32> {
        Self::a(self)
    }

    fn b(&self) -> Option<u32> {
        Self::b(self)
    }
}

impl AsItem for ItemView<'_> {
    fn value(&self) -> Option<u32> {
        Self::value(self)
    }

    fn label(&self) -> Option<&(impl AsText + ?Sized)> {
        Self::label(self)
    }
}

impl AsTree for TreeView<'_> {
    fn value(&self) -> Option<u32> {
        Self::value(self)
    }

    fn child(&self) -> Option<impl AsTree> {
        Self::child(self)
    }
}

impl AsTypesReply for Types<'_> {
    fn u8(&self) -> Option<u8> {
        self.0.u8()
    }

    fn u16(&self) -> Option<u16> {
        self.0.u16()
    }

    fn u32(&self) -> Option<u32> {
        self.0.u32()
    }

    fn u64(&self) -> Option<u64> {
        self.0.u64()
    }

    fn s8(&self) -> Option<i8> {
        self.0.s8()
    }

    fn s16(&self) -> Option<i16> {
        self.0.s16()
    }

    fn s32(&self) -> Option<i32> {
        self.0.s32()
    }

    fn s64(&self) -> Option<i64> {
        self.0.s64()
    }

    fn uint(&self) -> Option<u64> {
        self.0.uint()
    }

    fn sint(&self) -> Option<i64> {
        self.0.sint()
    }

    fn be16(&self) -> Option<u16> {
        self.0.be16()
    }

    fn be32(&self) -> Option<u32> {
        self.0.be32()
    }

    fn flag(&self) -> bool {
        self.0.flag()
    }

    fn string(&self) -> Option<&(impl AsText + ?Sized)> {
        self.0.string()
    }

    fn binary(&self) -> Option<&'_ [u8]> {
        self.0.binary()
    }

    fn mac(&self) -> Option<&'_ [u8]> {
        self.0.mac()
    }

    fn at_least(&self) -> Option<&'_ [u8]> {
        self.0.at_least()
    }

    fn range(&self) -> Option<u32> {
        self.0.range()
    }

    fn signed_range(&self) -> Option<i32> {
        self.0.signed_range()
    }

    fn color(&self) -> Option<Color> {
        self.0.color()
    }

    fn modes(&self) -> Option<Modes> {
        self.0.modes()
    }

    fn numbers(&self) -> impl Iterator<Item = u32> + Clone {
        self.0.numbers()
    }

    fn strings(&self) -> impl Iterator<Item = &(impl AsText + ?Sized)> + Clone {
        self.0.strings()
    }

    fn pairs(&self) -> impl Iterator<Item = impl AsPair> + Clone {
        self.0.pairs()
    }

    fn array(&self) -> Option<impl Iterator<Item = (u16, impl AsItem)> + Clone> {
        Some(self.0.array()).filter(|array| array.clone().next().is_some())
    }

    fn tree(&self) -> Option<impl AsTree> {
        self.0.tree()
    }
}

/// A large reply.
struct Big(u32);

/// A piece of it.
struct BigPiece(&'static [u8]);

impl AsPiece for BigPiece {
    fn data(&self) -> Option<&'_ [u8]> {
        Some(self.0)
    }
}

impl AsBigGetReply for Big {
    fn piece(&self) -> impl Iterator<Item = impl AsPiece> + Clone {
        // The pattern repeats within a piece, so all of them begin with it.
        let (size, pieces) = (self.0, self.0.div_ceil(PIECE_MAX));
        (0..pieces)
            .map(move |i| size.wrapping_sub(i.wrapping_mul(PIECE_MAX)).min(PIECE_MAX))
            .filter_map(|size| pattern(0, size))
            .map(BigPiece)
    }
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
            requests: AtomicU64::new(0),
            dumps: AtomicU32::new(0),
            delayed: AtomicU32::new(0),
            of_socket: PerSocket::new(module)?,
            of_netns: PerNet::new(module)?,
        })
    }
}

impl Handler for Nlpeer {
    #[inline(always)]
    fn echo<'a>(&self, request: EchoRequest<'a>, reply: EchoResponder<'a>) -> Result<Sent<'a>> {
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
        let next = Object::first()?;
        self.count_request();
        self.dumps.fetch_add(1, Relaxed);
        Ok(ObjectCursor { next, count })
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

    fn status_get<'a>(
        &self,
        _: StatusGetRequest<'a>,
        reply: StatusGetResponder<'a>,
    ) -> Result<Sent<'a>> {
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
        request.spend(EVENT_MESSAGES, text.map_or(0, CStr::count_bytes))?;
        let (family, net) = (request.registered(), request.net());
        let cookie = Some(cookie);
        let event = EventNotification { cookie, text };
        match request.audience().unwrap_or(Audience::Anyone) {
            Audience::Anyone => family.notify_event(net, &event, GFP_KERNEL)?,
            Audience::NetAdmin => {
                let event = AdminEventNotification { cookie, text };
                family.notify_admin_event(net, &event, GFP_KERNEL)?
            }
            Audience::Everywhere => {
                if !request.capable(Capability::NET_ADMIN) {
                    let text = c"all network namespaces are for the administrator";
                    return Err(request.refuse_audience(EPERM, text));
                }
                family.multicast_allns::<EventNotify, _>(&event, GFP_KERNEL)?;
            }
        }
        self.count_request();
        Ok(())
    }

    fn trouble_get<'a>(
        &self,
        request: TroubleGetRequest<'a>,
        reply: TroubleGetResponder<'a>,
    ) -> Result<Sent<'a>> {
        if let Some(number) = request.error() {
            return Err(request.refuse_error(error_of(number), ASKED_FOR));
        }
        let material = Material {
            size: request.size(),
            numbers: request.numbers(),
            seed: request.seed().unwrap_or(0),
        };
        let sent = reply.send(&material.object(0))?;
        self.count_request();
        Ok(sent)
    }

    type TroubleGetState = TroubleCursor;

    fn trouble_get_start(&self, request: TroubleGetDumpRequest<'_>) -> Result<TroubleCursor> {
        let count = request.need_count()?;
        let slow = request.slow().unwrap_or(0);
        if slow > 0 && !request.capable(Capability::NET_ADMIN) {
            return Err(request.refuse_slow(EPERM, c"slow dumps are for the administrator"));
        }
        let after = request.fail_after().unwrap_or(0);
        let cursor = TroubleCursor {
            net: request.net().into(),
            material: Material {
                size: request.size(),
                numbers: request.numbers(),
                seed: request.seed().unwrap_or(0),
            },
            next: 0,
            sent: 0,
            count,
            step: request.step().unwrap_or(1),
            interrupt_after: request.interrupt_after(),
            failure: request.error().map(|number| Failure {
                after: (!request.fail_at_end()).then_some(after),
                error: error_of(number),
            }),
            slow,
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
        if cursor.slow > 0 {
            fsleep(Delta::from_millis(cursor.slow.into()));
        }
        if cursor.stuck {
            // What becomes of a cursor that stays at its first object.
            while push(objects, cursor.material.object(0)).is_ok() {}
            return Err(Stop::fail(EINVAL, c"the dump does not advance"));
        }
        loop {
            if let Some(error) = cursor.fails_now() {
                return Err(Stop::fail(error, ASKED_FOR));
            }
            if cursor.next >= cursor.count {
                return Ok(());
            }
            push(objects, cursor.material.object(cursor.next))?;
            cursor.next = cursor.next.saturating_add(cursor.step);
            cursor.sent = cursor.sent.wrapping_add(1);
            // The mark comes with the next buffer, however large this one is.
            if cursor.interrupt_after == Some(cursor.sent) {
                return Err(Stop::next_buffer());
            }
        }
    }

    fn trouble_get_done(&self, _: TroubleCursor) {
        self.dumps.fetch_sub(1, Relaxed);
    }

    fn trouble_get_generation(&self, cursor: &TroubleCursor) -> u32 {
        let interrupted = matches!(cursor.interrupt_after, Some(after) if cursor.sent >= after);
        let Ok(of_netns) = self.of_netns.get(&cursor.net) else {
            return 0;
        };
        // Never 0, which stands for "not known".
        let changes = of_netns.changes.load(Relaxed);
        changes.wrapping_mul(2) | 1 << 31 | u32::from(interrupted)
    }

    fn types<'a>(&self, request: TypesRequest<'a>, reply: TypesResponder<'a>) -> Result<Sent<'a>> {
        let sent = reply.send(&Types(request))?;
        self.count_request();
        Ok(sent)
    }

    fn big_get<'a>(
        &self,
        request: BigGetRequest<'a>,
        reply: BigGetResponder<'a>,
    ) -> Result<Sent<'a>> {
        let size = request.need_size()?;
        if size > BIG_FOR_ALL && !request.capable(Capability::NET_ADMIN) {
            let text = c"replies of more than 65536 bytes are for the administrator";
            return Err(request.refuse_size(EPERM, text));
        }
        let sent = reply.send(&Big(size))?;
        self.count_request();
        Ok(sent)
    }

    fn several_get<'a>(
        &self,
        request: SeveralGetRequest<'a>,
        reply: SeveralGetResponder<'a>,
    ) -> Result<Sent<'a>> {
        let count = request.need_count()?;
        if count > SEVERAL_FOR_ALL && !request.capable(Capability::NET_ADMIN) {
            let text = c"more than 64 replies are for the administrator";
            return Err(request.refuse_count(EPERM, text));
        }
        for index in 1..count {
            reply.send_more(&SeveralGetReply { index: Some(index) })?;
        }
        let sent = reply.send(&SeveralGetReply { index: Some(count) })?;
        self.count_request();
        Ok(sent)
    }

    fn delayed_get<'a>(
        &self,
        request: DelayedGetRequest<'a>,
        reply: DelayedGetResponder<'a>,
    ) -> Result<Sent<'a>> {
        let delay = request.need_delay()?;
        let (cookie, error) = (request.cookie(), request.error().map(error_of));
        let forget = request.drop();
        // Others leave room for the administrator.
        let counts = !request.capable(Capability::NET_ADMIN);
        if counts && self.delayed.fetch_add(1, Relaxed) >= DELAYED_FOR_ALL {
            self.delayed.fetch_sub(1, Relaxed);
            return Err(request.refuse_delay(EBUSY, c"512 such requests are waiting"));
        }
        let no_more = move |peer: &Self| {
            if counts {
                peer.delayed.fetch_sub(1, Relaxed);
            }
        };
        let (token, sent) = reply.defer().inspect_err(|_| no_more(self))?;
        let later = request.registered().queue_delayed_work(delay, move |job| {
            no_more(job.state());
            match error {
                _ if forget => {}
                Some(error) => token.fail_with(job, error, ASKED_FOR),
                None => {
                    let reply = DelayedGetReply {
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

    fn refuse(&self, request: RefuseRequest<'_>) -> Result {
        let extack = request.extack();
        let text = match request.text().map(CStr::to_str).transpose() {
            Ok(text) => text,
            Err(_) => return Err(request.refuse_text(EINVAL, c"text must be UTF-8")),
        };
        let error = request.error().map(error_of);
        let blamed = error.unwrap_or(EINVAL);
        let answer = match request.blame() {
            Some(Blame::Attribute) => Err(request.refuse_blame(blamed, ASKED_FOR)),
            Some(Blame::Nest) => request
                .need_nest()
                .and_then(|nest| Err(nest.refuse_inside(&request, blamed, ASKED_FOR))),
            Some(Blame::Missing) => request
                .need_nest()
                .and_then(|_| Err(request.refuse_blame(EINVAL, c"the nest is there"))),
            Some(Blame::MissingInNest) => request
                .need_nest()
                .and_then(|nest| nest.need_missing(&request))
                .and_then(|_| Err(request.refuse_blame(EINVAL, c"the attribute is there"))),
            None => error.map_or(Ok(()), |error| {
                extack.set_text(ASKED_FOR);
                Err(error)
            }),
        };
        if let Some(text) = text {
            extack.set_fmt(fmt!("{text}"));
        }
        if let Some(cookie) = request.cookie().and_then(|cookie| cookie.first_chunk()) {
            extack.set_cookie::<8>(cookie);
        }
        if answer.is_ok() {
            self.count_request();
        }
        answer
    }

    fn burst<'a>(&self, request: BurstRequest<'a>, reply: BurstResponder<'a>) -> Result<Sent<'a>> {
        let (count, size) = (request.need_count()?, request.size().unwrap_or(0));
        if count.saturating_mul(size) > BURST_BYTES {
            return Err(request.refuse_size(EINVAL, c"a burst has at most 64 MiB"));
        }
        let (events, bytes) = BURST_FOR_ALL;
        if (count > events || count.saturating_mul(size) > bytes)
            && !request.capable(Capability::NET_ADMIN)
        {
            let text = c"more than 1024 events or 1 MiB are for the administrator";
            return Err(request.refuse_count(EPERM, text));
        }
        // CAST: Both are 32 bits.
        request.spend(count as usize, size as usize)?;
        let (family, net) = (request.registered(), request.net());
        let mut lost = 0u32;
        for index in 0..count {
            let event = BurstEventNotification {
                index: Some(index),
                data: pattern(0, size).filter(|data| !data.is_empty()),
            };
            match family.notify_burst_event(net, &event, GFP_KERNEL) {
                Ok(()) => {}
                Err(error) if error == ENOBUFS => lost = lost.wrapping_add(1),
                Err(error) => return Err(error),
            }
        }
        let sent = reply.send(&BurstReply {
            sent: Some(count),
            lost: Some(lost),
        })?;
        self.count_request();
        Ok(sent)
    }

    fn sender_get<'a>(
        &self,
        request: SenderGetRequest<'a>,
        reply: SenderGetResponder<'a>,
    ) -> Result<Sent<'a>> {
        let (sender, net) = (request.sender(), request.net());
        let sent = reply.send(&SenderGetReply {
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
        request: CounterGetRequest<'a>,
        reply: CounterGetResponder<'a>,
    ) -> Result<Sent<'a>> {
        let of_netns = self.of_netns.get(request.net())?;
        let in_netns = of_netns.counter.fetch_add(1, Relaxed);
        drop(of_netns);
        let of_socket = self
            .of_socket
            .get_or_make(&request, || Ok(AtomicU32::new(0)))?;
        let sent = reply.send(&CounterGetReply {
            socket: Some(of_socket.fetch_add(1, Relaxed).wrapping_add(1)),
            netns: Some(in_netns.wrapping_add(1)),
            // CAST: There are not that many sockets.
            sockets: Some(self.of_socket.len() as u32),
        })?;
        self.count_request();
        Ok(sent)
    }

    fn netns_admin(&self, _: NetnsAdminRequest<'_>) -> Result {
        self.count_request();
        Ok(())
    }

    fn change(&self, request: ChangeRequest<'_>) -> Result {
        let of_netns = self.of_netns.get(request.net())?;
        of_netns.changes.fetch_add(1, Relaxed);
        self.count_request();
        Ok(())
    }
}
