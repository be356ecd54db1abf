// SPDX-License-Identifier: GPL-2.0
//! x
#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports, missing_docs)]
use crate::genl;
use kernel::prelude::*;
pub(crate) mod def {
    use super::genl;
    pub(crate) const NAME_MAX: u32 = 63;
    pub(crate) const TEXT_MAX: u32 = 64;
    pub(crate) const STRING_MAX: u32 = 4096;
    pub(crate) const BINARY_MAX: u32 = 32768;
    pub(crate) const COUNT_MAX: u32 = 1000000;
    pub(crate) const SIZE_MAX: u32 = 70000;
    pub(crate) const NUMBERS_MAX: u32 = 10000;
    pub(crate) const TEXT_LONG_MAX: u32 = 200;
    genl::enumerations! { pub(crate) enum Blame { Attribute = 0, Nest = 1, Missing = 2, MissingInNest = 3 } }
    pub(crate) const ERRNO_MAX: u32 = 4095;
    pub(crate) const REPLIES_MAX: u32 = 1000;
    pub(crate) const DELAY_MAX: u32 = 10000;
    pub(crate) const SLOW_MAX: u32 = 1000;
    pub(crate) const BIG_MAX: u32 = 4128768;
    pub(crate) const PIECE_MAX: u32 = 32768;
    pub(crate) const BURST_MAX: u32 = 100000;
    genl::enumerations! { pub(crate) enum Color { Red = 0, Green = 1, Blue = 2 } }
    genl::flags! { pub(crate) struct Modes { LOW = 0x1, MIDDLE = 0x2, HIGH = 0x4 } }
    genl::enumerations! { pub(crate) enum Audience { Anyone = 0, NetAdmin = 1, Everywhere = 2 } }
}
pub(crate) mod attr {
    use super::{def, genl};
    use genl::kind::*;
    genl::attributes! {
        pub(crate) mod value: ValueSet {
            U32 = 1: U32,
            U64 = 2: U64,
            String = 3: Str { max_len(4096) },
            Binary = 4: Binary { max_len(32768) },
            Nest = 5: Nest<NestedValueSet>,
        }
        pub(crate) mod nested_value: NestedValueSet {
            U32 = 1: U32,
            String = 2: Str { max_len(64) },
        }
        pub(crate) mod object: ObjectSet {
            Count = 1: U32 { max::<1000000>() },
            Id = 2: U32,
            Counter = 3: U64,
            Name = 4: Str { max_len(63) },
            Pair = 5: Nest<PairSet>,
            V1 = 6: U32,
            V2 = 7: U32,
            V3 = 8: U32,
            V4 = 9: U32,
            V5 = 10: U32,
            V6 = 11: U32,
            Extra = 12: U32,
        }
        pub(crate) mod pair: PairSet {
            A = 1: U32,
            B = 2: U32,
        }
        pub(crate) mod status: StatusSet {
            Requests = 1: U64,
            Dumps = 2: U32,
        }
        pub(crate) mod event: EventSet {
            Cookie = 1: U32,
            Text = 2: Str { max_len(64) },
            Audience = 3: Of<U32, def::Audience>,
        }
        pub(crate) mod trouble: TroubleSet {
            Count = 1: U32 { max::<1000000>() },
            Size = 2: U32 { max::<70000>() },
            Numbers = 3: U32 { max::<10000>() },
            InterruptAfter = 4: U32 { range::<1, 4294967295>() },
            FailAfter = 5: U32,
            Error = 6: U32 { range::<1, 4095>() },
            Stuck = 7: Flag,
            Id = 8: U32,
            Data = 9: Binary,
            List = 10: Nest<ListSet>,
            Seed = 11: U32,
            Step = 12: U32 { range::<1, 4294967295>() },
            Slow = 13: U32 { max::<1000>() },
            FailAtEnd = 14: Flag,
        }
        pub(crate) mod list: ListSet {
            Number = 1: Many<U32>,
        }
        pub(crate) mod types: TypesSet {
            U8 = 1: U8,
            U16 = 2: U16,
            U32 = 3: U32,
            U64 = 4: U64,
            S8 = 5: S8,
            S16 = 6: S16,
            S32 = 7: S32,
            S64 = 8: S64,
            Uint = 9: UInt,
            Sint = 10: SInt,
            Be16 = 11: Be16,
            Be32 = 12: Be32,
            Flag = 13: Flag,
            String = 14: Str { max_len(4096) },
            Binary = 15: Binary { max_len(32768) },
            Mac = 16: Array<6>,
            AtLeast = 17: Binary { min_len(4) },
            Range = 18: U32 { range::<10, 20>() },
            SignedRange = 19: S32 { signed_range::<1, 5>() },
            Color = 20: Of<U32, def::Color>,
            Modes = 21: Of<U32, def::Modes>,
            Numbers = 22: Many<U32>,
            Strings = 23: Many<Str> { max_len(64) },
            Pairs = 24: Many<Nest<PairSet>>,
            Array = 25: Indexed<Nest<ItemSet>>,
            Tree = 26: NestIn<TreeSet> = genl::Attr::nested_in(&TREE_TABLE),
        }
        pub(crate) mod item: ItemSet {
            Value = 1: U32,
            Label = 2: Str { max_len(64) },
        }
        pub(crate) mod tree: TreeSet static TREE_TABLE {
            Child = 1: NestIn<TreeSet> = genl::Attr::nested_in(&TREE_TABLE),
            Value = 2: U32,
        }
        pub(crate) mod big: BigSet {
            Size = 1: U32 { max::<4128768>() },
            Piece = 2: Many<Nest<PieceSet>>,
        }
        pub(crate) mod piece: PieceSet {
            Data = 1: Binary,
        }
        pub(crate) mod several: SeveralSet {
            Count = 1: U32 { range::<1, 1000>() },
            Index = 2: U32,
        }
        pub(crate) mod delayed: DelayedSet {
            Delay = 1: U32 { max::<10000>() },
            Cookie = 2: U64,
            Error = 3: U32 { range::<1, 4095>() },
            Drop = 4: Flag,
        }
        pub(crate) mod refusal: RefusalSet {
            Error = 1: U32 { range::<1, 4095>() },
            Text = 2: Str { max_len(200) },
            Cookie = 3: Array<8>,
            Blame = 4: Of<U32, def::Blame>,
            Nest = 5: Nest<RefusalNestSet>,
        }
        pub(crate) mod refusal_nest: RefusalNestSet {
            Inside = 1: U32,
            Missing = 2: U32,
        }
        pub(crate) mod burst: BurstSet {
            Count = 1: U32 { max::<100000>() },
            Size = 2: U32 { max::<32768>() },
            Sent = 3: U32,
            Lost = 4: U32,
            Index = 5: U32,
            Data = 6: Binary,
        }
        pub(crate) mod sender: SenderSet {
            Portid = 1: U32,
            Seq = 2: U32,
            Flags = 3: U32,
            Pid = 4: U32,
            Uid = 5: U32,
            Gid = 6: U32,
            NetnsCookie = 7: U64,
            NetnsInum = 8: U32,
            NetAdmin = 9: Flag,
            NetnsAdmin = 10: Flag,
        }
        pub(crate) mod counter: CounterSet {
            Socket = 1: U32,
            Netns = 2: U64,
            Sockets = 3: U32,
        }
    }
    genl::messages! {
        pub(crate) nest PairNest: PairSet { a: pair::A, b: pair::B }
        pub(crate) nest NestedValueNest: NestedValueSet { u32: nested_value::U32, string: nested_value::String }
        pub(crate) nest PieceNest: PieceSet { data: piece::Data }
        pub(crate) nest ListNest: ListSet { number: list::Number }
        pub(crate) nest ItemNest: ItemSet { value: item::Value, label: item::Label }
        pub(crate) nest TreeNest: TreeSet { child: tree::Child, value: tree::Value }
    }
}
pub(crate) mod op {
    use super::{super::peer::Nlpeer, attr::*, genl, Handler};
    use kernel::prelude::*;
    genl::operations! {
        for Nlpeer as Handler;
        do_reply EchoDo = "echo" 1, Anyone, ValueSet [value::U32, value::U64, value::String, value::Binary, value::Nest] => echo;
        dump ObjectGetDump = "object-get" 2, Anyone, ObjectSet [object::Count] => object_get_dump ObjectGetDump;
        do_reply StatusGetDo = "status-get" 3, Anyone, StatusSet [] => status_get;
        do ResetDo = "reset" 4, Admin, StatusSet [] => reset;
        do EventSendDo = "event-send" 5, Anyone, EventSet [event::Cookie, event::Text, event::Audience] => event_send;
        do_reply TroubleGetDo = "trouble-get" 7, Anyone, TroubleSet [trouble::Size, trouble::Numbers, trouble::Error, trouble::Seed] => trouble_get;
        dump TroubleGetDump = "trouble-get" 7, Anyone, TroubleSet [trouble::Count, trouble::Size, trouble::Numbers, trouble::InterruptAfter, trouble::FailAfter, trouble::Error, trouble::Stuck, trouble::Seed, trouble::Step, trouble::Slow, trouble::FailAtEnd] => trouble_get_dump TroubleGetDump;
        do_reply TypesDo = "types" 9, Anyone, TypesSet [types::U8, types::U16, types::U32, types::U64, types::S8, types::S16, types::S32, types::S64, types::Uint, types::Sint, types::Be16, types::Be32, types::Flag, types::String, types::Binary, types::Mac, types::AtLeast, types::Range, types::SignedRange, types::Color, types::Modes, types::Numbers, types::Strings, types::Pairs, types::Array, types::Tree] => types;
        do_reply BigGetDo = "big-get" 10, Anyone, BigSet [big::Size] => big_get;
        do_reply SeveralGetDo = "several-get" 11, Anyone, SeveralSet [several::Count] => several_get;
        do_reply DelayedGetDo = "delayed-get" 12, Anyone, DelayedSet [delayed::Delay, delayed::Cookie, delayed::Error, delayed::Drop] => delayed_get;
        do RefuseDo = "refuse" 13, Anyone, RefusalSet [refusal::Error, refusal::Text, refusal::Cookie, refusal::Blame, refusal::Nest] => refuse;
        do_reply BurstDo = "burst" 14, Admin, BurstSet [burst::Count, burst::Size] => burst;
        do_reply SenderGetDo = "sender-get" 16, Anyone, SenderSet [] => sender_get;
        do_reply CounterGetDo = "counter-get" 17, Anyone, CounterSet [] => counter_get;
        do NetnsAdminDo = "netns-admin" 18, NetnsAdmin, StatusSet [] => netns_admin;
        do ChangeDo = "change" 19, Anyone, StatusSet [] => change;
    }
    genl::groups! {
        for Nlpeer;
        EventsGroup = 0 "events", Anyone;
        AdminEventsGroup = 1 "admin-events", NetAdmin;
    }
    genl::notifications! {
        for Nlpeer;
        EventNotify = "event" 6, EventSet => EventsGroup;
        AdminEventNotify = "admin-event" 8, EventSet => AdminEventsGroup;
        BurstEventNotify = "burst-event" 15, BurstSet => EventsGroup;
    }
    genl::messages! {
        pub(crate) struct EchoReply: ValueSet for EchoDo { u32: value::U32, u64: value::U64, string: value::String, binary: value::Binary, nest: value::Nest }
        pub(crate) struct StatusGetReply: StatusSet for StatusGetDo { requests: status::Requests, dumps: status::Dumps }
        pub(crate) struct EventEvent: EventSet for EventNotify { cookie: event::Cookie, text: event::Text }
        pub(crate) struct TroubleGetReply: TroubleSet for TroubleGetDo { id: trouble::Id, data: trouble::Data, list: trouble::List }
        pub(crate) struct AdminEventEvent: EventSet for AdminEventNotify { cookie: event::Cookie, text: event::Text }
        pub(crate) struct TypesReply: TypesSet for TypesDo { u8: types::U8, u16: types::U16, u32: types::U32, u64: types::U64, s8: types::S8, s16: types::S16, s32: types::S32, s64: types::S64, uint: types::Uint, sint: types::Sint, be16: types::Be16, be32: types::Be32, flag: types::Flag, string: types::String, binary: types::Binary, mac: types::Mac, at_least: types::AtLeast, range: types::Range, signed_range: types::SignedRange, color: types::Color, modes: types::Modes, numbers: types::Numbers, strings: types::Strings, pairs: types::Pairs, array: types::Array, tree: types::Tree }
        pub(crate) struct BigGetReply: BigSet for BigGetDo { piece: big::Piece }
        pub(crate) struct SeveralGetReply: SeveralSet for SeveralGetDo { index: several::Index }
        pub(crate) struct DelayedGetReply: DelayedSet for DelayedGetDo { delay: delayed::Delay, cookie: delayed::Cookie }
        pub(crate) struct BurstReply: BurstSet for BurstDo { sent: burst::Sent, lost: burst::Lost }
        pub(crate) struct BurstEventEvent: BurstSet for BurstEventNotify { index: burst::Index, data: burst::Data }
        pub(crate) struct SenderGetReply: SenderSet for SenderGetDo { portid: sender::Portid, seq: sender::Seq, flags: sender::Flags, pid: sender::Pid, uid: sender::Uid, gid: sender::Gid, netns_cookie: sender::NetnsCookie, netns_inum: sender::NetnsInum, net_admin: sender::NetAdmin, netns_admin: sender::NetnsAdmin }
        pub(crate) struct CounterGetReply: CounterSet for CounterGetDo { socket: counter::Socket, netns: counter::Netns, sockets: counter::Sockets }
    }
}
pub(crate) trait Handler: Sized + Send + Sync + 'static {
    const PARALLEL_OPS: bool = true;
    const NETNSOK: bool = true;
    const JOBS_MAX: usize = 1024;
    fn echo<'a>(&self, request: genl::Request<'a, op::EchoDo>, reply: genl::Responder<'a, op::EchoDo>) -> Result<genl::Sent<'a>>;
    type ObjectGetDump: genl::DumpState<op::ObjectGetDump>;
    fn object_get_dump(&self, request: genl::Request<'_, op::ObjectGetDump>) -> Result<Self::ObjectGetDump>;
    fn status_get<'a>(&self, request: genl::Request<'a, op::StatusGetDo>, reply: genl::Responder<'a, op::StatusGetDo>) -> Result<genl::Sent<'a>>;
    fn reset(&self, request: genl::Request<'_, op::ResetDo>) -> Result;
    fn event_send(&self, request: genl::Request<'_, op::EventSendDo>) -> Result;
    fn trouble_get<'a>(&self, request: genl::Request<'a, op::TroubleGetDo>, reply: genl::Responder<'a, op::TroubleGetDo>) -> Result<genl::Sent<'a>>;
    type TroubleGetDump: genl::DumpState<op::TroubleGetDump>;
    fn trouble_get_dump(&self, request: genl::Request<'_, op::TroubleGetDump>) -> Result<Self::TroubleGetDump>;
    fn types<'a>(&self, request: genl::Request<'a, op::TypesDo>, reply: genl::Responder<'a, op::TypesDo>) -> Result<genl::Sent<'a>>;
    fn big_get<'a>(&self, request: genl::Request<'a, op::BigGetDo>, reply: genl::Responder<'a, op::BigGetDo>) -> Result<genl::Sent<'a>>;
    fn several_get<'a>(&self, request: genl::Request<'a, op::SeveralGetDo>, reply: genl::Responder<'a, op::SeveralGetDo>) -> Result<genl::Sent<'a>>;
    fn delayed_get<'a>(&self, request: genl::Request<'a, op::DelayedGetDo>, reply: genl::Responder<'a, op::DelayedGetDo>) -> Result<genl::Sent<'a>>;
    fn refuse(&self, request: genl::Request<'_, op::RefuseDo>) -> Result;
    fn burst<'a>(&self, request: genl::Request<'a, op::BurstDo>, reply: genl::Responder<'a, op::BurstDo>) -> Result<genl::Sent<'a>>;
    fn sender_get<'a>(&self, request: genl::Request<'a, op::SenderGetDo>, reply: genl::Responder<'a, op::SenderGetDo>) -> Result<genl::Sent<'a>>;
    fn counter_get<'a>(&self, request: genl::Request<'a, op::CounterGetDo>, reply: genl::Responder<'a, op::CounterGetDo>) -> Result<genl::Sent<'a>>;
    fn netns_admin(&self, request: genl::Request<'_, op::NetnsAdminDo>) -> Result;
    fn change(&self, request: genl::Request<'_, op::ChangeDo>) -> Result;
}
impl genl::Family for super::peer::Nlpeer {
    const NAME: &'static str = "nlpeer";
    const VERSION: u8 = 1;
    const OPS: &'static [genl::SplitOp<Self>] = op::OPS;
    const GROUPS: &'static [genl::MulticastGroup<Self>] = op::GROUPS;
    const PARALLEL_OPS: bool = <Self as Handler>::PARALLEL_OPS;
    const NETNSOK: bool = <Self as Handler>::NETNSOK;
    const JOBS_MAX: usize = <Self as Handler>::JOBS_MAX;
    fn descriptor() -> &'static genl::FamilyDescriptor<Self> {
        static DESCRIPTOR: genl::FamilyDescriptor<super::peer::Nlpeer> = genl::FamilyDescriptor::new();
        &DESCRIPTOR
    }
}
