//! Messages of the document that carry what another protocol has there: fields that moved or changed places. Identifiers
//! that are none of the document's are named by [`proto::log::foreign`]; byte orders and scales are causes of their own.

use proto::message::id;

use super::bus::Bus;
use crate::thresholds::fixed::{CVL_FITS_LEAST, CVL_FITS_MOST};

/// What a message carries in place of what the document has there.
pub(super) struct Layout {
    pub(super) id: u16,
    /// who reads it so, where somebody does
    of: &'static str,
    /// the requirement that it breaks first, and others that cannot be decided then
    pub(super) row: &'static str,
    pub(super) takes: &'static [&'static str],
    /// whether a frame is one
    is: fn(&Words, &Beside) -> bool,
    /// what it carries
    what: fn(&Words) -> String,
}

/// A frame of 8 bytes as four numbers, low byte first.
struct Words {
    bytes: [u8; 8],
    words: [u16; 4],
}

impl Words {
    fn signed(&self, k: usize) -> i16 {
        self.words[k].cast_signed()
    }

    /// Whether all of it could be text padded with zeros.
    fn is_text(&self) -> bool {
        self.bytes.iter().all(|&byte| byte == 0 || (0x20..0x7F).contains(&byte))
    }

    fn volts(&self, k: usize, step: f64) -> f64 {
        f64::from(self.words[k]) * step
    }
}

/// What other messages say at the same end of the log.
#[derive(Default)]
struct Beside {
    limits: Option<Words>,
    measured: Option<Words>,
}

/// Inverters of other makes read the same identifiers otherwise, and batteries that can speak several protocols send what
/// is selected. Sources: the table of CAN frames of Sleeper85/esphome-yambms (`yambms_canbus.yaml`, protocols LuxPower,
/// Deye PCS and Seplos 1.0), a log of a Deye SE-F12 (vladyspavlov/dbus-deye-battery).
const LAYOUTS: [Layout; 6] = [
    Layout {
        id: id::STATE_OF_CHARGE,
        of: "LuxPower and EG4 inverters",
        row: "SOC-02",
        takes: &[],
        is: |f, _| {
            let cell = |k: usize| (1_000..=5_000).contains(&f.words[k]);
            let fine = f64::from(f.words[2]) * 0.01 - f64::from(f.words[0]);
            cell(2) && cell(3) && f.words[2] >= f.words[3] && fine.abs() > 1.0
        },
        what: |f| {
            let (high, low) = (f.volts(2, 0.001), f.volts(3, 0.001));
            format!("bytes 4 to 7 are the highest and the lowest cell voltage ({high:.3} and {low:.3} V)")
        },
    },
    Layout {
        id: id::NAME_PART_2,
        of: "Deye and Sol-Ark inverters",
        row: "IDN-02",
        takes: &[],
        is: |f, beside| {
            let same = |k: usize| beside.limits.as_ref().is_some_and(|l| l.words[k + 1] == f.words[k]);
            !f.is_text() && f.words[2..] == [0, 0] && (same(0) || same(1))
        },
        what: |f| {
            let (ccl, dcl) = (f.volts(0, 0.1), f.volts(1, 0.1));
            format!("bytes 0 to 3 are the limits of charge and discharge current ({ccl:.1} and {dcl:.1} A)")
        },
    },
    Layout {
        id: id::NAME_PART_2,
        of: "inverters of the Seplos 1.0 protocol",
        row: "IDN-02",
        takes: &[],
        is: |f, _| !f.is_text() && f.words.iter().all(|&word| (1..=255).contains(&word)),
        what: |f| {
            let [hot, cold, high, low] = f.words;
            format!(
                "it numbers the warmest and the coldest sensor, the highest and the lowest cell ({hot}, {cold}, {high}, \
                 {low})"
            )
        },
    },
    Layout {
        id: id::LIMITS,
        of: "",
        row: "CVL-01",
        takes: &["CVL-05", "CVL-06", "DVL-01"],
        is: |f, beside| {
            let (cvl, low) = (f.volts(0, 0.1), f.volts(3, 0.1));
            let fits =
                |v: f64| (CVL_FITS_LEAST..=CVL_FITS_MOST).contains(&(low / v)) && cvl < v && cvl > 0.5 * v;
            low > 1.05 * cvl && beside.measured.as_ref().is_some_and(|m| fits(f64::from(m.signed(0)) * 0.01))
        },
        what: |f| {
            let (cvl, low) = (f.volts(0, 0.1), f.volts(3, 0.1));
            format!("CVL ({cvl:.1} V) is below the discharge voltage ({low:.1} V): they have changed places")
        },
    },
    Layout {
        id: id::MEASUREMENTS,
        of: "",
        row: "MEA-02",
        takes: &["CVL-05", "CVL-06", "CEL-02", "ENE-01", "ALM-06"],
        is: |f, beside| {
            let Some(cvl) = beside.limits.as_ref().map(|l| l.volts(0, 0.1)) else { return false };
            let fits = |word: i16| {
                let volts = f64::from(word) * 0.01;
                volts > 0.0 && (CVL_FITS_LEAST..=CVL_FITS_MOST).contains(&(cvl / volts))
            };
            !fits(f.signed(0)) && fits(f.signed(1))
        },
        what: |f| {
            let (volts, amps) = (f64::from(f.signed(1)) * 0.01, f64::from(f.signed(0)) * 0.1);
            format!("voltage and current have changed places ({volts:.2} V and {amps:.1} A)")
        },
    },
    Layout {
        id: id::CELLS,
        of: "",
        row: "CEL-01",
        takes: &["CEL-02"],
        is: |f, _| {
            let kelvin = |k: usize| (223..=363).contains(&f.words[k]);
            let cell = |k: usize| (1_000..=5_000).contains(&f.words[k]);
            kelvin(0) && kelvin(1) && cell(2) && cell(3)
        },
        what: |_| {
            "the temperatures stand where the cell voltages belong, and the voltages behind them".to_owned()
        },
    },
];

/// A layout that is seen.
pub(super) struct Found {
    pub(super) layout: &'static Layout,
    what: String,
}

impl Found {
    /// `0x355 as LuxPower and EG4 inverters read it`
    pub(super) fn words(&self) -> String {
        let id = self.layout.id;
        if self.layout.of.is_empty() {
            format!("0x{id:03X} with fields in other places")
        } else {
            format!("0x{id:03X} as {} read it", self.layout.of)
        }
    }

    /// What it is, in a sentence.
    pub(super) fn text(&self) -> String {
        let select = if self.layout.of.is_empty() { "" } else { "; set the battery to the Victron protocol" };
        format!("layout: {}: {}{select}", self.words(), self.what)
    }
}

/// What the first and the last frame of an identifier both are: one garbled frame is no layout.
pub(super) fn found(bus: &Bus) -> Vec<Found> {
    let ends = [false, true].map(|last| Beside {
        limits: words(bus, id::LIMITS, last),
        measured: words(bus, id::MEASUREMENTS, last),
    });
    let seen = |layout: &'static Layout| {
        let frames = [words(bus, layout.id, false)?, words(bus, layout.id, true)?];
        let all = frames.iter().zip(&ends).all(|(frame, beside)| (layout.is)(frame, beside));
        all.then(|| Found { layout, what: (layout.what)(&frames[0]) })
    };
    LAYOUTS.iter().filter_map(seen).collect()
}

fn words(bus: &Bus, id: u16, last: bool) -> Option<Words> {
    let sent = bus.of(id)?;
    let frame = if last { sent.last.frame } else { sent.first.frame }?;
    let bytes = frame.padded();
    let word = |k: usize| u16::from_le_bytes([bytes[2 * k], bytes[2 * k + 1]]);
    Some(Words { bytes, words: [word(0), word(1), word(2), word(3)] })
}
