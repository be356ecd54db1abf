// SPDX-License-Identifier: GPL-2.0

//! fou: which UDP ports carry other protocols, as `net/ipv4/fou_core.c` answers for it.
//!
//! This is the control plane. In C each port is a UDP socket of the kernel, and what binding and
//! connecting that returns is an answer of `add`. Here a port is bound to nothing: only what ports
//! of the family want of each other is refused. `rust/ports/README.md` has the differences.

#![deny(unsafe_code)]

mod fou_gen;
#[allow(unsafe_code)]
#[path = "../../genl/mod.rs"]
mod genl;

use fou_gen::{
    attr::{
        fou,
        FouSet, //
    },
    def::EncapType,
    op,
    Handler, //
};
use genl::{
    kind::Enum,
    AnyOp,
    Attribute,
    Command,
    DumpResult,
    DumpState,
    InSet,
    Message,
    ModuleFamily,
    NetState,
    Objects,
    PerNet,
    Request,
    Responder,
    Sent, //
};
use kernel::{
    bindings::{
        AF_INET,
        AF_INET6, //
    },
    list::{
        impl_list_arc_safe,
        impl_list_item,
        List,
        ListArc,
        ListLinks, //
    },
    new_mutex,
    prelude::*,
    sync::{
        Mutex, //
    },
    ThisModule, //
};

genl::module_family! {
    type: Fou,
    alias: false,
    name: "genl_fou",
    authors: ["The rust-genl authors"],
    description: "The family fou of the kernel in Rust, for the tests of rust/genl",
    license: "GPL",
}

/// The state of the family: the ports of each network namespace.
struct Fou {
    ports: PerNet<Ports>,
}

impl ModuleFamily for Fou {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_init!(Self {
            ports: PerNet::new(module)?,
        })
    }
}

/// The ports of one network namespace.
#[pin_data]
struct Ports {
    #[pin]
    listed: Mutex<Listed>,
}

impl NetState for Ports {
    fn new(_cookie: u64) -> impl PinInit<Self, Error> {
        let listed = Listed {
            ports: List::new(),
            next: 1,
        };
        try_pin_init!(Self {
            listed <- new_mutex!(listed),
        })
    }
}

struct Listed {
    /// The newest first.
    ports: List<Port>,
    /// The number of the next one.
    next: u64,
}

/// What a request says of a port, and what tells one port from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    family: u32,
    port: u16,
    peer_port: u16,
    ifindex: i32,
    /// Addresses have their bytes as they are sent, those of IPv4 in 32 bits.
    local: u128,
    peer: u128,
}

impl Key {
    /// Reads what all requests have in common.
    fn of(request: Request<'_, AnyOp<Fou, FouSet>>) -> Result<Self> {
        let family = request.get(fou::Af).map_or(AF_INET, u32::from);
        let (local, peer) = match family {
            AF_INET => (
                request.get(fou::LocalV4).map(u128::from),
                request.get(fou::PeerV4).map(u128::from),
            ),
            AF_INET6 => (
                request.get(fou::LocalV6).copied().map(u128::from_ne_bytes),
                request.get(fou::PeerV6).copied().map(u128::from_ne_bytes),
            ),
            _ => return Err(EAFNOSUPPORT),
        };
        let peer_port = request.get(fou::PeerPort);
        let ifindex = request.get(fou::Ifindex);
        if peer.is_some() && peer_port.is_none() || ifindex.is_some() && local.is_none() {
            return Err(EINVAL);
        }
        Ok(Self {
            family,
            port: request.get(fou::Port).unwrap_or(0),
            // Without the address of a peer its port means nothing.
            peer_port: peer.and(peer_port).unwrap_or(0),
            ifindex: ifindex.unwrap_or(0),
            local: local.unwrap_or(0),
            peer: peer.unwrap_or(0),
        })
    }

    /// What becomes of it: a socket is connected when there is a port to connect to.
    fn connected(self) -> Self {
        let peer = if self.peer_port == 0 { 0 } else { self.peer };
        Self { peer, ..self }
    }

    /// Whether the sockets of two ports would be bound to the same: `udp_lib_lport_inuse()` in C.
    /// One without a number gets a free one there.
    fn overlaps(&self, other: &Self) -> bool {
        self.port != 0
            && self.port == other.port
            && self.family == other.family
            && (self.ifindex == 0 || other.ifindex == 0 || self.ifindex == other.ifindex)
            && (self.local == 0 || other.local == 0 || self.local == other.local)
    }
}

/// A port.
#[pin_data]
struct Port {
    /// Newer ones have larger numbers, and none is used twice: a dump finds its place by them.
    number: u64,
    key: Key,
    protocol: u8,
    encap: u8,
    remcsum_nopartial: bool,
    #[pin]
    links: ListLinks,
}

impl_list_arc_safe! {
    impl ListArcSafe<0> for Port { untracked; }
}

impl_list_item! {
    impl ListItem<0> for Port { using ListLinks { self.links }; }
}

/// The spec lists no `af` for replies, and C sends it.
impl<C: Command<Set = FouSet>> Message<C> for Port {
    fn layout(&self) -> impl InSet<FouSet> + '_ {
        let key = &self.key;
        // CAST: The numbers of address families have 8 bits, addresses of IPv4 have 32.
        (
            fou::Af.put(|| key.family as u8),
            fou::Port.put(|| key.port),
            fou::PeerPort.put(|| key.peer_port),
            fou::Ipproto.put(|| self.protocol),
            fou::Type.put(|| self.encap),
            fou::Ifindex.put(|| key.ifindex),
            self.remcsum_nopartial
                .then(|| fou::RemcsumNopartial.put(())),
            (key.family == AF_INET).then_some((
                fou::LocalV4.put(|| key.local as u32),
                fou::PeerV4.put(|| key.peer as u32),
            )),
            (key.family == AF_INET6).then(|| {
                (
                    fou::LocalV6.put(key.local.to_ne_bytes()),
                    fou::PeerV6.put(key.peer.to_ne_bytes()),
                )
            }),
        )
    }
}

/// Where a dump stands.
struct Reader {
    /// Ports with smaller numbers are still to be sent.
    end: u64,
}

impl DumpState<op::GetDump> for Reader {
    fn dump(&mut self, family: &Fou, objects: &mut Objects<'_, op::GetDump>) -> DumpResult {
        let ports = family.ports.get(objects.net())?;
        let listed = ports.listed.lock();
        for port in listed.ports.iter() {
            if port.number < self.end {
                objects.push(&*port)?;
                self.end = port.number;
            }
        }
        objects.end_alone()
    }
}

impl Handler for Fou {
    // As in C.
    const PARALLEL_OPS: bool = false;

    fn add(&self, request: Request<'_, op::AddDo>) -> Result {
        let key = Key::of(request.any())?;
        let protocol = request.get(fou::Ipproto).unwrap_or(0);
        let encap = request.get(fou::Type).unwrap_or(0);
        // Nothing is bound to such a device.
        if key.ifindex < 0 {
            return Err(EINVAL);
        }
        let ports = self.ports.get(request.net())?;
        let mut listed = ports.listed.lock();
        if listed.ports.iter().any(|port| port.key.overlaps(&key)) {
            return Err(EADDRINUSE);
        }
        let protocol = match EncapType::from_value(encap.into()) {
            Some(EncapType::Direct) if protocol != 0 => protocol,
            Some(EncapType::Gue) => 0,
            _ => return Err(EINVAL),
        };
        if listed.ports.iter().any(|port| port.key == key) {
            return Err(EALREADY);
        }
        let number = listed.next;
        let port = try_pin_init!(Port {
            number,
            key: key.connected(),
            protocol,
            encap,
            remcsum_nopartial: request.get(fou::RemcsumNopartial),
            links <- ListLinks::new(),
        });
        listed
            .ports
            .push_front(ListArc::pin_init(port, GFP_KERNEL)?);
        listed.next = number.wrapping_add(1);
        Ok(())
    }

    fn del(&self, request: Request<'_, op::DelDo>) -> Result {
        let key = Key::of(request.any())?;
        let ports = self.ports.get(request.net())?;
        let mut listed = ports.listed.lock();
        let mut cursor = listed.ports.cursor_front();
        while let Some(port) = cursor.peek_next() {
            if port.key == key {
                port.remove();
                return Ok(());
            }
            cursor.move_next();
        }
        Err(EINVAL)
    }

    fn get<'a>(
        &self,
        request: Request<'a, op::GetDo>,
        reply: Responder<'a, op::GetDo>,
    ) -> Result<Sent<'a>> {
        let key = Key::of(request.any())?;
        if key.port == 0 {
            return Err(EINVAL);
        }
        let ports = self.ports.get(request.net())?;
        let listed = ports.listed.lock();
        let port = listed.ports.iter().find(|port| port.key == key);
        reply.send(&*port.ok_or(ESRCH)?)
    }

    type GetDump = Reader;

    fn get_dump(&self, _: Request<'_, op::GetDump>) -> Result<Reader> {
        Ok(Reader { end: u64::MAX })
    }
}
