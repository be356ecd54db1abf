// SPDX-License-Identifier: GPL-2.0

//! Commands 40 and 41: namespaces that a request names, and the bytes of a request.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Attribute,
        Capability,
        Net,
        Request,
        Responder,
        Sent, //
    },
    op,
    GenlTest, //
};
use kernel::prelude::*;

genl::attributes! {
    /// Which namespace: the first of these that is there, or else that of the request.
    pub(crate) mod which: WhichSet {
        /// By a file of it.
        Fd = 1: U32,
        /// By a process in it.
        Pid = 2: U32,
        /// By its number in the namespace of the request.
        Nsid = 3: S32,
        /// It is to have a number there.
        Assign = 4: Flag,
    }

    /// What is known of it.
    pub(crate) mod known: KnownSet {
        /// Its cookie.
        Cookie = 1: U64,
        /// The number of its inode.
        Inum = 2: U32,
        /// Its number in the namespace of the request.
        Nsid = 3: S32,
        /// The sender has `CAP_NET_ADMIN` over it.
        Capable = 4: Flag,
    }

    /// A request, and itself.
    pub(crate) mod mirror: MirrorSet {
        /// Any bytes; in the reply those of the request.
        Bytes = 1: Binary { max_len(1000) },
    }
}

genl::messages! {
    /// The reply of netns.
    pub(crate) struct Known: KnownSet for op::Netns {
        cookie: known::Cookie,
        inum: known::Inum,
        nsid: known::Nsid,
        capable: known::Capable,
    }
}

impl GenlTest {
    pub(crate) fn netns<'a>(
        &self,
        request: Request<'a, op::Netns>,
        reply: Responder<'a, op::Netns>,
    ) -> Result<Sent<'a>> {
        let here = request.net();
        let net = if let Some(fd) = request.get(which::Fd) {
            Net::by_fd(fd)?
        } else if let Some(pid) = request.get(which::Pid) {
            Net::by_pid(pid)?
        } else if let Some(nsid) = request.get(which::Nsid) {
            here.by_nsid(nsid).ok_or(ENOENT)?
        } else {
            here.into()
        };
        let nsid = if request.get(which::Assign) {
            here.assign_nsid(&net, GFP_KERNEL)
        } else {
            here.nsid_of(&net)
        };
        reply.send(&Known {
            cookie: Some(net.cookie()),
            inum: Some(net.inum()),
            nsid,
            capable: request.capable_over(&net, Capability::NET_ADMIN),
        })
    }

    pub(crate) fn mirror<'a>(
        &self,
        request: Request<'a, op::Mirror>,
        reply: Responder<'a, op::Mirror>,
    ) -> Result<Sent<'a>> {
        reply.send(&(mirror::Bytes.put(request.bytes()),))
    }
}
