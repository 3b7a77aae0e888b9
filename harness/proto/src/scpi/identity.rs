//! Who a supply says it is: `*IDN?` (IEEE 488.2, 10.14).

use core::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

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

/// One field of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// maker
    Maker,
    /// model
    Model,
    /// serial number
    Serial,
    /// version of the firmware
    Firmware,
    /// what the owner wrote into the supply
    Note,
}

impl Field {
    /// The order of IEEE 488.2, 10.14.
    pub const STANDARD: [Self; 4] = [Self::Maker, Self::Model, Self::Serial, Self::Firmware];
}

impl Identity {
    /// Splits an answer of four or five fields, in the order of the standard.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(',').map(bare).collect();
        let (told, note) = match fields.as_slice() {
            [told @ .., note] if told.len() == Field::STANDARD.len() => (told, Some((*note).to_owned())),
            told => (told, None),
        };
        let identity = Self::of(&Field::STANDARD, told)?;
        Some(Self { note, ..identity })
    }

    /// Splits an answer whose fields come in another order. Commas beyond them belong to the first field: the maker's
    /// name, as in `LAMBDA, TDK`.
    #[must_use]
    pub fn parse_as(line: &str, order: &[Field]) -> Option<Self> {
        let rest = order.len().checked_sub(1)?;
        let mut fields: Vec<&str> = line.rsplitn(rest + 1, ',').map(bare).collect();
        fields.reverse();
        Self::of(order, &fields)
    }

    /// Nothing where the number of fields differs, or maker or model are empty.
    fn of(order: &[Field], fields: &[&str]) -> Option<Self> {
        let told = |which| {
            let at = order.iter().position(|field| *field == which)?;
            Some((*fields.get(at)?).to_owned())
        };
        let identity = Self {
            // Korad says maker and model in one word, others no maker at all.
            maker: match order.contains(&Field::Maker) {
                true => told(Field::Maker)?,
                false => told(Field::Model)?,
            },
            model: told(Field::Model)?,
            serial: told(Field::Serial).unwrap_or_default(),
            firmware: told(Field::Firmware).unwrap_or_default(),
            note: told(Field::Note),
        };
        let whole = fields.len() == order.len() && !identity.maker.is_empty() && !identity.model.is_empty();
        whole.then_some(identity)
    }

    /// Whether this is the same apparatus: a changed note or firmware does not make it another one.
    #[must_use]
    pub fn is_same_supply(&self, other: &Self) -> bool {
        (&self.maker, &self.model, &self.serial) == (&other.maker, &other.model, &other.serial)
    }
}

/// A field without blanks and quotation marks around it.
fn bare(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|field| field.strip_suffix('"')).unwrap_or(field)
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

    /// Chroma: firmware before serial number (62000P manual, p. 118); a maker with a comma; a maker that tells three.
    #[rstest]
    #[case("CHROMA,62150H-600S,01.20,62150HS00001", &[Field::Maker, Field::Model, Field::Firmware, Field::Serial], "62150HS00001")]
    #[case("Maker, Inc.,PSU-1,SN7,1.0", &Field::STANDARD, "SN7")]
    #[case("CHROMA,62012P-80-60,01.70", &[Field::Maker, Field::Model, Field::Firmware], "")]
    #[case("\"ARRAY\",\"3645A\",\"0012\",\"2.07\"", &Field::STANDARD, "0012")]
    #[case("PSW80-40.5,TW1234567,01.70", &[Field::Model, Field::Serial, Field::Firmware], "TW1234567")]
    #[case("Sorensen, Division of Elgar, SGI200X25D, 0123A04567, 1.24, 2.1",
        &[Field::Maker, Field::Model, Field::Serial, Field::Firmware, Field::Note], "0123A04567")]
    fn an_order_of_its_own(#[case] line: &str, #[case] order: &[Field], #[case] serial: &str) {
        let identity = Identity::parse_as(line, order).expect("an identity");
        assert_eq!(identity.serial, serial, "{identity:?}");
        assert!(identity.model.contains(char::is_numeric), "{identity:?}");
        assert_eq!(Identity::parse_as("a,b", order), None);
    }

    #[test]
    fn another_serial_number_is_another_supply() {
        let of = |line| Identity::parse(line).expect("an identity");
        let (a, b) = (of("EA,PSI,1,V1"), of("EA,PSI,2,V1"));
        assert!(!a.is_same_supply(&b) && a.is_same_supply(&of("EA,PSI,1,V2,note")));
    }
}
