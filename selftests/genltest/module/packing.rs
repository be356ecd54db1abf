// SPDX-License-Identifier: GPL-2.0

//! Commands 42 and 43: buffers that are filled to the last part that fits, as families in C do by
//! trying, in a dump and in a reply of several messages.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Attr,
        Attribute,
        DumpResult,
        DumpState,
        InSet,
        Layout,
        Message,
        Multipart,
        Objects,
        Request,
        Responder,
        Sent,
        Stop, //
    },
    op,
    GenlTest, //
};
use core::{
    iter,
    ops::Range, //
};
use kernel::prelude::*;

genl::attributes! {
    /// How much there is.
    pub(crate) mod amount: AmountSet {
        /// How many options there are, or peers.
        Options = 1: U32 { max::<10_000>() },
        /// How they are sent.
        Way = 2: U32,
    }

    /// How much a device has.
    pub(crate) mod extent: ExtentSet {
        /// How many peers there are.
        Peers = 1: U32 { max::<10_000>() },
        /// How many entries a peer has at most.
        Entries = 2: U32 { max::<10_000>() },
    }

    /// A device.
    pub(crate) mod device: DeviceSet {
        /// Its name, in the first message.
        Name = 1: Binary,
        /// Its peers.
        Peers = 2: Indexed<Nest<PeerSet>>,
    }

    /// A peer, or a part of one.
    pub(crate) mod peer: PeerSet {
        /// Its number.
        Id = 1: U32,
        /// Its name, in the first part.
        Name = 2: Binary,
        /// Its entries.
        Entries = 3: Indexed<Nest<EntrySet>>,
    }

    /// An entry.
    pub(crate) mod entry: EntrySet {
        /// What is in it.
        Data = 1: Binary,
    }

    /// Options.
    pub(crate) mod options: OptionsSet {
        /// The number of an option.
        Number = 1: U32,
        /// What is in it.
        Data = 2: Binary,
    }

    /// A list of options.
    pub(crate) mod list: ListSet {
        /// An option.
        Option = 1: Many<Nest<EntrySet>>,
    }
}

/// A list of options has the number of [`options::Data`].
#[derive(Clone, Copy)]
struct List;

impl Attribute for List {
    type Set = OptionsSet;
    type Kind = Nest<ListSet>;
    const NUMBER: u16 = 2;
    const RULE: Attr = <Nest<ListSet>>::RULE;
}

static DATA: [u8; 256] = [0x5a; 256];

/// So many bytes.
fn data(len: u32) -> &'static [u8] {
    DATA.get(..len as usize).unwrap_or_default()
}

/// Where a dump stands.
#[derive(Clone, Copy)]
pub(crate) struct At {
    /// How many peers there are, and how many entries a peer has at most.
    peers: u32,
    most: u32,
    /// How many peers have been sent as a whole.
    done: u32,
    /// The entry of the next peer that is due, where a part of that peer has been sent.
    entry: Option<u32>,
}

/// A part of a peer.
#[derive(Clone)]
struct Peer {
    id: u32,
    /// The name, of the first part only.
    name: Option<&'static [u8]>,
    /// None where the peer has no entries.
    entries: Option<Range<u32>>,
}

impl Peer {
    fn parts(self) -> impl InSet<PeerSet> {
        let Self { id, name, entries } = self;
        (
            peer::Id.put(id),
            name.map(|name| peer::Name.put(name)),
            entries.map(|entries| {
                peer::Entries.indexed(entries.map(move |entry| (0, Self::entry(id, entry))))
            }),
        )
    }

    fn entry(id: u32, entry: u32) -> impl InSet<EntrySet> {
        let len = id.wrapping_mul(3).wrapping_add(entry.wrapping_mul(11)) % 40;
        entry::Data.put(data(len))
    }

    /// The peer that is due, from the entry on that is due.
    fn due(at: &At) -> Self {
        let id = at.done;
        let count = id.wrapping_mul(5) % at.most.saturating_add(1);
        let first = at.entry.unwrap_or(0);
        Self {
            id,
            name: at.entry.is_none().then(|| data(id.wrapping_mul(7) % 20)),
            entries: (first < count).then_some(first..count),
        }
    }
}

/// As much of the device as goes into one message: the peers up to one, and a part of that.
struct Part {
    from: At,
    to: At,
}

impl Message<op::Device> for Part {
    fn layout(&self) -> impl InSet<DeviceSet> + '_ {
        let (from, to) = (self.from, self.to);
        let whole = (from.done..to.done).map(move |id| {
            let entry = from.entry.filter(|_| id == from.done);
            Peer::due(&At {
                done: id,
                entry,
                ..from
            })
        });
        let last = to.entry.map(|end| {
            // It may be the one that this message begins with.
            let entry = from.entry.filter(|_| from.done == to.done);
            let mut peer = Peer::due(&At { entry, ..to });
            if let Some(entries) = &mut peer.entries {
                entries.end = end;
            }
            peer
        });
        let peers = Iterator::chain(whole, last);
        (
            (from.done == 0).then(|| device::Name.put(&b"device"[..])),
            device::Peers.indexed(peers.map(|peer| (0, peer.parts()))),
        )
    }
}

impl DumpState<op::Device> for At {
    fn dump(&mut self, _: &GenlTest, objects: &mut Objects<'_, op::Device>) -> DumpResult {
        let from = *self;
        let mut at = from;
        let none = At {
            entry: None,
            ..from
        };
        let empty = objects.size_of(&Part {
            from: none,
            to: none,
        })?;
        let mut left = objects.room().saturating_sub(empty);
        'full: while at.done < at.peers {
            let peer = Peer::due(&at);
            // What stands in front of the entries, and is not sent without the nest for them.
            let head = Peer {
                entries: peer.entries.as_ref().map(|_| 0..0),
                ..peer.clone()
            };
            let size = device::Peers.element(0, head.parts()).size();
            if size > left {
                break;
            }
            left -= size;
            for entry in peer.entries.into_iter().flatten() {
                let size = peer::Entries.element(0, Peer::entry(peer.id, entry)).size();
                if size > left {
                    at.entry = Some(entry);
                    break 'full;
                }
                left -= size;
            }
            at.done += 1;
            at.entry = None;
        }
        objects.push(&Part { from, to: at })?;
        *self = at;
        if at.done < at.peers {
            return Err(Stop::next_buffer());
        }
        Ok(())
    }
}

/// A message of its own.
fn single(number: u32) -> impl Message<op::Options> {
    (
        options::Number.put(number),
        options::Data.put(data(number.wrapping_mul(37) % 200)),
    )
}

static ZEROS: [u8; 20_000] = [0; 20_000];

/// A message of any size, for buffers that have to be larger.
fn large(len: usize) -> impl Message<op::Options> {
    (options::Data.put(ZEROS.get(..len).unwrap_or(&ZEROS)),)
}

/// Options of a list.
fn listed(options: impl Iterator<Item = u32> + Clone) -> impl InSet<ListSet> {
    let option = |number: u32| entry::Data.put(data(number.wrapping_mul(7) % 30));
    list::Option.each(options.map(option))
}

/// A message with many options.
fn list(options: Range<u32>) -> impl Message<op::Options> {
    (options::Number.put(7), List.put(listed(options)))
}

/// Lists of as many options as there is room for, each in a buffer of its own.
fn lists(messages: &mut Multipart<'_, op::Options>, count: u32) -> Result {
    let mut next = 0;
    loop {
        let empty = messages.size_of(&list(next..next))?;
        let mut left = messages.room().saturating_sub(empty);
        let mut end = next;
        while end < count {
            let size = listed(iter::once(end)).size();
            if size > left {
                break;
            }
            left -= size;
            end += 1;
        }
        messages.push(&list(next..end))?;
        if end == count {
            return Ok(());
        }
        next = end;
        messages.next_buffer()?;
    }
}

impl GenlTest {
    pub(crate) fn device(&self, request: Request<'_, op::Device>) -> Result<At> {
        Ok(At {
            peers: request.need(extent::Peers)?,
            most: request.need(extent::Entries)?,
            done: 0,
            entry: None,
        })
    }

    pub(crate) fn options<'a>(
        &self,
        request: Request<'a, op::Options>,
        reply: Responder<'a, op::Options>,
    ) -> Result<Sent<'a>> {
        let count = request.need(amount::Options)?;
        let way = request.get(amount::Way).unwrap_or(0);
        reply.multipart(|messages| match way {
            0 => (0..count).try_for_each(|number| messages.push(&single(number))),
            1 => {
                messages.without_code();
                lists(messages, count)
            }
            2 => (0..count).try_for_each(|number| {
                messages.push(&large((number as usize).saturating_mul(4000)))
            }),
            _ => {
                messages.push(&single(count))?;
                messages.next_buffer()?;
                messages.push(&single(count))?;
                Err(request.refuse(amount::Options, EDOM, c"something is wrong in the middle"))
            }
        })
    }
}
