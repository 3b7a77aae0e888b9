//! What the bus said of itself in a case: why a battery was not heard.

use std::collections::BTreeMap;

use engine::bench::Input;
use proto::bus::{BusReading, ErrorKind};
use proto::frame::CanId;
use proto::message::id;
use proto::quantity::Micros;

/// A battery that is not heard for so long is missed (P 1.4).
const MISSED: Micros = Micros::from_secs(3);

/// Counts what is heard.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// frames of anybody
    frames: u64,
    /// when 0x351 was heard last
    limits: Option<Micros>,
    reading: Option<BusReading>,
    errors: Errors,
}

impl Hearing {
    /// An input, at its time in the case.
    pub(super) fn note(&mut self, at: Micros, input: &Input) {
        match input {
            Input::Can(frame) => {
                self.frames += 1;
                if frame.id() == CanId::Standard(id::LIMITS) {
                    self.limits = Some(at);
                }
            }
            Input::CanError(error) => self.errors.count(error.kinds()),
            Input::Bus(reading) => self.reading = Some(*reading),
            _ => {}
        }
    }

    /// Why the battery may not be heard at a time of the case, where it is not.
    pub(super) fn trouble(&self, at: Micros) -> Option<String> {
        let silent = at.since(self.limits.unwrap_or(Micros::ZERO));
        if silent <= MISSED {
            return None;
        }
        let heard = match (self.frames, self.limits) {
            (0, _) => "no frame of anybody was heard".to_owned(),
            (many, None) => format!("0x351 was never heard, {many} other frames were"),
            (..) => format!("0x351 was not heard for {silent}"),
        };
        let port = self.reading.map_or(String::new(), |BusReading { bit_rate, state }| {
            format!("; this end is set to {bit_rate} (`can.bit-rate`) and {}", state.name())
        });
        let errors = match self.errors.to_string() {
            none if none.is_empty() => "no error frames".to_owned(),
            some => some,
        };
        Some(format!(
            "CAN: {heard}{port}; {errors}; is the battery on, its bit rate the same, the bus terminated at both ends? \
             `busbar doctor` looks"
        ))
    }
}

/// Error frames, by what they say.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    frames: u64,
    kinds: BTreeMap<ErrorKind, u64>,
}

impl Errors {
    /// One more, which says this.
    pub(crate) fn count(&mut self, kinds: impl Iterator<Item = ErrorKind>) {
        self.frames += 1;
        kinds.for_each(|kind| *self.kinds.entry(kind).or_default() += 1);
    }
}

/// `12 error frames (10 bus error, 2 error passive)`; nothing where there are none.
impl std::fmt::Display for Errors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds: Vec<String> = self.kinds.iter().map(|(kind, many)| format!("{many} {kind}")).collect();
        match self.frames {
            0 => Ok(()),
            1 => write!(f, "1 error frame ({})", kinds.join(", ")),
            many => write!(f, "{many} error frames ({})", kinds.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::bus::{BusState, ErrorFrame};
    use proto::frame::Frame;
    use proto::quantity::BitRate;
    use rstest::rstest;

    fn frame(id: u16) -> Input {
        Input::Can(Frame::standard(id, &[0; 8]))
    }

    /// What a controller tells at 250 kbit/s on a bus at 500.
    fn wrong_rate() -> Vec<Input> {
        let reading = BusReading { bit_rate: BitRate(250.0), state: BusState::ErrorPassive };
        let bus_error = Input::CanError(ErrorFrame { class: 0x80, data: [0; 8] });
        vec![bus_error.clone(), Input::Bus(reading), bus_error]
    }

    #[rstest]
    #[case::heard(vec![frame(0x351)], 3, None)]
    #[case::soon_lost(vec![frame(0x351)], 9, Some("CAN: 0x351 was not heard for 0:00:08; no error frames; is"))]
    #[case::others(vec![frame(0x305), frame(0x307)], 9, Some("0x351 was never heard, 2 other frames were;"))]
    #[case::wrong_rate(
        wrong_rate(),
        9,
        Some(
            "CAN: no frame of anybody was heard; this end is set to 250 kbit/s (`can.bit-rate`) and error-passive; \
         2 error frames (2 bus error); is the battery on, its bit rate the same"
        )
    )]
    #[case::too_early(wrong_rate(), 2, None)]
    fn why_it_is_not_heard(#[case] inputs: Vec<Input>, #[case] end: u64, #[case] says: Option<&str>) {
        let mut hearing = Hearing::default();
        inputs.iter().for_each(|input| hearing.note(Micros::from_secs(1), input));
        let trouble = hearing.trouble(Micros::from_secs(end));
        match says {
            None => assert_eq!(trouble, None),
            Some(says) => assert!(trouble.as_ref().is_some_and(|t| t.contains(says)), "{trouble:?}"),
        }
    }
}
