//! What goes wrong, in one table: on the wire of an instrument, or with the machine.

use super::wire::{Does, Kind};

/// Where it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Supply,
    Gx,
    Can,
    Machine,
}

impl At {
    pub(crate) const ALL: [Self; 4] = [Self::Supply, Self::Gx, Self::Can, Self::Machine];

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Supply => "supply",
            Self::Gx => "GX",
            Self::Can => "CAN",
            Self::Machine => "machine",
        }
    }

    /// What lines look like there.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Supply | Self::Machine => Kind::Text,
            Self::Gx => Kind::Modbus,
            Self::Can => Kind::Slcan,
        }
    }
}

/// A fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) at: At,
    pub(crate) name: &'static str,
    pub(crate) does: Does,
    /// output off within so many ms of the clock: from the fault on, or from the return of a wire that carries nothing
    pub(crate) within: u64,
    /// one of these is told as the cause, an empty one where the run dies of it; none where a rig bears it
    pub(crate) says: &'static [&'static str],
}

const fn fault(at: At, name: &'static str, does: Does, within: u64, says: &'static [&'static str]) -> Fault {
    Fault { at, name, does, within, says }
}

/// The age that the rig of the campaign allows to readings, on the clock, and 2 s.
const AGE: u64 = 4000;
/// What a supply may take to answer, twice, and 2 s.
const ANSWER: u64 = 4500;
/// A wire that is back.
const BACK: u64 = 2000;

use At::{Can, Gx, Machine, Supply};
use Does::{
    Bytewise, Closed, Cut, CutFor, CutOnce, Deaf, Echo, FileSize, Files, Flip, Frozen, FrozenWhere, Garbage,
    Half, Hang, Insert, Late, Removed, Replace, Scale, Silent, Stopped, Twice, Zero,
};

/// How long a wire is gone that comes back, ms.
const GONE: u64 = 2500;

#[rustfmt::skip]
pub(crate) static FAULTS: &[Fault] = &[
    fault(Supply, "no answer", Silent, ANSWER, &["no reply", "out of step", "time without"]),
    fault(Supply, "answers 3 s late", Late(3000), ANSWER, &["no reply", "out of step", "time without"]),
    fault(Supply, "answers 0.9 s late", Late(900), AGE, &[]),
    fault(Supply, "garbage for answers", Garbage, ANSWER, &["was answered with", "out of step", "no reply", "time without"]),
    fault(Supply, "half of each answer", Half, ANSWER, &["no reply", "out of step", "time without"]),
    fault(Supply, "bytes of nobody", Insert(b"\xF0#7\0"), ANSWER, &["was answered with", "out of step", "no reply", "time without"]),
    fault(Supply, "lines of nobody", Insert(b"hello\n"), ANSWER, &["was answered with", "out of step", "time without"]),
    fault(Supply, "echo", Echo, ANSWER, &["echoes", "was answered with", "out of step", "time without"]),
    fault(Supply, "every answer twice", Twice, ANSWER, &["was answered with", "out of step", "time without"]),
    fault(Supply, "a byte each 30 ms", Bytewise(30), AGE, &[]),
    fault(Supply, "frozen answers", Frozen, AGE, &["reads back", "out of step", "supply", "was answered with", "time without"]),
    fault(Supply, "measurements that stand still", FrozenWhere(b"MEAS"), AGE, &["of the supply", "stand still"]),
    fault(Supply, "zero for every digit", Zero, ANSWER, &["reads back", "supply", "was answered with", "time without"]),
    fault(Supply, "1 for every answer", Replace(b"1\n"), ANSWER, &["supply", "time without"]),
    fault(Supply, "9.9E37 for every answer", Replace(b"9.9E37\n"), ANSWER, &["supply", "was answered with", "time without"]),
    fault(Supply, "an endless error queue", Replace(b"-200,\"Execution error\"\n"), ANSWER, &["supply", "was answered with", "time without"]),
    fault(Supply, "readings ten times as high", Scale(10.0), ANSWER, &["supply", "output", "reads back", "time without"]),
    fault(Supply, "readings of half as much", Scale(0.5), ANSWER, &["supply", "reads back", "time without"]),
    fault(Supply, "cut for 1 s", CutFor(1000), BACK, &["gone", "supply", "time without"]),
    fault(Supply, "cut for 4 s", CutFor(4000), BACK, &["gone", "supply", "time without"]),
    fault(Supply, "cut for 15 s", CutFor(15_000), BACK, &["gone", "supply", "time without"]),
    fault(Supply, "cut, and back at once", CutOnce, BACK, &["gone", "supply", "time without"]),
    fault(Supply, "takes no connection for 2.5 s", Closed(GONE), BACK, &["gone", "supply", "time without"]),
    fault(Supply, "takes no commands for 2.5 s", Deaf(GONE), BACK, &["no reply", "supply", "time without"]),
    fault(Supply, "frozen for 2.5 s", Hang(GONE), BACK, &["no reply", "supply", "time without"]),

    fault(Gx, "no answer", Silent, AGE, &["GX"]),
    fault(Gx, "answers 3 s late", Late(3000), AGE, &["GX"]),
    fault(Gx, "answers 60 ms late", Late(60), AGE, &[]),
    fault(Gx, "garbage for answers", Garbage, AGE, &["GX"]),
    fault(Gx, "half of each answer", Half, AGE, &["GX"]),
    fault(Gx, "bytes of nobody", Insert(b"\xF0#7\0"), AGE, &["GX"]),
    fault(Gx, "echo", Echo, AGE, &["GX"]),
    fault(Gx, "every answer twice", Twice, AGE, &[]),
    fault(Gx, "a byte each 2 ms", Bytewise(2), AGE, &[]),
    fault(Gx, "frozen registers", Frozen, AGE, &["stand still"]),
    fault(Gx, "zero for every register", Zero, AGE, &["GX", "inverter", "time without"]),
    fault(Gx, "all bits set", Flip(0xFF), AGE, &["GX", "inverter", "time without", "voltage", "current"]),
    fault(Gx, "another transaction", Replace(b"\x7F\x7F\0\0\0\x05\x01\x03\x02\0\0"), AGE, &["GX"]),
    fault(Gx, "every question refused", Replace(b"\0\0\0\0\0\x03\x64\x83\x0B"), AGE, &["GX"]),
    fault(Gx, "voltages twice as high", Scale(2.0), AGE, &["voltage", "contradiction", "current"]),
    fault(Gx, "voltages of 90 %", Scale(0.9), AGE, &["contradiction", "time without", "voltage"]),
    fault(Gx, "cut for ever", Cut, AGE, &["GX"]),
    fault(Gx, "cut, and back at once", CutOnce, AGE, &[]),
    fault(Gx, "takes no connection", Closed(600_000), AGE, &["GX"]),
    fault(Gx, "takes no questions", Deaf(600_000), AGE, &["GX"]),
    fault(Gx, "frozen", Hang(600_000), AGE, &["GX"]),

    fault(Can, "silence", Silent, AGE, &["0x351", "CAN"]),
    fault(Can, "frames 3 s late", Late(3000), AGE, &["0x351", "CAN"]),
    fault(Can, "frames 50 ms late", Late(50), AGE, &[]),
    fault(Can, "garbage for frames", Garbage, AGE, &["0x351", "CAN", "frame"]),
    fault(Can, "half of each frame", Half, AGE, &["0x351", "CAN", "frame"]),
    fault(Can, "bytes of nobody", Insert(b"\xF0#7\0"), AGE, &["0x351", "CAN", "frame"]),
    fault(Can, "lines of nobody", Insert(b"hello\r"), AGE, &[]), // the log of an adapter is no frame that was lost
    fault(Can, "every frame twice", Twice, AGE, &[]),
    fault(Can, "a byte each ms", Bytewise(1), AGE, &["0x351", "CAN", "too slow"]),
    fault(Can, "frozen frames", Frozen, AGE, &["stand still"]),
    fault(Can, "zero for all data", Zero, AGE, &["voltage", "cell", "contradiction", "temperature"]),
    fault(Can, "all bits set", Flip(0xFF), AGE, &["voltage", "cell", "current", "temperature"]),
    fault(Can, "one bit flipped", Flip(0x04), AGE, &["voltage", "cell", "current", "temperature", "time without"]),
    fault(Can, "voltages twice as high", Scale(2.0), AGE, &["voltage", "cell"]),
    fault(Can, "voltages of 85 %", Scale(0.85), AGE, &["contradiction", "voltage", "cell"]),
    fault(Can, "bells for frames", Replace(b"\x07"), AGE, &["0x351", "CAN"]),
    fault(Can, "an overflow told", Insert(b"F08\r"), AGE, &["CAN", "lost"]),
    fault(Can, "only one identifier", Replace(b"t35180000000000000000\r"), AGE, &["voltage", "time without", "CVL", "cell"]),
    fault(Can, "deaf adapter", Deaf(600_000), AGE, &[]),
    fault(Can, "frozen adapter", Hang(600_000), AGE, &["0x351", "CAN"]),
    fault(Can, "unplugged", Cut, AGE, &["0x351", "CAN"]),

    fault(Machine, "no more open files for the run", Files, AGE, &[]),
    fault(Machine, "no more room in files", FileSize, BACK, &[""]),
    fault(Machine, "the run stands still", Stopped, BACK, &["guard"]),
    fault(Machine, "the run folder is removed", Removed, AGE, &["removed", "folder"]),
];
