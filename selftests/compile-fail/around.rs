// SPDX-License-Identifier: GPL-2.0
//! Around the framework: what safe Rust can do beside it, and clippy finds.
//!
//! compiled with clippy
//!
// covers: trap v
//@ register: use of a disallowed method `kernel::net::netlink::Family::register`
//@     In a handler it waits for a lock that the handler's own request holds, for ever, and
//@     everybody behind it does.
// covers: trap r
//@ manually-drop: use of a disallowed method `core::mem::ManuallyDrop::new`
//@     What is never dropped is never unregistered.
// covers: trap r
//@ leak: use of a disallowed method `kernel::alloc::kbox::Box::leak`
//@     Nor is this.
// covers: trap r
//@ into-raw: use of a disallowed method `kernel::sync::Arc::into_raw`
//@     Nor is this.
// covers: trap q
//@ work: use of a disallowed method `kernel::workqueue::Queue::try_spawn`
//@     The module may have been freed when it runs.

type State = ();

family!(Fam, "fam", [], []);

pub fn take<T: 'static>(value: T, shared: Arc<u32>, boxed: KBox<u32>) {
    let _ = core::mem::ManuallyDrop::new(value); //~ manually-drop
    let _ = Arc::into_raw(shared); //~ into-raw
    let _ = KBox::leak(boxed); //~ leak
}

pub fn work() -> Result {
    kernel::workqueue::system().try_spawn(GFP_KERNEL, || {})?; //~ work
    Ok(())
}

pub fn register(family: &'static kernel::net::netlink::Family) -> Result {
    let _ = family.register()?; //~ register
    Ok(())
}
