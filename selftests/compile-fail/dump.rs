// SPDX-License-Identifier: GPL-2.0
//! Dumps.
//!
// covers: trap 10
//@ not-send: `Left` cannot be kept for a later system call or job
//@ below: a lock guard in it, a raw pointer
//@     A dump may be closed by another task than the one that has started it.
// covers: trap d
//@ lifetime: genl: get: the state of a dump is a name without parameters: it is kept between system calls, so it borrows nothing, and has a key, an index or an `Arc`
//@     What it borrows from may be gone when the next buffer is filled.
// covers: trap d
//@ borrow: borrowed data escapes outside of method
//@     The state lives longer than the callback that has made it.
//@ stranger: `Stranger<'_>` is no message of `Get`
//@     Objects of another operation have other attributes.
// covers: trap c
//@ no-start: no function or associated item named `get` found for struct `Fam`
//@     A round would find no state, or that of another dump.
// covers: trap c
//@ no-state: mismatched types
//@ below: expected `Result<Left, Error>`, found `Result<\(\), Error>`
//@     It would find none where the handler returns something else.
//@ no-dump: `Left` is no state of the dump `Get`
//@     Nothing says how the dump goes on.
// covers: trap 9
//@ done-request: method `done` has 3 parameters but the declaration in trait .* has 2
//@     When a dump ends there may be no request any more, and no extended ack.
// covers: trap h
//@ no-place: not all trait items implemented, missing: `place`
//@     Nobody could tell a cursor that stays where it is.
//@ other-set: `NumberSet` does not carry the attribute `other::Value`
//@     A reader would take it for an attribute of the set.
//@ ignored: unused `(core::result::)?Result` that must be used
//@ next: a full buffer ends the round: pass it on with `\?`
//@     A full buffer has to end the round.
// covers: trap ah
//@ secret: genl: get: is a dump, whose request the core keeps: it cannot wipe secrets
//@     It would be wiped before the dump has read it, or never.
// covers: trap ah
//@ secret-way: `Other` does not carry the attribute `(number::)?Key`
//@     Something else would be wiped.

type State = ();

family!(Fam, "fam", OPS, &[]);

genl::attributes! {
    pub(crate) mod number: NumberSet {
        Value = 1: U32,
        Key = 2: Binary { max_len(8) },
    }

    pub(crate) mod other: OtherSet {
        Value = 1: U32,
    }
}

genl::operations! {
    for Fam;
    dump Get = "get" 1, Anyone, NumberSet [number::Key] => get Left<'a>; //~ lifetime
    dump Get = "get" 1, Anyone, NumberSet [number::Key] => get Left; //~ not lifetime
    dump Other = "other" 2, Anyone, OtherSet [] => other Left;
}

impl Secrets for Get { //~ secret
    const SECRETS: &'static [Secret<Self>] = &[Secret::at::<number::Key>()]; //~ secret
} //~ secret

impl Secrets for Other { //~ secret-way
    const SECRETS: &'static [Secret<Self>] = &[Secret::at::<number::Key>()]; //~ secret-way
} //~ secret-way

genl::messages! {
    pub(crate) struct Number: NumberSet for Get { value: number::Value }
    pub(crate) struct Stranger: OtherSet for Other { value: other::Value }
}

#[derive(Clone, Copy)]
struct Place(u32);

impl Cursor<Get> for Place {
    fn place(&self) -> u64 { //~ not no-place
        self.0.into() //~ not no-place
    } //~ not no-place

    fn peek(&self) -> Option<impl Message<Get> + '_> {
        Some((number::Value.put(self.0),))
    }

    fn advance(&mut self) {
        self.0 += 1;
    }
}

type Pointer = *const u8; //~ not-send
type Pointer = usize; //~ not not-send

struct Left(Pointer, &'static [u8]);

impl Fam {
    fn get(&self, request: Request<'_, Get>) -> Result<Left> { //~ not no-start no-state
    fn get(&self, request: Request<'_, Get>) -> Result { //~ no-state
        let bytes = request.get(number::Key).unwrap_or_default(); //~ not no-start
        Ok(Left(0 as Pointer, bytes)) //~ borrow
        Ok(Left(0 as Pointer, if bytes.is_empty() { b"" } else { b"some" })) //~ not borrow no-start no-state
        Ok(()) //~ no-state
    } //~ not no-start

    fn other(&self, _: Request<'_, Other>) -> Result<Left> {
        Ok(Left(0 as Pointer, b""))
    }
}

#[cfg(any())] //~ no-dump
impl DumpState<Get> for Left {
    fn done(self, _: &Fam, _: Request<'_, Get>) {} //~ done-request
    fn done(self, _: &Fam) {} //~ not done-request

    fn dump(&mut self, _: &Fam, objects: &mut Objects<'_, Get>) -> DumpResult {
        objects.push(&Stranger { value: Some(1) })?; //~ stranger
        objects.push(&Number { value: Some(1) }); //~ ignored
        objects.push(&(other::Value.put(1u32),)) //~ other-set
        objects.push(&Number { value: Some(2) }) //~ not other-set
    }
}

impl DumpState<Other> for Left {
    fn dump(&mut self, _: &Fam, objects: &mut Objects<'_, Other>) -> DumpResult {
        objects.push(&Stranger { value: Some(1) })
    }
}
