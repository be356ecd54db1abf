// SPDX-License-Identifier: GPL-2.0

//! genl_tick: a timer that notifies, with the time at which it expired.
//!
//! `genl_tick_c.c` is the same in C, to be compared with.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../../rust/genl/mod.rs"]
mod genl;

use genl::{
    kind::*,
    Attribute,
    Family,
    FamilyDescriptor,
    MulticastGroup,
    Net,
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
        // CAST: It is not negative.
        let time = ticked::Time.put(Monotonic::ktime_get() as u64);
        if let Some(family) = Tick::descriptor().registered() {
            // A listener without room learns of it from its socket.
            let _ = family.multicast::<Ticked>(Net::init(), &(time,), GFP_ATOMIC);
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
    const GROUPS: &'static [MulticastGroup<Self>] = GROUPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Tick> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::attributes! {
    /// What is told.
    pub(crate) mod ticked: TickedSet {
        /// The time since the machine was started, in nanoseconds.
        Time = 1: U64,
    }
}

genl::groups! {
    for Tick;
    Listeners = 0 "ticks", Anyone;
}

genl::notifications! {
    for Tick;

    /// Told each time that the timer expires.
    Ticked = "ticked" 1, TickedSet => Listeners;
}
