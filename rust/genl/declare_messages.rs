// SPDX-License-Identifier: GPL-2.0

//! Declarations of messages.
//!
//! They only declare. What they expand to are the types and the implementations that one would
//! write, an item for a line, and all that does something is in the traits that are implemented.
//!
//! Each needs `genl` to be in scope.

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
