// SPDX-License-Identifier: GPL-2.0

//! A family that panics in each way that authors do. A line that ends with `//~ WORDS` is one that
//! panics.py has to name, with these words; it must name no other one. panics_test.py compiles it.

#![allow(missing_docs, dead_code)]

use genl::{
    kind::{
        Binary,
        U32, //
    },
    Attribute,
    Family,
    FamilyDescriptor,
    Request,
    Responder,
    Sent,
    SplitOp, //
};
use kernel::prelude::*;

struct Panics {
    table: KVec<u32>,
}

impl Family for Panics {
    const NAME: &'static str = "panics";
    const VERSION: u8 = 1;
    const OPS: &'static [SplitOp<Self>] = OPS;

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Panics> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

#[used]
static KEEP: fn() -> &'static FamilyDescriptor<Panics> = Panics::descriptor;

genl::attributes! {
    /// What requests carry.
    pub(crate) mod number: NumberSet {
        /// A number.
        A = 1: U32,
        /// Another one.
        B = 2: U32,
        /// Bytes.
        Bytes = 3: Binary { max_len(64) },
    }
}

genl::operations! {
    for Panics;
    do_reply Index = "index" 1, Anyone, NumberSet [..] => index;
    do_reply Range = "range" 2, Anyone, NumberSet [..] => range;
    do_reply Add = "add" 3, Anyone, NumberSet [..] => add;
    do_reply Subtract = "subtract" 4, Anyone, NumberSet [..] => subtract;
    do_reply Shift = "shift" 5, Anyone, NumberSet [..] => shift;
    do_reply Divide = "divide" 6, Anyone, NumberSet [..] => divide;
    do_reply Remainder = "remainder" 7, Anyone, NumberSet [..] => remainder;
    do_reply Unwrap = "unwrap" 8, Anyone, NumberSet [..] => unwrap;
    do_reply Expect = "expect" 9, Anyone, NumberSet [..] => expect;
    do_reply Assert = "assert" 10, Anyone, NumberSet [..] => assert;
    do_reply Sum = "sum" 11, Anyone, NumberSet [..] => sum;
    do_reply Copy = "copy" 12, Anyone, NumberSet [..] => copy;
    do_reply Helper = "helper" 13, Anyone, NumberSet [..] => with_helper;
    do_reply Twice = "twice" 14, Anyone, NumberSet [..] => twice;
    do_reply Reply = "reply" 15, Anyone, NumberSet [..] => reply;
    do_reply Select = "select" 16, Anyone, NumberSet [..] => select;
    do_reply Fine = "fine" 17, Anyone, NumberSet [..] => fine;
    do_reply Logarithm = "logarithm" 18, Anyone, NumberSet [..] => logarithm;
    do_reply Radix = "radix" 19, Anyone, NumberSet [..] => radix;
}

macro_rules! operation {
    ($name:ident, $method:ident, $body:expr) => {
        impl Panics {
            fn $method<'a>(
                &self,
                request: Request<'a, $name>,
                reply: Responder<'a, $name>,
            ) -> Result<Sent<'a>> {
                let (a, b) = (request.need(number::A)?, request.need(number::B)?);
                let bytes = request.need(number::Bytes)?;
                let body: fn(&Panics, u32, u32, &[u8]) -> Result<u32> = $body;
                reply.send(&(number::A.put(body(self, a, b, bytes)?),))
            }
        }
    };
}

operation!(Index, index, |panics, a, _, _| {
    Ok(panics.table[a as usize]) //~ an index may be out of bounds
});

operation!(Range, range, |_, a, _, bytes| {
    let part = &bytes[a as usize..]; //~ a range may be out of bounds
    Ok(part.first().copied().unwrap_or(0).into())
});

operation!(Add, add, |_, a, b, _| {
    Ok(a + b) //~ a number may leave its type: take checked_add()
});

operation!(Subtract, subtract, |_, a, b, _| {
    Ok(a - b) //~ a number may leave its type: take checked_sub()
});

operation!(Shift, shift, |_, a, b, _| {
    Ok(a << b) //~ a number may leave its type: take checked_shl()
});

operation!(Divide, divide, |_, a, b, _| {
    Ok(a / b) //~ the divisor may be 0: take checked_div()
});

operation!(Remainder, remainder, |_, a, b, _| {
    Ok(a % b) //~ the divisor may be 0: take checked_rem()
});

operation!(Unwrap, unwrap, |panics, _, _, _| {
    Ok(*panics.table.first().unwrap()) //~ there may be nothing to unwrap
});

operation!(Expect, expect, |panics, _, _, _| {
    Ok(*panics.table.last().expect("something")) //~ there may be nothing to unwrap
});

operation!(Assert, assert, |_, a, b, _| {
    assert!(a < b); //~ panic!(), assert!(), unreachable!() or the like
    Ok(a)
});

// Where nobody adds.
operation!(Sum, sum, |panics, _, _, _| {
    let sum = panics.table.iter().sum(); //~ a number may leave its type: take checked_add()
    Ok(sum)
});

operation!(Copy, copy, |_, _, _, bytes| {
    let mut copy = [0u8; 4];
    copy.copy_from_slice(bytes); //~ two slices may have different lengths
    Ok(u32::from_ne_bytes(copy))
});

#[inline(never)]
fn helper(a: u32) -> u32 {
    a * 3 //~ a number may leave its type: take checked_mul()
}

operation!(Helper, with_helper, |_, a, _, _| Ok(helper(a)));

operation!(Twice, twice, |panics, a, b, _| {
    let first = panics.table[a as usize]; //~ an index may be out of bounds
    let second = panics.table[b as usize]; //~ an index may be out of bounds
    Ok(first.wrapping_mul(second))
});

// Where the value is stored.
impl Panics {
    fn reply<'a>(
        &self,
        request: Request<'a, Reply>,
        reply: Responder<'a, Reply>,
    ) -> Result<Sent<'a>> {
        let bytes = request.need(number::Bytes)?;
        reply.send(&(
            number::A.put(|| bytes[3].into()), //~ an index may be out of bounds
        ))
    }
}

// In a function of core that is not inlined.
operation!(Select, select, |_, a, b, bytes| {
    let mut copy = *bytes.first_chunk::<16>().ok_or(EINVAL)?;
    let (_, middle, _) = copy.select_nth_unstable(a as usize); //~ panic!(), assert!(),
    Ok(b ^ u32::from(*middle))
});

operation!(Fine, fine, |panics, a, b, bytes| {
    let index = usize::try_from(a)?;
    let value = panics.table.get(index).ok_or(ENOENT)?;
    let sum = value.checked_add(b).ok_or(ERANGE)?;
    let part = sum.checked_div(b).ok_or(EDOM)?;
    let first = bytes.first_chunk::<4>().ok_or(EINVAL)?;
    Ok(part.wrapping_add(u32::from_ne_bytes(*first)))
});

operation!(Logarithm, logarithm, |_, a, b, _| {
    Ok(a.ilog2() ^ b) //~ it may be the logarithm of 0
});

operation!(Radix, radix, |_, a, b, bytes| {
    let text = core::str::from_utf8(bytes).map_err(|_| EINVAL)?;
    let number = u32::from_str_radix(text, a); //~ the base may be
    Ok(number.map_err(|_| EINVAL)? ^ b)
});
