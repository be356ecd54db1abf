// SPDX-License-Identifier: GPL-2.0

//! The family `ovs_datapath`.

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
    ovs_datapath_gen::{
        attr::{
            datapath,
            DatapathSet, //
        },
        def::{
            OvsDpMegaflowStats,
            OvsDpStats,
            OvsHeader, //
        },
        op,
        Handler, //
    },
    switch::{
        Datapath,
        Settings,
        Switches,
        Wanted, //
    },
    Namespaces, //
};
use kernel::prelude::*;

/// The first version whose user space knows of features, `OVS_DP_VER_FEATURES`.
const VERSION_FEATURES: u8 = 2;

genl::notifications! {
    for OvsDatapath;

    /// A datapath is new.
    NewNotify = "new" 1, DatapathSet => op::OvsDatapathGroup;

    /// A datapath is gone.
    DelNotify = "del" 2, DatapathSet => op::OvsDatapathGroup;

    /// A datapath was changed.
    SetNotify = "set" 4, DatapathSet => op::OvsDatapathGroup;
}

// The spec says what they hold, and the policy of C does not. The patch of the spec takes them out
// of requests.
genl::attributes! {
    /// Attributes as the policy of C has them.
    pub(crate) mod old for DatapathSet {
        /// Sockets, one for each processor, as numbers of 4 bytes.
        PerCpuPids = datapath::PerCpuPids: Binary = Attr::unused(),
    }
}

genl::carries! {
    op::NewDo [old::PerCpuPids];
    op::SetDo [old::PerCpuPids];
}

/// The family, and what it shares with the other one.
pub(crate) struct OvsDatapath(pub(crate) Namespaces);

/// What is told of a datapath. No packet has ever come.
impl<C: Command<Family = OvsDatapath, Set = DatapathSet>> Message<C> for Datapath {
    fn layout(&self) -> impl InSet<C::Set> + '_ {
        let settings = &self.settings;
        let header = OvsHeader {
            dp_ifindex: self.index,
        };
        (
            Header::<OvsDatapath>(header),
            datapath::Name.put(self.name.text()),
            datapath::Stats.put(OvsDpStats::default()),
            datapath::MegaflowStats.put(OvsDpMegaflowStats::default()),
            // CAST: They came as 32 bits.
            datapath::UserFeatures.put(settings.features.value() as u32),
            datapath::MasksCacheSize.put(settings.cache_size),
            settings
                .per_cpu_pids()
                .map(|pids| old::PerCpuPids.put(pids)),
        )
    }
}

/// Finds the datapath that a request is for: by the name of its local port, or by the index of any
/// of its ports in the header.
fn find<O>(switches: &Switches, request: &Request<'_, O>) -> Result<u64>
where
    O: Op<Family = OvsDatapath> + Carries<datapath::Name>,
{
    let place = match request.get(datapath::Name) {
        Some(name) => switches.by_name(name).filter(|place| place.is_local()),
        None => switches.by_index(request.header().dp_ifindex),
    };
    Ok(place.ok_or(ENODEV)?.datapath)
}

/// Where a dump stands.
pub(crate) struct Reader {
    /// The first datapath that has not been sent.
    next: u64,
}

impl DumpState<op::GetDump> for Reader {
    fn dump(&mut self, family: &OvsDatapath, objects: &mut Objects<'_, op::GetDump>) -> DumpResult {
        let namespace = family.0.get(objects.net())?;
        let switches = namespace.switches.lock();
        switches.each_from(self.next, |number, datapath| {
            self.next = number;
            objects.push(datapath)
        })?;
        self.next = u64::MAX;
        objects.end_alone()
    }
}

impl Handler for OvsDatapath {
    fn new(&self, request: Request<'_, op::NewDo>) -> Result {
        let name = request.get(datapath::Name).ok_or(EINVAL)?;
        let portids = request.bytes_of(datapath::UpcallPid).ok_or(EINVAL)?;
        let mut settings = Settings::new();
        settings.change(&request)?;
        let wanted = Wanted {
            name,
            index: request.get(datapath::Ifindex).map_or(0, i32::unsigned_abs),
            portids,
        };
        let namespace = self.0.get(request.net())?;
        let mut switches = namespace.switches.lock();
        match switches.add_datapath(settings, &wanted) {
            Ok(datapath) => {
                // The datapath is there, whether or not all could be told.
                let _ = request.notify::<NewNotify>(datapath, GFP_KERNEL);
                Ok(())
            }
            Err(error) if error == EBUSY || error == EEXIST => {
                // User space that does not know of features is likely to use what is there.
                if request.version() < VERSION_FEATURES {
                    if let Ok(number) = find(&switches, &request) {
                        if let Some(datapath) = switches.datapath_mut(number) {
                            datapath.settings.features = Default::default();
                        }
                    }
                }
                Err(EEXIST)
            }
            Err(error) => Err(error),
        }
    }

    fn del(&self, request: Request<'_, op::DelDo>) -> Result {
        let namespace = self.0.get(request.net())?;
        let mut switches = namespace.switches.lock();
        let number = find(&switches, &request)?;
        let datapath = switches.remove_datapath(number).ok_or(ENODEV)?;
        let _ = request.notify::<DelNotify>(&datapath, GFP_KERNEL);
        Ok(())
    }

    fn get<'a>(
        &self,
        request: Request<'a, op::GetDo>,
        reply: Responder<'a, op::GetDo>,
    ) -> Result<Sent<'a>> {
        let namespace = self.0.get(request.net())?;
        let switches = namespace.switches.lock();
        let number = find(&switches, &request)?;
        reply.send(switches.datapath(number).ok_or(ENODEV)?)
    }

    type GetDump = Reader;

    fn get_dump(&self, _: Request<'_, op::GetDump>) -> Result<Reader> {
        Ok(Reader { next: 0 })
    }

    fn set(&self, request: Request<'_, op::SetDo>) -> Result {
        let namespace = self.0.get(request.net())?;
        let mut switches = namespace.switches.lock();
        let number = find(&switches, &request)?;
        let datapath = switches.datapath_mut(number).ok_or(ENODEV)?;
        datapath.settings.change(&request)?;
        let _ = request.notify::<SetNotify>(&*datapath, GFP_KERNEL);
        Ok(())
    }
}
