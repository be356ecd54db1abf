// SPDX-License-Identifier: GPL-2.0

//! Commands 12 to 16: who has sent a request, what is kept for them, what they may do.

#![forbid(unsafe_code)]

use crate::{
    commands,
    genl::{
        layout::{
            Flag,
            U32,
            U64, //
        },
        Access,
        Attr,
        Capability,
        Do,
        DoReply,
        Layout,
        Message,
        NetState,
        NoAttrs,
        Op,
        Policy,
        Request,
        Responder,
        Sent, //
    },
    GenlTest, //
};
use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};

commands! {
    /// Return what the kernel knows of the sender.
    Who = 12, "who";
    /// Count the requests of a socket, and those in a namespace.
    Count = 13, "count";
    /// For the administrator of the machine.
    AdminOnly = 14, "admin-only";
    /// For the administrator of the network namespace.
    NetnsAdminOnly = 15, "netns-admin-only";
    /// Take some time, and return how many have done so at once.
    Busy = 16, "busy";
}

impl Op for Who {
    type Policy = NoAttrs;
}

/// The reply of [`Who`].
struct Description<'a>(&'a Request<'a, Who>);

impl Message<Who> for Description<'_> {
    fn layout(&self) -> impl Layout + '_ {
        let request = self.0;
        let sender = request.sender();
        let capable = |capability| request.capable(capability);
        let net_capable = |capability| request.net_capable(capability);
        (
            U32::<1>(request.portid()),
            U32::<2>(request.seq()),
            U32::<3>(request.flags().into()),
            U32::<4>(sender.pid),
            U32::<5>(sender.uid),
            U32::<6>(sender.gid),
            U64::<7>(request.net().cookie()),
            U32::<8>(request.net().inum()),
            capable(Capability::NET_ADMIN).then_some(Flag::<9>),
            capable(Capability::SYS_ADMIN).then_some(Flag::<10>),
            net_capable(Capability::NET_ADMIN).then_some(Flag::<11>),
            net_capable(Capability::NET_RAW).then_some(Flag::<12>),
        )
    }
}

impl DoReply for Who {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Description(&request))
    }
}

/// Counts the requests in one namespace.
pub(crate) struct NetCount {
    requests: AtomicU32,
    cookie: u64,
}

impl NetState for NetCount {
    fn new(cookie: u64) -> impl PinInit<Self, Error> {
        Ok(Self {
            requests: AtomicU32::new(0),
            cookie,
        })
    }
}

impl Op for Count {
    type Policy = NoAttrs;
}

/// The reply of [`Count`].
struct Counts {
    of_socket: u32,
    in_net: u32,
    cookie: u64,
    sockets: u32,
}

impl Message<Count> for Counts {
    fn layout(&self) -> impl Layout + '_ {
        (
            U32::<1>(self.of_socket),
            U32::<2>(self.in_net),
            U64::<3>(self.cookie),
            U32::<4>(self.sockets),
        )
    }
}

impl DoReply for Count {
    fn doit<'a>(
        test: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let of_socket = test
            .requests_of_socket
            .get_or_make(&request, || Ok(AtomicU32::new(0)))?;
        let in_net = test.requests_in_net.get(request.net())?;
        reply.send(&Counts {
            of_socket: of_socket.fetch_add(1, Relaxed).wrapping_add(1),
            in_net: in_net.requests.fetch_add(1, Relaxed).wrapping_add(1),
            cookie: in_net.cookie,
            // CAST: There are not that many sockets.
            sockets: test.requests_of_socket.len() as u32,
        })
    }
}

impl Op for AdminOnly {
    type Policy = NoAttrs;
    const ACCESS: Access = Access::Admin;
}

impl Do for AdminOnly {
    fn doit(_: &GenlTest, _: Request<'_, Self>) -> Result {
        Ok(())
    }
}

impl Op for NetnsAdminOnly {
    type Policy = NoAttrs;
    const ACCESS: Access = Access::NetnsAdmin;
}

impl Do for NetnsAdminOnly {
    fn doit(_: &GenlTest, _: Request<'_, Self>) -> Result {
        Ok(())
    }
}

/// How many handlers are busy.
pub(crate) struct Crowd {
    now: AtomicU32,
    most: AtomicU32,
}

impl Crowd {
    pub(crate) const fn new() -> Self {
        Self {
            now: AtomicU32::new(0),
            most: AtomicU32::new(0),
        }
    }

    /// Takes `millis` milliseconds and returns how many there have been at once, ever.
    pub(crate) fn join(&self, millis: u32) -> u32 {
        let now = self.now.fetch_add(1, Relaxed).wrapping_add(1);
        self.most.fetch_max(now, Relaxed);
        fsleep(Delta::from_millis(millis.into()));
        self.now.fetch_sub(1, Relaxed);
        self.most.load(Relaxed)
    }
}

impl Policy for Busy {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32().max::<1000>()];
}

impl Op for Busy {
    type Policy = Self;
}

/// The reply of [`Busy`].
struct Most(u32);

impl Message<Busy> for Most {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

impl DoReply for Busy {
    fn doit<'a>(
        test: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Most(test.crowd.join(request.u32::<1>().unwrap_or(0))))
    }
}
