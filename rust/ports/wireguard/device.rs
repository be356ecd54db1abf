// SPDX-License-Identifier: GPL-2.0

//! What an interface is configured with: its keys, its peers, and what they may send and receive.

#![forbid(unsafe_code)]

use super::{
    link::{
        public_key,
        same_key,
        wipe_key,
        Link, //
    },
    row::Row, //
};
use core::cmp::Ordering;
use kernel::{
    bindings::{
        AF_INET,
        AF_INET6, //
    },
    new_mutex,
    prelude::*,
    rbtree::{
        Entry,
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    }, //
};

/// Most peers of a device, `MAX_PEERS_PER_DEVICE`.
const PEERS_MAX: usize = 1 << 20;

/// A device. It may outlive its interface by what is still being done with it.
#[pin_data]
pub(crate) struct Device {
    #[pin]
    pub(crate) config: Mutex<Config>,
    /// Changes with each request, under the lock of the other member.
    generation: Atomic<u32>,
}

impl Device {
    pub(crate) fn new(link: Link) -> impl PinInit<Self, Error> {
        let config = Config {
            link: Some(link),
            port: 0,
            mark: 0,
            identity: Identity {
                private: Key([0; 32]),
                public: None,
            },
            peers: Peers {
                row: Row::new(),
                by_key: RBTree::new(),
                owners: RBTree::new(),
                seq: 1,
            },
        };
        try_pin_init!(Self {
            config <- new_mutex!(config),
            generation: Atomic::new(1),
        })
    }

    /// The interface goes, and what it was configured with.
    pub(crate) fn gone(&self) {
        let mut config = self.config.lock();
        config.link = None;
        config.peers.remove_all();
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Relaxed)
    }

    /// Tells the dumps that are being read that they do not show one state.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Relaxed);
    }
}

/// What a device is configured with.
pub(crate) struct Config {
    /// None when the interface has gone.
    pub(crate) link: Option<Link>,
    pub(crate) port: u16,
    pub(crate) mark: u32,
    pub(crate) identity: Identity,
    pub(crate) peers: Peers,
}

/// A key that nobody else may know: it is wiped before its memory is given back.
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it has these bytes. How long this takes does not say how many of them it has.
    fn is(&self, bytes: &[u8; 32]) -> bool {
        same_key(&self.0, bytes)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        wipe_key(&mut self.0);
    }
}

/// The keys of a device.
pub(crate) struct Identity {
    private: Key,
    /// None where the private key is none.
    public: Option<PublicKey>,
}

impl Identity {
    /// Both keys, if there are any.
    pub(crate) fn keys(&self) -> Option<(&[u8; 32], &[u8; 32])> {
        Some((self.private.bytes(), self.public.as_ref()?.bytes()))
    }
}

impl Config {
    /// Sets the private key. A peer that has the public one goes: that is the device now.
    #[inline(never)]
    pub(crate) fn set_private_key(&mut self, key: &[u8; 32]) {
        if self.identity.private.is(key) {
            return;
        }
        self.identity.public = public_key(key).map(|key| PublicKey::new(&key));
        let itself = self.identity.public.as_ref();
        if let Some(number) = itself.and_then(|key| self.peers.find(key)) {
            self.peers.remove(number);
        }
        // `curve25519_clamp_secret()`
        let private = &mut self.identity.private.0;
        *private = *key;
        private[0] &= 248;
        private[31] = private[31] & 127 | 64;
    }

    /// Whether a public key is that of the device.
    pub(crate) fn is_itself(&self, key: &PublicKey) -> bool {
        self.identity.public.as_ref() == Some(key)
    }
}

/// A public key. Its order is none that means anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicKey([u8; 32]);

impl PublicKey {
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A key in words, to compare it.
fn words(key: &[u8; 32]) -> [u64; 4] {
    zerocopy::transmute!(*key)
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        // The first word of two keys is the same only if somebody has taken pains.
        words(&self.0).cmp(&words(&other.0))
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Where a peer is, as a `struct sockaddr_in` or `sockaddr_in6`.
pub(crate) enum Endpoint {
    Unknown,
    V4([u8; 16]),
    V6([u8; 28]),
}

impl Endpoint {
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Unknown => None,
            Self::V4(bytes) => Some(bytes),
            Self::V6(bytes) => Some(bytes),
        }
    }

    /// What tells one from another: the port and the address, the scope, and not the flow.
    fn place(&self) -> [&[u8]; 2] {
        match self {
            Self::Unknown => [&[], &[]],
            Self::V4(bytes) => [&bytes[2..4], &bytes[4..8]],
            Self::V6(bytes) => [&bytes[2..4], &bytes[8..]],
        }
    }

    /// Takes an address, if it is one. What says the same place in another way changes nothing.
    #[inline(never)]
    pub(crate) fn set(&mut self, bytes: &[u8]) {
        let family = bytes.first_chunk().copied().map(u16::from_ne_bytes);
        let new = match family.map(u32::from) {
            Some(AF_INET) => bytes.try_into().map(Self::V4),
            Some(AF_INET6) => bytes.try_into().map(Self::V6),
            _ => return,
        };
        if let Ok(new) = new {
            if new.place() != self.place() {
                *self = new;
            }
        }
    }
}

/// An IP family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    V4,
    V6,
}

/// Addresses that a peer may send from and that are sent to it.
#[derive(Clone, Copy)]
pub(crate) struct AllowedIp {
    /// The address, all bits behind the mask cleared. That of version 4 is in front.
    address: [u8; 16],
    pub(crate) family: Family,
    pub(crate) cidr: u8,
}

/// The same, in an order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Prefix {
    address: u128,
    cidr: u8,
    family: Family,
}

impl AllowedIp {
    /// Takes an address and the length of its mask; none that is too long.
    pub(crate) fn new(family: u32, address: &[u8], cidr: u8) -> Option<Self> {
        let (family, bits, address) = match family {
            AF_INET => {
                let address = u32::from_be_bytes(address.try_into().ok()?);
                (Family::V4, 32, u128::from(address) << 96)
            }
            AF_INET6 => {
                let address = u128::from_be_bytes(address.try_into().ok()?);
                (Family::V6, 128, address)
            }
            _ => return None,
        };
        if cidr > bits {
            return None;
        }
        let mask = u128::MAX.checked_shl(128u32.wrapping_sub(cidr.into()));
        Some(Self {
            address: (address & mask.unwrap_or(0)).to_be_bytes(),
            family,
            cidr,
        })
    }

    /// All addresses of a family.
    pub(crate) fn any(family: Family) -> Self {
        Self {
            address: [0; 16],
            family,
            cidr: 0,
        }
    }

    /// The address, if it is one of version 4, and if it is one of version 6.
    pub(crate) fn addresses(&self) -> (Option<&[u8; 4]>, Option<&[u8; 16]>) {
        match self.family {
            Family::V4 => (self.address.first_chunk(), None),
            Family::V6 => (None, Some(&self.address)),
        }
    }

    fn prefix(&self) -> Prefix {
        Prefix {
            address: u128::from_be_bytes(self.address),
            cidr: self.cidr,
            family: self.family,
        }
    }
}

/// A peer.
pub(crate) struct Peer {
    pub(crate) key: PublicKey,
    preshared: Key,
    pub(crate) endpoint: Endpoint,
    pub(crate) keepalive: u16,
    /// What it is allowed, in the order in which a dump has it.
    pub(crate) ips: Row<AllowedIp>,
    /// How many of these are of version 6.
    pub(crate) ips_v6: usize,
}

impl Peer {
    pub(crate) fn preshared(&self) -> &[u8; 32] {
        self.preshared.bytes()
    }

    pub(crate) fn set_preshared(&mut self, key: &[u8; 32]) {
        self.preshared.0 = *key;
    }

    fn add(&mut self, ip: AllowedIp) -> Result<u64> {
        let number = self.ips.push(ip)?;
        if ip.family == Family::V6 {
            self.ips_v6 = self.ips_v6.wrapping_add(1);
        }
        Ok(number)
    }

    fn remove(&mut self, number: u64) {
        let ip = self.ips.remove(number);
        if ip.is_some_and(|ip| ip.family == Family::V6) {
            self.ips_v6 = self.ips_v6.wrapping_sub(1);
        }
    }
}

/// The peers of a device, and whom each address belongs to.
pub(crate) struct Peers {
    pub(crate) row: Row<KBox<Peer>>,
    /// Their numbers.
    by_key: RBTree<PublicKey, u64>,
    owners: RBTree<Prefix, Owner>,
    /// Changes with each request for an allowed IP.
    seq: u64,
}

/// Whose an allowed IP is: both numbers.
struct Owner {
    peer: u64,
    ip: u64,
}

impl Peers {
    /// The number of a peer.
    #[inline(never)]
    pub(crate) fn find(&self, key: &PublicKey) -> Option<u64> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Result<&mut Peer> {
        Ok(self.row.get_mut(number).ok_or(ENOENT)?)
    }

    /// A number that changes with each request for an allowed IP.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    fn touch(&mut self) {
        self.seq = self.seq.wrapping_add(1);
    }

    /// Adds a peer that is not there.
    pub(crate) fn add(&mut self, key: PublicKey) -> Result<u64> {
        if self.row.len() >= PEERS_MAX {
            return Err(ENOMEM);
        }
        // Everybody can have network namespaces: the memory cgroup of the sender pays.
        let node = RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?;
        let peer = Peer {
            key,
            preshared: Key([0; 32]),
            endpoint: Endpoint::Unknown,
            keepalive: 0,
            ips: Row::new(),
            ips_v6: 0,
        };
        let number = self.row.push(KBox::new(peer, GFP_KERNEL_ACCOUNT)?)?;
        if let Entry::Vacant(place) = self.by_key.entry(key) {
            place.insert(number, node);
        }
        Ok(number)
    }

    pub(crate) fn remove(&mut self, number: u64) {
        self.clear(number);
        if let Some(peer) = self.row.remove(number) {
            self.by_key.remove(&peer.key);
        }
    }

    pub(crate) fn remove_all(&mut self) {
        self.touch();
        self.row.clear();
        self.by_key = RBTree::new();
        self.owners = RBTree::new();
    }

    /// Allows a peer some addresses, which nobody else is allowed then. They are the last ones of
    /// the peer, also if they were its own before.
    #[inline(never)]
    pub(crate) fn allow(&mut self, number: u64, ip: AllowedIp) -> Result {
        self.touch();
        let peer = self.row.get_mut(number).ok_or(ENOENT)?;
        let owner = self.owners.entry(ip.prefix());
        let node = match owner {
            Entry::Vacant(_) => Some(RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?),
            Entry::Occupied(_) => None,
        };
        let new = Owner {
            peer: number,
            ip: peer.add(ip)?,
        };
        match (owner, node) {
            (Entry::Occupied(mut owner), _) => {
                let old = core::mem::replace(owner.get_mut(), new);
                if let Some(peer) = self.row.get_mut(old.peer) {
                    peer.remove(old.ip);
                }
            }
            (Entry::Vacant(place), Some(node)) => {
                place.insert(new, node);
            }
            (Entry::Vacant(_), None) => (),
        }
        Ok(())
    }

    /// Takes some addresses from a peer, if they are its own.
    pub(crate) fn forbid(&mut self, number: u64, ip: AllowedIp) {
        self.touch();
        let ip = disown(&mut self.owners, number, &ip);
        if let (Some(ip), Some(peer)) = (ip, self.row.get_mut(number)) {
            peer.remove(ip);
        }
    }

    /// Takes all addresses from a peer.
    pub(crate) fn clear(&mut self, number: u64) {
        let Some(peer) = self.row.get_mut(number) else {
            return;
        };
        if peer.ips.is_empty() {
            return;
        }
        self.seq = self.seq.wrapping_add(1);
        for (_, ip) in peer.ips.from(0) {
            disown(&mut self.owners, number, ip);
        }
        peer.ips.clear();
        peer.ips_v6 = 0;
    }
}

/// Lets some addresses be nobody's if they are those of a peer. Returns their number there.
#[inline(never)]
fn disown(owners: &mut RBTree<Prefix, Owner>, peer: u64, ip: &AllowedIp) -> Option<u64> {
    match owners.entry(ip.prefix()) {
        Entry::Occupied(owner) if owner.get().peer == peer => Some(owner.remove().ip),
        _ => None,
    }
}
