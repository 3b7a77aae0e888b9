//! The requirement catalogue: every normative statement of the specification as data.
//!
//! `P` is the *CAN-bus BMS Protocol*, `D` is *Data communication with Victron Energy products*.

/// A document of the specification.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// its letter in sections, such as the `P` of `P 1.5.3`
    pub letter: &'static str,
    /// its title
    pub title: &'static str,
    /// the revision that the catalogue was written from, as the document dates itself
    pub revision: &'static str,
}

/// Both documents, and the revisions that the catalogue holds the battery to.
pub static DOCUMENTS: [Document; 2] = [
    Document { letter: "P", title: "CAN-bus BMS Protocol", revision: "changes up to 2022-03-08 (P 7)" },
    Document {
        letter: "D",
        title: "Data communication with Victron Energy products",
        revision: "revision 23 of 2016-04-13",
    },
];

/// How much a failure weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// reported, never fails
    Information,
    /// warns
    Should,
    /// fails certification
    Must,
}

/// One requirement.
#[derive(Debug, PartialEq, Eq)]
pub struct Requirement {
    /// stable id, such as `CVL-05`
    pub id: &'static str,
    /// section of the specification, such as `P 1.5.3`
    pub section: &'static str,
    /// how much a failure weighs
    pub severity: Severity,
    /// what is checked, in one sentence
    pub title: &'static str,
    /// where it is judged: `L` any log, `B` a behaviour run, `X` needs the GX
    pub judged: &'static str,
}

impl Requirement {
    /// Whether any CAN log alone is enough to judge it.
    #[must_use]
    pub fn by_log(&self) -> bool {
        self.judged.contains('L')
    }
}

/// The requirement with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Requirement> {
    CATALOGUE.iter().find(|r| r.id == id)
}

/// All requirements, in the order of the report.
#[rustfmt::skip]
pub static CATALOGUE: &[Requirement] = &[
    // Bus
    must("BUS-01", "P 1.2", "L", "Every data frame of the battery uses an 11-bit identifier"),
    should("BUS-02", "P 1.2", "B", "The bus runs at 500 kbit/s, or at 250 kbit/s where the GX profile is set to it"),
    must("BUS-03", "P 1.2", "B", "No error-passive, bus-off or acknowledge-error episode"),
    must("BUS-04", "P 3", "L", "The battery does not send 0x305 or 0x307, which belong to the GX"),
    information("BUS-05", "P 1.2", "L", "Bus load and frames per second"),
    should("BUS-06", "P 1.2", "L", "No identifier is sent by more than one node"),
    should("BUS-07", "P 1.3", "L", "VE.Can and the battery do not share a bus"),
    // Which messages, how often
    must("MSG-01", "P 2", "L", "0x351, 0x355, 0x356 and 0x35A are all present"),
    must("MSG-02", "P 2", "L", "0x35E and 0x35F are present, as required of an officially supported battery"),
    information("MSG-03", "P 2", "L", "The optional messages 0x360 and 0x370 to 0x382 that are present"),
    must("MSG-04", "P 2", "L", "Each message is long enough for every field it must carry"),
    must("TIM-01", "P 1.4", "L", "The gap between two 0x351 never reaches 3 s"),
    should("TIM-02", "P 1.4", "L", "0x351 is sent every second"),
    must("TIM-03", "P 1.4", "B", "Without 0x305 the pack stays connected for at least 10 minutes"),
    must("TIM-04", "P 1.4", "B", "After the keep-alive returns the pack works on without a manual reset"),
    should("TIM-05", "P 1.4", "L", "The other core messages keep a steady period"),
    must("TIM-06", "P 1.4", "B/X", "Without 0x351 for 3 s the system stops charging and discharging"),
    // CVL, CCL, DCL
    must("CVL-01", "P 2 §0x351", "L", "CVL is always present, non-zero and plausible for the pack, boot included"),
    must("CVL-02", "P 1.5.3", "B", "A full battery stops charge by a reduced CVL, not by CCL at or near 0"),
    should("CVL-03", "P 1.5.3", "L", "In regulation CVL does not change more often than once every 20 s"),
    must("CVL-04", "P 1.5.3", "B", "CVL does not oscillate"),
    must("CVL-05", "P 1.5.3", "B", "CVL is not the measured voltage minus a constant"),
    must("CVL-06", "P 1.5.3", "B", "The reduced CVL does not discharge the battery"),
    must("CVL-07", "P 1.5.3", "B", "The reduced CVL is enough: pack and highest cell voltage stop rising"),
    must("CVL-08", "P 1.5.3.3", "B", "A DC bus at CVL + 0.4 V trips nothing"),
    should("CVL-09", "P 1.5.3", "B", "After a load or PV step CVL settles"),
    should("CVL-10", "P 1.5.3", "B", "With high cell imbalance CVL converges, and rises again as imbalance falls"),
    must("CCL-01", "P 2 §0x351", "L", "CCL is a non-negative magnitude"),
    should("CCL-02", "P 1.5.2", "L", "CCL is not at or near 0 while the battery is full and no protection is active"),
    should("CCL-03", "P 1.5.2", "L", "What the battery sends explains CCL = 0 or DCL = 0 for more than a minute"),
    should("CCL-04", "P 1.5.2", "L", "CCL and DCL do not alternate regularly"),
    must("DCL-01", "P 2 §0x351", "L", "DCL is a non-negative magnitude"),
    should("DCL-02", "P 2 §0x351", "B", "DCL = 0 only forbids discharge; charge is still accepted"),
    information("DVL-01", "P 2 §0x351", "L", "The discharge voltage, which the GX does not use"),
    // State
    must("SOC-01", "P 2 §0x355", "L", "State of charge and state of health are within 0 to 100 %"),
    should("SOC-02", "P 2 §0x355", "L", "High-resolution state of charge agrees with state of charge within 1 %"),
    should("SOC-03", "P 2 §0x355", "B", "State of charge moves with the integral of current"),
    should("SOC-04", "P 2 §0x355", "L", "State of charge makes no jump that current cannot explain"),
    must("MEA-01", "P 2 §0x356", "B", "Current is negative when discharging and positive when charging"),
    must("MEA-02", "P 2 §0x356", "L", "Voltage, current and temperature are plausible"),
    should("MEA-03", "P 1.5.3", "X", "Battery voltage agrees with the DC voltage of the inverter"),
    // Warnings and alarms
    must("ALM-01", "P 2 §0x35A", "L", "An alarm or warning that is ever raised shows OK as 10, never as 00 or 11"),
    should("ALM-02", "P 2 §0x35A", "L", "0x35A says which alarms and warnings are supported"),
    should("ALM-03", "P 2 §0x35A", "L", "Reserved bits are steady and not used as flags"),
    information("ALM-04", "P 4 Q1", "L", "0x359 alone does not take the place of 0x35A"),
    must("ALM-05", "P 5.3", "B/X", "Each alarm appears on the GX and clears there again"),
    should("ALM-06", "P 2 §0x35A", "L", "System status says whether the main switch is closed, and agrees with the current"),
    // Identity and diagnostics
    should("IDN-01", "P 2 §0x35E", "L", "The manufacturer name is 7-bit ASCII, padded with zeros"),
    should("IDN-02", "P 2 §0x370", "L", "The battery name is ASCII, complete, and 0x370 matches 0x35E"),
    should("IDN-03", "P 2 §0x35F", "L", "Firmware version is big-endian, online capacity little-endian"),
    should("IDN-04", "P 2 §0x379", "L", "Installed capacity is at least the online capacity"),
    should("IDN-05", "P 2 §0x380", "L", "Both halves of the serial number are sent, padded with zeros"),
    information("IDN-06", "P 2 §0x382", "L", "The family name is ASCII"),
    should("FRC-01", "P 2 §0x360", "L", "Force charge is 0xFF or not asserted, and asserted only at low state of charge"),
    should("MOD-01", "P 2 §0x372", "L", "Module counts add up; unsupported fields are 0xFFFF"),
    must("CEL-01", "P 2 §0x373", "L", "Lowest cell values do not exceed highest ones; temperatures are in kelvin"),
    should("CEL-02", "P 2 §0x373", "L", "Pack voltage agrees with the number of cells times their voltages"),
    should("CEL-03", "P 2 §0x374", "L", "Cell identifiers are ASCII text, padded with zeros"),
    should("ENE-01", "P 2 §0x378", "L/B", "Energy counters only rise, and roll over to zero"),
    // What the GX shows
    must("GXD-01", "P 5.1", "X", "The battery appears on the GX within the start-up time"),
    must("GXD-02", "P 5.2", "X", "CVL, CCL and DCL on the GX equal those on CAN"),
    should("GXD-03", "P 5.1", "X", "State of charge, voltage and current on the GX equal those on CAN"),
    should("GXD-04", "P 5.4", "X", "Cell and module details on the GX equal those on CAN"),
    must("GXD-05", "P 5.5", "X", "DVCC is on and shared voltage sense is off before a control test starts"),
    information("GXD-06", "P 6", "X", "The pages an end customer would see"),
    // Behaviour tests
    must("BEH-FI", "P 1.5.3.1", "B", "Full battery, more sun than any load: no over-voltage, stable feed-in, loads switch freely"),
    must("BEH-IM", "P 1.5.3.2", "B", "The feed-in test with one cell charged above the others"),
    must("BEH-XP", "P 1.5.3.3", "B", "More sun than the inverter may feed back: the battery copes with CVL + 0.4 V"),
    must("BEH-BO", "P 5.6", "B", "The system restarts by itself after a blackout, an over-voltage and an over-current"),
    must("BEH-AC", "P 1.5.4", "B", "A dropped load with a full battery off-grid does not switch the battery off too fast"),
    must("BEH-KA", "P 1.4", "B", "The pack outlives a loss of the keep-alive of 10 minutes and works on after it"),
    must("BEH-GR", "P 2 §0x351", "B", "DCL = 0 with and without grid: discharge stops, charge goes on, and back"),
    must("BEH-AL", "P 5.3", "B", "Each alarm and each detail value is seen on the GX"),
    // Instruments and links of the second document
    information("D-MB", "D Modbus-TCP", "X", "The GX is read and written over Modbus-TCP"),
    information("D-VD", "D VE.Direct", "X", "VE.Direct text mode serves as a witness"),
    information("D-BT", "D BMV-600", "X", "The BMV-600 text protocol serves as a witness"),
    information("D-N2K", "D NMEA 2000", "X", "VE.Can / NMEA 2000 serves as a witness on a second CAN interface"),
    information("D-VRM", "D VRM", "X", "Data exported from VRM stands beside a run as evidence"),
    information("D-MK2", "D MK2", "X", "MK2 is not offered; VE.Bus is controlled through Modbus-TCP"),
];

const fn must(
    id: &'static str,
    section: &'static str,
    judged: &'static str,
    title: &'static str,
) -> Requirement {
    Requirement { id, section, severity: Severity::Must, title, judged }
}

const fn should(
    id: &'static str,
    section: &'static str,
    judged: &'static str,
    title: &'static str,
) -> Requirement {
    Requirement { id, section, severity: Severity::Should, title, judged }
}

const fn information(
    id: &'static str,
    section: &'static str,
    judged: &'static str,
    title: &'static str,
) -> Requirement {
    Requirement { id, section, severity: Severity::Information, title, judged }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_titles_are_sentences() {
        let ids: BTreeSet<_> = CATALOGUE.iter().map(|r| r.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
        for r in CATALOGUE {
            assert!(r.section.starts_with("P ") || r.section.starts_with("D "), "{}", r.id);
            assert!(r.title.starts_with(|c: char| c.is_uppercase() || c.is_numeric()), "{}", r.id);
            assert!(!r.title.ends_with('.'), "{}", r.id);
            assert!(["L", "B", "X", "B/X", "L/B"].contains(&r.judged), "{}", r.id);
        }
    }

    #[test]
    fn every_row_is_found_by_its_id() {
        for r in CATALOGUE {
            assert_eq!(find(r.id), Some(r));
        }
        assert_eq!(find("CVL-99"), None);
        assert!(find("CVL-01").is_some_and(Requirement::by_log));
        assert!(!find("CVL-05").is_some_and(Requirement::by_log));
    }

    /// The core of the certification fails; advice only warns.
    #[test]
    fn severities_as_the_specification_words_them() {
        let severity = |id| find(id).map(|r| r.severity);
        for id in ["MSG-01", "TIM-01", "CVL-02", "CVL-05", "BEH-FI", "BEH-BO"] {
            assert_eq!(severity(id), Some(Severity::Must), "{id}");
        }
        for id in ["TIM-02", "CVL-03", "CCL-02", "DCL-02"] {
            assert_eq!(severity(id), Some(Severity::Should), "{id}");
        }
    }
}
