// SPDX-License-Identifier: GPL-2.0
//! A family: what the core does not check, or answers with BUG_ON().
//!
//@ name-empty: genl: a name: is empty
//@     A family without a name can not be asked for.
//@ name-long: genl: sixteen-letters-: is longer than 15 bytes
//@     The core keeps 16 bytes, terminator included, and does not check.
//@ name-nul: has a NUL in its name
//@     User space would see a shorter name.
//@ name-reserved: genl: NET_DM: is a name that the core treats in its own way
//@     With this name the core runs into a BUG_ON().
//@ version: literal out of range for `u8`
//@     The version in a message has eight bits.
//@ constant: cannot return (value referencing|reference to) (a )?temporary
//@     The core writes into a family and keeps a pointer to it.
//@ watch: the trait bound `Fam: Watch` is not satisfied
//@     There is nobody to tell who joins a group.
//@ not-sync: cannot be shared between threads safely
//@     Handlers run at the same time.
//@ register: call to unsafe function `genl::Registration::<F>::new` is unsafe
//@     (Un)registering waits for the lock that a handler holds; and a module whose
//@     initialisation fails after registering is freed while it is called.

type State = Cell<u32>; //~ not-sync
type State = core::sync::atomic::AtomicU32; //~ not not-sync

pub struct Fam {
    kept: State,
}

impl Family for Fam {
    const NAME: &'static str = ""; //~ name-empty
    const NAME: &'static str = "sixteen-letters-"; //~ name-long
    const NAME: &'static str = "two\0names"; //~ name-nul
    const NAME: &'static str = "NET_DM"; //~ name-reserved
    const NAME: &'static str = "fifteen-letters"; //~ not name-empty name-long name-nul name-reserved
    const VERSION: u8 = 256; //~ version
    const VERSION: u8 = 255; //~ not version
    const OPS: &'static [SplitOp<Self>] = &genl::table([genl::do_::<Get>()]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        const DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new(); //~ constant
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::watching(); //~ watch
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new(); //~ not constant watch
        &DESCRIPTOR
    }

    fn new() -> Result<Arc<Self>> {
        Err(ENODEV)
    }
}

command!(Get of Fam, "get" = 1);

impl Op for Get {
    type Policy = NoAttrs;
}

impl Do for Get {
    fn doit(_: &Fam, _: Request<'_, Self>) -> Result {
        let state = Fam::new()?;
        let _registration = genl::Registration::new(module(), state)?; //~ register
        Ok(())
    }
}

fn module() -> &'static ThisModule {
    loop {}
}
