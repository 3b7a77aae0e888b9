//! The line between a meter and who listens: a UART at 19200 bit/s, 8N1. Where the instrument runs at another rate, or the line is
//! inverted as RS-232 in place of TTL is, what is heard are other bytes: those that this receiver makes of the levels.

/// Start, eight data bits, stop.
const BITS: usize = 10;

/// What a receiver hears at one rate of bytes that were sent at another without a pause, in bit/s; the line is idle before and
/// after them.
pub(super) fn heard(sent: &[u8], rate: u32, receives: u32, is_inverted: bool) -> Vec<u8> {
    let mut levels = vec![true];
    for &byte in sent {
        levels.push(false);
        levels.extend((0..8).map(|bit| byte >> bit & 1 == 1));
        levels.push(true);
    }
    levels.extend([true; BITS]);
    levels.iter_mut().for_each(|level| *level ^= is_inverted);
    // Of a time that both rates divide: a bit of the sender has `2 * receives` ticks, one of the receiver `2 * rate`.
    let (of_sender, half) = (2 * u64::from(receives), u64::from(rate));
    let level = |tick: u64| levels.get((tick / of_sender) as usize).copied().unwrap_or(!is_inverted);
    let (mut bytes, mut place) = (Vec::new(), 1);
    while place < levels.len() {
        if levels[place] || !levels[place - 1] {
            place += 1;
            continue;
        }
        let edge = place as u64 * of_sender;
        // Each bit is looked at in its middle. A wrong stop bit is passed on as what it ends, as a serial port does that is not
        // asked to check.
        bytes.push((0..8).fold(0, |byte, bit| byte | u8::from(level(edge + (2 * bit + 3) * half)) << bit));
        let stop = edge + 19 * half;
        place = (stop / of_sender) as usize + 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::vedirect::BAUD;

    #[test]
    fn at_its_own_rate_it_is_what_was_sent() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(heard(&all, BAUD, BAUD, false), all);
    }

    #[test]
    fn at_half_the_rate_each_bit_is_seen_twice() {
        // Start and bits of `A`, 0 1000 0010 1, each twice: two start bits hold the first zero byte's end.
        let half = heard(b"A", BAUD / 2, BAUD, false);
        assert!(!half.is_empty() && half != b"A", "{half:?}");
        assert_ne!(heard(b"\r\nV\t53200", 4 * BAUD, BAUD, false), b"\r\nV\t53200");
    }

    #[test]
    fn an_inverted_line_says_something_else() {
        let text = b"\r\nPID\t0xA389\r\nV\t53200";
        let other = heard(text, BAUD, BAUD, true);
        assert!(!other.is_empty() && !other.windows(2).any(|pair| pair == b"\r\n"), "{other:?}");
    }
}
