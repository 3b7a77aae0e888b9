//! The PGNs of *Data communication with Victron Energy products*, and those that any device of such a bus sends. A field is
//! its first bit, how many bits, what they are, and the unit; a number is (raw + offset) × mul ÷ per.
//!
//! All ones (unsigned) or the highest (signed) is not available, the one below out of range; in 2 bits 3 and 2. In messages of
//! J1939 the first byte says it: 0xFF not available, from 0xFB on not valid.

/// A message.
#[derive(Debug)]
pub struct Pgn {
    /// its number
    pub number: u32,
    /// its name
    pub name: &'static str,
    /// whether it is sent as a fast packet: the number decides, never the length
    pub is_fast: bool,
    /// its usual priority
    pub priority: u8,
    /// milliseconds between two, where it is sent by itself
    pub interval: Option<u32>,
    /// whether numbers are those of J1939
    pub is_j1939: bool,
    /// its fields, but those of the group
    pub fields: &'static [Field],
    /// what it has several of
    pub group: Option<Group>,
}

/// Fields that stand several times.
#[derive(Debug)]
pub struct Group {
    /// the first bit of the first
    pub at: usize,
    /// bits of one
    pub bits: usize,
    /// how many there are
    pub count: Count,
    /// their bits count from the begin of each
    pub fields: &'static [Field],
}

/// How many there are of a group.
#[derive(Debug, Clone, Copy)]
pub enum Count {
    /// always so many
    Fixed(u8),
    /// as many as this byte says
    Byte(usize),
}

/// Some bits.
#[derive(Debug)]
pub struct Field {
    /// its name
    pub name: &'static str,
    /// its first bit
    pub at: usize,
    /// how many
    pub bits: usize,
    /// what they are
    pub kind: Kind,
    /// of a number
    pub unit: &'static str,
}

/// What the bits of a field are.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// a number
    Number {
        /// in two's complement
        signed: bool,
        /// added to the raw number
        offset: i64,
        /// then multiplied by this
        mul: i32,
        /// and divided by that
        per: i32,
    },
    /// a code with a word for each value
    Word(&'static [(u32, &'static str)]),
    /// a code without words, of which every value is one
    Code,
    /// a text
    Text,
}

/// The row of a PGN.
#[must_use]
pub fn pgn(number: u32) -> Option<&'static Pgn> {
    PGNS.binary_search_by_key(&number, |row| row.number).ok().map(|found| &PGNS[found])
}

const fn unsigned(name: &'static str, at: usize, bits: usize, per: i32, unit: &'static str) -> Field {
    Field { name, at, bits, kind: Kind::Number { signed: false, offset: 0, mul: 1, per }, unit }
}
const fn signed(name: &'static str, at: usize, bits: usize, per: i32, unit: &'static str) -> Field {
    Field { name, at, bits, kind: Kind::Number { signed: true, offset: 0, mul: 1, per }, unit }
}
const fn minutes(name: &'static str, at: usize) -> Field {
    Field { name, at, bits: 16, kind: Kind::Number { signed: false, offset: 0, mul: 60, per: 1 }, unit: "s" }
}
/// A power of J1939: 0 W is 2 000 000 000.
const fn power(name: &'static str, at: usize, unit: &'static str) -> Field {
    Field {
        name,
        at,
        bits: 32,
        kind: Kind::Number { signed: false, offset: -2_000_000_000, mul: 1, per: 1 },
        unit,
    }
}
const fn word(name: &'static str, at: usize, bits: usize, words: &'static [(u32, &'static str)]) -> Field {
    Field { name, at, bits, kind: Kind::Word(words), unit: "" }
}
const fn code(name: &'static str, at: usize, bits: usize) -> Field {
    Field { name, at, bits, kind: Kind::Code, unit: "" }
}
const fn text(name: &'static str, at: usize) -> Field {
    Field { name, at, bits: 32 * 8, kind: Kind::Text, unit: "" }
}
const fn sid(at: usize) -> Field {
    unsigned("sid", at, 8, 1, "")
}
const fn instance(at: usize) -> Field {
    unsigned("instance", at, 8, 1, "")
}

const OFF_ON: &[(u32, &str)] = &[(0, "off"), (1, "on"), (2, "error")];
const GOOD: &[(u32, &str)] = &[(0, "good"), (1, "warning"), (2, "error")];
const MANUFACTURERS: &[(u32, &str)] = &[
    (135, "Airmar"),
    (137, "Maretron"),
    (176, "Carling Technologies"),
    (229, "Garmin"),
    (273, "Actisense"),
    (275, "Navico"),
    (295, "BEP Marine"),
    (304, "EmpirBus"),
    (307, "Xantrex"),
    (355, "Mastervolt"),
    (358, "Victron Energy"),
    (381, "B & G"),
    (1851, "Raymarine"),
];
const INDUSTRIES: &[(u32, &str)] = &[
    (0, "global"),
    (1, "highway"),
    (2, "agriculture"),
    (3, "construction"),
    (4, "marine"),
    (5, "industrial"),
];
const CLASSES: &[(u32, &str)] = &[
    (0, "reserved"),
    (10, "system tools"),
    (20, "safety systems"),
    (25, "internetwork device"),
    (30, "electrical distribution"),
    (35, "electrical generation"),
    (40, "steering and control surfaces"),
    (50, "propulsion"),
    (60, "navigation"),
    (70, "communication"),
    (75, "sensor communication interface"),
    (80, "instrumentation"),
    (85, "external environment"),
    (90, "internal environment"),
    (100, "deck, cargo and fishing equipment"),
    (110, "human interface"),
    (120, "display"),
    (125, "entertainment"),
];
const GROUP_FUNCTIONS: &[(u32, &str)] = &[
    (0, "request"),
    (1, "command"),
    (2, "acknowledge"),
    (3, "read fields"),
    (4, "read fields reply"),
    (5, "write fields"),
    (6, "write fields reply"),
];
const CHARGE_MODES: &[(u32, &str)] = &[(0, "standalone"), (1, "primary"), (2, "secondary"), (3, "echo")];
/// As `CS` of VE.Direct.
const CONVERTER_STATES: &[(u32, &str)] = &[
    (0, "off"),
    (1, "low power"),
    (2, "fault"),
    (3, "bulk"),
    (4, "absorption"),
    (5, "float"),
    (6, "storage"),
    (7, "equalise"),
    (8, "pass-through"),
    (9, "inverting"),
    (10, "assisting"),
];

const REGISTER: &[Field] = &[
    word("manufacturer", 0, 11, MANUFACTURERS),
    code("reserved", 11, 2),
    word("industry", 13, 3, INDUSTRIES),
    code("register", 16, 16),
];

const AC_LINE: &[Field] = &[
    word("line", 0, 2, &[(0, "line 1"), (1, "line 2"), (2, "line 3")]),
    word(
        "acceptability",
        2,
        2,
        &[(0, "bad level"), (1, "bad frequency"), (2, "being qualified"), (3, "good")],
    ),
    unsigned("voltage", 8, 16, 100, "V"),
    unsigned("current", 24, 16, 10, "A"),
    unsigned("frequency", 40, 16, 100, "Hz"),
    unsigned("breaker size", 56, 16, 10, "A"),
    unsigned("real power", 72, 32, 1, "W"),
    unsigned("reactive power", 104, 32, 1, "VAr"),
    signed("power factor", 136, 8, 100, ""),
];
const AC_LINES: Option<Group> = Some(Group { at: 16, bits: 144, count: Count::Byte(1), fields: AC_LINE });
const AC_FIELDS: &[Field] = &[instance(0), unsigned("lines", 8, 8, 1, "")];

const UTILITY_POWER: &[Field] = &[power("real power", 0, "W"), power("apparent power", 32, "VA")];
const UTILITY_BASIC: &[Field] = &[
    unsigned("line-line voltage", 0, 16, 1, "V"),
    unsigned("line-neutral voltage", 16, 16, 1, "V"),
    unsigned("frequency", 32, 16, 128, "Hz"),
    unsigned("current", 48, 16, 1, "A"),
];

const fn row(
    number: u32,
    name: &'static str,
    priority: u8,
    interval: Option<u32>,
    fields: &'static [Field],
) -> Pgn {
    Pgn { number, name, is_fast: false, priority, interval, is_j1939: false, fields, group: None }
}
const fn fast(
    number: u32,
    name: &'static str,
    priority: u8,
    interval: Option<u32>,
    fields: &'static [Field],
) -> Pgn {
    Pgn { is_fast: true, ..row(number, name, priority, interval, fields) }
}
const fn j1939(number: u32, name: &'static str, fields: &'static [Field]) -> Pgn {
    Pgn { is_j1939: true, ..row(number, name, 3, Some(1000), fields) }
}
/// What the document says: 1.5 s.
const NOMINAL: Option<u32> = Some(1500);

/// In the order of their numbers.
pub static PGNS: &[Pgn] = &[
    row(59_904, "ISO request", 6, None, &[code("pgn", 0, 24)]),
    row(
        60_928,
        "ISO address claim",
        6,
        None,
        &[
            code("unique number", 0, 21),
            word("manufacturer", 21, 11, MANUFACTURERS),
            code("device instance lower", 32, 3),
            code("device instance upper", 35, 5),
            code("function", 40, 8),
            word("class", 49, 7, CLASSES),
            code("system instance", 56, 4),
            word("industry", 60, 3, INDUSTRIES),
            word("arbitrary address", 63, 1, &[(0, "no"), (1, "yes")]),
        ],
    ),
    // The number of a register, then four bytes as that has them: `Message::register`.
    row(61_184, "proprietary, addressed", 7, None, REGISTER),
    j1939(65_007, "AC power of phase C (J1939-75)", UTILITY_POWER),
    j1939(65_008, "AC basic quantities of phase C (J1939-75)", UTILITY_BASIC),
    j1939(65_010, "AC power of phase B (J1939-75)", UTILITY_POWER),
    j1939(65_011, "AC basic quantities of phase B (J1939-75)", UTILITY_BASIC),
    j1939(65_013, "AC power (J1939-75)", UTILITY_POWER),
    j1939(65_014, "AC basic quantities (J1939-75)", UTILITY_BASIC),
    fast(126_208, "group function", 3, None, &[word("function", 0, 8, GROUP_FUNCTIONS), code("pgn", 8, 24)]),
    fast(
        126_996,
        "product information",
        6,
        None,
        &[
            unsigned("nmea 2000 version", 0, 16, 1000, ""),
            code("product code", 16, 16),
            text("model", 32),
            text("software version", 288),
            text("model version", 544),
            text("serial number", 800),
            unsigned("certification level", 1056, 8, 1, ""),
            unsigned("load equivalency", 1064, 8, 1, ""),
        ],
    ),
    Pgn {
        group: Some(Group {
            at: 8,
            bits: 2,
            count: Count::Fixed(28),
            fields: &[word("indicator", 0, 2, OFF_ON)],
        }),
        ..row(127_501, "binary switch bank status", 3, None, &[instance(0)])
    },
    Pgn { group: AC_LINES, ..fast(127_503, "AC input status", 6, NOMINAL, AC_FIELDS) },
    Pgn { group: AC_LINES, ..fast(127_504, "AC output status", 6, NOMINAL, AC_FIELDS) },
    fast(
        127_506,
        "DC detailed status",
        6,
        NOMINAL,
        &[
            sid(0),
            instance(8),
            word(
                "dc type",
                16,
                8,
                &[
                    (0, "battery"),
                    (1, "alternator"),
                    (2, "converter"),
                    (3, "solar cell"),
                    (4, "wind generator"),
                ],
            ),
            unsigned("state of charge", 24, 8, 1, "%"),
            unsigned("state of health", 32, 8, 1, "%"),
            minutes("time remaining", 40),
            unsigned("ripple voltage", 56, 16, 1000, "V"),
            unsigned("remaining capacity", 72, 16, 1, "Ah"),
        ],
    ),
    fast(
        127_507,
        "charger status",
        6,
        NOMINAL,
        &[
            instance(0),
            unsigned("battery instance", 8, 8, 1, ""),
            word(
                "operating state",
                16,
                4,
                &[
                    (0, "not charging"),
                    (1, "bulk"),
                    (2, "absorption"),
                    (3, "overcharge"),
                    (4, "equalise"),
                    (5, "float"),
                    (6, "no float"),
                    (7, "constant VI"),
                    (8, "disabled"),
                    (9, "fault"),
                ],
            ),
            word("charge mode", 20, 4, CHARGE_MODES),
            word("enabled", 24, 2, OFF_ON),
            word("equalization pending", 26, 2, OFF_ON),
            minutes("equalization time remaining", 32),
        ],
    ),
    row(
        127_508,
        "battery status",
        6,
        NOMINAL,
        &[
            instance(0),
            signed("voltage", 8, 16, 100, "V"),
            signed("current", 24, 16, 10, "A"),
            unsigned("temperature", 40, 16, 100, "K"),
            sid(56),
        ],
    ),
    // Four bytes, and a fast packet all the same.
    fast(
        127_509,
        "inverter status",
        6,
        NOMINAL,
        &[
            instance(0),
            unsigned("ac instance", 8, 8, 1, ""),
            unsigned("dc instance", 16, 8, 1, ""),
            word(
                "operating state",
                24,
                4,
                &[(0, "invert"), (1, "AC pass-through"), (2, "load sense"), (3, "fault"), (4, "disabled")],
            ),
            word("enabled", 28, 2, OFF_ON),
        ],
    ),
    fast(
        127_510,
        "charger configuration",
        6,
        None,
        &[
            instance(0),
            unsigned("battery instance", 8, 8, 1, ""),
            word("enabled", 16, 2, OFF_ON),
            unsigned("charge current limit", 24, 8, 1, "%"),
            word("charging algorithm", 32, 4, &[]),
            word("charger mode", 36, 4, CHARGE_MODES),
            word("temperature setting", 40, 4, &[]),
            word("equalization enabled", 44, 2, OFF_ON),
            word("over-charge enabled", 46, 2, OFF_ON),
            minutes("equalization time remaining", 48),
        ],
    ),
    row(
        127_750,
        "converter status",
        6,
        None,
        &[
            sid(0),
            unsigned("connection", 8, 8, 1, ""),
            word("operating state", 16, 8, CONVERTER_STATES),
            word("temperature state", 24, 2, GOOD),
            word("overload state", 26, 2, GOOD),
            word("low DC voltage state", 28, 2, GOOD),
            word("ripple state", 30, 2, GOOD),
        ],
    ),
    row(
        127_751,
        "DC voltage and current",
        6,
        None,
        &[
            sid(0),
            unsigned("connection", 8, 8, 1, ""),
            unsigned("voltage", 16, 16, 10, "V"),
            signed("current", 32, 24, 100, "A"),
        ],
    ),
];
