//! Any bytes as what a supply says, and as what a file makes us say to one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::quantity::{Amps, Volts};
use proto::scpi::{Arguments, Identity, Lines, QueuedError, Reply, Template, Terminator, Units, Word};

fn lines(terminator: Terminator, parts: &[&[u8]]) -> Vec<String> {
    let mut lines = Lines::new(terminator);
    let mut got = Vec::new();
    for part in parts {
        lines.push(part);
        while let Some(line) = lines.next_line().transpose() {
            got.extend(line);
        }
    }
    got
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&cut, bytes)) = bytes.split_first() else { return };
    let (head, tail) = bytes.split_at(usize::from(cut).min(bytes.len()));
    for terminator in [Terminator::Lf, Terminator::CrLf, Terminator::Cr] {
        let got = lines(terminator, &[bytes]);
        if bytes.len() < proto::scpi::LONGEST_LINE {
            assert_eq!(got, lines(terminator, &[head, tail]));
        }
        for line in got {
            let reply = Reply(&line);
            for units in [Units::Optional, Units::Always] {
                let numbers = [reply.volts(units).map(|v| v.0), reply.amps(units).map(|a| a.0)];
                assert!(numbers.into_iter().flatten().all(|n| n.abs() < 9.9e40), "{line:?}");
            }
            let _ = (reply.state(), reply.register(), reply.hex_register());
            let _ = QueuedError::parse(&line).map(|entry| entry.to_string());
            let _ = Identity::parse(&line).map(|identity| identity.to_string());
        }
    }
    let (Ok(text), Ok(word)) = (std::str::from_utf8(head), std::str::from_utf8(tail)) else { return };
    let Ok(template) = text.parse::<Template>() else { return };
    let channel: Option<Word> = word.parse().ok();
    let arguments = Arguments {
        volts: Some(Volts(48.0)),
        amps: Some(Amps(f64::from(cut))),
        channel: channel.as_ref(),
        ..Arguments::default()
    };
    if let Ok(command) = template.command(&arguments) {
        assert!(command.bytes().all(|b| (0x20..0x7F).contains(&b) && b != b';'), "{command:?}");
    }
});
