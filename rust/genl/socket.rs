// SPDX-License-Identifier: GPL-2.0

//! Sockets that have sent a request, and state that a family keeps for each of them.
//!
//! A port number does not stand for a socket: it is free for others as soon as its socket is
//! closed, before anybody is told. What is kept here is kept for the socket itself.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h) (`struct
//! netlink_notify`)

use super::{
    family::Callback,
    ffi,
    op::Op,
    request::Request, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    new_mutex,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        Arc,
        Mutex, //
    },
    types::Opaque, //
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

/// The port comes first, since that is what the core tells when a socket is closed.
type Key = (u32, usize);

struct Entry<T> {
    socket: Socket,
    state: Arc<T>,
}

#[pin_data]
struct Inner<T> {
    nb: Opaque<bindings::notifier_block>,
    #[pin]
    states: Mutex<RBTree<Key, Entry<T>>>,
    _callback: Callback,
}

/// State for each socket that has asked for it: a member of the state of a family.
///
/// It is made when it is needed first, and dropped when the socket is closed or when this is
/// dropped; who has an [`Arc`] of it keeps it for longer. It is dropped under a lock of the core, and
/// must not own a [`PerSocket`], nor an [`Arc`] of what owns one. Another socket never gets it, not even one
/// that has the same port right after.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// use genl::{Op, PerSocket, Request};
/// use kernel::prelude::*;
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
/// fn new() -> Result<State> {
///     Ok(State { requests: PerSocket::new()? })
/// }
/// ```
///
/// # Invariants
///
/// The notifier block is registered.
pub struct PerSocket<T: Send + Sync + 'static>(Pin<KBox<Inner<T>>>);

// SAFETY: The notifier block belongs to the core, and the rest is protected by its mutex.
unsafe impl<T: Send + Sync> Send for PerSocket<T> {}

// SAFETY: As above.
unsafe impl<T: Send + Sync> Sync for PerSocket<T> {}

impl<T: Send + Sync + 'static> PerSocket<T> {
    /// Begins to keep state, for no socket yet.
    ///
    /// Returns [`ENOMEM`], or [`EPERM`] in a module that was not made by `module_genl_family!`.
    pub fn new() -> Result<Self> {
        let callback = Callback::new()?;
        let nb = bindings::notifier_block {
            notifier_call: Some(released::<T>),
            ..pin_init::zeroed()
        };
        let inner = KBox::pin_init(
            pin_init!(Inner {
                nb: Opaque::new(nb),
                states <- new_mutex!(RBTree::new(), "genl::PerSocket"),
                _callback: callback,
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The block is pinned, and unregistered before it is freed.
        to_result(unsafe { bindings::netlink_register_notifier(inner.nb.get()) })?;
        // INVARIANT: It was just registered.
        Ok(Self(inner))
    }

    /// The state of the socket that has sent the request; `make` makes it where there is none.
    ///
    /// Where two requests of a socket come at the same time, both may make one; both get the same.
    pub fn get_or_make<O: Op>(
        &self,
        request: &Request<'_, O>,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        if let Some(state) = self.get(request) {
            return Ok(state);
        }
        let socket = request.socket()?;
        let key = (request.portid(), socket.address());
        let state = Arc::new(make()?, GFP_KERNEL)?;
        let entry = Entry {
            socket,
            state: state.clone(),
        };
        let node = RBTreeNode::new(key, entry, GFP_KERNEL)?;
        // From here on nothing is dropped that could be a state, until the lock is.
        let mut states = self.0.states.lock();
        if let Some(entry) = states.get(&key) {
            return Ok(entry.state.clone());
        }
        states.insert(node);
        Ok(state)
    }

    /// The state of the socket that has sent the request, if it has one.
    pub fn get<O: Op>(&self, request: &Request<'_, O>) -> Option<Arc<T>> {
        let key = (request.portid(), request.socket().ok()?.address());
        let states = self.0.states.lock();
        states.get(&key).map(|entry| entry.state.clone())
    }

    /// How many sockets have a state.
    pub fn len(&self) -> usize {
        // Not `count()`, whose addition could panic.
        let states = self.0.states.lock();
        states.iter().fold(0, |n: usize, _| n.wrapping_add(1))
    }

    /// Whether no socket has a state.
    pub fn is_empty(&self) -> bool {
        self.0.states.lock().is_empty()
    }
}

impl<T: Send + Sync> Drop for PerSocket<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants. No callback runs when this returns.
        unsafe { bindings::netlink_unregister_notifier(self.0.nb.get()) };
    }
}

impl<T> Inner<T> {
    /// Takes out an entry of a socket that had this port and is closed. The port may belong to
    /// another one by now, which is not.
    fn take_closed(&self, portid: u32) -> Option<RBTreeNode<Key, Entry<T>>> {
        let mut states = self.states.lock();
        let key = {
            let mut cursor = states.cursor_lower_bound_mut(&(portid, 0))?;
            loop {
                let (key, entry) = cursor.current();
                if key.0 != portid {
                    return None;
                }
                if entry.socket.is_closed() {
                    break *key;
                }
                cursor = cursor.move_next()?;
            }
        };
        states.remove_node(&key)
    }
}

/// # Safety
///
/// The core calls it for the `nb` of an `Inner<T>`, with a `struct netlink_notify`.
unsafe extern "C" fn released<T>(
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
        // SAFETY: `nb` is a member of an `Inner<T>` that is registered during this call; `Opaque`
        // is transparent.
        let inner = unsafe { &*kernel::container_of!(nb.cast::<Opaque<_>>(), Inner<T>, nb) };
        // What is taken out is dropped here, without our lock, but under that of the chain.
        while inner.take_closed(notify.portid).is_some() {}
    }
    // CAST: It is 0.
    bindings::NOTIFY_DONE as c_int
}
