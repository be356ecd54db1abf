// SPDX-License-Identifier: GPL-2.0
//! The index of a group means a group of another family when that is not registered.
//@ error: type mismatch resolving

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
command!(Event of Other, "event" = 2); //~ WRONG
command!(Event of Fam, "event" = 2); //~ RIGHT

impl Op for Send_ {
    type Policy = NoAttrs;
}

pub struct Events;

impl Group for Events {
    type Family = Other; //~ WRONG
    type Family = Fam; //~ RIGHT
    const INDEX: u32 = 0;
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
