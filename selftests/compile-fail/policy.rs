// SPDX-License-Identifier: GPL-2.0
//! Policies.
//!
//@ zero: genl: attribute 0 of a policy must be Attr::unused\(\) or Attr::strict_from\(\)
//@     Attribute 0 is never used: the core looks at it for another purpose.
//@ same-number: genl: SettingSet: has two attributes of the same number
//@     The policy has one rule for each number.
//@ zero-rule: genl: the policy has no attribute of this number
//@     Attribute 0 is not validated, so it cannot be read.
//@ length-of-number: genl: only strings and binaries have lengths
//@     A number has a range.
//@ min-length-of-string: genl: only binaries have a smallest length
//@     A policy has no word for it.
//@ exact-length: genl: the exact length of an attribute is at most 32767
//@     The core keeps a smallest length in a signed number of 16 bits.
//@ struct-length: genl: the smallest length of a binary is at most 32767
//@     The core keeps a smallest length in a signed number of 16 bits.
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
//@ recursion: genl: SettingSet: contains itself: 'static TABLE' behind it, 'NestIn<..> = Attr::nested_in\(&TABLE\)'
//@     A request could nest without an end, and each level costs the parser stack.
// covers: surface 1c, trap 21, trap j
//@ recursion-around: cycle detected when
//@ below: genl::attributes!
//@     The same by way of another set.
//@ nest-in: genl: a NestIn says where the policy is: 'static TABLE' behind the set, '= Attr::nested_in\(&TABLE\)' behind the attribute
//@     The policy is in the making.
//@ bitfield-bits: genl: a Bitfield32 says which bits are valid: behind it '= Attr::bitfield32\(0x3\)'
//@     The core refuses all that are not.

type State = ();

family!(Fam, "fam", OPS, &[]);

genl::operations! {
    for Fam;
    do Set = "set" 1, Anyone, SettingSet [..] => set;
    do Wide = "wide" 2, Anyone, WideSet [..] => wide;
    do Old = "old" 3, Anyone, OldSet [..] => old;
    do Bare = "bare" 4, Anyone, NoAttrs [] => bare;
}

impl Fam {
    fn set(&self, _: Request<'_, Set>) -> Result {
        Ok(())
    }

    fn wide(&self, _: Request<'_, Wide>) -> Result {
        Ok(())
    }

    fn old(&self, request: Request<'_, Old>) -> Result {
        let _ = request.get(old::Zero); //~ zero-rule
        let _ = request.get(old::One); //~ not strict-place
        Ok(())
    }

    fn bare(&self, _: Request<'_, Bare>) -> Result {
        Ok(())
    }
}

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

pub struct Zero;

impl Policy for Zero {
    const ATTRS: &'static [Attr] = &[Attr::u32(), Attr::u32()]; //~ zero
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32()]; //~ not zero
}

pub struct Lone;

impl Policy for Lone {
    const ATTRS: &'static [Attr] = &[Attr::unused()]; //~ lone
    const ATTRS: &'static [Attr] = &[]; //~ not lone
}

genl::attributes! {
    pub(crate) mod old: OldSet {
        Zero = 0: U32, //~ not strict-zero strict-beyond
        Start = 0: Flag = Attr::strict_from(0), //~ strict-zero
        Start = 0: Flag = Attr::strict_from(3), //~ strict-beyond
        One = 1: U32, //~ not strict-place
        Start = 1: Flag = Attr::strict_from(2), //~ strict-place
        Two = 2: U32,
    }

    pub(crate) mod wide: WideSet {
        Last = 16383: U32, //~ not numbers
        Last = 16384: U32, //~ numbers
    }

    pub(crate) mod setting: SettingSet {
        Plain = 1: U32,
        RangeEmpty = 2: U32 { range::<5, 4>() }, //~ range-empty
        Range = 3: U32 { range::<4, 4>() },
        RangeType = 4: U8 { max::<256>() }, //~ range-type
        Max = 5: U8 { max::<255>() },
        RangeString = 6: Str { max::<5>() }, //~ range-string
        StringUnbounded = 7: Str { max_len(0) }, //~ string-unbounded
        String = 8: Str { max_len(1) },
        UnterminatedUnbounded = 9: Unterminated { max_len(0) }, //~ unterminated-unbounded
        Unterminated = 10: Unterminated { max_len(1) },
        RangeSigned = 11: U16 { signed_range::<-1, 1>() }, //~ range-signed
        RangeSignedType = 12: S8 { signed_range::<-129, 0>() }, //~ range-signed-type
        Signed = 13: S8 { signed_range::<-128, 127>() },
        RangeSignedEmpty = 14: S8 { signed_range::<0, -1>() }, //~ range-signed-empty
        SignedZero = 15: S8 { signed_range::<0, 0>() },
        MaskType = 16: U8 { mask(0x100) }, //~ mask-type
        MaskSigned = 17: S32 { mask(1) }, //~ mask-signed
        Mask = 18: U8 { mask(0xff) },
        TwoRules = 19: U32 { mask(1).max::<1>() }, //~ two-rules
        CheckType = 20: U64 { validate::<Even>() }, //~ check-type
        Check = 21: U32 { validate::<Even>() },
        CheckBe = 22: Be32 { validate::<Even>() },
        CheckBytes = 23: U32 { validate_bytes::<Short>() }, //~ check-bytes
        CheckBytesRule = 24: Array<8> { validate_bytes::<Short>() }, //~ check-bytes-rule
        CheckBinary = 25: Binary { max_len(8).validate_bytes::<Short>() },
        CheckString = 26: Str { max_len(8).validate_bytes::<Short>() },
        WarnMax = 27: Binary = Attr::binary_range_warn(1, 32768), //~ warn-max
        Warn = 28: Binary = Attr::binary_range_warn(1, 32767),
        Bitfield = 29: Bitfield32 = Attr::bitfield32(0), //~ bitfield
        Bits = 30: Bitfield32 = Attr::bitfield32(1),
        LengthEmpty = 31: Binary { len_range(2, 1) }, //~ length-empty
        LengthMin = 32: Binary { len_range(32768, 32769) }, //~ length-min
        Length = 33: Binary { len_range(32767, 32768) },
        BinaryEmpty = 34: Binary { len_range(0, 0) }, //~ binary-empty
        BinaryMax = 35: Binary { len_range(0, 1) },
        LengthOfNumber = 36: U32 { max_len(4) }, //~ length-of-number
        MinLengthOfString = 37: Str { min_len(1) }, //~ min-length-of-string
        MinLength = 38: Binary { min_len(1) },
        ExactLength = 39: Array<32768>, //~ exact-length
        Exact = 40: Array<32767>,
        StructLength = 41: Struct<[u8; 32768]>, //~ struct-length
        Struct = 42: Struct<[u8; 32767]>,
        Table = 43: AnyNest = Attr::nested_in(&TABLE),
        WideNest = 44: Nest<WideSet>,
        LoneNest = 45: AnyNest = Attr::nested::<Lone>(),
        ZeroNest = 46: AnyNest = Attr::nested::<Zero>(),
        SameNumber = 47: U32, //~ not same-number
        SameNumber = 46: U32, //~ same-number
        Recursion = 48: Nest<SettingSet>, //~ recursion
        RecursionAround = 49: Nest<AroundSet>,
        NestIn = 50: NestIn<TreeSet>, //~ nest-in
        BitfieldBits = 51: Bitfield32, //~ bitfield-bits
    }

    pub(crate) mod around: AroundSet {
        Recursion = 1: Nest<SettingSet>, //~ recursion-around
        Number = 2: U32,
    }

    pub(crate) mod tree: TreeSet static TREE {
        Child = 1: NestIn<TreeSet> = Attr::nested_in(&TREE),
    }
}
