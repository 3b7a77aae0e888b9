//! The forms that programs print frames in, a row each: what stands in a line, piece by piece. A program that prints
//! another way is another row.

use Piece::{
    Begin, Bus, BusError, Bytes, Channel, Clock, Comma, Date, Error, Flexible, Id, Length, Micros, Millis,
    Month, Number, Other, Packed, Padded, Past, Pause, Python, Seconds, State, Struct, Tai, Text, Way, Wide,
    Width,
};

/// What a place of a line takes. Blanks before it are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// this text
    Text(&'static str),
    /// the same as the beginning of a word
    Begin(&'static str),
    /// whatever stands before this text, and the text
    Past(&'static str),
    /// this text, which says that the identifier has 29 bits
    Wide(&'static str),
    /// digits that say nothing of the bus, with a point or without
    Number,
    /// the same with a point
    Pause,
    /// seconds, as a decimal number with a point; a whole number of ten digits and more is a time since 1970
    Seconds,
    /// seconds with a comma in place of the point
    Comma,
    /// microseconds, as a whole number
    Micros,
    /// a label of TAI64N, as multilog of daemontools puts it before a line
    Tai,
    /// three letters for a month
    Month,
    /// milliseconds, as a decimal number
    Millis,
    /// a date such as 2026-01-31, before a clock
    Date,
    /// a time of day, with a fraction: whole seconds are too coarse to judge periods by, and count as no time
    Clock,
    /// name or number of an interface
    Channel,
    /// the number of an interface in front of the next piece, or nothing
    Bus,
    /// which way: `Rx`, `Tx`, `R`, `T`
    Way,
    /// a hexadecimal identifier of three digits or more; more than four are 29 bits
    Id,
    /// the same, where digits do not tell the width
    Padded,
    /// a word for the width of the identifier: `S`, `X`, `False`, `ext` …
    Width,
    /// the number of data bytes
    Length,
    /// data bytes of one or two digits, as many as were announced, or to the end
    Bytes,
    /// this text, which says that the rest is a CAN FD frame with these flags
    Flexible(&'static str, u8),
    /// data bytes without blanks between them
    Packed,
    /// data bytes as Python shows them: `b'H\x02\x00'`
    Python,
    /// a `struct can_frame` of Linux as bytes: identifier with flags, length, three unused, data
    Struct,
    /// the state of the controller as four bytes, as PCAN-Basic numbers it: an error frame
    State,
    /// where a frame broke off, as PEAK writes it: a byte for the direction, one for the place: an error frame
    BusError,
    /// this text, which says that there was an error and no more: an error frame
    Error(&'static str),
    /// the rest of a line that is no frame
    Other,
}

/// How one program prints frames.
#[derive(Debug)]
pub(super) struct Grammar {
    pub(super) name: &'static str,
    /// the lines it has for frames, the most common first
    pub(super) lines: &'static [&'static [Piece]],
    /// how lines begin that are no frames
    pub(super) beside: &'static [&'static str],
    /// a line
    pub(super) example: &'static str,
}

/// All of them. Sources: PEAK's description of its trace files and python-can's reader of them; `str` and `repr` of
/// python-can's messages; BUSMASTER's, Kvaser CanKing's and Kvaser Memorator's own logs; CRTD of Open Vehicles; the examples of the Arduino
/// libraries mcp_can (Cory Fowler), arduino-mcp2515 (autowp); ESPHome's and YamBMS's consoles; OpenDTU-OnBattery's
/// console; the writers and readers of SavvyCAN, and the examples that it has of other programs; the protocol of socketcand; the
/// logs of bms-to-inverter over JavaCAN and of dbus-serialbattery over python-can; `print_snifline` of
/// can-utils; the protocol notes of setfirelabs.com.
pub(super) const GRAMMARS: [Grammar; 21] = [
    Grammar {
        name: "PCAN trace",
        lines: &[
            &[Number, Text(")"), Millis, Way, Id, Length, Bytes],
            &[Number, Text(")"), Millis, Channel, Way, Id, Text("-"), Length, Bytes],
            &[Number, Text(")"), Millis, Channel, Way, Id, Length, Bytes],
            &[Number, Text(")"), Millis, Id, Length, Bytes],
            &[Number, Millis, Text("DT"), Id, Way, Length, Bytes],
            &[Number, Millis, Text("DT"), Channel, Id, Way, Text("-"), Length, Bytes],
            &[Number, Millis, Text("DT"), Channel, Id, Way, Length, Bytes],
            &[Number, Millis, Flexible("FD", 0)],
            &[Number, Millis, Flexible("FB", 1)],
            &[Number, Millis, Flexible("FE", 2)],
            &[Number, Millis, Flexible("BI", 3)],
            &[Number, Millis, Text("RR"), Id, Way, Length, Bytes],
            &[Number, Millis, Text("RR"), Channel, Id, Way, Text("-"), Length, Bytes],
            &[Number, Millis, Text("ER"), Channel, Text("-"), Way, Text("-"), Length, Number, BusError],
            &[Number, Millis, Text("ER"), Way, Number, BusError],
            &[Number, Millis, Text("ST"), Channel, Text("-"), Way, Text("-"), Length, State],
            &[Number, Millis, Text("ST"), Way, State],
            &[Number, Text(")"), Millis, Text("Warng"), Text("FFFFFFFF"), Length, State],
            &[Number, Text(")"), Millis, Text("Error"), Number, Length, BusError],
            &[Number, Text(")"), Millis, Number, Length, Text("ERROR"), BusError],
            &[Number, Text(")"), Millis, Text("FFFFFFFF"), Length, State],
            &[Number, Millis, Text("EC"), Other],
            &[Number, Millis, Text("EV"), Other],
        ],
        beside: &[";"],
        example: "     1)        10.0  Rx         0351  8  48 02 00 05 00 05 AE 01",
    },
    Grammar {
        name: "python-can print",
        lines: &[
            &[Past("Timestamp:"), Seconds, Text("ID:"), Padded, Width, Way, Text("DL:"), Length, Bytes],
            &[Past("Timestamp:"), Seconds, Text("ID:"), Padded, Width, Way, Error("E")],
            &[Past("Timestamp:"), Seconds, Text("ID:"), Padded, Width, Text("DLC:"), Length, Bytes],
            &[Past("Timestamp:"), Seconds, Text("ID:"), Padded, Width, Text("DL:"), Length, Bytes],
            &[
                Past("can.Message(timestamp="),
                Seconds,
                Past("arbitration_id="),
                Padded,
                Past("is_extended_id="),
                Width,
                Past("dlc="),
                Length,
                Past("data=["),
                Bytes,
            ],
        ],
        beside: &[],
        example: "Timestamp: 1700000000.000000    ID: 0351    S Rx                DL:  8    48 02 00 05 00 05 ae 01     Channel: can0",
    },
    Grammar {
        name: "BUSMASTER log",
        lines: &[&[Clock, Way, Channel, Padded, Width, Length, Bytes]],
        beside: &["***"],
        example: "10:55:26:7890 Rx 1 0x351 s 8 48 02 00 05 00 05 AE 01",
    },
    Grammar {
        name: "Kvaser CanKing log",
        lines: &[
            &[Channel, Padded, Wide("X"), Length, Bytes, Seconds, Way],
            &[Channel, Padded, Length, Bytes, Seconds, Way],
        ],
        beside: &["Chn", "="],
        example: " 0    00000351         8  48  02  00  05  00  05  AE  01       3.123450 R",
    },
    Grammar {
        // The counter of frames comes last.
        name: "Kvaser Memorator log",
        lines: &[
            &[Seconds, Channel, Padded, Length, Bytes, Number],
            &[Seconds, Channel, Padded, Wide("X"), Length, Bytes, Number],
        ],
        beside: &["Kvaser", "=", "Settings", "Format", "Timestamp", "CAN channel", "Time"],
        example: "    0.0023700  1        351              8  48 02 00 05 00 05 AE 01         1",
    },
    Grammar {
        name: "CRTD",
        lines: &[
            &[Seconds, Bus, Text("R11"), Padded, Bytes],
            &[Seconds, Bus, Text("T11"), Padded, Bytes],
            &[Seconds, Bus, Wide("R29"), Padded, Bytes],
            &[Seconds, Bus, Wide("T29"), Padded, Bytes],
            // Comments, events, settings.
            &[Seconds, Bus, Begin("C"), Other],
        ],
        beside: &[],
        example: "1700000000.100000 1R11 351 48 02 00 05 00 05 AE 01",
    },
    Grammar {
        name: "OpenDTU-OnBattery console",
        lines: &[
            &[Clock, Past("CAN message: 0x"), Id, Text("-"), Bytes],
            &[Past("CAN message: 0x"), Id, Text("-"), Bytes],
        ],
        beside: &[],
        example: "10:34:25.782 > [Pylontech] Received CAN message: 0x0351 - 48 02 00 05 00 05 AE 01",
    },
    Grammar {
        name: "ESPHome console",
        lines: &[
            &[Text("["), Clock, Past("can_id:"), Id, Past("hex:"), Bytes],
            &[Past("can_id:"), Id, Past("hex:"), Bytes],
        ],
        beside: &[],
        example: "[20:05:00.610][I][canbus:332]: send can_id: 0x351 hex: 48 2 0 5 0 5 ae 1",
    },
    Grammar {
        name: "Arduino mcp_can print",
        lines: &[
            &[Past("Standard ID:"), Padded, Text("DLC:"), Length, Text("Data:"), Bytes],
            &[Wide("Extended ID:"), Padded, Text("DLC:"), Length, Text("Data:"), Bytes],
        ],
        beside: &[],
        example: "Standard ID: 0x351       DLC: 8  Data: 0x48 0x02 0x00 0x05 0x00 0x05 0xAE 0x01",
    },
    Grammar {
        name: "JavaCAN log",
        lines: &[&[Date, Clock, Past("Buffer (HEX): ["), Struct], &[Past("Buffer (HEX): ["), Struct]],
        beside: &[],
        example: "2024-08-27 17:03:19.730 | DEBUG | Thread-3   | ocol.can.JavaCANPort:113   | CAN frame sending: Buffer (HEX): [0x51, 0x03, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x48, 0x02, 0x00, 0x05, 0x00, 0x05, 0xAE, 0x01]",
    },
    Grammar {
        name: "dbus-serialbattery log",
        lines: &[
            &[Date, Clock, Past("0x"), Padded, Past("bytearray("), Python],
            &[Tai, Past("0x"), Padded, Past("bytearray("), Python],
            &[Past("0x"), Padded, Past("bytearray("), Python],
        ],
        beside: &[],
        example: "2025-03-17 14:44:58.912123500 DEBUG:SerialBattery:[can0] Received: ID=0x351, Daten=bytearray(b'H\\x02\\x00\\x05\\x00\\x05\\xae\\x01')",
    },
    Grammar {
        name: "list of buffers",
        lines: &[&[Past("ID:"), Id, Past("Buffer:"), Bytes]],
        beside: &[],
        example: "ID: 351 Buffer: 48 2 0 5 0 5 AE 1 ",
    },
    Grammar {
        name: "candump log without times",
        lines: &[&[Id, Text("#"), Packed], &[Channel, Id, Text("#"), Packed]],
        beside: &[],
        example: "can0 351#480200050005AE01",
    },
    Grammar {
        name: "list of frames",
        lines: &[
            &[Padded, Text("["), Length, Text("]"), Bytes],
            &[Padded, Length, Bytes],
            &[Padded, Text(":"), Bytes],
            &[Seconds, Padded, Length, Bytes],
            &[Seconds, Channel, Padded, Length, Bytes],
            // The same as values of a table without a header.
            &[Seconds, Text(","), Padded, Text(","), Length, Bytes],
            // A whole number counts nobody knows what.
            &[Number, Padded, Length, Bytes],
        ],
        beside: &["ID", "---", "Time"],
        example: "351 8 48 2 0 5 0 5 AE 1",
    },
    Grammar {
        name: "candump behind a clock",
        lines: &[
            &[Date, Clock, Channel, Id, Text("["), Length, Text("]"), Bytes],
            &[Tai, Channel, Id, Text("["), Length, Text("]"), Bytes],
            &[Seconds, Channel, Id, Text("["), Length, Text("]"), Bytes],
            &[Month, Number, Clock, Channel, Id, Text("["), Length, Text("]"), Bytes],
        ],
        beside: &[],
        example: "2026-01-31 12:00:00.123456   can0  351   [8]  48 02 00 05 00 05 AE 01",
    },
    Grammar {
        name: "socketcand",
        lines: &[
            &[Text("<"), Text("frame"), Id, Seconds, Bytes, Text(">")],
            &[Text("<"), Text("frame"), Id, Seconds, Packed, Text(">")],
        ],
        beside: &["< hi", "< ok"],
        example: "< frame 351 1700000000.100000 480200050005AE01 >",
    },
    Grammar {
        name: "CAR BUS Analyzer trace",
        lines: &[&[Comma, Channel, Number, Padded, Length, Bytes]],
        beside: &["@"],
        example: "46,016\t1\t0004\t351\t8\t48 02 00 05 00 05 AE 01\t00000000\tH       ",
    },
    Grammar {
        name: "CANWise log",
        lines: &[&[Way, Number, Width, Padded, Length, Text("HEX"), Bytes, Micros]],
        beside: &["EV"],
        example: "RX 0000318 SFF 351 8 HEX   48  02  00  05  00  05  AE  01 0033299735 07.05.2022 14:10:08.135",
    },
    Grammar {
        name: "Microchip CAN BUS Analyzer log",
        lines: &[
            &[Seconds, Text(";RX;"), Padded, Text(";"), Length, Bytes],
            &[Seconds, Text(";TX;"), Padded, Text(";"), Length, Bytes],
            &[Millis, Text(";RX;"), Padded, Text(";"), Length, Bytes],
            &[Millis, Text(";TX;"), Padded, Text(";"), Length, Bytes],
        ],
        beside: &["//", "Microchip", "CAN BUS", "SavvyCAN", "Logging"],
        example: "610138;RX;0x00000351;8;0x48;0x02;0x00;0x05;0x00;0x05;0xAE;0x01;",
    },
    Grammar {
        name: "SavvyCAN trace",
        lines: &[&[Number, Clock, Padded, Length, Bytes]],
        beside: &[";"],
        example: "         1\t10:00:00:1234\t00000351\t8\t48 02 00 05 00 05 AE 01",
    },
    Grammar {
        // The first number is how long the identifier paused: no time.
        name: "cansniffer screen",
        lines: &[
            &[Number, Text("|"), Id, Text("|"), Bytes],
            &[Number, Text("|"), Text("----"), Id, Text("|"), Bytes],
            &[Pause, Id, Bytes],
            &[Number, Text("|ms"), Other],
        ],
        beside: &["--", "XX", "<"],
        example: "0.999870  351  48 02 00 05 00 05 AE 01 H.......",
    },
];
