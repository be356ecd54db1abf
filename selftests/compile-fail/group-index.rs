// SPDX-License-Identifier: GPL-2.0
//! A group that the family does not have is somebody else's.
//@ error: genl: the family has no multicast group of this index

type State = ();

family!(
    Fam,
    "fam",
    [genl::do_::<Send_>()],
    [MulticastGroup::new("events", Listen::Anyone)]
);
family!(
    Other,
    "other",
    [],
    [MulticastGroup::new("events", Listen::Anyone)]
);
command!(Send_ of Fam, "send" = 1);
command!(Event of Fam, "event" = 2);

impl Op for Send_ {
    type Policy = NoAttrs;
}

pub struct Events;

impl Group for Events {
    type Family = Fam;
    const INDEX: u32 = 1; //~ WRONG
    const INDEX: u32 = 0; //~ RIGHT
}

impl Notify for Event {
    type Group = Events;
}

pub struct Empty;

impl Message<Event> for Empty {
    fn layout(&self) -> impl Layout + '_ {}
}

impl Do for Send_ {
    fn doit(_: &Fam, request: Request<'_, Self>) -> Result {
        request.notify::<Event, _>(&Empty)
    }
}
