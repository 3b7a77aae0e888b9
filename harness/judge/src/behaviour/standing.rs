//! Who is right of those who measure a battery: what was found, once for a case.

use proto::channel::Instrument;

use crate::trace::Channel;
use crate::witness::told_by;

/// Who is right about a quantity, as far as those who measure it tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// no witness measures it, not for long enough, or nobody says how far it may be off
    Untold,
    /// the witness says what the battery says
    Confirmed,
    /// the witness contradicts the battery, and no more take the battery's side
    BatteryAlone,
    /// the witness contradicts the battery, and another meter says what the battery says, or it gives itself away
    WitnessAlone,
    /// as many take the side of each, or three say three things
    Open,
}

/// How a meter gives itself away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// it shows the same to the last digit while what it measures moves
    Frozen,
    /// its voltage falls as it shows more charge: it is connected the other way round
    Turned,
    /// its voltage follows a current of which it shows nothing: that does not flow through it
    Blind,
    /// it shows a voltage from which it could not run
    Flat,
}

/// Who is right of those who measure the battery.
pub(super) struct Meters {
    pub(super) voltage: Standing,
    pub(super) current: Standing,
    /// witnesses that give themselves away
    pub(super) faults: Vec<(Instrument, Fault)>,
    /// voltages of the DC bus that decide nothing: of a witness that gives itself away, or of one that is outvoted
    pub(super) wrong: Vec<Channel>,
}

impl Meters {
    /// How a witness gives itself away.
    pub(super) fn fault(&self, which: Instrument) -> Option<Fault> {
        self.faults.iter().find(|(of, _)| *of == which).map(|&(_, fault)| fault)
    }

    /// Whether a voltage of the DC bus is outvoted.
    pub(super) fn is_alone(&self, channel: Channel) -> bool {
        let gives_itself_away = || self.faults.iter().any(|&(which, _)| told_by(which).0 == channel);
        self.wrong.contains(&channel) && !gives_itself_away()
    }

    /// That shunt and battery say two things, and it is not the battery that is known to be wrong.
    pub(super) fn doubts_shunt(&self) -> bool {
        [self.voltage, self.current].iter().any(|s| matches!(s, Standing::WitnessAlone | Standing::Open))
    }
}
