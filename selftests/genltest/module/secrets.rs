// SPDX-License-Identifier: GPL-2.0

//! Command 44: secrets, which are wiped when the handler has returned.

#![forbid(unsafe_code)]

use crate::{
    genl::{
        self,
        kind::*,
        Request,
        Secret,
        Secrets, //
    },
    op,
    GenlTest, //
};
use kernel::prelude::*;

genl::attributes! {
    /// Secrets beside what is none.
    pub(crate) mod keep: KeepSet {
        /// No secret.
        Name = 1: Binary,
        /// A secret.
        Key = 2: Binary,
        /// Holders of secrets.
        Holders = 3: Indexed<Nest<HolderSet>>,
        /// One more.
        Holder = 4: Nest<HolderSet>,
    }

    /// Who has a secret.
    pub(crate) mod holder: HolderSet {
        /// No secret.
        Name = 1: Binary,
        /// A secret.
        Key = 2: Binary,
        /// A nest in the nest.
        Inside = 3: Nest<InsideSet>,
    }

    /// A nest in a nest.
    pub(crate) mod inside: InsideSet {
        /// A secret.
        Key = 1: Array<6>,
    }
}

impl Secrets for op::Keep {
    const SECRETS: &'static [Secret<Self>] = &[
        Secret::at::<keep::Key>(),
        Secret::at::<(keep::Holders, holder::Key)>(),
        Secret::at::<(keep::Holder, holder::Key)>(),
        Secret::at::<(keep::Holder, (holder::Inside, inside::Key))>(),
    ];
}

impl GenlTest {
    pub(crate) fn keep(&self, request: Request<'_, op::Keep>) -> Result {
        // The handler gets them as they are.
        match request.get(keep::Key) {
            Some(b"good") => Ok(()),
            Some(_) => Err(EDOM),
            None => Err(request.refuse(keep::Name, ENOKEY, c"there is no key")),
        }
    }
}
