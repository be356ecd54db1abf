// SPDX-License-Identifier: GPL-2.0
//! Subtypes: where a type has parameters, `for<'a> fn(&'a T)` is a subtype of `fn(&'static T)`, but
//! the two may have implementations of their own.
//!
// covers: trap 7
//@ request: mismatched types
//@ below: one type is more general than the other
//@     The request was validated by the policy of another operation.
//@ table: mismatched types
//@ below: one type is more general than the other
//@     The handlers of a family would get the state of another one, and use it as their own.
//@ per-socket: mismatched types
//@ below: one type is more general than the other
//@     What is kept for a socket would be used as something else.
//@ per-net: mismatched types
//@ below: one type is more general than the other
//@     What is kept for a namespace would be used as something else.
//@ objects: mismatched types
//@ below: one type is more general than the other
//@     The messages of a dump would be those of another operation.
//@ deferred: mismatched types
//@ below: one type is more general than the other
//@     The reply would be that of another operation.

use core::marker::PhantomData;
use kernel::sync::atomic::Atomic;

type Any = for<'a> fn(&'a Atomic<u32>);
type Static = fn(&'static Atomic<u32>);

type State = ();

family!(Fam, "fam", &genl::table([genl::do_::<Operation<Any>>()]), &[]);

genl::attributes! {
    pub mod small: SmallSet {
        Number = 1: U8,
    }

    pub mod large: LargeSet {
        Number = 1000: U64,
    }
}

pub struct Operation<T: 'static>(PhantomData<T>);

impl Command for Operation<Any> {
    type Family = Fam;
    type Set = SmallSet;
    const NAME: &'static str = "small";
    const NUMBER: u8 = 1;
}

impl Command for Operation<Static> {
    type Family = Fam;
    type Set = LargeSet;
    const NAME: &'static str = "large";
    const NUMBER: u8 = 2;
}

impl Op for Operation<Any> {
    type Policy = SmallSet;
}

impl Op for Operation<Static> {
    type Policy = LargeSet;
}

impl Carries<large::Number> for Operation<Static> {}

impl Do for Operation<Any> {
    fn doit(_: &Fam, request: Request<'_, Self>) -> Result {
        let request: Request<'_, Operation<Static>> = request; //~ request
        let _ = request.get(large::Number); //~ request
        Ok(())
    }
}

pub struct Other<T: 'static>(T);

const TABLE: &[SplitOp<Other<Any>>] = &[];
const TABLE_OF_ANOTHER: &[SplitOp<Other<Static>>] = TABLE; //~ table

pub fn put<O: Op>(state: &PerSocket<Any>, request: &Request<'_, O>, keep: Static) -> Result {
    let state: &PerSocket<Static> = state; //~ per-socket
    state.get_or_make(request, || Ok(keep)).map(|_| ()) //~ per-socket
    Ok(()) //~ not per-socket
}

pub struct Kept<T: 'static>(T);

impl genl::NetState for Kept<Any> {
    fn new(_: u64) -> impl PinInit<Self, Error> {
        fn none(_: &Atomic<u32>) {}
        Ok(Self(none))
    }
}

impl genl::NetState for Kept<Static> {
    fn new(_: u64) -> impl PinInit<Self, Error> {
        fn keep(_: &'static Atomic<u32>) {}
        Ok(Self(keep))
    }
}

pub fn kept(state: &PerNet<Kept<Any>>) {
    let _: &PerNet<Kept<Static>> = state; //~ per-net
}

pub fn objects(objects: Objects<'_, Operation<Any>>) {
    let _: Objects<'_, Operation<Static>> = objects; //~ objects
}

pub fn deferred(deferred: Deferred<Operation<Any>>) {
    let _: Deferred<Operation<Static>> = deferred; //~ deferred
}
