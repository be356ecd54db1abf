// SPDX-License-Identifier: GPL-2.0

//! What the clients in Rust share: the protocol of `clients.py`, which its first lines describe.
//! A client is a table of behaviours and a call of [`serve`].

// Each client uses a part of it.
#![allow(dead_code)]

use std::{
    error::Error,
    fmt::Display,
    io::{stdin, stdout, Write},
    panic::catch_unwind,
    sync::atomic::{AtomicU32, Ordering},
};

pub type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;
pub type Behaviour = (&'static str, fn() -> Result);

pub const OBJECTS: u32 = 10_000;
pub const INTERRUPT_AFTER: u32 = 5_000;
pub const LAST: u32 = u32::MAX;
pub const LARGE: u32 = 65_531;
pub const EDOM: u32 = 33;
pub const ENOBUFS: i32 = 105;

static ODD: AtomicU32 = AtomicU32::new(0);

// What echo is asked for.
pub const ECHO_U32: u32 = 42;
pub const ECHO_U64: u64 = 1 << 40;
pub const ECHO_STRING: &str = "hello, kernel";
pub const ECHO_BINARY: &[u8] = &[0, 1, 2];
pub const ECHO_NEST_U32: u32 = 7;
pub const ECHO_NEST_STRING: &str = "inside";

/// One line of what was seen.
pub fn tell(what: &str, value: impl Display) {
    println!("{what} {value}");
}

pub fn tell_bytes(what: &str, data: &[u8]) {
    let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    tell(what, hex);
}

/// An object of the dump: its id and the rest, in the order of the spec.
pub fn tell_object(counter: u64, name: &str, numbers: &[u32], id: u32) {
    let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
    println!("object {id} {counter} {name} {}", numbers.join(" "));
}

/// What is odd about the reply that is asked for now.
pub fn odd() -> u32 {
    ODD.load(Ordering::Relaxed)
}

/// An odd reply, as far as it could be read.
pub fn tell_odd(number: Option<u32>, text: Option<&str>, wide: Option<u64>, nest: Option<u32>) {
    println!("reply");
    number.inspect(|number| tell("number", number));
    text.inspect(|text| tell("text", text));
    wide.inspect(|wide| tell("wide", wide));
    nest.inspect(|nest| tell("nest", nest));
}

/// An error that no client has a better word for.
pub fn tell_error(result: Result) {
    if let Err(error) = result {
        tell("raised", format!("{error:?}").replace('\n', " "));
    }
}

/// A line that the runner waits for.
pub fn mark(what: &str) {
    println!("{what}");
    stdout().flush().expect("the runner is there");
}

/// Waits until the runner says go.
pub fn await_go() -> Result {
    stdin().read_line(&mut String::new())?;
    Ok(())
}

/// The version of a crate that this was built with.
pub fn version(name: &str) -> &'static str {
    let lock = include_str!("Cargo.lock");
    let (_, rest) = lock
        .split_once(&format!("name = \"{name}\"\nversion = \""))
        .expect("the crate is a dependency");
    rest.split('"').next().expect("the version is a string")
}

/// Answers the runner until it hangs up.
pub fn serve(name: &str, version: &str, behaviours: &[Behaviour]) {
    println!("client {name} {version}");
    for (behaviour, _) in behaviours {
        tell("has", behaviour);
    }
    mark(".");
    // Not lines(), which would keep the input from await_go().
    let mut line = String::new();
    while matches!(stdin().read_line(&mut line), Ok(1..)) {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        if let Some(Ok(what)) = words.next().map(str::parse) {
            ODD.store(what, Ordering::Relaxed);
        }
        let run = behaviours.iter().find(|(behaviour, _)| *behaviour == name);
        match run.map(|(_, run)| catch_unwind(run)) {
            Some(Ok(result)) => tell_error(result),
            Some(Err(_)) => tell("raised", "a panic"),
            None => (),
        }
        mark(".");
        line.clear();
    }
}
