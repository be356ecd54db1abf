// SPDX-License-Identifier: GPL-2.0
//! A module that is one family.
//!
// covers: trap x
//@ no-alias: genl: say behind 'type' whether asking for the family loads the module: 'alias: true' or 'alias: false'
//@     With the alias anybody can load it.
// covers: trap x
//@ odd-alias: genl: 'alias' is true or false
//@     What else it could mean is not known.
// covers: surface 10c
//@ no-init: nothing makes the state of `Fam` when the module is loaded
//@ below: implement `genl::ModuleFamily` for it
//@     The macro would call what is not there.

type State = ();

family!(Fam, "fam", &[], &[]);

impl ModuleFamily for Fam { //~ not no-init
    fn init(_: &'static ThisModule) -> impl PinInit<Self, Error> { //~ not no-init
        Ok(Self { kept: () }) //~ not no-init
    } //~ not no-init
} //~ not no-init

genl::module_family! {
    type: Fam,
    alias: maybe, //~ odd-alias
    alias: false, //~ not no-alias odd-alias
    name: "fam",
    authors: ["A. U. Thor"],
    description: "A family",
    license: "GPL",
}
