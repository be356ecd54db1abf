// SPDX-License-Identifier: GPL-2.0
//! Objects of another operation have other attributes.
//@ error: the trait bound `Stranger: Message<Get>` is not satisfied

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
    type State = ();

    fn start(_: &Fam, _: Request<'_, Self>) -> Result {
        Ok(())
    }

    fn dump(_: &Fam, _: &mut (), objects: &mut Objects<'_, Self>) -> DumpResult {
        objects.push(&Stranger) //~ WRONG
        objects.push(&Number(1)) //~ RIGHT
    }
}
