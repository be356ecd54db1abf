// SPDX-License-Identifier: GPL-2.0

//! Commands 12 to 16: who has sent a request, what is kept for them, what they may do.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Attribute,
        Capability,
        NetState,
        Request,
        Responder,
        Sent, //
    },
    op,
    GenlTest, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

genl::attributes! {
    /// What the kernel knows of the sender.
    pub(crate) mod who: WhoSet {
        /// The port.
        Port = 1: U32,
        /// The sequence number of the request.
        Seq = 2: U32,
        /// The flags of the request.
        Flags = 3: U32,
        /// The process.
        Pid = 4: U32,
        /// The user.
        Uid = 5: U32,
        /// The group.
        Gid = 6: U32,
        /// The cookie of the network namespace.
        Cookie = 7: U64,
        /// The number of its inode.
        Inum = 8: U32,
        /// The sender has `CAP_NET_ADMIN`.
        NetAdmin = 9: Flag,
        /// The sender has `CAP_SYS_ADMIN`.
        SysAdmin = 10: Flag,
        /// The sender has `CAP_NET_ADMIN` over the network namespace.
        NetnsAdmin = 11: Flag,
        /// The sender has `CAP_NET_RAW` over the network namespace.
        NetnsRaw = 12: Flag,
    }

    /// How many requests there were.
    pub(crate) mod counts: CountSet {
        /// Of this socket.
        OfSocket = 1: U32,
        /// In this network namespace.
        InNet = 2: U32,
        /// Its cookie.
        Cookie = 3: U64,
        /// How many sockets have a count.
        Sockets = 4: U32,
    }

    /// How long a handler is busy.
    pub(crate) mod busy: BusySet {
        /// In milliseconds.
        Millis = 1: U32 { max::<1000>() },
    }

    /// How many have been busy.
    pub(crate) mod most: MostSet {
        /// At once, at most.
        Most = 1: U32,
    }
}

genl::messages! {
    /// The reply of count.
    pub(crate) struct Counts: CountSet for op::Count {
        of_socket: counts::OfSocket,
        in_net: counts::InNet,
        cookie: counts::Cookie,
        sockets: counts::Sockets,
    }
}

impl GenlTest {
    pub(crate) fn who<'a>(
        &self,
        request: Request<'a, op::Who>,
        reply: Responder<'a, op::Who>,
    ) -> Result<Sent<'a>> {
        let (sender, net) = (request.sender(), request.net());
        let capable = |capability| request.capable(capability).then_some(());
        let net_capable = |capability| request.net_capable(capability).then_some(());
        reply.send(&(
            who::Port.put(request.portid()),
            who::Seq.put(request.seq()),
            who::Flags.put(u32::from(request.flags())),
            who::Pid.put(sender.pid),
            who::Uid.put(sender.uid),
            who::Gid.put(sender.gid),
            who::Cookie.put(|| net.cookie()),
            who::Inum.put(|| net.inum()),
            capable(Capability::NET_ADMIN).map(|yes| who::NetAdmin.put(yes)),
            capable(Capability::SYS_ADMIN).map(|yes| who::SysAdmin.put(yes)),
            net_capable(Capability::NET_ADMIN).map(|yes| who::NetnsAdmin.put(yes)),
            net_capable(Capability::NET_RAW).map(|yes| who::NetnsRaw.put(yes)),
        ))
    }

    pub(crate) fn count<'a>(
        &self,
        request: Request<'a, op::Count>,
        reply: Responder<'a, op::Count>,
    ) -> Result<Sent<'a>> {
        let of_socket = self
            .requests_of_socket
            .get_or_make(&request, || Ok(Atomic::new(0)))?;
        let in_net = self.requests_in_net.get(request.net())?;
        reply.send(&Counts {
            of_socket: Some(of_socket.fetch_add(1, Relaxed).wrapping_add(1)),
            in_net: Some(in_net.requests.fetch_add(1, Relaxed).wrapping_add(1)),
            cookie: Some(in_net.cookie),
            // CAST: There are not that many sockets.
            sockets: Some(self.requests_of_socket.len() as u32),
        })
    }

    pub(crate) fn admin_only(&self, _: Request<'_, op::AdminOnly>) -> Result {
        Ok(())
    }

    pub(crate) fn netns_admin_only(&self, _: Request<'_, op::NetnsAdminOnly>) -> Result {
        Ok(())
    }

    pub(crate) fn busy<'a>(
        &self,
        request: Request<'a, op::Busy>,
        reply: Responder<'a, op::Busy>,
    ) -> Result<Sent<'a>> {
        let most = self.crowd.join(request.get(busy::Millis).unwrap_or(0));
        reply.send(&(most::Most.put(most),))
    }
}

/// Counts the requests in one namespace.
pub(crate) struct NetCount {
    requests: Atomic<u32>,
    cookie: u64,
}

impl NetState for NetCount {
    fn new(cookie: u64) -> impl PinInit<Self, Error> {
        Ok(Self {
            requests: Atomic::new(0),
            cookie,
        })
    }
}

/// How many handlers are busy.
pub(crate) struct Crowd {
    now: Atomic<u32>,
    most: Atomic<u32>,
}

impl Crowd {
    pub(crate) const fn new() -> Self {
        Self {
            now: Atomic::new(0),
            most: Atomic::new(0),
        }
    }

    /// Takes `millis` milliseconds and returns how many there have been at once, ever.
    pub(crate) fn join(&self, millis: u32) -> u32 {
        let now = self.now.fetch_add(1, Relaxed).wrapping_add(1);
        let mut most = self.most.load(Relaxed);
        while most < now {
            match self.most.cmpxchg(most, now, Relaxed) {
                Ok(_) => break,
                Err(other) => most = other,
            }
        }
        fsleep(Delta::from_millis(millis.into()));
        self.now.fetch_sub(1, Relaxed);
        self.most.load(Relaxed)
    }
}
