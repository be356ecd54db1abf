// SPDX-License-Identifier: GPL-2.0
//! The table of operations: what genl_validate_ops() refuses when a module is loaded, and more.
//!
//@ order: genl: first: must stand in front of an operation with a larger command number
//@     Entries out of order make the registration warn and fail.
//@ twice: genl: first: has the command number and the direction of another operation
//@     Two entries with the same command and direction make it fail.
//@ dump-first: genl: get: must stand in front of the dump of the same command
//@     The do of a command stands in front of its dump.
// covers: surface 7a
//@ access: genl: get-all: must have the same access for do and dump
//@     Do and dump of a command have the same flags.
//@ stranger: mismatched types
//@     An operation of another family would get a state of another type.
//@ too-many: genl: a family has at most 255 operations
//@     The number of operations has eight bits.
// covers: surface 11a, trap 17
//@ liberal: genl: second: must be in front of RESV_START_OP, or validate strictly
//@     New commands are validated strictly, or the registration warns and fails.
// covers: surface 7c
//@ guard: the trait bound `Lock<'a>: (genl::)?Guard<'a, Locked>` is not satisfied
//@     A guard of another operation looks at attributes of another policy.
// covers: trap 29
//@ callback: field `raw` of struct `SplitOp` is private
//@     A callback that is no handler of an operation would have to be unsafe.
// covers: trap z
//@ moved: genl: moved: has operations in another order than that which table\(\) has checked
//@     The registration warns and fails.

type State = ();

pub struct Moved;

impl Family for Moved {
    const NAME: &'static str = "moved";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &{
        let [low, high] = genl::table([genl::do_::<Low>(), genl::do_::<High>()]);
        [high, low] //~ moved
        [low, high] //~ not moved
    };

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Moved> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

command!(Low of Moved, "low" = 1);
command!(High of Moved, "high" = 2);

impl Op for Low {
    type Policy = NoAttrs;
}

impl Op for High {
    type Policy = NoAttrs;
}

do_nothing!(Low);
do_nothing!(High);

family!(
    Fam,
    "fam",
    [
        genl::do_::<Second>(), //~ order
        genl::do_::<First>(),
        genl::do_::<First>(), //~ twice
        genl::do_::<Stranger>(), //~ stranger
        genl::do_::<Second>(), //~ not order
        genl::dump::<GetAll>(), //~ dump-first
        genl::do_::<Get>(),
        genl::dump::<GetAll>(), //~ not dump-first
        genl::guarded_do::<Locked>(),
    ],
    []
);
command!(First of Fam, "first" = 1);
command!(Second of Fam, "second" = 2);
command!(Get of Fam, "get" = 3);
command!(GetAll of Fam, "get-all" = 3);

impl Op for First {
    type Policy = NoAttrs;
}

impl Op for Second {
    type Policy = NoAttrs;
    const VALIDATION: Validation = Validation::LIBERAL_DO; //~ liberal
}

impl Op for Get {
    type Policy = NoAttrs;
}

impl Op for GetAll {
    type Policy = NoAttrs;
    const ACCESS: Access = Access::Admin; //~ access
}

command!(Locked of Fam, "locked" = 4);

impl Op for Locked {
    type Policy = NoAttrs;
}

pub struct Lock<'a>(&'a Fam);

impl<'a> Guard<'a, Get> for Lock<'a> { //~ guard
impl<'a, O: Op<Family = Fam>> Guard<'a, O> for Lock<'a> { //~ not guard
    fn enter(fam: &'a Fam, _: &Request<'a, Get>) -> Result<Self> { //~ guard
    fn enter(fam: &'a Fam, _: &Request<'a, O>) -> Result<Self> { //~ not guard
        Ok(Self(fam))
    }
}

impl GuardedDo for Locked {
    type Guard<'a> = Lock<'a>;

    fn doit<'a>(_: &'a Fam, _: &mut Lock<'a>, _: Request<'a, Self>) -> Result {
        Ok(())
    }
}

do_nothing!(First);
do_nothing!(Second);
do_nothing!(Get);
dump_nothing!(GetAll);

family!(Other, "other", [genl::do_::<Stranger>()], []);
command!(Stranger of Other, "stranger" = 2);

impl Op for Stranger {
    type Policy = NoAttrs;
}

do_nothing!(Stranger);

pub const MANY: usize = 1; //~ not too-many
pub const MANY: usize = 256; //~ too-many

// The length is looked at before the order.
pub const LENGTH: usize = {
    const TABLE: [SplitOp<Fam>; MANY] = genl::table(many());
    TABLE.len()
};

fn callback(op: &SplitOp<Fam>) {
    let _ = &op.raw; //~ callback
}

/// So many entries.
const fn many() -> [genl::Entry<Fam>; MANY] {
    [const { genl::do_::<First>() }; MANY]
}
