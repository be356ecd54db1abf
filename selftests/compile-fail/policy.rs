// SPDX-License-Identifier: GPL-2.0
//! Policies.
//!
//@ zero: genl: attribute 0 of a policy must be Attr::unused\(\) or Attr::strict_from\(\)
//@     Attribute 0 is never used: the core looks at it for another purpose.
// covers: surface 1b
//@ range-empty: genl: the range of an attribute is empty
//@     No value would fit.
// covers: surface 1b
//@ range-type: genl: the range of an attribute exceeds its type
//@     The type cannot hold the limit.
//@ range-string: genl: only unsigned numbers have a range
//@     A string has a length, not a range.
//@ string-unbounded: genl: a string needs a maximal length above 0
//@     A string without a limit lets a request of any size through.
//@ unterminated-unbounded: genl: a string needs a maximal length above 0
//@     The same without a terminator.
// covers: surface 1b
//@ range-signed: genl: only signed numbers have a signed range
//@     Unsigned numbers have no negative bounds.
// covers: surface 1b
//@ range-signed-type: genl: the range of an attribute exceeds its type
//@     The type cannot hold the limit.
//@ range-signed-empty: genl: the range of an attribute is empty
//@     No value would fit.
// covers: surface 1b
//@ mask-type: genl: the mask of an attribute exceeds its type
//@     The type has not so many bits.
// covers: surface 1b
//@ mask-signed: genl: only unsigned numbers have a mask
//@     The core compares a mask with an unsigned number.
// covers: surface 1b
//@ two-rules: genl: an attribute has one rule for its value
//@     Both would be in the same union, so one of them would be forgotten.
// covers: surface 1b
//@ check-type: genl: the check is for another type of attribute
//@     The check would read more bytes than there are.
// covers: surface 1b
//@ check-bytes: genl: the check is for strings and binaries
//@     A number has a check of its own.
//@ check-bytes-rule: genl: an attribute has one rule for its value
//@     The range of lengths would be forgotten.
// covers: surface 11c
//@ warn-max: genl: the largest length of such a binary is 32767
//@     The core keeps both lengths in signed numbers of 16 bits.
// covers: surface 11d
//@ strict-zero: genl: an attribute number is from 1 to 16383
//@     The core takes 0 for no number.
// covers: surface 11d
//@ strict-beyond: genl: strict validation begins with an attribute of the policy
//@     Nothing would be strict.
// covers: surface 11d
//@ strict-place: genl: Attr::strict_from\(\) stands for attribute 0 only
//@     The core looks for it nowhere else.
// covers: surface 1b
//@ bitfield: genl: a bitfield without valid bits
//@     Each value would be refused.
// covers: surface 1b
//@ length-empty: genl: the range of an attribute is empty
//@     No length would fit.
// covers: surface 1b
//@ length-min: genl: the smallest length of a binary is at most 32767
//@     The core keeps a smallest length in a signed number of 16 bits.
//@ binary-empty: genl: a binary needs a maximal length above 0
//@     Where nothing but no bytes would fit, a flag says so.
//@ nest-empty: genl: a nest without attributes
//@     That nothing may be in a nest is said by another type.
//@ nest-numbers: genl: a nest without attributes
//@     An attribute number has fourteen bits.
//@ numbers: genl: a policy has attribute numbers above 16383
//@     The two bits above them are flags.
//@ lone: genl: a policy without attributes must be empty
//@     Its largest attribute number would be 0, which the core takes for no policy.
// covers: surface 1c, trap 21, trap j
//@ recursion: cycle detected when
//@     A request could nest without an end, and each level costs the parser stack.

type State = ();

family!(Fam, "fam", [genl::do_::<Set>()], []);
command!(Set of Fam, "set" = 1);

pub struct Even;

impl Validate for Even {
    type Value = u32;

    fn validate(value: u32) -> core::result::Result<(), &'static CStr> {
        if value % 2 == 0 { Ok(()) } else { Err(c"odd") }
    }
}

pub struct Short;

impl ValidateBytes for Short {
    fn validate(bytes: &[u8]) -> core::result::Result<(), &'static CStr> {
        if bytes.len() < 9 { Ok(()) } else { Err(c"long") }
    }
}

static TABLE: [Attr; 1] = [Attr::unused(); 1]; //~ nest-empty
static TABLE: [Attr; 0x4001] = [Attr::unused(); 0x4001]; //~ nest-numbers
static TABLE: [Attr; 0x4000] = [Attr::unused(); 0x4000]; //~ not nest-empty nest-numbers

pub struct Wide;

impl Policy for Wide {
    const ATTRS: &'static [Attr] = &[Attr::unused(); 0x4001]; //~ numbers
    const ATTRS: &'static [Attr] = &[Attr::unused(); 0x4000]; //~ not numbers
}

pub struct Lone;

impl Policy for Lone {
    const ATTRS: &'static [Attr] = &[Attr::unused()]; //~ lone
    const ATTRS: &'static [Attr] = &[]; //~ not lone
}

impl Policy for Set {
    const ATTRS: &'static [Attr] = &[
        Attr::unused(), //~ not zero strict-zero strict-beyond
        Attr::strict_from(0), //~ strict-zero
        Attr::strict_from(36), //~ strict-beyond
        Attr::u32(),
        Attr::u32().range::<5, 4>(), //~ range-empty
        Attr::u32().range::<4, 4>(),
        Attr::u8().max::<256>(), //~ range-type
        Attr::u8().max::<255>(),
        Attr::string(8).max::<5>(), //~ range-string
        Attr::string(0), //~ string-unbounded
        Attr::string(1),
        Attr::unterminated_string(0), //~ unterminated-unbounded
        Attr::unterminated_string(1),
        Attr::u16().signed_range::<-1, 1>(), //~ range-signed
        Attr::s8().signed_range::<-129, 0>(), //~ range-signed-type
        Attr::s8().signed_range::<-128, 127>(),
        Attr::s8().signed_range::<0, -1>(), //~ range-signed-empty
        Attr::s8().signed_range::<0, 0>(),
        Attr::u8().mask(0x100), //~ mask-type
        Attr::s32().mask(1), //~ mask-signed
        Attr::u8().mask(0xff),
        Attr::u32().mask(1).max::<1>(), //~ two-rules
        Attr::u64().validate::<Even>(), //~ check-type
        Attr::u32().validate::<Even>(),
        Attr::be32().validate::<Even>(),
        Attr::u32().validate_bytes::<Short>(), //~ check-bytes
        Attr::exact(8).validate_bytes::<Short>(), //~ check-bytes-rule
        Attr::binary(8).validate_bytes::<Short>(),
        Attr::string(8).validate_bytes::<Short>(),
        Attr::binary_range_warn(1, 32768), //~ warn-max
        Attr::binary_range_warn(1, 32767),
        Attr::strict_from(2), //~ strict-place
        Attr::bitfield32(0), //~ bitfield
        Attr::bitfield32(1),
        Attr::binary_range(2, 1), //~ length-empty
        Attr::binary_range(32768, 32769), //~ length-min
        Attr::binary_range(32767, 32768),
        Attr::binary_range(0, 0), //~ binary-empty
        Attr::binary_range(0, 1),
        Attr::nested_in(&TABLE),
        Attr::nested::<Wide>(),
        Attr::nested::<Lone>(),
        Attr::nested::<Set>(), //~ recursion
    ];
}

impl Op for Set {
    type Policy = Self;
}

do_nothing!(Set);
