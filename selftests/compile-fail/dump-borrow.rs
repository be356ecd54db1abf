// SPDX-License-Identifier: GPL-2.0
//! The state of a dump lives longer than the callback that has made it.
//@ error: lifetime may not live long enough|mismatched types

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
    type State = &'static [u8];

    fn start(_: &Fam, request: Request<'_, Self>) -> Result<&'static [u8]> {
        Ok(request.binary::<1>().unwrap_or_default()) //~ WRONG
        Ok(request.binary::<1>().map_or(b"none", |_| b"some")) //~ RIGHT
    }

    fn dump(_: &Fam, _: &mut Self::State, _: &mut Objects<'_, Self>) -> DumpResult {
        Ok(())
    }
}
