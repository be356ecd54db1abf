// SPDX-License-Identifier: GPL-2.0

//! Declarations of operations, groups and notifications.
//!
//! They only declare. What they expand to are the types and the implementations that one would
//! write, an item for a line, and all that does something is in the traits that are implemented.
//!
//! Each needs `genl` to be in scope.

/// Declares the operations of a family, and `OPS`, their table, in this order.
///
/// An operation has what it is, a name as a type and one in the protocol, a number, who may send
/// the request, the set of its attributes, those that the request carries, or `..` for all of the
/// set, and the method of the family that handles it. It is:
///
/// - `do`, [`Do`](super::Do), or `do_reply`, [`DoReply`](super::DoReply);
/// - `guarded_do` and `guarded_do_reply`, [`GuardedDo`](super::GuardedDo), with the type of the
///   guard behind the method;
/// - `dump`, [`Dump`](super::Dump), with the type of its [state](super::DumpState) behind the
///   method, which starts it.
///
/// The methods are those of the family itself. With `for Family as Handler` they are those of a
/// trait, which has the types of guards and states as well: generated code has such a trait.
///
/// What it is can have a condition behind it, `#[cfg(CONFIG_NET = "y")]`: else it is only a name.
/// Behind who may send a request, constants of [`Validation`](super::Validation) make the core less
/// strict with it: `Anyone + LIBERAL_DO`. What is sent has the set of the request, or in some old
/// protocols one of its own: `AskSet [ask::What] -> AnswerSet`. A
/// request whose replies have another number has that behind its own: `"get" 1 -> 2`. Flags that
/// all messages have, see [`Command::FLAGS`](super::Command::FLAGS), are names of bindings:
/// `"get" 1 | NLM_F_CREATE`.
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
            $access:ident $(+ $liberal:ident)*, $Set:path [$($attrs:tt)*] $(-> $Sent:path)?
            => $method:ident $($assoc:ident)::*;
        )*
    ) => {
        $(
            genl::operations! {
                @command ($(#[$meta])*) $op = $name $number [$($reply)?] [$($flag)|*],
                [$($Sent,)? $Set], $family
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
    // What is wrong with one of them, where that can be told.
    (@for ($family:path) $how:tt $($rest:tt)*) => {
        genl::operations! { @wrong $($rest)* }
    };
    (
        @wrong $(#[$meta:meta])*
        $mode:ident $(#[cfg($cfg:meta)])? $op:ident = $name:literal $number:literal
            $(-> $reply:literal)? $(| $flag:ident)*,
        $access:ident $(+ $liberal:ident)*, $Set:path [$($attrs:tt)*] $(-> $Sent:path)?
        => $method:ident $($assoc:ident)::*; $($rest:tt)*
    ) => {
        genl::operations! { @wrong $($rest)* }
    };
    (
        @wrong $(#[$meta:meta])*
        dump $(#[cfg($cfg:meta)])? $op:ident = $name:literal $number:literal
            $(-> $reply:literal)? $(| $flag:ident)*,
        $access:ident $(+ $liberal:ident)*, $Set:path [$($attrs:tt)*] $(-> $Sent:path)?
        => $method:ident $($state:ident)::* < $($rest:tt)*
    ) => {
        core::compile_error!(concat!(
            "genl: ", $name, ": the state of a dump is a name without parameters: it is kept ",
            "between system calls, so it borrows nothing, and has a key, an index or an `Arc`"
        ));
    };
    (
        @wrong $(#[$meta:meta])*
        $mode:ident $(#[cfg($cfg:meta)])? $op:ident = $name:literal $number:literal
            $(-> $reply:literal)? $(| $flag:ident)*,
        $Set:path [$($attrs:tt)*] $($rest:tt)*
    ) => {
        core::compile_error!(concat!(
            "genl: ", $name, ": say behind the number who may send the request: ",
            "'Anyone', 'NetnsAdmin' or 'Admin'"
        ));
    };
    (
        @command ($(#[$meta:meta])*) $op:ident = $name:literal $number:literal
        [$($reply:literal)?] [$($flag:ident $(| $more:ident)*)?],
        [$Set:path $(, $requested:path)?], $family:path
    ) => {
        $(#[$meta])*
        pub(crate) struct $op;

        impl genl::Command for $op {
            type Family = $family;
            type Set = $Set;
            const NAME: &'static str = $name;
            const NUMBER: u8 = $number;
            $(const REPLY: u8 = $reply;)?
            const FLAGS: u16 = genl::operations!(@flags $op $(, $flag $(| $more)*)?);
        }
    };
    // What is given to a command by hand. The constant of the type comes before the trait's.
    (@flags $op:path) => {{
        #[allow(unused_imports)]
        use genl::SentWith as _;
        <$op>::SENT_WITH
    }};
    // CAST: The flags of a header are bits of 16.
    (@flags $op:path, $flag:ident $(| $more:ident)*) => {
        (kernel::bindings::$flag $(| kernel::bindings::$more)*) as u16
    };
    (@op $op:ident $name:literal $access:ident [$($liberal:ident)*] $Set:path [..]) => {
        genl::operations!(@op $op ($Set) $Set, $access $($liberal)*);

        #[diagnostic::do_not_recommend]
        impl<A: genl::Attribute<Set = $Set>> genl::Carries<A> for $op {}
    };
    (
        @op $op:ident $name:literal $access:ident [$($liberal:ident)*]
        $Set:path [$($attr:path),* $(,)?]
    ) => {
        impl genl::Policy for $op {
            const ATTRS: &'static [genl::Attr] = &genl::table_of::<{
                genl::table_len(
                    &[$(<$attr as genl::Attribute>::NUMBER),*],
                    genl::attributes!(@added $op),
                )
            }>($name, genl::carries!(@rules $($attr),*), genl::attributes!(@added $op));
        }

        genl::operations!(@op $op (Self) $Set, $access $($liberal)*);

        // An attribute of another set has a number that means something else here.
        $(impl genl::Carries<$attr> for $op where $Set: genl::Carries<$attr> {})*
        #[diagnostic::do_not_recommend]
        impl genl::Carries<genl::others::One> for $op {}
        #[diagnostic::do_not_recommend]
        impl genl::Carries<genl::others::Other> for $op {}
    };
    (@op $op:ident ($policy:path) $Set:path, $access:ident $($liberal:ident)*) => {
        impl genl::Asks<$Set> for $op {}

        impl genl::Op for $op {
            type Policy = $policy;
            const ACCESS: genl::Access = genl::Access::$access;
            const VALIDATION: genl::Validation =
                genl::Validation::STRICT$(.or(genl::Validation::$liberal))*;
            const SECRETS: &'static [genl::Secret<Self>] = {
                #[allow(unused_imports)]
                use genl::NoSecrets as _;
                genl::SecretsOf::<$op>::SECRETS
            };
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
            fn doit(family: &$family, request: genl::Request<'_, Self>) -> kernel::error::Result {
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
            ) -> kernel::error::Result<genl::Sent<'a>> {
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
            ) -> kernel::error::Result {
                <$family $($how)*>::$method(family, guard, request)
            }
        }
    };
    (
        @glue guarded_do_reply $op:ident ($family:path) [$($how:tt)*]
        $method:ident $($guard:ident)::*
    ) => {
        impl genl::GuardedDoReply for $op {
            type Guard<'a> = genl::operations!(@type [$($how)*] ($family) $($guard)::* <'a>);

            #[inline(always)]
            fn doit<'a>(
                family: &'a $family,
                guard: &mut Self::Guard<'a>,
                request: genl::Request<'a, Self>,
                reply: genl::Responder<'a, Self>,
            ) -> kernel::error::Result<genl::Sent<'a>> {
                <$family $($how)*>::$method(family, guard, request, reply)
            }
        }
    };
    (@glue dump $op:ident ($family:path) [$($how:tt)*] $method:ident $($state:ident)::*) => {
        impl genl::Dump for $op {
            type State = genl::operations!(@type [$($how)*] ($family) $($state)::*);

            #[inline(always)]
            fn start(
                family: &$family,
                request: genl::Request<'_, Self>,
            ) -> kernel::error::Result<Self::State> {
                <$family $($how)*>::$method(family, request)
            }
        }
    };
}

/// Declares what operations carry beside what was declared with them, as by the generator:
/// attributes of the operation's set, which the spec lists for others only, or which are
/// [added](super::attributes#attributes-that-a-spec-forgets) to the set. The policy of the request
/// has them as well.
///
/// An operation is listed once. One that carries all of its set, `[..]`, has what is in the set.
///
/// # Examples
///
/// ```
/// use genl::{kind::*, Family, FamilyDescriptor, Request, SplitOp};
/// use kernel::prelude::*;
///
/// // As it was generated: `add` forgets the family of the address, and the set has no name.
/// genl::attributes! {
///     /// A port.
///     pub(crate) mod port: PortSet {
///         /// Its number.
///         Number = 1: Be16 { range::<1, 65535>() },
///         /// The family of its address.
///         Af = 2: U8,
///     }
/// }
///
/// genl::operations! {
///     for Ports;
///
///     /// Adds a port.
///     do Add = "add" 1, Admin, PortSet [port::Number] => add;
/// }
///
/// // By hand.
/// genl::attributes! {
///     /// What the spec does not have.
///     pub(crate) mod more in PortSet {
///         /// The name of the port.
///         Name = 3: Str { max_len(15) },
///     }
/// }
///
/// genl::carries! {
///     Add [port::Af, more::Name];
/// }
///
/// struct Ports;
///
/// impl Ports {
///     fn add(&self, request: Request<'_, Add>) -> Result {
///         let (_number, _name) = (request.need(port::Number)?, request.need(more::Name)?);
///         match request.get(port::Af) {
///             None | Some(2 | 10) => Ok(()),
///             Some(_) => Err(request.refuse(port::Af, EAFNOSUPPORT, c"no such family")),
///         }
///     }
/// }
/// #
/// # impl Family for Ports {
/// #     const NAME: &'static str = "ports";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [SplitOp<Self>] = OPS;
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Ports> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_carries {
    (@rules $($attr:path),*) => {
        &[$((<$attr as genl::Attribute>::NUMBER, <$attr as genl::Attribute>::RULE)),*]
    };
    ($($op:path [$($attr:path),* $(,)?];)*) => {$(
        genl::attributes!(@add $op; genl::carries!(@rules $($attr),*));
        $(
            impl genl::Carries<$attr> for $op where
                $op: genl::Asks<<$attr as genl::Attribute>::Set> {}
        )*
    )*};
}

/// Gives [flags](super::Command::FLAGS) to commands that are declared elsewhere, as by the
/// generator: no spec says which flags the messages of a family have.
///
/// ```
/// # use genl::{Family, FamilyDescriptor, Request, Responder, Sent, SplitOp};
/// # use kernel::prelude::*;
/// #
/// # pub(crate) struct Old;
/// #
/// # impl Family for Old {
/// #     const NAME: &'static str = "old";
/// #     const VERSION: u8 = 1;
/// #     const OPS: &'static [SplitOp<Self>] = op::OPS;
/// #
/// #     fn descriptor() -> &'static FamilyDescriptor<Self> {
/// #         static DESCRIPTOR: FamilyDescriptor<Old> = FamilyDescriptor::new();
/// #         &DESCRIPTOR
/// #     }
/// # }
/// #
/// # impl Old {
/// #     fn get<'a>(
/// #         &self,
/// #         _: Request<'a, op::Get>,
/// #         reply: Responder<'a, op::Get>,
/// #     ) -> Result<Sent<'a>> {
/// #         reply.send(&())
/// #     }
/// # }
/// #
/// # pub(crate) mod op {
/// #     use super::Old;
/// #
/// #     genl::attributes! {
/// #         /// Nothing.
/// #         pub(crate) mod nothing: NothingSet {}
/// #     }
/// #
/// #     genl::operations! {
/// #         for Old;
/// #
/// #         /// Answers.
/// #         do_reply Get = "get" 1, Anyone, NothingSet [] => get;
/// #     }
/// # }
/// genl::sent_with! {
///     // The reply has a flag that means something in requests only, as it always had.
///     op::Get: NLM_F_ACK;
/// }
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_sent_with {
    ($($op:path: $flag:ident $(| $more:ident)*;)*) => {$(
        impl $op {
            #[doc(hidden)]
            pub(crate) const SENT_WITH: u16 = genl::operations!(@flags $op, $flag $(| $more)*);
        }
    )*};
}

/// Declares the multicast groups of a family, and `GROUPS`, their table, in this order: for each
/// the name as a type, the index, the name in the protocol, and who may [listen](super::Listen).
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

            impl genl::Group<$family> for $group {
                const INDEX: u32 = $index;
            }
        )*

        /// The groups.
        pub(crate) const GROUPS: &[genl::MulticastGroup<$family>] =
            &[$(genl::MulticastGroup::new($name, genl::Listen::$listen),)*];
    };
    // What is wrong with one of them, where that can be told.
    (for $family:path; $($rest:tt)*) => {
        genl::groups! { @wrong $($rest)* }
    };
    (@wrong $group:ident = $index:literal $name:literal, $listen:ident; $($rest:tt)*) => {
        genl::groups! { @wrong $($rest)* }
    };
    (@wrong $group:ident = $index:literal $name:literal; $($rest:tt)*) => {
        core::compile_error!(concat!(
            "genl: ", $name, ": say behind the name who may listen: ",
            "'Anyone', 'NetAdmin' or 'SysAdmin'"
        ));
    };
}

/// Declares the notifications of a family: for each a name as a type, the one in the protocol, a
/// number, [flags](super::Command::FLAGS) behind `|`, the set of its attributes, and the group that
/// it is sent to, if there is one.
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
        genl::operations! { @command $meta $event = $name $number [] $flags, [$Set], $family }

        $(
            impl genl::Notify for $event {
                type Group = $group;
            }
        )?
    )*};
}
