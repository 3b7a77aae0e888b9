//! MSG-01 to MSG-04: which messages are sent, and whether they are whole (P 2).

use proto::frame::Frame;
use proto::message::{Message, MessageSpec, Sender, TABLE, id};
use proto::quantity::Micros;

use super::Terms;
use super::bus::Bus;
use super::seen::{Spot, Tally};
use crate::catalogue::{self, Requirement, Severity};
use crate::verdict::{Evidence, Opinion};

/// *"The minimum CAN-IDs required for the core functionality are 0x351, 0x355, 0x356 and 0x35A"*.
pub(super) const CORE: [u16; 4] = [id::LIMITS, id::STATE_OF_CHARGE, id::MEASUREMENTS, id::ALARMS];

/// The row MSG-02 for a battery that does not ask for official support.
static MSG_02_ADVISED: Requirement = Requirement {
    id: "MSG-02",
    section: "P 2",
    severity: Severity::Should,
    title: "0x35E and 0x35F are present, as required of an officially supported battery",
    judged: "L",
};

/// After this long a message that comes at all has come.
const CORE_TIME: Micros = Micros::from_secs(10);
const IDENTITY_TIME: Micros = Micros::from_secs(60);

#[derive(Debug, Clone, Default)]
pub(super) struct Presence {
    /// frames that are too short, by their place in the table
    short: [Tally; 32],
    whole: u64,
}

impl Presence {
    #[inline]
    pub(super) fn frame(&mut self, spot: Spot, frame: &Frame, message: &Message) {
        let spec: &MessageSpec = message.spec();
        if frame.dlc() >= spec.required {
            self.whole += 1;
        } else if let Ok(place) = TABLE.binary_search_by_key(&spec.id, |s| s.id) {
            self.short[place].hit(spot);
        }
    }

    /// MSG-01.
    pub(super) fn has_the_core(&self, bus: &Bus, opinion: &mut Opinion) {
        self.has_all(bus, &CORE, CORE_TIME, opinion);
    }

    /// MSG-02: *"For officially supported batteries, we also need 0x35E and 0x35F"*.
    pub(super) fn has_identity(&self, bus: &Bus, terms: &Terms<'_>, opinion: &mut Opinion) {
        let row = if terms.certifying { catalogue::find("MSG-02") } else { Some(&MSG_02_ADVISED) };
        if let Some(row) = row {
            opinion.weigh_as(row);
        }
        self.has_all(bus, &[id::MANUFACTURER, id::BATTERY_IDENTITY], IDENTITY_TIME, opinion);
    }

    fn has_all(&self, bus: &Bus, ids: &[u16], enough: Micros, opinion: &mut Opinion) {
        let missing: Vec<String> =
            ids.iter().filter(|&&id| !bus.has(id)).map(|id| format!("0x{id:03X}")).collect();
        let heard = bus.window().length();
        for &id in ids {
            let count = bus.of(id).map_or(0, |s| s.tally.count);
            opinion.show(Evidence::fact(format!("0x{id:03X}"), format!("{count} frames")).against("present"));
        }
        if missing.is_empty() {
            opinion.pass(format!("all {} are sent", ids.len()));
        } else if heard < enough {
            opinion.unclear(format!("{} not seen in {heard}; {enough} of log decide", missing.join(", ")));
        } else {
            opinion.fail(format!("{} never sent in {heard}", missing.join(", ")));
        }
    }

    /// MSG-03: the optional messages.
    pub(super) fn optional(&self, bus: &Bus, opinion: &mut Opinion) {
        let optional = TABLE.iter().filter(|m| m.sender == Sender::Battery && m.id >= id::FORCE_CHARGE);
        let mut sent = 0;
        for message in optional {
            let Some(tally) = bus.of(message.id).map(|s| s.tally) else { continue };
            sent += 1;
            let (Some(first), Some(last)) = (tally.first, tally.last) else { continue };
            let period = last.at.since(first.at).secs() / (tally.count.max(2) - 1) as f64;
            let text = if tally.count > 1 { format!("every {period:.2} s") } else { "once".to_owned() };
            opinion.show(
                Evidence::fact(format!("0x{:03X} {}", message.id, message.title), text)
                    .seen(first.at, first.line),
            );
        }
        if bus.window().length() == Micros::ZERO {
            opinion.unclear("no frame was seen");
        } else {
            opinion.pass(format!("{sent} of the optional messages are sent"));
        }
    }

    /// MSG-04: every message carries the fields it must.
    pub(super) fn is_long_enough(&self, opinion: &mut Opinion) {
        for (message, tally) in TABLE.iter().zip(&self.short).filter(|(_, tally)| tally.any()) {
            opinion.show(
                tally
                    .evidence(&format!("0x{:03X} too short", message.id))
                    .against(format!("≥ {} bytes", message.required)),
            );
            opinion.fail(format!(
                "0x{:03X} has fewer than the {} bytes that its fields need, {}",
                message.id,
                message.required,
                tally.place()
            ));
        }
        if self.whole > 0 {
            opinion.pass(format!("{} frames carry every field they must", self.whole));
        } else {
            opinion.unclear("no message of the document was seen");
        }
    }
}
