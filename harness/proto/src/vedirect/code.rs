//! What codes and bits stand for. The names of errors are those of Victron's own `charger_error.h`.

/// `CS`, register 0x0201: what a charger or an inverter does.
pub static STATES: &[(u8, &str)] = &[
    (0, "off"),
    (1, "low power"),
    (2, "fault"),
    (3, "bulk"),
    (4, "absorption"),
    (5, "float"),
    (6, "storage"),
    (7, "equalise by hand"),
    (8, "pass-through"),
    (9, "inverting"),
    (10, "assisting"),
    (11, "power supply"),
    (244, "sustain"),
    (245, "starting"),
    (246, "repeated absorption"),
    (247, "equalise"),
    (248, "battery safe"),
    (249, "load detect"),
    (250, "blocked"),
    (251, "test"),
    (252, "external control"),
    (255, "unknown"),
];

/// `MODE`, register 0x0200: what it was told to do.
pub static MODES: &[(u8, &str)] = &[
    (1, "charger only"),
    (2, "inverter only"),
    (3, "on"),
    (4, "off"),
    (5, "eco"),
    (252, "stand-by"),
    (253, "hibernate"),
];

/// `MON`: what the instrument measures. One that is not 0 is no battery monitor.
pub static MONITORED: &[(i8, &str)] = &[
    (-9, "solar charger"),
    (-8, "wind charger"),
    (-7, "shaft generator"),
    (-6, "alternator"),
    (-5, "fuel cell"),
    (-4, "water generator"),
    (-3, "DC/DC charger"),
    (-2, "AC charger"),
    (-1, "source"),
    (0, "battery"),
    (1, "load"),
    (2, "electric drive"),
    (3, "fridge"),
    (4, "water pump"),
    (5, "bilge pump"),
    (6, "DC system"),
    (7, "inverter"),
    (8, "water heater"),
];

/// `ERR`, register 0xEDDA.
pub static ERRORS: &[(u8, &str)] = &[
    (0, "none"),
    (1, "battery too hot"),
    (2, "battery voltage too high"),
    (3, "remote temperature sensor"),
    (4, "remote temperature sensor"),
    (5, "remote temperature sensor lost"),
    (6, "remote voltage sense"),
    (7, "remote voltage sense"),
    (8, "remote voltage sense lost"),
    (9, "wire losses"),
    (10, "battery voltage too low"),
    (11, "ripple too high"),
    (12, "state of charge too low"),
    (13, "middle of the bank"),
    (14, "battery too cold"),
    (17, "charger too hot"),
    (18, "over-current"),
    (19, "current reversed"),
    (20, "bulk for too long"),
    (21, "current sensor"),
    (22, "internal temperature sensor"),
    (23, "internal temperature sensor"),
    (24, "fan"),
    (25, "fan"),
    (26, "terminals too hot"),
    (27, "short circuit"),
    (28, "power stage"),
    (29, "over-charge protection"),
    (33, "PV voltage too high"),
    (34, "PV current too high"),
    (35, "PV power too high"),
    (36, "PV polarity"),
    (38, "input shut down, battery voltage too high"),
    (39, "input shut down"),
    (40, "input shut down"),
    (41, "isolation of PV"),
    (42, "ground current"),
    (43, "ground fault"),
    (48, "DVCC with firmware that cannot do it"),
    (50, "inverter overload"),
    (51, "inverter too hot"),
    (52, "inverter peak current"),
    (53, "inverter output voltage"),
    (54, "inverter output voltage"),
    (55, "inverter self-test"),
    (56, "inverter self-test"),
    (57, "inverter voltage on its output"),
    (58, "inverter self-test"),
    (65, "a device of its network is lost"),
    (66, "an incompatible device is in its network"),
    (67, "BMS lost"),
    (68, "network misconfigured"),
    (69, "network misconfigured"),
    (70, "network misconfigured"),
    (71, "network misconfigured"),
    (72, "phase rotation"),
    (73, "AC inputs"),
    (74, "AC phases"),
    (75, "network"),
    (76, "network"),
    (77, "network"),
    (80, "PV input shorted"),
    (81, "PV input shorted"),
    (82, "PV input shorted"),
    (83, "PV input shorted"),
    (84, "PV input shorted"),
    (85, "PV input shorted"),
    (86, "PV input shorted"),
    (87, "PV input shorted"),
    (113, "its storage cannot be written"),
    (114, "processor too hot"),
    (116, "calibration lost"),
    (117, "firmware does not fit"),
    (118, "hardware does not fit"),
    (119, "settings lost"),
    (120, "reference voltage"),
    (121, "tester"),
    (122, "history lost"),
    (123, "energy counters"),
];

/// `OR`, register 0x0207: why it is off, from bit 0 on. Bits 10 to 15 are from Victron's header alone.
pub static OFF_REASONS: &[&str] = &[
    "no input power",
    "power switch",
    "switched off by its mode",
    "remote input",
    "protection",
    "pay as you go",
    "BMS",
    "engine shutdown",
    "analysing the input voltage",
    "battery too cold",
    "no PV power",
    "battery low",
    "mains low",
    "out of step in parallel",
    "too few inverters",
    "alarm",
];

/// The bit of `OR` that says that the BMS stopped the charger.
pub const STOPPED_BY_BMS: u32 = 1 << 6;

/// `AR` and `WARN`, registers 0x031E and 0x031C: from bit 0 on. `AR` keeps the first reason until all is well again.
pub static ALARM_REASONS: &[&str] = &[
    "low voltage",
    "high voltage",
    "low state of charge",
    "low starter voltage",
    "high starter voltage",
    "low temperature",
    "high temperature",
    "middle of the bank",
    "overload",
    "DC ripple",
    "low AC output voltage",
    "high AC output voltage",
    "short circuit",
    "BMS lock-out",
    "BMS cable",
];

/// The word of a code.
#[must_use]
pub fn word<T: Copy + PartialEq>(table: &[(T, &'static str)], code: T) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == code).map(|(_, word)| *word)
}

/// The words of the bits that are set; `None` for one that is not known.
pub fn bits(table: &'static [&'static str], mask: u32) -> impl Iterator<Item = Option<&'static str>> {
    (0..u32::BITS).filter(move |bit| mask >> bit & 1 == 1).map(|bit| table.get(bit as usize).copied())
}
