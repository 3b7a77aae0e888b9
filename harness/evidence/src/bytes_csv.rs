//! The raw file of a witness, such as `shunt.csv`: a row for each time that bytes came in, as they came.
//!
//! `time_s,bytes,input`: the time since the start of the run, the bytes in hexadecimal digits, none where the port was
//! opened, and what was recorded in the case before this row, on any wire. `cut -d, -f2 shunt.csv | xxd -r -p` is the line
//! as it was.

use core::fmt::Write as _;

use proto::channel::Instrument;
use proto::chunk::Chunk;
use proto::digits;
use proto::quantity::Micros;

use crate::raw::Fault;
use crate::stamp;

/// The first line, with its line break.
pub const HEADER: &str = "time_s,bytes,input\n";

/// Appends bytes as a row, with its line break. `at` is since the start of the run, `input` what was recorded in the case
/// before it.
pub fn row(out: &mut Vec<u8>, at: Micros, input: u64, chunk: &Chunk) {
    stamp::put(out, at);
    let mut digits = String::with_capacity(2 * Chunk::MOST + 2);
    digits.push(',');
    for byte in chunk.bytes() {
        // A string takes everything.
        let _ = write!(digits, "{byte:02X}");
    }
    digits.push(',');
    out.extend_from_slice(digits.as_bytes());
    digits::whole(out, input);
    out.push(b'\n');
}

/// A row read back: when, what was recorded before it, the bytes.
///
/// # Errors
/// When a cell is not what its column holds, or the row is too short or too long.
pub fn parse(from: Instrument, row: &str) -> Result<(Micros, u64, Chunk), Fault> {
    let cells: Vec<&str> = row.trim_end_matches(['\r', '\n']).split(',').collect();
    let &[at, bytes, input] = cells.as_slice() else { return Err(Fault::new(row, Fault::A_ROW)) };
    let expected = "up to 128 bytes as pairs of hexadecimal digits, or nothing";
    let chunk = read(from, bytes).ok_or_else(|| Fault::cell("bytes", bytes, expected))?;
    let (at, input) = stamp::place(at, input)?;
    Ok((at, input, chunk))
}

fn read(from: Instrument, text: &str) -> Option<Chunk> {
    let mut bytes = Vec::with_capacity(Chunk::MOST);
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push(digits::byte(*high, *low)?);
    }
    let mut chunks = Chunk::all(from, &bytes);
    let first = chunks.next().unwrap_or_else(|| Chunk::opened(from));
    chunks.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn written(at: Micros, input: u64, chunk: &Chunk) -> String {
        let mut out = Vec::new();
        row(&mut out, at, input, chunk);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_row_is_a_time_and_digits() {
        let chunk = Chunk::all(Instrument::Shunt, b"\r\nV\t26201").next().expect("one");
        assert_eq!(written(Micros(12_000_250), 7, &chunk), "12.000250,0D0A56093236323031,7\n");
        assert_eq!(written(Micros(0), 0, &Chunk::opened(Instrument::Shunt)), "0.000000,,0\n");
    }

    #[rstest]
    #[case::cut("12.000000,0D0A", "a time and one cell for each column of the header")]
    #[case::half_a_byte("12.000000,0D0,1", "found `bytes: 0D0`")]
    #[case::no_digit("12.000000,0G,1", "found `bytes: 0G`")]
    #[case::no_time("x,0D,1", "found `time_s: x`")]
    #[case::no_count("12.000000,0D,x", "found `input: x`")]
    fn what_is_no_row_is_refused_with_its_column(#[case] line: &str, #[case] says: &str) {
        let error = parse(Instrument::Shunt, line).expect_err("refused").to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn more_bytes_than_a_chunk_has_are_refused() {
        assert!(parse(Instrument::Shunt, &format!("1.000000,{},0", "00".repeat(Chunk::MOST))).is_ok());
        assert!(parse(Instrument::Shunt, &format!("1.000000,{},0", "00".repeat(Chunk::MOST + 1))).is_err());
    }

    proptest! {
        #[test]
        fn reads_back_the_same(at: u64, input: u64, bytes in prop::collection::vec(any::<u8>(), 1..=Chunk::MOST)) {
            let chunk = Chunk::all(Instrument::Charger, &bytes).next().expect("one");
            let text = written(Micros(at), input, &chunk);
            prop_assert_eq!(parse(Instrument::Charger, &text), Ok((Micros(at), input, chunk)));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(Instrument::Shunt, &text);
        }
    }
}
