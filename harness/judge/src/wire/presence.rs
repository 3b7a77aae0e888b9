//! MSG-01 to MSG-04: which messages are sent, and whether they are whole (P 2).

use proto::frame::{CanId, Frame};
use proto::message::{Message, MessageSpec, Sender, TABLE, id};
use proto::quantity::Micros;

use super::Terms;
use super::bus::Bus;
use super::seen::{Spot, Tally};
use super::sent::Sent;
use crate::thresholds::fixed::{CORE_TIME, ENOUGH_FRAMES, IDENTITY_CYCLES, IDENTITY_TIME};
use crate::verdict::{Evidence, Opinion, Sign};
use crate::window::about;

/// *"The minimum CAN-IDs required for the core functionality are 0x351, 0x355, 0x356 and 0x35A"*.
pub(crate) const CORE: [u16; 4] = [id::LIMITS, id::STATE_OF_CHARGE, id::MEASUREMENTS, id::ALARMS];

#[derive(Debug, Clone, Default)]
pub(crate) struct Presence {
    /// frames of the minimum that are too short
    short: [Tally; CORE.len()],
    whole: u64,
}

impl Presence {
    #[inline]
    pub(super) fn frame(&mut self, spot: Spot, frame: &Frame, message: &Message) {
        let spec: &MessageSpec = message.spec();
        if spec.is_complete(frame) {
            self.whole += u64::from(spec.sender == Sender::Battery);
        } else if let Some(place) = CORE.iter().position(|&id| id == spec.id) {
            self.short[place].hit(spot);
        }
    }

    /// MSG-01.
    pub(crate) fn has_the_core(&self, bus: &Bus, terms: &Terms<'_>, opinion: &mut Opinion) {
        Self::has_all(bus, terms, &CORE, (CORE_TIME, ENOUGH_FRAMES), opinion);
    }

    /// MSG-02: *"For officially supported batteries, we also need 0x35E and 0x35F"*.
    pub(crate) fn has_identity(&self, bus: &Bus, terms: &Terms<'_>, opinion: &mut Opinion) {
        opinion.advise(!terms.certifying);
        let (mut time, cycles) = (IDENTITY_TIME, IDENTITY_CYCLES);
        // Where only advice depends on it, a battery that repeats all it sends is not waited for so long.
        if !terms.certifying
            && let Some(slowest) = slowest(bus)
        {
            time = time.min((slowest * 10).max(CORE_TIME));
        }
        Self::has_all(bus, terms, &[id::MANUFACTURER, id::BATTERY_IDENTITY], (time, cycles), opinion);
    }

    fn has_all(bus: &Bus, terms: &Terms<'_>, ids: &[u16], enough: (Micros, u64), opinion: &mut Opinion) {
        let missing: Vec<String> =
            ids.iter().filter(|&&id| !bus.has(id)).map(|id| format!("0x{id:03X}")).collect();
        for &id in ids {
            let sent = bus.of(id);
            let count = sent.map_or(0, |s| s.count);
            let evidence =
                Evidence::fact(format!("0x{id:03X}"), format!("{count} frames")).tells(Sign::Heard(count));
            opinion.show(evidence.against("present").in_frame(sent.map(|s| s.first)));
        }
        let length = bus.window().length();
        let cycles = bus.of_battery().map(|s| s.count).max().unwrap_or(0);
        let (long_enough, heard, decide) = if terms.is_timed() {
            (length >= enough.0, about(length).to_string(), format!("{} of log", about(enough.0)))
        } else {
            let cycle = if cycles == 1 { "cycle" } else { "cycles" };
            (cycles >= enough.1, format!("{cycles} {cycle}"), format!("{} cycles", enough.1))
        };
        let missing = missing.join(", ");
        if missing.is_empty() {
            opinion.pass(format!("all {} are sent", ids.len()));
        } else if long_enough {
            opinion.fail(format!("{missing} never sent in {heard}"));
        } else {
            opinion.unclear(format!("{missing} not seen in {heard}; {decide} decide"));
        }
    }

    /// MSG-03: the optional messages.
    pub(crate) fn optional(&self, bus: &Bus, terms: &Terms<'_>, opinion: &mut Opinion) {
        let optional = TABLE.iter().filter(|m| m.sender == Sender::Battery && m.id >= id::FORCE_CHARGE);
        let mut sent = 0;
        for message in optional {
            let Some(found) = bus.of(message.id) else { continue };
            sent += 1;
            let text = match found.gaps.median().filter(|_| terms.is_timed()) {
                Some(gap) => format!("every {:.2} s", gap.secs()),
                None if found.count == 1 => "once".to_owned(),
                None => format!("{} times", found.count),
            };
            opinion.show(
                Evidence::fact(format!("0x{:03X} {}", message.id, message.title), text)
                    .in_frame(Some(found.last)),
            );
        }
        if bus.count() == 0 {
            opinion.unclear("no frame was seen");
        } else {
            opinion.pass(format!("{sent} of the optional messages are sent"));
        }
    }

    /// MSG-04: every message of the minimum carries the fields it must. *"All other fields are optional"* (P 2): what a
    /// short frame of another message lacks is not supported.
    pub(crate) fn is_long_enough(&self, opinion: &mut Opinion) {
        for (&id, tally) in CORE.iter().zip(&self.short).filter(|(_, tally)| tally.any()) {
            let Some(message) = MessageSpec::of(CanId::Standard(id)) else { continue };
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
            opinion.unclear("no message of a battery was seen");
        }
    }
}

/// The slowest mean period of what a battery sends; nothing while a message of it came but once.
fn slowest(bus: &Bus) -> Option<Micros> {
    bus.of_battery().map(Sent::mean_gap).try_fold(Micros::ZERO, |slowest, gap| Some(slowest.max(gap?)))
}
