// SPDX-License-Identifier: GPL-2.0

//! genl_ovs_datapath: two families of `net/openvswitch/datapath.c`, `ovs_datapath` and `ovs_vport`.
//!
//! This is the control plane: datapaths and ports can be made, changed, looked at and removed, and
//! nothing goes through them. Both families have a header of their own, `struct ovs_header`, and
//! share what there is in a network namespace. `rust/ports/README.md` has the differences.

#![deny(unsafe_code)]

mod datapath;
#[allow(unsafe_code)]
#[path = "../../genl/mod.rs"]
mod genl;
mod ovs_datapath_gen;
mod ovs_vport_gen;
mod switch;
mod vport;

// The generated files look for them here.
use datapath::OvsDatapath;
use genl::{
    PerNet,
    Registration, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};
use switch::Namespace;
use vport::OvsVport;

module! {
    type: Openvswitch,
    name: "genl_ovs_datapath",
    authors: ["The rust-genl authors"],
    description: "The families ovs_datapath and ovs_vport in Rust, for the tests of rust/genl",
    license: "GPL",
}

/// What both families share: the state of each network namespace.
type Namespaces = Arc<PerNet<Namespace>>;

/// The module: its families, as long as they are registered.
struct Openvswitch {
    _datapath: Registration<OvsDatapath>,
    _vport: Registration<OvsVport>,
}

impl kernel::Module for Openvswitch {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let namespaces: Namespaces = Arc::new(PerNet::new(module)?, GFP_KERNEL)?;
        Ok(Self {
            _datapath: Registration::new(module, OvsDatapath(namespaces.clone()))?,
            _vport: Registration::new(module, OvsVport(namespaces))?,
        })
    }
}
