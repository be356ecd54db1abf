// SPDX-License-Identifier: GPL-2.0
//! The number of operations has eight bits in C.
//@ error: genl: a family has at most 255 operations

type State = ();

pub struct Fam {
    kept: State,
}

command!(Get of Fam, "get" = 1);

impl Op for Get {
    type Policy = NoAttrs;
}

do_nothing!(Get);

impl Family for Fam {
    const NAME: &'static str = "fam";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &genl::table([const { genl::do_::<Get>() }; 256]); //~ WRONG
    const OPS: &'static [SplitOp<Self>] = &genl::table([const { genl::do_::<Get>() }; 1]); //~ RIGHT

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
        &DESCRIPTOR
    }

    fn new() -> Result<Arc<Self>> {
        Err(ENODEV)
    }
}
