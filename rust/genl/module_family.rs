// SPDX-License-Identifier: GPL-2.0

//! A module that is one family, and the alias by which asking for a family loads its module.

use super::family::Family;
use kernel::{
    prelude::*,
    ThisModule, //
};

/// A family that is a module, see [`module_family!`](macro@super::module_family).
#[diagnostic::on_unimplemented(
    message = "nothing makes the state of `{Self}` when the module is loaded",
    label = "implement `genl::ModuleFamily` for it: `init` makes the state"
)]
pub trait ModuleFamily: Family {
    /// Makes the state when the module is loaded. If it succeeds, the family is registered, unless
    /// its name is taken.
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error>;
}

/// The length of [`alias`].
#[doc(hidden)]
pub const fn alias_len<F: Family>() -> usize {
    ALIAS.len() + F::NAME.len() + 1
}

/// What `MODULE_ALIAS_GENL_FAMILY()` puts into the `.modinfo` of a module, terminator included.
#[doc(hidden)]
pub const fn alias<F: Family, const LEN: usize>() -> [u8; LEN] {
    let mut text = [0; LEN];
    let mut i = 0;
    while i + 1 < LEN {
        text[i] = if i < ALIAS.len() {
            ALIAS[i]
        } else {
            F::NAME.as_bytes()[i - ALIAS.len()]
        };
        i += 1;
    }
    text
}

/// `PF_NETLINK` and `NETLINK_GENERIC` are both 16.
const ALIAS: &[u8] = b"alias=net-pf-16-proto-16-family-";

/// Gives the module the alias by which the core loads it when user space asks for the family, like
/// `MODULE_ALIAS_GENL_FAMILY()`.
///
/// With it **anybody** can load the module, where it is installed, by asking for the name of the
/// family. That is right for what a machine is meant to offer, and wrong for a family that is for
/// tests. A module has one for each of its families that shall have it. `genl` must be in scope
/// under this name.
///
/// # Examples
///
/// The example of [`Registration`](super::Registration) has one.
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_module_alias_family {
    ($family:ty) => {
        #[allow(unsafe_code)]
        const _: () = {
            const LEN: usize = genl::alias_len::<$family>();
            #[link_section = ".modinfo"]
            #[used]
            static ALIAS: [u8; LEN] = genl::alias::<$family, LEN>();
        };
    };
}

/// Declares a module that consists of one family: the short form for what
/// [`Registration`](super::Registration) and the kernel's [`module!`] do together.
///
/// Takes what [`module!`] takes, with the family as `type`, and behind it whether the module has
/// the [alias](super::module_alias_family) by which asking for the family loads it.
///
/// When the module is loaded, [`ModuleFamily::init`] makes the
/// state and the family is registered; when it is unloaded, the family goes. `genl` must be in
/// scope under this name.
///
/// # Examples
///
/// The example of the [framework](super) uses it.
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_module_family {
    (type: $family:ty, alias: $alias:tt, $($info:tt)*) => {
        /// The module: a family, as long as it is registered.
        struct FamilyModule {
            _registration: genl::Registration<$family>,
        }

        impl ::kernel::Module for FamilyModule {
            fn init(module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                let state = <$family as genl::ModuleFamily>::init(module);
                Ok(Self {
                    _registration: genl::Registration::new(module, state)?,
                })
            }
        }

        genl::module_family!(@alias $alias, $family);

        ::kernel::prelude::module! {
            type: FamilyModule,
            $($info)*
        }
    };
    (@alias true, $family:ty) => {
        genl::module_alias_family!($family);
    };
    (@alias false, $family:ty) => {};
    (@alias $other:tt, $family:ty) => {
        ::core::compile_error!("genl: 'alias' is true or false");
    };
    (type: $family:ty, $($info:tt)*) => {
        ::core::compile_error!(
            "genl: say behind 'type' whether asking for the family loads the module: \
             'alias: true' or 'alias: false'"
        );
    };
}
