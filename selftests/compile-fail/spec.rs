// SPDX-License-Identifier: GPL-2.0
//! A family from a spec, that of rust/board.
//!
//! compiled with rust/genl as a part of it
//!
//@ unnamed: unresolved import `super::Board`
//@ below: the type that implements `Handler`, or an alias for it
//@     The generated file cannot know what the author has called it.
// covers: trap d
//@ lifetime: lifetime parameters or bounds on type `GetDump` do not match the trait de(claration|finition)
//@ below: DumpState<op::GetDump> \+ 'static
//@     What it borrows from may be gone when the next buffer is filled.
// covers: trap d
//@ borrow: use of undeclared lifetime name `'a`
//@ next: lifetime parameter must outlive the static lifetime
//@     The first of the two is the compiler's own, and so is its advice.
// covers: trap 10
//@ guard: `Place` cannot be kept for a later system call or job
//@ below: take the lock anew each time
//@     A lock that is held between two system calls may never be given back.
//@ method: method `list` is not a member of trait `Handler`
//@     A method has the name of its operation.

use board_gen::{attr::note, op, Handler};
use kernel::sync::lock::{mutex::MutexBackend, Guard as LockGuard};

#[path = "rust/board/board_gen.rs"]
mod board_gen;

struct Notice;

type Board = Notice; //~ not unnamed

struct Place(Option<LockGuard<'static, u32, MutexBackend>>); //~ guard
struct Place<'a>(Option<&'a u32>); //~ borrow
struct Place(Option<u32>); //~ not guard borrow

impl Handler for Notice {
    type GetDump<'a> = Place; //~ lifetime
    type GetDump = Place<'a>; //~ borrow
    type GetDump = Place; //~ not lifetime borrow

    fn post(&self, request: Request<'_, op::PostDo>) -> Result {
        request.need(note::Name).map(|_| ())
    }

    fn remove(&self, _: Request<'_, op::RemoveDo>) -> Result {
        Ok(())
    }

    fn list(&self) {} //~ method

    fn get<'a>(
        &self,
        _: Request<'a, op::GetDo>,
        reply: Responder<'a, op::GetDo>,
    ) -> Result<Sent<'a>> {
        reply.send(&op::GetReply { name: None, text: None })
    }

    fn get_dump(&self, _: Request<'_, op::GetDump>) -> Result<Self::GetDump> {
        Ok(Place(None))
    }
}

impl DumpState<op::GetDump> for Place<'_> { //~ borrow
impl DumpState<op::GetDump> for Place { //~ not borrow
    fn dump(&mut self, _: &Notice, objects: &mut Objects<'_, op::GetDump>) -> DumpResult {
        objects.push(&op::GetReply { name: None, text: None })
    }
}
