// SPDX-License-Identifier: GPL-2.0

//! The names of the crates `kernel` and `pin_init` that the files under test use, for user space.

/// What calls C and what C calls.
#[allow(non_camel_case_types, non_upper_case_globals)]
pub mod bindings {
    use super::prelude::*;
    use crate::world::{
        world,
        Known, //
    };
    use std::ffi::{
        c_void,
        CStr, //
    };

    #[derive(Clone, Copy)]
    pub struct notifier_block {
        pub notifier_call:
            Option<unsafe extern "C" fn(*mut notifier_block, c_ulong, *mut c_void) -> c_int>,
        pub priority: c_int,
    }

    pub struct workqueue_struct(());

    pub struct work_struct(());

    pub struct genl_info {
        pub family: *const genl_family,
    }

    #[derive(Clone, Copy)]
    pub struct __BindgenBitfieldUnit<T>(#[allow(dead_code)] T);

    pub struct module {
        pub state: c_uint,
        pub name: [c_char; 56],
    }

    pub const module_state_MODULE_STATE_LIVE: c_uint = 0;
    pub const module_state_MODULE_STATE_COMING: c_uint = 1;
    pub const module_state_MODULE_STATE_GOING: c_uint = 2;
    pub const NOTIFY_DONE: c_uint = 0;
    pub const wq_flags_WQ_UNBOUND: c_uint = 2;

    #[derive(Clone, Copy)]
    pub struct genl_family {
        pub name: [c_char; 16],
        pub version: c_uint,
        pub hdrsize: c_uint,
        pub id: c_int,
        pub _bitfield_1: __BindgenBitfieldUnit<[u8; 1]>,
        pub resv_start_op: u8,
        pub bind: Option<unsafe extern "C" fn(c_int) -> c_int>,
        pub unbind: Option<unsafe extern "C" fn(c_int)>,
        pub n_split_ops: u8,
        pub n_mcgrps: u8,
        pub split_ops: *const c_void,
        pub mcgrps: *const c_void,
        pub module: *mut module,
    }

    // SAFETY: All threads of a model are run by one thread of the system.
    unsafe impl Send for genl_family {}

    pub unsafe fn alloc_workqueue_noprof(
        _name: *const c_char,
        _flags: c_uint,
        _max: c_int,
    ) -> *mut workqueue_struct {
        Box::into_raw(Box::new(workqueue_struct(())))
    }

    pub unsafe fn destroy_workqueue(queue: *mut workqueue_struct) {
        world().flush();
        // SAFETY: It was made above.
        drop(unsafe { Box::from_raw(queue) });
    }

    pub unsafe fn drain_workqueue(_queue: *mut workqueue_struct) {
        world().drain();
    }

    pub unsafe fn __flush_workqueue(_queue: *mut workqueue_struct) {
        world().flush();
    }

    pub unsafe fn cancel_delayed_work_sync(work: *mut work_struct) -> bool {
        world().cancel(work as usize)
    }

    pub unsafe fn flush_work(work: *mut work_struct) -> bool {
        world().run_postponed(work as usize)
    }

    pub unsafe fn register_module_notifier(nb: *mut notifier_block) -> c_int {
        world().notifiers.borrow_mut().push(nb as usize);
        0
    }

    pub unsafe fn unregister_module_notifier(nb: *mut notifier_block) -> c_int {
        world()
            .notifiers
            .borrow_mut()
            .retain(|other| *other != nb as usize);
        0
    }

    pub unsafe fn module_refcount(_module: *mut module) -> c_int {
        0
    }

    pub unsafe fn _printk<T>(_format: *const c_char, _arg: T) -> c_int {
        0
    }

    pub unsafe fn genl_register_family(family: *mut genl_family) -> c_int {
        let mut families = world().families.lock().unwrap();
        // SAFETY: It is a family.
        let name = unsafe { CStr::from_ptr((*family).name.as_ptr()) };
        let mut text = [0; 16];
        text[..name.to_bytes().len()].copy_from_slice(name.to_bytes());
        assert!(
            families.iter().all(|known| known.family != family as usize),
            "a family is registered twice"
        );
        if families.iter().any(|known| known.name == text) {
            return EEXIST.to_errno();
        }
        // SAFETY: As above; the core writes it.
        unsafe { (*family).id = 20 + families.len() as c_int };
        families.push(Known {
            family: family as usize,
            name: text,
        });
        0
    }

    pub unsafe fn genl_unregister_family(family: *mut genl_family) -> c_int {
        let mut families = world().families.lock().unwrap();
        // SAFETY: It is a family.
        if unsafe { (*family).id } == 0 {
            return ENOENT.to_errno();
        }
        let before = families.len();
        families.retain(|known| known.family != family as usize);
        assert!(
            families.len() < before,
            "a family is unregistered that is not registered"
        );
        0
    }
}

pub mod error {
    pub use super::prelude::{
        Error,
        Result, //
    };

    pub fn to_result(errno: i32) -> Result {
        match errno {
            0 => Ok(()),
            errno => Err(Error(errno)),
        }
    }
}

pub mod ffi {
    pub use std::ffi::{
        c_char,
        c_int,
        c_uint,
        c_ulong, //
    };
}

pub mod alloc {
    #[derive(Clone, Copy)]
    pub struct Flags;
}

pub mod prelude {
    pub use super::{
        alloc::Flags,
        ffi::*,
        kbox::KBox, //
    };
    pub use crate::{
        pin_init,
        try_pin_init,
        PinInit,
        PinnedDrop, //
    };
    pub use core::{
        ffi::CStr,
        pin::Pin, //
    };
    pub use macros::{
        kunit_tests,
        pin_data,
        pinned_drop, //
    };

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Error(pub(crate) i32);

    impl Error {
        pub fn to_errno(self) -> i32 {
            self.0
        }
    }

    impl From<core::convert::Infallible> for Error {
        fn from(never: core::convert::Infallible) -> Self {
            match never {}
        }
    }

    pub type Result<T = (), E = Error> = core::result::Result<T, E>;

    pub const ENOENT: Error = Error(-2);
    pub const ENOMEM: Error = Error(-12);
    pub const EBUSY: Error = Error(-16);
    pub const EEXIST: Error = Error(-17);
    pub const EINVAL: Error = Error(-22);
    pub const EDEADLK: Error = Error(-35);
    pub const ESHUTDOWN: Error = Error(-108);
    pub const ECANCELED: Error = Error(-125);

    pub const GFP_KERNEL: Flags = Flags;

    pub trait CStrExt {
        fn as_char_ptr(&self) -> *const c_char;
    }

    impl CStrExt for core::ffi::CStr {
        fn as_char_ptr(&self) -> *const c_char {
            self.as_ptr()
        }
    }
}

mod kbox {
    use super::{
        make,
        prelude::*, //
    };
    use crate::world::world;
    use std::{
        alloc::Layout,
        marker::Unsize,
        ops::{
            CoerceUnsized,
            Deref,
            DerefMut, //
        },
        ptr::NonNull, //
    };

    /// What is freed stays readable until the run is over: a model that reads it has to fail, and
    /// not the program.
    pub struct KBox<T: ?Sized>(NonNull<T>);

    // SAFETY: As for a `Box`.
    unsafe impl<T: ?Sized + Send> Send for KBox<T> {}

    // SAFETY: As above.
    unsafe impl<T: ?Sized + Sync> Sync for KBox<T> {}

    impl<T: ?Sized + Unsize<U>, U: ?Sized> CoerceUnsized<KBox<U>> for KBox<T> {}

    impl<T> KBox<T> {
        pub fn new(value: T, _flags: Flags) -> Result<Self> {
            let memory = world().allocate(Layout::new::<T>()).cast::<T>();
            // SAFETY: It is memory for one.
            unsafe { memory.write(value) };
            Ok(Self(NonNull::new(memory).ok_or(ENOMEM)?))
        }

        pub fn pin_init<E>(init: impl PinInit<T, E>, flags: Flags) -> Result<Pin<Self>>
        where
            Error: From<E>,
        {
            let value = Self::new(make(init)?, flags)?;
            // SAFETY: It stays where it is.
            Ok(unsafe { Pin::new_unchecked(value) })
        }
    }

    impl<T: ?Sized> KBox<T> {
        pub fn into_raw(this: Self) -> *mut T {
            let raw = this.0.as_ptr();
            std::mem::forget(this);
            raw
        }

        pub unsafe fn from_raw(raw: *mut T) -> Self {
            // SAFETY: It comes from a `KBox`.
            Self(unsafe { NonNull::new_unchecked(raw) })
        }
    }

    impl<T: ?Sized> Deref for KBox<T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: It is ours.
            unsafe { self.0.as_ref() }
        }
    }

    impl<T: ?Sized> DerefMut for KBox<T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: It is ours.
            unsafe { self.0.as_mut() }
        }
    }

    impl<T: ?Sized> Drop for KBox<T> {
        fn drop(&mut self) {
            // SAFETY: It is ours, and is not used any more.
            unsafe { self.0.as_ptr().drop_in_place() };
        }
    }
}

//
// pin_init
//

/// Makes a value. Nothing here minds where it lies, so it may move.
pub unsafe trait PinInit<T, E = core::convert::Infallible>: Sized {
    unsafe fn __init(self, slot: *mut T) -> core::result::Result<(), E>;
}

// SAFETY: It writes the value.
unsafe impl<T> PinInit<T> for T {
    unsafe fn __init(self, slot: *mut T) -> core::result::Result<(), core::convert::Infallible> {
        // SAFETY: The slot is memory for one.
        unsafe { slot.write(self) };
        Ok(())
    }
}

// SAFETY: It writes the value, if there is one.
unsafe impl<T, E> PinInit<T, E> for core::result::Result<T, E> {
    unsafe fn __init(self, slot: *mut T) -> core::result::Result<(), E> {
        // SAFETY: As above.
        unsafe { slot.write(self?) };
        Ok(())
    }
}

struct Closure<C, T, E>(C, core::marker::PhantomData<fn(*mut T) -> E>);

// SAFETY: By the safety requirements of `pin_init_from_closure`.
unsafe impl<T, E, C> PinInit<T, E> for Closure<C, T, E>
where
    C: FnOnce(*mut T) -> core::result::Result<(), E>,
{
    unsafe fn __init(self, slot: *mut T) -> core::result::Result<(), E> {
        (self.0)(slot)
    }
}

pub unsafe fn pin_init_from_closure<T, E>(
    init: impl FnOnce(*mut T) -> core::result::Result<(), E>,
) -> impl PinInit<T, E> {
    Closure(init, core::marker::PhantomData)
}

pub fn make<T, E>(init: impl PinInit<T, E>) -> core::result::Result<T, E> {
    let mut value = core::mem::MaybeUninit::uninit();
    // SAFETY: It is memory for one, and holds one behind this.
    unsafe {
        init.__init(value.as_mut_ptr())?;
        Ok(value.assume_init())
    }
}

pub unsafe fn put<T>(slot: *mut T, value: T) {
    // SAFETY: By the requirements of the caller.
    unsafe { slot.write(value) }
}

pub const fn zeroed<T>() -> T {
    // SAFETY: It is asked for what can be zero only.
    unsafe { core::mem::zeroed() }
}

pub trait PinnedDrop {
    fn drop(self: core::pin::Pin<&mut Self>);
}

#[macro_export]
macro_rules! pin_init {
    ($type:ident { $($fields:tt)* }) => {
        $crate::try_pin_init!($type { $($fields)* }? ::core::convert::Infallible)
    };
}

#[macro_export]
macro_rules! try_pin_init {
    ($type:ident { $($fields:tt)* }? $error:ty) => {
        // SAFETY: It writes all fields, or fails.
        unsafe {
            $crate::pin_init_from_closure(
                move |slot: *mut _| -> ::core::result::Result<(), $error> {
                    $crate::put(slot, $crate::pin_init_fields!($type, {} $($fields)*));
                    Ok(())
                },
            )
        }
    };
}

#[macro_export]
macro_rules! pin_init_fields {
    ($type:ident, {$($done:tt)*}) => {
        $type { $($done)* }
    };
    ($type:ident, {$($done:tt)*} $name:ident <- $init:expr $(, $($rest:tt)*)?) => {
        $crate::pin_init_fields!(
            $type, {$($done)* $name: $crate::make($init)?,} $($($rest)*)?
        )
    };
    ($type:ident, {$($done:tt)*} $name:ident: $value:expr $(, $($rest:tt)*)?) => {
        $crate::pin_init_fields!($type, {$($done)* $name: $value,} $($($rest)*)?)
    };
    ($type:ident, {$($done:tt)*} $name:ident $(, $($rest:tt)*)?) => {
        $crate::pin_init_fields!($type, {$($done)* $name,} $($($rest)*)?)
    };
}

//
// The rest of kernel
//

pub mod sync {
    use super::{
        make,
        prelude::*, //
    };
    use crate::world::Memory;
    use std::ops::Deref;

    /// That of `loom`, which also complains of one that is never dropped.
    pub struct Arc<T>(loom::sync::Arc<T>);

    impl<T> Arc<T> {
        pub fn new(value: T, _flags: Flags) -> Result<Self> {
            Ok(Self(loom::sync::Arc::new(value)))
        }

        pub fn pin_init<E>(init: impl PinInit<T, E>, flags: Flags) -> Result<Self>
        where
            Error: From<E>,
        {
            Self::new(make(init)?, flags)
        }

        pub fn as_ptr(this: &Self) -> *const T {
            loom::sync::Arc::as_ptr(&this.0)
        }

        pub fn into_raw(this: Self) -> *const T {
            loom::sync::Arc::into_raw(this.0)
        }

        pub unsafe fn from_raw(raw: *const T) -> Self {
            // SAFETY: By the requirements of the caller.
            Self(unsafe { loom::sync::Arc::from_raw(raw) })
        }
    }

    impl<T> Clone for Arc<T> {
        fn clone(&self) -> Self {
            Self(self.0.clone())
        }
    }

    impl<T> Deref for Arc<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    /// That of `loom`, in memory that whoever locks it must be allowed to read.
    pub struct Mutex<T> {
        memory: Memory,
        lock: loom::sync::Mutex<T>,
    }

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self {
                memory: Memory::new(),
                lock: loom::sync::Mutex::new(value),
            }
        }

        pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.memory.read();
            self.lock.lock().unwrap()
        }
    }
}

#[macro_export]
macro_rules! new_mutex {
    ($value:expr, $name:literal) => {
        $crate::sync::Mutex::new($value)
    };
}

pub mod rbtree {
    use super::prelude::*;
    use std::collections::BTreeMap;

    pub struct RBTree<K, V>(BTreeMap<K, V>);

    pub struct RBTreeNode<K, V>(K, V);

    impl<K, V> RBTreeNode<K, V> {
        pub fn new(key: K, value: V, _flags: Flags) -> Result<Self> {
            Ok(Self(key, value))
        }
    }

    impl<K: Ord, V> RBTree<K, V> {
        pub fn new() -> Self {
            Self(BTreeMap::new())
        }

        pub fn insert(&mut self, node: RBTreeNode<K, V>) -> Option<RBTreeNode<K, V>>
        where
            K: Clone,
        {
            let key = node.0.clone();
            let old = self.0.insert(node.0, node.1)?;
            Some(RBTreeNode(key, old))
        }

        pub fn get(&self, key: &K) -> Option<&V> {
            self.0.get(key)
        }

        pub fn remove(&mut self, key: &K) -> Option<V> {
            self.0.remove(key)
        }

        pub fn keys(&self) -> impl Iterator<Item = &K> {
            self.0.keys()
        }
    }
}

pub mod task {
    pub fn might_sleep() {}
}

pub mod time {
    pub type Msecs = u32;
    pub type Jiffies = u64;

    pub fn msecs_to_jiffies(msecs: Msecs) -> u64 {
        msecs.into()
    }

    #[derive(PartialEq, PartialOrd)]
    pub struct Delta(i64);

    impl Delta {
        pub const ZERO: Self = Self(0);

        pub fn from_millis(millis: i64) -> Self {
            Self(millis)
        }

        pub fn as_millis_ceil(self) -> i64 {
            self.0
        }
    }

    pub mod delay {
        pub fn fsleep(_delta: super::Delta) {
            unreachable!("nobody has a reference to the module");
        }
    }
}

pub mod types {
    use core::{
        cell::UnsafeCell,
        mem::MaybeUninit, //
    };

    pub struct Opaque<T>(UnsafeCell<MaybeUninit<T>>);

    impl<T> Opaque<T> {
        pub const fn new(value: T) -> Self {
            Self(UnsafeCell::new(MaybeUninit::new(value)))
        }

        pub const fn get(&self) -> *mut T {
            self.0.get().cast()
        }
    }
}

pub mod workqueue {
    use super::{
        bindings,
        prelude::*,
        sync::Arc, //
    };
    use crate::world::{
        world,
        Memory, //
    };
    use std::{
        ffi::c_void,
        marker::PhantomData,
        mem::ManuallyDrop, //
    };

    pub use crate::{
        impl_has_delayed_work,
        impl_has_work,
        new_delayed_work,
        new_work, //
    };

    pub trait WorkItem {
        type Pointer;

        fn run(this: Self::Pointer);
    }

    pub struct Work<T> {
        memory: Memory,
        _item: PhantomData<fn() -> T>,
    }

    pub type DelayedWork<T> = Work<T>;

    impl<T> Work<T> {
        pub fn new() -> Self {
            Self {
                memory: Memory::new(),
                _item: PhantomData,
            }
        }

        pub unsafe fn raw_get(this: *const Self) -> *mut bindings::work_struct {
            this.cast_mut().cast()
        }
    }

    pub unsafe trait HasWork<T> {
        unsafe fn raw_get_work(this: *mut Self) -> *mut Work<T>;
    }

    pub trait Pointer {
        type Output;

        fn enqueue(self, timer: bool) -> Self::Output;
    }

    /// # Safety
    ///
    /// `raw` points to an item, and `call` may be called with it.
    unsafe fn queue<T: HasWork<T>>(
        raw: *const T,
        call: unsafe fn(*const c_void),
        timer: bool,
    ) -> bool {
        // SAFETY: By the safety requirements of this function.
        unsafe {
            let work = T::raw_get_work(raw.cast_mut());
            (*work).memory.read();
            world().queue(work as usize, call, raw.cast(), timer)
        }
    }

    impl<T: HasWork<T> + WorkItem<Pointer = Self>> Pointer for Arc<T> {
        type Output = core::result::Result<(), Self>;

        fn enqueue(self, timer: bool) -> Self::Output {
            unsafe fn call<T: WorkItem<Pointer = Arc<T>>>(raw: *const c_void) {
                // SAFETY: It was forgotten below.
                T::run(unsafe { Arc::from_raw(raw.cast()) });
            }

            let item = ManuallyDrop::new(self);
            // SAFETY: `call` takes over what is forgotten here.
            if unsafe { queue(Arc::as_ptr(&item), call::<T>, timer) } {
                Ok(())
            } else {
                Err(ManuallyDrop::into_inner(item))
            }
        }
    }

    impl<T: HasWork<T> + WorkItem<Pointer = Self>> Pointer for Pin<KBox<T>> {
        type Output = ();

        fn enqueue(self, timer: bool) {
            unsafe fn call<T: WorkItem<Pointer = Pin<KBox<T>>>>(raw: *const c_void) {
                // SAFETY: It was forgotten below.
                T::run(unsafe { Pin::new_unchecked(KBox::from_raw(raw.cast_mut().cast())) });
            }

            let item = ManuallyDrop::new(self);
            // SAFETY: As above.
            let queued = unsafe { queue(core::ptr::from_ref(&**item), call::<T>, timer) };
            assert!(queued, "a box was queued twice");
        }
    }

    /// The queue of the system. What rust/genl has in it waits for a lock of the core's, and
    /// touches nothing that a model looks at: it is run by who waits for it.
    pub struct SystemQueue;

    pub fn system_unbound() -> SystemQueue {
        SystemQueue
    }

    impl SystemQueue {
        pub fn enqueue<T>(&self, item: Arc<T>) -> core::result::Result<(), Arc<T>>
        where
            T: HasWork<T> + WorkItem<Pointer = Arc<T>> + 'static,
        {
            let item = ManuallyDrop::new(item);
            let raw = Arc::as_ptr(&item);
            // SAFETY: The item is there.
            let work = unsafe { T::raw_get_work(raw.cast_mut()) };
            world().postpone(
                work as usize,
                // SAFETY: It was forgotten above.
                Box::new(move || T::run(unsafe { Arc::from_raw(raw) })),
            );
            Ok(())
        }
    }

    pub struct Queue;

    impl Queue {
        pub unsafe fn from_raw<'a>(_queue: *const bindings::workqueue_struct) -> &'a Self {
            &Queue
        }

        pub fn enqueue<P: Pointer>(&self, item: P) -> P::Output {
            item.enqueue(false)
        }

        pub fn enqueue_delayed<P: Pointer>(&self, item: P, _delay: u64) -> P::Output {
            item.enqueue(true)
        }
    }
}

#[macro_export]
macro_rules! new_work {
    ($name:literal) => {
        $crate::workqueue::Work::new()
    };
}

#[macro_export]
macro_rules! new_delayed_work {
    ($name:literal) => {
        $crate::workqueue::Work::new()
    };
}

#[macro_export]
macro_rules! impl_has_work {
    (impl$({$($generics:tt)*})? HasWork<Self> for $type:ty { self.$field:ident }) => {
        // SAFETY: It points to the field.
        unsafe impl$(<$($generics)*>)? $crate::workqueue::HasWork<$type> for $type {
            unsafe fn raw_get_work(this: *mut Self) -> *mut $crate::workqueue::Work<$type> {
                // SAFETY: By the requirements of the caller.
                unsafe { &raw mut (*this).$field }
            }
        }
    };
}

#[macro_export]
macro_rules! impl_has_delayed_work {
    (impl$({$($generics:tt)*})? HasDelayedWork<Self> for $type:ty { self.$field:ident }) => {
        $crate::impl_has_work! { impl$({$($generics)*})? HasWork<Self> for $type { self.$field } }
    };
}

pub struct ThisModule(*mut bindings::module);

// SAFETY: All threads of a model are run by one thread of the system.
unsafe impl Sync for ThisModule {}

impl ThisModule {
    pub const unsafe fn from_ptr(module: *mut bindings::module) -> Self {
        Self(module)
    }

    pub const fn as_ptr(&self) -> *mut bindings::module {
        self.0
    }
}
