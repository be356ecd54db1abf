// SPDX-License-Identifier: GPL-2.0
//! Around the framework: what safe Rust can do beside it, and clippy finds.
//!
//! compiled with clippy
//!
// covers: trap 5, trap v
//@ register: use of a disallowed method `kernel::net::netlink::Family::register`
//@     In a handler it waits for a lock that the handler's own request holds, for ever, and
//@     everybody behind it does.
// covers: trap q
//@ work: use of a disallowed method `kernel::workqueue::Queue::try_spawn`
//@     The module may have been freed when it runs.

type State = ();

family!(Fam, "fam", &[], &[]);

pub fn work() -> Result {
    kernel::workqueue::system().try_spawn(GFP_KERNEL, || {})?; //~ work
    Ok(())
}

pub fn register(family: &'static kernel::net::netlink::Family) -> Result {
    let _ = family.register()?; //~ register
    Ok(())
}
