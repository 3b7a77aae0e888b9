//! A GX on a desk: every block, products that can be unplugged, and writes that come late.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proto::gx::{Block, Exception, Register};

use sim::served::gx::Registers;

#[derive(Debug)]
pub(super) struct Desk {
    cells: Vec<u16>,
    /// what was acknowledged and is not applied yet
    pending: Vec<(Instant, u16, u16)>,
    /// products that are there, by unit, with reads that still miss them
    there: BTreeMap<u8, u8>,
    refused: BTreeSet<u16>,
    unmapped: BTreeSet<u16>,
    /// from the acknowledgement of a write until it is applied
    pub(super) write_delay: Duration,
    /// a register that falls back to 0 so long after it was written last
    pub(super) falls_back: Option<(u16, Duration)>,
    /// the most registers of one request; more are refused with exception 3
    pub(super) most: u16,
    written: Option<Instant>,
    /// requests to read
    pub(super) reads: usize,
}

impl Desk {
    pub(super) fn new() -> Self {
        let there = [225, 100, 227, 229, 30].map(|unit| (unit, 0)).into();
        Self {
            cells: vec![0; 1 << 16],
            pending: Vec::new(),
            there,
            refused: BTreeSet::new(),
            unmapped: BTreeSet::new(),
            write_delay: Duration::from_millis(30),
            falls_back: None,
            most: 125,
            written: None,
            reads: 0,
        }
    }

    pub(super) fn set(&mut self, register: Register, value: f64) {
        assert!(register.write(value, 0, &mut self.cells));
    }

    pub(super) fn remove(&mut self, unit: u8) {
        self.there.remove(&unit);
    }

    /// It is there, but the next reads miss it.
    pub(super) fn restore(&mut self, unit: u8, misses: u8) {
        self.there.insert(unit, misses);
    }

    /// Acknowledges writes to it and does not take them.
    pub(super) fn refuse(&mut self, address: u16) {
        self.refused.insert(address);
    }

    pub(super) fn unmap(&mut self, address: u16) {
        self.unmapped.insert(address);
    }

    fn reach(&self, unit: u8, address: u16, count: u16) -> Result<(), Exception> {
        let gap = self.unmapped.iter().any(|&cell| cell >= address && cell - address < count);
        if gap || Block::run_of(address, count).is_none() {
            return Err(Exception::Address);
        }
        if self.there.contains_key(&unit) { Ok(()) } else { Err(Exception::NoProduct) }
    }

    fn answer(&mut self, unit: u8, address: u16, count: u16) -> Result<Vec<u16>, Exception> {
        self.reads += 1;
        if count > self.most {
            return Err(Exception::Value);
        }
        self.reach(unit, address, count)?;
        if let Some(misses) = self.there.get_mut(&unit).filter(|misses| **misses > 0) {
            *misses -= 1;
            return Err(Exception::NoProduct);
        }
        let now = Instant::now();
        let due = self.pending.iter().take_while(|(at, ..)| *at <= now).count();
        for (_, address, value) in self.pending.drain(..due) {
            self.cells[usize::from(address)] = value;
        }
        if let (Some((register, after)), Some(at)) = (self.falls_back, self.written)
            && at.elapsed() > after
        {
            self.cells[usize::from(register)] = 0;
        }
        let first = usize::from(address);
        Ok(self.cells[first..first + usize::from(count)].to_vec())
    }
}

impl Registers for Desk {
    fn read(&mut self, unit: u8, _: u8, address: u16, count: u16) -> Option<Result<Vec<u16>, Exception>> {
        Some(self.answer(unit, address, count))
    }

    fn write(&mut self, unit: u8, _: u8, address: u16, values: &[u16]) -> Option<Result<(), Exception>> {
        let reached = self.reach(unit, address, values.len() as u16);
        if reached.is_ok() {
            let at = Instant::now() + self.write_delay;
            if self.falls_back.is_some_and(|(register, _)| register == address) {
                self.written = Some(at);
            }
            let taken = (address..).zip(values).filter(|(cell, _)| !self.refused.contains(cell));
            self.pending.extend(taken.map(|(cell, &value)| (at, cell, value)));
        }
        Some(reached)
    }
}
