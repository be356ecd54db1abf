// SPDX-License-Identifier: GPL-2.0

//! The protocol of nlpeer in types: what `rust/specs/nlpeer.yaml` says, and nothing else.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        layout::{
            AsText,
            Bytes,
            Each,
            Nest,
            Str,
            U32,
            U64, //
        },
        Attr,
        Command,
        Layout,
        Listen,
        Message,
        MulticastGroup,
        NoAttrs,
        Notify,
        Op,
        Policy,
        SplitOp, //
    },
    peer::Peer, //
};
use kernel::prelude::*;

/// The name of the family.
pub(crate) const NAME: &str = "nlpeer";

/// The version of the protocol.
pub(crate) const VERSION: u8 = 1;

const TEXT_MAX: u16 = 64;
const STRING_MAX: u16 = 4096;
const BINARY_MAX: u16 = 32768;
const COUNT_MAX: u64 = 1_000_000;
/// The largest [`Trouble::SIZE`].
pub(crate) const SIZE_MAX: u64 = 70_000;
const NUMBERS_MAX: u64 = 10_000;
const ERRNO_MAX: u64 = 4095;

/// The operations, in the order of their commands.
pub(crate) const OPS: &[SplitOp<Peer>] = &genl::table([
    genl::do_reply::<Echo>(),
    genl::dump::<ObjectGet>(),
    genl::do_reply::<StatusGet>(),
    genl::do_::<Reset>(),
    genl::do_::<EventSend>(),
    genl::do_reply::<TroubleGet>(),
    genl::dump::<TroubleDump>(),
]);

/// The multicast groups.
pub(crate) const GROUPS: &[MulticastGroup<Peer>] = &[MulticastGroup::new("events", Listen::Anyone)];

macro_rules! commands {
    ($($(#[$doc:meta])* $type:ident = $number:literal, $name:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $type;

            impl Command for $type {
                type Family = Peer;
                const NAME: &'static str = $name;
                const NUMBER: u8 = $number;
            }
        )*
    };
}

commands! {
    /// Return the attributes of the request.
    Echo = 1, "echo";
    /// Dump objects.
    ObjectGet = 2, "object-get";
    /// Return the counters of the family.
    StatusGet = 3, "status-get";
    /// Set the count of requests to zero.
    Reset = 4, "reset";
    /// Send an event to the group [`Events`].
    EventSend = 5, "event-send";
    /// The notification that [`EventSend`] asks for.
    Event = 6, "event";
    /// Return one object, or an error.
    TroubleGet = 7, "trouble-get";
    /// Dump objects, with trouble on the way.
    TroubleDump = 7, "trouble-get";
}

impl Op for Echo {
    type Policy = Value;
}

impl Op for ObjectGet {
    type Policy = ObjectGetRequest;
}

impl Op for StatusGet {
    type Policy = NoAttrs;
}

impl Op for Reset {
    type Policy = NoAttrs;
    const ACCESS: genl::Access = genl::Access::Admin;
}

impl Op for EventSend {
    type Policy = EventValue;
}

impl Op for TroubleGet {
    type Policy = TroubleGetRequest;
}

impl Op for TroubleDump {
    type Policy = TroubleDumpRequest;
}

/// The group that events are sent to.
pub(crate) struct Events;

impl genl::Group for Events {
    type Family = Peer;
    const INDEX: u32 = 0;
}

impl Notify for Event {
    type Group = Events;
}

/// The attributes of [`TroubleGet`] and [`TroubleDump`].
pub(crate) struct Trouble;

impl Trouble {
    pub(crate) const COUNT: u16 = 1;
    pub(crate) const SIZE: u16 = 2;
    pub(crate) const NUMBERS: u16 = 3;
    pub(crate) const INTERRUPT_AFTER: u16 = 4;
    pub(crate) const FAIL_AFTER: u16 = 5;
    pub(crate) const ERRNO: u16 = 6;
    pub(crate) const STUCK: u16 = 7;
    pub(crate) const ID: u16 = 8;
    pub(crate) const DATA: u16 = 9;
    pub(crate) const LIST: u16 = 10;
}

/// The attributes of a list.
pub(crate) struct List;

impl List {
    pub(crate) const NUMBER: u16 = 1;
}

/// The request for one object.
pub(crate) struct TroubleGetRequest;

impl Policy for TroubleGetRequest {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::unused(),
        Attr::u32().max::<SIZE_MAX>(),
        Attr::u32().max::<NUMBERS_MAX>(),
        Attr::unused(),
        Attr::unused(),
        Attr::u32().range::<1, ERRNO_MAX>(),
    ];
}

/// The request of a dump with trouble.
pub(crate) struct TroubleDumpRequest;

impl Policy for TroubleDumpRequest {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32().max::<COUNT_MAX>(),
        Attr::u32().max::<SIZE_MAX>(),
        Attr::u32().max::<NUMBERS_MAX>(),
        Attr::u32().range::<1, { u32::MAX as u64 }>(),
        Attr::u32(),
        Attr::u32().range::<1, ERRNO_MAX>(),
        Attr::flag(),
    ];
}

/// What echo takes and returns.
pub(crate) struct Value;

impl Value {
    pub(crate) const U32: u16 = 1;
    pub(crate) const U64: u16 = 2;
    pub(crate) const STRING: u16 = 3;
    pub(crate) const BINARY: u16 = 4;
    pub(crate) const NEST: u16 = 5;
}

impl Policy for Value {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32(),
        Attr::u64(),
        Attr::string(STRING_MAX),
        Attr::binary(BINARY_MAX),
        Attr::nested::<NestedValue>(),
    ];
}

/// What a nest of echo can hold.
pub(crate) struct NestedValue;

impl NestedValue {
    pub(crate) const U32: u16 = 1;
    pub(crate) const STRING: u16 = 2;
}

impl Policy for NestedValue {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::string(TEXT_MAX)];
}

/// The request of a dump of objects.
pub(crate) struct ObjectGetRequest;

impl ObjectGetRequest {
    pub(crate) const COUNT: u16 = 1;
}

impl Policy for ObjectGetRequest {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().max::<COUNT_MAX>()];
}

/// What an event carries, and the request for it.
pub(crate) struct EventValue;

impl EventValue {
    pub(crate) const COOKIE: u16 = 1;
    pub(crate) const TEXT: u16 = 2;
}

impl Policy for EventValue {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::string(TEXT_MAX)];
}

/// The reply of [`Echo`].
pub(crate) struct EchoReply<'a> {
    pub(crate) u32: Option<u32>,
    pub(crate) u64: Option<u64>,
    pub(crate) string: Option<&'a CStr>,
    pub(crate) binary: Option<&'a [u8]>,
    pub(crate) nest: Option<EchoReplyNest<'a>>,
}

/// The nest in an [`EchoReply`].
pub(crate) struct EchoReplyNest<'a> {
    pub(crate) u32: Option<u32>,
    pub(crate) string: Option<&'a CStr>,
}

impl Message<Echo> for EchoReply<'_> {
    #[inline(always)]
    fn layout(&self) -> impl Layout + '_ {
        (
            self.u32.map(U32::<{ Value::U32 }>),
            self.u64.map(U64::<{ Value::U64 }>),
            self.string.map(Str::<{ Value::STRING }>::new),
            self.binary.map(Bytes::<{ Value::BINARY }>),
            self.nest.as_ref().map(|nest| {
                Nest::<{ Value::NEST }, _>((
                    nest.u32.map(U32::<{ NestedValue::U32 }>),
                    nest.string.map(Str::<{ NestedValue::STRING }>::new),
                ))
            }),
        )
    }
}

/// An object of [`ObjectGet`], asked for its attributes at the moment when they are sent.
pub(crate) trait ObjectSource {
    fn id(&self) -> u32;
    fn counter(&self) -> u64;
    fn name(&self) -> &(impl AsText + ?Sized);
    fn pair_a(&self) -> u32;
    fn pair_b(&self) -> u32;
    fn v1(&self) -> u32;
    fn v2(&self) -> u32;
    fn v3(&self) -> u32;
    fn v4(&self) -> u32;
    fn v5(&self) -> u32;
    fn v6(&self) -> u32;
    fn extra(&self) -> Option<u32>;
}

impl<T: ObjectSource> Message<ObjectGet> for &T {
    #[inline(always)]
    fn layout(&self) -> impl Layout + '_ {
        (
            U32::<2, _>(|| self.id()),
            U64::<3, _>(|| self.counter()),
            Str::<4>::new(self.name()),
            Nest::<5, _>((U32::<1, _>(|| self.pair_a()), U32::<2, _>(|| self.pair_b()))),
            U32::<6, _>(|| self.v1()),
            U32::<7, _>(|| self.v2()),
            U32::<8, _>(|| self.v3()),
            U32::<9, _>(|| self.v4()),
            U32::<10, _>(|| self.v5()),
            U32::<11, _>(|| self.v6()),
            self.extra().map(U32::<12>),
        )
    }
}

/// The reply of [`StatusGet`].
pub(crate) struct StatusReply {
    pub(crate) requests: u64,
    pub(crate) dumps: u32,
}

impl Message<StatusGet> for StatusReply {
    fn layout(&self) -> impl Layout + '_ {
        (U64::<1>(self.requests), U32::<2>(self.dumps))
    }
}

/// The attributes of [`Event`].
pub(crate) struct EventMessage<'a> {
    pub(crate) cookie: u32,
    pub(crate) text: Option<&'a CStr>,
}

impl Message<Event> for EventMessage<'_> {
    fn layout(&self) -> impl Layout + '_ {
        (
            U32::<{ EventValue::COOKIE }>(self.cookie),
            self.text.map(Str::<{ EventValue::TEXT }>::new),
        )
    }
}

/// An object of [`TroubleDump`], and the reply of [`TroubleGet`].
pub(crate) struct TroubleObject<'a, I> {
    pub(crate) id: u32,
    pub(crate) data: Option<&'a [u8]>,
    pub(crate) list: Option<I>,
}

impl<I: Iterator<Item = u32> + Clone> TroubleObject<'_, I> {
    #[inline(always)]
    fn parts(&self) -> impl Layout + '_ {
        (
            U32::<{ Trouble::ID }>(self.id),
            self.data.map(Bytes::<{ Trouble::DATA }>),
            self.list.as_ref().map(|list| {
                let numbers = list.clone().map(U32::<{ List::NUMBER }>);
                Nest::<{ Trouble::LIST }, _>(Each::new(numbers))
            }),
        )
    }
}

impl<I: Iterator<Item = u32> + Clone> Message<TroubleGet> for TroubleObject<'_, I> {
    fn layout(&self) -> impl Layout + '_ {
        self.parts()
    }
}

impl<I: Iterator<Item = u32> + Clone> Message<TroubleDump> for TroubleObject<'_, I> {
    #[inline(always)]
    fn layout(&self) -> impl Layout + '_ {
        self.parts()
    }
}
