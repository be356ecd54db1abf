// SPDX-License-Identifier: GPL-2.0

//! Commands 9 to 11: notifications to each kind of listeners.

#![forbid(unsafe_code)]

use crate::{
    commands,
    genl::{
        layout::U32,
        Attr,
        Do,
        DoReply,
        Family,
        Group,
        Layout,
        Message,
        Net,
        NoAttrs,
        Notify,
        Op,
        Policy,
        Request,
        Responder,
        Sent, //
    },
    GenlTest, //
};
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;

commands! {
    /// Send a notification.
    Tell = 9, "tell";
    /// Return how often a group was joined and left, and who listens now.
    Watched = 10, "watched";
    /// The notification of the first group.
    News = 11, "news";
    /// The notification of the second group.
    AdminNews = 11, "news";
    /// The notification of the third group.
    SysNews = 11, "news";
}

macro_rules! groups {
    ($($group:ident = $index:literal, $news:ident;)*) => {
        $(
            pub(crate) struct $group;

            impl Group for $group {
                type Family = GenlTest;
                const INDEX: u32 = $index;
            }

            impl Notify for $news {
                type Group = $group;
            }

            impl Message<$news> for Value {
                fn layout(&self) -> impl Layout + '_ {
                    (U32::<1>(self.0),)
                }
            }
        )*
    };
}

/// What a notification says.
struct Value(u32);

groups! {
    Anyone = 0, News;
    NetAdmin = 1, AdminNews;
    SysAdmin = 2, SysNews;
}

impl Policy for Tell {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::u32(), Attr::u32()];
}

impl Op for Tell {
    type Policy = Self;
}

impl Do for Tell {
    fn doit(_: &GenlTest, request: Request<'_, Self>) -> Result {
        let value = Value(request.u32::<1>().ok_or_else(|| request.missing::<1>())?);
        let port = || request.u32::<3>().ok_or_else(|| request.missing::<3>());
        let (family, net) = (request.registered(), request.net());
        match request.u32::<2>().unwrap_or(0) {
            0 => request.multicast::<News, _>(&value, GFP_KERNEL),
            1 => family.multicast_allns::<News, _>(&value, GFP_KERNEL),
            2 => family.multicast_except::<News, _>(net, request.portid(), &value, GFP_KERNEL),
            3 => request.notify::<News, _>(&value, GFP_KERNEL),
            4 => family.unicast::<News, _>(net, port()?, &value, GFP_KERNEL),
            5 => request.multicast::<AdminNews, _>(&value, GFP_KERNEL),
            6 => request.multicast::<SysNews, _>(&value, GFP_KERNEL),
            // From where there is no request any more, to the initial namespace.
            7 => family.queue_delayed_work(10, move |_| {
                if let Some(family) = GenlTest::descriptor().registered() {
                    let _ = family.multicast::<News, _>(Net::init(), &value, GFP_KERNEL);
                }
            }),
            // The value is the number of one of two errors.
            8 => {
                let error = [ENOBUFS, ENOENT]
                    .into_iter()
                    .find(|error| error.to_errno().unsigned_abs() == value.0)
                    .ok_or(EINVAL)?;
                family.set_err::<Anyone>(net, request.u32::<3>().unwrap_or(0), error);
                Ok(())
            }
            _ => Err(request.refuse::<2>(EOPNOTSUPP, c"unknown way")),
        }
    }
}

impl Op for Watched {
    type Policy = NoAttrs;
}

/// The reply of [`Watched`].
struct Counts {
    joined: u32,
    left: u32,
    listened: u32,
}

impl Message<Watched> for Counts {
    fn layout(&self) -> impl Layout + '_ {
        (
            U32::<1>(self.joined),
            U32::<2>(self.left),
            U32::<3>(self.listened),
        )
    }
}

impl DoReply for Watched {
    fn doit<'a>(
        test: &GenlTest,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        let (family, net) = (request.registered(), request.net());
        // A bit for each group.
        let listened = u32::from(family.has_listeners::<Anyone>(net))
            | u32::from(family.has_listeners::<NetAdmin>(net)) << 1
            | u32::from(family.has_listeners::<SysAdmin>(net)) << 2;
        reply.send(&Counts {
            joined: test.joined.load(Relaxed),
            left: test.left.load(Relaxed),
            listened,
        })
    }
}
