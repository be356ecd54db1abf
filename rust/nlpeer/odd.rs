// SPDX-License-Identifier: GPL-2.0

//! Replies that are odd on purpose, and reads that fail.
//!
//! A safe interface does not make broken messages, so these are made by `odd.c`, and this file is
//! where that is called.

use crate::{
    genl::{
        Attribute,
        DumpResult,
        DumpState,
        Objects,
        Request,
        Responder,
        Sent,
        Stop, //
    },
    nlpeer_gen::{
        attr::odd,
        def::ODD_READS,
        op, //
    },
    peer::Nlpeer, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

// As `odd.h` has them. Locks of the kernel have keys without fields where lockdep is not
// configured.
#[allow(improper_ctypes)]
extern "C" {
    fn nlpeer_odd_wants_ack(info: *const bindings::genl_info, what: u32) -> bool;
    fn nlpeer_odd_send(
        request: *mut bindings::sk_buff,
        info: *const bindings::genl_info,
        what: u32,
        wants_ack: bool,
    ) -> c_int;
    fn nlpeer_odd_lose(request: *const bindings::sk_buff);
}

/// Sends what the request asks for.
pub(crate) fn answer<'a>(
    request: &Request<'a, op::OddGetDo>,
    reply: Responder<'a, op::OddGetDo>,
) -> Result<Sent<'a>> {
    let info = request.as_ptr();
    // CAST: It is the number of the spec.
    let what = request.need(odd::What)? as u32;
    // SAFETY: It belongs to a request that is being handled. Nothing here refers to the bytes of
    // that, whose flags may change.
    let wants_ack = unsafe { nlpeer_odd_wants_ack(info, what) };
    // What is sent is no message of `rust/genl`, for which the reply is put off. It ends here, and
    // the ack follows, unless it was among the messages.
    let (token, sent) = reply.defer()?;
    // SAFETY: Both belong to a request that is being handled.
    match to_result(unsafe { nlpeer_odd_send(request.skb(), info, what, wants_ack) }) {
        Ok(()) => token.finish(request.job()),
        Err(error) => token.fail(request.job(), error),
    }
    Ok(sent)
}

/// Where a dump with a read that fails stands.
///
/// # Invariants
///
/// `request` is the request of the dump whose state this is.
pub(crate) struct OddDump {
    request: *const bindings::sk_buff,
    /// How many buffers there have been.
    buffers: u32,
    read: Option<u32>,
}

// SAFETY: A request can be looked at in any task.
unsafe impl Send for OddDump {}

impl OddDump {
    pub(crate) fn new(request: &Request<'_, op::OddGetDump>) -> Self {
        // INVARIANT: The method of the family that starts the dump returns it.
        Self {
            request: request.skb(),
            buffers: 0,
            read: request.get(odd::Read),
        }
    }
}

impl DumpState<op::OddGetDump> for OddDump {
    fn dump(&mut self, _: &Nlpeer, objects: &mut Objects<'_, op::OddGetDump>) -> DumpResult {
        self.buffers = self.buffers.wrapping_add(1);
        // The first buffer is filled when the dump is asked for, each other one by the read that
        // takes the one before it. So what goes wrong now is told by the read with this number.
        if self.read == Some(self.buffers) {
            // SAFETY: By the type invariants. The core keeps the request as long as its dump, and
            // fills a buffer for a socket that is open.
            unsafe { nlpeer_odd_lose(self.request) };
        }
        if self.buffers > ODD_READS {
            return Ok(());
        }
        objects.push(&(odd::Number.put(self.buffers),))?;
        Err(Stop::next_buffer())
    }

    fn done(self, peer: &Nlpeer) {
        peer.end_dump();
    }
}
