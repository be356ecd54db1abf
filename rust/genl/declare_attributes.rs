// SPDX-License-Identifier: GPL-2.0

//! Declarations of attributes, enumerations and flags.
//!
//! They only declare. What they expand to are the types and the implementations that one would
//! write, an item for a line, and all that does something is in the traits that are implemented.
//!
//! Each needs `genl` to be in scope.

/// Declares sets of attributes: for each a module with a type for each attribute, and the type of
/// the set itself.
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
///
/// # Attributes that a spec forgets
///
/// A set that is declared elsewhere, as by the generator, can have more attributes, from one other
/// module: `mod more in NoteSet`. They are attributes of the set as all others. The policy of a
/// nest with the set has them, and so has that of an operation with `[..]`. Operations that list
/// what they carry are told by [`carries!`](super::carries).
///
/// ```
/// use genl::{kind::*, Attribute, Nested};
///
/// mod attr {
///     use genl::kind::*;
///
///     // As it was generated.
///     genl::attributes! {
///         /// A note.
///         pub(crate) mod note: NoteSet {
///             /// The name of the note.
///             Name = 1: Str { max_len(31) },
///         }
///     }
/// }
///
/// genl::attributes! {
///     /// What the spec does not have.
///     pub(crate) mod more in attr::NoteSet {
///         /// The color of the note.
///         Color = 2: U8 { max::<7>() },
///     }
/// }
///
/// fn color(note: Nested<'_, attr::NoteSet>) -> Option<u8> {
///     note.get(more::Color)
/// }
/// ```
///
/// # Attributes that a spec has otherwise
///
/// What an attribute of a set holds can be declared once more, under another name: `mod old for
/// NoteSet`. The number is that of the one that is there. Such an attribute is part of a request
/// whose operation is told of it by [`carries!`](super::carries), and of a message that has it put.
/// The policy of a nest stays as it is.
///
/// ```
/// use genl::{kind::*, Attr, Attribute};
///
/// genl::attributes! {
///     /// A note.
///     pub(crate) mod note: NoteSet {
///         /// Who may read it.
///         Readers = 3: Many<U32>,
///     }
/// }
///
/// genl::attributes! {
///     /// What old programs send.
///     pub(crate) mod old for NoteSet {
///         /// Numbers of 4 bytes each, one behind the other.
///         Readers = note::Readers: Binary = Attr::unused(),
///     }
/// }
///
/// assert_eq!(old::Readers::NUMBER, note::Readers::NUMBER);
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __genl_attributes {
    (@rule $kind:ty; []; []) => {
        genl::rule_of::<Self>()
    };
    (@rule $kind:ty; [{ $($rule:tt)* }]; []) => {
        <$kind as genl::kind::Kind>::RULE.$($rule)*
    };
    (@rule $kind:ty; []; [= $rule:expr]) => {
        $rule
    };
    // What is added to a set or an operation. The constant of the type comes before the trait's.
    (@added $type:ty) => {{
        #[allow(unused_imports)]
        use genl::Added as _;
        <$type>::ADDED
    }};
    (@add $type:path; $rules:expr) => {
        impl $type {
            #[doc(hidden)]
            pub(crate) const ADDED: &'static [(u16, genl::Attr)] = $rules;
        }
    };
    (@policy $Set:ident [$($vis:tt)*] $table:ident; $numbers:expr; $rules:expr) => {
        $($vis)* static $table: [
            genl::Attr;
            genl::table_len($numbers, genl::attributes!(@added $Set))
        ] = genl::static_table_of(stringify!($Set), $rules, genl::attributes!(@added $Set));

        impl genl::Policy for $Set {
            const ATTRS: &'static [genl::Attr] = &$table;
        }
    };
    (@policy $Set:ident [$($vis:tt)*]; $numbers:expr; $rules:expr) => {
        impl genl::Policy for $Set {
            const ATTRS: &'static [genl::Attr] = &genl::table_of::<{
                genl::table_len($numbers, genl::attributes!(@added $Set))
            }>(stringify!($Set), $rules, genl::attributes!(@added $Set));
        }
    };
    (@module [$($meta:tt)*] $vis:vis $set:ident $Set:path {
        $([$($doc:tt)*] $name:ident: $kind:ty, $rule:tt $own:tt = $number:expr;)*
    }) => {
        $($meta)*
        $vis mod $set {
            $(
                $($doc)*
                #[derive(Clone, Copy)]
                $vis struct $name;
            )*
        }

        $(
            impl genl::Attribute for $set::$name {
                type Set = $Set;
                type Kind = $kind;
                const NUMBER: u16 = $number;
                const RULE: genl::Attr = genl::attributes!(@rule $kind; $rule; $own);
            }
        )*
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

        impl genl::Set for $Set {
            const NAME: (&'static str, &'static str) = (stringify!($Set), module_path!());
        }

        #[diagnostic::do_not_recommend]
        impl<A: genl::Attribute<Set = $Set>> genl::Carries<A> for $Set {}

        genl::attributes!(
            @policy $Set [$vis] $($table)?; &[$($number),*];
            &[$(($number, <$set::$name as genl::Attribute>::RULE)),*]
        );

        genl::attributes!(@module [$(#[$meta])*] $vis $set $Set {
            $([$(#[$doc])*] $name: $kind, [$({ $($rule)* })?] [$(= $own)?] = $number;)*
        });
    )*};
    ($(
        $(#[$meta:meta])*
        $vis:vis mod $set:ident in $Set:path {
            $(
                $(#[$doc:meta])*
                $name:ident = $number:literal: $kind:ty $({ $($rule:tt)* })? $(= $own:expr)?
            ),* $(,)?
        }
    )*) => {$(
        genl::attributes!(
            @add $Set; &[$(($number, <$set::$name as genl::Attribute>::RULE)),*]
        );

        genl::attributes!(@module [$(#[$meta])*] $vis $set $Set {
            $([$(#[$doc])*] $name: $kind, [$({ $($rule)* })?] [$(= $own)?] = $number;)*
        });
    )*};
    ($(
        $(#[$meta:meta])*
        $vis:vis mod $set:ident for $Set:path {
            $(
                $(#[$doc:meta])*
                $name:ident = $same:path: $kind:ty $({ $($rule:tt)* })? $(= $own:expr)?
            ),* $(,)?
        }
    )*) => {$(
        genl::attributes!(@module [$(#[$meta])*] $vis $set $Set {
            $(
                [$(#[$doc])*] $name: $kind, [$({ $($rule)* })?] [$(= $own)?] =
                    <$same as genl::Attribute>::NUMBER;
            )*
        });
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
