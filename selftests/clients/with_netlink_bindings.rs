// SPDX-License-Identifier: GPL-2.0

//! nlpeer by netlink-bindings and its socket, netlink-socket2. The crate has code that was made of
//! the kernel's specs. Of nlpeer's there is none, and here is by hand what it needs: a request, and
//! a reply that finds attributes by their number.
//!
//! - What is made compiles only inside of the crate: it calls `new()`, `new_missing()` and
//!   `calc_offset()` of `ErrorContext`, which are `pub(crate)`, in 0.2.3 as in 0.3.5. Elsewhere not
//!   even the crate's own module `nlctrl` compiles.
//! - The generator, which is not on crates.io, was tried as of 0.2.3 (commit 496c6d2e2c83). It
//!   refuses the spec at the first `max-len: string-max`, since `max-len` and `min-len` have to be
//!   numbers ("expected usize"). With numbers for the names it makes all but the events. That of
//!   0.3.5 was not at hand; the crate's spec of team has such a name.

mod client;

use client::*;
use netlink_bindings::{
    nlctrl,
    traits::{NetlinkRequest, Protocol},
    utils,
};
use netlink_socket2::{MulticastSocketRaw, NetlinkSocket, ReplyError};

const NETLINK_GENERIC: u16 = 16;
const NLM_F_DUMP: u16 = 0x300;
/// The generic header: a command, a version and nothing.
const HEADER: usize = 4;

const ECHO: u8 = 1;
const OBJECT_GET: u8 = 2;
const TROUBLE_GET: u8 = 7;
const ODD_GET: u8 = 20;

struct Request {
    flags: u16,
    payload: Vec<u8>,
}

impl Request {
    fn new(cmd: u8) -> Self {
        Self {
            flags: 0,
            payload: vec![cmd, 1, 0, 0],
        }
    }

    fn dump(mut self) -> Self {
        self.flags |= NLM_F_DUMP;
        self
    }

    fn push(mut self, kind: u16, value: &[u8]) -> Self {
        utils::push_header(&mut self.payload, kind, value.len() as u16);
        self.payload.extend(value);
        utils::align(&mut self.payload);
        self
    }

    fn push_u32(self, kind: u16, value: u32) -> Self {
        self.push(kind, &value.to_ne_bytes())
    }

    fn push_str(self, kind: u16, value: &str) -> Self {
        self.push(kind, &[value.as_bytes(), b"\0"].concat())
    }

    fn nest(mut self, kind: u16, inside: impl FnOnce(Self) -> Self) -> Self {
        let header = utils::push_nested_header(&mut self.payload, kind);
        self = inside(self);
        utils::finalize_nested_header(&mut self.payload, header);
        self
    }
}

#[derive(Clone, Copy)]
struct Attrs<'a>(&'a [u8]);

impl<'a> Attrs<'a> {
    fn bytes(self, kind: u16) -> Result<&'a [u8]> {
        utils::find_attr(self.0, kind).ok_or_else(|| format!("no attribute {kind}").into())
    }

    fn u32(self, kind: u16) -> Result<u32> {
        utils::parse_u32(self.bytes(kind)?).ok_or_else(|| format!("no u32 in {kind}").into())
    }

    fn u64(self, kind: u16) -> Result<u64> {
        utils::parse_u64(self.bytes(kind)?).ok_or_else(|| format!("no u64 in {kind}").into())
    }

    fn str(self, kind: u16) -> Result<&'a str> {
        Ok(utils::CStr::from_bytes_with_nul(self.bytes(kind)?)?.to_str()?)
    }

    fn nest(self, kind: u16) -> Result<Self> {
        self.bytes(kind).map(Self)
    }
}

impl NetlinkRequest for Request {
    type ReplyType<'buf> = Attrs<'buf>;

    fn protocol(&self) -> Protocol {
        Protocol::Generic(b"nlpeer")
    }

    fn flags(&self) -> u16 {
        self.flags
    }

    fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn decode_reply(buf: &[u8]) -> Attrs<'_> {
        Attrs(buf.get(HEADER..).unwrap_or_default())
    }
}

/// Tells a refusal as the kernel has put it; other errors go on.
fn refused(error: ReplyError) -> Result {
    let Some(number) = error.as_io_error().raw_os_error() else {
        return Err(error.into());
    };
    tell("error", number);
    if let Some(extack) = error.ext_ack() {
        if let Ok(message) = extack.get_msg() {
            tell("message", message.to_str()?);
        }
        if let Ok(offset) = extack.get_offset() {
            tell("offset", offset);
        }
    }
    Ok(())
}

/// The ids of the family and of its group, by the bindings of the controller.
fn ids() -> Result<(u16, u32)> {
    let mut sock = NetlinkSocket::new();
    let mut request = nlctrl::Request::new().op_getfamily_do();
    request.encode().push_family_name(c"nlpeer");
    let mut replies = sock.request(&request)?;
    let family = replies.recv_one()?;
    for group in family.get_mcast_groups()? {
        if group.get_name()? == c"events" {
            return Ok((family.get_family_id()?, group.get_id()?));
        }
    }
    Err("no group".into())
}

fn resolve() -> Result {
    let (family, group) = ids()?;
    tell("family", family);
    tell("group", group);
    Ok(())
}

fn send_echo(sock: &mut NetlinkSocket) -> Result {
    let request = Request::new(ECHO)
        .push_u32(1, ECHO_U32)
        .push(2, &ECHO_U64.to_ne_bytes())
        .push_str(3, ECHO_STRING)
        .push(4, ECHO_BINARY)
        .nest(5, |nest| {
            nest.push_u32(1, ECHO_NEST_U32)
                .push_str(2, ECHO_NEST_STRING)
        });
    let mut replies = sock.request(&request)?;
    while let Some(reply) = replies.recv() {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return refused(error),
        };
        let nest = reply.nest(5)?;
        tell("u32", reply.u32(1)?);
        tell("u64", reply.u64(2)?);
        tell("string", reply.str(3)?);
        tell_bytes("binary", reply.bytes(4)?);
        tell("nest.u32", nest.u32(1)?);
        tell("nest.string", nest.str(2)?);
    }
    Ok(())
}

fn echo() -> Result {
    send_echo(&mut NetlinkSocket::new())
}

fn dump() -> Result {
    let mut sock = NetlinkSocket::new();
    let request = Request::new(OBJECT_GET).dump().push_u32(1, OBJECTS);
    let mut replies = sock.request(&request)?;
    while let Some(object) = replies.recv().transpose()? {
        let pair = object.nest(5)?;
        let mut numbers = vec![pair.u32(1)?, pair.u32(2)?];
        for v in 6..=11 {
            numbers.push(object.u32(v)?);
        }
        numbers.extend(object.u32(12).ok());
        tell_object(object.u64(3)?, object.str(4)?, &numbers, object.u32(2)?);
    }
    Ok(())
}

fn join() -> Result<MulticastSocketRaw> {
    let (_, group) = ids()?;
    let mut sock = MulticastSocketRaw::new(NETLINK_GENERIC)?;
    sock.listen(group)?;
    mark("joined");
    Ok(sock)
}

fn tell_event(message: &[u8]) -> Result<u32> {
    let event = Request::decode_reply(message);
    let cookie = event.u32(1)?;
    tell("event", format!("{cookie} {}", event.str(2)?));
    Ok(cookie)
}

fn event() -> Result {
    let mut sock = join()?;
    tell_event(sock.recv()?.1)?;
    Ok(())
}

fn overrun() -> Result {
    let mut sock = join()?;
    loop {
        match sock.recv() {
            Ok((_, message)) => {
                if tell_event(message)? == LAST {
                    return Ok(());
                }
            }
            Err(error) if error.as_io_error().raw_os_error() == Some(ENOBUFS) => {
                mark("overrun ENOBUFS");
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A reply has no header any more, and so no flags.
fn interrupt() -> Result {
    let mut sock = NetlinkSocket::new();
    let request = Request::new(TROUBLE_GET)
        .dump()
        .push_u32(1, OBJECTS)
        .push_u32(4, INTERRUPT_AFTER);
    let mut replies = sock.request(&request)?;
    let mut objects = 0;
    while let Some(reply) = replies.recv() {
        match reply {
            Ok(_) => objects += 1,
            Err(error) => return refused(error),
        }
    }
    tell("objects", objects);
    Ok(())
}

fn trouble(kind: u16, value: u32) -> Result {
    let mut sock = NetlinkSocket::new();
    let request = Request::new(TROUBLE_GET).push_u32(kind, value);
    let mut replies = sock.request(&request)?;
    while let Some(reply) = replies.recv() {
        match reply {
            Ok(reply) => tell_bytes("data", reply.bytes(9)?),
            Err(error) => return refused(error),
        }
    }
    Ok(())
}

fn extack() -> Result {
    trouble(6, EDOM)
}

/// The buffer has 8 KiB.
fn large() -> Result {
    trouble(2, LARGE)
}

/// The socket keeps the id that it has found for the first request.
fn vanish() -> Result {
    let mut sock = NetlinkSocket::new();
    sock.request(&Request::new(TROUBLE_GET))?.recv_one()?;
    mark("resolved");
    await_go()?;
    send_echo(&mut sock)
}

fn send_odd(sock: &mut NetlinkSocket) -> Result {
    let request = Request::new(ODD_GET).push_u32(1, odd());
    let mut replies = sock.request(&request)?;
    while let Some(reply) = replies.recv() {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return refused(error),
        };
        let text = reply.bytes(4).is_ok().then(|| reply.str(4)).transpose()?;
        tell_odd(
            reply.u32(3).ok(),
            text,
            reply.u64(5).ok(),
            reply.nest(6).and_then(|nest| nest.u32(1)).ok(),
        );
    }
    Ok(())
}

fn odd_reply() -> Result {
    let mut sock = NetlinkSocket::new();
    tell_error(send_odd(&mut sock));
    mark("next");
    let request = Request::new(ECHO).push_u32(1, ECHO_U32);
    let mut replies = sock.request(&request)?;
    while let Some(reply) = replies.recv() {
        match reply {
            Ok(reply) => tell("u32", reply.u32(1)?),
            Err(error) => return refused(error),
        }
    }
    Ok(())
}

fn main() {
    serve(
        "netlink-bindings",
        version("netlink-bindings"),
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
