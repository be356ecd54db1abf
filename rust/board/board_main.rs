// SPDX-License-Identifier: GPL-2.0

//! board: a notice board for each network namespace.
//!
//! `rust/board/board.yaml` says what the family can be asked, `make regen` turns that into
//! `board_gen.rs`, and here is what it does. `rust/README.md` walks through it.

mod board_gen;
#[path = "../genl/mod.rs"]
mod genl;

use board_gen::{
    attr::note,
    def::*,
    op,
    Handler, //
};
use genl::{
    DumpResult,
    DumpState,
    ModuleFamily,
    Net,
    NetState,
    Objects,
    PerNet,
    Request,
    Responder,
    Sent, //
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::RBTree,
    sync::Mutex,
    ThisModule, //
};

genl::module_family! {
    type: Board,
    alias: true,
    name: "board",
    authors: ["The rust-genl authors"],
    description: "Notice board for each network namespace",
    license: "GPL",
}

/// How many messages a change counts for. All who listen are told, and everybody can be the
/// administrator of a network namespace, and listen there with thousands of sockets.
const CHANGE_MESSAGES: usize = 100;

/// The state of the family: a board for each network namespace.
struct Board {
    boards: PerNet<Notes>,
}

impl ModuleFamily for Board {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_init!(Self {
            boards: PerNet::new(module)?,
        })
    }
}

/// The notes of one network namespace.
#[pin_data]
struct Notes {
    #[pin]
    sorted: Mutex<Sorted>,
}

impl NetState for Notes {
    fn new(_cookie: u64) -> impl PinInit<Self, Error> {
        let sorted = Sorted {
            notes: RBTree::new(),
            count: 0,
            revision: 1,
        };
        try_pin_init!(Self {
            sorted <- new_mutex!(sorted),
        })
    }
}

/// Notes by their names, and in the order of these.
struct Sorted {
    notes: RBTree<Name, KVec<u8>>,
    count: u32,
    /// Changes with each change, and is never 0.
    revision: u32,
}

impl Sorted {
    fn changed(&mut self) {
        self.revision = self.revision.wrapping_add(1).max(1);
    }
}

/// The name of a note, padded with NULs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name([u8; NAME_MAX as usize + 1]);

impl Name {
    /// Takes a name from a request, whose policy bounds its length.
    fn new(name: &CStr) -> Self {
        let mut bytes = [0; NAME_MAX as usize + 1];
        for (to, from) in bytes.iter_mut().zip(name.to_bytes_with_nul()) {
            *to = *from;
        }
        Self(bytes)
    }

    fn reply<'a>(&'a self, text: &'a [u8]) -> op::GetReply<'a> {
        op::GetReply {
            name: CStr::from_bytes_until_nul(&self.0).ok(),
            text: CStr::from_bytes_until_nul(text).ok(),
        }
    }
}

/// Where a dump stands.
struct Reader {
    /// The first note that has not been sent; none before the first round.
    next: Option<Name>,
}

impl Handler for Board {
    fn post(&self, request: Request<'_, op::PostDo>) -> Result {
        let (name, text) = (request.need(note::Name)?, request.need(note::Text)?);
        if name.is_empty() {
            return Err(request.refuse(note::Name, EINVAL, c"a note needs a name"));
        }
        request.spend(
            CHANGE_MESSAGES,
            name.count_bytes().saturating_add(text.count_bytes()),
        )?;
        let (key, mut note) = (Name::new(name), KVec::new());
        // Everybody can have network namespaces: the memory cgroup of the sender pays.
        note.extend_from_slice(text.to_bytes_with_nul(), GFP_KERNEL_ACCOUNT)?;
        let notes = self.boards.get(request.net())?;
        let mut board = notes.sorted.lock();
        let change = if let Some(old) = board.notes.get_mut(&key) {
            *old = note;
            Change::Replaced
        } else if board.count >= NOTES_MAX {
            return Err(request.refuse(note::Name, ENOSPC, c"the board is full"));
        } else {
            board
                .notes
                .try_create_and_insert(key, note, GFP_KERNEL_ACCOUNT)?;
            board.count = board.count.wrapping_add(1);
            Change::Posted
        };
        board.changed();
        // The note is there, whether or not all could be told. With the lock, so that changes are
        // told in their order.
        let _ = request.multicast::<op::ChangedNotify>(
            &op::ChangedEvent {
                name: Some(name),
                text: Some(text),
                change: Some(change),
            },
            GFP_KERNEL,
        );
        Ok(())
    }

    fn remove(&self, request: Request<'_, op::RemoveDo>) -> Result {
        let name = request.need(note::Name)?;
        request.spend(CHANGE_MESSAGES, name.count_bytes())?;
        let notes = self.boards.get(request.net())?;
        let mut board = notes.sorted.lock();
        if board.notes.remove(&Name::new(name)).is_none() {
            return Err(request.refuse(note::Name, ENOENT, c"there is no note of this name"));
        }
        board.count = board.count.wrapping_sub(1);
        board.changed();
        let _ = request.multicast::<op::ChangedNotify>(
            &op::ChangedEvent {
                name: Some(name),
                text: None,
                change: Some(Change::Removed),
            },
            GFP_KERNEL,
        );
        Ok(())
    }

    fn get<'a>(
        &self,
        request: Request<'a, op::GetDo>,
        reply: Responder<'a, op::GetDo>,
    ) -> Result<Sent<'a>> {
        let name = request.need(note::Name)?;
        let notes = self.boards.get(request.net())?;
        let board = notes.sorted.lock();
        let name = Name::new(name);
        match board.notes.get(&name) {
            Some(text) => reply.send(&name.reply(text)),
            None => Err(request.refuse(note::Name, ENOENT, c"there is no note of this name")),
        }
    }

    type GetDump = Reader;

    fn get_dump(&self, _: Request<'_, op::GetDump>) -> Result<Reader> {
        Ok(Reader { next: None })
    }
}

impl DumpState<op::GetDump> for Reader {
    fn dump(&mut self, family: &Board, objects: &mut Objects<'_, op::GetDump>) -> DumpResult {
        let notes = family.boards.get(objects.net())?;
        let board = notes.sorted.lock();
        for (name, text) in board.notes.iter() {
            if self.next.is_some_and(|next| *name < next) {
                continue;
            }
            if let Err(stop) = objects.push(&name.reply(text)) {
                self.next = Some(*name);
                return Err(stop);
            }
        }
        Ok(())
    }

    // A board that changes between two rounds makes the dump inconsistent, and says so.
    fn generation(&self, family: &Board, net: &Net) -> u32 {
        let notes = family.boards.get(net);
        notes.map_or(0, |notes| notes.sorted.lock().revision)
    }
}
