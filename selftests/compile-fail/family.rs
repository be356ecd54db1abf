// SPDX-License-Identifier: GPL-2.0
//! A family: what the core does not check, or answers with BUG_ON().
//!
//@ name-empty: genl: a name: is empty
//@     A family without a name cannot be asked for.
//@ name-long: genl: sixteen-letters-: is longer than 15 bytes
//@     The core keeps 16 bytes, terminator included, and does not check.
//@ name-cut: genl: a name is too long
//@     The message about it would end within a letter.
//@ name-nul: genl: two.+names: has a NUL in its name
//@     User space would see a shorter name.
//@ name-reserved: genl: NET_DM: is a name that the core treats in its own way
//@     With this name the core runs into a BUG_ON().
//@ name-dquot: genl: VFS_DQUOT: is a name that the core treats in its own way
//@     The number of the family would be that of the quota warnings.
//@ name-nlctrl: genl: nlctrl: is a name that the core treats in its own way
//@     This is the family that user space asks for others.
//@ name-pmcraid: genl: pmcraid: is a name that the core treats in its own way
//@     The number of the family would be that of a driver.
//@ operations: genl: fifteen-letters: has more than 255 operations
//@     The number of operations has eight bits, also where they come from many tables.
//@ version: literal out of range for `u8`
//@     The version in a message has eight bits.
// covers: trap 4
//@ constant: cannot return (value referencing|reference to) (a )?temporary
//@     The core writes into a family and keeps a pointer to it.
// covers: surface 6e
//@ bind: `Fam` does not say what it does when somebody joins its groups
//@     There is nobody to tell who joins a group.
// covers: trap 1
//@ not-sync: `Cell<u32>` cannot be shared between threads safely
//@     Handlers run at the same time.
// covers: surface 10c
//@ no-family: `Plain` is no family
//@     What is registered says its name, its version and its operations.
// covers: surface 10c
//@ state: `Plain` is no family
//@     The state of a family is a value of its own type.
// covers: surface 10c
//@ no-module: this function takes 2 arguments but 1 argument was supplied
//@ below: argument #1 of type `&'static ThisModule` is missing
//@     Nobody would know with which module the family has to go.
// covers: surface 10c
//@ borrow: lifetime bound not satisfied
//@     A family lives longer than what its state would be borrowed from.

type State = Cell<u32>; //~ not-sync
type State = kernel::sync::atomic::Atomic<u32>; //~ not not-sync

/// A hundred letters of three bytes each.
const LETTERS: [u8; 300] = {
    let mut bytes = [0; 300];
    let mut i = 0;
    while i < bytes.len() {
        bytes[i] = [0xe2, 0x82, 0xac][i % 3];
        i += 1;
    }
    bytes
};

const CUT: &str = match core::str::from_utf8(&LETTERS) {
    Ok(text) => text,
    Err(_) => "",
};

const fn one() -> SplitOp<Fam> {
    let [op] = genl::table([genl::do_::<Get>()]);
    op
}

genl::operations! {
    for Fam;
    do Get = "get" 1, Anyone, NoAttrs [] => get;
}

impl Fam {
    fn get(&self, _: Request<'_, Get>) -> Result {
        Ok(())
    }
}

pub struct Fam {
    kept: State,
}

impl Family for Fam {
    const NAME: &'static str = ""; //~ name-empty
    const NAME: &'static str = "sixteen-letters-"; //~ name-long
    const NAME: &'static str = CUT; //~ name-cut
    const NAME: &'static str = "two\0names"; //~ name-nul
    const NAME: &'static str = "fifteen-letters"; //~ not name-empty name-long name-cut name-nul
    const VERSION: u8 = 256; //~ version
    const VERSION: u8 = 255; //~ not version
    const OPS: &'static [SplitOp<Self>] = &[const { one() }; 256]; //~ operations
    const OPS: &'static [SplitOp<Self>] = OPS; //~ not operations

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        const DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new(); //~ constant
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::with_bind(); //~ bind
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new(); //~ not constant bind
        &DESCRIPTOR
    }
}

family!(Special, "NET_DM", &[], &[]); //~ name-reserved
family!(Special, "VFS_DQUOT", &[], &[]); //~ name-dquot
family!(Special, "nlctrl", &[], &[]); //~ name-nlctrl
family!(Special, "pmcraid", &[], &[]); //~ name-pmcraid
family!(Special, "net_dm", &[], &[]); //~ not name-reserved name-dquot name-nlctrl name-pmcraid

/// A type that is no family.
pub struct Plain;

pub struct Both {
    _one: Registration<Fam>,
    _other: Registration<Plain>, //~ no-family
}

impl kernel::Module for Both {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let state = Plain; //~ state
        let state = Fam { //~ not state
            kept: State::new(0), //~ not state
        }; //~ not state
        Ok(Self {
            _one: Registration::new(state)?, //~ no-module
            _one: Registration::new(module, state)?, //~ not no-module
            _other: Registration::new(module, Plain)?, //~ no-family
        })
    }
}

pub struct Lent<'a> {
    bytes: &'a [u8],
}

impl<'a> Family for Lent<'a> { //~ borrow
impl Family for Lent<'static> { //~ not borrow
    const NAME: &'static str = "lent";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Lent<'static>> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}
