//! What the thread of a port does: poll, take commands between two polls, and find a lost GX again.

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use proto::gx::{Block, Product, Register};
use proto::quantity::Micros;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use super::error::{Asked, What};
use super::poll::{Answer, LACKS, NO_PRODUCT, Poll, is_settled, requests};
use super::{GxError, GxEvent, GxSettings, Link, Timed, name};
use crate::can::RunClock;

/// A write is acknowledged before it is applied. V: 7 ms on a PC; the gateway tells nobody when.
const SETTLING: Micros = Micros::from_millis(100);
/// How long a value may take to be applied before it counts as refused. Assumption: what a GX passes on to a device
/// behind it, such as a limit of the inverter/charger, is there by then.
const APPLIED_WITHIN: Micros = Micros::from_secs(3);
/// How often a product is asked that says it is not there: one or two reads after it came back still say so.
const TRIES: usize = 3;
/// Between two of those. Assumption: the gateway has fetched it by then.
const PAUSE: Duration = Duration::from_millis(20);
/// What is asked for more often is polled so often; rig files do not come near it.
const SHORTEST_PERIOD: Micros = Micros::from_millis(1);
/// First wait before a lost GX is tried again; it doubles up to the longest. Neither is longer than the period in which
/// it is polled while it is there.
const FIRST_RETRY: Micros = Micros::from_millis(200);
/// Longest such wait. Assumption: short beside the minute that a GX takes to restart.
const LONGEST_RETRY: Micros = Micros::from_secs(2);

/// What fades is told again so often at the latest: half of the 10 s after which the first ones fell back.
const AGAIN: Micros = Micros::from_secs(5);
/// And after so many polls, on a rig that is faster than the clock.
const AGAIN_POLLS: u64 = 5;

/// A coil of any device on Modbus-TCP, such as a relay board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coil {
    /// host or host:port; port 502 where none is named
    pub address: String,
    /// unit id of the device
    pub unit: u8,
    /// number of the coil, counted from 0
    pub coil: u16,
}

/// What a port is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    /// the cells of a register
    Read { register: Register, reply: SyncSender<Result<Vec<u16>, GxError>> },
    /// cells to a register, told again where they fade and `lasts` is set; gives those that are read back
    Write { register: Register, cells: Vec<u16>, lasts: bool, reply: SyncSender<Result<Vec<u16>, GxError>> },
    /// a coil of another device; gives its state read back
    Switch { coil: Coil, on: bool, reply: SyncSender<Result<bool, GxError>> },
}

/// A value that was acknowledged and is not read back yet.
#[derive(Debug)]
struct Pending {
    unit: u8,
    first: u16,
    cells: Vec<u16>,
    reply: SyncSender<Result<Vec<u16>, GxError>>,
    /// when it is read back next, and when for the last time
    look: Micros,
    give_up: Micros,
}

/// What must be told again and again, since it fades.
#[derive(Debug)]
struct Fading {
    unit: u8,
    first: u16,
    cells: Vec<u16>,
    next: Micros,
}

/// A port from within.
#[derive(Debug)]
pub(super) struct Driver<E> {
    settings: GxSettings,
    clock: RunClock,
    events: SyncSender<E>,
    dropped: u32,
    link: Option<Link>,
    /// since when the GX does not answer
    lost: Option<Micros>,
    /// when a lost GX is tried next, and how long is waited after that
    retry: (Micros, Micros),
    /// exceptions of the products that were absent in the last poll
    absent: BTreeMap<Product, u8>,
    /// written, and to be read back between two polls
    pending: Vec<Pending>,
    fading: Vec<Fading>,
    /// blocks that this GX does not have whole, by their first address: the pieces, and what it said to those that it lacks
    pieces: BTreeMap<u16, Vec<(Block, Option<u8>)>>,
}

impl<E: From<Timed>> Driver<E> {
    pub(super) fn new(mut settings: GxSettings, clock: RunClock, events: SyncSender<E>) -> Self {
        settings.period = settings.period.max(SHORTEST_PERIOD);
        let retry = (Micros::ZERO, FIRST_RETRY.min(settings.period));
        Self {
            settings,
            clock,
            events,
            dropped: 0,
            link: None,
            lost: None,
            retry,
            absent: BTreeMap::new(),
            pending: Vec::new(),
            fading: Vec::new(),
            pieces: BTreeMap::new(),
        }
    }

    /// Works until nobody can send a command any more.
    pub(super) async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        let period = self.settings.period;
        let mut next = self.clock.now();
        loop {
            let poll = if self.lost.is_some() { self.retry.0 } else { next };
            let looks = self.pending.iter().map(|pending| pending.look);
            let again = self.fading.iter().filter(|_| self.lost.is_none()).map(|fading| fading.next);
            let wake = looks.chain(again).fold(poll, Micros::min);
            let left = self.clock.until(wake);
            // A poll that is due comes first: commands without a pause do not hold it up.
            let command = if left.is_zero() { None } else { timeout(left, commands.recv()).await.ok() };
            match command {
                Some(None) => return,
                Some(Some(command)) => self.carry_out(command).await,
                None if wake < poll => {
                    self.read_back().await;
                    self.tell_again().await;
                }
                None => {
                    let began = self.clock.now();
                    self.poll().await;
                    let took = self.clock.now().since(began);
                    if took > period && self.lost.is_none() {
                        self.tell(GxEvent::Slow { took });
                    }
                    // On the same beat, whatever was left out.
                    while next <= self.clock.now() {
                        next += period;
                    }
                }
            }
        }
    }

    async fn poll(&mut self) {
        match self.blocks().await {
            Ok(answers) => {
                self.found();
                let poll = Poll::of(answers);
                self.tell_of_products(&poll);
                self.tell(GxEvent::Poll(Box::new(poll)));
            }
            Err(error) => self.lose(error),
        }
    }

    async fn blocks(&mut self) -> Result<Vec<Answer>, GxError> {
        let (requests, clock) = (requests(&self.settings.units), self.clock);
        let mut answers: Vec<Answer> = Vec::with_capacity(requests.len());
        for (unit, block) in requests {
            if is_settled(&answers, block.product) {
                continue;
            }
            let known = self.pieces.get(&block.first).cloned();
            let pieces = known.clone().unwrap_or_else(|| vec![(block, None)]);
            for (block, lacking) in pieces {
                let cells = match lacking {
                    None => self.cells(unit, block).await?,
                    Some(code) => Err(code),
                };
                answers.push(Answer { block, unit, at: clock.now(), cells });
            }
            if known.is_none() && answers.last().is_some_and(Answer::is_lacking) {
                answers.pop();
                let found = self.divide(unit, block).await?;
                answers.extend(found);
            }
        }
        Ok(answers)
    }

    /// The cells of a block, or the number of the exception.
    async fn cells(&mut self, unit: u8, block: Block) -> Result<Result<Vec<u16>, u8>, GxError> {
        match read(self.link().await?, unit, block.first, block.count).await {
            Ok(cells) => Ok(Ok(cells)),
            Err(GxError::Refused { code, .. }) => Ok(Err(code)),
            Err(lost) => Err(lost),
        }
    }

    /// Reads a block that this GX does not have whole in halves, and halves of those, down to single registers. The
    /// pieces are remembered as long as the connection holds: its firmware stays the same.
    async fn divide(&mut self, unit: u8, whole: Block) -> Result<Vec<Answer>, GxError> {
        let block = |registers: &[&Register]| {
            let first = registers[0].address;
            let end = registers.iter().map(|register| register.address + register.kind.cells()).max();
            Block { product: whole.product, first, count: end.unwrap_or(first) - first }
        };
        let registers: Vec<&Register> = whole.registers().collect();
        let (left, right) = registers.split_at(registers.len() / 2);
        let (mut found, mut ahead): (Vec<Answer>, _) = (Vec::new(), vec![right, left]);
        while let Some(registers) = ahead.pop() {
            if registers.is_empty() {
                continue;
            }
            let block = block(registers);
            let cells = self.cells(unit, block).await?;
            if cells.as_ref().is_err_and(|code| LACKS.contains(code)) && registers.len() > 1 {
                let (left, right) = registers.split_at(registers.len() / 2);
                ahead.extend([right, left]);
                continue;
            }
            let answer = Answer { block, unit, at: self.clock.now(), cells };
            match found.last_mut() {
                // What is missing in a row is one piece.
                Some(last) if last.is_lacking() && answer.is_lacking() => {
                    last.block.count = block.first + block.count - last.block.first;
                }
                _ => found.push(answer),
            }
        }
        if found.iter().all(|answer| answer.cells.is_ok() || answer.is_lacking()) {
            let pieces = found.iter().map(|answer| (answer.block, answer.cells.as_ref().err().copied()));
            self.pieces.insert(whole.first, pieces.collect());
        }
        Ok(found)
    }

    /// The connection, a new one where there is none.
    async fn link(&mut self) -> Result<&mut Link, GxError> {
        let link = match self.link.take() {
            Some(link) => link,
            None => Link::open(&self.settings.address, self.settings.within).await?,
        };
        Ok(self.link.insert(link))
    }

    async fn carry_out(&mut self, command: Command) {
        // Who asked and did not wait for the answer does not need it.
        match command {
            Command::Read { register, reply } => {
                let _ = reply.send(self.held(register).await);
            }
            Command::Write { register, cells, lasts, reply } => {
                if let Err(error) = self.write(register, cells, lasts, &reply).await {
                    let _ = reply.send(Err(error));
                }
            }
            Command::Switch { coil, on, reply } => {
                let within = self.settings.within;
                // Another device, which may be slow without holding up the GX.
                tokio::spawn(async move { reply.send(switch(&coil, on, within).await) });
            }
        }
    }

    /// What a register holds.
    async fn held(&mut self, register: Register) -> Result<Vec<u16>, GxError> {
        let unit = self.unit_of(register)?;
        let held = self.read_twice(unit, register.address, register.kind.cells()).await;
        self.losing(held)
    }

    /// Reads, and once more over a new connection where the first one is lost: nothing changes by that.
    async fn read_twice(&mut self, unit: u8, first: u16, count: u16) -> Result<Vec<u16>, GxError> {
        match self.read_once(unit, first, count).await {
            Err(error) if !error.is_refusal() => {
                self.link = None;
                self.read_once(unit, first, count).await
            }
            read => read,
        }
    }

    async fn read_once(&mut self, unit: u8, first: u16, count: u16) -> Result<Vec<u16>, GxError> {
        read(self.link().await?, unit, first, count).await
    }

    /// Writes, and once more over a new connection where the first one is lost: to say the same twice sets the same.
    async fn write_twice(&mut self, unit: u8, first: u16, cells: &[u16]) -> Result<(), GxError> {
        let lost = match self.write_once(unit, first, cells).await {
            Err(error) if !error.is_refusal() => error,
            written => return written,
        };
        self.link = None;
        let written = self.write_once(unit, first, cells).await;
        // What the first one did is not known then.
        written
            .map_err(|error| if matches!(lost, GxError::Uncertain(_)) { taken_or_not(error) } else { error })
    }

    async fn write_once(&mut self, unit: u8, first: u16, cells: &[u16]) -> Result<(), GxError> {
        let link = self.link().await?;
        patiently(async || link.write(unit, first, cells).await).await.map_err(uncertain)
    }

    fn unit_of(&self, register: Register) -> Result<u8, GxError> {
        self.settings.units.of(register.product).ok_or(GxError::NoUnit(name(register.product)))
    }

    /// An error that is no refusal is the loss of the GX.
    fn losing<T>(&mut self, result: Result<T, GxError>) -> Result<T, GxError> {
        if let Err(error) = &result
            && !error.is_refusal()
        {
            self.lose(error.clone());
        }
        result
    }

    /// Writes; what is held after that is told when it was read back.
    async fn write(
        &mut self,
        register: Register,
        cells: Vec<u16>,
        lasts: bool,
        reply: &SyncSender<Result<Vec<u16>, GxError>>,
    ) -> Result<(), GxError> {
        let (unit, first) = (self.unit_of(register)?, register.address);
        self.fading.retain(|fading| (fading.unit, fading.first) != (unit, first));
        let written = self.write_twice(unit, first, &cells).await;
        self.losing(written)?;
        let now = self.clock.now();
        if lasts && register.fades() {
            let next = now + self.again();
            self.fading.push(Fading { unit, first, cells: cells.clone(), next });
        }
        let (look, give_up) = (now + self.settling(), now + APPLIED_WITHIN);
        self.pending.push(Pending { unit, first, cells, reply: reply.clone(), look, give_up });
        Ok(())
    }

    /// From one time that something that fades is told to the next.
    fn again(&self) -> Micros {
        AGAIN.min(Micros(self.settings.period.0 * AGAIN_POLLS))
    }

    /// Tells again what would fade.
    async fn tell_again(&mut self) {
        let (now, next) = (self.clock.now(), self.clock.now() + self.again());
        let mut due = Vec::new();
        for fading in self.fading.iter_mut().filter(|fading| fading.next <= now) {
            fading.next = next;
            due.push((fading.unit, fading.first, fading.cells.clone()));
        }
        for (unit, first, cells) in due {
            let told = match self.link().await {
                Ok(link) => link.write(unit, first, &cells).await,
                Err(error) => Err(error),
            };
            // What is refused now was taken before: it shows in what the GX does.
            let _ = self.losing(told);
        }
    }

    /// On a rig that is faster than the clock everything is.
    fn settling(&self) -> Micros {
        SETTLING.min(self.settings.period)
    }

    /// Reads back what is due, and tells whoever waits once it holds what was written or has had time enough.
    async fn read_back(&mut self) {
        let now = self.clock.now();
        let Some(index) = self.pending.iter().position(|pending| pending.look <= now) else { return };
        let mut pending = self.pending.swap_remove(index);
        let count = u16::try_from(pending.cells.len()).unwrap_or(u16::MAX);
        let held = self.read_twice(pending.unit, pending.first, count).await;
        let held = match held {
            Ok(held) if held != pending.cells && self.clock.now() < pending.give_up => {
                pending.look = self.clock.now() + self.settling();
                return self.pending.push(pending);
            }
            held => self.losing(held).map_err(taken_or_not),
        };
        // Who asked and did not wait for the answer does not need it.
        let _ = pending.reply.send(held);
    }

    fn lose(&mut self, error: GxError) {
        self.link = None;
        self.pieces.clear();
        for pending in self.pending.drain(..) {
            let _ = pending.reply.send(Err(taken_or_not(error.clone())));
        }
        let (_, wait) = self.retry;
        self.retry = (self.clock.now() + wait, LONGEST_RETRY.min(self.settings.period).min(wait * 2));
        if self.lost.is_none() {
            self.lost = Some(self.clock.now());
            self.tell(GxEvent::Lost(error));
        }
    }

    fn found(&mut self) {
        self.retry.1 = FIRST_RETRY.min(self.settings.period);
        if let Some(since) = self.lost.take() {
            self.tell(GxEvent::Back { after: self.clock.now().since(since) });
        }
    }

    /// Tells what is no longer there, or there again.
    fn tell_of_products(&mut self, poll: &Poll) {
        let mut before = std::mem::take(&mut self.absent);
        for Answer { block, unit, cells, .. } in poll.absent() {
            let Err(code) = *cells else { continue };
            self.absent.insert(block.product, code);
            if before.remove(&block.product) != Some(code) {
                let what = What::Read(block.first, block.first + block.count - 1);
                let why = GxError::Refused { asked: Asked { unit: *unit, what }, code };
                self.tell(GxEvent::Absent { product: block.product, why });
            }
        }
        for product in before.into_keys() {
            self.tell(GxEvent::Present { product });
        }
    }

    /// Nobody is waited for: what finds no room is counted.
    fn tell(&mut self, event: GxEvent) {
        let told = Timed { at: self.clock.now(), event, dropped: self.dropped };
        self.dropped = match self.events.try_send(told.into()) {
            Ok(()) => 0,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.dropped.saturating_add(1),
        };
    }
}

async fn read(link: &mut Link, unit: u8, first: u16, count: u16) -> Result<Vec<u16>, GxError> {
    patiently(async || link.read(unit, first, count).await).await
}

/// Asks up to [`TRIES`] times where a product says that it is not there, or a gateway that it cannot just now.
async fn patiently<T>(mut ask: impl AsyncFnMut() -> Result<T, GxError>) -> Result<T, GxError> {
    let mut tries = 1;
    loop {
        match ask().await {
            Err(GxError::Refused { code, .. }) if passes(code) && tries < TRIES => tries += 1,
            answer => return answer,
        }
        sleep(PAUSE).await;
    }
}

/// Whether an exception may be another answer a moment later: a product that has just come back, and what gateways between
/// answer while they or the device behind them are busy (Modbus Application Protocol 1.1b3, 7).
const fn passes(code: u8) -> bool {
    const FAILURE: u8 = 4;
    const ACKNOWLEDGED: u8 = 5;
    const BUSY: u8 = 6;
    const NO_ANSWER: u8 = 11;
    matches!(code, NO_PRODUCT | FAILURE | ACKNOWLEDGED | BUSY | NO_ANSWER)
}

async fn switch(coil: &Coil, on: bool, within: Micros) -> Result<bool, GxError> {
    let mut link = Link::open(&coil.address, within).await?;
    link.switch(coil.unit, coil.coil, on).await.map_err(uncertain)?;
    sleep(Duration::from_micros(SETTLING.0)).await;
    link.coil(coil.unit, coil.coil).await.map_err(taken_or_not)
}

/// Why a change was not acknowledged: only what is refused is known not to be made.
fn uncertain(error: GxError) -> GxError {
    if error.is_refusal() { error } else { taken_or_not(error) }
}

fn taken_or_not(error: GxError) -> GxError {
    if matches!(error, GxError::Uncertain(_)) { error } else { GxError::Uncertain(Box::new(error)) }
}
