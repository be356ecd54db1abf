// SPDX-License-Identifier: GPL-2.0

//! State that a family keeps for each socket that has sent a request.
//!
//! A port number does not stand for a socket: it is free for others as soon as its socket is
//! closed, before anybody is told. What is kept here belongs to the socket itself.

use super::{
    command::Op,
    request::Request,
    socket::{
        Key,
        Socket,
        Sockets, //
    }, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    ThisModule, //
};

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
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use genl::{Op, PerSocket, Request};
/// use kernel::{prelude::*, ThisModule};
///
/// struct State {
///     /// How many requests each socket has sent.
///     requests: PerSocket<Atomic<u32>>,
/// }
///
/// fn count<O: Op>(state: &State, request: &Request<'_, O>) -> Result<u32> {
///     let counter = state.requests.get_or_make(request, || Ok(Atomic::new(0)))?;
///     Ok(counter.fetch_add(1, Relaxed).wrapping_add(1))
/// }
///
/// fn new(module: &'static ThisModule) -> Result<State> {
///     Ok(State { requests: PerSocket::new(module)? })
/// }
/// ```
///
pub struct PerSocket<T: Send + Sync + 'static>(Sockets<T>);

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
    ///
    /// Returns what `make` returns, [`ENOTCONN`] for a request that no socket has sent, and
    /// [`ENOMEM`].
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
        match self.0.add_only(key, socket, state.clone()) {
            Ok(()) => Ok(state),
            // The socket is not closed as long as somebody sends through it.
            Err(error) if error == EEXIST => self.get(request).ok_or(ENOTCONN),
            Err(error) => Err(error),
        }
    }

    /// The state of the socket that has sent the request, if it has one.
    pub fn get<O: Op>(&self, request: &Request<'_, O>) -> Option<Arc<T>> {
        self.0.get(&Self::key(request, &request.socket().ok()?))
    }

    /// How many sockets have a state.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether no socket has a state.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn key<O: Op>(request: &Request<'_, O>, socket: &Socket) -> Key {
        Key::of_all(request.portid(), request.net(), socket)
    }
}
