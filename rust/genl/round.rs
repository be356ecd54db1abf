// SPDX-License-Identifier: GPL-2.0

//! The callbacks of a dump: its start, its rounds and its end.
//!
//! C headers: [`include/linux/netlink.h`](srctree/include/linux/netlink.h) (`struct
//! netlink_callback`), [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    command::errno,
    dump::{
        Dump,
        DumpState, //
    },
    extack::Extack,
    family::{
        descriptor_of,
        state_of,
        Registered, //
    },
    ffi,
    message::{
        spend,
        Header, //
    },
    module::{
        self,
        Mark, //
    },
    net::Net,
    objects::{
        DumpResult,
        Failure,
        Objects,
        Reason,
        Stop, //
    },
    request::Request,
    trace, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// What a reader is told whose dump has outlived the family.
const GONE: Failure = Failure {
    error: ENODEV,
    text: Some(c"the family has gone"),
};

/// The largest [`DumpState::min_dump_alloc`]. `netlink_dump()`
/// puts the room that an allocation has beyond it in front of the data, whose offset has 16 bits.
const MIN_DUMP_ALLOC_MAX: u32 = 127 << 10;

/// The largest state, in bytes, that a round has on its stack.
const LOCAL_MAX: usize = 56;

/// What a dump keeps between its rounds.
struct Context<O: Dump> {
    /// The number of the registration that it belongs to, which it may outlive.
    serial: u64,
    /// The error that ends the dump as soon as the objects in front of it have left.
    failure: Option<Failure>,
    state: O::State,
}

/// Where a `C` lives during a dump: in `netlink_callback::ctx` if it fits there, else in a box that
/// `ctx` points to.
struct Slot<C>(PhantomData<C>);

impl<C> Slot<C> {
    /// `ctx` is a union with an array of `long`, and has the size that `helpers.c` asserts.
    const INLINE: bool = size_of::<C>() <= 48 && align_of::<C>() <= align_of::<c_long>();

    /// # Safety
    ///
    /// `cb` is valid.
    #[inline(always)]
    unsafe fn ctx(cb: *mut bindings::netlink_callback) -> *mut c_void {
        // SAFETY: By the safety requirements of this function.
        unsafe { (&raw mut (*cb).__bindgen_anon_1).cast() }
    }

    /// # Safety
    ///
    /// `cb` is valid and its slot is empty; it is not empty afterwards, unless this fails.
    unsafe fn put(cb: *mut bindings::netlink_callback, value: C) -> core::result::Result<(), C> {
        // SAFETY: By the safety requirements of this function.
        let ctx = unsafe { Self::ctx(cb) };
        if Self::INLINE {
            // SAFETY: Size and alignment fit.
            unsafe { ctx.cast::<C>().write(value) };
        } else {
            match KBox::<C>::new_uninit(GFP_KERNEL) {
                // SAFETY: `ctx` has room for a pointer.
                Ok(room) => unsafe {
                    ctx.cast::<*mut C>()
                        .write(KBox::into_raw(KBox::write(room, value)))
                },
                Err(_) => return Err(value),
            }
        }
        Ok(())
    }

    /// # Safety
    ///
    /// The slot of `cb` is not empty, and the pointer is used as long as it stays so.
    #[inline(always)]
    unsafe fn get(cb: *mut bindings::netlink_callback) -> *mut C {
        // SAFETY: By the safety requirements of this function.
        let ctx = unsafe { Self::ctx(cb) };
        if Self::INLINE {
            ctx.cast()
        } else {
            // SAFETY: `put` has stored the pointer.
            unsafe { *ctx.cast::<*mut C>() }
        }
    }

    /// # Safety
    ///
    /// The slot of `cb` is not empty; it is afterwards.
    unsafe fn take(cb: *mut bindings::netlink_callback) -> C {
        // SAFETY: By the safety requirements of this function.
        let value = unsafe { Self::get(cb) };
        if Self::INLINE {
            // SAFETY: As above; the slot counts as empty from here on.
            unsafe { value.read() }
        } else {
            // SAFETY: `put` has taken the pointer from a box.
            KBox::into_inner(unsafe { KBox::from_raw(value) })
        }
    }
}

/// The request of a dump.
///
/// # Safety
///
/// `cb` belongs to a generic netlink dump that has not ended during `'a`.
#[inline(always)]
unsafe fn info_of<'a>(cb: *mut bindings::netlink_callback) -> &'a bindings::genl_info {
    // SAFETY: `genl_start()` has stored a `genl_dumpit_info`, which is freed when the dump ends.
    unsafe { &(*(*cb).data.cast::<bindings::genl_dumpit_info>()).info }
}

/// # Safety
///
/// The core calls it as the `start` of a table entry of `O`.
pub(super) unsafe extern "C" fn dump_start<O: Dump>(cb: *mut bindings::netlink_callback) -> c_int {
    // SAFETY: The dump is just being started.
    let info = unsafe { info_of(cb) };
    let mut mark = Mark::new();
    // SAFETY: As above; the mark stays where it is.
    let refused = unsafe { refuse((*cb).skb, info, &mut mark) };
    if refused != 0 {
        return refused;
    }
    // SAFETY: The family is registered: it is the handling of a request that starts a dump.
    let (family, registered) = unsafe {
        (
            state_of::<O::Family>(info),
            Registered::<O::Family>::from_info(info),
        )
    };
    // The rounds ask.
    registered.open();
    // SAFETY: The entry of `O` has made the core parse with the policy of `O`.
    let request = unsafe { Request::<O>::new(info, (*cb).skb) };
    let start = || {
        let state = O::start(family, request)?;
        // SAFETY: The core looks at it when this returns.
        unsafe { (*cb).min_dump_alloc = state.min_dump_alloc().min(MIN_DUMP_ALLOC_MAX) };
        let context = Context::<O> {
            serial: registered.serial(),
            failure: None,
            state,
        };
        // SAFETY: The core zeroes the slot of a new dump and never looks at it.
        unsafe { Slot::put(cb, context) }.map_err(|context| {
            // The core calls `done` for a start that has succeeded only.
            context.state.done(family);
            ENOMEM
        })
    };
    let result = start();
    // SAFETY: `refuse` has set it.
    unsafe { mark.leave() };
    match result {
        Ok(()) => 0,
        Err(error) => errno(error),
    }
}

/// What comes in front of the start of each dump. Returns an error, or sets the mark and returns 0.
///
/// # Safety
///
/// `skb` and `info` belong to a request that is being handled, and the mark stays where it is until
/// [`Mark::leave`] is called, if this returns 0.
#[inline(never)]
unsafe fn refuse(
    skb: *const bindings::sk_buff,
    info: &bindings::genl_info,
    mark: &mut Mark,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    let (killed, spent) = unsafe { (mark.enter(ptr::null()), spend(skb, info, 1, 0)) };
    let refused = if killed {
        EINTR.to_errno()
    } else if let Err(error) = spent {
        errno(error)
    // SAFETY: As above.
    } else if unsafe { is_loading(info) } {
        // SAFETY: As above.
        unsafe { Extack::new(info.extack) }.set_text(c"the module of the family is being loaded");
        EAGAIN.to_errno()
    } else {
        return 0;
    };
    // SAFETY: It was just set.
    unsafe { mark.leave() };
    refused
}

/// Whether the module of a family is being loaded, or could not be.
///
/// # Safety
///
/// `info` belongs to a request that is being handled.
#[inline]
unsafe fn is_loading(info: &bindings::genl_info) -> bool {
    // SAFETY: The family of a request is valid, and its module is null or valid. C changes it at
    // the same time, so there is no reference to it.
    unsafe {
        let module = (*info.family).module;
        !module.is_null()
            && (&raw const (*module).state).read_volatile()
                != bindings::module_state_MODULE_STATE_LIVE
    }
}

/// # Safety
///
/// The core calls it as the `dumpit` of a table entry of `O`.
pub(super) unsafe extern "C" fn dumpit<O: Dump>(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: By the safety requirements of this function; the round is about to return.
    unsafe { traced(skb, cb, round::<O>(skb, cb)) }
}

/// Tells the tracepoint what a round returns.
///
/// # Safety
///
/// `skb` and `cb` are those of the round.
#[inline(never)]
unsafe fn traced(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
    result: c_int,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    unsafe { trace::dump_buffer(info_of(cb), skb, result) };
    result
}

/// A round of a dump.
///
/// # Safety
///
/// As for [`dumpit`].
#[inline(always)]
unsafe fn round<O: Dump>(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: The dump has been started and has not ended.
    let info = unsafe { info_of(cb) };
    // SAFETY: `dump_start` has filled the slot, and the core serialises the callbacks of a dump.
    let context = unsafe { &mut *Slot::<Context<O>>::get(cb) };
    let registered = if context.failure.is_none() {
        // SAFETY: As above, a dump of `O`.
        let descriptor = unsafe { descriptor_of::<O::Family>(info) };
        descriptor.registered_as(context.serial)
    } else {
        None
    };
    let Some(registered) = registered else {
        // SAFETY: This is a round.
        return unsafe { report(info, context.failure.as_ref().unwrap_or(&GONE)) };
    };
    let family = registered.state();
    let mut mark = Mark::new();
    // The first round is under a lock of the core, and each of them keeps the family registered.
    // SAFETY: It stays where it is.
    unsafe { mark.enter(ptr::null()) };
    // SAFETY: The reader is in the middle of reading.
    let net = unsafe { Net::of(info) };
    let generation = context.state.generation(family, net);
    let mut flags = bindings::NLM_F_MULTI;
    if context.state.filtered() {
        flags |= bindings::NLM_F_DUMP_FILTERED;
        // CAST: It is a flag of 16 bits.
        // SAFETY: The core looks at it when the dump ends.
        unsafe { (*cb).answer_flags |= bindings::NLM_F_DUMP_FILTERED as u16 };
    }
    // SAFETY: The skb is ours for this round, and the core has charged it to the reader.
    let mut objects = unsafe { Objects::new(skb, Header::answer(info, flags)) };
    let result = if const { size_of::<O::State>() <= LOCAL_MAX } {
        // A local copy of the state can live in registers.
        // SAFETY: It is written back below, and nothing unwinds or returns in between.
        let mut state = ManuallyDrop::new(unsafe { ptr::read(&context.state) });
        let result = state.dump(family, &mut objects);
        // SAFETY: The old value was moved out above.
        unsafe { ptr::write(&mut context.state, ManuallyDrop::into_inner(state)) };
        result
    } else {
        context.state.dump(family, &mut objects)
    };
    let generations = if generation != 0 {
        (generation, context.state.generation(family, net))
    } else {
        (0, 0)
    };
    objects.commit();
    // SAFETY: This is the end of a round, which has set the mark above.
    unsafe {
        finish(
            skb,
            cb,
            &mut mark,
            generations,
            result,
            &mut context.failure,
        )
    }
}

/// What comes behind each round of a dump: makes the number that the core is told.
///
/// # Safety
///
/// `skb` and `cb` are those of a round that was just committed, and that has set the mark.
#[inline(never)]
unsafe fn finish(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
    mark: &mut Mark,
    (before, after): (u32, u32),
    result: DumpResult,
    later: &mut Option<Failure>,
) -> c_int {
    // SAFETY: By the safety requirements of this function. The core keeps the request as long as
    // the dump.
    let (info, request, len) = unsafe {
        if before != 0 {
            check_consistent(skb, cb, before, after);
        }
        mark.leave();
        (info_of(cb), (*cb).skb, (*skb).len)
    };
    // The first round is a part of the datagram that has started the dump. What is in the buffer
    // is sent; the next request of that datagram may be refused.
    // SAFETY: By the safety requirements of this function.
    // CAST: The length of a buffer fits.
    unsafe { ffi::genl_rs_charge(request, 1, len as usize) };
    match result {
        Ok(()) => 0,
        // CAST: The length of an skb fits.
        Err(Stop(Reason::Full)) if len > 0 => len as c_int,
        // A `Stop` of an earlier round: an empty buffer would be taken for the end of the dump.
        // SAFETY: By the safety requirements of this function.
        Err(Stop(Reason::Full)) => unsafe { report(info, &EINVAL.into()) },
        Err(Stop(Reason::Failed(failure))) if len > 0 => {
            // The core drops the extended ack where the buffer has no room left for it, and the
            // error with it would come before objects that went in: it gets a buffer of its own.
            *later = Some(failure);
            len as c_int
        }
        // SAFETY: By the safety requirements of this function.
        Err(Stop(Reason::Failed(failure))) => unsafe { report(info, &failure) },
    }
}

/// # Safety
///
/// The core calls it as the `done` of a table entry of `O`.
pub(super) unsafe extern "C" fn dump_done<O: Dump>(cb: *mut bindings::netlink_callback) -> c_int {
    // SAFETY: `dump_start` has filled the slot, and this is the last callback of the dump, which is
    // one of `O`.
    let (context, descriptor) = unsafe {
        (
            Slot::<Context<O>>::take(cb),
            descriptor_of::<O::Family>(info_of(cb)),
        )
    };
    module::within(ptr::null(), || {
        match descriptor.registered_as(context.serial) {
            Some(registered) => context.state.done(registered.state()),
            None => drop(context.state),
        }
    });
    0
}

/// Ends a dump with an error.
///
/// # Safety
///
/// `info` belongs to a round.
#[cold]
#[inline(never)]
unsafe fn report(info: &bindings::genl_info, failure: &Failure) -> c_int {
    if let Some(text) = failure.text {
        // SAFETY: During a round the extended ack is null or that of the round.
        unsafe { Extack::new(info.extack) }.set_text(text);
    }
    errno(failure.error)
}

/// Marks a dump whose objects have changed since it began, as `genl_dump_check_consistent()` does
/// for each message: the first message of a round carries the mark, or the core's own last one.
///
/// # Safety
///
/// `skb` and `cb` belong to a round that has just been committed.
#[inline]
unsafe fn check_consistent(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
    before: u32,
    after: u32,
) {
    // SAFETY: By the safety requirements of this function; where the skb has data it begins with
    // a message header.
    unsafe {
        let (skb, cb) = (&mut *skb, &mut *cb);
        cb.seq = before;
        if skb.len != 0 {
            if cb.prev_seq != 0 && cb.prev_seq != before {
                let flags = skb.data.add(6).cast::<u16>();
                // CAST: `NLM_F_DUMP_INTR` is a flag of 16 bits.
                flags.write_unaligned(flags.read_unaligned() | bindings::NLM_F_DUMP_INTR as u16);
            }
            cb.prev_seq = before;
        }
        if after != before {
            // A change in this very round: whoever comes next carries the mark.
            if cb.prev_seq == 0 {
                cb.prev_seq = before;
            }
            cb.seq = after;
        }
    }
}

// CAST: The length of a buffer fits.
#[kunit_tests(genl_dump)]
mod tests {
    use super::{
        super::{
            attribute::{
                Attribute,
                InSet, //
            },
            command::Message,
            dump::DumpState,
            family::{
                Family,
                FamilyDescriptor, //
            },
            message::free_room,
            module::TEST_MODULE as MODULE,
            objects::Cursor,
            plain::Binary,
            registration::Registration,
            table::SplitOp, //
        },
        *, //
    };
    use core::ptr::NonNull;
    use kernel::sync::atomic::{
        Atomic,
        Relaxed, //
    };

    static GONE: Atomic<u32> = Atomic::new(0);

    /// A family whose operation the core does not know.
    pub(crate) struct Fam;

    impl Drop for Fam {
        fn drop(&mut self) {
            GONE.fetch_add(1, Relaxed);
        }
    }

    impl Family for Fam {
        const NAME: &'static str = "kunit-dump";
        const VERSION: u8 = 1;
        const OPS: &'static [SplitOp<Self>] = &[];

        fn descriptor() -> &'static FamilyDescriptor<Self> {
            static DESCRIPTOR: FamilyDescriptor<Fam> = FamilyDescriptor::new();
            &DESCRIPTOR
        }
    }

    /// What the macros know it by.
    mod genl {
        pub(super) use super::super::super::*;
    }

    genl::attributes! {
        /// An object.
        pub(crate) mod object: ObjectSet {
            /// What it is filled with.
            Bytes = 1: Binary,
        }
    }

    genl::operations! {
        for Fam;

        /// The dump.
        dump Get = "get" 1, Anyone, ObjectSet [] => get Left;
    }

    impl Fam {
        fn get(&self, _: Request<'_, Get>) -> Result<Left> {
            Ok(Left(1000, 3))
        }
    }

    impl DumpState<Get> for Left {
        fn dump(&mut self, _: &Fam, objects: &mut Objects<'_, Get>) -> DumpResult {
            objects.run(self)
        }
    }

    /// An object of so many bytes, headers included.
    struct Sized(usize);

    const SMALLEST: usize = 24;
    static ZEROS: [u8; 20000] = [0; 20000];

    impl Message<Get> for Sized {
        fn layout(&self) -> impl InSet<ObjectSet> + '_ {
            object::Bytes.put(&ZEROS[..self.0 - SMALLEST])
        }
    }

    struct Skb(NonNull<bindings::sk_buff>);

    impl Skb {
        fn new(size: u32) -> Result<Self> {
            // SAFETY: Allocating has no requirements; -1 stands for any node.
            let skb = unsafe { bindings::__alloc_skb(size, bindings::GFP_KERNEL, 0, -1) };
            Ok(Self(NonNull::new(skb).ok_or(ENOMEM)?))
        }

        fn objects(&mut self) -> Objects<'_, Get> {
            // SAFETY: It is borrowed as long as the round lasts.
            unsafe { Objects::new(self.0.as_ptr(), Header::new(16, 0, 1, 2)) }
        }

        fn room(&self) -> usize {
            // SAFETY: It is valid.
            unsafe { free_room(self.0.as_ptr()) }.1
        }

        fn len(&self) -> u32 {
            // SAFETY: It is valid.
            unsafe { self.0.as_ref() }.len
        }
    }

    impl Drop for Skb {
        fn drop(&mut self) {
            // SAFETY: It is ours.
            unsafe { bindings::nlmsg_free(self.0.as_ptr()) }
        }
    }

    fn is_full(result: DumpResult) -> bool {
        matches!(result, Err(Stop(Reason::Full)))
    }

    #[test]
    fn the_table_has_the_dump() {
        assert_eq!(OPS.len(), 1);
    }

    #[test]
    fn full_is_full_for_the_rest_of_the_round() -> Result {
        let mut skb = Skb::new(1000)?;
        let room = skb.room();
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(room - 100 & !3)).is_ok());
        assert!(is_full(objects.push(&Sized(200))));
        assert!(is_full(objects.push(&Sized(SMALLEST))));
        assert_eq!(objects.commit() as usize, room - 100 & !3);
        Ok(())
    }

    #[test]
    fn the_room_is_what_goes_in() -> Result {
        let mut skb = Skb::new(1000)?;
        let room = skb.room();
        let mut objects = skb.objects();
        assert!(objects.is_empty() && objects.room() == room);
        assert_eq!(objects.size_of(&Sized(100)), Ok(100));
        assert!(objects.push(&Sized(100)).is_ok());
        assert!(!objects.is_empty() && objects.room() == room - 100);
        assert!(objects.push(&Sized(objects.room() & !3)).is_ok());
        assert!(objects.room() < 4);
        assert!(is_full(objects.push(&Sized(SMALLEST))));
        assert_eq!(objects.room(), 0);
        assert_eq!(objects.commit() as usize, room & !3);
        // What was committed is not empty either.
        assert!(!skb.objects().is_empty());
        Ok(())
    }

    #[test]
    fn the_last_byte_is_used() -> Result {
        let mut skb = Skb::new(1000)?;
        let room = skb.room();
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(SMALLEST)).is_ok());
        assert!(objects.push(&Sized(room - SMALLEST)).is_ok());
        assert!(is_full(objects.push(&Sized(SMALLEST))));
        assert_eq!(objects.commit() as usize, room);
        assert_eq!(skb.room(), 0);
        Ok(())
    }

    #[test]
    fn nothing_is_visible_before_the_end() -> Result {
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(100)).is_ok());
        drop(objects);
        assert_eq!(skb.len(), 0);
        Ok(())
    }

    #[test]
    fn an_empty_buffer_grows() -> Result {
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(20000)).is_ok());
        assert_eq!(objects.commit(), 20000);
        // It is the end for what does not fit beside it.
        let mut objects = skb.objects();
        assert!(is_full(objects.push(&Sized(20000))));
        assert_eq!(objects.commit(), 20000);
        Ok(())
    }

    /// Objects of one size, and how many are left.
    #[derive(Clone, Copy)]
    pub(crate) struct Left(usize, u32);

    impl Cursor<Get> for Left {
        fn place(&self) -> u64 {
            u64::from(u32::MAX - self.1)
        }

        fn peek(&self) -> Option<impl Message<Get> + '_> {
            (self.1 > 0).then_some(Sized(self.0))
        }

        fn advance(&mut self) {
            self.1 -= 1;
        }
    }

    #[test]
    fn a_cursor_behind_another_one_may_find_no_room() -> Result {
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        let (mut small, mut large) = (Left(100, 1), Left(5000, 2));
        assert!(objects.run(&mut small).is_ok());
        assert!(is_full(objects.run(&mut large)));
        assert!(small.1 == 0 && large.1 == 2);
        assert_eq!(objects.commit(), 100);
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        assert!(objects.push(&Sized(100)).is_ok());
        assert!(is_full(objects.run(&mut large)));
        assert!(large.1 == 2);
        // The next round has room for it.
        let mut skb = Skb::new(1000)?;
        let mut objects = skb.objects();
        assert!(is_full(objects.run(&mut large)));
        assert!(large.1 == 1);
        Ok(())
    }

    /// An object that nothing gets past.
    #[derive(Clone, Copy)]
    struct Stuck;

    // It is never equal to itself, and nobody asks.
    impl PartialEq for Stuck {
        fn eq(&self, _: &Self) -> bool {
            false
        }
    }

    impl Cursor<Get> for Stuck {
        fn place(&self) -> u64 {
            7
        }

        fn peek(&self) -> Option<impl Message<Get> + '_> {
            Some(Sized(100))
        }

        fn advance(&mut self) {}
    }

    #[test]
    fn a_cursor_that_does_not_move_ends_the_dump() -> Result {
        let mut skb = Skb::new(1000)?;
        let result = skb.objects().run(&mut Stuck);
        assert!(matches!(
            result,
            Err(Stop(Reason::Failed(Failure { error, .. }))) if error == EINVAL
        ));
        Ok(())
    }

    #[test]
    fn a_buffer_that_is_not_linear_has_no_room() -> Result {
        let mut skb = Skb::new(1000)?;
        // As if there were a page of data behind the linear part.
        // SAFETY: It is ours, and put back below.
        unsafe { skb.0.as_mut().data_len = 4096 };
        let room = skb.room();
        let result = skb.objects().push(&Sized(100));
        // SAFETY: As above.
        unsafe { skb.0.as_mut().data_len = 0 };
        assert_eq!(room, 0);
        assert!(matches!(
            result,
            Err(Stop(Reason::Failed(Failure { error, .. }))) if error == EMSGSIZE
        ));
        Ok(())
    }

    #[test]
    fn a_dump_ends_with_the_registration_that_it_belongs_to() -> Result {
        let registration = Registration::new(MODULE, Fam)?;
        let before = GONE.load(Relaxed);
        let skb = Skb::new(1000)?;
        let mut request: KBox<bindings::genl_dumpit_info> =
            KBox::new(pin_init::zeroed(), GFP_KERNEL)?;
        request.info.family = core::ptr::from_ref(Fam::descriptor()).cast();
        let mut cb: KBox<bindings::netlink_callback> = KBox::new(pin_init::zeroed(), GFP_KERNEL)?;
        cb.data = (&raw mut *request).cast();
        // No socket has sent it.
        let datagram = Skb::new(100)?;
        cb.skb = datagram.0.as_ptr();
        let cb = &raw mut *cb;

        // SAFETY: `cb` is what the core would pass, of a request that nobody looks at.
        assert_eq!(unsafe { dump_start::<Get>(cb) }, 0);
        // SAFETY: As above; the dump has been started.
        assert_eq!(unsafe { round::<Get>(skb.0.as_ptr(), cb) }, 1000);
        assert_eq!(GONE.load(Relaxed), before);
        drop(registration);
        assert_eq!(GONE.load(Relaxed), before + 1);
        // SAFETY: As above.
        let gone = unsafe { round::<Get>(skb.0.as_ptr(), cb) };
        assert_eq!(gone, ENODEV.to_errno());

        // The next one is none of its business.
        let registration = Registration::new(MODULE, Fam)?;
        // SAFETY: As above.
        let other = unsafe { round::<Get>(skb.0.as_ptr(), cb) };
        assert_eq!(other, ENODEV.to_errno());
        // SAFETY: It is the end.
        unsafe { dump_done::<Get>(cb) };
        drop(registration);
        Ok(())
    }

    static DROPPED: Atomic<u32> = Atomic::new(0);

    /// Counts how often it is dropped.
    struct Counted<const N: usize>([u64; N]);

    impl<const N: usize> Drop for Counted<N> {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }

    fn put_and_take<const N: usize>() -> Result<bool> {
        let mut cb: KBox<bindings::netlink_callback> = KBox::new(pin_init::zeroed(), GFP_KERNEL)?;
        let cb: *mut bindings::netlink_callback = &mut *cb;
        let before = DROPPED.load(Relaxed);
        // SAFETY: `cb` is valid; its slot is empty, then filled, then taken.
        let taken = unsafe {
            Slot::put(cb, Counted([7; N])).map_err(|_| ENOMEM)?;
            (*Slot::<Counted<N>>::get(cb)).0[N - 1] = 8;
            Slot::<Counted<N>>::take(cb)
        };
        let right = taken.0[0] == if N == 1 { 8 } else { 7 } && taken.0[N - 1] == 8;
        drop(taken);
        Ok(right && DROPPED.load(Relaxed) == before + 1)
    }

    #[test]
    fn a_state_is_kept_and_dropped_once() -> Result {
        assert!(Slot::<Counted<6>>::INLINE && !Slot::<Counted<7>>::INLINE);
        assert!(put_and_take::<1>()?);
        assert!(put_and_take::<6>()?);
        assert!(put_and_take::<7>()?);
        assert!(put_and_take::<100>()?);
        Ok(())
    }
}
