//! Instruments whose readings are samples. Each has one raw file in a run folder, with a column for each of its rows in the
//! table of quantities.

use super::{Channel, Source, table::ROWS};

/// An instrument that says values of several quantities at a time. What happens at the same time is handled in the order of
/// these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Instrument {
    /// the programmable supply that plays the sun
    Supply,
    /// the GX, polled over Modbus-TCP
    Gx,
    /// a shunt in the line of the battery: a battery monitor beside it
    Shunt,
    /// a charger, asked itself
    Charger,
    /// an inverter or inverter/charger, asked itself
    Converter,
    /// the harness's own interface on the CAN bus
    Interface,
}

impl Instrument {
    /// Every instrument.
    pub const ALL: [Self; 6] =
        [Self::Supply, Self::Gx, Self::Shunt, Self::Charger, Self::Converter, Self::Interface];

    /// Meters that take nothing from the battery. Each says bytes over a serial line, and its raw file holds those.
    pub const WITNESSES: [Self; 3] = [Self::Shunt, Self::Charger, Self::Converter];

    /// The most quantities that one of them tells.
    pub const MOST: usize = {
        let (mut most, mut k) = (0, 0);
        while k < SPANS.len() {
            if SPANS[k].1 - SPANS[k].0 > most {
                most = SPANS[k].1 - SPANS[k].0;
            }
            k += 1;
        }
        most
    };

    /// In words, such as `supply`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Supply => "supply",
            Self::Gx => "GX",
            Self::Shunt => "shunt",
            Self::Charger => "charger",
            Self::Converter => "converter",
            Self::Interface => "CAN interface",
        }
    }

    /// Its raw file in a run folder.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Supply => "supply.csv",
            Self::Gx => "gx.csv",
            Self::Shunt => "shunt.csv",
            Self::Charger => "charger.csv",
            Self::Converter => "converter.csv",
            Self::Interface => "bus.csv",
        }
    }

    /// Whether it is a meter that takes nothing from the battery: its raw file holds bytes, not values.
    #[must_use]
    pub const fn is_witness(self) -> bool {
        matches!(self, Self::Shunt | Self::Charger | Self::Converter)
    }

    /// What it tells, in the order of the table; among it what only follows from other values and has no column.
    #[must_use]
    pub fn channels(self) -> &'static [Channel] {
        const ALL: &[Channel] = &Channel::ALL;
        let (first, end) = SPANS[self as usize];
        &ALL[first..end]
    }

    /// The place of a quantity among those that it tells.
    #[inline]
    pub(crate) fn place(self, channel: Channel) -> Option<usize> {
        let (first, end) = SPANS[self as usize];
        (first..end).contains(&(channel as usize)).then(|| channel as usize - first)
    }
}

impl Source {
    /// The instrument; nothing for what is heard on the bus.
    #[must_use]
    pub const fn instrument(self) -> Option<Instrument> {
        match self {
            Self::Supply => Some(Instrument::Supply),
            Self::Gx(_) => Some(Instrument::Gx),
            Self::Witness(instrument) => Some(instrument),
            Self::Interface => Some(Instrument::Interface),
            Self::Battery(_) => None,
        }
    }
}

/// Where the rows of each instrument begin and end.
const SPANS: [(usize, usize); Instrument::ALL.len()] = {
    let mut spans = [(0, 0); Instrument::ALL.len()];
    let mut k = 0;
    while k < Channel::COUNT {
        if let Some(instrument) = ROWS[k].source.instrument() {
            let span = &mut spans[instrument as usize];
            if span.1 == 0 {
                *span = (k, k);
            }
            assert!(span.1 == k, "the rows of an instrument stand together");
            span.1 = k + 1;
        }
        k += 1;
    }
    spans
};
