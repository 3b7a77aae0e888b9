//! BUS-06, CEL-03 and IDN-01 to IDN-06: texts and identity (P 2 §0x35E to §0x382).

use proto::message::{BatteryIdentity, Firmware, InstalledCapacity, Message, Padding, Text8};

use super::Terms;
use super::seen::{Spot, Tally};
use crate::thresholds::fixed::IDENTITY_RETURNS;
use crate::verdict::{Evidence, Opinion};

/// What is kept of one text field.
#[derive(Debug, Clone, Copy, Default)]
struct Text {
    tally: Tally,
    last: Option<Text8>,
    before: Option<Text8>,
    /// the first with bytes that are no text
    first_unprintable: Option<Text8>,
    /// the first that is padded with spaces
    first_spaces: Option<Text8>,
    /// another text than the one before
    changes: Tally,
    /// back to the text before the last one
    returns: Tally,
    unprintable: Tally,
    spaces: Tally,
    garbage: Tally,
}

impl Text {
    #[inline]
    fn take(&mut self, text: Text8, spot: Spot) {
        self.tally.hit(spot);
        if self.last == Some(text) {
            return;
        }
        if self.last.is_some() {
            self.changes.hit(spot);
            self.returns.hit_if(self.before == Some(text), spot);
        }
        self.before = self.last;
        self.last = Some(text);
        if text.unprintable().next().is_some() {
            self.unprintable.hit(spot);
            self.first_unprintable.get_or_insert(text);
        }
        if text.padding() == Padding::Spaces {
            self.spaces.hit(spot);
            self.first_spaces.get_or_insert(text);
        }
        self.garbage.hit_if(text.padding() == Padding::Garbage, spot);
    }

    fn is_sent(&self) -> bool {
        self.tally.any()
    }

    fn is_empty(&self) -> bool {
        self.last.is_none_or(|t| t.text().is_empty())
    }

    fn words(&self) -> String {
        quoted(self.last)
    }

    /// Complains about bytes that are no text or padded otherwise than with zeros.
    fn judge(&self, id: &str, opinion: &mut Opinion) {
        if !self.is_sent() {
            return;
        }
        opinion.show(Evidence::fact(format!("{id} says"), self.words()).in_frame(self.tally.first));
        if self.unprintable.any() {
            opinion.show(
                self.unprintable.evidence(&format!("{id} with bytes that are no text")).against("none"),
            );
            opinion.fail(format!(
                "{id} holds bytes that are not 7-bit ASCII ({}), {}: a GX may take the battery for another make",
                escaped(self.first_unprintable),
                self.unprintable.place()
            ));
        } else if self.garbage.any() {
            opinion.fail(format!("{id} has other bytes behind its first zero, {}", self.garbage.place()));
        }
        if self.spaces.any() {
            opinion.fail(format!(
                "{id} is padded with spaces ({}), zeros are asked for",
                quoted(self.first_spaces)
            ));
        }
    }
}

fn quoted(text: Option<Text8>) -> String {
    text.map_or_else(String::new, |t| format!("\"{t}\""))
}

/// Every byte as sent, the ones that are no text escaped.
fn escaped(text: Option<Text8>) -> String {
    text.map_or_else(String::new, |t| format!("\"{}\"", t.raw().escape_ascii()))
}

const FIELDS: usize = 10;
const MAKER: usize = 0;
const NAME: [usize; 2] = [1, 2];
const CELL_IDS: [usize; 4] = [3, 4, 5, 6];
const SERIAL: [usize; 2] = [7, 8];
const FAMILY: usize = 9;
/// What a battery is called, by which two are told apart.
const IDENTITY: [(usize, &str); 4] =
    [(MAKER, "0x35E"), (NAME[0], "0x370"), (SERIAL[0], "0x380"), (FAMILY, "0x382")];

#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    texts: [Text; FIELDS],
    battery: Tally,
    firmware: Option<Firmware>,
    firmware_changes: Tally,
    online: Option<u16>,
    lowest_online: Option<u16>,
    installed: Option<u16>,
    more_online: Tally,
}

impl Identity {
    #[inline]
    pub(super) fn text(&mut self, spot: Spot, message: &Message) {
        let (field, text) = match *message {
            Message::Manufacturer(t) => (MAKER, t),
            Message::NamePart1(t) => (NAME[0], t),
            Message::NamePart2(t) => (NAME[1], t),
            Message::MinCellVoltageId(t) => (CELL_IDS[0], t),
            Message::MaxCellVoltageId(t) => (CELL_IDS[1], t),
            Message::MinCellTemperatureId(t) => (CELL_IDS[2], t),
            Message::MaxCellTemperatureId(t) => (CELL_IDS[3], t),
            Message::SerialPart1(t) => (SERIAL[0], t),
            Message::SerialPart2(t) => (SERIAL[1], t),
            Message::Family(t) => (FAMILY, t),
            _ => return,
        };
        self.texts[field].take(text, spot);
    }

    #[inline]
    pub(super) fn battery(&mut self, spot: Spot, m: &BatteryIdentity) {
        self.battery.hit(spot);
        if let Some(firmware) = m.firmware() {
            self.firmware_changes.hit_if(self.firmware.is_some_and(|before| before != firmware), spot);
            self.firmware = Some(firmware);
        }
        if let Some(online) = m.online_capacity.filter(|&c| c != 0) {
            self.online = Some(online);
            self.lowest_online = Some(self.lowest_online.map_or(online, |low| low.min(online)));
            self.more_online.hit_if(self.installed.is_some_and(|installed| online > installed), spot);
        }
    }

    #[inline]
    pub(super) fn installed(&mut self, m: &InstalledCapacity) {
        self.installed = m.capacity.filter(|&c| c != 0).or(self.installed);
    }

    /// Whether two identities take turns, as those of two nodes do: one battery that now and then calls itself otherwise
    /// is still one.
    pub(super) fn is_of_two(&self) -> bool {
        IDENTITY
            .into_iter()
            .map(|(field, _)| &self.texts[field])
            .any(|text| text.returns.count >= IDENTITY_RETURNS && 2 * text.returns.count >= text.tally.count)
    }

    /// BUS-06: two nodes that send one identifier show as an identity that goes to and fro.
    pub(crate) fn has_one_sender(&self, opinion: &mut Opinion) {
        let mut seen = false;
        for (field, id) in IDENTITY {
            let text = &self.texts[field];
            seen |= text.tally.count >= 10;
            if text.returns.count >= IDENTITY_RETURNS {
                opinion.show(
                    text.returns.evidence(&format!("{id} goes back to its earlier text")).against("never"),
                );
                opinion.fail(format!(
                    "{id} goes to and fro between {} and {}, {}: two nodes send it",
                    quoted(text.before),
                    text.words(),
                    text.returns.place()
                ));
            }
        }
        if seen {
            opinion.pass("no identity goes to and fro between two senders");
        } else {
            opinion.unclear(
                "no identity was seen ten times: whether two nodes send one identifier does not show",
            );
        }
    }

    /// IDN-01: *"8 char long name, encoded in 7-bit ascii"*.
    pub(crate) fn names_its_maker(&self, opinion: &mut Opinion) {
        let maker = &self.texts[MAKER];
        if !maker.is_sent() {
            opinion.absent("0x35E is not sent");
            return;
        }
        maker.judge("0x35E", opinion);
        if maker.changes.any() {
            opinion.show(maker.changes.evidence("changes of 0x35E").against("none"));
            opinion.fail(format!("the manufacturer changes while running, {}", maker.changes.place()));
        }
        if maker.is_empty() {
            opinion.fail("the manufacturer name is empty");
        }
        opinion.pass(format!("the manufacturer is {}", maker.words()));
    }

    /// IDN-02: *"The contents of 0x35E and 0x370 must match if both are implemented"*.
    pub(crate) fn names_itself(&self, opinion: &mut Opinion) {
        let [first, last] = NAME.map(|k| &self.texts[k]);
        if !first.is_sent() && !last.is_sent() {
            opinion.absent("0x370 and 0x371 are not sent");
            return;
        }
        first.judge("0x370", opinion);
        last.judge("0x371", opinion);
        if first.is_sent() != last.is_sent() {
            let (sent, missing) = if first.is_sent() { ("0x370", "0x371") } else { ("0x371", "0x370") };
            half(
                first,
                last,
                opinion,
                format!("{sent} is sent without {missing}: the name is never complete"),
            );
        }
        let maker = &self.texts[MAKER];
        if first.is_sent()
            && maker.is_sent()
            && first.last.map(|t| t.text().to_vec()) != maker.last.map(|t| t.text().to_vec())
        {
            opinion.fail(format!("0x370 {} and 0x35E {} must match", first.words(), maker.words()));
        }
        if first.is_sent() && last.is_sent() && last.is_empty() {
            opinion.fail("a name of 8 characters or fewer belongs in 0x35E alone, without 0x370 and 0x371");
        }
        opinion.pass(format!("the name is {}{}", first.words(), last.words()));
    }

    /// IDN-03: *"Two byte firmware versions (big-endian ordering, MSB first)"*, capacity little-endian.
    pub(crate) fn orders_its_bytes(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if !self.battery.any() {
            opinion.absent("0x35F is not sent");
            return;
        }
        if let Some(firmware) = self.firmware {
            opinion.show(Evidence::fact("firmware version as sent", firmware.to_string()));
            // Version numbers are small: a large major beside a small minor reads better the other way round.
            if firmware.major >= 32 && firmware.minor < 16 {
                opinion.unclear(format!(
                    "the firmware reads {firmware}; if it is {}.{}, its bytes are swapped (byte 2 is the major): compare with the label",
                    firmware.minor, firmware.major
                ));
            }
        }
        if self.firmware_changes.any() {
            opinion.fail(format!(
                "the firmware version changes while running, {}",
                self.firmware_changes.place()
            ));
        }
        if let Some(online) = self.online {
            opinion.show(Evidence::fact("online capacity", format!("{online} Ah")));
            let swapped = online.swap_bytes();
            let near = |a: u16, b: f64| (f64::from(a) - b).abs() < 0.05 * b;
            let expected = terms
                .bounds()
                .and_then(|bounds| bounds.capacity)
                .map(|capacity| capacity.0)
                .or(self.installed.map(f64::from));
            if let Some(expected) = expected
                && !near(online, expected)
                && near(swapped, expected)
            {
                opinion.fail(format!(
                    "the online capacity reads {online} Ah; {swapped} Ah was meant, its bytes are swapped"
                ));
            }
        }
        match (self.firmware, self.online) {
            (None, None) => opinion.unclear("0x35F carries neither firmware nor capacity"),
            _ => opinion.pass("firmware and capacity read as they should"),
        };
    }

    /// IDN-04: *"The purpose of 0x379 is to show the installed capacity, so that the service engineer can see how much
    /// capacity is offline"*.
    pub(crate) fn has_capacity(&self, opinion: &mut Opinion) {
        let (Some(installed), Some(online), Some(lowest)) = (self.installed, self.online, self.lowest_online)
        else {
            opinion.absent("0x379 or the online capacity of 0x35F is not sent");
            return;
        };
        opinion
            .show(Evidence::fact("installed capacity", format!("{installed} Ah")))
            .show(Evidence::fact("online capacity, lowest and last", format!("{lowest} and {online} Ah")));
        if self.more_online.any() || online > installed {
            opinion.fail(format!("{online} Ah are online, but only {installed} Ah installed"));
        } else {
            let rest = if online < installed {
                format!("; {} Ah are offline or derated, which is legal", installed - online)
            } else {
                String::new()
            };
            opinion.pass(format!("{online} of {installed} Ah are online{rest}"));
        }
    }

    /// IDN-05: *"Both 0x380 and 0x381 must be sent"*.
    pub(crate) fn has_a_whole_serial(&self, opinion: &mut Opinion) {
        let [first, last] = SERIAL.map(|k| &self.texts[k]);
        if !first.is_sent() && !last.is_sent() {
            opinion.absent("0x380 and 0x381 are not sent");
            return;
        }
        first.judge("0x380", opinion);
        last.judge("0x381", opinion);
        if first.is_sent() != last.is_sent() {
            let (sent, missing) = if first.is_sent() { ("0x380", "0x381") } else { ("0x381", "0x380") };
            let text =
                format!("{sent} is sent without {missing}: the serial number is only complete with both");
            half(first, last, opinion, text);
        }
        opinion.pass(format!("the serial number is {}{}", first.words(), last.words()));
    }

    /// IDN-06.
    pub(crate) fn names_its_family(&self, opinion: &mut Opinion) {
        let family = &self.texts[FAMILY];
        if !family.is_sent() {
            opinion.absent("0x382 is not sent");
            return;
        }
        family.judge("0x382", opinion);
        opinion.pass(format!("the family is {}", family.words()));
    }

    /// CEL-03: *"If a simple integer is to be used for identification, it must be encoded as ASCII"*.
    pub(crate) fn names_cells_in_text(&self, opinion: &mut Opinion) {
        let mut any = false;
        for (field, id) in CELL_IDS.into_iter().zip(["0x374", "0x375", "0x376", "0x377"]) {
            any |= self.texts[field].is_sent();
            self.texts[field].judge(id, opinion);
        }
        if any {
            opinion.pass("cell identifiers are text");
        } else {
            opinion.absent("0x374 to 0x377 are not sent");
        }
    }
}

/// One half of two was sent: in a log that holds it but once or twice the other may be yet to come.
fn half(first: &Text, last: &Text, opinion: &mut Opinion, text: String) {
    if first.tally.count.max(last.tally.count) >= 3 {
        opinion.fail(text);
    } else {
        opinion.unclear(format!("{text}; three frames of one decide"));
    }
}
