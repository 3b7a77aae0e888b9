//! From blocks to what they tell.

use proto::gx::{Answers, BLOCKS, Block, Product};
use proto::quantity::Micros;
use proto::samples::Samples;

use files::live::UnitIds;

/// Every block, as it was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// what it means; nothing is told of a product of which a block is missing
    pub said: Samples,
    /// the evidence for it, block by block
    pub answers: Vec<Answer>,
}

/// What a request for a block was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// what was asked for
    pub block: Block,
    /// of which unit
    pub unit: u8,
    /// when the answer came
    pub at: Micros,
    /// the cells, or the number of the exception
    pub cells: Result<Vec<u16>, u8>,
}

impl Answer {
    /// How old it is at a time.
    #[must_use]
    pub fn age(&self, now: Micros) -> Micros {
        now.since(self.at)
    }

    /// Whether this GX does not have the registers.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        self.cells.as_ref().is_err_and(|code| LACKS.contains(code))
    }
}

impl Poll {
    /// Decodes answers.
    #[must_use]
    pub fn of(answers: Vec<Answer>) -> Self {
        // No address belongs to two products.
        let cells = read(&answers);
        let lacks: Vec<Block> =
            answers.iter().filter(|answer| answer.is_lacking()).map(|a| a.block).collect();
        let said = Answers { cells: &cells, lacks: &lacks }.samples();
        Self { said, answers }
    }

    /// What the GX says of itself: serial number and firmware.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        Answers::of(&read(&self.answers)).identity()
    }

    /// Products that are not there, each with the first answer that says so. One of which some registers are lacking is
    /// there: its firmware is older than they are.
    pub fn absent(&self) -> impl Iterator<Item = &Answer> {
        let mut seen = None;
        let answers_at_all = |product: Product| {
            self.answers.iter().any(|answer| answer.block.product == product && answer.cells.is_ok())
        };
        self.answers.iter().filter(move |answer| {
            let product = answer.block.product;
            let is_missing = answer.cells.is_err() && !(answer.is_lacking() && answers_at_all(product));
            is_missing && seen.replace(product) != Some(product)
        })
    }
}

/// First address and cells of each block that was answered.
fn read(answers: &[Answer]) -> Vec<(u16, &[u16])> {
    answers.iter().filter_map(|answer| Some((answer.block.first, answer.cells.as_deref().ok()?))).collect()
}

/// The requests of a poll: every block of what has a unit id.
pub(super) fn requests(units: &UnitIds) -> Vec<(u8, Block)> {
    BLOCKS.iter().filter_map(|&block| Some((units.of(block.product)?, block))).collect()
}

/// Whether nothing more needs to be asked of a product in this poll: it said that it is not there.
pub(super) fn is_settled(answers: &[Answer], product: Product) -> bool {
    answers.iter().any(|answer| answer.block.product == product && answer.cells == Err(NO_PRODUCT))
}

/// The exception of a product that is not there.
pub(super) const NO_PRODUCT: u8 = proto::gx::Exception::NoProduct.code();

/// The exceptions of a block that holds what this GX does not have: 2, and 3 of gateways between, to which it is too long or
/// none of theirs.
pub(super) const LACKS: [u8; 2] = [proto::gx::Exception::Address.code(), proto::gx::Exception::Value.code()];

#[cfg(test)]
mod tests {
    use super::*;
    use proto::channel::{Block as Told, Source};
    use rstest::rstest;

    const ALL: UnitIds = UnitIds {
        battery: Some(225),
        system: Some(100),
        inverter: Some(227),
        solar: Some(229),
        grid: Some(30),
    };

    fn answered(missing: &[u16]) -> Poll {
        let answer = |(unit, block): (u8, Block)| {
            let missing = missing.contains(&block.first);
            let cells = if missing { Err(NO_PRODUCT) } else { Ok(vec![0; usize::from(block.count)]) };
            Answer { block, unit, at: Micros(5), cells }
        };
        Poll::of(requests(&ALL).into_iter().map(answer).collect())
    }

    #[rstest]
    #[case::everything(&[], [true; 4], &[])]
    #[case::no_battery(&[256, 1290], [false, true, true, true], &[Product::Battery])]
    #[case::half_a_battery(&[1290], [false, true, true, true], &[Product::Battery])]
    #[case::no_inverter(&[3], [true, false, true, true], &[Product::Inverter])]
    #[case::no_solar_charger_nor_meter(&[771, 2600], [true, true, false, true], &[Product::Solar, Product::Grid])]
    #[case::no_system(&[800], [true, true, true, false], &[Product::System])]
    #[case::no_feed_in_setting(&[2700], [true, true, true, false], &[Product::Ess])]
    #[case::what_no_quantity_has(&[2900], [true; 4], &[Product::Ess])]
    fn what_is_missing(#[case] missing: &[u16], #[case] there: [bool; 4], #[case] absent: &[Product]) {
        let poll = answered(missing);
        let blocks = [Told::Battery, Told::Inverter, Told::Solar, Told::System];
        assert_eq!(blocks.map(|block| poll.said.tells(Source::Gx(block))), there);
        assert_eq!(poll.absent().map(|answer| answer.block.product).collect::<Vec<_>>(), absent);
        assert_eq!(poll.answers[0].age(Micros(7)), Micros(2));
    }

    /// One that has none of the registers of a product does not have the product.
    #[test]
    fn a_gx_without_a_single_register_of_a_battery_has_none() {
        let answer = |(unit, block): (u8, Block)| {
            let cells = if unit == 225 { Err(2) } else { Ok(vec![2; usize::from(block.count)]) };
            Answer { block, unit, at: Micros(5), cells }
        };
        let poll = Poll::of(requests(&ALL).into_iter().map(answer).collect());
        assert_eq!(poll.absent().map(|answer| answer.block.product).collect::<Vec<_>>(), [Product::Battery]);
        assert!(!poll.said.tells(Source::Gx(Told::Battery)));
    }

    /// A GX of before March 2026 has no 327 to 329: the battery is there, with its other alarms.
    #[test]
    fn a_gx_without_the_newer_alarms_has_a_battery() {
        let answer = |(unit, block): (u8, Block)| {
            let cells = if block.is_newer() { Err(2) } else { Ok(vec![2; usize::from(block.count)]) };
            Answer { block, unit, at: Micros(5), cells }
        };
        let poll = Poll::of(requests(&ALL).into_iter().map(answer).collect());
        assert!(poll.said.tells(Source::Gx(Told::Battery)));
        assert_eq!(poll.absent().count(), 0);
        let alarms = poll.said.number(proto::channel::Channel::GxAlarms).expect("told") as u16;
        assert_eq!(alarms.count_ones() as usize, proto::gx::ALARMS.len() - 1, "all but the contactor");
    }

    #[test]
    fn what_has_no_unit_is_not_asked_for_and_a_battery_takes_three_requests() {
        let only = UnitIds { system: None, ..UnitIds::default() };
        let firsts: Vec<_> = requests(&only).iter().map(|(unit, block)| (*unit, block.first)).collect();
        assert_eq!(firsts, [(225, 256), (225, 327), (225, 1290)]);
        assert_eq!(requests(&ALL).len(), BLOCKS.len());
    }
}
