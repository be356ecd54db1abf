// SPDX-License-Identifier: GPL-2.0
//! Multicast groups and notifications.
//!
//@ name-long: genl: sixteen-letters-: is longer than 15 bytes
//@     The core refuses a name without a terminator, with a warning.
//@ name-empty: genl: a name: is empty
//@     The core refuses a group without a name, with a warning.
//@ twice: genl: fam: has two multicast groups of the same name
//@     User space finds a group by its name.
//@ too-many: genl: many: has more than 255 multicast groups
//@     The number of groups has eight bits.
// covers: surface 6a, trap g
//@ permission: this function takes 2 arguments but 1 argument was supplied
//@ below: argument #2 of type `Listen` is missing
//@     To forget who may listen has been a hole in several families.
// covers: surface 6a, trap g
//@ listen: genl: events: say behind the name who may listen: 'Anyone', 'NetAdmin' or 'SysAdmin'
//@     The same where they are declared together.
// covers: trap 25, trap 30
//@ index: genl: the family has no multicast group of this index
//@     A group that the family does not have is somebody else's.
// covers: surface 6b, trap 25
//@ stranger: `Events` is no group of the family `Fam`
//@     The group of another family may not be registered.
// covers: surface 6f
//@ listeners: `Theirs` is no group of the family `Fam`
//@     Whether anybody listens to a group is a question to its own family.
//@ groupless: `Unsent` is no notification that a group listens to
//@     Nobody would know whom to tell.
// covers: surface 10a, trap 25
//@ no-proof: `guard` does not live long enough
//@     When nobody holds the family, the number of its group is that of another.
// covers: surface 6b, trap ag
//@ flags: this method takes 3 arguments but 2 arguments were supplied
//@ below: argument #3 of type `(kernel::alloc::)?Flags` is missing
//@     Whether it may sleep is known to who sends.

type State = ();

family!(
    Fam,
    "fam",
    OPS,
    &[
        MulticastGroup::new("sixteen-letters-", Listen::Anyone), //~ name-long
        MulticastGroup::new("", Listen::Anyone), //~ name-empty
        MulticastGroup::new("fifteen-letters", Listen::Anyone), //~ not permission
        MulticastGroup::new("fifteen-letters", Listen::NetAdmin), //~ twice
        MulticastGroup::new("fifteen-letters"), //~ permission
    ]
);
family!(Other, "other", &[], &[MulticastGroup::new("events", Listen::Anyone)]);

const MANY: usize = 256; //~ too-many
const MANY: usize = 255; //~ not too-many

/// The names of so many groups, two letters each.
const NAMES: [[u8; 2]; MANY] = {
    let mut names = [[0; 2]; MANY];
    let mut i = 0;
    while i < MANY {
        names[i] = [b'a' + (i / 16) as u8, b'a' + (i % 16) as u8];
        i += 1;
    }
    names
};

const GROUPS: [MulticastGroup<Many>; MANY] = {
    let mut groups = [const { MulticastGroup::new("group", Listen::Anyone) }; MANY];
    let mut i = 0;
    while i < MANY {
        if let Ok(name) = core::str::from_utf8(&NAMES[i]) {
            groups[i] = MulticastGroup::new(name, Listen::Anyone);
        }
        i += 1;
    }
    groups
};

family!(Many, "many", &[], &GROUPS);

mod declared {
    use super::*;

    genl::groups! {
        for Other;
        Events = 0 "events"; //~ listen
        Events = 0 "events", Anyone; //~ not listen
    }
}

genl::operations! {
    for Fam;
    do Ask = "ask" 1, Anyone, NoAttrs [] => ask;
}

pub(crate) struct Events;

impl Group<Other> for Events { //~ stranger
impl Group<Fam> for Events { //~ not stranger
    const INDEX: u32 = 5; //~ index
    const INDEX: u32 = 0; //~ not index
}

pub(crate) struct Theirs;

impl Group<Other> for Theirs {
    const INDEX: u32 = 0;
}

genl::notifications! {
    for Fam;
    Event = "event" 2, NoAttrs => Events;
    Unsent = "unsent" 3, NoAttrs;
}

impl Fam {
    fn ask(&self, request: Request<'_, Ask>) -> Result {
        request.registered().has_listeners::<Theirs>(request.net()); //~ listeners
        request.registered().has_listeners::<Events>(request.net());
        let proof: &'static Registered<Fam> = { //~ no-proof
        { //~ not no-proof
            let guard = Fam::descriptor().registered().ok_or(ENODEV)?;
            &*guard //~ no-proof
            guard.multicast::<Event>(Net::init(), &())?; //~ flags
            guard.multicast::<Event>(Net::init(), &(), GFP_ATOMIC)?; //~ not no-proof flags
        }; //~ no-proof
        } //~ not no-proof
        request.notify::<Unsent>(&(), GFP_KERNEL) //~ groupless
        request.notify::<Event>(&(), GFP_KERNEL) //~ not groupless
    }
}
