// SPDX-License-Identifier: GPL-2.0

//! nlpeer by rust-netlink: genetlink on top of netlink-proto, netlink-packet-generic and
//! netlink-sys. A connection is a task that reads and writes; a family is a type of the user that
//! can be written and parsed.

mod client;

use client::*;
use futures::{
    channel::mpsc::UnboundedReceiver,
    StreamExt, //
};
use genetlink::{message::RawGenlMessage, GenetlinkError, GenetlinkHandle};
use netlink_packet_core::{
    parse_string, parse_u32, parse_u64, DecodeError, Emitable, ErrorMessage, NetlinkMessage,
    NetlinkPayload, Nla, NlasIterator, ParseableParametrized, NLM_F_ACK, NLM_F_DUMP,
    NLM_F_DUMP_INTR, NLM_F_REQUEST,
};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};
use netlink_proto::sys::{AsyncSocket, SocketAddr};
use std::future::Future;

const ECHO: u8 = 1;
const OBJECT_GET: u8 = 2;
const TROUBLE_GET: u8 = 7;
const ODD_GET: u8 = 20;

#[derive(Clone, Debug)]
struct Attr {
    kind: u16,
    value: Vec<u8>,
}

impl Attr {
    fn new(kind: u16, value: &[u8]) -> Self {
        let value = value.to_vec();
        Self { kind, value }
    }

    fn u32(kind: u16, value: u32) -> Self {
        Self::new(kind, &value.to_ne_bytes())
    }

    fn str(kind: u16, value: &str) -> Self {
        Self::new(kind, &[value.as_bytes(), b"\0"].concat())
    }
}

impl Nla for Attr {
    fn value_len(&self) -> usize {
        self.value.len()
    }

    fn kind(&self) -> u16 {
        self.kind
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.value);
    }
}

#[derive(Clone, Debug)]
struct Attrs(Vec<Attr>);

impl Attrs {
    fn parse(buffer: &[u8]) -> Result<Self, DecodeError> {
        NlasIterator::new(buffer)
            .map(|nla| nla.map(|nla| Attr::new(nla.kind(), nla.value())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn bytes(&self, kind: u16) -> Result<&[u8]> {
        let attr = self.0.iter().find(|attr| attr.kind == kind);
        Ok(&attr.ok_or_else(|| format!("no attribute {kind}"))?.value)
    }

    fn u32(&self, kind: u16) -> Result<u32> {
        Ok(parse_u32(self.bytes(kind)?)?)
    }

    fn str(&self, kind: u16) -> Result<String> {
        Ok(parse_string(self.bytes(kind)?)?)
    }

    fn nest(&self, kind: u16) -> Result<Self> {
        Ok(Self::parse(self.bytes(kind)?)?)
    }
}

/// A message of the family.
#[derive(Clone, Debug)]
struct Peer {
    cmd: u8,
    attrs: Attrs,
}

impl GenlFamily for Peer {
    fn family_name() -> &'static str {
        "nlpeer"
    }

    fn command(&self) -> u8 {
        self.cmd
    }

    fn version(&self) -> u8 {
        1
    }
}

impl Emitable for Peer {
    fn buffer_len(&self) -> usize {
        self.attrs.0.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.attrs.0.as_slice().emit(buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Peer {
    fn parse_with_param(buffer: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        Ok(Self {
            cmd: header.cmd,
            attrs: Attrs::parse(buffer)?,
        })
    }
}

type Unsolicited = UnboundedReceiver<(NetlinkMessage<RawGenlMessage>, SocketAddr)>;

/// Runs a task beside a connection whose socket has extended acks, and is in the group of events
/// if there is one to join.
fn run<F: Future<Output = Result>>(
    group: Option<u32>,
    task: impl FnOnce(GenetlinkHandle, Unsolicited) -> F,
) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (mut connection, handle, unsolicited) = genetlink::new_connection()?;
        let socket = connection.socket_mut().socket_mut();
        socket.set_ext_ack(true)?;
        socket.set_cap_ack(true)?;
        if let Some(group) = group {
            // Only a socket with an address gets events.
            socket.bind_auto()?;
            socket.add_membership(group)?;
            mark("joined");
        }
        tokio::spawn(connection);
        task(handle, unsolicited).await
    })
}

/// Sends a request and hands each message of the reply to a function.
async fn request(
    handle: &mut GenetlinkHandle,
    flags: u16,
    cmd: u8,
    attrs: Vec<Attr>,
    mut each: impl FnMut(&Attrs, u16) -> Result,
) -> Result {
    let attrs = Attrs(attrs);
    let mut message = NetlinkMessage::from(GenlMessage::from_payload(Peer { cmd, attrs }));
    message.header.flags = NLM_F_REQUEST | flags;
    message.finalize();
    let mut replies = match handle.request(message).await {
        Err(GenetlinkError::NetlinkError(error)) if error.raw_os_error().is_some() => {
            tell("error", error.raw_os_error().unwrap_or_default());
            return Ok(());
        }
        other => other?,
    };
    while let Some(reply) = replies.next().await {
        let reply = reply?;
        match &reply.payload {
            NetlinkPayload::InnerMessage(message) => {
                each(&message.payload.attrs, reply.header.flags)?
            }
            NetlinkPayload::Error(error) => refused(error)?,
            _ => (),
        }
    }
    Ok(())
}

/// What follows the error number is the header of the request and, in bytes, the rest.
fn refused(error: &ErrorMessage) -> Result {
    tell("error", -error.raw_code());
    if let Some(rest) = error.header.get(16..) {
        let rest = Attrs::parse(rest)?;
        mark("by-hand");
        if let Ok(message) = rest.str(1) {
            tell("message", message);
        }
        if let Ok(offset) = rest.u32(2) {
            tell("offset", offset);
        }
    }
    Ok(())
}

/// The ids of the family and of its group.
fn ids() -> Result<(u16, u32)> {
    let mut ids = None;
    let found = &mut ids;
    run(None, |handle, _| async move {
        let family = handle.resolve_family::<Peer>().await?;
        *found = family
            .multicast_groups
            .get("events")
            .map(|group| (family.id, *group));
        Ok(())
    })?;
    ids.ok_or_else(|| "no group".into())
}

fn resolve() -> Result {
    let (family, group) = ids()?;
    tell("family", family);
    tell("group", group);
    Ok(())
}

async fn send_echo(handle: &mut GenetlinkHandle) -> Result {
    let inside = [Attr::u32(1, ECHO_NEST_U32), Attr::str(2, ECHO_NEST_STRING)];
    let mut nest = vec![0; inside.as_slice().buffer_len()];
    inside.as_slice().emit(&mut nest);
    let attrs = vec![
        Attr::u32(1, ECHO_U32),
        Attr::new(2, &ECHO_U64.to_ne_bytes()),
        Attr::str(3, ECHO_STRING),
        Attr::new(4, ECHO_BINARY),
        Attr::new(5 | 1 << 15, &nest),
    ];
    request(handle, NLM_F_ACK, ECHO, attrs, |reply, _| {
        let nest = reply.nest(5)?;
        tell("u32", reply.u32(1)?);
        tell("u64", parse_u64(reply.bytes(2)?)?);
        tell("string", reply.str(3)?);
        tell_bytes("binary", reply.bytes(4)?);
        tell("nest.u32", nest.u32(1)?);
        tell("nest.string", nest.str(2)?);
        Ok(())
    })
    .await
}

fn echo() -> Result {
    run(
        None,
        |mut handle, _| async move { send_echo(&mut handle).await },
    )
}

fn dump() -> Result {
    run(None, |mut handle, _| async move {
        let attrs = vec![Attr::u32(1, OBJECTS)];
        request(&mut handle, NLM_F_DUMP, OBJECT_GET, attrs, |object, _| {
            let pair = object.nest(5)?;
            let mut numbers = vec![pair.u32(1)?, pair.u32(2)?];
            for v in 6..=11 {
                numbers.push(object.u32(v)?);
            }
            numbers.extend(object.u32(12).ok());
            let counter = parse_u64(object.bytes(3)?)?;
            tell_object(counter, &object.str(4)?, &numbers, object.u32(2)?);
            Ok(())
        })
        .await
    })
}

/// Hands each event to a function, until that says that it is enough.
fn listen(enough: fn(u32) -> bool) -> Result {
    let (_, group) = ids()?;
    run(Some(group), |_handle, mut unsolicited| async move {
        while let Some((message, _)) = unsolicited.next().await {
            match message.payload {
                NetlinkPayload::InnerMessage(raw) => {
                    let event = raw.parse_into_genlmsg::<Peer>()?.payload.attrs;
                    let cookie = event.u32(1)?;
                    tell("event", format!("{cookie} {}", event.str(2)?));
                    if enough(cookie) {
                        return Ok(());
                    }
                }
                NetlinkPayload::Overrun(_) => mark("overrun NetlinkPayload::Overrun"),
                _ => (),
            }
        }
        Err("the connection has ended".into())
    })
}

fn event() -> Result {
    listen(|_| true)
}

fn overrun() -> Result {
    listen(|cookie| cookie == LAST)
}

/// The flag is there for those who look at it.
fn interrupt() -> Result {
    run(None, |mut handle, _| async move {
        let (mut objects, mut interrupted) = (0, false);
        let attrs = vec![Attr::u32(1, OBJECTS), Attr::u32(4, INTERRUPT_AFTER)];
        request(&mut handle, NLM_F_DUMP, TROUBLE_GET, attrs, |_, flags| {
            objects += 1;
            interrupted |= flags & NLM_F_DUMP_INTR != 0;
            Ok(())
        })
        .await?;
        tell("objects", objects);
        if interrupted {
            tell("interrupted", "flag of a message");
        }
        Ok(())
    })
}

fn trouble(attr: Attr) -> Result {
    run(None, |mut handle, _| async move {
        request(
            &mut handle,
            NLM_F_ACK,
            TROUBLE_GET,
            vec![attr],
            |reply, _| {
                tell_bytes("data", reply.bytes(9)?);
                Ok(())
            },
        )
        .await
    })
}

fn extack() -> Result {
    trouble(Attr::u32(6, EDOM))
}

/// The buffer has 64 KiB.
fn large() -> Result {
    trouble(Attr::u32(2, LARGE))
}

/// The handle keeps the id.
fn vanish() -> Result {
    run(None, |mut handle, _| async move {
        handle.resolve_family::<Peer>().await?;
        mark("resolved");
        await_go()?;
        send_echo(&mut handle).await
    })
}

async fn send_odd(handle: &mut GenetlinkHandle) -> Result {
    let attrs = vec![Attr::u32(1, odd())];
    request(handle, NLM_F_ACK, ODD_GET, attrs, |reply, _| {
        let text = reply.bytes(4).is_ok().then(|| reply.str(4)).transpose()?;
        let nest = reply.bytes(6).is_ok().then(|| reply.nest(6)).transpose()?;
        tell_odd(
            reply.u32(3).ok(),
            text.as_deref(),
            reply.bytes(5).ok().and_then(|wide| parse_u64(wide).ok()),
            nest.and_then(|nest| nest.u32(1).ok()),
        );
        Ok(())
    })
    .await
}

fn odd_reply() -> Result {
    run(None, |mut handle, _| async move {
        tell_error(send_odd(&mut handle).await);
        mark("next");
        let attrs = vec![Attr::u32(1, ECHO_U32)];
        request(&mut handle, NLM_F_ACK, ECHO, attrs, |reply, _| {
            tell("u32", reply.u32(1)?);
            Ok(())
        })
        .await
    })
}

fn main() {
    serve(
        "genetlink",
        version("genetlink"),
        &[
            ("resolve", resolve),
            ("echo", echo),
            ("dump", dump),
            ("event", event),
            ("interrupt", interrupt),
            ("overrun", overrun),
            ("extack", extack),
            ("large", large),
            ("vanish", vanish),
            ("odd", odd_reply),
        ],
    );
}
