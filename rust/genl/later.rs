// SPDX-License-Identifier: GPL-2.0

//! What a family does after a request has returned: deferred replies, and a queue for their work.
//!
//! A reply that cannot be given yet is a [`Deferred`], made by
//! [`Responder::defer`](super::Responder::defer): a value that knows whom to answer and that can be
//! kept anywhere. Whoever has it answers once, or drops it, which tells the requester `ECANCELED`.
//! So no requester waits for ever.
//!
//! A late reply looks like one that came at once: the reply comes first, then the ack if
//! `NLM_F_ACK` was set, or the error. The core would send the ack or the error when the handler
//! returns. It does not, since the framework returns `-EINTR` to it, as `netlink_dump_start()` does
//! for the same reason. A copy of the request is kept for them until the requester closes its
//! socket. The memory cgroup of the sender is charged for it.
//!
//! [`Registered::later`] runs a closure after a while, and never when the family has gone.
//!
//! C headers: [`include/net/genetlink.h`](srctree/include/net/genetlink.h),
//! [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use super::{
    extack::Extack,
    family::{
        queue,
        Registered, //
    },
    ffi,
    message::{
        message_size,
        tell_too_large,
        Header,
        Message,
        Skb, //
    },
    net::Net,
    op::Op,
    socket::{
        Entry,
        Key,
        Shared,
        Socket,
        Sockets, //
    },
    Family, //
};
use core::{
    marker::PhantomData,
    ptr,
    ptr::NonNull, //
};
use kernel::{
    bindings, new_mutex,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
    time::{
        msecs_to_jiffies,
        Msecs, //
    },
    workqueue::{
        impl_has_delayed_work,
        new_delayed_work,
        DelayedWork,
        WorkItem, //
    },
};

/// The longest request, its headers included, whose reply can be deferred: an error sends all of it
/// back, so all of it is kept. It takes 64 KiB of memory.
const REQUEST_MAX: usize = ffi::GENL_RS_DEFERRED_MAX as usize;

/// What is kept of a request whose reply is owed, until somebody answers or the socket is closed.
///
/// # Invariants
///
/// `skb` is valid and owned by this; the request is all that is in it.
pub(super) struct Owed {
    skb: NonNull<bindings::sk_buff>,
    net: ARef<Net>,
}

// SAFETY: The request is not written to any more, and may be freed by any task.
unsafe impl Send for Owed {}

impl Owed {
    /// Copies a request of the namespace `net`.
    ///
    /// # Safety
    ///
    /// `skb` and `info` belong to a request that is being handled.
    unsafe fn new(
        net: &Net,
        skb: *const bindings::sk_buff,
        info: &bindings::genl_info,
    ) -> Result<Self> {
        // SAFETY: By the safety requirements of this function.
        let skb = unsafe {
            if (*info.nlhdr).nlmsg_len as usize > REQUEST_MAX {
                return Err(EMSGSIZE);
            }
            ffi::genl_rs_copy(skb, info.nlhdr)
        };
        // INVARIANT: It was just made.
        Ok(Self {
            skb: NonNull::new(skb).ok_or(ENOMEM)?,
            net: net.into(),
        })
    }

    /// The header of the request.
    fn request(&self) -> &bindings::nlmsghdr {
        // SAFETY: By the type invariants.
        unsafe { &*self.header() }
    }

    fn header(&self) -> *mut bindings::nlmsghdr {
        // SAFETY: By the type invariants.
        unsafe { (*self.skb.as_ptr()).data.cast() }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { ffi::genl_rs_free(self.skb.as_ptr()) };
    }
}

impl Entry<Owed> {
    /// Sends the error, or an ack if the request has asked for one, like `netlink_rcv_skb()` does.
    fn answer(&self, result: Result, text: Option<&'static CStr>) {
        let owed = &self.value;
        // CAST: `NLM_F_ACK` is a flag of 16 bits.
        let wants_ack = owed.request().nlmsg_flags & bindings::NLM_F_ACK as u16 != 0;
        if (result.is_ok() && !wants_ack) || self.socket.is_closed() {
            return;
        }
        let mut extack: bindings::netlink_ext_ack = pin_init::zeroed();
        match (result, text) {
            // SAFETY: It is ours.
            (_, Some(text)) => unsafe { Extack::new(&mut extack) }.set_text(text),
            // SAFETY: As above.
            (Err(error), None) => tell_too_large(unsafe { Extack::new(&mut extack) }, error),
            _ => {}
        }
        let errno = result.map_or_else(Error::to_errno, |()| 0);
        // SAFETY: By the type invariants; the socket of the request is valid, since we have a
        // reference to it, and so is that of the kernel, which lives as long as its namespace.
        unsafe {
            bindings::netlink_ack(owed.skb.as_ptr(), owed.header(), errno, &extack);
        }
    }
}

/// A reply that is still owed, made by [`Responder::defer`](super::Responder::defer).
///
/// A copy of the request, of 64 KiB at most, is kept for it as long as the socket of the requester
/// is open and nobody has answered. When the requester closes its socket, the copy is freed. From
/// then on sending returns `ECONNREFUSED`, even if the port belongs to somebody else by then. What
/// is not noticed is a socket that is just being closed while its port is taken over.
///
/// # Examples
///
/// A reply after 100 ms.
///
/// ```
/// use genl::{DoReply, Family, Message, Op, Request, Responder, Sent};
/// use kernel::prelude::*;
///
/// fn answer_later<'a, O, M>(
///     request: &Request<'a, O>,
///     reply: Responder<'a, O>,
///     message: M,
/// ) -> Result<Sent<'a>>
/// where
///     O: Op,
///     M: Message<O> + Send + 'static,
/// {
///     let (token, sent) = reply.defer()?;
///     request.registered().later(100, move |family| {
///         // There is nobody to tell of an error but the requester, who has been told.
///         let _ = token.send(family, &message);
///     })?;
///     Ok(sent)
/// }
/// ```
///
/// All of its methods, and dropping it, may sleep.
pub struct Deferred<O: Op> {
    /// Where the request is kept.
    owed: Arc<Shared<Owed>>,
    key: Key,
    portid: u32,
    _op: PhantomData<fn() -> O>,
}

impl<O: Op> Deferred<O> {
    /// # Safety
    ///
    /// `info` and `skb` belong to a request for `O` that is being handled, and that `socket` has
    /// sent in the namespace `net`.
    pub(super) unsafe fn new(
        net: &Net,
        socket: Socket,
        skb: *const bindings::sk_buff,
        info: &bindings::genl_info,
    ) -> Result<Self> {
        // SAFETY: By the safety requirements of this function.
        let (family, owed) = unsafe {
            (
                Registered::<O::Family>::from_info(info),
                Owed::new(net, skb, info)?,
            )
        };
        let all = &family.jobs()?.owed;
        // The socket is not closed: somebody is sending through it.
        let key = all.add(info.snd_portid, net, socket, owed)?;
        Ok(Self {
            owed: all.shared().clone(),
            key,
            portid: info.snd_portid,
            _op: PhantomData,
        })
    }

    /// The port of the requester.
    pub fn portid(&self) -> u32 {
        self.portid
    }

    /// Whether the requester has closed its socket, or somebody has answered for a family that has
    /// gone. What is kept of this is of no use any more, and can be dropped.
    pub fn is_closed(&self) -> bool {
        !self.owed.has(&self.key)
    }

    /// Sends the reply, and the ack if the request has asked for one.
    ///
    /// Returns what [`Responder::send`](super::Responder::send) returns, and `ECONNREFUSED` where
    /// the socket has been closed. The requester gets the error, if it can be reached.
    pub fn send<M: Message<O>>(self, family: &Registered<O::Family>, message: &M) -> Result {
        let entry = self.owed.take(&self.key).ok_or(ECONNREFUSED)?;
        let seq = entry.value.request().nlmsg_seq;
        let header = Header::new(family.id(), 0, seq, self.portid);
        let layout = message.layout();
        let send = || {
            let size = message_size(&layout)?;
            // SAFETY: The copy of the request has its socket, to which the entry has a reference.
            if !unsafe { ffi::genl_rs_has_room(entry.value.skb.as_ptr(), size) } {
                return Err(EAGAIN);
            }
            let skb = Skb::new::<O, _>(header, &layout)?;
            if entry.socket.is_closed() {
                return Err(ECONNREFUSED);
            }
            skb.unicast(&entry.value.net, self.portid)
        };
        let result = send();
        entry.answer(result, None);
        result
    }

    /// Ends the request without a reply: an ack, if it has asked for one.
    pub fn finish(self) {
        self.answer(Ok(()), None);
    }

    /// Refuses the request after all.
    pub fn fail(self, error: Error) {
        self.answer(Err(error), None);
    }

    /// Refuses the request after all, with a text for the extended ack.
    pub fn fail_with(self, error: Error, text: &'static CStr) {
        self.answer(Err(error), Some(text));
    }

    /// Answers, unless somebody has, or there is nobody any more.
    fn answer(&self, result: Result, text: Option<&'static CStr>) {
        if let Some(entry) = self.owed.take(&self.key) {
            entry.answer(result, text);
        }
    }
}

impl<O: Op> Drop for Deferred<O> {
    fn drop(&mut self) {
        self.answer(Err(ECANCELED), Some(c"the reply was forgotten"));
    }
}

/// A closure that runs at most once.
trait Job<F: Family>: Send {
    fn run(&mut self, family: &Registered<F>);
}

impl<F: Family, J: FnOnce(&Registered<F>) + Send> Job<F> for Option<J> {
    fn run(&mut self, family: &Registered<F>) {
        if let Some(job) = self.take() {
            job(family);
        }
    }
}

/// A job that waits for its time.
#[pin_data]
struct Item<F: Family> {
    #[pin]
    work: DelayedWork<Item<F>>,
    id: u64,
    #[pin]
    job: Mutex<Option<KBox<dyn Job<F>>>>,
}

/// An item, and its node in the list of those that wait.
type ItemAndNode<F> = (Arc<Item<F>>, RBTreeNode<u64, Arc<Item<F>>>);

impl_has_delayed_work! {
    impl{F: Family} HasDelayedWork<Self> for Item<F> { self.work }
}

impl<F: Family> WorkItem for Item<F> {
    type Pointer = Arc<Self>;

    fn run(item: Arc<Self>) {
        // A family that is about to go cancels its jobs, this one too.
        let Some(family) = F::descriptor().registered() else {
            // The job may own what unregistering waits for.
            let job = item.job.lock().take();
            drop(job);
            return;
        };
        let job = item.job.lock().take();
        if let Some(later) = family.existing_jobs() {
            later.forget(item.id);
        }
        if let Some(mut job) = job {
            job.run(&family);
        }
    }
}

/// What a family has still to do: its jobs, and the requests whose reply it owes.
///
/// It exists only while the family is registered, or is just being unregistered.
#[pin_data(PinnedDrop)]
pub(super) struct Jobs<F: Family> {
    owed: Sockets<Owed>,
    #[pin]
    waiting: Mutex<Waiting<F>>,
}

struct Waiting<F: Family> {
    items: RBTree<u64, Arc<Item<F>>>,
    count: usize,
    next: u64,
    /// No more are taken: the family is about to go.
    closed: bool,
}

impl<F: Family> Jobs<F> {
    pub(super) fn new() -> Result<Pin<KBox<Self>>> {
        let owed = Sockets::new()?;
        KBox::pin_init(
            pin_init!(Self {
                owed,
                waiting <- new_mutex!(
                    Waiting {
                        items: RBTree::new(),
                        count: 0,
                        next: 0,
                        closed: false,
                    },
                    "genl::Jobs"
                ),
            }),
            GFP_KERNEL,
        )
    }

    pub(super) fn add(
        &self,
        delay: Msecs,
        job: impl FnOnce(&Registered<F>) + Send + 'static,
    ) -> Result {
        let job: KBox<dyn Job<F>> = KBox::new(Some(job), GFP_KERNEL)?;
        let id = {
            let mut waiting = self.waiting.lock();
            if waiting.closed {
                return Err(ESHUTDOWN);
            }
            if waiting.count >= F::LATER_MAX {
                return Err(EBUSY);
            }
            waiting.count = waiting.count.wrapping_add(1);
            waiting.next = waiting.next.wrapping_add(1);
            waiting.next
        };
        let make = || -> Result<ItemAndNode<F>> {
            let item = Arc::pin_init(
                pin_init!(Item {
                    work <- new_delayed_work!("genl::Item"),
                    id,
                    job <- new_mutex!(Some(job), "genl::Item::job"),
                }),
                GFP_KERNEL,
            )?;
            let node = RBTreeNode::new(id, item.clone(), GFP_KERNEL)?;
            Ok((item, node))
        };
        let (item, node) = make().inspect_err(|_| self.give_back())?;
        // One more, since the jiffy that has begun does not count as a whole one.
        let jiffies = match delay {
            0 => 0,
            delay => msecs_to_jiffies(delay).saturating_add(1),
        };
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            drop(waiting);
            self.give_back();
            return Err(ESHUTDOWN);
        }
        waiting.items.insert(node);
        // With the lock: whoever finds it in the list can cancel it. It cannot be in the queue
        // yet, so there is nothing to get back.
        // SAFETY: The family is registered.
        let _ = unsafe { queue() }.enqueue_delayed(item, jiffies);
        Ok(())
    }

    /// Takes an item off the list.
    fn forget(&self, id: u64) -> Option<Arc<Item<F>>> {
        let mut waiting = self.waiting.lock();
        let item = waiting.items.remove(&id)?;
        waiting.count = waiting.count.wrapping_sub(1);
        Some(item)
    }

    /// Gives back the place of an item that never came on the list.
    fn give_back(&self) {
        let mut waiting = self.waiting.lock();
        waiting.count = waiting.count.wrapping_sub(1);
    }

    /// Drops the jobs whose time has not come, and lets nobody add any more.
    pub(super) fn close(&self) {
        loop {
            let first = {
                let mut waiting = self.waiting.lock();
                waiting.closed = true;
                let first = waiting.items.keys().next().copied();
                first
            };
            let Some(first) = first else { break };
            // One that has begun meanwhile is waited for as all who have a `Live`.
            let Some(item) = self.forget(first) else {
                continue;
            };
            // SAFETY: The item is valid; `work` is a `delayed_work`, which is where the pointer
            // to its first member points.
            let pending = unsafe {
                let work = <Item<F> as kernel::workqueue::HasWork<Item<F>>>::raw_get_work(
                    Arc::as_ptr(&item).cast_mut(),
                );
                bindings::cancel_delayed_work_sync(work.cast())
            };
            if pending {
                // SAFETY: Queueing has taken a reference out of an `Arc`, and running the item
                // would have put it back.
                drop(unsafe { Arc::from_raw(Arc::as_ptr(&item)) });
            }
            // Without the lock: the job may own what takes locks when it is dropped.
            let job = item.job.lock().take();
            drop(job);
        }
    }
}

#[pinned_drop]
impl<F: Family> PinnedDrop for Jobs<F> {
    fn drop(self: Pin<&mut Self>) {
        self.close();
        // Those that have begun had proof that the family is registered, and it is not any more, so
        // they have ended. Nobody else can answer for a family that has gone.
        for entry in self.owed.drain() {
            entry.answer(Err(ECANCELED), Some(c"the reply was forgotten"));
        }
    }
}

impl<F: Family> Registered<F> {
    /// Runs `job` in a task of its own after at least `delay` milliseconds.
    ///
    /// The job gets the family, so it can notify and answer. Jobs run at the same time. When the
    /// family goes, those that have not begun are dropped, and then the others are waited for.
    ///
    /// Returns [`ENOMEM`], [`EBUSY`] where [`Family::LATER_MAX`] jobs are waiting, or `ESHUTDOWN`
    /// where the family is about to go.
    pub fn later(&self, delay: Msecs, job: impl FnOnce(&Registered<F>) + Send + 'static) -> Result {
        self.jobs()?.add(delay, job)
    }
}

/// A raw pointer to jobs, for the descriptor of a family.
pub(super) fn into_raw<F: Family>(jobs: Pin<KBox<Jobs<F>>>) -> *mut Jobs<F> {
    // SAFETY: It is not moved before `from_raw`.
    KBox::into_raw(unsafe { Pin::into_inner_unchecked(jobs) })
}

/// # Safety
///
/// `jobs` is null or comes from `into_raw`, and nobody uses it any more.
pub(super) unsafe fn drop_raw<F: Family>(jobs: *mut Jobs<F>) {
    if !ptr::eq(jobs, ptr::null_mut()) {
        // SAFETY: By the safety requirements of this function; it has never been moved.
        drop(unsafe { Pin::new_unchecked(KBox::from_raw(jobs)) });
    }
}
