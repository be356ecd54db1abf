// SPDX-License-Identifier: GPL-2.0

//! Declarations: the macros by which a protocol is written down, by hand or by the generator.
//!
//! They only declare. What they expand to are the types and the implementations that one would write,
//! an item for a line, and all that does something is in the traits that are implemented.
//!
//! Each needs `genl` to be in scope.

/// Declares sets of attributes: for each a module with a type for each attribute, and the type of the
/// set itself.
///
/// An attribute has a name, a number, what it [holds](super::kind), and what a policy says beside
/// that, as methods of [`Attr`](super::Attr) that are called one after the other. What needs a rule
/// of its own has it behind `=`.
///
/// # Examples
///
/// ```
/// use genl::{kind::*, Attr};
///
/// genl::attributes! {
///     /// A note.
///     pub(crate) mod note: NoteSet {
///         /// The name of the note.
///         Name = 1: Str { max_len(31) },
///         /// How important it is, from 1 to 5.
///         Weight = 2: U32 { range::<1, 5>() },
///         /// Who may read it.
///         Readers = 3: Many<U32>,
///         /// Nobody knows any more.
///         Old = 4: U32 = Attr::reject(c"notes have no age"),
///         /// Where it is.
///         Place = 5: Nest<PlaceSet>,
///     }
///
///     /// A place.
///     pub(crate) mod place: PlaceSet {
///         /// From the left.
///         X = 1: S32,
///         /// From the top.
///         Y = 2: S32,
///     }
///
///     /// A tree. The policy of what contains itself is a static.
///     pub(crate) mod tree: TreeSet static TREE {
///         /// What is below.
///         Child = 1: NestIn<TreeSet> = Attr::nested_in(&TREE),
///         /// A number.
///         Value = 2: U32,
///     }
/// }
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_attributes {
    (@rule $kind:ty;;) => {
        <$kind as genl::kind::Kind>::RULE
    };
    (@rule $kind:ty; { $($rule:tt)* };) => {
        <$kind as genl::kind::Kind>::RULE.$($rule)*
    };
    (@rule $kind:ty;; = $rule:expr) => {
        $rule
    };
    (@policy $Set:ident [$($vis:tt)*] $table:ident; $len:expr; $rules:expr) => {
        $($vis)* static $table: [genl::Attr; $len] =
            genl::static_table_of(stringify!($Set), $rules);

        impl genl::Policy for $Set {
            const ATTRS: &'static [genl::Attr] = &$table;
        }
    };
    (@policy $Set:ident [$($vis:tt)*]; $len:expr; $rules:expr) => {
        impl genl::Policy for $Set {
            const ATTRS: &'static [genl::Attr] = &genl::table_of::<{ $len }>(stringify!($Set), $rules);
        }
    };
    ($(
        $(#[$meta:meta])*
        $vis:vis mod $set:ident: $Set:ident $(static $table:ident)? {
            $(
                $(#[$doc:meta])*
                $name:ident = $number:literal: $kind:ty $({ $($rule:tt)* })? $(= $own:expr)?
            ),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        $vis struct $Set;

        impl genl::Set for $Set {}

        #[diagnostic::do_not_recommend]
        impl<A: genl::Attribute<Set = $Set>> genl::Carries<A> for $Set {}

        genl::attributes!(
            @policy $Set [$vis] $($table)?; genl::table_len(&[$($number),*]);
            &[$(($number, <$set::$name as genl::Attribute>::RULE)),*]
        );

        $(#[$meta])*
        $vis mod $set {
            $(
                $(#[$doc])*
                #[derive(Clone, Copy)]
                $vis struct $name;
            )*
        }

        $(
            impl genl::Attribute for $set::$name {
                type Set = $Set;
                type Kind = $kind;
                const NUMBER: u16 = $number;
                const RULE: genl::Attr = genl::attributes!(
                    @rule $kind; $({ $($rule)* })?; $(= $own)?
                );
            }
        )*
    )*};
}

/// Declares enumerations: of each a type, whose values are those of the protocol.
///
/// # Examples
///
/// ```
/// genl::enumerations! {
///     /// What has happened to a note.
///     pub(crate) enum Change {
///         /// It is new.
///         Posted = 0,
///         /// It is gone.
///         Removed = 1,
///     }
/// }
///
/// use genl::kind::{Of, U8};
///
/// genl::attributes! {
///     /// What is told.
///     pub(crate) mod event: EventSet {
///         /// What has happened.
///         Change = 1: Of<U8, Change>,
///     }
/// }
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_enumerations {
    ($(
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$doc:meta])* $variant:ident = $number:literal),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$doc])* $variant = $number,)*
        }

        impl genl::kind::Enum for $name {
            const VALUES: genl::kind::Values = genl::kind::Values::of(&[$($number),*]);

            fn from_value(value: u64) -> core::option::Option<Self> {
                // CAST: What is negative has its sign in 64 bits.
                match value as i64 {
                    $($number => core::option::Option::Some(Self::$variant),)*
                    _ => core::option::Option::None,
                }
            }

            #[inline(always)]
            fn value(self) -> u64 {
                // CAST: As above.
                self as i64 as u64
            }
        }
    )*};
}

/// Declares sets of flags: of each a type, whose values are any of them together.
///
/// # Examples
///
/// ```
/// genl::flags! {
///     /// What a port can do.
///     pub(crate) struct Modes {
///         /// Send.
///         SEND = 0x1,
///         /// Receive.
///         RECEIVE = 0x2,
///     }
/// }
///
/// let both = Modes::SEND | Modes::RECEIVE;
/// assert!(both.contains(Modes::SEND) && both == Modes::ALL);
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_flags {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$doc:meta])* $flag:ident = $bits:literal),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $vis struct $name(u64);

        impl $name {
            /// All flags.
            $vis const ALL: Self = Self(0 $(| $bits)*);

            $($(#[$doc])* $vis const $flag: Self = Self($bits);)*

            /// Whether all of the flags are set.
            $vis const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl core::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl genl::kind::Enum for $name {
            const VALUES: genl::kind::Values = genl::kind::Values::Mask(Self::ALL.0);

            fn from_value(value: u64) -> core::option::Option<Self> {
                if value & !Self::ALL.0 == 0 {
                    core::option::Option::Some(Self(value))
                } else {
                    core::option::Option::None
                }
            }

            #[inline(always)]
            fn value(self) -> u64 {
                self.0
            }
        }
    )*};
}

/// Declares messages: of each a struct whose members are attributes of a set, and the commands that
/// it is sent for. A member that is `None`, `false` or empty is left out.
///
/// What is a `nest` is a member of other ones, where these have a nest of the set. With the
/// [header](super::FixedHeader) of a family, `Reply: PortSet with Family for Get`, it is the member
/// `header`.
///
/// # Examples
///
/// ```
/// use genl::kind::*;
///
/// genl::attributes! {
///     /// A note.
///     pub(crate) mod note: NoteSet {
///         /// The name of the note.
///         Name = 1: Str { max_len(31) },
///         /// Where it is.
///         Place = 2: Nest<PlaceSet>,
///     }
///
///     /// A place.
///     pub(crate) mod place: PlaceSet {
///         /// From the left.
///         X = 1: S32,
///         /// From the top.
///         Y = 2: S32,
///     }
/// }
///
/// genl::messages! {
///     /// A place, in a note.
///     pub(crate) nest PlaceNest: PlaceSet { x: place::X, y: place::Y }
///
///     /// The reply to get.
///     pub(crate) nest NoteNest: NoteSet { name: note::Name, place: note::Place }
/// }
///
/// let note = NoteNest {
///     name: Some(c"a"),
///     place: Some(PlaceNest { x: Some(1), y: None }),
/// };
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_messages {
    (@nest $meta:tt $vis:vis $name:ident $Set:ident [] { } []) => {
        genl::messages!(@struct $meta $vis $name $Set [] { } []);

        impl genl::NestMessage for $Set {
            type Nest<'a> = $name;
        }
    };
    (@nest $meta:tt $vis:vis $name:ident $Set:ident [] $members:tt []) => {
        genl::messages!(@struct $meta $vis $name $Set [] $members []);

        impl genl::NestMessage for $Set {
            type Nest<'a> = $name<'a>;
        }
    };
    (@struct [$($meta:tt)*] $vis:vis $name:ident $Set:ident [] { } $commands:tt) => {
        $($meta)*
        #[derive(Clone, Copy, Default)]
        $vis struct $name;

        genl::messages!(@impl $name, $Set [] { } $commands);
    };
    (@struct [$($meta:tt)*] $vis:vis $name:ident $Set:ident [$family:ident] { } $commands:tt) => {
        $($meta)*
        #[derive(Clone, Copy, Default)]
        $vis struct $name {
            /// The header of the family.
            $vis header: <$family as genl::FixedHeader>::Header,
        }

        genl::messages!(@impl $name, $Set [$family] { } $commands);
    };
    (
        @struct [$($meta:tt)*] $vis:vis $name:ident $Set:ident [$($family:ident)?]
        { $($member:ident: $attr:path),+ $(,)? } $commands:tt
    ) => {
        $($meta)*
        #[derive(Clone, Copy, Default)]
        $vis struct $name<'a> {
            $(
                /// The header of the family.
                $vis header: <$family as genl::FixedHeader>::Header,
            )?
            $(
                #[doc = concat!("[`", stringify!($attr), "`]")]
                $vis $member: genl::FieldOf<'a, $attr>,
            )+
        }

        genl::messages!(@impl $name<'_>, $Set [$($family)?] { $($member: $attr,)+ } $commands);
    };
    (
        @impl $message:ty, $Set:ident $header:tt { $($members:tt)* }
        [$($command:path),*]
    ) => {
        impl genl::Parts<$Set> for $message {
            #[inline(always)]
            fn parts(&self) -> impl genl::InSet<$Set> + '_ {
                genl::messages!(@parts self $($members)*)
            }
        }

        $(
            impl genl::Message<$command> for $message {
                #[inline(always)]
                fn layout(&self) -> impl genl::InSet<$Set> + '_ {
                    genl::messages!(@layout self $header)
                }
            }
        )*
    };
    (@layout $self:ident []) => {
        genl::Parts::parts($self)
    };
    (@layout $self:ident [$family:ident]) => {
        (genl::Header::<$family>($self.header), genl::Parts::parts($self))
    };
    // A tuple has up to twelve.
    (
        @parts $self:ident
        $a:ident: $A:path, $b:ident: $B:path, $c:ident: $C:path, $d:ident: $D:path,
        $e:ident: $E:path, $f:ident: $F:path, $g:ident: $G:path, $h:ident: $H:path,
        $i:ident: $I:path, $j:ident: $J:path, $k:ident: $K:path, $($rest:tt)+
    ) => {
        (
            genl::field::<$A>(&$self.$a), genl::field::<$B>(&$self.$b),
            genl::field::<$C>(&$self.$c), genl::field::<$D>(&$self.$d),
            genl::field::<$E>(&$self.$e), genl::field::<$F>(&$self.$f),
            genl::field::<$G>(&$self.$g), genl::field::<$H>(&$self.$h),
            genl::field::<$I>(&$self.$i), genl::field::<$J>(&$self.$j),
            genl::field::<$K>(&$self.$k), genl::messages!(@parts $self $($rest)+),
        )
    };
    (@parts $self:ident $($member:ident: $attr:path,)*) => {
        ($(genl::field::<$attr>(&$self.$member),)*)
    };
    ($(
        $(#[$meta:meta])*
        $vis:vis $kind:ident $name:ident: $Set:ident $(with $family:ident)?
        $(for $($command:path),*)? { $($members:tt)* }
    )*) => {$(
        genl::messages!(
            @$kind [$(#[$meta])*] $vis $name $Set [$($family)?] { $($members)* }
            [$($($command),*)?]
        );
    )*};
}

/// Declares the operations of a family, and `OPS`, their table, in this order.
///
/// An operation has what it is, a name as a type and one in the protocol, a number, who may send the
/// request, the set of its attributes, those that the request carries, or `..` for all of the set,
/// and the method of the family that handles it. It is:
///
/// - `do`, [`Do`](super::Do), or `do_reply`, [`DoReply`](super::DoReply);
/// - `guarded_do` and `guarded_do_reply`, [`GuardedDo`](super::GuardedDo), with the type of the guard
///   behind the method;
/// - `dump`, [`Dump`](super::Dump), with the type of its [state](super::DumpState) behind the method,
///   which starts it.
///
/// The methods are those of the family itself. With `for Family as Handler` they are those of a
/// trait, which has the types of guards and states as well: generated code has such a trait.
///
/// What it is can have a condition behind it, `#[cfg(CONFIG_NET = "y")]`: else it is only a name.
/// Behind who may send a request can be in what it is validated less strictly than others, as
/// constants of [`Validation`](super::Validation): `Anyone + LIBERAL_DO`. A request whose replies
/// have another number has that behind its own: `"get" 1 -> 2`. Flags that all messages have, see
/// [`Command::FLAGS`](super::Command::FLAGS), are names of bindings: `"get" 1 | NLM_F_CREATE`.
///
/// # Examples
///
/// ```
/// use genl::{kind::*, DumpResult, DumpState, Family, FamilyDescriptor, Objects, Request, SplitOp};
/// use kernel::prelude::*;
///
/// genl::attributes! {
///     /// A timer.
///     pub(crate) mod timer: TimerSet {
///         /// Which one.
///         Index = 1: U32 { max::<7>() },
///         /// When it expires.
///         Expires = 2: Msecs,
///     }
/// }
///
/// genl::messages! {
///     /// A timer.
///     pub(crate) struct Timer: TimerSet for Dump { index: timer::Index, expires: timer::Expires }
/// }
///
/// genl::operations! {
///     for Timers;
///
///     /// Stops a timer, or all of them.
///     do Stop = "stop" 1, Admin, TimerSet [timer::Index] => stop;
///
///     /// Returns all of them.
///     dump Dump = "get" 2, Anyone, TimerSet [] => dump Next;
///
///     /// Starts a timer.
///     do Start = "start" 3, Admin, TimerSet [..] => start;
/// }
///
/// struct Timers;
///
/// impl Family for Timers {
///     const NAME: &'static str = "timers";
///     const VERSION: u8 = 1;
///     const OPS: &'static [SplitOp<Self>] = OPS;
///
///     fn descriptor() -> &'static FamilyDescriptor<Self> {
///         static DESCRIPTOR: FamilyDescriptor<Timers> = FamilyDescriptor::new();
///         &DESCRIPTOR
///     }
/// }
///
/// impl Timers {
///     fn stop(&self, request: Request<'_, Stop>) -> Result {
///         match request.get(timer::Index) {
///             Some(7) => Err(request.refuse(timer::Index, EBUSY, c"this one never stops")),
///             _ => Ok(()),
///         }
///     }
///
///     fn dump(&self, _: Request<'_, Dump>) -> Result<Next> {
///         Ok(Next(0))
///     }
///
///     fn start(&self, request: Request<'_, Start>) -> Result {
///         let (_index, _at) = (request.need(timer::Index)?, request.need(timer::Expires)?);
///         Ok(())
///     }
/// }
///
/// /// Where a dump stands.
/// struct Next(u32);
///
/// impl DumpState<Dump> for Next {
///     fn dump(&mut self, _: &Timers, objects: &mut Objects<'_, Dump>) -> DumpResult {
///         while self.0 < 8 {
///             objects.push(&Timer {
///                 index: Some(self.0),
///                 expires: None,
///             })?;
///             self.0 += 1;
///         }
///         Ok(())
///     }
/// }
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_operations {
    (for $family:path; $($rest:tt)*) => {
        genl::operations! { @for ($family) [] $($rest)* }
    };
    (for $family:path as $handler:path; $($rest:tt)*) => {
        genl::operations! { @for ($family) [as $handler] $($rest)* }
    };
    (
        @for ($family:path) $how:tt
        $(
            $(#[$meta:meta])*
            $mode:ident $(#[cfg($cfg:meta)])? $op:ident = $name:literal $number:literal
                $(-> $reply:literal)? $(| $flag:ident)*,
            $access:ident $(+ $liberal:ident)*, $Set:path [$($attrs:tt)*]
            => $method:ident $($assoc:ident)::*;
        )*
    ) => {
        $(
            genl::operations! {
                @command ($(#[$meta])*) $op = $name $number [$($reply)?] [$($flag)|*], $Set, $family
            }

            genl::operations!(@op $op $name $access [$($liberal)*] $Set [$($attrs)*]);

            $(#[cfg($cfg)])?
            genl::operations!(@glue $mode $op ($family) $how $method $($assoc)::*);
        )*

        /// The operations.
        pub(crate) const OPS: &[genl::SplitOp<$family>] = &genl::table([$(
            $(#[cfg($cfg)])?
            { genl::operations!(@entry $mode $op) },
        )*]);
    };
    (
        @command ($(#[$meta:meta])*) $op:ident = $name:literal $number:literal
        [$($reply:literal)?] [$($flag:ident $(| $more:ident)*)?], $Set:path, $family:path
    ) => {
        $(#[$meta])*
        pub(crate) struct $op;

        impl genl::Command for $op {
            type Family = $family;
            type Set = $Set;
            const NAME: &'static str = $name;
            const NUMBER: u8 = $number;
            $(const REPLY: u8 = $reply;)?
            // CAST: The flags of a header are bits of 16.
            $(
                const FLAGS: u16 =
                    (kernel::bindings::$flag $(| kernel::bindings::$more)*) as u16;
            )?
        }
    };
    (@op $op:ident $name:literal $access:ident [$($liberal:ident)*] $Set:path [..]) => {
        genl::operations!(@op $op ($Set) $access $($liberal)*);

        #[diagnostic::do_not_recommend]
        impl<A: genl::Attribute<Set = $Set>> genl::Carries<A> for $op {}
    };
    (
        @op $op:ident $name:literal $access:ident [$($liberal:ident)*]
        $Set:path [$($attr:path),* $(,)?]
    ) => {
        impl genl::Policy for $op {
            const ATTRS: &'static [genl::Attr] = &genl::table_of::<{
                genl::table_len(&[$(<$attr as genl::Attribute>::NUMBER),*])
            }>($name, &[$((
                <$attr as genl::Attribute>::NUMBER,
                <$attr as genl::Attribute>::RULE,
            )),*]);
        }

        genl::operations!(@op $op (Self) $access $($liberal)*);

        $(impl genl::Carries<$attr> for $op {})*
        #[diagnostic::do_not_recommend]
        impl genl::Carries<genl::others::One> for $op {}
        #[diagnostic::do_not_recommend]
        impl genl::Carries<genl::others::Other> for $op {}
    };
    (@op $op:ident ($policy:path) $access:ident $($liberal:ident)*) => {
        impl genl::Op for $op {
            type Policy = $policy;
            const ACCESS: genl::Access = genl::Access::$access;
            const VALIDATION: genl::Validation =
                genl::Validation::STRICT$(.or(genl::Validation::$liberal))*;
        }
    };
    (@type [] ($family:path) $($type:ident)::* $(<$lifetime:lifetime>)?) => {
        $($type)::* $(<$lifetime>)?
    };
    (@type [as $handler:path] ($family:path) $type:ident $(<$lifetime:lifetime>)?) => {
        <$family as $handler>::$type $(<$lifetime>)?
    };
    (@entry do $op:ident) => { genl::do_::<$op>() };
    (@entry $mode:ident $op:ident) => { genl::$mode::<$op>() };
    (@glue do $op:ident ($family:path) [$($how:tt)*] $method:ident) => {
        impl genl::Do for $op {
            #[inline(always)]
            fn doit(family: &$family, request: genl::Request<'_, Self>) -> Result {
                <$family $($how)*>::$method(family, request)
            }
        }
    };
    (@glue do_reply $op:ident ($family:path) [$($how:tt)*] $method:ident) => {
        impl genl::DoReply for $op {
            #[inline(always)]
            fn doit<'a>(
                family: &$family,
                request: genl::Request<'a, Self>,
                reply: genl::Responder<'a, Self>,
            ) -> Result<genl::Sent<'a>> {
                <$family $($how)*>::$method(family, request, reply)
            }
        }
    };
    (@glue guarded_do $op:ident ($family:path) [$($how:tt)*] $method:ident $($guard:ident)::*) => {
        impl genl::GuardedDo for $op {
            type Guard<'a> = genl::operations!(@type [$($how)*] ($family) $($guard)::* <'a>);

            #[inline(always)]
            fn doit<'a>(
                family: &'a $family,
                guard: &mut Self::Guard<'a>,
                request: genl::Request<'a, Self>,
            ) -> Result {
                <$family $($how)*>::$method(family, guard, request)
            }
        }
    };
    (@glue guarded_do_reply $op:ident ($family:path) [$($how:tt)*] $method:ident $($guard:ident)::*) => {
        impl genl::GuardedDoReply for $op {
            type Guard<'a> = genl::operations!(@type [$($how)*] ($family) $($guard)::* <'a>);

            #[inline(always)]
            fn doit<'a>(
                family: &'a $family,
                guard: &mut Self::Guard<'a>,
                request: genl::Request<'a, Self>,
                reply: genl::Responder<'a, Self>,
            ) -> Result<genl::Sent<'a>> {
                <$family $($how)*>::$method(family, guard, request, reply)
            }
        }
    };
    (@glue dump $op:ident ($family:path) [$($how:tt)*] $method:ident $($state:ident)::*) => {
        impl genl::Dump for $op {
            type State = genl::operations!(@type [$($how)*] ($family) $($state)::*);

            #[inline(always)]
            fn start(family: &$family, request: genl::Request<'_, Self>) -> Result<Self::State> {
                <$family $($how)*>::$method(family, request)
            }

            #[inline(always)]
            fn dump(
                family: &$family,
                state: &mut Self::State,
                objects: &mut genl::Objects<'_, Self>,
            ) -> genl::DumpResult {
                genl::DumpState::<Self>::dump(state, family, objects)
            }

            fn done(family: &$family, state: Self::State) {
                genl::DumpState::<Self>::done(state, family)
            }

            #[inline(always)]
            fn generation(family: &$family, state: &Self::State) -> u32 {
                genl::DumpState::<Self>::generation(state, family)
            }

            #[inline(always)]
            fn filtered(state: &Self::State) -> bool {
                genl::DumpState::<Self>::filtered(state)
            }

            fn min_dump_alloc(state: &Self::State) -> u32 {
                genl::DumpState::<Self>::min_dump_alloc(state)
            }
        }
    };
}

/// Declares the multicast groups of a family, and `GROUPS`, their table, in this order: for each the
/// name as a type, the index, the name in the protocol, and who may [listen](super::Listen).
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_groups {
    (
        for $family:path;
        $($group:ident = $index:literal $name:literal, $listen:ident;)*
    ) => {
        $(
            #[doc = concat!("The multicast group ", $name, ".")]
            pub(crate) struct $group;

            impl genl::Group for $group {
                type Family = $family;
                const INDEX: u32 = $index;
            }
        )*

        /// The groups.
        pub(crate) const GROUPS: &[genl::MulticastGroup<$family>] =
            &[$(genl::MulticastGroup::new($name, genl::Listen::$listen),)*];
    };
}

/// Declares the notifications of a family: for each a name as a type, the one in the protocol, a
/// number, [flags](super::Command::FLAGS) behind `|`, the set of its attributes, and the group that it
/// is sent to, if there is one.
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_notifications {
    (
        for $family:path;
        $(
            $(#[$meta:meta])*
            $event:ident = $name:literal $number:literal $(| $flag:ident)*, $Set:path
                $(=> $group:path)?;
        )*
    ) => {
        genl::notifications!(@all ($family) $(
            ($(#[$meta])*) $event = $name $number [$($flag)|*], $Set $(=> $group)?;
        )*);
    };
    (@all ($family:path) $(
        $meta:tt $event:ident = $name:literal $number:literal $flags:tt, $Set:path
        $(=> $group:path)?;
    )*) => {$(
        genl::operations! { @command $meta $event = $name $number [] $flags, $Set, $family }

        $(
            impl genl::Notify for $event {
                type Group = $group;
            }
        )?
    )*};
}
