// SPDX-License-Identifier: GPL-2.0

//! genl_tick: a timer that notifies, with the time at which it expired.
//!
//! `genl_tick_c.c` is the same in C, to be compared with.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../../rust/genl/mod.rs"]
mod genl;

use genl::{
    layout::U64,
    Command,
    Family,
    FamilyDescriptor,
    Group,
    Layout,
    Listen,
    Message,
    MulticastGroup,
    Net,
    Notify,
    Registration,
    SplitOp, //
};
use kernel::{
    impl_has_hr_timer,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    time::{
        hrtimer::{
            ArcHrTimerHandle,
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerPointer,
            HrTimerRestart,
            RelativeSoftMode, //
        },
        ClockSource,
        Delta,
        Monotonic, //
    },
};

module! {
    type: Ticking,
    name: "genl_tick",
    authors: ["The rust-genl authors"],
    description: "A timer that notifies, for the tests of rust/genl",
    license: "GPL",
    params: {
        period: u32 {
            default: 1000,
            description: "The period of the timer in microseconds",
        },
    },
}

/// The module: a timer, and the family that tells of it.
struct Ticking {
    // Members are dropped in this order.
    _timer: ArcHrTimerHandle<Timer>,
    _family: Registration<Tick>,
}

impl kernel::Module for Ticking {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let family = Registration::new(module, Tick)?;
        let timer = Arc::pin_init(
            pin_init!(Timer {
                timer <- HrTimer::new(),
            }),
            GFP_KERNEL,
        )?;
        Ok(Self {
            _timer: timer.start(period()),
            _family: family,
        })
    }
}

fn period() -> Delta {
    Delta::from_micros(module_parameters::period.value().into())
}

/// The timer.
#[pin_data]
struct Timer {
    #[pin]
    timer: HrTimer<Self>,
}

impl HrTimerCallback for Timer {
    type Pointer<'a> = Arc<Self>;

    fn run(
        _: ArcBorrow<'_, Self>,
        mut context: HrTimerCallbackContext<'_, Self>,
    ) -> HrTimerRestart {
        let time = Time(Monotonic::ktime_get());
        if let Some(family) = Tick::descriptor().registered() {
            // A listener without room learns of it from its socket.
            let _ = family.multicast::<Ticked, _>(Net::init(), &time, GFP_ATOMIC);
        }
        context.forward_now(period());
        HrTimerRestart::Restart
    }
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for Timer { mode: RelativeSoftMode<Monotonic>, field: self.timer }
}

/// The family.
struct Tick;

impl Family for Tick {
    const NAME: &'static str = "genl-tick";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = &[];
    const GROUPS: &'static [MulticastGroup<Self>] = &[MulticastGroup::new("ticks", Listen::Anyone)];

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Tick> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

/// Who listens.
struct Listeners;

impl Group for Listeners {
    type Family = Tick;
    const INDEX: u32 = 0;
}

/// Command 1, which is told each time that the timer expires.
struct Ticked;

impl Command for Ticked {
    type Family = Tick;
    const NAME: &'static str = "ticked";
    const NUMBER: u8 = 1;
}

impl Notify for Ticked {
    type Group = Listeners;
}

/// The time since the machine was started, in nanoseconds.
struct Time(i64);

impl Message<Ticked> for Time {
    fn layout(&self) -> impl Layout + '_ {
        // CAST: It is not negative.
        (U64::<1>(self.0 as u64),)
    }
}
