// SPDX-License-Identifier: GPL-2.0
//! Dumps.
//!
// covers: trap 10
//@ not-send: cannot be sent between threads safely
//@     A dump may be closed by another task than the one that has started it.
// covers: trap d
//@ borrow: lifetime may not live long enough
//@     The state lives longer than the callback that has made it.
//@ stranger: the trait bound `Stranger: Message<Get>` is not satisfied
//@     Objects of another operation have other attributes.
// covers: trap c
//@ no-start: not all trait items implemented, missing: `start`
//@     A round would find no state, or that of another dump.
// covers: trap 9
//@ done-request: method `done` has 3 parameters but the declaration in trait .* has 2
//@     When a dump ends there may be no request any more, and no extended ack.
// covers: trap h
//@ no-place: not all trait items implemented, missing: `place`
//@     Nobody could tell a cursor that stays where it is.
//@ ignored: unused `(core::result::)?Result` that must be used
//@     A full buffer has to end the round.

type State = ();

family!(Fam, "fam", [genl::dump::<Get>()], []);
command!(Get of Fam, "get" = 1);
command!(Other of Fam, "other" = 2);

impl Policy for Get {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::binary(8)];
}

impl Op for Get {
    type Policy = Self;
}

pub struct Number(u32);

impl Message<Get> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

#[derive(Clone, Copy)]
pub struct Place(u32);

impl Cursor<Get> for Place {
    fn place(&self) -> u64 { //~ not no-place
        self.0.into() //~ not no-place
    } //~ not no-place

    fn peek(&self) -> Option<impl Message<Get> + '_> {
        Some(Number(self.0))
    }

    fn advance(&mut self) {
        self.0 += 1;
    }
}

pub struct Stranger;

impl Message<Other> for Stranger {
    fn layout(&self) -> impl Layout + '_ {}
}

type Pointer = *const u8; //~ not-send
type Pointer = usize; //~ not not-send

impl Dump for Get {
    type State = (Pointer, &'static [u8]);

    fn start(_: &Fam, request: Request<'_, Self>) -> Result<Self::State> { //~ not no-start
        let bytes: &[u8] = request.binary::<1>().unwrap_or_default(); //~ not no-start
        Ok((0 as Pointer, bytes)) //~ borrow
        Ok((0 as Pointer, if bytes.is_empty() { b"" } else { b"some" })) //~ not borrow no-start
    } //~ not no-start

    fn done(_: &Fam, _: Self::State, _: Request<'_, Self>) {} //~ done-request
    fn done(_: &Fam, _: Self::State) {} //~ not done-request

    fn dump(_: &Fam, _: &mut Self::State, objects: &mut Objects<'_, Self>) -> DumpResult {
        objects.push(&Stranger)?; //~ stranger
        objects.push(&Number(1)); //~ ignored
        objects.push(&Number(2))
    }
}
