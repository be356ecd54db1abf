// SPDX-License-Identifier: GPL-2.0
//! The core writes into a family and keeps a pointer to it: a constant would be copied to the stack.
//@ error: cannot return (value referencing|reference to) (a )?temporary

type State = ();

pub struct Fam {
    kept: State,
}

impl Family for Fam {
    const NAME: &'static str = "fam";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        #[allow(clippy::declare_interior_mutable_const)] //~ WRONG
        const DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new(); //~ WRONG
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new(); //~ RIGHT
        &DESCRIPTOR
    }

    fn new() -> Result<Arc<Self>> {
        Err(ENODEV)
    }
}
