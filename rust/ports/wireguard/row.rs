// SPDX-License-Identifier: GPL-2.0

//! A list whose members have numbers, by which a dump finds its place again.

#![forbid(unsafe_code)]

use core::cmp::Ordering;
use kernel::prelude::*;

/// Things in the order in which they were added. Each has a number, which grows from one to the
/// next and is never used again. One is found at once by its number, or, where some in front of it
/// were removed, in as many steps as the logarithm of how many there are.
pub(crate) struct Row<T> {
    /// What was removed leaves its slot empty until all move to another place.
    slots: KVVec<Slot<T>>,
    /// How many slots are not empty.
    len: usize,
    /// The number of the next one.
    next: u64,
}

struct Slot<T> {
    number: u64,
    value: Option<T>,
}

/// A row as short as this is left alone.
const SHORT: usize = 4;

impl<T> Row<T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: KVVec::new(),
            len: 0,
            next: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds something at the end, and returns its number.
    pub(crate) fn push(&mut self, value: T) -> Result<u64> {
        if self.slots.len() == self.slots.capacity() {
            self.relocate()?;
        }
        let number = self.next;
        let value = Some(value);
        // There is room.
        self.slots
            .push_within_capacity(Slot { number, value })
            .map_err(|_| ENOMEM)?;
        self.next = number.wrapping_add(1);
        self.len = self.len.wrapping_add(1);
        Ok(number)
    }

    /// Moves all of it to where there is room for as many more, without empty slots.
    #[inline(never)]
    fn relocate(&mut self) -> Result {
        let room = self.len.saturating_mul(2).max(SHORT);
        let mut slots = KVVec::with_capacity(room, GFP_KERNEL_ACCOUNT)?;
        for slot in self.slots.drain_all() {
            if slot.value.is_some() {
                // There is room for all of them.
                let _ = slots.push_within_capacity(slot);
            }
        }
        self.slots = slots;
        Ok(())
    }

    /// Where the slot with a number is: as far behind the first one as their numbers are apart, or
    /// nearer, where slots between them have gone.
    #[inline(never)]
    pub(crate) fn place(&self, number: u64) -> Option<usize> {
        let first = self.slots.first()?.number;
        // CAST: What is more than an index has is more than there are slots.
        let mut middle = number.wrapping_sub(first) as usize;
        // That of the core library can panic where a sum overflows, as far as the compiler sees.
        let (mut from, mut to) = (0usize, self.slots.len());
        loop {
            middle = middle.min(to.checked_sub(1)?);
            let slot = self.slots.get(middle)?;
            match slot.number.cmp(&number) {
                Ordering::Less => from = middle.wrapping_add(1),
                Ordering::Equal => return slot.value.as_ref().and(Some(middle)),
                Ordering::Greater => to = middle,
            }
            if from >= to {
                return None;
            }
            middle = from.wrapping_add(to) / 2;
        }
    }

    #[inline(never)]
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let place = self.place(number)?;
        self.slots.get_mut(place)?.value.as_mut()
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<T> {
        let place = self.place(number)?;
        let value = self.slots.get_mut(place)?.value.take()?;
        self.len = self.len.wrapping_sub(1);
        if self.slots.len() / SHORT > self.len.max(SHORT) {
            // Without memory for it the slots stay as they are.
            let _ = self.relocate();
        }
        Some(value)
    }

    /// Removes all.
    pub(crate) fn clear(&mut self) {
        self.slots = KVVec::new();
        self.len = 0;
    }

    /// All from a place on, and in front of another one.
    pub(crate) fn range(&self, from: usize, to: usize) -> Members<'_, T> {
        let to = to.min(self.slots.len());
        Members(self.slots.get(from..to).unwrap_or_default().iter())
    }

    /// All from a place on.
    pub(crate) fn from(&self, place: usize) -> Members<'_, T> {
        self.range(place, usize::MAX)
    }
}

/// Some of a row, with their numbers.
pub(crate) struct Members<'a, T>(core::slice::Iter<'a, Slot<T>>);

impl<T> Clone for Members<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<'a, T> Iterator for Members<'a, T> {
    type Item = (u64, &'a T);

    fn next(&mut self) -> Option<(u64, &'a T)> {
        self.0
            .find_map(|slot| Some((slot.number, slot.value.as_ref()?)))
    }
}
