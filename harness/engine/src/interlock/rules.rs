//! What is particular to the limits of some quantities, as one table.

use judge::behaviour::tripped::{BUS_VOLTAGE, HIGHEST_CELL, PACK_VOLTAGE, SILENCE};
use proto::channel::Channel;

/// What a limit may say of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    AtMost,
    AtLeast,
    Silence,
}

impl Side {
    /// Its key in a rig file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AtMost => "at-most",
            Self::AtLeast => "at-least",
            Self::Silence => "silence",
        }
    }
}

/// How the limits of one quantity are watched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// who tells it first
    pub(super) channel: Channel,
    /// what is too much of it
    pub(super) above: &'static str,
    /// what is too little of it
    pub(super) below: &'static str,
    /// what lasts too long when nobody tells it
    pub(super) unread: &'static str,
    /// who tells it too; each is held against it
    also: &'static [Channel],
    /// who is held against it while none of those tells the truth
    pub(super) stand_ins: &'static [Channel],
    /// too little of it is told as a magnitude
    pub(super) reversed: bool,
    /// what every rig states, with its name in files of before
    pub(super) required: &'static [(Side, &'static str)],
    /// the same for what may be left out
    optional: &'static [(Side, &'static str)],
}

impl Rule {
    /// What holds for a quantity that the table does not name.
    pub(super) const fn of(channel: Channel) -> Self {
        Self {
            channel,
            above: channel.words(),
            below: channel.words(),
            unread: "time without a reading",
            also: &[],
            stand_ins: &[],
            reversed: false,
            required: &[],
            optional: &[],
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (Side, &'static str)> {
        self.required.iter().chain(self.optional).copied()
    }

    /// Who tells it, without those who stand in.
    pub(super) fn tellers(&self) -> impl Iterator<Item = Channel> {
        [self.channel].into_iter().chain(self.also.iter().copied())
    }

    pub(super) fn everyone(&self) -> impl Iterator<Item = Channel> {
        self.tellers().chain(self.stand_ins.iter().copied())
    }
}

use Side::{AtLeast, AtMost, Silence};

const BUS: &[Channel] = &[Channel::BusVoltage, Channel::SolarVoltage];
const READ: &[(Side, &str)] = &[(Silence, "measurements-silence")];
const SENT: &[(Side, &str)] = &[(Silence, "cells-silence")];
const GIVEN: &[(Side, &str)] = &[(Silence, "psu-silence")];

/// Quantities whose limits are more than a bound. The silence of the battery and of the GX come first: they say more than
/// the readings that stop with them.
#[rustfmt::skip]
pub(super) const RULES: [Rule; 10] = [
    Rule { unread: SILENCE, required: &[(Silence, "can-silence")], ..Rule::of(Channel::Cvl) },
    Rule { unread: "time without an answer of the GX", required: &[(Silence, "gx-silence")], ..Rule::of(Channel::GxAnswers) },
    Rule { above: PACK_VOLTAGE, below: PACK_VOLTAGE, unread: "time without a pack voltage", stand_ins: BUS,
           required: &[(AtMost, "pack-voltage-max"), (AtLeast, "pack-voltage-min")], optional: READ, ..Rule::of(Channel::PackVoltage) },
    Rule { above: "charge current", below: "discharge current", unread: "time without a current", stand_ins: &[Channel::BusCurrent], reversed: true,
           required: &[(AtMost, "charge-current-max"), (AtLeast, "discharge-current-max")], optional: READ, ..Rule::of(Channel::PackCurrent) },
    Rule { above: "temperature", below: "temperature", unread: "time without a temperature",
           also: &[Channel::MaxCellTemperature, Channel::MinCellTemperature],
           required: &[(AtMost, "temperature-max"), (AtLeast, "temperature-min")], optional: READ, ..Rule::of(Channel::Temperature) },
    Rule { above: HIGHEST_CELL, unread: "time without a highest cell",
           required: &[(AtMost, "cell-voltage-max")], optional: SENT, ..Rule::of(Channel::MaxCell) },
    Rule { below: "lowest cell", unread: "time without a lowest cell",
           required: &[(AtLeast, "cell-voltage-min")], optional: SENT, ..Rule::of(Channel::MinCell) },
    Rule { above: BUS_VOLTAGE, unread: "time without a DC voltage at the inverter", stand_ins: &[Channel::SolarVoltage],
           required: &[(AtMost, "bus-voltage-max")], ..Rule::of(Channel::BusVoltage) },
    Rule { above: "output voltage of the supply", unread: "time without a voltage of the supply",
           required: &[(AtMost, "psu-voltage-max")], optional: GIVEN, ..Rule::of(Channel::SupplyVoltage) },
    Rule { above: "output current of the supply", unread: "time without a current of the supply",
           required: &[(AtMost, "psu-current-max")], optional: GIVEN, ..Rule::of(Channel::SupplyCurrent) },
];
