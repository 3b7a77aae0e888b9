//! What was heard on the bus of the rig, identifier by identifier, as lines of a dialogue.

use std::fmt;

use proto::frame::{CanId, Frame};
use proto::message::{MessageSpec, id};
use proto::quantity::Micros;

/// How its lines begin.
pub(super) const CAN: &str = "can ";
/// Where there is nothing to tell.
const NOTHING: &str = "-";

/// One identifier: how often it was heard, how far apart, and what its last frame held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// identifier
    pub id: CanId,
    /// frames
    pub frames: u32,
    /// from one to the next, the mean; nothing where there was one only
    pub period: Option<Micros>,
    /// the data of the last; nothing where the protocol does not know the identifier: it may be a serial number
    pub data: Option<Vec<u8>>,
}

impl Heard {
    /// An identifier whose first and last frame came at these times. A serial number is replaced by zeros.
    #[must_use]
    pub fn of(last: &Frame, frames: u32, from: Micros, to: Micros) -> Self {
        let id = last.id();
        let hides = [id::SERIAL_PART_1, id::SERIAL_PART_2].map(CanId::Standard).contains(&id);
        let mut data = MessageSpec::of(id).map(|_| last.data().to_vec());
        if let Some(data) = data.as_mut().filter(|_| hides) {
            data.iter_mut().filter(|byte| byte.is_ascii_alphanumeric()).for_each(|byte| *byte = b'0');
        }
        let between = frames.checked_sub(1).filter(|many| *many > 0);
        Self { id, frames, period: between.map(|many| Micros(to.since(from).0 / u64::from(many))), data }
    }

    /// Its last frame, where the data was kept.
    #[must_use]
    pub fn frame(&self) -> Option<Frame> {
        Frame::new(self.id, self.data.as_deref()?)
    }

    /// Reads what follows the beginning of the line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [id, frames, period, data] = words[..] else { return None };
        let number = || u32::from_str_radix(id, 16).ok();
        let id = match id.len() {
            3 => CanId::Standard(u16::try_from(number()?).ok()?),
            8 => CanId::Extended(number()?),
            _ => return None,
        };
        let told = |word: &str| word != NOTHING;
        let heard = Self {
            id,
            frames: frames.parse().ok()?,
            period: if told(period) {
                Some(Micros::from_millis(period.parse::<u32>().ok()?.into()))
            } else {
                None
            },
            data: if told(data) { Some(bytes(data)?) } else { None },
        };
        // An identifier that is none, or more data than a frame has.
        Frame::new(heard.id, heard.data.as_deref().unwrap_or_default()).map(|_| heard)
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        hex.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect::<Option<_>>()?;
    let whole = digits.len().is_multiple_of(2);
    whole.then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = self.period.map_or(NOTHING.to_owned(), |period| (period.0 / 1000).to_string());
        write!(f, "{} {} {period} ", self.id, self.frames)?;
        match &self.data {
            None => f.write_str(NOTHING),
            Some(data) => data.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0x351, b"\x18\x02", 61, 60_000, "351 61 1000 1802")]
    #[case(0x380, b"SN 12345", 1, 0, "380 1 - 3030203030303030")]
    #[case(0x305, b"", 2, 500, "305 2 500 ")]
    #[case(0x123, b"SN123456", 3, 100, "123 3 50 -")]
    fn an_identifier_comes_back(
        #[case] id: u16,
        #[case] data: &[u8],
        #[case] frames: u32,
        #[case] millis: u64,
        #[case] line: &str,
    ) {
        let heard = Heard::of(&Frame::standard(id, data), frames, Micros(5), Micros(5 + millis * 1000));
        assert_eq!(heard.to_string(), line);
        assert_eq!(Heard::parse(line), Some(heard));
    }

    #[rstest]
    #[case("")]
    #[case("351 1 -")]
    #[case("fff 1 - 00")]
    #[case("351 1 - 0")]
    #[case("351 1 - 001122334455667788")]
    #[case("351 x - 00")]
    #[case("35 1 - 00")]
    fn what_is_no_identifier(#[case] line: &str) {
        assert_eq!(Heard::parse(line), None);
    }
}
