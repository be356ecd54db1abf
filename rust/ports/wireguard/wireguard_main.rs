// SPDX-License-Identifier: GPL-2.0

//! wireguard: the control plane of WireGuard, as `drivers/net/wireguard/netlink.c` answers for it.
//!
//! Interfaces are made in C, in `link.c`, and carry nothing: there is no data plane.
//! `rust/ports/README.md` has the differences.

#![deny(unsafe_code)]

mod device;
#[allow(unsafe_code)]
#[path = "../../genl/mod.rs"]
mod genl;
#[allow(unsafe_code)]
mod link;
mod row;
mod wireguard_gen;

use core::iter;
use device::{
    AllowedIp,
    Config,
    Device,
    Family,
    Peer,
    PublicKey, //
};
use genl::{
    Attribute,
    Carries,
    DumpResult,
    DumpState,
    InSet,
    Layout,
    Message,
    ModuleFamily,
    Nested,
    Net,
    Objects,
    Op,
    Request,
    Secret,
    Secrets,
    Stop, //
};
use kernel::{
    bindings::{
        AF_INET,
        AF_INET6, //
    },
    prelude::*,
    sync::Arc,
    ThisModule, //
};
use link::{
    Links,
    Name,
    Rtnl, //
};
use row::Members;
use wireguard_gen::{
    attr::{
        wgallowedip,
        wgdevice,
        wgpeer,
        WgallowedipSet,
        WgdeviceSet,
        WgpeerSet, //
    },
    def::{
        KernelTimespec,
        WgallowedipFlags,
        WgdeviceFlags,
        WgpeerFlags, //
    },
    op,
    Handler, //
};

genl::module_family! {
    type: Wireguard,
    alias: false,
    name: "genl_wireguard",
    authors: ["The rust-genl authors"],
    description: "The family wireguard of the kernel in Rust, for the tests of rust/genl",
    license: "GPL",
}

/// The family. Its interfaces go after it.
struct Wireguard {
    _links: Links,
}

impl ModuleFamily for Wireguard {
    fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_init!(Self {
            _links: Links::register()?,
        })
    }
}

/// The only version of the protocol.
const VERSION: u32 = 1;

impl Secrets for op::SetDeviceDo {
    const SECRETS: &'static [Secret<Self>] = &[
        Secret::at::<wgdevice::PrivateKey>(),
        Secret::at::<(wgdevice::Peers, wgpeer::PresharedKey)>(),
    ];
}

/// The device that a request names in one of two ways.
fn find<O>(request: &Request<'_, O>) -> Result<Arc<Device>>
where
    O: Op + Carries<wgdevice::Ifindex> + Carries<wgdevice::Ifname>,
{
    match (
        request.get(wgdevice::Ifindex),
        request.get(wgdevice::Ifname),
    ) {
        (Some(index), None) => link::find(request.net(), index, None),
        (None, Some(name)) => link::find(request.net(), 0, Some(name)),
        _ => Err(EBADR),
    }
}

impl Handler for Wireguard {
    type GetDeviceDump = Reader;

    fn get_device_dump(&self, request: Request<'_, op::GetDeviceDump>) -> Result<Reader> {
        Ok(Reader {
            device: find(&request)?,
            place: Place {
                last: None,
                ip: None,
                seq: None,
            },
        })
    }

    // What was done before an error stays, as in C: each request says what it wants, and may be
    // sent again.
    fn set_device(&self, request: Request<'_, op::SetDeviceDo>) -> Result {
        let device = find(&request)?;
        let mut config = device.config.lock();
        let link = config.link.as_ref().ok_or(ENODEV)?;
        let port = request.get(wgdevice::ListenPort);
        let mark = request.get(wgdevice::Fwmark);
        // These are about the namespace that packets leave from.
        if (port.is_some() || mark.is_some()) && !link.is_capable() {
            return Err(EPERM);
        }
        device.changed();
        config.mark = mark.unwrap_or(config.mark);
        config.port = port.unwrap_or(config.port);
        let flags = request.get(wgdevice::Flags).unwrap_or_default();
        if flags.contains(WgdeviceFlags::REPLACE_PEERS) {
            config.peers.remove_all();
        }
        if let Some(key) = request.get(wgdevice::PrivateKey) {
            config.set_private_key(key);
        }
        for (_, peer) in request.get(wgdevice::Peers) {
            set_peer(&mut config, &peer)?;
        }
        Ok(())
    }
}

/// Adds, changes or removes a peer.
fn set_peer(config: &mut Config, request: &Nested<'_, WgpeerSet>) -> Result {
    if !request.has_flag() {
        return Err(EINVAL);
    }
    let key = PublicKey::new(request.get(wgpeer::PublicKey).ok_or(EINVAL)?);
    let flags = request.get(wgpeer::Flags).unwrap_or_default();
    if request
        .get(wgpeer::ProtocolVersion)
        .is_some_and(|version| version != VERSION)
    {
        return Err(EPFNOSUPPORT);
    }
    let found = config.peers.find(&key);
    if flags.contains(WgpeerFlags::REMOVE_ME) {
        if let Some(peer) = found {
            config.peers.remove(peer);
        }
        return Ok(());
    }
    let number = match found {
        Some(number) => number,
        // One configuration can be for several devices, which are peers of each other.
        None if flags.contains(WgpeerFlags::UPDATE_ONLY) || config.is_itself(&key) => {
            return Ok(());
        }
        None => config.peers.add(key)?,
    };
    let peer = config.peers.get_mut(number)?;
    if let Some(key) = request.get(wgpeer::PresharedKey) {
        peer.set_preshared(key);
    }
    if let Some(endpoint) = request.get(wgpeer::Endpoint) {
        peer.endpoint.set(endpoint);
    }
    if flags.contains(WgpeerFlags::REPLACE_ALLOWEDIPS) {
        config.peers.clear(number);
    }
    for (_, ip) in request.get(wgpeer::Allowedips) {
        set_allowed_ip(config, number, &ip)?;
    }
    if let Some(seconds) = request.get(wgpeer::PersistentKeepaliveInterval) {
        config.peers.get_mut(number)?.keepalive = seconds;
    }
    Ok(())
}

/// Allows a peer some addresses, or forbids it these.
fn set_allowed_ip(config: &mut Config, peer: u64, request: &Nested<'_, WgallowedipSet>) -> Result {
    if !request.has_flag() {
        return Err(EINVAL);
    }
    let family = request.get(wgallowedip::Family).ok_or(EINVAL)?;
    let address = request.get(wgallowedip::Ipaddr).ok_or(EINVAL)?;
    let cidr = request.get(wgallowedip::CidrMask).ok_or(EINVAL)?;
    let flags = request.get(wgallowedip::Flags).unwrap_or_default();
    let ip = AllowedIp::new(family.into(), address, cidr).ok_or(EINVAL)?;
    if flags.contains(WgallowedipFlags::REMOVE_ME) {
        config.peers.forbid(peer, ip);
        return Ok(());
    }
    config.peers.allow(peer, ip)
}

/// What a message says of the device itself.
struct About<'a> {
    config: &'a Config,
    index: u32,
    name: &'a Name,
}

impl<'a> About<'a> {
    fn parts(&self) -> impl InSet<WgdeviceSet> + 'a {
        let keys = self.config.identity.keys();
        (
            wgdevice::ListenPort.put(self.config.port),
            wgdevice::Fwmark.put(self.config.mark),
            wgdevice::Ifindex.put(self.index),
            wgdevice::Ifname.put(self.name),
            keys.map(|(private, public)| {
                (
                    wgdevice::PrivateKey.put(private),
                    wgdevice::PublicKey.put(public),
                )
            }),
        )
    }
}

/// A peer, or a part of it.
struct PeerPart<'a> {
    peer: &'a Peer,
    /// Whether it begins with this part.
    begins: bool,
    /// Some of its allowed IPs.
    ips: Option<Members<'a, AllowedIp>>,
}

impl<'a> PeerPart<'a> {
    fn parts(self) -> impl InSet<WgpeerSet> + 'a {
        let Self { peer, begins, ips } = self;
        (
            wgpeer::PublicKey.put(peer.key.bytes()),
            begins.then(|| {
                (
                    wgpeer::PresharedKey.put(peer.preshared()),
                    wgpeer::LastHandshakeTime.put(KernelTimespec::default()),
                    wgpeer::PersistentKeepaliveInterval.put(peer.keepalive),
                    wgpeer::TxBytes.put(0),
                    wgpeer::RxBytes.put(0),
                    wgpeer::ProtocolVersion.put(VERSION),
                    peer.endpoint
                        .bytes()
                        .map(|bytes| wgpeer::Endpoint.put(bytes)),
                )
            }),
            ips.map(|ips| wgpeer::Allowedips.indexed(ips.map(|(_, ip)| (0, allowed(ip))))),
        )
    }
}

/// An allowed IP.
fn allowed(ip: &AllowedIp) -> impl InSet<WgallowedipSet> + '_ {
    let family = match ip.family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    };
    let (v4, v6) = ip.addresses();
    (
        wgallowedip::CidrMask.put(ip.cidr),
        // CAST: It is small.
        wgallowedip::Family.put(family as u16),
        v4.map(|address| wgallowedip::Ipaddr.put(&address[..])),
        v6.map(|address| wgallowedip::Ipaddr.put(&address[..])),
    )
}

/// What allowed IPs of a family take.
fn size_of_allowed(family: Family) -> usize {
    let any = AllowedIp::any(family);
    let element = wgpeer::Allowedips.element(0, allowed(&any));
    element.size()
}

/// What all allowed IPs of a peer take.
fn size_of_all(peer: &Peer) -> usize {
    let v4 = peer.ips.len().wrapping_sub(peer.ips_v6);
    let v4 = v4.wrapping_mul(size_of_allowed(Family::V4));
    let v6 = peer.ips_v6.wrapping_mul(size_of_allowed(Family::V6));
    v4.wrapping_add(v6)
}

/// How a message begins with its first peer.
#[derive(Clone, Copy)]
struct Start {
    /// Whether the peer begins as well.
    begins: bool,
    /// The place of the first of its allowed IPs, or none where they are left out.
    from: Option<usize>,
}

/// The peers of a message.
#[derive(Clone)]
struct Peers<'a> {
    peers: Members<'a, KBox<Peer>>,
    start: Start,
    /// The number of a peer of which a part goes in, and the place behind that in its allowed IPs.
    end: Option<(u64, usize)>,
}

impl<'a> Iterator for Peers<'a> {
    type Item = (u16, PeerPart<'a>);

    fn next(&mut self) -> Option<(u16, PeerPart<'a>)> {
        let (number, peer) = self.peers.next()?;
        let Start { begins, from } = core::mem::replace(&mut self.start, Start::WHOLE);
        let to = match self.end {
            Some((last, to)) if last == number => to,
            _ => usize::MAX,
        };
        let from = from.filter(|_| !peer.ips.is_empty());
        let part = PeerPart {
            peer,
            begins,
            ips: from.map(|from| peer.ips.range(from, to)),
        };
        Some((0, part))
    }
}

impl Start {
    /// With all of the peer.
    const WHOLE: Self = Self {
        begins: true,
        from: Some(0),
    };
}

/// As much of a device as goes into one message.
struct Part<'a> {
    about: Option<About<'a>>,
    /// None where there are no peers any more.
    peers: Option<Peers<'a>>,
}

impl Message<op::GetDeviceDump> for Part<'_> {
    fn layout(&self) -> impl InSet<WgdeviceSet> + '_ {
        (
            self.about.as_ref().map(About::parts),
            self.peers.clone().map(|peers| {
                wgdevice::Peers.indexed(peers.map(|(index, part)| (index, part.parts())))
            }),
        )
    }
}

/// Where a dump stands: in front of which peer, and where in this.
#[derive(Clone, Copy)]
struct Place {
    /// The last peer that has been sent as a whole.
    last: Option<u64>,
    /// The allowed IP that the next peer goes on with, where a part of that has been sent.
    ip: Option<u64>,
    /// The state of all allowed IPs that the next peer has begun with.
    seq: Option<u64>,
}

impl Place {
    /// Takes as many peers as go into so many bytes, and returns these, and whether that is all.
    ///
    /// As `get_peer()` of C: a peer is begun where all goes in that stands in front of its first
    /// allowed IP. What goes on in another message has only its key in front.
    #[inline(never)]
    fn advance<'a>(
        &mut self,
        peers: &'a device::Peers,
        mut left: usize,
    ) -> (Option<Peers<'a>>, bool) {
        let row = &peers.row;
        let begin = match self.last {
            None => Some(0),
            Some(last) => row.place(last).map(|place| place.wrapping_add(1)),
        };
        let Some(begin) = begin.filter(|_| !row.is_empty()) else {
            // Where the peer has gone that the dump has come to, it ends, marked as inconsistent.
            return (None, true);
        };
        let (mut start, mut end) = (None, None);
        let mut all = true;
        for (number, peer) in row.from(begin) {
            let begins = self.ip.is_none();
            let mut size = size_of_head(peer, begins);
            if size > left {
                all = false;
                break;
            }
            let from = match self.ip {
                None => (!peer.ips.is_empty()).then_some(0),
                Some(ip) => peer.ips.place(ip),
            };
            // What has changed in between is not gone on with.
            let now = peers.seq();
            let from = from.filter(|_| *self.seq.get_or_insert(now) == now);
            if let Some(from) = from {
                size = size.wrapping_add(size_of_nest());
                if size > left {
                    all = false;
                    break;
                }
                let whole = size.wrapping_add(size_of_all(peer));
                if begins && whole <= left {
                    size = whole;
                } else {
                    for (ip, allowed) in peer.ips.from(from) {
                        let more = size.wrapping_add(size_of_allowed(allowed.family));
                        if more > left {
                            self.ip = Some(ip);
                            end = peer.ips.place(ip).map(|place| (number, place));
                            all = false;
                            break;
                        }
                        size = more;
                    }
                }
            }
            // Only the first one can be otherwise than whole in front.
            start.get_or_insert(Start { begins, from });
            if end.is_some() {
                break;
            }
            left = left.wrapping_sub(size);
            (self.last, self.ip, self.seq) = (Some(number), None, None);
        }
        let last = end.map(|(number, _)| number).or(self.last);
        let behind = last.and_then(|last| row.place(last));
        let behind = behind.map_or(begin, |place| place.wrapping_add(1));
        let peers = Peers {
            peers: row.range(begin, behind),
            start: start.unwrap_or(Start::WHOLE),
            end,
        };
        (Some(peers), all)
    }
}

/// What a peer takes without its allowed IPs.
fn size_of_head(peer: &Peer, begins: bool) -> usize {
    let ips = None;
    let part = PeerPart { peer, begins, ips };
    wgdevice::Peers.element(0, part.parts()).size()
}

/// What the nest takes that these are in.
fn size_of_nest() -> usize {
    wgpeer::Allowedips
        .indexed(iter::empty::<(u16, ())>())
        .size()
}

/// A dump of a device.
struct Reader {
    device: Arc<Device>,
    place: Place,
}

impl DumpState<op::GetDeviceDump> for Reader {
    fn dump(&mut self, _: &Wireguard, objects: &mut Objects<'_, op::GetDeviceDump>) -> DumpResult {
        let rtnl = Rtnl::lock();
        let config = self.device.config.lock();
        let gone = || Stop::fail(ENODEV, c"the interface has gone");
        let link = config.link.as_ref().ok_or_else(gone)?;
        let (index, name) = link.read(&rtnl);
        let about = self.place.last.is_none().then(|| About {
            config: &config,
            index,
            name: &name,
        });
        let no_peers = wgdevice::Peers.indexed(iter::empty::<(u16, ())>());
        let empty = objects.size_of(&(about.as_ref().map(About::parts), no_peers))?;
        let left = objects.room().saturating_sub(empty);
        let (peers, all) = self.place.advance(&config.peers, left);
        objects.push(&Part { about, peers })?;
        if !all {
            return Err(Stop::next_buffer());
        }
        Ok(())
    }

    fn generation(&self, _: &Wireguard, _: &Net) -> u32 {
        self.device.generation()
    }
}
