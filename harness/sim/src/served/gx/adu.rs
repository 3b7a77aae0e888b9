//! What a client of Modbus-TCP sends, and what it gets for it.

use std::io::{self, ErrorKind};

use proto::gx::Exception;

use super::Registers;

/// Transaction, protocol, length; the length counts what follows.
const HEADER: usize = 6;
/// Unit and at most 253 bytes for function and data.
const LONGEST: usize = 254;

/// The most registers that one answer can carry.
const MOST_READ: u16 = 125;

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request<'a> {
    transaction: [u8; 2],
    unit: u8,
    function: u8,
    data: &'a [u8],
}

/// The first request among received bytes; nothing when it is not there to its end.
///
/// # Errors
/// When the bytes are none of Modbus-TCP: where the next request would begin is not known then.
pub(super) fn split(bytes: &[u8]) -> io::Result<Option<Request<'_>>> {
    let Some((&[a, b, protocol_high, protocol_low, high, low], rest)) = bytes.split_first_chunk::<HEADER>()
    else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if (protocol_high, protocol_low) != (0, 0) || !(2..=LONGEST).contains(&length) {
        return Err(ErrorKind::InvalidData.into());
    }
    let Some(&[unit, function, ref data @ ..]) = rest.get(..length) else { return Ok(None) };
    Ok(Some(Request { transaction: [a, b], unit, function, data }))
}

impl Request<'_> {
    /// Bytes that it took.
    pub(super) const fn length(&self) -> usize {
        HEADER + 2 + self.data.len()
    }

    /// The bytes to send back; none where the GX is silent.
    pub(super) fn answer(&self, registers: &mut impl Registers) -> Option<Vec<u8>> {
        let (function, data) = match self.data_of_answer(registers).transpose()? {
            Ok(data) => (self.function, data),
            Err(exception) => (self.function | 0x80, vec![exception.code()]),
        };
        let length = (2 + data.len()) as u16;
        let mut bytes = self.transaction.to_vec();
        bytes.extend([0, 0]);
        bytes.extend(length.to_be_bytes());
        bytes.extend([self.unit, function]);
        bytes.extend(data);
        Some(bytes)
    }

    fn data_of_answer(&self, registers: &mut impl Registers) -> Result<Option<Vec<u8>>, Exception> {
        let Self { unit, function, data, .. } = *self;
        let number = |high, low| u16::from_be_bytes([high, low]);
        match (function, data) {
            (3 | 4, &[_, _, c, d]) if !(1..=MOST_READ).contains(&number(c, d)) => Err(Exception::Value),
            (3 | 4, &[a, b, c, d]) => {
                let cells = registers.read(unit, function, number(a, b), number(c, d)).transpose()?;
                Ok(cells.map(|cells| {
                    let bytes = cells.iter().flat_map(|cell| cell.to_be_bytes());
                    std::iter::once((2 * cells.len()) as u8).chain(bytes).collect()
                }))
            }
            (6, &[a, b, c, d]) => {
                let done = registers.write(unit, function, number(a, b), &[number(c, d)]).transpose()?;
                Ok(done.map(|()| data.to_vec()))
            }
            (16, &[a, b, c, d, bytes, ref rest @ ..]) => {
                let count = usize::from(number(c, d));
                if usize::from(bytes) != 2 * count || rest.len() != 2 * count {
                    return Err(Exception::Value);
                }
                let values: Vec<u16> = rest.chunks_exact(2).map(|pair| number(pair[0], pair[1])).collect();
                let done = registers.write(unit, function, number(a, b), &values).transpose()?;
                Ok(done.map(|()| vec![a, b, c, d]))
            }
            (3 | 4 | 6 | 16, _) => Err(Exception::Value),
            _ => Err(Exception::Function),
        }
    }
}
