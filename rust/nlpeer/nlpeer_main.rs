// SPDX-License-Identifier: GPL-2.0

//! nlpeer: the reference family of `rust/genl`, and a peer for tests of generic netlink.

#[path = "../genl/mod.rs"]
mod genl;
mod nlpeer_gen;
mod odd;
mod peer;

use peer::Nlpeer;

genl::module_family! {
    type: Nlpeer,
    // It is for tests: whoever wants it loads it.
    alias: false,
    name: "nlpeer",
    authors: ["The rust-genl authors"],
    description: "Peer for tests of generic netlink",
    license: "GPL",
}
