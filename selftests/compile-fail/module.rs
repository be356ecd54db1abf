// SPDX-License-Identifier: GPL-2.0
//! A module that is one family.
//!
// covers: trap x
//@ no-alias: genl: say behind 'type' whether asking for the family loads the module: 'alias: true' or 'alias: false'
//@     With the alias anybody can load it.
// covers: trap x
//@ odd-alias: genl: 'alias' is true or false
//@     What else it could mean is not known.

type State = ();

family!(Fam, "fam", [], []);

genl::module_genl_family! {
    type: Fam,
    alias: maybe, //~ odd-alias
    alias: false, //~ not no-alias odd-alias
    name: "fam",
    authors: ["A. U. Thor"],
    description: "A family",
    license: "GPL",
}
