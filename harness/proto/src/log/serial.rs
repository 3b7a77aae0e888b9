//! Dumps of a serial CAN adapter: [`slcan`](crate::slcan) line by line, with times where the adapter was asked for them.

use super::{Parsed, Reader, Stamp, TimeKind};
use crate::candump::{Content, Expected, LineError};
use crate::quantity::Micros;
use crate::slcan::{Carried, Reply, Stamp as Millis, reply};

/// Reads a line. Stamps count the milliseconds of a minute; the time since the one before is what they tell.
pub(super) fn parse<'a>(
    line: &'a [u8],
    latest: &mut Option<u16>,
    time: &mut Option<TimeKind>,
) -> Result<Parsed<'a>, LineError> {
    match reply(line.trim_ascii()) {
        Ok(Reply::Frame(carried, stamp)) => {
            let content = match carried {
                Carried::Data(frame) => Content::Data(frame),
                Carried::Remote { id, dlc } => Content::Remote { id, dlc },
            };
            let stamp = stamp.map_or(Stamp::Absent, |stamp| {
                let millis = stamp.millis();
                let before = latest.replace(millis).unwrap_or(millis);
                time.get_or_insert(TimeKind::Differences);
                let since = (u32::from(millis) + u32::from(Millis::PERIOD) - u32::from(before))
                    % u32::from(Millis::PERIOD);
                Stamp::At(Micros(u64::from(since) * 1000))
            });
            Ok(Parsed::Frame(stamp, Reader::UNNAMED, None, content))
        }
        Ok(_) => Ok(Parsed::Nothing),
        Err(error) => {
            Err(LineError::new(line, error.column.saturating_sub(1).min(line.len()), Expected::SlcanLine))
        }
    }
}
