// SPDX-License-Identifier: GPL-2.0

//! genl_atomic: notifications from where nothing may sleep.
//!
//! Two timers, one that expires in a hard interrupt and one in a soft interrupt, and a handler
//! that holds a spinlock or is in an RCU read-side section: each of them sends in all ways that it
//! has, and leaves work behind that sends as well.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
#[path = "../../../rust/genl/mod.rs"]
mod genl;

use genl::{
    kind::*,
    Family,
    FamilyDescriptor,
    FamilyWork,
    MulticastGroup,
    Net,
    Registered,
    Registration,
    Request,
    SplitOp, //
};
use kernel::{
    alloc::Flags,
    impl_has_hr_timer, new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu,
        Arc,
        ArcBorrow,
        SpinLock, //
    },
    time::{
        hrtimer::{
            ArcHrTimerHandle,
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerPointer,
            HrTimerRestart,
            RelativeMode,
            RelativeSoftMode, //
        },
        Delta,
        Monotonic, //
    },
};

module! {
    type: Clocks,
    name: "genl_atomic",
    authors: ["The rust-genl authors"],
    description: "Notifications from atomic context, for the tests of rust/genl",
    license: "GPL",
    params: {
        period: u32 {
            default: 2000,
            description: "The period of each timer in microseconds",
        },
    },
}

/// The module.
struct Clocks {
    // Members are dropped in this order.
    _hard: ArcHrTimerHandle<Hard>,
    _soft: ArcHrTimerHandle<Soft>,
    _clock: Registration<Clock>,
}

impl kernel::Module for Clocks {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let clock = Registration::new(module, Clock::new())?;
        Ok(Self {
            _hard: Arc::pin_init(Hard::new(), GFP_KERNEL)?.start(period()),
            _soft: Arc::pin_init(Soft::new(), GFP_KERNEL)?.start(period()),
            _clock: clock,
        })
    }
}

fn period() -> Delta {
    Delta::from_micros(module_parameters::period.value().into())
}

/// A timer that tells of itself each time that it expires.
macro_rules! timer {
    ($(#[$doc:meta])* $timer:ident, $mode:ty, $from:expr) => {
        $(#[$doc])*
        #[pin_data]
        struct $timer {
            #[pin]
            timer: HrTimer<Self>,
        }

        impl $timer {
            fn new() -> impl PinInit<Self> {
                pin_init!(Self {
                    timer <- HrTimer::new(),
                })
            }
        }

        impl HrTimerCallback for $timer {
            type Pointer<'a> = Arc<Self>;

            fn run(
                _: ArcBorrow<'_, Self>,
                mut context: HrTimerCallbackContext<'_, Self>,
            ) -> HrTimerRestart {
                if let Some(clock) = Clock::descriptor().registered() {
                    if $from == HARD && !HARD_TELLS {
                        clock.queue_work(&clock.state().work);
                    } else {
                        let _ = tell(&clock, $from, GFP_ATOMIC);
                    }
                }
                context.forward_now(period());
                HrTimerRestart::Restart
            }
        }

        impl_has_hr_timer! {
            impl HasHrTimer<Self> for $timer { mode: $mode, field: self.timer }
        }
    };
}

timer! {
    /// Expires in a hard interrupt.
    Hard, RelativeMode<Monotonic>, HARD
}
timer! {
    /// Expires in a soft interrupt.
    Soft, RelativeSoftMode<Monotonic>, SOFT
}

/// From where something is told.
const HARD: u32 = 0;
const SOFT: u32 = 1;
const LOCK: u32 = 2;
const RCU: u32 = 3;
const WORK: u32 = 4;
/// As with a spinlock, without a bit of the memory that is kept for such places.
const NOWAIT: u32 = 5;

/// `netlink_broadcast()` gives up its reference to a message that a reader on another CPU may have
/// freed by then, which `CONFIG_DEBUG_NET` does not like to see in a hard interrupt, of C either.
const HARD_TELLS: bool = !cfg!(CONFIG_DEBUG_NET);

/// How it is told.
const MULTICAST: u32 = 0;
const ALL_NETS: u32 = 1;
const UNICAST: u32 = 2;
/// As an answer to the request, by a handler.
const NOTIFY: u32 = 3;

/// The family.
#[pin_data]
struct Clock {
    /// How often something was told, from each place.
    counts: [Atomic<u32>; 6],
    /// The port that gets what is sent to one port, if any.
    port: Atomic<u32>,
    work: FamilyWork<Clock>,
    #[pin]
    lock: SpinLock<()>,
}

impl Clock {
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            counts: [const { Atomic::new(0) }; 6],
            port: Atomic::new(0),
            work: FamilyWork::<Clock>::new(|job| {
                let told = job.state().told(WORK, MULTICAST);
                let _ = job.multicast::<Tick>(Net::init(), &told, GFP_KERNEL);
            })?,
            lock <- new_spinlock!(()),
        })
    }
}

/// Tells of one event in each of the ways that a handler has.
fn tell_in_handler(request: &Request<'_, Ask>, from: u32, flags: Flags) {
    let mut told = tell(request.registered(), from, flags);
    told.how = Some(NOTIFY);
    let _ = request.notify::<Tick>(&told, flags);
}

/// Tells of one event in each of the ways that everybody has.
fn tell(clock: &Registered<Clock>, from: u32, flags: Flags) -> Told<'static> {
    let mut told = clock.state().told(from, MULTICAST);
    // Who could not be told is told by its own socket.
    let _ = clock.multicast::<Tick>(Net::init(), &told, flags);
    told.how = Some(ALL_NETS);
    let _ = clock.multicast_allns::<Tick>(&told, flags);
    let port = clock.state().port.load(Relaxed);
    if port != 0 {
        told.how = Some(UNICAST);
        let _ = clock.unicast::<Tick>(Net::init(), port, &told, flags);
    }
    clock.queue_work(&clock.state().work);
    told
}

impl Family for Clock {
    const NAME: &'static str = "genl-atomic";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = OPS;
    const GROUPS: &'static [MulticastGroup<Self>] = GROUPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Clock> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

genl::attributes! {
    /// What is to be told.
    pub(crate) mod ask: AskSet {
        /// From where. The port that asks for no such place gets what is sent to one port.
        From = 1: U32,
        /// As it must not be done: in a way that may sleep.
        Wrong = 2: Flag,
    }

    /// What is told.
    pub(crate) mod tick: TickSet {
        /// From where.
        From = 1: U32,
        /// How.
        How = 2: U32,
        /// How often there was something to be told there before.
        Count = 3: U32,
    }
}

genl::operations! {
    for Clock;

    /// Have something told, or become the port that gets what is sent to one port.
    do Ask = "ask" 1, Anyone, AskSet [..] => ask;
}

genl::groups! {
    for Clock;
    Listeners = 0 "ticks", Anyone;
}

genl::notifications! {
    for Clock;

    /// Something is told.
    Tick = "tick" 2, TickSet => Listeners;
}

genl::messages! {
    /// What is told.
    pub(crate) struct Told: TickSet for Tick { from: tick::From, how: tick::How, count: tick::Count }
}

impl Clock {
    fn told(&self, from: u32, how: u32) -> Told<'static> {
        let count = self.counts.get(from as usize);
        Told {
            from: Some(from),
            how: Some(how),
            count: Some(count.map_or(0, |count| count.fetch_add(1, Relaxed))),
        }
    }

    fn ask(&self, request: Request<'_, Ask>) -> Result {
        // What must not be done, if the flag says so.
        let flags = if request.get(ask::Wrong) {
            GFP_KERNEL
        } else {
            GFP_ATOMIC
        };
        match request.get(ask::From) {
            // Whether the timer does.
            Some(HARD) if !HARD_TELLS => return Err(EOPNOTSUPP),
            Some(HARD) => {}
            Some(LOCK) => {
                let _guard = self.lock.lock();
                tell_in_handler(&request, LOCK, flags);
            }
            Some(NOWAIT) => {
                let _guard = self.lock.lock();
                tell_in_handler(&request, NOWAIT, GFP_NOWAIT);
            }
            Some(RCU) => {
                let _guard = rcu::read_lock();
                tell_in_handler(&request, RCU, flags);
            }
            _ => self.port.store(request.portid(), Relaxed),
        }
        Ok(())
    }
}
