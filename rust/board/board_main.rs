// SPDX-License-Identifier: GPL-2.0

//! board: a notice board for each network namespace.
//!
//! `rust/specs/board.yaml` says what the family can be asked, `make regen` turns that into
//! `board_gen.rs`, and here is what it does. `rust/README.md` walks through it.

mod board_gen;
#[path = "../genl/mod.rs"]
pub mod genl;

use board_gen::*;
use genl::{
    DumpResult,
    Net,
    NetState,
    PerNet,
    Sent, //
};
use kernel::{
    new_mutex,
    prelude::*,
    str::CString,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
};

crate::module_genl_family! {
    type: Board,
    name: "board",
    authors: ["The rust-genl authors"],
    description: "Notice board for each network namespace",
    license: "GPL",
}

/// The state of the family: a board for each network namespace.
struct Board {
    boards: PerNet<Notes>,
}

/// The notes of one network namespace.
struct Notes(Pin<KBox<Mutex<Sorted>>>);

impl NetState for Notes {
    fn new(_cookie: u64) -> Result<Self> {
        let sorted = Sorted {
            notes: KVVec::new(),
            revision: 1,
        };
        Ok(Self(KBox::pin_init(new_mutex!(sorted), GFP_KERNEL)?))
    }
}

/// Notes in the order of their names.
struct Sorted {
    notes: KVVec<Note>,
    /// Changes with each change, and is never 0.
    revision: u32,
}

impl Sorted {
    /// Where the note with a name is, or where it would be.
    fn find(&self, name: &CStr) -> core::result::Result<usize, usize> {
        self.notes.binary_search_by(|note| {
            let other: &CStr = &note.name;
            other.to_bytes().cmp(name.to_bytes())
        })
    }

    fn changed(&mut self) {
        self.revision = self.revision.wrapping_add(1).max(1);
    }
}

struct Note {
    name: CString,
    text: CString,
}

impl Note {
    fn reply(&self) -> GetReply<'_> {
        GetReply {
            name: Some(&self.name),
            text: Some(&self.text),
        }
    }
}

/// Where a dump stands.
struct Reader {
    net: ARef<Net>,
    next: usize,
}

impl Handler for Board {
    fn new() -> Result<Arc<Self>> {
        let board = Self {
            boards: PerNet::new()?,
        };
        Ok(Arc::new(board, GFP_KERNEL)?)
    }

    fn post(&self, request: PostRequest<'_>) -> Result {
        let (name, text) = (request.need_name()?, request.need_text()?);
        if name.is_empty() {
            return Err(request.refuse_name(EINVAL, c"a note needs a name"));
        }
        let note = Note {
            name: CString::try_from(name)?,
            text: CString::try_from(text)?,
        };
        let mut board = self.boards.get(request.net()).0.lock();
        let change = match board.find(name) {
            Ok(at) => {
                if let Some(old) = board.notes.get_mut(at) {
                    *old = note;
                }
                Change::Replaced
            }
            Err(_) if board.notes.len() >= NOTES_MAX as usize => {
                return Err(request.refuse_name(ENOSPC, c"the board is full"));
            }
            Err(at) => {
                board.notes.reserve(1, GFP_KERNEL)?;
                board
                    .notes
                    .insert_within_capacity(at, note)
                    .map_err(|_| ENOMEM)?;
                Change::Posted
            }
        };
        board.changed();
        request.registered().notify_changed(
            request.net(),
            &ChangedNotification {
                name: Some(name),
                text: Some(text),
                change: Some(change),
            },
        )
    }

    fn remove(&self, request: RemoveRequest<'_>) -> Result {
        let name = request.need_name()?;
        let mut board = self.boards.get(request.net()).0.lock();
        let Ok(at) = board.find(name) else {
            return Err(request.refuse_name(ENOENT, c"there is no note of this name"));
        };
        drop(board.notes.remove(at));
        board.changed();
        request.registered().notify_changed(
            request.net(),
            &ChangedNotification {
                name: Some(name),
                text: None,
                change: Some(Change::Removed),
            },
        )
    }

    fn get(&self, request: GetRequest<'_>, reply: GetResponder<'_>) -> Result<Sent> {
        let name = request.need_name()?;
        let board = self.boards.get(request.net()).0.lock();
        match board.find(name).ok().and_then(|at| board.notes.get(at)) {
            Some(note) => reply.send(&note.reply()),
            None => Err(request.refuse_name(ENOENT, c"there is no note of this name")),
        }
    }

    type GetState = Reader;

    fn get_start(&self, request: GetDumpRequest<'_>) -> Result<Reader> {
        Ok(Reader {
            net: request.net().into(),
            next: 0,
        })
    }

    fn get_dump(&self, reader: &mut Reader, objects: &mut GetObjects<'_>) -> DumpResult {
        let board = self.boards.get(&reader.net).0.lock();
        while let Some(note) = board.notes.get(reader.next) {
            objects.push(&note.reply())?;
            reader.next = reader.next.wrapping_add(1);
        }
        Ok(())
    }

    // A board that changes between two rounds makes the dump inconsistent, and says so.
    fn get_generation(&self, reader: &Reader) -> u32 {
        self.boards.get(&reader.net).0.lock().revision
    }
}
