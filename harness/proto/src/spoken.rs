//! What witnesses speak: one row for each protocol.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::quantity::Micros;
use crate::vedirect::BAUD;

/// What a witness speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// VE.Direct: a block of text a second
    #[default]
    VeDirect,
    /// the text protocol of the BMV-600, which has no product ids
    Bmv,
    /// NMEA 2000, on a bus with other devices: messages every 1.5 s. The bytes heard are its frames as SLCAN writes them
    Nmea2000,
}

/// What there is to know of a protocol, beside how its bytes are read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spoken {
    /// its name
    pub words: &'static str,
    /// bit/s of its serial line; nothing where it is spoken on a bus with other devices
    pub baud: Option<u32>,
    /// what one says at a time
    pub unit: &'static str,
    /// what is wrong with one that does not count
    pub broken: &'static str,
    /// the least difference of battery voltage and current that it tells, V and A
    pub resolution: (f64, f64),
    /// the age from which a reading is stale, and silence a gap
    pub fresh: Micros,
}

/// Labels `V` and `I` in thousandths, a block once a second, of which a few may be lost.
const TEXT: Spoken = Spoken {
    words: "VE.Direct",
    baud: Some(BAUD),
    unit: "block",
    broken: "with a wrong sum",
    resolution: (0.001, 0.001),
    fresh: Micros::from_secs(3),
};

impl Protocol {
    /// Its row.
    #[must_use]
    pub const fn row(self) -> Spoken {
        match self {
            Self::VeDirect => TEXT,
            Self::Bmv => Spoken { words: "BMV-600 text", ..TEXT },
            // The fields of PGN 127508 in hundredths and tenths, and messages every 1.5 to 2 s.
            Self::Nmea2000 => Spoken {
                words: "NMEA 2000",
                baud: None,
                unit: "message",
                broken: "with frames lost",
                resolution: (0.01, 0.1),
                fresh: Micros::from_secs(5),
            },
        }
    }

    /// Whether it is spoken on a bus with other devices, and not on a line of its own.
    #[must_use]
    pub const fn is_bus(self) -> bool {
        self.row().baud.is_none()
    }
}
