// SPDX-License-Identifier: GPL-2.0

//! In the place of `rust/genl/mod.rs`: the files under test, and as much of the others as they
//! name.

// The files have more than the models use.
#![allow(dead_code, unused_imports, private_interfaces)]

pub(crate) mod bind;
pub(crate) mod family;
pub(crate) mod gate;
pub(crate) mod kept;
#[path = "../models.rs"]
pub(crate) mod models;
pub(crate) mod module;
pub(crate) mod registration;
#[path = "../sync.rs"]
pub(crate) mod sync;
pub(crate) mod work;

pub(crate) use self::{
    bind::Bind,
    family::{
        Family,
        FamilyDescriptor,
        Registered,
        RegistrationGuard, //
    },
    registration::Registration,
    table::{
        MulticastGroup,
        SplitOp, //
    },
    work::{
        FamilyWork,
        Job, //
    },
};

pub(crate) mod ffi {
    use crate::{
        bindings,
        genl::models::MODULE,
        world::world, //
    };
    use std::{
        ffi::c_void,
        sync::atomic::Ordering, //
    };

    pub(crate) const GENL_RS_MARK_WORDS: u32 = 1;

    /// Who asks for this reads the state of the module next: what is known of it by now.
    pub(crate) unsafe fn genl_rs_this_module() -> *mut bindings::module {
        let module = MODULE.as_ptr();
        // SAFETY: It is a module.
        unsafe { (*module).state = world().state.load(Ordering::Relaxed) };
        module
    }

    pub(crate) unsafe fn genl_rs_at_end(
        call: Option<unsafe extern "C" fn(*mut c_void)>,
        arg: *mut c_void,
    ) {
        world().at_end.set(call.map(|call| (call, arg as usize)));
    }

    pub(crate) unsafe fn genl_rs_enter(_mark: *mut usize, family: *const c_void) -> bool {
        let mark = (loom::thread::current().id(), family as usize);
        world().marks.borrow_mut().push(mark);
        false
    }

    pub(crate) unsafe fn genl_rs_leave(_mark: *mut usize) {
        let task = loom::thread::current().id();
        let mut marks = world().marks.borrow_mut();
        let last = marks.iter().rposition(|mark| mark.0 == task);
        marks.remove(last.expect("it has entered"));
    }

    pub(crate) unsafe fn genl_rs_inside(family: *const c_void) -> bool {
        let task = loom::thread::current().id();
        world()
            .marks
            .borrow()
            .iter()
            .any(|mark| mark.0 == task && (mark.1 == 0 || mark.1 == family as usize))
    }
}

pub(crate) mod table {
    use super::Family;
    use std::{
        ffi::c_char,
        marker::PhantomData, //
    };

    pub struct SplitOp<F: Family>(PhantomData<F>);

    impl<F: Family> SplitOp<F> {
        pub(super) const fn may_precede(&self, _next: &Self) -> bool {
            true
        }
    }

    pub struct MulticastGroup<F: Family>(&'static str, PhantomData<F>);

    impl<F: Family> MulticastGroup<F> {
        pub(crate) const fn new(name: &'static str) -> Self {
            Self(name, PhantomData)
        }

        pub(super) const fn name(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    pub(super) const fn name_bytes(name: &str) -> [c_char; 16] {
        let mut bytes = [0; 16];
        let mut i = 0;
        while i < name.len() {
            bytes[i] = name.as_bytes()[i] as c_char;
            i += 1;
        }
        bytes
    }

    pub(crate) const fn fail(_name: &str, why: &str) -> ! {
        panic!("{}", why)
    }

    pub(super) const fn same(a: &[u8], b: &[u8]) -> bool {
        if a.len() != b.len() {
            return false;
        }
        let mut i = 0;
        while i < a.len() {
            if a[i] != b[i] {
                return false;
            }
            i += 1;
        }
        true
    }
}

pub(crate) mod net {
    pub struct Net;
}

pub(crate) mod owed {
    pub(crate) struct Owed;
}

pub(crate) mod socket {
    use super::{
        net::Net,
        owed::Owed, //
    };
    use crate::{
        prelude::*,
        sync::Arc,
        ThisModule, //
    };
    use std::{
        ffi::CStr,
        marker::PhantomData, //
    };

    pub(crate) struct Key;

    pub(crate) struct Socket;

    pub(crate) struct Handle<T>(PhantomData<T>);

    impl<T> Clone for Handle<T> {
        fn clone(&self) -> Self {
            Self(PhantomData)
        }
    }

    pub(crate) struct Entry<T>(PhantomData<T>);

    impl Entry<Owed> {
        pub(crate) fn answer(&self, _result: Result, _text: Option<&'static CStr>) {}
    }

    /// Nobody owes a reply here.
    pub(crate) struct Sockets<T>(Handle<T>);

    impl<T> Sockets<T> {
        pub(crate) fn new(_module: &'static ThisModule) -> Result<Self> {
            unreachable!()
        }

        pub(crate) fn handle(&self) -> &Handle<T> {
            &self.0
        }

        pub(crate) fn add(&self, _: u32, _: &Net, _: Socket, _: Arc<T>) -> Result<Key> {
            unreachable!()
        }

        pub(crate) fn drain(&self) -> impl Iterator<Item = Entry<T>> {
            std::iter::empty()
        }
    }
}
