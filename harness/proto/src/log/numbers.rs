//! In which base a log prints its numbers, where neither the form nor the log says so.

use super::cursor::{Word, hex_number};

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    Hexadecimal,
    Decimal,
}

/// How identifiers and data bytes are written. `0x` before a number is hexadecimal in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) id: Base,
    pub(super) data: Base,
}

impl Numbers {
    pub(super) const HEXADECIMAL: Self = Self { id: Base::Hexadecimal, data: Base::Hexadecimal };

    /// What logs were seen with beside hexadecimal numbers: Node prints a decimal identifier and a hexadecimal buffer;
    /// JSON and Kvaser's programs have decimal numbers throughout.
    pub(super) const OTHERS: [Self; 2] = [
        Self { id: Base::Decimal, data: Base::Hexadecimal },
        Self { id: Base::Decimal, data: Base::Decimal },
    ];
}

impl Base {
    /// A number of up to nine digits.
    pub(super) fn number(self, text: &[u8]) -> Option<u32> {
        let bare = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"));
        match (bare, self) {
            (Some(digits), _) => hex_number(digits),
            (None, Self::Hexadecimal) => hex_number(text.strip_suffix(b"h").unwrap_or(text)),
            (None, Self::Decimal) => Word { text, at: 0 }.decimal(),
        }
    }

    /// The next byte, of one or two hexadecimal or up to three decimal digits; what may stand between bytes is skipped before it.
    pub(super) fn byte(self, rest: &mut &[u8]) -> Option<u8> {
        let from = rest.iter().position(|b| !matches!(b, b' ' | b'\t' | b',' | b'-' | b';'))?;
        let text = &rest[from..];
        let end = text.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(text.len());
        if text.get(end) == Some(&b'.') {
            return None;
        }
        let digits = match (&text[..end], self) {
            ([b'0', b'x' | b'X', _] | [b'0', b'x' | b'X', _, _] | [_] | [_, _], _)
            | ([_, _, _], Self::Decimal) => &text[..end],
            _ => return None,
        };
        let value = u8::try_from(self.number(digits)?).ok()?;
        *rest = &text[end..];
        Some(value)
    }
}
