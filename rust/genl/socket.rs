// SPDX-License-Identifier: GPL-2.0

//! Sockets that have sent a request, and what is kept for each of them.
//!
//! A port number does not stand for a socket: it is free for others as soon as its socket is
//! closed, before anybody is told. What is kept here belongs to the socket itself.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h) (`struct
//! netlink_notify`)

use super::{
    ffi,
    module::{
        self,
        Kind,
        Place, //
    },
    net::Net, //
};
use core::{
    cmp::Ordering,
    ffi::c_void,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode,
        RBTreeNodeReservation, //
    },
    sync::{
        Arc,
        Mutex, //
    },
    types::Opaque,
    workqueue::{
        Work,
        WorkItem, //
    },
    ThisModule, //
};

/// A reference to a socket, which may be closed meanwhile.
///
/// # Invariants
///
/// The socket is valid, and this owns a reference to it.
pub(super) struct Socket(NonNull<bindings::sock>);

// SAFETY: References to a socket may be dropped by any task.
unsafe impl Send for Socket {}

// SAFETY: What is read of the socket here is read atomically, or never changes.
unsafe impl Sync for Socket {}

impl Socket {
    /// Takes a reference.
    ///
    /// # Safety
    ///
    /// `sk` is valid.
    pub(super) unsafe fn hold(sk: NonNull<bindings::sock>) -> Self {
        // SAFETY: By the safety requirements of this function.
        unsafe { ffi::genl_rs_sock_hold(sk.as_ptr()) };
        // INVARIANT: The reference was just taken.
        Self(sk)
    }

    /// Whether the socket has been closed.
    pub(super) fn is_closed(&self) -> bool {
        // SAFETY: By the type invariants.
        unsafe { ffi::genl_rs_sock_dead(self.0.as_ptr()) }
    }

    /// What makes it differ from all others that exist.
    fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { ffi::genl_rs_sock_put(self.0.as_ptr()) };
    }
}

/// What is kept for a socket has this key. The port and the namespace come first, since these are
/// what the core tells when a socket is closed; the address is that of the socket, and the last
/// number tells apart what is kept for the same one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    portid: u32,
    net: usize,
    address: usize,
    serial: u64,
}

impl Key {
    /// The key that stands for all that a socket has.
    pub(super) fn of_all(portid: u32, net: &Net, socket: &Socket) -> Self {
        Self {
            portid,
            net: net.as_ptr().addr(),
            address: socket.address(),
            serial: 0,
        }
    }
}

impl Ord for Key {
    // Trees have it in many places.
    #[inline(never)]
    fn cmp(&self, other: &Self) -> Ordering {
        let fields = |key: &Self| (key.portid, key.net, key.address, key.serial);
        fields(self).cmp(&fields(other))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Something that is kept for a socket.
pub(super) struct Entry<T> {
    pub(super) socket: Socket,
    pub(super) value: Arc<T>,
}

/// An [`Arc`] whose type is not known here: the bookkeeping is the same for all types.
///
/// # Invariants
///
/// `value` comes from [`Arc::into_raw`], and `drop` is [`drop_value`] of the same type, which is
/// `Send` and `Sync`.
struct Value {
    value: NonNull<c_void>,
    drop: unsafe fn(NonNull<c_void>),
}

// SAFETY: By the type invariants.
unsafe impl Send for Value {}

impl Value {
    fn new<T: Send + Sync + 'static>(value: Arc<T>) -> Self {
        let raw = NonNull::from(&*value).cast();
        core::mem::forget(value);
        // INVARIANT: It was just forgotten.
        Self {
            value: raw,
            drop: drop_value::<T>,
        }
    }

    /// Another reference.
    ///
    /// # Safety
    ///
    /// It is an `Arc<T>`.
    unsafe fn share<T>(&self) -> Arc<T> {
        // SAFETY: By the type invariants and the safety requirements of this function.
        let value = ManuallyDrop::new(unsafe { Arc::from_raw(self.value.cast::<T>().as_ptr()) });
        Arc::clone(&value)
    }

    /// The reference itself.
    ///
    /// # Safety
    ///
    /// It is an `Arc<T>`.
    unsafe fn into_arc<T>(self) -> Arc<T> {
        let this = ManuallyDrop::new(self);
        // SAFETY: As in `share`; this one is not dropped.
        unsafe { Arc::from_raw(this.value.cast::<T>().as_ptr()) }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { (self.drop)(self.value) };
    }
}

/// # Safety
///
/// `value` comes from [`Arc::into_raw`] of an `Arc<T>`, which is not used any more.
unsafe fn drop_value<T>(value: NonNull<c_void>) {
    // SAFETY: By the safety requirements of this function.
    drop(unsafe { Arc::from_raw(value.cast::<T>().as_ptr()) });
}

/// A socket and what is kept for it.
struct Held {
    socket: Socket,
    value: Value,
}

struct Entries {
    open: RBTree<Key, Held>,
    /// How many there are in `open`.
    count: usize,
    /// Those of sockets that have been closed, until the work has dropped them.
    closed: RBTree<Key, Held>,
    serial: u64,
}

// Its nodes have allocations of their own.
impl Unpin for Entries {}

/// The part of a [`Sockets`] that others refer to.
#[pin_data]
struct Shared {
    nb: Opaque<bindings::notifier_block>,
    #[pin]
    work: Work<Shared>,
    #[pin]
    entries: Mutex<Entries>,
}

// SAFETY: The notifier block belongs to the core, and the rest is protected by its mutex.
unsafe impl Send for Shared {}

// SAFETY: As above.
unsafe impl Sync for Shared {}

kernel::impl_has_work! {
    impl HasWork<Self> for Shared { self.work }
}

impl WorkItem for Shared {
    type Pointer = Arc<Self>;

    /// Drops what belonged to sockets that have been closed.
    fn run(shared: Arc<Self>) {
        loop {
            let held = {
                let mut entries = shared.entries.lock();
                let first = entries.closed.keys().next().copied();
                first.and_then(|key| remove(&mut entries.closed, &key))
            };
            // Without the lock: it may own what takes locks when it is dropped.
            if held.is_none() {
                break;
            }
        }
    }
}

impl Shared {
    fn new() -> Result<Arc<Self>> {
        let nb = bindings::notifier_block {
            notifier_call: Some(released),
            ..pin_init::zeroed()
        };
        Arc::pin_init(
            pin_init::pin_init!(Self {
                nb: Opaque::new(nb),
                work <- kernel::new_work!("genl::Sockets"),
                entries <- kernel::new_mutex!(
                    Entries {
                        open: RBTree::new(),
                        count: 0,
                        closed: RBTree::new(),
                        serial: 0,
                    },
                    "genl::Sockets"
                ),
            }),
            GFP_KERNEL,
        )
    }

    /// Keeps something under a key. If that stands for all that the socket has, this returns
    /// [`EEXIST`] where something is kept already; else the key gets a number of its own.
    fn add(&self, mut key: Key, held: Held, for_all: bool) -> Result<Key> {
        let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let mut entries = self.entries.lock();
        if !for_all {
            entries.serial = entries.serial.wrapping_add(1);
            key.serial = entries.serial;
        } else if entries.open.get(&key).is_some() {
            // What was given is dropped when the lock has been.
            return Err(EEXIST);
        }
        entries.open.insert(node.into_node(key, held));
        entries.count = entries.count.wrapping_add(1);
        Ok(key)
    }

    /// Takes something out, unless its socket has been closed.
    fn take(&self, key: &Key) -> Option<Held> {
        let mut entries = self.entries.lock();
        let node = remove(&mut entries.open, key)?;
        entries.count = entries.count.wrapping_sub(1);
        Some(node.to_key_value().1)
    }

    /// Takes out whatever comes first.
    #[inline(never)]
    fn take_first(&self) -> Option<Held> {
        let mut entries = self.entries.lock();
        let first = entries.open.keys().next().copied()?;
        entries.count = entries.count.wrapping_sub(1);
        Some(remove(&mut entries.open, &first)?.to_key_value().1)
    }

    /// Puts aside what belonged to a socket that had this port and is closed. The port may belong
    /// to another one by now, which is not. Returns whether there was anything.
    fn close(&self, portid: u32, net: usize) -> bool {
        let mut some = false;
        let mut entries = self.entries.lock();
        let mut from = Key {
            portid,
            net,
            address: 0,
            serial: 0,
        };
        while let Some(key) = next_closed(&mut entries.open, &from) {
            if let Some(node) = remove(&mut entries.open, &key) {
                entries.count = entries.count.wrapping_sub(1);
                // Its socket is alive, so nothing else can have its key.
                entries.closed.insert(node);
                some = true;
            }
            from = key;
        }
        some
    }

    /// Ends what [`Sockets::new`] has begun.
    ///
    /// # Safety
    ///
    /// `shared` points to a value in an [`Arc`], whose notifier block is registered, and of which
    /// [`Sockets::new`] has forgotten a reference.
    unsafe fn end(shared: NonNull<c_void>) {
        // SAFETY: By the safety requirements of this function.
        let shared = unsafe { Arc::from_raw(shared.cast::<Self>().as_ptr()) };
        // SAFETY: As above. No callback runs when this returns.
        unsafe { bindings::netlink_unregister_notifier(shared.nb.get()) };
        // Here and now, though the work may have a reference for a while.
        while shared.take_first().is_some() {}
        Self::run(shared);
    }
}

/// Takes a node out of a tree, in one place for all who do.
#[inline(never)]
fn remove(tree: &mut RBTree<Key, Held>, key: &Key) -> Option<RBTreeNode<Key, Held>> {
    tree.remove_node(key)
}

/// The first key from `from` on that has the same port and namespace and belongs to a socket that
/// is closed.
fn next_closed(open: &mut RBTree<Key, Held>, from: &Key) -> Option<Key> {
    let mut cursor = open.cursor_lower_bound_mut(from)?;
    loop {
        let (key, held) = cursor.current();
        if (key.portid, key.net) != (from.portid, from.net) {
            return None;
        }
        if held.socket.is_closed() {
            return Some(*key);
        }
        cursor = cursor.move_next()?;
    }
}

/// Refers to what a [`Sockets`] keeps, for longer than that exists if need be.
///
/// # Invariants
///
/// All values in it are of the type `Arc<T>`.
pub(super) struct Handle<T> {
    shared: Arc<Shared>,
    // Invariant: what is put in as one type is taken out as the same.
    _value: PhantomData<fn(T) -> T>,
}

impl<T: Send + Sync + 'static> Handle<T> {
    /// Takes something out, unless its socket has been closed.
    pub(super) fn take(&self, key: &Key) -> Option<Entry<T>> {
        self.shared.take(key).map(Self::typed)
    }

    /// Whether something is still kept, for a socket that is open.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.shared.entries.lock().open.get(key).is_some()
    }

    fn typed(held: Held) -> Entry<T> {
        Entry {
            socket: held.socket,
            // SAFETY: By the type invariants.
            value: unsafe { held.value.into_arc() },
        }
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        // INVARIANT: They are the same values.
        Self {
            shared: self.shared.clone(),
            _value: PhantomData,
        }
    }
}

/// What is kept for sockets, until they are closed or this is dropped.
///
/// The core tells that a socket has been closed under a lock that all who close a netlink socket
/// need. Nothing is dropped there: a work item does it a moment later, and what is dropped may even
/// own the last reference to this.
///
/// # Invariants
///
/// The notifier block is registered.
pub(super) struct Sockets<T> {
    handle: Handle<T>,
    module: &'static ThisModule,
}

impl<T: Send + Sync + 'static> Sockets<T> {
    /// Returns [`ENOMEM`], or what [`Place::new`] returns.
    pub(super) fn new(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            handle: Handle {
                // INVARIANT: There is none.
                shared: begin(module)?,
                _value: PhantomData,
            },
            module,
        })
    }

    /// What refers to the entries.
    pub(super) fn handle(&self) -> &Handle<T> {
        &self.handle
    }

    /// Keeps something for a socket that has this port and is not closed.
    pub(super) fn add(&self, portid: u32, net: &Net, socket: Socket, value: Arc<T>) -> Result<Key> {
        let key = Key::of_all(portid, net, &socket);
        // INVARIANT: It is an `Arc<T>`.
        let value = Value::new(value);
        self.handle.shared.add(key, Held { socket, value }, false)
    }

    /// Keeps something under a key that stands for all that the socket has. Returns [`EEXIST`]
    /// where something is kept already.
    pub(super) fn add_only(&self, key: Key, socket: Socket, value: Arc<T>) -> Result {
        // INVARIANT: It is an `Arc<T>`.
        let value = Value::new(value);
        let held = Held { socket, value };
        self.handle.shared.add(key, held, true).map(|_| ())
    }

    /// What is kept under a key, for a socket that is open.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<T>> {
        let entries = self.handle.shared.entries.lock();
        let held = entries.open.get(key)?;
        // SAFETY: By the type invariants of the handle.
        Some(unsafe { held.value.share() })
    }

    /// How much is kept for sockets that are open.
    pub(super) fn len(&self) -> usize {
        self.handle.shared.entries.lock().count
    }

    /// Takes out all that is kept, one by one.
    pub(super) fn drain(&self) -> impl Iterator<Item = Entry<T>> + '_ {
        core::iter::from_fn(|| self.handle.shared.take_first().map(Handle::typed))
    }
}

/// Begins to listen to sockets that are closed.
fn begin(module: &'static ThisModule) -> Result<Arc<Shared>> {
    let shared = Shared::new()?;
    let thing = NonNull::from(&*shared).cast();
    let place = Place::new(module, Kind::Callback, thing, Shared::end)?;
    // SAFETY: The block is pinned, and unregistered before it is freed.
    to_result(unsafe { bindings::netlink_register_notifier(shared.nb.get()) })?;
    // The list has a reference of its own, as long as it is in there.
    core::mem::forget(shared.clone());
    // SAFETY: `end` takes it back, and then nobody else does.
    unsafe { place.fill() };
    Ok(shared)
}

impl<T> Drop for Sockets<T> {
    fn drop(&mut self) {
        let thing = NonNull::from(&*self.handle.shared).cast();
        if module::take_back(self.module, Kind::Callback, thing) {
            // SAFETY: It was just taken off the list, so it is registered.
            unsafe { Shared::end(thing) };
        }
    }
}

/// # Safety
///
/// The core calls it for the `nb` of a [`Shared`] in an [`Arc`], with a `struct netlink_notify`,
/// while that is in the list of what was given to the core.
unsafe extern "C" fn released(
    nb: *mut bindings::notifier_block,
    action: c_ulong,
    data: *mut c_void,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    let notify = unsafe { &*data.cast::<bindings::netlink_notify>() };
    // CAST: Both are small numbers.
    if action == bindings::NETLINK_URELEASE as c_ulong
        && notify.protocol == bindings::NETLINK_GENERIC as c_int
    {
        // SAFETY: `nb` is a member of a `Shared` in an `Arc`, of which the list has a reference
        // during this call; `Opaque` is transparent.
        let shared = ManuallyDrop::new(unsafe {
            Arc::from_raw(kernel::container_of!(nb.cast::<Opaque<_>>(), Shared, nb))
        });
        if shared.close(notify.portid, notify.net as usize) {
            // SAFETY: It was given to the core, and is in the list, or has a place there.
            // Where it is queued already, it will see these as well.
            let _ = unsafe { module::queue() }.enqueue(Arc::clone(&shared));
        }
    }
    // CAST: It is 0.
    bindings::NOTIFY_DONE as c_int
}
