// SPDX-License-Identifier: GPL-2.0

//! What samples, in the place of an action of tc: a family by which a test takes references on
//! groups, and has made-up packets sampled by a timer.
//!
//! Packets of the network are no matter of Rust so far: they are a header that the request has, and
//! zeroes behind it.

use super::{
    genl,
    Group,
    Psample, //
};
use core::iter::repeat_n;
use genl::{
    kind::*,
    Family,
    FamilyDescriptor,
    Net,
    RegistrationGuard,
    Request,
    SplitOp, //
};
use kernel::{
    impl_has_hr_timer,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        ArcBorrow,
        Completion, //
    },
    time::{
        hrtimer::{
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerPointer,
            HrTimerRestart,
            RelativeSoftMode, //
        },
        Delta,
        Monotonic, //
    },
};

genl::attributes! {
    /// What is to be sampled, and for which group.
    pub(crate) mod source: SourceSet {
        /// The number of the group.
        Group = 1: U32,
        /// One of so many packets is sampled, as is told.
        Rate = 2: U32 { range::<1, 4294967295>() },
        /// How many bytes of a packet are told at most.
        Trunc = 3: U32,
        /// The device that the packet came in by.
        Iif = 4: U16 { range::<1, 65535>() },
        /// The device that it went out by.
        Oif = 5: U16 { range::<1, 65535>() },
        /// Its protocol.
        Proto = 6: U16,
        /// Its first bytes.
        Head = 7: Binary { max_len(1500) },
        /// How many zeroes there are behind these.
        Zeroes = 8: U32 { max::<65535>() },
        /// What the user has given to the action.
        Cookie = 9: Binary { max_len(16) },
        /// The rate is a probability.
        Probability = 10: Flag,
        /// The traffic class that the packet went out by.
        OutTc = 11: U16,
        /// How full the queue of that was.
        OutTcOcc = 12: U64,
        /// How long the packet was on its way.
        Latency = 13: U64,
        /// How many such packets there are.
        Count = 14: U32 { range::<1, 10000>() },
        /// The time between two of them, in microseconds.
        Period = 15: U32 { range::<1, 1000>() },
    }
}

genl::operations! {
    for Sources;

    /// Takes a reference on a group, which comes with the first one.
    do Get = "get" 1, NetnsAdmin, SourceSet [source::Group] => get;

    /// Gives one back. The group goes with the last one.
    do Put = "put" 2, NetnsAdmin, SourceSet [source::Group] => put;

    /// Has packets sampled, and returns when they were.
    do Sample = "sample" 3, NetnsAdmin, SourceSet [..] => sample;
}

/// The family.
pub(crate) struct Sources;

impl Family for Sources {
    const NAME: &'static str = "psample-source";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Sources> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// The family that tells of samples.
fn family() -> Result<RegistrationGuard<Psample>> {
    Psample::descriptor().registered().ok_or(ENODEV)
}

impl Sources {
    fn get(&self, request: Request<'_, Get>) -> Result {
        let number = request.need(source::Group)?;
        Psample::group_get(&*family()?, request.net(), number).map(|_| ())
    }

    fn put(&self, request: Request<'_, Put>) -> Result {
        let number = request.need(source::Group)?;
        Psample::group_put(&*family()?, request.net(), number)
    }

    fn sample(&self, request: Request<'_, Sample>) -> Result {
        let number = request.need(source::Group)?;
        let group = Psample::group(&*family()?, request.net(), number)?;
        let timer = Arc::pin_init(
            Timer::new(Source::new(&request)?, group, request.net()),
            GFP_KERNEL,
        )?;
        let handle = timer.clone().start(timer.period);
        // It comes: a timer that has begun expires as often as it was told to.
        timer.done.wait_for_completion();
        drop(handle);
        Ok(())
    }
}

/// A packet, and what is told of it.
pub(crate) struct Source {
    pub(crate) rate: u32,
    pub(crate) trunc: u32,
    pub(crate) iif: Option<u16>,
    pub(crate) oif: Option<u16>,
    pub(crate) proto: u16,
    pub(crate) packet: KVVec<u8>,
    pub(crate) cookie: KVec<u8>,
    pub(crate) probability: bool,
    pub(crate) out_tc: Option<u16>,
    pub(crate) out_tc_occ: Option<u64>,
    pub(crate) latency: Option<u64>,
    count: u32,
    period: u32,
}

impl Source {
    fn new(request: &Request<'_, Sample>) -> Result<Self> {
        let head = request.get(source::Head).unwrap_or_default();
        // CAST: It is below 65,536.
        let zeroes = request.get(source::Zeroes).unwrap_or(0) as usize;
        let length = head.len().saturating_add(zeroes);
        let mut packet = KVVec::with_capacity(length, GFP_KERNEL_ACCOUNT)?;
        for byte in Iterator::chain(head.iter().copied(), repeat_n(0, zeroes)) {
            packet.push_within_capacity(byte)?;
        }
        let mut cookie = KVec::new();
        cookie.extend_from_slice(
            request.get(source::Cookie).unwrap_or_default(),
            GFP_KERNEL_ACCOUNT,
        )?;
        Ok(Self {
            rate: request.get(source::Rate).unwrap_or(1),
            trunc: request.get(source::Trunc).unwrap_or(u32::MAX),
            iif: request.get(source::Iif),
            oif: request.get(source::Oif),
            proto: request.get(source::Proto).unwrap_or(0),
            packet,
            cookie,
            probability: request.get(source::Probability),
            out_tc: request.get(source::OutTc),
            out_tc_occ: request.get(source::OutTcOcc),
            latency: request.get(source::Latency),
            count: request.get(source::Count).unwrap_or(1),
            period: request.get(source::Period).unwrap_or(1),
        })
    }

    /// The length of the packet.
    pub(crate) fn length(&self) -> u32 {
        // CAST: It is at most 1,500 and 65,535.
        self.packet.len() as u32
    }

    /// What is told of the packet at most.
    pub(crate) fn data(&self) -> &[u8] {
        // CAST: A machine has at least 32 bits.
        self.packet
            .get(..self.trunc as usize)
            .unwrap_or(&self.packet)
    }
}

/// Samples a packet each time that it expires, in a soft interrupt.
#[pin_data]
struct Timer {
    #[pin]
    timer: HrTimer<Self>,
    /// All packets were sampled.
    #[pin]
    done: Completion,
    source: Source,
    group: Arc<Group>,
    net: ARef<Net>,
    period: Delta,
    left: Atomic<u32>,
}

impl Timer {
    fn new(source: Source, group: Arc<Group>, net: &Net) -> impl PinInit<Self> + use<> {
        let net = ARef::from(net);
        pin_init!(Self {
            timer <- HrTimer::new(),
            done <- Completion::new(),
            period: Delta::from_micros(source.period.into()),
            left: Atomic::new(source.count),
            source,
            group,
            net,
        })
    }
}

impl HrTimerCallback for Timer {
    type Pointer<'a> = Arc<Self>;

    fn run(
        timer: ArcBorrow<'_, Self>,
        mut context: HrTimerCallbackContext<'_, Self>,
    ) -> HrTimerRestart {
        // There is none any more where the module goes, which waits for the handler that waits here.
        if let Some(family) = Psample::descriptor().registered() {
            Psample::sample_packet(&family, &timer.net, &timer.group, &timer.source);
        }
        if timer.left.fetch_sub(1, Relaxed) == 1 {
            timer.done.complete_all();
            return HrTimerRestart::NoRestart;
        }
        context.forward_now(timer.period);
        HrTimerRestart::Restart
    }
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for Timer { mode: RelativeSoftMode<Monotonic>, field: self.timer }
}
