// SPDX-License-Identifier: GPL-2.0

//! nlpeer by neli. Its router has a thread that reads, and hands replies to those who have asked
//! for them; commands and attributes are enums of the user.

mod client;

use client::*;
use neli::{
    attr::Attribute,
    consts::{
        genl::{Cmd, NlAttrType},
        nl::NlmF,
        socket::NlFamily,
    },
    err::RouterError,
    genl::{AttrTypeBuilder, Genlmsghdr, GenlmsghdrBuilder, Nlattr, NlattrBuilder, NoUserHeader},
    nl::NlPayload,
    router::synchronous::{NlRouter, NlRouterReceiverHandle},
    types::{Buffer, GenlBuffer},
    utils::Groups,
    Size, ToBytes,
};

#[neli::neli_enum(serialized_type = "u8")]
pub enum Command {
    Echo = 1,
    ObjectGet = 2,
    Event = 6,
    TroubleGet = 7,
    OddGet = 20,
}
impl Cmd for Command {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum Value {
    U32 = 1,
    U64 = 2,
    String = 3,
    Binary = 4,
    Nest = 5,
}
impl NlAttrType for Value {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum NestedValue {
    U32 = 1,
    String = 2,
}
impl NlAttrType for NestedValue {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum Object {
    Count = 1,
    Id = 2,
    Counter = 3,
    Name = 4,
    Pair = 5,
    V1 = 6,
    V2 = 7,
    V3 = 8,
    V4 = 9,
    V5 = 10,
    V6 = 11,
    Extra = 12,
}
impl NlAttrType for Object {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum Pair {
    A = 1,
    B = 2,
}
impl NlAttrType for Pair {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum Event {
    Cookie = 1,
    Text = 2,
}
impl NlAttrType for Event {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum Trouble {
    Count = 1,
    Size = 2,
    InterruptAfter = 4,
    Error = 6,
    Data = 9,
}
impl NlAttrType for Trouble {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum Odd {
    What = 1,
    Number = 3,
    Text = 4,
    Wide = 5,
    Nest = 6,
}
impl NlAttrType for Odd {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum OddNest {
    Number = 1,
}
impl NlAttrType for OddNest {}

#[neli::neli_enum(serialized_type = "u16")]
pub enum ExtAck {
    Msg = 1,
    Offs = 2,
}
impl NlAttrType for ExtAck {}

type Message<T> = Genlmsghdr<Command, T>;
type Replies<T> = NlRouterReceiverHandle<u16, Message<T>>;

fn connect() -> Result<(NlRouter, NlRouterReceiverHandle<u16, Genlmsghdr<u8, u16>>)> {
    Ok(NlRouter::connect(NlFamily::Generic, None, Groups::empty())?)
}

fn attr<T: NlAttrType, P: Size + ToBytes>(kind: T, value: P) -> Result<Nlattr<T, Buffer>> {
    Ok(NlattrBuilder::default()
        .nla_type(AttrTypeBuilder::default().nla_type(kind).build()?)
        .nla_payload(value)
        .build()?)
}

fn request<T: NlAttrType + 'static>(
    router: &NlRouter,
    family: u16,
    flags: NlmF,
    cmd: Command,
    attrs: Vec<Nlattr<T, Buffer>>,
) -> Result<Replies<T>>
where
    Message<T>: Size + ToBytes,
{
    let payload = GenlmsghdrBuilder::<Command, T, NoUserHeader>::default()
        .cmd(cmd)
        .version(1)
        .attrs(attrs.into_iter().collect::<GenlBuffer<T, Buffer>>())
        .build()?;
    Ok(router.send(family, flags, NlPayload::Payload(payload))?)
}

/// Tells a refusal as the kernel has put it; other errors go on, but for those that a truncated
/// message is met with.
fn refused<T: std::fmt::Debug + 'static>(error: RouterError<u16, Message<T>>) -> Result {
    let error = match error {
        RouterError::Nlmsgerr(error) => error,
        RouterError::Socket(_) => {
            tell("truncated", "SocketError");
            return Ok(());
        }
        other => return Err(other.to_string().into()),
    };
    tell("error", -error.error());
    for attr in error.ext_ack().iter() {
        match ExtAck::from(u16::from(attr.nla_type())) {
            ExtAck::Msg => tell("message", attr.get_payload_as_with_len::<String>()?),
            ExtAck::Offs => tell("offset", attr.get_payload_as::<u32>()?),
            _ => (),
        }
    }
    Ok(())
}

fn resolve() -> Result {
    let (router, _) = connect()?;
    tell("family", router.resolve_genl_family("nlpeer")?);
    tell("group", router.resolve_nl_mcast_group("nlpeer", "events")?);
    Ok(())
}

fn send_echo(router: &NlRouter, family: u16) -> Result {
    let nest = attr(Value::Nest, Buffer::from(Vec::new()))?
        .nest(&attr(NestedValue::U32, ECHO_NEST_U32)?)?
        .nest(&attr(NestedValue::String, ECHO_NEST_STRING)?)?;
    let attrs = vec![
        attr(Value::U32, ECHO_U32)?,
        attr(Value::U64, ECHO_U64)?,
        attr(Value::String, ECHO_STRING)?,
        attr(Value::Binary, ECHO_BINARY)?,
        nest,
    ];
    for message in request(router, family, NlmF::ACK, Command::Echo, attrs)? {
        let message = match message {
            Ok(message) => message,
            Err(error) => return refused(error),
        };
        let Some(reply) = message.get_payload() else {
            continue;
        };
        let reply = reply.attrs().get_attr_handle();
        let nest = reply.get_nested_attributes::<NestedValue>(Value::Nest)?;
        tell("u32", reply.get_attr_payload_as::<u32>(Value::U32)?);
        tell("u64", reply.get_attr_payload_as::<u64>(Value::U64)?);
        tell(
            "string",
            reply.get_attr_payload_as_with_len::<String>(Value::String)?,
        );
        tell_bytes(
            "binary",
            reply
                .get_attr_payload_as_with_len::<Buffer>(Value::Binary)?
                .as_ref(),
        );
        tell(
            "nest.u32",
            nest.get_attr_payload_as::<u32>(NestedValue::U32)?,
        );
        tell(
            "nest.string",
            nest.get_attr_payload_as_with_len::<String>(NestedValue::String)?,
        );
    }
    Ok(())
}

fn echo() -> Result {
    let (router, _) = connect()?;
    let family = router.resolve_genl_family("nlpeer")?;
    send_echo(&router, family)
}

fn dump() -> Result {
    let (router, _) = connect()?;
    let family = router.resolve_genl_family("nlpeer")?;
    let attrs = vec![attr(Object::Count, OBJECTS)?];
    for message in request(&router, family, NlmF::DUMP, Command::ObjectGet, attrs)? {
        let message = message?;
        let Some(object) = message.get_payload() else {
            continue;
        };
        let object = object.attrs().get_attr_handle();
        let pair = object.get_nested_attributes::<Pair>(Object::Pair)?;
        let mut numbers = vec![
            pair.get_attr_payload_as(Pair::A)?,
            pair.get_attr_payload_as(Pair::B)?,
        ];
        for v in [
            Object::V1,
            Object::V2,
            Object::V3,
            Object::V4,
            Object::V5,
            Object::V6,
        ] {
            numbers.push(object.get_attr_payload_as(v)?);
        }
        numbers.extend(object.get_attr_payload_as::<u32>(Object::Extra).ok());
        tell_object(
            object.get_attr_payload_as(Object::Counter)?,
            &object.get_attr_payload_as_with_len::<String>(Object::Name)?,
            &numbers,
            object.get_attr_payload_as(Object::Id)?,
        );
    }
    Ok(())
}

/// Hands each event to a function, until that says that it is enough.
fn listen(mut enough: impl FnMut(u32) -> bool) -> Result {
    let (router, mut events) = connect()?;
    let group = router.resolve_nl_mcast_group("nlpeer", "events")?;
    router.add_mcast_membership(Groups::new_groups(&[group]))?;
    mark("joined");
    while let Some(message) = events.next_typed::<u16, Message<Event>>() {
        let message = message?;
        let Some(event) = message.get_payload() else {
            continue;
        };
        let event = event.attrs().get_attr_handle();
        let cookie = event.get_attr_payload_as(Event::Cookie)?;
        let text = event.get_attr_payload_as_with_len::<String>(Event::Text)?;
        tell("event", format!("{cookie} {text}"));
        if enough(cookie) {
            break;
        }
    }
    Ok(())
}

fn event() -> Result {
    listen(|_| true)
}

/// An error of the socket goes to those who wait for replies, and not to a listener.
fn overrun() -> Result {
    listen(|cookie| cookie == LAST)
}

/// The flag is there for those who look at it.
fn interrupt() -> Result {
    let (router, _) = connect()?;
    let family = router.resolve_genl_family("nlpeer")?;
    let attrs = vec![
        attr(Trouble::Count, OBJECTS)?,
        attr(Trouble::InterruptAfter, INTERRUPT_AFTER)?,
    ];
    let mut interrupted = false;
    let mut objects = 0;
    for message in request(&router, family, NlmF::DUMP, Command::TroubleGet, attrs)? {
        let message = message?;
        interrupted |= message.nl_flags().contains(NlmF::DUMP_INTR);
        objects += usize::from(message.get_payload().is_some());
    }
    tell("objects", objects);
    if interrupted {
        tell("interrupted", "flag of a message");
    }
    Ok(())
}

fn trouble(kind: Trouble, value: u32) -> Result {
    let (router, _) = connect()?;
    router.enable_ext_ack(true)?;
    let family = router.resolve_genl_family("nlpeer")?;
    let attrs = vec![attr(kind, value)?];
    for message in request(&router, family, NlmF::ACK, Command::TroubleGet, attrs)? {
        match message {
            Err(error) => return refused(error),
            Ok(message) => {
                if let Some(reply) = message.get_payload() {
                    let reply = reply.attrs().get_attr_handle();
                    let data = reply.get_attr_payload_as_with_len::<Buffer>(Trouble::Data)?;
                    tell_bytes("data", data.as_ref());
                }
            }
        }
    }
    Ok(())
}

fn extack() -> Result {
    trouble(Trouble::Error, EDOM)
}

fn large() -> Result {
    trouble(Trouble::Size, LARGE)
}

fn vanish() -> Result {
    let (router, _) = connect()?;
    let family = router.resolve_genl_family("nlpeer")?;
    mark("resolved");
    await_go()?;
    send_echo(&router, family)
}

fn send_odd(router: &NlRouter, family: u16) -> Result {
    let attrs = vec![attr(Odd::What, odd())?];
    for message in request(router, family, NlmF::ACK, Command::OddGet, attrs)? {
        let message = message?;
        let Some(reply) = message.get_payload() else {
            continue;
        };
        let reply = reply.attrs().get_attr_handle();
        let text = match reply.get_attribute(Odd::Text) {
            Some(text) => Some(text.get_payload_as_with_len::<String>()?),
            None => None,
        };
        let nest = reply.get_nested_attributes::<OddNest>(Odd::Nest).ok();
        tell_odd(
            reply.get_attr_payload_as(Odd::Number).ok(),
            text.as_deref(),
            reply.get_attr_payload_as(Odd::Wide).ok(),
            nest.and_then(|nest| nest.get_attr_payload_as(OddNest::Number).ok()),
        );
    }
    Ok(())
}

fn send_next(router: &NlRouter, family: u16) -> Result {
    let attrs = vec![attr(Value::U32, ECHO_U32)?];
    for message in request(router, family, NlmF::ACK, Command::Echo, attrs)? {
        if let Some(reply) = message?.get_payload() {
            let reply = reply.attrs().get_attr_handle();
            tell("u32", reply.get_attr_payload_as::<u32>(Value::U32)?);
        }
    }
    Ok(())
}

fn odd_reply() -> Result {
    let (router, _) = connect()?;
    let family = router.resolve_genl_family("nlpeer")?;
    tell_error(send_odd(&router, family));
    mark("next");
    send_next(&router, family)
}

fn main() {
    serve(
        "neli",
        version("neli"),
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
