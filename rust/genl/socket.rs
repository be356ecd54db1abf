// SPDX-License-Identifier: GPL-2.0

//! Sockets that have sent a request, and state that a family keeps for each of them.
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
    net::Net,
    op::Op,
    request::Request, //
};
use core::{
    ffi::c_void,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    new_mutex,
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
        impl_has_work,
        new_work,
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
        self.0.as_ptr() as usize
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    portid: u32,
    net: usize,
    address: usize,
    serial: u64,
}

/// Something that is kept for a socket.
pub(super) struct Entry<T> {
    pub(super) socket: Socket,
    pub(super) value: T,
}

struct Entries<T> {
    open: RBTree<Key, Entry<T>>,
    /// How many there are in `open`.
    count: usize,
    /// Those of sockets that have been closed, until the work has dropped them.
    closed: RBTree<Key, Entry<T>>,
    serial: u64,
}

// Its nodes have allocations of their own.
impl<T> Unpin for Entries<T> {}

/// The part of a [`Sockets`] that others refer to.
#[pin_data]
pub(super) struct Shared<T: Send + 'static> {
    nb: Opaque<bindings::notifier_block>,
    #[pin]
    work: Work<Shared<T>>,
    #[pin]
    entries: Mutex<Entries<T>>,
}

// SAFETY: The notifier block belongs to the core, and the rest is protected by its mutex.
unsafe impl<T: Send> Send for Shared<T> {}

// SAFETY: As above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl_has_work! {
    impl{T: Send + 'static} HasWork<Self> for Shared<T> { self.work }
}

impl<T: Send + 'static> WorkItem for Shared<T> {
    type Pointer = Arc<Self>;

    /// Drops what belonged to sockets that have been closed.
    fn run(shared: Arc<Self>) {
        loop {
            let entry = {
                let mut entries = shared.entries.lock();
                let first = entries.closed.keys().next().copied();
                first.and_then(|key| entries.closed.remove_node(&key))
            };
            // Without the lock: it may own what takes locks when it is dropped.
            if entry.is_none() {
                break;
            }
        }
    }
}

impl<T: Send + 'static> Shared<T> {
    /// Takes something out, unless its socket has been closed.
    pub(super) fn take(&self, key: &Key) -> Option<Entry<T>> {
        let mut entries = self.entries.lock();
        let entry = entries.open.remove(key)?;
        entries.count = entries.count.wrapping_sub(1);
        Some(entry)
    }

    /// Whether something is still kept, for a socket that is open.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.entries.lock().open.get(key).is_some()
    }

    /// Takes out whatever comes first.
    fn take_first(&self) -> Option<Entry<T>> {
        let mut entries = self.entries.lock();
        let first = entries.open.keys().next().copied()?;
        entries.count = entries.count.wrapping_sub(1);
        entries.open.remove(&first)
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
            if let Some(node) = entries.open.remove_node(&key) {
                entries.count = entries.count.wrapping_sub(1);
                // Its socket is alive, so nothing else can have its key.
                entries.closed.insert(node);
                some = true;
            }
            from = key;
        }
        some
    }
}

/// The first key from `from` on that has the same port and namespace and belongs to a socket that is closed.
fn next_closed<T>(open: &mut RBTree<Key, Entry<T>>, from: &Key) -> Option<Key> {
    let mut cursor = open.cursor_lower_bound_mut(from)?;
    loop {
        let (key, entry) = cursor.current();
        if (key.portid, key.net) != (from.portid, from.net) {
            return None;
        }
        if entry.socket.is_closed() {
            return Some(*key);
        }
        cursor = cursor.move_next()?;
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
pub(super) struct Sockets<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    module: &'static ThisModule,
}

impl<T: Send + 'static> Sockets<T> {
    /// Returns [`ENOMEM`], or what [`module::give`] returns.
    pub(super) fn new(module: &'static ThisModule) -> Result<Self> {
        let nb = bindings::notifier_block {
            notifier_call: Some(released::<T>),
            ..pin_init::zeroed()
        };
        let shared = Arc::pin_init(
            pin_init!(Shared {
                nb: Opaque::new(nb),
                work <- new_work!("genl::Sockets"),
                entries <- new_mutex!(
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
        )?;
        let thing = Self::thing(&shared);
        let place = Place::new(module, Kind::Callback, thing, Self::end)?;
        // SAFETY: The block is pinned, and unregistered before it is freed.
        to_result(unsafe { bindings::netlink_register_notifier(shared.nb.get()) })?;
        // The list has a reference of its own, as long as it is in there.
        core::mem::forget(shared.clone());
        // SAFETY: `end` takes it back, and then nobody else does.
        unsafe { place.fill() };
        // INVARIANT: It was just registered.
        Ok(Self { shared, module })
    }

    /// What stands for this in the list of what the module has given to the core.
    fn thing(shared: &Arc<Shared<T>>) -> NonNull<c_void> {
        NonNull::from(&**shared).cast()
    }

    /// Ends what [`Sockets::new`] has begun.
    ///
    /// # Safety
    ///
    /// `thing` comes from [`Sockets::thing`], and was just taken off the list.
    unsafe fn end(thing: NonNull<c_void>) {
        // SAFETY: By the safety requirements of this function; `Sockets::new` has forgotten a
        // reference.
        let shared = unsafe { Arc::from_raw(thing.cast::<Shared<T>>().as_ptr()) };
        // SAFETY: It is registered. No callback runs when this returns.
        unsafe { bindings::netlink_unregister_notifier(shared.nb.get()) };
        // Here and now, though the work may have a reference for a while.
        core::iter::from_fn(|| shared.take_first()).for_each(drop);
        Shared::run(shared);
    }

    /// What refers to the entries, for longer than this exists if need be.
    pub(super) fn shared(&self) -> &Arc<Shared<T>> {
        &self.shared
    }

    /// Keeps something for a socket that has this port and is not closed.
    pub(super) fn add(&self, portid: u32, net: &Net, socket: Socket, value: T) -> Result<Key> {
        let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let mut entries = self.shared.entries.lock();
        entries.serial = entries.serial.wrapping_add(1);
        let key = Key {
            portid,
            net: net.as_ptr() as usize,
            address: socket.address(),
            serial: entries.serial,
        };
        entries
            .open
            .insert(node.into_node(key, Entry { socket, value }));
        entries.count = entries.count.wrapping_add(1);
        Ok(key)
    }

    /// Takes out all that is kept, one by one.
    pub(super) fn drain(&self) -> impl Iterator<Item = Entry<T>> + '_ {
        core::iter::from_fn(|| self.shared.take_first())
    }
}

impl<T: Send + 'static> Drop for Sockets<T> {
    fn drop(&mut self) {
        let thing = Self::thing(&self.shared);
        if module::take_back(self.module, Kind::Callback, thing) {
            // SAFETY: It was just taken off the list.
            unsafe { Self::end(thing) };
        }
    }
}

/// State for each socket that has asked for it: a member of the state of a family.
///
/// It is made when it is needed first. It is dropped a moment after the socket was closed, or when
/// this value is dropped. An [`Arc`] of it keeps it for longer. Another socket never gets it, not
/// even one that has the same port right after.
///
/// It may own anything. One that owns what owns the [`PerSocket`] keeps that, and the module, until
/// the socket is closed.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// use genl::{Op, PerSocket, Request};
/// use kernel::{prelude::*, ThisModule};
///
/// struct State {
///     /// How many requests each socket has sent.
///     requests: PerSocket<AtomicU32>,
/// }
///
/// fn count<O: Op>(state: &State, request: &Request<'_, O>) -> Result<u32> {
///     let counter = state.requests.get_or_make(request, || Ok(AtomicU32::new(0)))?;
///     Ok(counter.fetch_add(1, Relaxed) + 1)
/// }
///
/// fn new(module: &'static ThisModule) -> Result<State> {
///     Ok(State { requests: PerSocket::new(module)? })
/// }
/// ```
///
pub struct PerSocket<T: Send + Sync + 'static>(Sockets<Arc<T>>);

impl<T: Send + Sync + 'static> PerSocket<T> {
    /// Begins to keep state, for no socket yet.
    ///
    /// `module` is the module that this is part of. It may sleep.
    ///
    /// Returns [`ENOMEM`], [`EINVAL`] for the wrong module, and `ESHUTDOWN` in one that is going.
    pub fn new(module: &'static ThisModule) -> Result<Self> {
        Ok(Self(Sockets::new(module)?))
    }

    /// Returns the state of the socket that has sent the request. If there is none, `make` makes
    /// it.
    ///
    /// If two requests of a socket come at the same time, both may make one. Both get the same one.
    pub fn get_or_make<O: Op>(
        &self,
        request: &Request<'_, O>,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        if let Some(state) = self.get(request) {
            return Ok(state);
        }
        let socket = request.socket()?;
        let key = Self::key(request, &socket);
        let state = Arc::new(make()?, GFP_KERNEL)?;
        let entry = Entry {
            socket,
            value: state.clone(),
        };
        let node = RBTreeNode::new(key, entry, GFP_KERNEL)?;
        // From here on nothing is dropped that could be a state, until the lock is.
        let mut entries = self.0.shared.entries.lock();
        if let Some(entry) = entries.open.get(&key) {
            return Ok(entry.value.clone());
        }
        entries.open.insert(node);
        entries.count = entries.count.wrapping_add(1);
        Ok(state)
    }

    /// The state of the socket that has sent the request, if it has one.
    pub fn get<O: Op>(&self, request: &Request<'_, O>) -> Option<Arc<T>> {
        let key = Self::key(request, &request.socket().ok()?);
        let entries = self.0.shared.entries.lock();
        entries.open.get(&key).map(|entry| entry.value.clone())
    }

    /// How many sockets have a state.
    pub fn len(&self) -> usize {
        self.0.shared.entries.lock().count
    }

    /// Returns whether no socket has a state.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn key<O: Op>(request: &Request<'_, O>, socket: &Socket) -> Key {
        Key {
            portid: request.portid(),
            net: request.net().as_ptr() as usize,
            address: socket.address(),
            serial: 0,
        }
    }
}

/// # Safety
///
/// The core calls it for the `nb` of a `Shared<T>` in an [`Arc`], with a `struct netlink_notify`,
/// while its `Sockets<T>` exists.
unsafe extern "C" fn released<T: Send + 'static>(
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
        // SAFETY: `nb` is a member of a `Shared<T>` in an `Arc`, of which the `Sockets<T>` has a
        // reference during this call; `Opaque` is transparent.
        let shared = ManuallyDrop::new(unsafe {
            Arc::from_raw(kernel::container_of!(nb.cast::<Opaque<_>>(), Shared<T>, nb))
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
