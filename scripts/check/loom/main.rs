// SPDX-License-Identifier: GPL-2.0

//! Runs one of the models of the protocols of `rust/genl` through its interleavings: the argument
//! is its name. Without one it lists them. See README.md.

#![feature(coerce_unsized, unsize)]
// The files under test are crates of the kernel, which allows these.
#![allow(clippy::all)]

extern crate self as kernel;
extern crate self as pin_init;

mod genl;
mod kernel_names;
mod world;

pub use kernel_names::*;

/// Whether this place of the files under test shall be broken: weaken.toml has the places, and the
/// second argument is the number of one.
#[allow(dead_code)]
pub(crate) fn weakened(number: usize) -> bool {
    static BROKEN: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    let number_of = || std::env::args().nth(2)?.parse().ok();
    *BROKEN.get_or_init(number_of) == Some(number)
}

fn main() {
    let models = genl::models::all();
    let Some(name) = std::env::args().nth(1) else {
        for model in &models {
            println!("{}", model.name);
        }
        return;
    };
    let model = models
        .iter()
        .find(|model| model.name == name)
        .expect("there is a model of this name");
    println!("{} interleavings", model.run());
}
