// SPDX-License-Identifier: GPL-2.0

//! A family that panics in each way that authors do. A line that ends with `//~ WORDS` is one that
//! panics.py has to name, with these words; it must name no other one. panics_test.py compiles it.

#![allow(missing_docs, dead_code)]

use genl::{
    layout::U32,
    Attr,
    Command,
    DoReply,
    Family,
    FamilyDescriptor,
    Layout,
    Message,
    Op,
    Policy,
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
    const OPS: &'static [SplitOp<Self>] = &genl::table([
        genl::do_reply::<Index>(),
        genl::do_reply::<Range>(),
        genl::do_reply::<Add>(),
        genl::do_reply::<Subtract>(),
        genl::do_reply::<Shift>(),
        genl::do_reply::<Divide>(),
        genl::do_reply::<Remainder>(),
        genl::do_reply::<Unwrap>(),
        genl::do_reply::<Expect>(),
        genl::do_reply::<Assert>(),
        genl::do_reply::<Sum>(),
        genl::do_reply::<Copy>(),
        genl::do_reply::<Helper>(),
        genl::do_reply::<Twice>(),
        genl::do_reply::<Reply>(),
        genl::do_reply::<Select>(),
        genl::do_reply::<Fine>(),
        genl::do_reply::<Logarithm>(),
        genl::do_reply::<Radix>(),
    ]);

    fn descriptor() -> &'static FamilyDescriptor<Self> {
        static DESCRIPTOR: FamilyDescriptor<Panics> = FamilyDescriptor::new();
        &DESCRIPTOR
    }
}

#[used]
static KEEP: fn() -> &'static FamilyDescriptor<Panics> = Panics::descriptor;

/// The numbers that requests carry.
struct Numbers;

impl Policy for Numbers {
    const ATTRS: &'static [Attr] = &[Attr::unused(), Attr::u32(), Attr::u32(), Attr::binary(64)];
}

struct Value(u32);

macro_rules! operation {
    ($name:ident, $number:literal, $body:expr) => {
        struct $name;

        impl Command for $name {
            type Family = Panics;
            const NAME: &'static str = stringify!($name);
            const NUMBER: u8 = $number;
        }

        impl Op for $name {
            type Policy = Numbers;
        }

        impl Message<$name> for Value {
            fn layout(&self) -> impl Layout + '_ {
                (U32::<1>(self.0),)
            }
        }

        impl DoReply for $name {
            fn doit<'a>(
                panics: &Panics,
                request: Request<'a, Self>,
                reply: Responder<'a, Self>,
            ) -> Result<Sent<'a>> {
                let a = request.u32::<1>().ok_or(EINVAL)?;
                let b = request.u32::<2>().ok_or(EINVAL)?;
                let bytes = request.binary::<3>().ok_or(EINVAL)?;
                let body: fn(&Panics, u32, u32, &[u8]) -> Result<u32> = $body;
                reply.send(&Value(body(panics, a, b, bytes)?))
            }
        }
    };
}

operation!(Index, 1, |panics, a, _, _| {
    Ok(panics.table[a as usize]) //~ an index may be out of bounds
});

operation!(Range, 2, |_, a, _, bytes| {
    let part = &bytes[a as usize..]; //~ a range may be out of bounds
    Ok(part.first().copied().unwrap_or(0).into())
});

operation!(Add, 3, |_, a, b, _| {
    Ok(a + b) //~ a number may leave its type: take checked_add()
});

operation!(Subtract, 4, |_, a, b, _| {
    Ok(a - b) //~ a number may leave its type: take checked_sub()
});

operation!(Shift, 5, |_, a, b, _| {
    Ok(a << b) //~ a number may leave its type: take checked_shl()
});

operation!(Divide, 6, |_, a, b, _| {
    Ok(a / b) //~ the divisor may be 0: take checked_div()
});

operation!(Remainder, 7, |_, a, b, _| {
    Ok(a % b) //~ the divisor may be 0: take checked_rem()
});

operation!(Unwrap, 8, |panics, _, _, _| {
    Ok(*panics.table.first().unwrap()) //~ there may be nothing to unwrap
});

operation!(Expect, 9, |panics, _, _, _| {
    Ok(*panics.table.last().expect("something")) //~ there may be nothing to unwrap
});

operation!(Assert, 10, |_, a, b, _| {
    assert!(a < b); //~ panic!(), assert!(), unreachable!() or the like
    Ok(a)
});

// Where nobody adds.
operation!(Sum, 11, |panics, _, _, _| {
    let sum = panics.table.iter().sum(); //~ a number may leave its type: take checked_add()
    Ok(sum)
});

operation!(Copy, 12, |_, _, _, bytes| {
    let mut copy = [0u8; 4];
    copy.copy_from_slice(bytes); //~ two slices may have different lengths
    Ok(u32::from_ne_bytes(copy))
});

#[inline(never)]
fn helper(a: u32) -> u32 {
    a * 3 //~ a number may leave its type: take checked_mul()
}

operation!(Helper, 13, |_, a, _, _| Ok(helper(a)));

operation!(Twice, 14, |panics, a, b, _| {
    let first = panics.table[a as usize]; //~ an index may be out of bounds
    let second = panics.table[b as usize]; //~ an index may be out of bounds
    Ok(first.wrapping_mul(second))
});

/// What is sent, by a getter that panics.
struct Lazy<'a>(&'a [u8]);

struct Reply;

impl Command for Reply {
    type Family = Panics;
    const NAME: &'static str = "reply";
    const NUMBER: u8 = 15;
}

impl Op for Reply {
    type Policy = Numbers;
}

impl Message<Reply> for Lazy<'_> {
    fn layout(&self) -> impl Layout + '_ {
        (U32::<1>(self.0[3].into()),) //~ an index may be out of bounds
    }
}

impl DoReply for Reply {
    fn doit<'a>(
        _: &Panics,
        request: Request<'a, Self>,
        reply: Responder<'a, Self>,
    ) -> Result<Sent<'a>> {
        reply.send(&Lazy(request.binary::<3>().ok_or(EINVAL)?))
    }
}

// In a function of core that is not inlined.
operation!(Select, 16, |_, a, b, bytes| {
    let mut copy = *bytes.first_chunk::<16>().ok_or(EINVAL)?;
    let (_, middle, _) = copy.select_nth_unstable(a as usize); //~ panic!(), assert!(),
    Ok(b ^ u32::from(*middle))
});

operation!(Fine, 17, |panics, a, b, bytes| {
    let index = usize::try_from(a)?;
    let value = panics.table.get(index).ok_or(ENOENT)?;
    let sum = value.checked_add(b).ok_or(ERANGE)?;
    let part = sum.checked_div(b).ok_or(EDOM)?;
    let first = bytes.first_chunk::<4>().ok_or(EINVAL)?;
    Ok(part.wrapping_add(u32::from_ne_bytes(*first)))
});

operation!(Logarithm, 18, |_, a, b, _| {
    Ok(a.ilog2() ^ b) //~ it may be the logarithm of 0
});

operation!(Radix, 19, |_, a, b, bytes| {
    let text = core::str::from_utf8(bytes).map_err(|_| EINVAL)?;
    let number = u32::from_str_radix(text, a); //~ the base may be
    Ok(number.map_err(|_| EINVAL)? ^ b)
});
