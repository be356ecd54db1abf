// SPDX-License-Identifier: GPL-2.0

//! Commands 9 to 11: notifications to each kind of listeners.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Attribute,
        Family,
        Net,
        Request,
        Responder,
        Sent, //
    },
    op,
    GenlTest, //
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed,
    time::Delta, //
};

genl::attributes! {
    /// What is to be told.
    pub(crate) mod tell: TellSet {
        /// A number.
        Value = 1: U32,
        /// How it is told.
        Way = 2: U32,
        /// The port that is told, or is not.
        Port = 3: U32,
    }

    /// What is told.
    pub(crate) mod news: NewsSet {
        /// The number.
        Value = 1: U32,
        /// Nobody gets it: it does not fit into an attribute.
        TooLong = 2: Binary,
    }

    /// What is known of the groups.
    pub(crate) mod groups: WatchedSet {
        /// How often one was joined.
        Joined = 1: U32,
        /// How often one was left.
        Left = 2: U32,
        /// Who has listeners, a bit for each group.
        Listened = 3: U32,
    }
}

genl::messages! {
    /// What a notification says.
    pub(crate) struct Value: NewsSet for op::News, op::AdminNews, op::SysNews {
        value: news::Value,
    }

    /// The reply of watched.
    pub(crate) struct Watched: WatchedSet for op::Watched {
        joined: groups::Joined,
        left: groups::Left,
        listened: groups::Listened,
    }
}

/// What no attribute has room for.
static TOO_LONG: [u8; 1 << 16] = [0; 1 << 16];

impl GenlTest {
    pub(crate) fn tell(&self, request: Request<'_, op::Tell>) -> Result {
        let number = request.need(tell::Value)?;
        let value = Value {
            value: Some(number),
        };
        let (family, net) = (request.registered(), request.net());
        let too_long = (
            news::Value.put(number),
            news::TooLong.put(TOO_LONG.as_slice()),
        );
        match request.get(tell::Way).unwrap_or(0) {
            0 => request.multicast::<op::News>(&value, GFP_KERNEL),
            1 => family.multicast_allns::<op::News>(&value, GFP_KERNEL),
            2 => family.multicast_except::<op::News>(net, request.portid(), &value, GFP_KERNEL),
            3 => request.notify::<op::News>(&value, GFP_KERNEL),
            4 => family.unicast::<op::News>(net, request.need(tell::Port)?, &value, GFP_KERNEL),
            5 => request.multicast::<op::AdminNews>(&value, GFP_KERNEL),
            6 => request.multicast::<op::SysNews>(&value, GFP_KERNEL),
            // From where there is no request any more, to the initial namespace.
            7 => family.queue_delayed_work(Delta::from_millis(10), move |_| {
                if let Some(family) = GenlTest::descriptor().registered() {
                    let _ = family.multicast::<op::News>(Net::init(), &value, GFP_KERNEL);
                }
            }),
            // The value is the number of one of two errors.
            8 => {
                let error = [ENOBUFS, ENOENT]
                    .into_iter()
                    .find(|error| error.to_errno().unsigned_abs() == number)
                    .ok_or(EINVAL)?;
                family.set_err::<op::Anyone>(net, request.get(tell::Port).unwrap_or(0), error);
                Ok(())
            }
            9 => request.multicast::<op::News>(&too_long, GFP_KERNEL),
            10 => {
                let portid = request.need(tell::Port)?;
                family.multicast_except::<op::News>(net, portid, &too_long, GFP_KERNEL)
            }
            11 => request.notify::<op::News>(&too_long, GFP_KERNEL),
            _ => Err(request.refuse(tell::Way, EOPNOTSUPP, c"unknown way")),
        }
    }

    pub(crate) fn watched<'a>(
        &self,
        request: Request<'a, op::Watched>,
        reply: Responder<'a, op::Watched>,
    ) -> Result<Sent<'a>> {
        let (family, net) = (request.registered(), request.net());
        let listened = u32::from(family.has_listeners::<op::Anyone>(net))
            | u32::from(family.has_listeners::<op::NetAdmin>(net)) << 1
            | u32::from(family.has_listeners::<op::SysAdmin>(net)) << 2;
        reply.send(&Watched {
            joined: Some(self.joined.load(Relaxed)),
            left: Some(self.left.load(Relaxed)),
            listened: Some(listened),
        })
    }
}
