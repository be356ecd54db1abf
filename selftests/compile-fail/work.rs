// SPDX-License-Identifier: GPL-2.0
//! Work that belongs to a family.
//!
// covers: surface 10b
//@ stranger: mismatched types
//@ below: expected `&FamilyWork<Fam>`, found `&FamilyWork<Other>`
//@     It would run with the state of another type.
// covers: surface 10b
//@ not-send: `\{closure@.*` cannot be kept for a later system call or job
//@     Work runs in another task.
// covers: surface 10b
//@ borrow: borrowed data escapes outside of (associated function|method)
//@     What was read from a request is gone when the work runs.
// covers: surface 10b, trap q
//@ keep: borrowed data escapes outside of closure
//@     The family may go as soon as the work has returned.

type State = ();

family!(Fam, "fam", OPS, &[]);
family!(Other, "other", &[], &[]);

genl::attributes! {
    pub(crate) mod setting: SettingSet {
        Key = 1: Binary { max_len(8) },
    }
}

genl::operations! {
    for Fam;
    do Set = "set" 1, Anyone, SettingSet [setting::Key] => set;
}

impl Fam {
    fn set(&self, request: Request<'_, Set>) -> Result {
        let bytes: &[u8] = request.get(setting::Key).unwrap_or_default();
        let bytes = [0; 8]; //~ not borrow
        let local = 0 as *const u8; //~ not-send
        let mut last: Option<&'static Job<Fam>> = None;
        let work = FamilyWork::<Fam>::new(move |job| {
            drop(bytes);
            let _ = &local; //~ not-send
            last = Some(job); //~ keep
            last = None; //~ not keep
        })?;
        request.registered().queue_work(&work);
        let other = FamilyWork::<Other>::new(|_| ())?;
        request.registered().queue_work(&other); //~ stranger
        Ok(())
    }
}
