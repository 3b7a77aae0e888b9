//! How changes of the world are written: the words of a suite, with units.

/// An 11-bit identifier as `"0x351"`.
pub(super) mod id {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::fault::Id;

    pub(in super::super) fn serialize<S: Serializer>(id: &u16, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&Id(*id))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u16, D::Error> {
        let Id(id) = String::deserialize(d)?.parse().map_err(D::Error::custom)?;
        Ok(id)
    }
}

/// A span as `"20 s"`: evidence keeps times as numbers, people write them with units.
pub(super) mod span {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::quantity::Micros;

    pub(in super::super) fn serialize<S: Serializer>(span: &Micros, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&span.span())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Micros, D::Error> {
        Micros::deserialize(d)
    }
}

/// A fault as `{"current": {"by": "5 A", "for": "20 s"}}`.
pub(super) mod fault {
    use std::collections::BTreeMap;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::fault::{Fault, FaultKind};

    type Fields = BTreeMap<String, String>;

    pub(in super::super) fn serialize<S: Serializer>(fault: &Fault, s: S) -> Result<S::Ok, S::Error> {
        let arguments = fault.kind.arguments().into_iter().chain([("for", fault.span.span().to_string())]);
        let fields: Fields = arguments.map(|(name, value)| (name.to_owned(), value)).collect();
        s.collect_map([(fault.kind.name(), fields)])
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Fault, D::Error> {
        let mut faults = BTreeMap::<String, Fields>::deserialize(d)?;
        let (Some((name, mut fields)), true) = (faults.pop_first(), faults.is_empty()) else {
            return Err(D::Error::custom("expected one fault by its name"));
        };
        let span = fields.remove("for").ok_or_else(|| D::Error::missing_field("for"))?;
        let arguments: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Ok(Fault {
            kind: FaultKind::read(&name, &arguments).map_err(D::Error::custom)?,
            span: span.parse().map_err(D::Error::custom)?,
        })
    }
}
