// SPDX-License-Identifier: GPL-2.0

//! Commands 40 and 41: namespaces that a request names, and the bytes of a request.

#![forbid(unsafe_code)]

use crate::{
    commands,
    genl::{
        layout::{
            Bytes,
            Flag,
            S32,
            U32,
            U64, //
        },
        Attr,
        Capability,
        DoReply,
        Layout,
        Message,
        Net,
        Op,
        Policy,
        Request,
        Responder,
        Sent, //
    },
    GenlTest, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

commands! {
    /// Return what is known of a namespace.
    Netns = 40, "netns";
    /// Return the request itself.
    Mirror = 41, "mirror";
}

impl Policy for Netns {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(),
        Attr::u32(),
        Attr::u32(),
        Attr::s32(),
        Attr::flag(),
    ];
}

impl Op for Netns {
    type Policy = Self;
}

/// The reply of [`Netns`].
struct Known {
    net: ARef<Net>,
    nsid: Option<i32>,
    capable: bool,
}

impl Message<Netns> for Known {
    fn layout(&self) -> impl Layout + '_ {
        (
            U64::<1>(self.net.cookie()),
            U32::<2>(self.net.inum()),
            self.nsid.map(S32::<3>),
            self.capable.then_some(Flag::<4>),
        )
    }
}

impl DoReply for Netns {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let here = request.net();
        let net = if let Some(fd) = request.u32::<1>() {
            Net::by_fd(fd)?
        } else if let Some(pid) = request.u32::<2>() {
            Net::by_pid(pid)?
        } else if let Some(nsid) = request.s32::<3>() {
            here.by_nsid(nsid).ok_or(ENOENT)?
        } else {
            here.into()
        };
        let nsid = if request.flag::<4>() {
            here.assign_nsid(&net, GFP_KERNEL)
        } else {
            here.nsid_of(&net)
        };
        let capable = request.capable_over(&net, Capability::NET_ADMIN);
        reply.send(&Known { net, nsid, capable })
    }
}

impl Policy for Mirror {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::binary(1000)];
}

impl Op for Mirror {
    type Policy = Self;
}

/// The reply of [`Mirror`].
struct Image<'a>(&'a [u8]);

impl Message<Mirror> for Image<'_> {
    fn layout(&self) -> impl Layout + '_ {
        (Bytes::<1>(self.0),)
    }
}

impl DoReply for Mirror {
    fn doit<'a>(
        _: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Image(request.bytes()))
    }
}
