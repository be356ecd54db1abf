// SPDX-License-Identifier: GPL-2.0
//! The version of a message header has eight bits.
//@ error: literal out of range for `u8`

type State = ();

pub struct Fam {
    kept: State,
}

impl Family for Fam {
    const NAME: &'static str = "fam";
    const VERSION: u8 = 256; //~ WRONG
    const VERSION: u8 = 255; //~ RIGHT
    const OPS: &'static [SplitOp<Self>] = &[];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
        &DESCRIPTOR
    }

    fn new() -> Result<Arc<Self>> {
        Err(ENODEV)
    }
}
