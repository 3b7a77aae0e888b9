//! Every measured quantity, written down once: what it is called, its unit and what it can be, which instrument tells it,
//! the column that keeps it, and where it is asked about and drawn.
//!
//! Channels of a trace, conditions of suites, limits of a rig, columns of evidence and lanes of a report are rows of
//! [`Channel::row`]; the table itself is `channel/table.rs`.

mod instrument;
mod row;
mod table;

pub use instrument::Instrument;
pub use row::{Asked, Block, Kind, Lane, Row, Sense, Source};
pub use table::Channel;

/// The rows in the order of the channels, made of the table.
macro_rules! channels {
    ($( $(#[doc = $doc:literal])+ $Channel:ident: $row:expr; )+) => {
        /// A measured quantity.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(usize)]
        pub enum Channel { $( $(#[doc = $doc])+ $Channel, )+ }

        impl Channel {
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Every channel.
            pub const ALL: [Self; [$( Self::$Channel ),+].len()] = [$( Self::$Channel ),+];
        }

        /// In the order of the channels.
        pub(super) const ROWS: [Row; Channel::COUNT] =
            [$( Row { channel: Channel::$Channel, meaning: concat!($( $doc ),+), ..$row } ),+];
    };
}
use channels;

impl Channel {
    /// What is known of it.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        &table::ROWS[self as usize]
    }

    /// Its name in files and evidence, such as `battery.voltage`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.row().key
    }

    /// In words, such as `the battery voltage`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        self.row().words
    }

    /// The unit of its values; empty where they have none.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        self.row().unit()
    }

    /// The channel of a key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.key() == key)
    }

    /// The channel that suites ask about by this name, or by its key.
    #[must_use]
    pub fn asked_as(name: &str) -> Option<Self> {
        let is = |row: &&Row| row.asked.is_some_and(|asked| asked.name == name || row.key == name);
        Self::asked().find(is).map(|row| row.channel)
    }

    /// What suites ask about.
    pub fn asked() -> impl Iterator<Item = &'static Row> {
        Self::ALL.into_iter().map(Self::row).filter(|row| row.asked.is_some())
    }

    /// Whether a number can be this at all; what is none is always one that it can be.
    #[must_use]
    pub fn can_be(self, value: f64) -> bool {
        let Kind::Number { low, high, .. } = self.row().kind else { return true };
        (low..=high).contains(&value)
    }
}

#[cfg(test)]
mod tests;
