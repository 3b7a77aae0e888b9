//! Why the gateway does not do what it was asked to.

/// An exception of the gateway. Exception 11 never occurs (measured on dbus_modbustcp 1.0.101).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[repr(u8)]
pub enum Exception {
    /// A function other than 3, 4, 6 and 16.
    #[error("exception 1: the gateway knows no such function, only 3, 4, 6 and 16")]
    Function = 1,
    /// A cell that is not mapped, a gap in the range, or a write to what is read-only.
    #[error(
        "exception 2: a register that is not mapped, a gap in the range, or a write to what is read-only"
    )]
    Address = 2,
    /// No cell at all, more than 125, or a byte count that does not fit.
    #[error("exception 3: a count of 0 or above 125, or a byte count that does not fit")]
    Value = 3,
    /// The product is not there, or the unit id is wrong.
    #[error("exception 10: the product is not there, or the unit id is wrong")]
    NoProduct = 10,
}

impl Exception {
    /// Its number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The exception with this number.
    #[must_use]
    pub fn of(code: u8) -> Option<Self> {
        [Self::Function, Self::Address, Self::Value, Self::NoProduct].into_iter().find(|e| e.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_and_others_are_none() {
        for code in 0..=255 {
            assert_eq!(
                Exception::of(code).map(Exception::code),
                [1, 2, 3, 10].contains(&code).then_some(code)
            );
        }
        assert!(Exception::NoProduct.to_string().starts_with("exception 10"));
    }
}
