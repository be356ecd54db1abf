// SPDX-License-Identifier: GPL-2.0

//! Commands 42 and 43: buffers that are filled to the last part that fits, as families in C do by
//! trying, in a dump and in a reply of several messages.

#![forbid(unsafe_code)]

use crate::{
    commands,
    genl::{
        layout::{
            Bytes,
            Each,
            Element,
            Nest,
            U32, //
        },
        Attr,
        DoReply,
        Dump,
        DumpResult,
        Layout,
        Message,
        Multipart,
        Objects,
        Op,
        Policy,
        Request,
        Responder,
        Sent,
        Stop, //
    },
    GenlTest, //
};
use core::ops::Range;
use kernel::prelude::*;

commands! {
    /// Dump a device with its peers and their entries, as wireguard does.
    Device = 42, "device";
    /// Return messages with `NLM_F_MULTI`, as team does.
    Options = 43, "options";
}

static DATA: [u8; 256] = [0x5a; 256];

/// So many bytes.
fn data(len: u32) -> &'static [u8] {
    DATA.get(..len as usize).unwrap_or_default()
}

impl Policy for Device {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32().max::<10_000>(),
        Attr::u32().max::<10_000>(),
    ];
}

impl Op for Device {
    type Policy = Self;
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
    fn parts(self) -> impl Layout {
        let Self { id, name, entries } = self;
        let entries = entries.map(|entries| {
            let entries = entries.map(move |entry| Self::entry(id, entry));
            Nest::<3, _>(Each::new(entries))
        });
        Element(0, (U32::<1>(id), name.map(Bytes::<2>), entries))
    }

    fn entry(id: u32, entry: u32) -> impl Layout {
        Element(
            0,
            (Bytes::<1>(data(
                id.wrapping_mul(3).wrapping_add(entry.wrapping_mul(11)) % 40,
            )),),
        )
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

impl Message<Device> for Part {
    fn layout(&self) -> impl Layout + '_ {
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
            (from.done == 0).then_some(Bytes::<1>(b"device")),
            Nest::<2, _>(Each::new(peers.map(Peer::parts))),
        )
    }
}

impl Dump for Device {
    type State = At;

    fn start(_: &GenlTest, request: Request<'_, Self>) -> Result<At> {
        Ok(At {
            peers: request.u32::<1>().ok_or_else(|| request.missing::<1>())?,
            most: request.u32::<2>().ok_or_else(|| request.missing::<2>())?,
            done: 0,
            entry: None,
        })
    }

    fn dump(_: &GenlTest, state: &mut At, objects: &mut Objects<'_, Self>) -> DumpResult {
        let from = *state;
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
            let size = head.parts().size();
            if size > left {
                break;
            }
            left -= size;
            for entry in peer.entries.into_iter().flatten() {
                let size = Peer::entry(peer.id, entry).size();
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
        *state = at;
        if at.done < at.peers {
            return Err(Stop::next_buffer());
        }
        Ok(())
    }
}

impl Policy for Options {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().max::<10_000>(), Attr::u32()];
}

impl Op for Options {
    type Policy = Self;
}

/// A message of its own.
struct Single(u32);

impl Message<Options> for Single {
    fn layout(&self) -> impl Layout + '_ {
        (
            U32::<1>(self.0),
            Bytes::<2>(data(self.0.wrapping_mul(37) % 200)),
        )
    }
}

/// A message of any size, for buffers that have to be larger.
struct Large(usize);

static ZEROS: [u8; 20_000] = [0; 20_000];

impl Message<Options> for Large {
    fn layout(&self) -> impl Layout + '_ {
        (Bytes::<2>(ZEROS.get(..self.0).unwrap_or(&ZEROS)),)
    }
}

/// A message with many options.
struct List(Range<u32>);

impl List {
    fn option(number: u32) -> impl Layout {
        Nest::<1, _>((Bytes::<1>(data(number.wrapping_mul(7) % 30)),))
    }
}

impl Message<Options> for List {
    fn layout(&self) -> impl Layout + '_ {
        (
            U32::<1>(7),
            Nest::<2, _>(Each::new(self.0.clone().map(Self::option))),
        )
    }
}

/// Lists of as many options as there is room for, each in a buffer of its own.
fn lists(messages: &mut Multipart<'_, Options>, count: u32) -> Result {
    let mut next = 0;
    loop {
        let empty = messages.size_of(&List(next..next))?;
        let mut left = messages.room().saturating_sub(empty);
        let mut end = next;
        while end < count {
            let size = List::option(end).size();
            if size > left {
                break;
            }
            left -= size;
            end += 1;
        }
        messages.push(&List(next..end))?;
        if end == count {
            return Ok(());
        }
        next = end;
        messages.next_buffer()?;
    }
}

impl DoReply for Options {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let count = request.u32::<1>().ok_or_else(|| request.missing::<1>())?;
        let way = request.u32::<2>().unwrap_or(0);
        reply.multipart(|messages| match way {
            0 => (0..count).try_for_each(|number| messages.push(&Single(number))),
            1 => {
                messages.without_code();
                lists(messages, count)
            }
            2 => (0..count).try_for_each(|number| {
                messages.push(&Large((number as usize).saturating_mul(4000)))
            }),
            _ => {
                messages.push(&Single(count))?;
                messages.next_buffer()?;
                messages.push(&Single(count))?;
                Err(request.refuse::<1>(EDOM, c"something is wrong in the middle"))
            }
        })
    }
}
