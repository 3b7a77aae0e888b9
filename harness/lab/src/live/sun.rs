//! The thread that owns the supply: polls it, sets it to the sun that is asked for, and switches it off.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use proto::quantity::{Amps, Micros, Watts};

use super::inbox::Outbox;
use super::watchdog::Watchdog;
use crate::can::RunClock;
use crate::psu::{Brake, Link, LinkError, Settings, Supply, SupplyError, Target};
use files::Profile;
use files::live::PsuPlace;

/// Opens the way to the supply, the first time and again after it was lost.
pub(super) type Opener = Box<dyn Fn() -> Result<Box<dyn Link>, LinkError> + Send>;

/// Everything the driver must know.
pub(super) struct Setup {
    pub(super) place: PsuPlace,
    pub(super) profile: Profile,
    /// largest current limit, whatever is asked for
    pub(super) current_max: Amps,
    /// from one reading to the next
    pub(super) period: Micros,
    pub(super) watchdog: Watchdog,
}

/// The supply that plays the sun.
pub(super) struct Sun {
    orders: Option<Sender<Order>>,
    brake: Brake,
    thread: Option<JoinHandle<()>>,
    /// how long the thread may take to say whether it is off
    patience: Duration,
    /// what the supply said of itself
    identity: String,
}

/// Why it is not open.
#[derive(Debug)]
pub(super) enum Closed {
    /// nobody answered as this supply
    Unmet(String),
    /// it answered, and then something else went wrong, or its port is not there
    Other(String),
}

impl From<String> for Closed {
    fn from(what: String) -> Self {
        Self::Other(what)
    }
}

enum Order {
    Give(Watts),
    Off(SyncSender<Result<(), String>>),
}

/// What a shut-down may take beyond the fall of the terminals: questions that are not answered.
const QUESTIONS: Duration = Duration::from_secs(60);
/// A shut-down waits for a supply to agree this often at most: remote control, output off three times, voltage.
const SETTLINGS: u32 = 5;
/// How often the terminals are measured while they fall.
const FALL: Micros = Micros::from_millis(100);

impl Sun {
    /// Opens the supply, assumes that it is on, switches it off and reads that back, and begins to poll it.
    ///
    /// # Errors
    /// When it is not there, is another one, or cannot be confirmed off.
    pub(super) fn open(
        setup: Setup,
        opener: Opener,
        clock: RunClock,
        outbox: Outbox,
    ) -> Result<Self, Closed> {
        let named = |error: &dyn std::fmt::Display| format!("supply: {error}");
        let Setup { place, profile, current_max, period, watchdog } = setup;
        let brake = Brake::default();
        let link = opener().map_err(|error| named(&error))?;
        let settings = Settings::of(&place, current_max).patient();
        let (mut supply, found) =
            Supply::open(brake.on(link), profile, settings).map_err(|error| Closed::Unmet(named(&error)))?;
        if found.output {
            watchdog.tell("harness: the output of the supply was on; it is switched off first");
        }
        supply.shut_down().confirmed()?;
        supply.take_over().and_then(|_| watchdog.arm(&mut supply, &place)).map_err(|error| named(&error))?;
        brake.sends(supply.off_line().map_err(|error| named(&error))?);
        let (orders, taken) = channel();
        let settle = Duration::from_micros(supply.profile().settle.0);
        let patience = Duration::from_micros(place.safe_within.0) + QUESTIONS + settle * SETTLINGS;
        let driver = Driver {
            supply,
            opener,
            brake: brake.clone(),
            place,
            current_max,
            period,
            clock,
            outbox,
            watchdog,
            lit: false,
        };
        let thread = std::thread::Builder::new()
            .name("supply".to_owned())
            .spawn(move || driver.run(&taken))
            .map_err(|error| named(&error))?;
        Ok(Self {
            orders: Some(orders),
            brake,
            thread: Some(thread),
            patience,
            identity: found.identity.to_string(),
        })
    }

    /// What the supply said of itself when it was opened.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Has so much sun. It is set as soon as may be; what goes wrong is a fault in the inbox.
    pub(super) fn give(&self, power: Watts) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(Order::Give(power));
        }
    }

    /// Off: the command goes out at once, past everything else; then the whole shut-down, read back.
    ///
    /// # Errors
    /// What is wrong, where the terminals are not known to be without power.
    pub(super) fn off(&self) -> Result<(), String> {
        self.brake.pull();
        let (answer, answered) = sync_channel(1);
        let gone = || "supply: its driver is gone, and its output unknown; SWITCH IT OFF BY HAND".to_owned();
        self.orders.as_ref().ok_or_else(gone)?.send(Order::Off(answer)).map_err(|_| gone())?;
        answered.recv_timeout(self.patience).map_err(|_| gone())?
    }
}

#[cfg(all(test, unix))]
impl Sun {
    /// Only the first byte of [`Sun::off`].
    pub(super) fn brake(&self) {
        self.brake.pull();
    }

    /// Goes on after that.
    pub(super) fn release(&self) {
        self.brake.release();
    }
}

impl Drop for Sun {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Driver {
    supply: Supply,
    opener: Opener,
    brake: Brake,
    place: PsuPlace,
    current_max: Amps,
    period: Micros,
    clock: RunClock,
    outbox: Outbox,
    watchdog: Watchdog,
    /// whether the output was switched on and shall be on
    lit: bool,
}

impl Driver {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut next = self.clock.now();
        // After a fault it is not polled any more: it waits to be switched off.
        let mut failed = false;
        let mut waiting = VecDeque::new();
        loop {
            let wait = if failed { Duration::from_secs(3600) } else { self.clock.until(next) };
            let order = match waiting.pop_front().map_or_else(|| orders.recv_timeout(wait), Ok) {
                Ok(order) => order,
                Err(RecvTimeoutError::Timeout) => {
                    next = (next + self.period).max(self.clock.now());
                    if !failed {
                        failed = self.told(|this| this.poll());
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // Whoever owned it is gone without a word.
                    if self.lit {
                        let _ = self.off();
                    }
                    return;
                }
            };
            match order {
                Order::Off(answer) => {
                    let _ = answer.send(self.off());
                }
                Order::Give(power) => {
                    // Of the stages of a ramp only the last counts.
                    let mut latest = power;
                    loop {
                        match orders.try_recv() {
                            Ok(Order::Give(power)) => latest = power,
                            Ok(off) => break waiting.push_back(off),
                            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                        }
                    }
                    if !failed && waiting.is_empty() {
                        failed = self.told(|this| this.give(latest));
                    }
                }
            }
        }
    }

    /// Does something and tells what goes wrong; whether it did.
    fn told(&mut self, what: impl FnOnce(&mut Self) -> Result<(), SupplyError>) -> bool {
        match what(self) {
            Ok(()) => false,
            // Given up because it shall be off, or undone by that: no news.
            Err(SupplyError::Link(LinkError::GivenUp { .. })) => false,
            Err(_) if self.brake.is_pulled() => false,
            Err(error) => {
                self.outbox.fault(format!("supply: {error}"));
                true
            }
        }
    }

    fn poll(&mut self) -> Result<(), SupplyError> {
        let status = match self.supply.read() {
            // One answer may be lost; a supply that restarted in the middle of a question says so now.
            Err(SupplyError::Silent { .. } | SupplyError::Garbled { .. }) if !self.brake.is_pulled() => {
                self.supply.read()?
            }
            // One connection may end while nothing is switched on: a supply that is seen to be off is as it was.
            Err(SupplyError::Link(LinkError::Gone { .. })) if !self.lit && !self.brake.is_pulled() => {
                self.reach_again()?;
                self.supply.read()?
            }
            read => read?,
        };
        if !status.alarms.is_empty() {
            return Err(self.supply.tripped());
        }
        if self.lit != status.reading.output {
            // It may have restarted or tripped between two questions, and says so now.
            let now = self.supply.read()?;
            if !now.alarms.is_empty() {
                return Err(self.supply.tripped());
            }
            let tells = !self.supply.profile().protection.alarms.is_empty();
            return Err(if self.lit { SupplyError::WentOff { tells } } else { SupplyError::OutputIs(true) });
        }
        self.outbox.samples(self.clock.now(), status.reading.into());
        Ok(())
    }

    /// Over a new link, where the output is off as it was.
    fn reach_again(&mut self) -> Result<(), SupplyError> {
        let link = (self.opener)()?;
        if self.supply.reopen(self.brake.on(link))?.output {
            return Err(SupplyError::OutputIs(true));
        }
        self.watchdog.arm(&mut self.supply, &self.place)
    }

    fn give(&mut self, power: Watts) -> Result<(), SupplyError> {
        if power <= Watts::ZERO {
            self.lit = false;
            return self.supply.switch_off();
        }
        let applied = self.supply.apply(Target {
            voltage: self.place.voltage,
            current: (power / self.place.voltage).min(self.current_max),
            over_voltage: self.place.over_voltage,
            over_current: self.place.over_current,
            over_power: self.place.over_power,
        });
        applied.map_err(|error| self.supply.explained(error))?;
        if !self.lit {
            // The charger empties its input by itself: a dawn right after dusk waits for that.
            let until = self.supply.now() + self.place.safe_within;
            while self.supply.terminals()? > self.place.safe_voltage && self.supply.now() < until {
                self.supply.wait(FALL);
                // It may take longer than a supply may go unread.
                self.poll()?;
            }
            self.supply.switch_on()?;
            self.lit = true;
        }
        Ok(())
    }

    /// The whole shut-down, over a new link where the old one is lost.
    fn off(&mut self) -> Result<(), String> {
        self.brake.release();
        self.lit = false;
        let why = match self.supply.shut_down().confirmed() {
            // It is asked again, and whoever runs the case tells that it had to be.
            Ok(done) => return done.stood_still().map_or(Ok(()), |why| Err(format!("supply: {why}"))),
            Err(why) => why,
        };
        let again = |error: &dyn std::fmt::Display| format!("{why}; then: {error}");
        let link = match (self.opener)() {
            Err(LinkError::OffAlready(_)) => return Ok(()),
            link => link.map_err(|error| again(&error))?,
        };
        self.supply.reopen(self.brake.on(link)).map_err(|error| again(&error))?;
        self.supply.shut_down().confirmed().map(drop).map_err(|error| again(&error))
    }
}
