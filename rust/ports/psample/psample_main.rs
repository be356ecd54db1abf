// SPDX-License-Identifier: GPL-2.0

//! genl_psample: a port of `net/psample/psample.c`.
//!
//! Groups of samplers in each network namespace. Whoever listens to `config` is told of groups that
//! come and go, and whoever listens to `packets` gets a part of each packet that is sampled, out of
//! soft interrupts. What samples them is in `source.rs`.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../genl/mod.rs"]
mod genl;
mod psample_gen;
mod source;

use genl::{
    Attribute,
    DumpResult,
    DumpState,
    Layout,
    Net,
    NetState,
    Notify,
    Objects,
    PerNet,
    Registered,
    Registration,
    Request, //
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::RBTree,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::{
        ClockSource,
        RealTime, //
    },
    ThisModule, //
};
use psample_gen::{
    attr::psample,
    op,
    Handler, //
};
use source::{
    Source,
    Sources, //
};

module! {
    type: Module,
    name: "genl_psample",
    authors: ["The rust-genl authors"],
    description: "Sampled packets: a port of psample to Rust",
    license: "GPL",
}

/// The module.
struct Module {
    // Members are dropped in this order: what samples goes before what it samples for.
    _sources: Registration<Sources>,
    _psample: Registration<Psample>,
}

impl kernel::Module for Module {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let psample = Registration::new(
            module,
            try_init!(Psample {
                groups: PerNet::new(module)?,
            }? Error),
        )?;
        Ok(Self {
            _sources: Registration::new(module, Sources)?,
            _psample: psample,
        })
    }
}

/// The longest message with a sample that `psample.c` makes.
const MESSAGE_MAX: usize = 0xffff;

/// The family, and its state: the groups of each network namespace.
struct Psample {
    groups: PerNet<Groups>,
}

/// The groups of a network namespace, in the order in which they have come.
#[pin_data]
struct Groups {
    #[pin]
    listed: Mutex<Listed>,
}

struct Listed {
    /// By their places in the list.
    groups: RBTree<u64, Arc<Group>>,
    /// How many there have been.
    count: u64,
}

impl Listed {
    /// The group that has this number.
    fn find(&self, number: u32) -> Option<Arc<Group>> {
        let mut groups = self.groups.values();
        groups.find(|group| group.number == number).cloned()
    }
}

impl NetState for Groups {
    fn new(_cookie: u64) -> impl PinInit<Self, Error> {
        let listed = Listed {
            groups: RBTree::new(),
            count: 0,
        };
        try_pin_init!(Self {
            listed <- new_mutex!(listed),
        })
    }
}

/// A group. Its samples are counted whether or not each listener has room for them, so one that
/// misses some sees a gap in the numbers.
struct Group {
    number: u32,
    /// Grows from one group of the list to the next.
    place: u64,
    /// How many sample for it. It changes under the lock of the list.
    references: Atomic<u32>,
    /// The number of the next sample.
    seq: Atomic<u32>,
}

impl Group {
    fn reply(&self) -> op::GetGroupReply<'static> {
        op::GetGroupReply {
            sample_group: Some(self.number),
            group_refcount: Some(self.references.load(Relaxed)),
            group_seq: Some(self.seq.load(Relaxed)),
        }
    }

    /// Tells that the group has come or gone.
    fn tell<N>(&self, family: &Registered<Psample>, net: &Net)
    where
        N: Notify<Family = Psample>,
        op::GetGroupReply<'static>: genl::Message<N>,
    {
        // It has come or gone, whether or not all could be told.
        let _ = family.multicast::<N>(net, &self.reply(), GFP_KERNEL);
    }
}

impl Psample {
    /// Takes a reference on a group, which comes with the first one: `psample_group_get()`.
    fn group_get(family: &Registered<Self>, net: &Net, number: u32) -> Result<Arc<Group>> {
        let groups = family.state().groups.get(net)?;
        let mut listed = groups.listed.lock();
        let group = match listed.find(number) {
            Some(group) => group,
            None => {
                let group = Arc::new(
                    Group {
                        number,
                        place: listed.count,
                        references: Atomic::new(0),
                        seq: Atomic::new(0),
                    },
                    GFP_KERNEL_ACCOUNT,
                )?;
                listed.groups.try_create_and_insert(
                    group.place,
                    group.clone(),
                    GFP_KERNEL_ACCOUNT,
                )?;
                listed.count = listed.count.wrapping_add(1);
                // As in C nobody samples for it yet.
                group.tell::<op::NewGroupNotify>(family, net);
                group
            }
        };
        group.references.fetch_add(1, Relaxed);
        Ok(group)
    }

    /// Gives a reference back, with the last of which the group goes: `psample_group_put()`.
    fn group_put(family: &Registered<Self>, net: &Net, number: u32) -> Result {
        let groups = family.state().groups.get(net)?;
        let mut listed = groups.listed.lock();
        let group = listed.find(number).ok_or(ENOENT)?;
        if group.references.fetch_sub(1, Relaxed) == 1 {
            group.tell::<op::DelGroupNotify>(family, net);
            listed.groups.remove(&group.place);
        }
        Ok(())
    }

    /// The group of this number, if somebody has a reference to it.
    fn group(family: &Registered<Self>, net: &Net, number: u32) -> Result<Arc<Group>> {
        let groups = family.state().groups.get(net)?;
        let group = groups.listed.lock().find(number);
        group.ok_or(ENOENT)
    }

    /// Tells of a packet that was sampled: `psample_sample_packet()`. It can be called in any
    /// context but a hard interrupt.
    ///
    /// If nobody listens the sample is not counted, as in C.
    // As in C it is a function of its own for whoever samples.
    #[inline(never)]
    fn sample_packet(family: &Registered<Self>, net: &Net, group: &Group, source: &Source) {
        if !family.has_listeners::<op::PacketsGroup>(net) {
            return;
        }
        let seq = || group.seq.fetch_add(1, Relaxed);
        // CAST: The time since 1970 is not negative.
        let now = || RealTime::ktime_get() as u64;
        let in_front = (
            source.iif.map(|iif| psample::Iifindex.put(iif)),
            source.oif.map(|oif| psample::Oifindex.put(oif)),
            psample::SampleRate.put(source.rate),
            psample::Origsize.put(source.length()),
            psample::SampleGroup.put(group.number),
            psample::GroupSeq.put(seq),
            source.out_tc.map(|tc| psample::OutTc.put(tc)),
            source.out_tc_occ.map(|occ| psample::OutTcOcc.put(occ)),
            source.latency.map(|time| psample::Latency.put(time)),
            psample::Timestamp.put(now),
            psample::Proto.put(source.proto),
        );
        let cookie = Some(&*source.cookie).filter(|cookie| !cookie.is_empty());
        let behind = (
            cookie.map(|cookie| psample::UserCookie.put(cookie)),
            source
                .probability
                .then(|| psample::SampleProbability.put(())),
        );
        let data = source.data();
        // C keeps room for padding, whether or not there is any.
        let room = (MESSAGE_MAX - 8).saturating_sub(in_front.size().saturating_add(behind.size()));
        let data = if data.len().saturating_add(3) & !3 > room.saturating_add(4) {
            data.get(..room).unwrap_or(data)
        } else {
            data
        };
        let data = Some(data).filter(|data| !data.is_empty());
        let message = (in_front, data.map(|data| psample::Data.put(data)), behind);
        // A listener without room learns of it from its socket, and from the numbers of the samples.
        let _ = family.multicast::<op::SampleNotify>(net, &message, GFP_ATOMIC);
    }
}

/// Where a dump stands.
struct Reader {
    /// The place behind the last group that was sent.
    next: u64,
}

impl Handler for Psample {
    type GetGroupDump = Reader;

    fn get_group_dump(&self, _: Request<'_, op::GetGroupDump>) -> Result<Reader> {
        Ok(Reader { next: 0 })
    }
}

impl DumpState<op::GetGroupDump> for Reader {
    // C counts the groups that it has sent, so a group behind those is left out when one of them
    // goes between two buffers.
    fn dump(
        &mut self,
        family: &Psample,
        objects: &mut Objects<'_, op::GetGroupDump>,
    ) -> DumpResult {
        let groups = family.groups.get(objects.net())?;
        let listed = groups.listed.lock();
        for group in listed.groups.values() {
            if group.place >= self.next {
                objects.push(&group.reply())?;
                self.next = group.place.wrapping_add(1);
            }
        }
        objects.end_alone()
    }
}
