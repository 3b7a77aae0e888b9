//! Who a supply says it is: `*IDN?` (IEEE 488.2, 10.14).

use core::fmt;

/// The answer to `*IDN?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// maker
    pub maker: String,
    /// model
    pub model: String,
    /// serial number; `0` where the supply does not know it
    pub serial: String,
    /// version of its firmware
    pub firmware: String,
    /// a fifth field: what the owner wrote into the supply
    pub note: Option<String>,
}

impl Identity {
    /// Splits an answer of four or five fields.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(',').map(|field| field.trim().to_owned());
        let identity = Self {
            maker: fields.next()?,
            model: fields.next()?,
            serial: fields.next()?,
            firmware: fields.next()?,
            note: fields.next(),
        };
        let whole = fields.next().is_none() && !identity.maker.is_empty() && !identity.model.is_empty();
        whole.then_some(identity)
    }

    /// Whether this is the same apparatus: a changed note or firmware does not make it another one.
    #[must_use]
    pub fn is_same_supply(&self, other: &Self) -> bool {
        (&self.maker, &self.model, &self.serial) == (&other.maker, &other.model, &other.serial)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{} {}, serial number {}, {}", self.maker, self.model, self.serial, self.firmware);
        f.write_str(&text.escape_debug().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "EA Elektro-Automatik GmbH, PSI 9080-60 T, 1234560001, V2.05 09.08.2019, sun",
        "PSI 9080-60 T",
        Some("sun")
    )]
    #[case("RIGOL TECHNOLOGIES,DP832,DP8A000001,00.01.16", "DP832", None)]
    #[case("HEWLETT-PACKARD,E3632A,0,1.1-5.0-1.0", "E3632A", None)]
    #[case("EA,PSB 10080-1000,1,V1,", "PSB 10080-1000", Some(""))]
    fn four_or_five_fields(#[case] line: &str, #[case] model: &str, #[case] note: Option<&str>) {
        let identity = Identity::parse(line).expect("an identity");
        assert_eq!((identity.model.as_str(), identity.note.as_deref()), (model, note));
    }

    #[rstest]
    #[case("")]
    #[case("48.00 V")]
    #[case("a,b,c")]
    #[case("a,b,c,d,e,f")]
    #[case(",,,")]
    fn what_is_no_identity(#[case] line: &str) {
        assert_eq!(Identity::parse(line), None);
    }

    #[test]
    fn another_serial_number_is_another_supply() {
        let of = |line| Identity::parse(line).expect("an identity");
        let (a, b) = (of("EA,PSI,1,V1"), of("EA,PSI,2,V1"));
        assert!(!a.is_same_supply(&b) && a.is_same_supply(&of("EA,PSI,1,V2,note")));
    }
}
