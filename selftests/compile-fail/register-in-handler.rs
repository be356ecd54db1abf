// SPDX-License-Identifier: GPL-2.0
//! Registering or unregistering in a handler waits for the lock that the handler holds. Only the macro that declares a module may do it.
//@ error: call to unsafe function `genl::Registration::<F>::new` is unsafe

type State = ();

family!(Fam, "fam", [genl::do_::<Get>()], []);
command!(Get of Fam, "get" = 1);

impl Op for Get {
    type Policy = NoAttrs;
}

impl Do for Get {
    fn doit(_: &Fam, _: Request<'_, Self>) -> Result {
        let state = Fam::new()?;
        let _registration = genl::Registration::new(todo(), state)?; //~ WRONG
        drop(state); //~ RIGHT
        Ok(())
    }
}

fn todo() -> &'static ThisModule {
    loop {}
}
