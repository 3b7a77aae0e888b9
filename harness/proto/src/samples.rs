//! What an instrument beside the CAN bus says at a time: values of the quantities that it tells.

use core::fmt;

use crate::channel::{Channel, Instrument, Kind, Source};
use crate::message::Text8;

/// One value. Which kind it is follows from the quantity, [`Channel::row`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// a number in the unit of its quantity
    Number(f64),
    /// yes or no
    Flag(bool),
    /// a mask, a count or a state
    Word(u16),
    /// a text, such as the name of a cell
    Text(Text8),
}

impl Value {
    /// As a number: 1 and 0 for yes and no; nothing for a text.
    #[must_use]
    #[inline]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(value),
            Self::Flag(on) => Some(f64::from(u8::from(on))),
            Self::Word(word) => Some(f64::from(word)),
            Self::Text(_) => None,
        }
    }

    /// A number as the value of a quantity.
    #[must_use]
    #[inline]
    pub fn of(channel: Channel, value: f64) -> Self {
        match channel.row().kind {
            Kind::Flag => Self::Flag(value > 0.5),
            Kind::Mask | Kind::Count | Kind::State => Self::Word(value as u16),
            Kind::Number { .. } | Kind::Text => Self::Number(value),
        }
    }

    #[inline]
    fn bits(self) -> u64 {
        match self {
            Self::Number(value) => value.to_bits(),
            Self::Flag(on) => u64::from(on),
            Self::Word(word) => u64::from(word),
            Self::Text(text) => {
                let mut bytes = [0; 8];
                bytes.iter_mut().zip(text.text()).for_each(|(to, &from)| *to = from);
                u64::from_le_bytes(bytes)
            }
        }
    }

    #[inline]
    fn from_bits(kind: Kind, bits: u64) -> Self {
        match kind {
            Kind::Number { .. } => Self::Number(f64::from_bits(bits)),
            Kind::Flag => Self::Flag(bits != 0),
            Kind::Mask | Kind::Count | Kind::State => Self::Word(bits as u16),
            Kind::Text => Self::Text(Text8::padded(&bits.to_le_bytes())),
        }
    }

    const fn is_of(self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Number(_), Kind::Number { .. })
                | (Self::Flag(_), Kind::Flag)
                | (Self::Word(_), Kind::Mask | Kind::Count | Kind::State)
                | (Self::Text(_), Kind::Text)
        )
    }
}

/// What an instrument says at a time. A quantity that is absent was not answered: a GX that has lost the battery tells
/// nothing of it. Values lie where the table has their quantities, so a set of samples is copied and never allocated.
///
/// ```
/// use proto::channel::{Channel, Instrument};
/// use proto::samples::Samples;
///
/// let mut said = Samples::new(Instrument::Supply);
/// said.tell(Channel::SupplyVoltage, 120.0);
/// assert_eq!(said.number(Channel::SupplyVoltage), Some(120.0));
/// assert_eq!(said.get(Channel::SupplyCurrent), None);
/// ```
#[derive(Clone, Copy)]
pub struct Samples {
    from: Instrument,
    told: u64,
    bits: [u64; Instrument::MOST],
}

const _: () = assert!(Instrument::MOST <= u64::BITS as usize);

impl Samples {
    /// Nothing told yet.
    #[must_use]
    pub const fn new(from: Instrument) -> Self {
        Self { from, told: 0, bits: [0; Instrument::MOST] }
    }

    /// Who says it.
    #[must_use]
    pub const fn from(&self) -> Instrument {
        self.from
    }

    /// Adds a value. One of a quantity that this instrument does not tell is left out.
    #[inline]
    pub fn put(&mut self, channel: Channel, value: Value) {
        let place = self.from.place(channel);
        debug_assert!(place.is_some() && value.is_of(channel.row().kind), "{channel:?} {value:?}");
        if let Some(place) = place {
            self.told |= 1 << place;
            self.bits[place] = value.bits();
        }
    }

    /// Adds a number in the unit of its quantity, or what stands for a flag, a mask, a count or a state.
    #[inline]
    pub fn tell(&mut self, channel: Channel, value: f64) {
        self.put(channel, Value::of(channel, value));
    }

    /// The same as a value.
    #[must_use]
    pub fn with(mut self, channel: Channel, value: f64) -> Self {
        self.tell(channel, value);
        self
    }

    /// A value, where it was told.
    #[must_use]
    #[inline]
    pub fn get(&self, channel: Channel) -> Option<Value> {
        let place = self.from.place(channel)?;
        (self.told >> place & 1 == 1).then(|| Value::from_bits(channel.row().kind, self.bits[place]))
    }

    /// A value as a number, 1 and 0 for yes and no; nothing where it was not told.
    #[must_use]
    #[inline]
    pub fn number(&self, channel: Channel) -> Option<f64> {
        self.get(channel)?.number()
    }

    /// Whether a flag was told and is set.
    #[must_use]
    #[inline]
    pub fn is(&self, channel: Channel) -> bool {
        self.get(channel) == Some(Value::Flag(true))
    }

    /// Every value that was told, in the order of the table.
    pub fn values(&self) -> impl Iterator<Item = (Channel, Value)> {
        self.news(None).filter_map(|(channel, value)| Some((channel, value?)))
    }

    /// Every quantity that was told, in the order of the table; with its value where that is not what it was `before`, in
    /// what the same instrument said then.
    #[inline]
    pub fn news<'a>(
        &'a self,
        before: Option<&'a Self>,
    ) -> impl Iterator<Item = (Channel, Option<Value>)> + use<'a> {
        let (known, then) = before.map_or((0, &self.bits), |before| (before.told, &before.bits));
        let channels = self.from.channels();
        // As long as the channels, so that one look at the bounds is enough.
        let (now, then) = (&self.bits[..channels.len()], &then[..channels.len()]);
        let mut rest = self.told;
        core::iter::from_fn(move || {
            let place = rest.trailing_zeros() as usize;
            let channel = *channels.get(place)?;
            rest &= rest - 1;
            let is_known = known >> place & 1 == 1 && then[place] == now[place];
            Some((channel, (!is_known).then(|| Value::from_bits(channel.row().kind, now[place]))))
        })
    }

    /// Whether anything of a source was told, such as of one block of the GX.
    #[must_use]
    pub fn tells(&self, source: Source) -> bool {
        self.values().any(|(channel, _)| channel.row().source == source)
    }

    /// Whether nothing was told.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.told == 0
    }
}

impl PartialEq for Samples {
    fn eq(&self, other: &Self) -> bool {
        self.from == other.from && self.values().eq(other.values())
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.from)?;
        f.debug_map().entries(self.values()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_told_as_it_was_put() {
        let mut said = Samples::new(Instrument::Gx);
        let values = [
            (Channel::GxCvl, Value::Number(-0.0)),
            (Channel::GxAlarms, Value::Word(u16::MAX)),
            (Channel::InverterRunning, Value::Flag(true)),
            (Channel::GridConnected, Value::Flag(false)),
            (Channel::GxMinCellId, Value::Text(Text8::padded(b"12345678"))),
            (Channel::GxMaxCellId, Value::Text(Text8::default())),
        ];
        assert!(said.is_empty());
        values.iter().for_each(|&(channel, value)| said.put(channel, value));
        assert_eq!(said.values().count(), values.len());
        for (channel, value) in values {
            assert_eq!(said.get(channel), Some(value), "{channel:?}");
        }
        assert!(said.is(Channel::InverterRunning) && !said.is(Channel::GridConnected));
        assert!(!said.is(Channel::FeedIn) && said.get(Channel::FeedIn).is_none());
        assert_eq!(said.get(Channel::SupplyVoltage), None, "another instrument tells it");
    }

    /// What an instrument tells by itself is kept in its file; every one has a file of its own.
    #[test]
    fn every_instrument_has_rows_columns_and_a_file() {
        for (place, instrument) in Instrument::ALL.into_iter().enumerate() {
            assert_eq!(instrument as usize, place);
            let channels = instrument.channels();
            let kept = channels.iter().any(|channel| channel.row().column.is_some());
            assert_eq!(kept, !instrument.is_witness(), "{instrument:?}: of a witness the bytes are kept");
            assert!(channels.iter().all(|channel| channel.row().source.instrument() == Some(instrument)));
            let same = Instrument::ALL.iter().filter(|other| other.file() == instrument.file());
            assert_eq!(same.count(), 1);
        }
    }
}
