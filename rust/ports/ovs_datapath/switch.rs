// SPDX-License-Identifier: GPL-2.0

//! Datapaths and their ports, in one network namespace.
//!
//! In C each port is a network device, and what `register_netdevice()` says of its name and its
//! index is an answer of the family. Here names and indices are given away in the same way, as in a
//! namespace with no device but the loopback.

use crate::{
    datapath::old,
    genl::{
        kind::Enum,
        AsText,
        Carries,
        NetState,
        Op,
        Request, //
    },
    ovs_datapath_gen::{
        attr::datapath,
        def::UserFeatures, //
    },
};
use core::cmp::Reverse;
use kernel::{
    bindings::IFNAMSIZ,
    cpu::nr_cpu_ids,
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::Mutex, //
};

/// Ports of a datapath have smaller numbers, `DP_MAX_PORTS`.
pub(crate) const PORTS_MAX: u16 = u16::MAX;
/// How many lists the ports of a datapath are in, by their numbers, `DP_VPORT_HASH_BUCKETS`.
const BUCKETS: u16 = 1024;
/// How many devices can have names that differ in a number only.
const NUMBERED_MAX: usize = 8 * PAGE_SIZE;
/// How many digits such a number has, at most: a page has up to 64 KiB.
const NUMBERED_DIGITS: usize = 6;
/// How long a name is, at most.
// CAST: It is small.
const NAME_MAX: usize = IFNAMSIZ as usize - 1;
/// How many entries the cache of a flow table begins with, `MC_DEFAULT_HASH_ENTRIES`.
const CACHE_SIZE: u32 = 256;
/// The port that each datapath has, `OVSP_LOCAL`.
const LOCAL: u16 = 0;
/// The index of the loopback device.
const LOOPBACK: u32 = 1;

/// The name of a device, padded with NULs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name([u8; NAME_MAX + 1]);

impl Name {
    /// Takes a name, as much of it as a device can have.
    fn of<'a>(name: impl Iterator<Item = &'a u8>) -> Self {
        let mut bytes = [0; NAME_MAX + 1];
        for (to, from) in bytes.iter_mut().zip(name.take(NAME_MAX)) {
            *to = *from;
        }
        Self(bytes)
    }

    /// Takes a name from a request, whose policy bounds its length.
    pub(crate) fn new(name: &CStr) -> Self {
        Self::of(name.as_text().iter())
    }

    /// A name with a number in it.
    fn numbered(front: &[u8], number: usize, back: &[u8]) -> Self {
        let mut digits = [0; NUMBERED_DIGITS];
        let (mut left, mut first) = (number, digits.len());
        for (place, digit) in digits.iter_mut().enumerate().rev() {
            if left > 0 || first == NUMBERED_DIGITS {
                // CAST: It is less than 10.
                *digit = b'0' + (left % 10) as u8;
                left /= 10;
                first = place;
            }
        }
        let digits = digits.get(first..).unwrap_or_default();
        Self::of([front, digits, back].into_iter().flatten())
    }

    pub(crate) fn is_loopback(&self) -> bool {
        *self == Self::new(c"lo")
    }

    pub(crate) fn text(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

/// What is to be made.
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a CStr,
    /// An index, or 0 for any.
    pub(crate) index: u32,
    /// Sockets, as numbers of 4 bytes.
    pub(crate) portids: &'a [u8],
}

/// A port.
pub(crate) struct Port {
    pub(crate) number: u16,
    pub(crate) name: Name,
    pub(crate) index: u32,
    /// At least one.
    pub(crate) portids: KVec<u8>,
}

/// Where a port is among those of its datapath, in the order of C: list by list, and there the
/// newest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    bucket: u16,
    age: Reverse<u64>,
}

impl Key {
    /// In front of all ports.
    pub(crate) const FIRST: Self = Self::front(0);

    /// In front of the ports of a list.
    const fn front(bucket: u16) -> Self {
        Self {
            bucket,
            age: Reverse(u64::MAX),
        }
    }

    /// Right behind this one.
    fn behind(&self) -> Self {
        match self.age.0.checked_sub(1) {
            Some(age) => Self {
                age: Reverse(age),
                ..*self
            },
            None => Self::front(self.bucket.wrapping_add(1)),
        }
    }
}

/// Where a port is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) datapath: u64,
    pub(crate) port: Key,
    number: u16,
}

impl Place {
    /// Whether it is that of the local port of a datapath.
    pub(crate) fn is_local(&self) -> bool {
        self.number == LOCAL
    }
}

/// What a request can change of a datapath.
pub(crate) struct Settings {
    pub(crate) features: UserFeatures,
    pub(crate) cache_size: u32,
    per_cpu_pids: Option<KVec<u8>>,
}

impl Settings {
    /// Those of a new datapath.
    pub(crate) fn new() -> Self {
        Self {
            features: UserFeatures::default(),
            cache_size: CACHE_SIZE,
            per_cpu_pids: None,
        }
    }

    /// One socket for each processor, if there are any and they are used.
    pub(crate) fn per_cpu_pids(&self) -> Option<&[u8]> {
        let pids = self.per_cpu_pids.as_ref();
        let pids = pids.filter(|_| {
            self.features
                .contains(UserFeatures::DISPATCH_UPCALL_PER_CPU)
        })?;
        // CAST: The number of processors fits.
        let len = (nr_cpu_ids() as usize).saturating_mul(size_of::<u32>());
        Some(pids.get(..len).unwrap_or(pids))
    }

    /// Changes them as a request says. What comes in front of an error stays changed, as in C.
    pub(crate) fn change<O>(&mut self, request: &Request<'_, O>) -> Result
    where
        O: Op
            + Carries<datapath::UserFeatures>
            + Carries<datapath::MasksCacheSize>
            + Carries<old::PerCpuPids>,
    {
        let features = request.get(datapath::UserFeatures).unwrap_or(0);
        let features = UserFeatures::from_value(features.into()).ok_or(EOPNOTSUPP)?;
        if features.contains(UserFeatures::TC_RECIRC_SHARING) && !cfg!(CONFIG_NET_TC_SKB_EXT) {
            return Err(EOPNOTSUPP);
        }
        if let Some(size) = request.get(datapath::MasksCacheSize) {
            if size != 0 && !size.is_power_of_two() {
                return Err(EINVAL);
            }
            self.cache_size = size;
        }
        self.features = features;
        if features.contains(UserFeatures::DISPATCH_UPCALL_PER_CPU) {
            if let Some(pids) = request.bytes_of(old::PerCpuPids) {
                self.per_cpu_pids = Some(portids(pids)?);
            }
        }
        Ok(())
    }
}

/// Keeps the numbers of sockets that a request has.
pub(crate) fn portids(bytes: &[u8]) -> Result<KVec<u8>> {
    if bytes.is_empty() || bytes.len() % size_of::<u32>() != 0 {
        return Err(EINVAL);
    }
    let mut portids = KVec::new();
    // Everybody can have network namespaces: the memory cgroup of the sender pays.
    portids.extend_from_slice(bytes, GFP_KERNEL_ACCOUNT)?;
    Ok(portids)
}

/// The same for a port, which has at most one for each processor.
pub(crate) fn port_portids(bytes: &[u8]) -> Result<KVec<u8>> {
    // CAST: The number of processors fits.
    if bytes.len() / size_of::<u32>() > nr_cpu_ids() as usize {
        return Err(EINVAL);
    }
    portids(bytes)
}

/// A datapath. It has a local port, whose name and index are its own.
pub(crate) struct Datapath {
    pub(crate) name: Name,
    pub(crate) index: u32,
    pub(crate) settings: Settings,
    ports: RBTree<Key, Port>,
}

impl Datapath {
    pub(crate) fn port(&self, key: &Key) -> Option<&Port> {
        self.ports.get(key)
    }

    /// Finds a port by its number.
    fn key_of(&self, number: u16) -> Option<Key> {
        let front = Key::front(number % BUCKETS);
        self.each_from(&front, |key, port| {
            if key.bucket != front.bucket {
                Err(None)
            } else if port.number == number {
                Err(Some(*key))
            } else {
                Ok(())
            }
        })
        .err()
        .flatten()
    }

    /// Calls a function for each port from a place on, until that returns an error.
    pub(crate) fn each_from<E>(
        &self,
        from: &Key,
        mut f: impl FnMut(&Key, &Port) -> core::result::Result<(), E>,
    ) -> core::result::Result<(), E> {
        let mut next = *from;
        while let Some(cursor) = self.ports.cursor_lower_bound(&next) {
            let (key, port) = cursor.current();
            f(key, port)?;
            next = key.behind();
        }
        Ok(())
    }
}

/// What there is in a network namespace.
pub(crate) struct Switches {
    /// The oldest first.
    datapaths: RBTree<u64, Datapath>,
    names: RBTree<Name, Place>,
    indices: RBTree<u32, Place>,
    next_index: u32,
    next_age: u64,
}

/// A port that is not there yet, with all that it takes to put it there.
struct Made {
    place: Place,
    name: Name,
    index: u32,
    port: RBTreeNode<Key, Port>,
    by_name: RBTreeNode<Name, Place>,
    by_index: RBTreeNode<u32, Place>,
}

impl Switches {
    pub(crate) fn datapath(&self, number: u64) -> Option<&Datapath> {
        self.datapaths.get(&number)
    }

    pub(crate) fn datapath_mut(&mut self, number: u64) -> Option<&mut Datapath> {
        self.datapaths.get_mut(&number)
    }

    pub(crate) fn port_mut(&mut self, place: Place) -> Option<&mut Port> {
        self.datapath_mut(place.datapath)?
            .ports
            .get_mut(&place.port)
    }

    /// Finds a port by its name.
    pub(crate) fn by_name(&self, name: &CStr) -> Option<Place> {
        self.names.get(&Name::new(name)).copied()
    }

    /// Finds a port by its index.
    pub(crate) fn by_index(&self, index: u32) -> Option<Place> {
        self.indices.get(&index).copied()
    }

    /// Finds a port by its number in a datapath.
    pub(crate) fn by_number(&self, datapath: u64, number: u16) -> Option<Place> {
        Some(Place {
            datapath,
            port: self.datapath(datapath)?.key_of(number)?,
            number,
        })
    }

    /// Calls a function for each datapath from a place on, until that returns an error.
    pub(crate) fn each_from<E>(
        &self,
        from: u64,
        mut f: impl FnMut(u64, &Datapath) -> core::result::Result<(), E>,
    ) -> core::result::Result<(), E> {
        let mut next = from;
        while let Some(cursor) = self.datapaths.cursor_lower_bound(&next) {
            let (number, datapath) = cursor.current();
            f(*number, datapath)?;
            next = number.wrapping_add(1);
        }
        Ok(())
    }

    /// Adds a datapath with its local port.
    pub(crate) fn add_datapath(
        &mut self,
        settings: Settings,
        wanted: &Wanted<'_>,
    ) -> Result<&Datapath> {
        let number = self.next_age;
        let made = self.make(number, LOCAL, wanted)?;
        let datapath = Datapath {
            name: made.name,
            index: made.index,
            settings,
            ports: RBTree::new(),
        };
        let node = RBTreeNode::new(number, datapath, GFP_KERNEL_ACCOUNT)?;
        self.datapaths.insert(node);
        self.put(made);
        self.datapath(number).ok_or(ENODEV)
    }

    /// A number for a port of a datapath: the one that is wanted, or the smallest one that is free.
    pub(crate) fn free_number(&self, datapath: u64, wanted: Option<u16>) -> Result<u16> {
        let datapath = self.datapath(datapath).ok_or(ENODEV)?;
        let is_free = |number: &u16| datapath.key_of(*number).is_none();
        match wanted {
            Some(number) => Some(number).filter(is_free).ok_or(EBUSY),
            None => (LOCAL + 1..PORTS_MAX).find(is_free).ok_or(EFBIG),
        }
    }

    /// Adds a port to a datapath, with a number that is free.
    pub(crate) fn add_port(
        &mut self,
        datapath: u64,
        number: u16,
        wanted: &Wanted<'_>,
    ) -> Result<Place> {
        let made = self.make(datapath, number, wanted)?;
        let place = made.place;
        self.put(made);
        Ok(place)
    }

    fn make(&mut self, datapath: u64, number: u16, wanted: &Wanted<'_>) -> Result<Made> {
        let portids = port_portids(wanted.portids)?;
        let name = self.free_name(wanted.name)?;
        let index = self.free_index(wanted.index)?;
        if wanted.index == 0 {
            self.next_index = index.wrapping_add(1);
        }
        // Each device has a folder of its name in /proc/sys/net, beside these.
        if name == Name::new(c"all") || name == Name::new(c"default") {
            return Err(EINVAL);
        }
        let port = Port {
            number,
            name,
            index,
            portids,
        };
        let place = Place {
            datapath,
            port: Key {
                bucket: number % BUCKETS,
                age: Reverse(self.next_age),
            },
            number,
        };
        Ok(Made {
            place,
            name,
            index,
            port: RBTreeNode::new(place.port, port, GFP_KERNEL_ACCOUNT)?,
            by_name: RBTreeNode::new(name, place, GFP_KERNEL_ACCOUNT)?,
            by_index: RBTreeNode::new(index, place, GFP_KERNEL_ACCOUNT)?,
        })
    }

    fn put(&mut self, made: Made) {
        self.next_age = self.next_age.wrapping_add(1);
        self.names.insert(made.by_name);
        self.indices.insert(made.by_index);
        if let Some(datapath) = self.datapaths.get_mut(&made.place.datapath) {
            datapath.ports.insert(made.port);
        }
    }

    /// Removes a datapath with all its ports.
    pub(crate) fn remove_datapath(&mut self, number: u64) -> Option<Datapath> {
        let datapath = self.datapaths.remove(&number)?;
        for port in datapath.ports.values() {
            self.names.remove(&port.name);
            self.indices.remove(&port.index);
        }
        Some(datapath)
    }

    /// Removes a port.
    pub(crate) fn remove_port(&mut self, place: Place) -> Option<Port> {
        let datapath = self.datapaths.get_mut(&place.datapath)?;
        let port = datapath.ports.remove(&place.port)?;
        self.names.remove(&port.name);
        self.indices.remove(&port.index);
        Some(port)
    }

    fn is_taken(&self, name: &Name) -> bool {
        name.is_loopback() || self.names.get(name).is_some()
    }

    /// A name for a device: the one that is wanted, where `%d` stands for the first number that is
    /// free.
    fn free_name(&self, wanted: &CStr) -> Result<Name> {
        let bytes = wanted.as_text();
        // `isspace()` of the kernel is that of Latin-1.
        let is_wrong = |byte: &u8| matches!(byte, b'/' | b':' | b'\t'..=b'\r' | b' ' | 0xa0);
        if matches!(bytes, b"" | b"." | b"..") || bytes.iter().any(is_wrong) {
            return Err(EINVAL);
        }
        let mut parts = bytes.split(|byte| *byte == b'%');
        let front = parts.next().unwrap_or_default();
        let Some(back) = parts.next() else {
            let name = Name::new(wanted);
            return Some(name).filter(|name| !self.is_taken(name)).ok_or(EEXIST);
        };
        let (Some((b'd', back)), None) = (back.split_first(), parts.next()) else {
            return Err(EINVAL);
        };
        (0..NUMBERED_MAX)
            .map(|number| Name::numbered(front, number, back))
            .find(|name| !self.is_taken(name))
            .ok_or(ENFILE)
    }

    /// An index for a device: the one that is wanted, or the next one that is free.
    fn free_index(&self, wanted: u32) -> Result<u32> {
        let is_free = |index: &u32| *index != LOOPBACK && self.indices.get(index).is_none();
        if wanted != 0 {
            return Some(wanted).filter(is_free).ok_or(EBUSY);
        }
        // CAST: It is positive.
        let (first, last) = (self.next_index, i32::MAX as u32);
        let mut all = [first..last.wrapping_add(1), 1..first]
            .into_iter()
            .flatten();
        all.find(is_free).ok_or(EBUSY)
    }
}

/// The state of a network namespace.
#[pin_data]
pub(crate) struct Namespace {
    #[pin]
    pub(crate) switches: Mutex<Switches>,
}

impl NetState for Namespace {
    fn new(_cookie: u64) -> impl PinInit<Self, Error> {
        let switches = Switches {
            datapaths: RBTree::new(),
            names: RBTree::new(),
            indices: RBTree::new(),
            next_index: LOOPBACK + 1,
            next_age: 0,
        };
        try_pin_init!(Self {
            switches <- new_mutex!(switches),
        })
    }
}
