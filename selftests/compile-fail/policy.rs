// SPDX-License-Identifier: GPL-2.0
//! Policies.
//!
//@ zero: genl: attribute 0 of a policy must be Attr::unused\(\)
//@     Attribute 0 is never used: the core looks at it for another purpose.
//@ range-empty: genl: the range of an attribute is empty
//@     No value would fit.
//@ range-type: genl: the range of an attribute exceeds its type
//@     The type can not hold the limit.
//@ range-string: genl: only unsigned numbers have a range
//@     A string has a length, not a range.
//@ string-unbounded: genl: a string needs a maximal length above 0
//@     A string without a limit lets a request of any size through.
//@ recursion: cycle detected when
//@     A request could nest without an end, and each level costs the parser stack.

type State = ();

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(), //~ not zero
        Attr::u32(),
        Attr::u32().range::<5, 4>(), //~ range-empty
        Attr::u32().range::<4, 4>(),
        Attr::u8().max::<256>(), //~ range-type
        Attr::u8().max::<255>(),
        Attr::string(8).max::<5>(), //~ range-string
        Attr::string(0), //~ string-unbounded
        Attr::string(1),
        Attr::nested::<Set>(), //~ recursion
    ];
}

impl Op for Set {
    type Policy = Self;
}

do_nothing!(Set);
