// SPDX-License-Identifier: GPL-2.0

//! genl_l2tp: the family of l2tp, as `net/l2tp/l2tp_netlink.c` answers for it.
//!
//! The tunnels and their sockets are those of `l2tp_core.ko`, as they are in C: `tunnels.rs` has a
//! safe type for them. What carries frames, `l2tp_eth.ko` and `l2tp_ppp.ko`, registers with
//! `l2tp_netlink.ko`, in whose place this is. So no tunnel has sessions: none is found, and creating
//! one is refused as in C, where no module has registered.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../genl/mod.rs"]
mod genl;
mod l2tp_gen;
#[allow(unsafe_code)]
mod tunnels;

use genl::{
    kind::{
        Binary,
        Nest,
        Noflag, //
    },
    Attr,
    Attribute,
    Command,
    DumpResult,
    DumpState,
    InSet,
    Message,
    ModuleFamily,
    Notify,
    Objects,
    Op,
    Request,
    Responder,
    Sent, //
};
use kernel::{
    prelude::*,
    ThisModule, //
};
use l2tp_gen::{
    attr::{
        l2tp,
        stats,
        L2tpSet,
        StatsSet, //
    },
    op,
    Handler, //
};
use tunnels::{
    Config,
    Ends,
    State,
    Tunnel, //
};

genl::module_family! {
    type: L2tp,
    alias: false,
    name: "genl_l2tp",
    authors: ["The rust-genl authors"],
    description: "The family l2tp of the kernel in Rust, for the tests of rust/genl",
    license: "GPL",
}

/// The family. The tunnels are in C.
struct L2tp;

impl ModuleFamily for L2tp {
    fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> {
        Ok(Self)
    }
}

/// What a tunnel goes over.
const ENCAP_UDP: u16 = 0;
const ENCAP_IP: u16 = 1;

/// The versions and kinds of sessions.
const PWTYPE_PPP: u16 = 7;
const PWTYPE_MAX: u16 = 12;
const L2SPEC_DEFAULT: u8 = 1;

genl::attributes! {
    /// Attributes as the policy of C has them.
    pub(crate) mod old for L2tpSet {
        /// The nest of counters, as it was sent before nests had a flag. In requests C does not look
        /// into it.
        Stats = l2tp::Stats: Noflag<Nest<StatsSet>> = Attr::any_nest(),
        /// A flag that C takes whatever is in it.
        UdpZeroCsum6Tx = l2tp::UdpZeroCsum6Tx: Binary,
        /// The same for the other direction.
        UdpZeroCsum6Rx = l2tp::UdpZeroCsum6Rx: Binary,
    }
}

// C has one policy for all.
genl::carries! {
    op::NoopDo [old::Stats];
    op::TunnelCreateDo [old::Stats, old::UdpZeroCsum6Tx, old::UdpZeroCsum6Rx];
    op::TunnelDeleteDo [old::Stats];
    op::TunnelModifyDo [old::Stats];
    op::TunnelGetDo [old::Stats];
    op::SessionCreateDo [old::Stats];
    op::SessionDeleteDo [old::Stats];
    op::SessionModifyDo [old::Stats];
    op::SessionGetDo [old::Stats];
}

genl::sent_with! {
    op::TunnelGetDo: NLM_F_ACK;
}

// Notifications with the numbers of requests.
genl::notifications! {
    for L2tp;

    /// A tunnel was created.
    TunnelCreated = "tunnel-create" 1 | NLM_F_ACK, L2tpSet => op::L2tpGroup;

    /// A tunnel is about to be deleted.
    TunnelDeleted = "tunnel-delete" 2 | NLM_F_ACK, L2tpSet => op::L2tpGroup;

    /// Somebody has wanted to modify a tunnel.
    TunnelModified = "tunnel-modify" 3 | NLM_F_ACK, L2tpSet => op::L2tpGroup;
}

/// What is told of a tunnel.
impl<C: Command<Set = L2tpSet>> Message<C> for State {
    fn layout(&self) -> impl InSet<L2tpSet> + '_ {
        let Config { ends, .. } = &self.config;
        // CAST: It comes from a request, where it has 16 bits.
        let encap = self.config.encap as u16;
        let udp = ends.has_socket && encap == ENCAP_UDP;
        let (v4, v6) = (ends.has_socket && !ends.v6, ends.has_socket && ends.v6);
        let [tx_packets, tx_bytes, tx_errors, rx_packets, rx_bytes, rx_seq_discards, rx_cookie_discards, rx_oos_packets, rx_errors, rx_invalid] =
            self.counters;
        let address = |address: &[u8; 16]| {
            let [a, b, c, d, ..] = *address;
            u32::from_ne_bytes([a, b, c, d])
        };
        (
            // CAST: It comes from a request, where it has 8 bits.
            l2tp::ProtoVersion.put(self.config.version as u8),
            l2tp::ConnId.put(self.config.id),
            l2tp::PeerConnId.put(self.config.peer_id),
            l2tp::Debug.put(0u32),
            l2tp::EncapType.put(encap),
            old::Stats.put((
                stats::TxPackets.put(tx_packets),
                stats::TxBytes.put(tx_bytes),
                stats::TxErrors.put(tx_errors),
                stats::RxPackets.put(rx_packets),
                stats::RxBytes.put(rx_bytes),
                stats::RxSeqDiscards.put(rx_seq_discards),
                stats::RxCookieDiscards.put(rx_cookie_discards),
                stats::RxOosPackets.put(rx_oos_packets),
                stats::RxErrors.put(rx_errors),
                stats::RxInvalid.put(rx_invalid),
            )),
            (v4 && udp).then(|| l2tp::UdpCsum.put(u8::from(ends.csum))),
            (v6 && ends.zero_csum6_tx).then(|| l2tp::UdpZeroCsum6Tx.put(())),
            (v6 && ends.zero_csum6_rx).then(|| l2tp::UdpZeroCsum6Rx.put(())),
            udp.then(|| {
                (
                    l2tp::UdpSport.put(ends.local_port),
                    l2tp::UdpDport.put(ends.peer_port),
                )
            }),
            v4.then(|| {
                (
                    l2tp::IpSaddr.put(address(&ends.local)),
                    l2tp::IpDaddr.put(address(&ends.peer)),
                )
            }),
            v6.then(|| {
                (
                    l2tp::Ip6Saddr.put(&ends.local[..]),
                    l2tp::Ip6Daddr.put(&ends.peer[..]),
                )
            }),
        )
    }
}

/// Tells of what a request has done with a tunnel.
fn tell<N, O>(request: &Request<'_, O>, tunnel: &Tunnel)
where
    O: Op<Family = L2tp>,
    N: Notify<Family = L2tp, Set = L2tpSet>,
{
    // It is done, whether or not all could be told.
    let _ = request.notify::<N>(&tunnel.read(), GFP_KERNEL);
}

/// The ends of a tunnel whose socket the kernel makes.
fn ends(request: &Request<'_, op::TunnelCreateDo>) -> Result<Ends> {
    let mut ends = Ends {
        local_port: request.get(l2tp::UdpSport).unwrap_or(0),
        peer_port: request.get(l2tp::UdpDport).unwrap_or(0),
        // C asks whether there is a value, not for the value.
        csum: request.get(l2tp::UdpCsum).is_some(),
        ..Ends::default()
    };
    if let (Some(local), Some(peer)) = (request.get(l2tp::Ip6Saddr), request.get(l2tp::Ip6Daddr)) {
        // The policy allows shorter ones, of which C reads what is behind them in the request.
        ends.local = local.try_into().map_err(|_| EINVAL)?;
        ends.peer = peer.try_into().map_err(|_| EINVAL)?;
        ends.v6 = true;
        ends.zero_csum6_tx = request.get(old::UdpZeroCsum6Tx).is_some();
        ends.zero_csum6_rx = request.get(old::UdpZeroCsum6Rx).is_some();
        return Ok(ends);
    }
    let local = request.get(l2tp::IpSaddr).ok_or(EINVAL)?;
    let peer = request.get(l2tp::IpDaddr).ok_or(EINVAL)?;
    for (to, from) in [(&mut ends.local, local), (&mut ends.peer, peer)] {
        let [a, b, c, d, ..] = to;
        [*a, *b, *c, *d] = from.to_ne_bytes();
    }
    Ok(ends)
}

/// The tunnel that a request is about.
fn named<O>(request: &Request<'_, O>) -> Result<Tunnel>
where
    O: Op<Family = L2tp> + genl::Carries<l2tp::ConnId>,
{
    // No text and no attribute, as in C.
    let id = request.get(l2tp::ConnId).ok_or(EINVAL)?;
    Tunnel::get(request.net(), id).ok_or(ENODEV)
}

/// Where a dump of tunnels stands.
struct Tunnels {
    /// The smallest number that the next one may have.
    next: u64,
}

impl DumpState<op::TunnelGetDump> for Tunnels {
    fn dump(&mut self, _: &L2tp, objects: &mut Objects<'_, op::TunnelGetDump>) -> DumpResult {
        while let Some(tunnel) = Tunnel::next(objects.net(), self.next) {
            let state = tunnel.read();
            objects.push(&state)?;
            self.next = u64::from(state.config.id).wrapping_add(1);
        }
        objects.end_alone()
    }
}

/// A dump of sessions, of which there are none.
struct Sessions;

impl DumpState<op::SessionGetDump> for Sessions {
    fn dump(&mut self, _: &L2tp, _: &mut Objects<'_, op::SessionGetDump>) -> DumpResult {
        Ok(())
    }
}

impl Handler for L2tp {
    // As in C.
    const PARALLEL_OPS: bool = false;

    fn noop<'a>(
        &self,
        _: Request<'a, op::NoopDo>,
        reply: Responder<'a, op::NoopDo>,
    ) -> Result<Sent<'a>> {
        reply.send(&op::NoopReply)
    }

    fn tunnel_create(&self, request: Request<'_, op::TunnelCreateDo>) -> Result {
        let id = request.get(l2tp::ConnId).ok_or(EINVAL)?;
        let peer_id = request.get(l2tp::PeerConnId).ok_or(EINVAL)?;
        let version = request.get(l2tp::ProtoVersion).ok_or(EINVAL)?;
        let encap = request.get(l2tp::EncapType).ok_or(EINVAL)?;
        let (fd, ends) = match request.get(l2tp::Fd) {
            // CAST: As in C: what is above half of all numbers is no descriptor, and asks for a
            // socket without addresses.
            Some(fd) => (fd as i32, Ends::default()),
            None => (-1, ends(&request)?),
        };
        if encap != ENCAP_UDP && encap != ENCAP_IP {
            return Err(EINVAL);
        }
        let config = Config {
            fd,
            id,
            peer_id,
            encap: encap.into(),
            version: version.into(),
            ends,
        };
        let tunnel = Tunnel::create(request.net(), &config)?;
        tell::<TunnelCreated, _>(&request, &tunnel);
        Ok(())
    }

    fn tunnel_delete(&self, request: Request<'_, op::TunnelDeleteDo>) -> Result {
        let tunnel = named(&request)?;
        tell::<TunnelDeleted, _>(&request, &tunnel);
        tunnel.delete();
        Ok(())
    }

    fn tunnel_modify(&self, request: Request<'_, op::TunnelModifyDo>) -> Result {
        tell::<TunnelModified, _>(&request, &named(&request)?);
        Ok(())
    }

    fn tunnel_get<'a>(
        &self,
        request: Request<'a, op::TunnelGetDo>,
        reply: Responder<'a, op::TunnelGetDo>,
    ) -> Result<Sent<'a>> {
        reply.send(&named(&request)?.read())
    }

    type TunnelGetDump = Tunnels;

    fn tunnel_get_dump(&self, _: Request<'_, op::TunnelGetDump>) -> Result<Tunnels> {
        Ok(Tunnels { next: 0 })
    }

    fn session_create(&self, request: Request<'_, op::SessionCreateDo>) -> Result {
        let tunnel = named(&request)?.read();
        request.get(l2tp::SessionId).ok_or(EINVAL)?;
        request.get(l2tp::PeerSessionId).ok_or(EINVAL)?;
        match request.get(l2tp::PwType).ok_or(EINVAL)? {
            PWTYPE_MAX.. => return Err(EINVAL),
            pw_type if tunnel.config.version == 2 && pw_type != PWTYPE_PPP => {
                return Err(EPROTONOSUPPORT)
            }
            _ => {}
        }
        let sublayer = request.get(l2tp::L2specType);
        if tunnel.config.version > 2 && sublayer.is_some_and(|sublayer| sublayer > L2SPEC_DEFAULT) {
            return Err(EINVAL);
        }
        // Nothing that carries frames has registered.
        Err(EPROTONOSUPPORT)
    }

    fn session_delete(&self, _: Request<'_, op::SessionDeleteDo>) -> Result {
        Err(ENODEV)
    }

    fn session_modify(&self, _: Request<'_, op::SessionModifyDo>) -> Result {
        Err(ENODEV)
    }

    fn session_get<'a>(
        &self,
        _: Request<'a, op::SessionGetDo>,
        _: Responder<'a, op::SessionGetDo>,
    ) -> Result<Sent<'a>> {
        Err(ENODEV)
    }

    type SessionGetDump = Sessions;

    fn session_get_dump(&self, _: Request<'_, op::SessionGetDump>) -> Result<Sessions> {
        Ok(Sessions)
    }
}
