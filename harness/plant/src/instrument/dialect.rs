//! The dialects of simulated supplies, as tables: headers in SCPI notation, and how the family answers.

use proto::scpi::Alarm;

/// How a family writes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// `48.000`
    Plain,
    /// `48.00 V`
    WithUnit,
    /// `4.80000E+01`
    Exponent,
}

/// What a header is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// `*IDN?`
    Identity,
    /// serial number alone
    SerialNumber,
    /// firmware alone
    Revision,
    /// chooses who is spoken to on a shared line
    Address,
    /// event register of IEEE 488.2
    Events,
    /// `*CLS`
    ClearStatus,
    /// `*OPC?`
    Complete,
    /// oldest entry of the error queue
    Errors,
    /// voltage setting
    Voltage,
    /// current limit
    Current,
    /// power limit
    Power,
    /// level of a protection
    OverVoltage,
    /// level of a protection
    OverCurrent,
    /// level of a protection
    OverPower,
    /// level of a protection, with `,ON` behind it
    LimitVoltage,
    /// level of a protection, with `,ON` behind it
    LimitCurrent,
    /// whether a protection is active
    GuardVoltage,
    /// whether a protection is active
    GuardCurrent,
    /// output on or off
    Output,
    /// CV or CC
    Mode,
    /// remote control
    Remote,
    /// control at the front panel
    Local,
    /// remote control on or off
    Lock,
    /// remote control as REMote or LOCal
    LockWord,
    /// who has control
    LockOwner,
    /// measured voltage
    MeasureVoltage,
    /// measured current
    MeasureCurrent,
    /// measured power
    MeasurePower,
    /// register of what has tripped, decimal
    Questionable,
    /// register of what has tripped, hexadecimal
    Fault,
    /// one trip; as a command, clears
    TrippedVoltage,
    /// one trip; as a command, clears
    TrippedCurrent,
    /// clears every trip
    Clear,
    /// watchdog on or off
    Watchdog,
    /// seconds that it waits
    WatchdogDelay,
    /// `SET,milliseconds` or `STOP`
    WatchdogSet,
    /// one of the four numbers of a solar curve: VOC, ISC, VMP, IMP
    Curve(usize),
    /// makes what was set active
    Trigger,
    /// taken without effect
    Quiet,
}

/// A header in SCPI notation and what it is about.
pub type Word = (&'static str, Does);

/// How a family of supplies speaks.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// name of the profile that fits
    pub name: &'static str,
    /// maker, model, serial number, firmware
    pub identity: &'static str,
    /// last byte of a line, either way
    pub ends_with: u8,
    /// every command is answered with `OK` or a code
    pub acknowledges: bool,
    /// nothing is heard before the address
    pub is_addressed: bool,
    /// settings need remote control first
    pub needs_remote: bool,
    /// an empty queue
    pub no_error: &'static str,
    /// how numbers are written
    pub numbers: Numbers,
    /// ON and OFF, or 1 and 0
    pub states_in_words: bool,
    /// YES and NO, or 1 and 0
    pub trips_in_words: bool,
    /// the over-current protection trips in constant current
    pub folds_back: bool,
    /// clearing a trip restores the output, unless it was switched off since
    pub clearing_resumes: bool,
    /// clearing a trip switches the output on, whatever was before
    pub clearing_energises: bool,
    /// switching on clears a trip
    pub clears_by_switching_on: bool,
    /// reading the queue clears a trip
    pub reading_errors_clears: bool,
    /// bits of the register of what has tripped
    pub alarm_bits: &'static [(Alarm, u8)],
    /// headers, the first that fits counts
    pub tables: &'static [&'static [Word]],
}

impl Dialect {
    /// Every header.
    pub(super) fn words(&self) -> impl Iterator<Item = Word> + use<> {
        self.tables.iter().flat_map(|table| table.iter().copied())
    }

    /// Whether something is always so, because no header switches it.
    pub(super) fn is_fixed(&self, does: Does) -> bool {
        self.words().all(|(_, known)| known != does)
    }
}

/// IEEE 488.2 and what SCPI-99 demands of everyone.
const COMMON: &[Word] = &[
    ("*IDN", Does::Identity),
    ("*ESR", Does::Events),
    ("*CLS", Does::ClearStatus),
    ("*OPC", Does::Complete),
    ("SYSTem:ERRor[:NEXT]", Does::Errors),
];

/// SCPI-99 Vol. 2: SOURce, OUTPut and MEASure.
const SOURCE: &[Word] = &[
    ("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", Does::Voltage),
    ("[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]", Does::Current),
    ("MEASure[:SCALar]:VOLTage[:DC]", Does::MeasureVoltage),
    ("MEASure[:SCALar]:CURRent[:DC]", Does::MeasureCurrent),
    ("MEASure[:SCALar]:POWer[:DC]", Does::MeasurePower),
];
const OUTPUT: &[Word] = &[("OUTPut[:STATe]", Does::Output)];
const REMOTE: &[Word] = &[("SYSTem:REMote", Does::Remote), ("SYSTem:LOCal", Does::Local)];
/// Levels and one command that clears.
const LEVELS: &[Word] = &[
    ("[SOURce:]VOLTage:PROTection[:LEVel]", Does::OverVoltage),
    ("[SOURce:]CURRent:PROTection[:LEVel]", Does::OverCurrent),
    ("STATus:QUEStionable:CONDition", Does::Questionable),
    ("OUTPut:PROTection:CLEar", Does::Clear),
];
/// Protections that are asked one by one.
const TRIPS: &[Word] = &[
    ("[SOURce:]VOLTage:PROTection[:LEVel]", Does::OverVoltage),
    ("[SOURce:]VOLTage:PROTection:STATe", Does::GuardVoltage),
    ("[SOURce:]VOLTage:PROTection:TRIPped", Does::TrippedVoltage),
    ("[SOURce:]VOLTage:PROTection:CLEar", Does::Clear),
    ("[SOURce:]CURRent:PROTection[:LEVel]", Does::OverCurrent),
    ("[SOURce:]CURRent:PROTection:STATe", Does::GuardCurrent),
    ("[SOURce:]CURRent:PROTection:TRIPped", Does::TrippedCurrent),
    ("[SOURce:]CURRent:PROTection:CLEar", Does::Clear),
];

/// SCPI-99 without anything of a maker.
pub const GENERIC: Dialect = Dialect {
    name: "generic",
    identity: "BUSBAR,SIMULATED PSU,0001,1.0",
    ends_with: b'\n',
    acknowledges: false,
    is_addressed: false,
    needs_remote: false,
    no_error: "0,\"No error\"",
    numbers: Numbers::Plain,
    states_in_words: false,
    trips_in_words: false,
    folds_back: false,
    clearing_resumes: false,
    clearing_energises: false,
    clears_by_switching_on: false,
    reading_errors_clears: false,
    alarm_bits: &[(Alarm::OverVoltage, 0), (Alarm::OverCurrent, 1), (Alarm::OverTemperature, 4)],
    tables: &[COMMON, SOURCE, OUTPUT, LEVELS],
};

/// EA Elektro-Automatik PSI and PSB.
pub const EA: Dialect = Dialect {
    name: "ea",
    identity: "EA Elektro-Automatik GmbH, PSI 9200-70 T, 2345670001, V2.05 09.08.2019, sun",
    needs_remote: true,
    numbers: Numbers::WithUnit,
    states_in_words: true,
    reading_errors_clears: true,
    alarm_bits: &[
        (Alarm::OverVoltage, 0),
        (Alarm::OverCurrent, 1),
        (Alarm::OverPower, 2),
        (Alarm::OverTemperature, 3),
    ],
    tables: &[
        COMMON,
        SOURCE,
        OUTPUT,
        LEVELS,
        &[
            ("[SOURce:]POWer[:LEVel][:IMMediate][:AMPLitude]", Does::Power),
            ("[SOURce:]POWer:PROTection[:LEVel]", Does::OverPower),
            ("SYSTem:LOCK[:STATe]", Does::Lock),
            ("SYSTem:LOCK:OWNer", Does::LockOwner),
        ],
    ],
    ..GENERIC
};

/// TDK-Lambda Genesys in its own serial language.
pub const GENESYS: Dialect = Dialect {
    name: "genesys",
    identity: "LAMBDA,GEN200-60,S/N:123-4567,REV:1U:4.3",
    ends_with: b'\r',
    acknowledges: true,
    is_addressed: true,
    needs_remote: true,
    states_in_words: true,
    folds_back: true,
    clears_by_switching_on: true,
    alarm_bits: &[
        (Alarm::PowerFail, 1),
        (Alarm::OverTemperature, 2),
        (Alarm::OverCurrent, 3),
        (Alarm::OverVoltage, 4),
        (Alarm::Interlock, 5),
    ],
    tables: &[&[
        ("ADR", Does::Address),
        ("IDN", Does::Identity),
        ("SN", Does::SerialNumber),
        ("REV", Does::Revision),
        ("RMT", Does::LockWord),
        ("OUT", Does::Output),
        ("PV", Does::Voltage),
        ("PC", Does::Current),
        ("MV", Does::MeasureVoltage),
        ("MC", Does::MeasureCurrent),
        ("OVP", Does::OverVoltage),
        ("FLD", Does::GuardCurrent),
        ("FLT", Does::Fault),
        ("CLS", Does::ClearStatus),
    ]],
    ..GENERIC
};

/// TDK-Lambda Genesys+ in SCPI.
pub const GENESYS_PLUS: Dialect = Dialect {
    name: "genesys-plus",
    identity: "TDK-LAMBDA,GSP200-75-3P,20A0001,G:01.100",
    states_in_words: true,
    folds_back: true,
    alarm_bits: &[
        (Alarm::OverVoltage, 0),
        (Alarm::OverCurrent, 1),
        (Alarm::OverTemperature, 4),
        (Alarm::Watchdog, 15),
    ],
    tables: &[
        COMMON,
        SOURCE,
        OUTPUT,
        &[
            ("[SOURce:]VOLTage:PROTection[:LEVel]", Does::OverVoltage),
            ("[SOURce:]CURRent:PROTection[:STATe]", Does::GuardCurrent),
            ("STATus:QUEStionable:CONDition", Does::Questionable),
            ("OUTPut:PROTection:CLEar", Does::Clear),
            ("SYSTem[:COMMunicate]:WATCHdog[:STATe]", Does::Watchdog),
            ("SYSTem[:COMMunicate]:WATCHdog:TIMe", Does::WatchdogDelay),
        ],
    ],
    ..GENERIC
};

/// Delta Elektronika SM15K: short forms of its own.
pub const DELTA: Dialect = Dialect {
    name: "delta",
    identity: "DELTA ELEKTRONIKA BV,SM200-CP-60,000000001,P0150",
    needs_remote: true,
    no_error: "0,None",
    tables: &[
        COMMON,
        &[
            ("SOURce:VOLtage", Does::Voltage),
            ("SOURce:CURrent", Does::Current),
            ("MEASure:VOLtage", Does::MeasureVoltage),
            ("MEASure:CURrent", Does::MeasureCurrent),
            ("OUTPut", Does::Output),
            ("SYSTem:LIMits:VOLtage", Does::LimitVoltage),
            ("SYSTem:LIMits:CURrent", Does::LimitCurrent),
            ("SYSTem:REMote:CV[:STATus]", Does::LockWord),
            ("SYSTem:REMote:CC[:STATus]", Does::LockWord),
            ("SYSTem:COMmunicate:WATchdog", Does::WatchdogSet),
        ],
    ],
    ..GENERIC
};

/// Chroma 62000H-S, a solar array simulator.
pub const CHROMA: Dialect = Dialect {
    name: "chroma",
    identity: "CHROMA,62150H-600S,62150HS00001,01.20",
    needs_remote: true,
    numbers: Numbers::Exponent,
    states_in_words: true,
    alarm_bits: &[
        (Alarm::OverVoltage, 0),
        (Alarm::OverCurrent, 1),
        (Alarm::OverPower, 2),
        (Alarm::OverTemperature, 4),
    ],
    tables: &[
        COMMON,
        SOURCE,
        &[
            ("CONFigure:REMote", Does::Lock),
            ("CONFigure:OUTPut", Does::Output),
            ("[SOURce:]VOLTage:PROTection:HIGH", Does::OverVoltage),
            ("[SOURce:]CURRent:PROTection:HIGH", Does::OverCurrent),
            ("STATus:QUEStionable:CONDition", Does::Questionable),
            ("OUTPut:PROTection:CLEar", Does::Clear),
            ("SAS:VOC", Does::Curve(0)),
            ("SAS:ISC", Does::Curve(1)),
            ("SAS:VMP", Does::Curve(2)),
            ("SAS:IMP", Does::Curve(3)),
            ("TRIGger", Does::Trigger),
        ],
    ],
    ..GENERIC
};

/// Keysight N7900 and RP7900: clearing a trip restores the output.
pub const KEYSIGHT: Dialect = Dialect {
    name: "keysight",
    identity: "Keysight Technologies,N7973A,MY00000001,B.01.02.1215",
    folds_back: true,
    clearing_resumes: true,
    alarm_bits: &[
        (Alarm::OverVoltage, 0),
        (Alarm::OverCurrent, 1),
        (Alarm::PowerFail, 2),
        (Alarm::OverTemperature, 4),
        (Alarm::Watchdog, 11),
    ],
    tables: &[
        COMMON,
        SOURCE,
        OUTPUT,
        &[
            ("[SOURce:]VOLTage:PROTection[:LEVel]", Does::OverVoltage),
            ("[SOURce:]CURRent:PROTection:STATe", Does::GuardCurrent),
            ("STATus:QUEStionable:CONDition", Does::Questionable),
            ("OUTPut:PROTection:CLEar", Does::Clear),
            ("OUTPut:PROTection:WDOG[:STATe]", Does::Watchdog),
            ("OUTPut:PROTection:WDOG:DELay", Does::WatchdogDelay),
        ],
    ],
    ..GENERIC
};

/// ITECH IT6800: clearing a trip resumes the output.
pub const ITECH: Dialect = Dialect {
    name: "itech",
    identity: "ITECH Ltd., IT6874A, 800000020007001, 1.23-1.00",
    needs_remote: true,
    clearing_resumes: true,
    tables: &[COMMON, SOURCE, OUTPUT, REMOTE, TRIPS],
    ..GENERIC
};

/// Rigol DP800: outputs with numbers, and what `sigrok-cli` asks besides.
pub const RIGOL: Dialect = Dialect {
    name: "rigol",
    identity: "RIGOL TECHNOLOGIES,DP832,DP8A000000001,00.01.16",
    states_in_words: true,
    trips_in_words: true,
    tables: &[
        COMMON,
        SOURCE,
        OUTPUT,
        REMOTE,
        &[
            ("MEASure:POWEr[:DC]", Does::MeasurePower),
            ("OUTPut:MODE", Does::Mode),
            ("OUTPut:OVP[:STATe]", Does::GuardVoltage),
            ("OUTPut:OVP:VALue", Does::OverVoltage),
            ("OUTPut:OVP:QUES", Does::TrippedVoltage),
            ("OUTPut:OVP:CLEAR", Does::TrippedVoltage),
            ("OUTPut:OCP[:STATe]", Does::GuardCurrent),
            ("OUTPut:OCP:VALue", Does::OverCurrent),
            ("OUTPut:OCP:QUES", Does::TrippedCurrent),
            ("OUTPut:OCP:CLEAR", Does::TrippedCurrent),
            ("INSTrument:NSELect", Does::Quiet),
            ("SYSTem:BEEPer[:STATe]", Does::Quiet),
            ("SYSTem:OTP", Does::Quiet),
        ],
    ],
    ..GENERIC
};

/// Agilent E363x.
pub const AGILENT: Dialect = Dialect {
    name: "agilent",
    identity: "HEWLETT-PACKARD,E3632A,0,1.1-5.0-1.0",
    needs_remote: true,
    numbers: Numbers::Exponent,
    clearing_resumes: true,
    tables: &[COMMON, SOURCE, OUTPUT, REMOTE, TRIPS],
    ..GENERIC
};

/// Every dialect.
pub static DIALECTS: &[Dialect] =
    &[EA, GENESYS, GENESYS_PLUS, DELTA, CHROMA, KEYSIGHT, ITECH, RIGOL, AGILENT, GENERIC];

/// The dialect that fits a profile.
#[must_use]
pub fn of(profile: &str) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|dialect| dialect.name == profile)
}
