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
//@ below: expected `Entry<Fam>`, found `Entry<Other>`
//@     An operation of another family would get a state of another type.
//@ no-method: no function or associated item named `second` found for struct `Fam`
//@     The family has to say what it does.
//@ method: mismatched types
//@ below: expected `Request<'_, First>`, found `Request<'_, Second>`
//@     A request for another operation has other attributes.
//@ set: `PairSet` does not carry the attribute `Only`
//@     Its number means something else there.
//@ attribute: genl: get: has two attributes of the same number
//@     One of the rules would be forgotten.
//@ attribute-twice: conflicting implementations of trait `Carries<Plain>` for type `Get`
//@     It is there once.
//@ carries-set: a request for `Get` has no attributes of `SingleSet`
//@     Its number means something else there.
//@ carries-twice: conflicting implementations of trait `Carries<Plain>` for type `Get`
//@     The operation carries it already.
//@ carries-all: conflicting implementations of trait `Carries<Plain>` for type `All`
//@     The operation carries all of its set.
//@ carries-again: duplicate definitions with name `ADDED`
//@     What is added stands in one place.
//@ added-number: genl: PairSet: has two attributes of the same number
//@     One of the rules would be forgotten.
//@ added-again: duplicate definitions with name `ADDED`
//@     What is added stands in one place.
//@ carries-number: genl: get: has two attributes of the same number
//@     One of the rules would be forgotten.
//@ permission: genl: first: say behind the number who may send the request: 'Anyone', 'NetnsAdmin' or 'Admin'
//@     To forget who may send a request has been a hole in several families.
//@ too-many: genl: a family has at most 255 operations
//@     The number of operations has eight bits.
// covers: surface 11a, trap 17
//@ liberal: genl: second: must be in front of RESV_START_OP, or validate strictly
//@     New commands are validated strictly, or the registration warns and fails.
// covers: surface 7c
//@ guard: `Lock<'a>` is no guard of `Locked`
//@     A guard of another operation looks at attributes of another policy.
// covers: trap 29
//@ callback: field `raw` of struct `(genl::)?SplitOp` is private
//@     A callback that is no handler of an operation would have to be unsafe.
// covers: trap z
//@ moved: genl: moved: has operations in another order than that which table\(\) has checked
//@     The registration warns and fails.

type State = ();

mod moved {
    use super::*;

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

    genl::operations! {
        for Moved;
        do Low = "low" 1, Anyone, NoAttrs [] => nothing;
        do High = "high" 2, Anyone, NoAttrs [] => nothing;
    }

    impl Moved {
        fn nothing<O: Op>(&self, _: Request<'_, O>) -> Result {
            Ok(())
        }
    }
}

genl::attributes! {
    pub(crate) mod pair: PairSet {
        Plain = 1: U32,
        Other = 2: U32,
    }
}

genl::attributes! {
    pub(crate) mod single: SingleSet {
        Only = 3: U32,
    }
}

attribute!(Double of PairSet = 2: U32);

genl::attributes! {
    pub(crate) mod more in PairSet {
        Third = 2: U32, //~ added-number
        Third = 3: U32, //~ not added-number
    }

    pub(crate) mod more_still in PairSet { //~ added-again
        Fourth = 4: U32, //~ added-again
    } //~ added-again
}

genl::carries! {
    Get [single::Only]; //~ carries-set
    Get [pair::Plain]; //~ carries-twice
    Get [pair::Other, Double]; //~ carries-number
    Get [more::Third]; //~ not carries-set carries-twice carries-number
    Get []; //~ carries-again
    All [pair::Plain]; //~ carries-all
}

family!(Fam, "fam", OPS, &[]);

genl::operations! {
    for Fam;
    do Second = "second" 2, Anyone, NoAttrs [] => second; //~ order
    do First = "first" 1, NoAttrs [] => nothing; //~ permission
    do First = "first" 1, Anyone, NoAttrs [] => nothing; //~ not permission
    do Again = "first" 1, Anyone, NoAttrs [] => nothing; //~ twice
    do Second = "second" 2, Anyone + LIBERAL_DO, NoAttrs [] => second; //~ liberal
    do Second = "second" 2, Anyone, NoAttrs [] => second; //~ not order liberal
    dump GetAll = "get" 3, Anyone, NoAttrs [] => get_all Nothing; //~ dump-first
    do Get = "get" 3, Anyone, PairSet [pair::Other, Double] => nothing; //~ attribute
    do Get = "get" 3, Anyone, PairSet [pair::Plain, pair::Plain] => nothing; //~ attribute-twice
    do Get = "get" 3, Anyone, PairSet [single::Only] => nothing; //~ set
    do Get = "get" 3, Anyone, PairSet [pair::Plain] => nothing; //~ not attribute attribute-twice set
    dump GetAll = "get-all" 3, Admin, NoAttrs [] => get_all Nothing; //~ access
    dump GetAll = "get-all" 3, Anyone, NoAttrs [] => get_all Nothing; //~ not dump-first access
    guarded_do Locked = "locked" 4, Anyone, NoAttrs [] => locked Lock;
    do All = "all" 5, Anyone, PairSet [..] => all;
}

const STRANGE: &[SplitOp<Fam>] = &genl::table([
    genl::do_::<First>(),
    genl::do_::<other::Stranger>(), //~ stranger
]);

pub(crate) struct Lock<'a>(&'a Fam);

impl<'a> Guard<'a, Get> for Lock<'a> { //~ guard
impl<'a, O: Op<Family = Fam>> Guard<'a, O> for Lock<'a> { //~ not guard
    fn enter(fam: &'a Fam, _: &Request<'a, Get>) -> Result<Self> { //~ guard
    fn enter(fam: &'a Fam, _: &Request<'a, O>) -> Result<Self> { //~ not guard
        Ok(Self(fam))
    }
}

pub(crate) struct Nothing;

impl DumpState<GetAll> for Nothing {
    fn dump(&mut self, _: &Fam, _: &mut Objects<'_, GetAll>) -> DumpResult {
        Ok(())
    }
}

impl Fam {
    fn nothing<O: Op>(&self, _: Request<'_, O>) -> Result {
        Ok(())
    }

    #[cfg(any())] //~ no-method
    fn second(&self, _: Request<'_, First>) -> Result { //~ method
    fn second(&self, _: Request<'_, Second>) -> Result { //~ not method
        Ok(())
    }

    fn get_all(&self, _: Request<'_, GetAll>) -> Result<Nothing> {
        Ok(Nothing)
    }

    fn locked(&self, _: &mut Lock<'_>, _: Request<'_, Locked>) -> Result {
        Ok(())
    }

    fn all(&self, request: Request<'_, All>) -> Result {
        let _ = request.get(more::Third);
        Ok(())
    }
}

mod other {
    use super::*;

    family!(Other, "other", OPS, &[]);

    genl::operations! {
        for Other;
        do Stranger = "stranger" 2, Anyone, NoAttrs [] => stranger;
    }

    impl Other {
        fn stranger(&self, _: Request<'_, Stranger>) -> Result {
            Ok(())
        }
    }
}

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
