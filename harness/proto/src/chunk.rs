//! What comes over a serial line, as it came: the bytes that the readings of a witness are made of.

use core::fmt;

use crate::channel::Instrument;

/// Some bytes that came together from an instrument. None at all says that its port was opened, or opened again: what
/// came before is not continued.
///
/// ```
/// use proto::channel::Instrument;
/// use proto::chunk::Chunk;
///
/// let chunks: Vec<Chunk> = Chunk::all(Instrument::Shunt, &[13; 300]).collect();
/// assert_eq!(chunks.iter().map(|chunk| chunk.bytes().len()).sum::<usize>(), 300);
/// assert!(Chunk::opened(Instrument::Shunt).bytes().is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    from: Instrument,
    length: u8,
    bytes: [u8; Chunk::MOST],
}

impl Chunk {
    /// The most bytes of one: at 19 200 bit/s they take 67 ms.
    pub const MOST: usize = 128;

    /// The first of these bytes, as many as there is room for.
    fn first(from: Instrument, all: &[u8]) -> Self {
        let length = all.len().min(Self::MOST);
        let mut bytes = [0; Self::MOST];
        bytes[..length].copy_from_slice(&all[..length]);
        // No more than 128.
        Self { from, length: length as u8, bytes }
    }

    /// Bytes in as many chunks as it takes; none for none.
    pub fn all(from: Instrument, bytes: &[u8]) -> impl Iterator<Item = Self> {
        bytes.chunks(Self::MOST).map(move |chunk| Self::first(from, chunk))
    }

    /// That the port of an instrument was opened.
    #[must_use]
    pub fn opened(from: Instrument) -> Self {
        Self::first(from, &[])
    }

    /// Who says it.
    #[must_use]
    pub const fn from(&self) -> Instrument {
        self.from
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} \"{}\"", self.from, self.bytes().escape_ascii())
    }
}
