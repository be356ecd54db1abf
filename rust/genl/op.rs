// SPDX-License-Identifier: GPL-2.0

//! Operations: what a family answers, and the table that the core finds them in.
//!
//! The table consists of split operations (`struct genl_split_ops`) only: each entry is a do or a
//! dump with a policy of its own, and nothing is inherited. [`table`](super::table()) checks the
//! rules of `genl_register_family()` when the program is compiled, and some that C does not check
//! at all.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    command::{
        errno,
        Access,
        Op, //
    },
    dump::Dump,
    family::{
        state_of,
        Family, //
    },
    message::HDRLEN,
    module::Mark,
    policy::{
        check_policy,
        max_attr,
        Policy, //
    },
    reply::{
        Responder,
        Sent, //
    },
    request::Request,
    round::{
        dump_done,
        dump_start,
        dumpit, //
    },
    secret,
    table::{
        fail,
        Entry, //
    },
    trace, //
};
use core::{
    cell::Cell,
    marker::PhantomData,
    ptr, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// A do without a reply: the sender gets an error, or an ack if it has asked for one.
///
/// [`operations!`](super::operations) implements it by a method of the family, as all operations.
pub trait Do: Op {
    /// Handles a request. `family` is the state that the family was registered with.
    ///
    /// `EINTR` reaches the sender as `EAGAIN`, since the core would send no ack at all for `EINTR`.
    fn doit(family: &Self::Family, request: Request<'_, Self>) -> Result
    where
        Self: Sized;
}

/// A do with a reply.
pub trait DoReply: Op {
    /// Handles a request and sends the reply through `reply`. There is no other way to return `Ok`.
    ///
    /// `EINTR` reaches the sender as `EAGAIN`, since the core would send no ack at all for `EINTR`.
    fn doit<'a>(
        family: &Self::Family,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>>
    where
        Self: Sized;
}

/// What is taken before a handler runs and given back after it.
///
/// In C these are `pre_doit` and `post_doit`. Here [`Guard::enter`] is the former, and dropping the
/// guard is the latter.
///
/// A guard of one operation implements this trait for that operation. A guard of a whole family
/// implements it for each `O: Op<Family = ...>`. [`Both`] takes two guards, one after the other.
///
/// # Examples
///
/// A lock of the family, taken around each handler that names it as its guard.
///
/// ```
/// use genl::{Family, Guard, Op, Request};
/// use kernel::{prelude::*, sync::{lock::mutex::MutexBackend, lock, Mutex}};
///
/// trait Locked: Family {
///     fn lock(&self) -> &Mutex<u32>;
/// }
///
/// struct FamilyLock<'a>(lock::Guard<'a, u32, MutexBackend>);
///
/// impl<'a, O> Guard<'a, O> for FamilyLock<'a>
/// where
///     O: Op,
///     O::Family: Locked,
/// {
///     fn enter(family: &'a O::Family, _: &Request<'a, O>) -> Result<Self> {
///         Ok(Self(family.lock().lock()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no guard of `{O}`",
    label = "neither of this operation, nor of each one of the family"
)]
pub trait Guard<'a, O: Op>: Sized {
    /// Runs in front of the handler. After an error the handler does not run.
    fn enter(family: &'a O::Family, request: &Request<'a, O>) -> Result<Self>;
}

/// Two guards: `A` is entered first and left last. The example of [`GuardedDo`] has two.
pub struct Both<A, B> {
    // Members are dropped in this order.
    inner: B,
    outer: A,
}

impl<A, B> Both<A, B> {
    /// The guard that was entered first.
    pub fn outer(&mut self) -> &mut A {
        &mut self.outer
    }

    /// The guard that was entered last.
    pub fn inner(&mut self) -> &mut B {
        &mut self.inner
    }
}

impl<'a, O: Op, A: Guard<'a, O>, B: Guard<'a, O>> Guard<'a, O> for Both<A, B> {
    fn enter(family: &'a O::Family, request: &Request<'a, O>) -> Result<Self> {
        let outer = A::enter(family, request)?;
        let inner = B::enter(family, request)?;
        Ok(Self { inner, outer })
    }
}

/// A [`Do`] with a guard around it.
///
/// # Examples
///
/// Two guards: each request is counted while it is handled, and has the lock of the family. One of
/// the commands adds to what is under the lock, the other one returns it.
///
/// ```
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use genl::{
///     kind::U32,
///     Attribute,
///     Both,
///     Guard,
///     Op,
///     Request,
///     Responder,
///     Sent, //
/// };
/// use kernel::{
///     prelude::*,
///     sync::{
///         lock::{
///             self,
///             mutex::MutexBackend, //
///         },
///         Mutex, //
///     },
/// };
/// # use genl::{Family, FamilyDescriptor, SplitOp};
/// #
/// # genl::attributes! {
/// #     /// A sum.
/// #     pub(crate) mod sum: SumSet {
/// #         /// What it is.
/// #         Value = 1: U32,
/// #     }
/// # }
///
/// genl::operations! {
///     for Sum;
///
///     /// Adds 1.
///     guarded_do Add = "add" 1, Admin, SumSet [] => add CountedAndLocked;
///
///     /// Returns the sum.
///     guarded_do_reply Get = "get" 2, Anyone, SumSet [] => get Locked;
/// }
///
/// #[pin_data]
/// struct Sum {
///     busy: Atomic<u32>,
///     #[pin]
///     sum: Mutex<u32>,
/// }
/// #
/// # impl Family for Sum {
/// #     const NAME: &'static str = "sum";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Sum> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
///
/// /// Refuses what comes when too many requests are being handled.
/// struct Counted<'a>(&'a Atomic<u32>);
///
/// impl<'a, O: Op<Family = Sum>> Guard<'a, O> for Counted<'a> {
///     fn enter(family: &'a Sum, request: &Request<'a, O>) -> Result<Self> {
///         // It is dropped, and counted down, also where it refuses.
///         let counted = Self(&family.busy);
///         if family.busy.fetch_add(1, Relaxed) >= 16 {
///             request.extack().set_text(c"too many at once");
///             return Err(EBUSY);
///         }
///         Ok(counted)
///     }
/// }
///
/// impl Drop for Counted<'_> {
///     fn drop(&mut self) {
///         self.0.fetch_sub(1, Relaxed);
///     }
/// }
///
/// struct Locked<'a>(lock::Guard<'a, u32, MutexBackend>);
///
/// impl<'a, O: Op<Family = Sum>> Guard<'a, O> for Locked<'a> {
///     fn enter(family: &'a Sum, _: &Request<'a, O>) -> Result<Self> {
///         Ok(Self(family.sum.lock()))
///     }
/// }
///
/// type CountedAndLocked<'a> = Both<Counted<'a>, Locked<'a>>;
///
/// impl Sum {
///     fn add(&self, guard: &mut CountedAndLocked<'_>, _: Request<'_, Add>) -> Result {
///         let sum = &mut *guard.inner().0;
///         *sum = sum.checked_add(1).ok_or(EOVERFLOW)?;
///         Ok(())
///     }
///
///     fn get<'a>(
///         &self,
///         guard: &mut Locked<'_>,
///         _: Request<'a, Get>,
///         reply: Responder<'a, Get>,
///     ) -> Result<Sent<'a>> {
///         reply.send(&(sum::Value.put(*guard.0),))
///     }
/// }
/// ```
pub trait GuardedDo: Op {
    /// The guard.
    type Guard<'a>: Guard<'a, Self>
    where
        Self: Sized;

    /// Handles a request, like [`Do::doit`].
    fn doit<'a>(
        family: &'a Self::Family,
        guard: &mut Self::Guard<'a>,
        request: Request<'a, Self>,
    ) -> Result
    where
        Self: Sized;
}

/// A [`DoReply`] with a guard around it. The reply is sent before the guard is left, unless it is
/// [deferred](Responder::defer). The example of [`GuardedDo`] has one.
pub trait GuardedDoReply: Op {
    /// The guard.
    type Guard<'a>: Guard<'a, Self>
    where
        Self: Sized;

    /// Handles a request and sends the reply, like [`DoReply::doit`].
    fn doit<'a>(
        family: &'a Self::Family,
        guard: &mut Self::Guard<'a>,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>>
    where
        Self: Sized;
}

/// A table entry for a do without a reply.
pub const fn do_<O: Do>() -> Entry<O::Family> {
    with_doit::<O>(do_trampoline::<O>)
}

/// A table entry for a do with a reply.
pub const fn do_reply<O: DoReply>() -> Entry<O::Family> {
    with_doit::<O>(do_reply_trampoline::<O>)
}

/// A table entry for a do without a reply that has a guard.
pub const fn guarded_do<O: GuardedDo>() -> Entry<O::Family> {
    with_doit::<O>(guarded_do_trampoline::<O>)
}

/// A table entry for a do with a reply that has a guard.
pub const fn guarded_do_reply<O: GuardedDoReply>() -> Entry<O::Family> {
    with_doit::<O>(guarded_do_reply_trampoline::<O>)
}

/// A table entry for a dump.
pub const fn dump<O: Dump>() -> Entry<O::Family> {
    if !O::SECRETS.is_empty() {
        fail(
            O::NAME,
            "is a dump, whose request the core keeps: it cannot wipe secrets",
        );
    }
    let mut entry = entry::<O>(bindings::GENL_CMD_CAP_DUMP);
    entry.raw.__bindgen_anon_1.__bindgen_anon_2 =
        bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_2 {
            start: Some(dump_start::<O>),
            dumpit: Some(dumpit::<O>),
            done: Some(dump_done::<O>),
        };
    entry
}

type Doit = unsafe extern "C" fn(*mut bindings::sk_buff, *mut bindings::genl_info) -> c_int;

const fn with_doit<O: Op>(doit: Doit) -> Entry<O::Family> {
    let mut entry = entry::<O>(bindings::GENL_CMD_CAP_DO);
    entry.raw.__bindgen_anon_1.__bindgen_anon_1 =
        bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_1 {
            pre_doit: None,
            doit: Some(doit),
            post_doit: None,
        };
    entry
}

const fn entry<O: Op>(direction: u32) -> Entry<O::Family> {
    check_policy(O::Policy::ATTRS);
    let access = match O::ACCESS {
        Access::Anyone => 0,
        Access::Admin => bindings::GENL_ADMIN_PERM,
        Access::NetnsAdmin => bindings::GENL_UNS_ADMIN_PERM,
    };
    let mut raw: bindings::genl_split_ops = pin_init::zeroed();
    raw.cmd = O::NUMBER;
    // CAST: The flags of an operation are eight bits.
    raw.flags = (direction | access) as u8;
    if O::VALIDATION.0 != 0 && O::NUMBER >= <O::Family as Family>::RESV_START_OP {
        fail(
            O::NAME,
            "must be in front of RESV_START_OP, or validate strictly",
        );
    }
    raw.validate = O::VALIDATION.0;
    // A null policy makes the core refuse all attributes.
    if !O::Policy::ATTRS.is_empty() {
        raw.policy = O::Policy::ATTRS.as_ptr().cast();
        raw.maxattr = max_attr(O::Policy::ATTRS) as u32;
    }
    Entry {
        raw,
        name: O::NAME,
        _family: PhantomData,
    }
}

/// Runs a handler between the tracepoints of a do.
///
/// # Safety
///
/// The core calls the `doit` of a table entry of `O`, with this `skb` and this `info`, which are
/// valid during `'a`.
#[inline(always)]
unsafe fn handle<'a, O: Op>(
    skb: *const bindings::sk_buff,
    info: &'a bindings::genl_info,
    handler: impl FnOnce(&'a O::Family, Request<'a, O>) -> Result,
) -> c_int {
    let mut mark = Mark::new();
    // SAFETY: This is the handling of the request, and the mark stays where it is.
    if !unsafe { before(info, &mut mark) } {
        // SAFETY: Nobody handles the request.
        unsafe { wipe::<O>(info) };
        return EINTR.to_errno();
    }
    // SAFETY: The family is registered while one of its handlers runs.
    let family = unsafe { state_of::<O::Family>(info) };
    // SAFETY: The entry of `O` has made the core parse with the policy of `O`.
    let request = unsafe { Request::new(info, skb) };
    let result = handler(family, request);
    // SAFETY: The handler has returned, and takes any request: it has kept nothing that refers to
    // this one.
    unsafe { wipe::<O>(info) };
    // SAFETY: As above.
    unsafe { after(info, &mut mark, result) }
}

/// Wipes the secrets of a request, if its operation has any.
///
/// # Safety
///
/// `info` belongs to a request for `O` whose attributes nobody refers to any more.
#[inline(always)]
unsafe fn wipe<O: Op>(info: &bindings::genl_info) {
    if const { O::SECRETS.is_empty() } {
        return;
    }
    let start = const { HDRLEN + <O::Family as Family>::HDRSIZE };
    // SAFETY: The core has seen that the message is long enough for all headers.
    unsafe {
        // CAST: The length of a message fits.
        let len = ((*info.nlhdr).nlmsg_len as usize).saturating_sub(start);
        let attrs = info.nlhdr.cast_mut().cast::<u8>().add(start);
        secret::wipe(attrs, len, O::SECRETS);
    }
}

/// What comes in front of each handler. Returns false if it must not run.
///
/// # Safety
///
/// `info` belongs to a request that is about to be handled, and the mark stays where it is until
/// [`after`] is called, if this returns true.
#[inline(never)]
unsafe fn before(info: &bindings::genl_info, mark: &mut Mark) -> bool {
    // SAFETY: By the safety requirements of this function.
    unsafe {
        if mark.enter(ptr::null()) {
            // One datagram may have thousands of requests. Nobody waits for the answers any more.
            mark.leave();
            return false;
        }
        trace::do_enter(info);
        true
    }
}

/// What comes behind each handler: makes the number that the core is told.
///
/// # Safety
///
/// `info` belongs to a request that has just been handled, and [`before`] has set the mark.
#[inline(never)]
unsafe fn after(info: &bindings::genl_info, mark: &mut Mark, result: Result) -> c_int {
    let result = result.map_or_else(errno, |()| 0);
    // SAFETY: By the safety requirements of this function.
    unsafe {
        mark.leave();
        trace::do_exit(info, result);
    }
    result
}

/// As [`handle`], for a handler with a reply, which may be put off.
///
/// # Safety
///
/// As for [`handle`].
#[inline(always)]
unsafe fn handle_reply<O: Op, H>(
    skb: *const bindings::sk_buff,
    info: *mut bindings::genl_info,
    handler: H,
) -> c_int
where
    H: for<'a> FnOnce(&'a O::Family, Request<'a, O>, Responder<'a, O>) -> Result<Sent<'a>>,
{
    // SAFETY: `info` is on the stack of the core during the call.
    let info = unsafe { &*info };
    let deferred = Cell::new(false);
    // SAFETY: By the safety requirements of this function.
    let result = unsafe {
        handle::<O>(skb, info, |family, request| {
            // The request is handled by this very call.
            let reply = Responder::new(info, skb, &deferred);
            handler(family, request, reply).map(|_sent| ())
        })
    };
    if deferred.get() {
        // Whoever has the reply answers, also where the handler has failed meanwhile. The core
        // must not: it takes EINTR for "no answer yet".
        return EINTR.to_errno();
    }
    result
}

/// # Safety
///
/// The core calls it as the `doit` of a table entry of `O`.
unsafe extern "C" fn do_trampoline<O: Do>(
    skb: *mut bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    // SAFETY: By the safety requirements of this function; `info` is on the stack of the core.
    unsafe { handle::<O>(skb, &*info, O::doit) }
}

/// # Safety
///
/// The core calls it as the `doit` of a table entry of `O`.
unsafe extern "C" fn do_reply_trampoline<O: DoReply>(
    skb: *mut bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    unsafe { handle_reply::<O, _>(skb, info, O::doit) }
}

/// # Safety
///
/// The core calls it as the `doit` of a table entry of `O`.
unsafe extern "C" fn guarded_do_trampoline<O: GuardedDo>(
    skb: *mut bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    // SAFETY: By the safety requirements of this function; `info` is on the stack of the core.
    unsafe {
        handle::<O>(skb, &*info, |family, request| {
            let mut guard = O::Guard::enter(family, &request)?;
            O::doit(family, &mut guard, request)
        })
    }
}

/// # Safety
///
/// The core calls it as the `doit` of a table entry of `O`.
unsafe extern "C" fn guarded_do_reply_trampoline<O: GuardedDoReply>(
    skb: *mut bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    unsafe {
        handle_reply::<O, _>(skb, info, |family, request, reply| {
            let mut guard = O::Guard::enter(family, &request)?;
            O::doit(family, &mut guard, request, reply)
        })
    }
}
