// SPDX-License-Identifier: GPL-2.0

//! The family `ovs_vport`.

use crate::{
    genl::{
        self,
        kind::*,
        Attr,
        Attribute,
        Carries,
        Command,
        DumpResult,
        DumpState,
        Header,
        InSet,
        Message,
        Objects,
        Op,
        Request,
        Responder,
        Sent, //
    },
    ovs_datapath_gen::def::UserFeatures,
    ovs_vport_gen::{
        attr::{
            upcall_stats,
            vport,
            UpcallStatsSet,
            VportSet, //
        },
        def::{
            OvsHeader,
            OvsVportStats,
            VportType, //
        },
        op,
        Handler, //
    },
    switch::{
        port_portids,
        Datapath,
        Key,
        Name,
        Place,
        Port,
        Switches,
        Wanted,
        PORTS_MAX, //
    },
    Namespaces, //
};
use kernel::prelude::*;

genl::notifications! {
    for OvsVport;

    /// A port is new.
    NewNotify = "new" 1, VportSet => op::OvsVportGroup;

    /// A port is gone.
    DelNotify = "del" 2, VportSet => op::OvsVportGroup;

    /// A port was changed.
    SetNotify = "set" 4, VportSet => op::OvsVportGroup;
}

// The spec says what they hold, and the policy of C does not. The patch of the spec takes them out
// of requests.
genl::attributes! {
    /// Attributes as the policy of C has them.
    pub(crate) mod old for VportSet {
        /// Options, of which no type of port has any.
        Options = vport::Options: AnyNest = Attr::any_nest(),
        /// Sockets, as numbers of 4 bytes.
        UpcallPid = vport::UpcallPid: Binary = Attr::unused(),
        /// Statistics. Nobody reads them, and they may not be too short.
        Stats = vport::Stats: Binary = Attr::unspecified(64),
        /// Statistics, in a nest that does not say that it is one.
        UpcallStats = vport::UpcallStats: Noflag<Nest<UpcallStatsSet>> = Attr::any_nest(),
    }
}

genl::carries! {
    op::NewDo [old::Options, old::UpcallPid, old::Stats, old::UpcallStats];
    op::DelDo [old::Options, old::UpcallPid, old::Stats, old::UpcallStats];
    op::GetDo [old::Options, old::UpcallPid, old::Stats, old::UpcallStats];
    op::SetDo [old::Options, old::UpcallPid, old::Stats, old::UpcallStats];
}

/// The family, and what it shares with the other one.
pub(crate) struct OvsVport(pub(crate) Namespaces);

/// What is told of a port, which is that of a datapath.
struct Told<'a>(&'a Datapath, &'a Port);

impl<C: Command<Family = OvsVport, Set = VportSet>> Message<C> for Told<'_> {
    fn layout(&self) -> impl InSet<C::Set> + '_ {
        let Self(datapath, port) = self;
        let header = OvsHeader {
            dp_ifindex: datapath.index,
        };
        let features = datapath.settings.features;
        let portids = if features.contains(UserFeatures::VPORT_PIDS) {
            &port.portids
        } else {
            port.portids.get(..size_of::<u32>()).unwrap_or_default()
        };
        (
            Header::<OvsVport>(header),
            vport::PortNo.put(u32::from(port.number)),
            // CAST: A small number.
            vport::Type.put(VportType::Internal.value() as u32),
            vport::Name.put(port.name.text()),
            // CAST: It is positive.
            vport::Ifindex.put(port.index as i32),
            vport::Stats.put(OvsVportStats::default()),
            old::UpcallStats.put((upcall_stats::Success.put(0), upcall_stats::Fail.put(0))),
            old::UpcallPid.put(portids),
        )
    }
}

/// A number of a port, as requests have it.
fn number(number: u32) -> Result<u16> {
    match u16::try_from(number) {
        Ok(number) if number < PORTS_MAX => Ok(number),
        _ => Err(EFBIG),
    }
}

/// Finds the port that a request is for: by its name, or by its number in the datapath that the
/// header names.
fn find<O>(switches: &Switches, request: &Request<'_, O>) -> Result<Place>
where
    O: Op<Family = OvsVport>
        + Carries<vport::Ifindex>
        + Carries<vport::Name>
        + Carries<vport::PortNo>,
{
    let index = request.header().dp_ifindex;
    if request.get(vport::Ifindex).is_some() {
        return Err(EOPNOTSUPP);
    }
    if let Some(name) = request.get(vport::Name) {
        let place = switches.by_name(name).ok_or(ENODEV)?;
        let datapath = switches.datapath(place.datapath).ok_or(ENODEV)?;
        if index != 0 && index != datapath.index {
            return Err(ENODEV);
        }
        return Ok(place);
    }
    let number = number(request.get(vport::PortNo).ok_or(EINVAL)?)?;
    let datapath = switches.by_index(index).ok_or(ENODEV)?.datapath;
    switches.by_number(datapath, number).ok_or(ENODEV)
}

/// The port at a place.
fn told(switches: &Switches, place: Place) -> Result<Told<'_>> {
    let datapath = switches.datapath(place.datapath).ok_or(ENODEV)?;
    Ok(Told(datapath, datapath.port(&place.port).ok_or(ENODEV)?))
}

/// Where a dump stands.
pub(crate) struct Reader {
    /// The index of a port of the datapath.
    index: u32,
    /// The first port that has not been sent.
    next: Option<Key>,
}

impl DumpState<op::GetDump> for Reader {
    fn dump(&mut self, family: &OvsVport, objects: &mut Objects<'_, op::GetDump>) -> DumpResult {
        let namespace = family.0.get(objects.net())?;
        let switches = namespace.switches.lock();
        // It may have gone meanwhile.
        let place = switches.by_index(self.index).ok_or(ENODEV)?;
        let datapath = switches.datapath(place.datapath).ok_or(ENODEV)?;
        if let Some(next) = self.next {
            datapath.each_from(&next, |key, port| {
                self.next = Some(*key);
                objects.push(&Told(datapath, port))
            })?;
            self.next = None;
        }
        objects.end_alone()
    }
}

impl Handler for OvsVport {
    fn new(&self, request: Request<'_, op::NewDo>) -> Result {
        let (Some(name), Some(of), Some(portids)) = (
            request.get(vport::Name),
            request.get(vport::Type),
            request.bytes_of(old::UpcallPid),
        ) else {
            return Err(EINVAL);
        };
        let of = VportType::from_value(of.into());
        let index = request.get(vport::Ifindex);
        if index.is_some() && of != Some(VportType::Internal) {
            return Err(EOPNOTSUPP);
        }
        // The number 0 is that of the local port, and stands for any other one here.
        let number = number(request.get(vport::PortNo).unwrap_or(0))?;
        let wanted = Wanted {
            name,
            index: index.map_or(0, i32::unsigned_abs),
            portids,
        };
        let namespace = self.0.get(request.net())?;
        let mut switches = namespace.switches.lock();
        let datapath = switches.by_index(request.header().dp_ifindex);
        let datapath = datapath.ok_or(ENODEV)?.datapath;
        let number = switches.free_number(datapath, Some(number).filter(|number| *number > 0))?;
        match of {
            Some(VportType::Internal) => (),
            Some(VportType::Netdev) => return Err(no_device(&switches, &wanted)),
            _ => return Err(EAFNOSUPPORT),
        }
        let place = switches.add_port(datapath, number, &wanted)?;
        // The port is there, whether or not all could be told.
        let _ = request.notify::<NewNotify>(&told(&switches, place)?, GFP_KERNEL);
        Ok(())
    }

    fn del(&self, request: Request<'_, op::DelDo>) -> Result {
        let namespace = self.0.get(request.net())?;
        let mut switches = namespace.switches.lock();
        let place = find(&switches, &request)?;
        if place.is_local() {
            return Err(EINVAL);
        }
        let port = switches.remove_port(place).ok_or(ENODEV)?;
        let datapath = switches.datapath(place.datapath).ok_or(ENODEV)?;
        let _ = request.notify::<DelNotify>(&Told(datapath, &port), GFP_KERNEL);
        Ok(())
    }

    fn get<'a>(
        &self,
        request: Request<'a, op::GetDo>,
        reply: Responder<'a, op::GetDo>,
    ) -> Result<Sent<'a>> {
        let namespace = self.0.get(request.net())?;
        let switches = namespace.switches.lock();
        let place = find(&switches, &request)?;
        reply.send(&told(&switches, place)?)
    }

    type GetDump = Reader;

    fn get_dump(&self, request: Request<'_, op::GetDump>) -> Result<Reader> {
        Ok(Reader {
            index: request.header().dp_ifindex,
            next: Some(Key::FIRST),
        })
    }

    fn set(&self, request: Request<'_, op::SetDo>) -> Result {
        let namespace = self.0.get(request.net())?;
        let mut switches = namespace.switches.lock();
        let place = find(&switches, &request)?;
        // CAST: A small number.
        let internal = VportType::Internal.value() as u32;
        if request.get(vport::Type).is_some_and(|of| of != internal) {
            return Err(EINVAL);
        }
        if request.get(old::Options).is_some() {
            return Err(EOPNOTSUPP);
        }
        if let Some(portids) = request.bytes_of(old::UpcallPid) {
            let portids = port_portids(portids)?;
            if let Some(port) = switches.port_mut(place) {
                port.portids = portids;
            }
        }
        let _ = request.notify::<SetNotify>(&told(&switches, place)?, GFP_KERNEL);
        Ok(())
    }
}

/// Why a device of this name cannot become a port. There is none but the loopback and those of
/// ports, which may not.
fn no_device(switches: &Switches, wanted: &Wanted<'_>) -> Error {
    let is_there = Name::new(wanted.name).is_loopback() || switches.by_name(wanted.name).is_some();
    if is_there || port_portids(wanted.portids).is_err() {
        EINVAL
    } else {
        ENODEV
    }
}
