// SPDX-License-Identifier: GPL-2.0
//! A dump may be closed by another task than the one that has started it.
//@ error: cannot be sent between threads safely

type State = ();

family!(Fam, "fam", [genl::dump::<Get>()], []);
command!(Get of Fam, "get" = 1);
command!(Other of Fam, "other" = 2);

impl Policy for Get {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::binary(8)];
}

impl Op for Get {
    type Policy = Self;
}

pub struct Number(u32);

impl Message<Get> for Number {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0),)
    }
}

pub struct Stranger;

impl Message<Other> for Stranger {
    fn layout(&self) -> impl Layout + '_ {}
}

impl Dump for Get {
    type State = *const u8; //~ WRONG
    type State = usize; //~ RIGHT

    fn start(_: &Fam, _: Request<'_, Self>) -> Result<Self::State> {
        Ok(0 as Self::State)
    }

    fn dump(_: &Fam, _: &mut Self::State, _: &mut Objects<'_, Self>) -> DumpResult {
        Ok(())
    }
}
