//! How the limit of all solar chargers becomes that of each (Venus OS dbus-systemcalc-py v2.256).

use proto::quantity::Amps;

/// What solar chargers may give together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SolarLimit {
    /// as much as each can
    Rating,
    /// so much
    Total(Amps),
    /// each none, whatever it gives now
    Stop,
}

/// A solar charger as the GX sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Charger {
    /// its own limit
    pub rating: Amps,
    /// what it gives, smoothed
    pub current: Amps,
}

/// From this share of all ratings on every charger gets its own.
const NEARLY_ALL: f64 = 0.95;

/// The limit of each charger, in their order. `limits` holds the present ones and takes the new ones.
///
/// One charger gets the limit in whole amperes, rounded up. Several get what they give now and the same share of what
/// each could give more (or of what they give too much); what they give together counts up to their present limits. A
/// charger takes tenths of an ampere, the remainder goes to the next.
pub fn share(limit: SolarLimit, chargers: &[Charger], limits: &mut [Amps]) {
    let ratings = sum(chargers, |c| c.rating);
    let total = match limit {
        SolarLimit::Rating => ratings,
        SolarLimit::Total(total) => total.max(Amps::ZERO),
        SolarLimit::Stop => return limits.fill(Amps::ZERO),
    };
    let [only] = chargers else {
        if limit == SolarLimit::Rating || total > ratings * NEARLY_ALL {
            return chargers.iter().zip(limits).for_each(|(c, limit)| *limit = c.rating);
        }
        return in_proportion(total, ratings, chargers, limits);
    };
    limits.iter_mut().take(1).for_each(|limit| *limit = Amps(total.0.ceil()).min(only.rating));
}

fn in_proportion(total: Amps, ratings: Amps, chargers: &[Charger], limits: &mut [Amps]) {
    let present = limits.iter().fold(Amps::ZERO, |sum, &limit| sum + limit);
    let given = sum(chargers, |c| c.current).min(present);
    let more = ratings - given;
    // All at their rating: there is nothing to share, and the limits stay.
    if more <= Amps::ZERO {
        return;
    }
    let ratio = (total - given) / more;
    let mut left_over = Amps::ZERO;
    for (charger, limit) in chargers.iter().zip(limits) {
        let exact =
            (charger.current + (charger.rating - charger.current) * ratio + left_over).max(Amps::ZERO);
        *limit = Amps((exact.0 * 10.0).round() / 10.0);
        left_over = exact - *limit;
    }
}

fn sum(chargers: &[Charger], of: impl Fn(&Charger) -> Amps) -> Amps {
    chargers.iter().fold(Amps::ZERO, |sum, c| sum + of(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use SolarLimit::{Rating, Stop, Total};
    use rstest::rstest;

    #[rstest]
    #[case::one_is_rounded_up(Total(Amps(20.2)), &[(100.0, 5.0)], &[21.0])]
    #[case::one_at_most_its_rating(Total(Amps(120.0)), &[(100.0, 5.0)], &[100.0])]
    #[case::none_below_zero(Total(Amps(-3.0)), &[(100.0, 5.0)], &[0.0])]
    #[case::feeding_in(Rating, &[(100.0, 5.0), (35.0, 35.0)], &[100.0, 35.0])]
    #[case::nearly_all(Total(Amps(129.0)), &[(100.0, 5.0), (35.0, 5.0)], &[100.0, 35.0])]
    #[case::by_rating_in_the_dark(Total(Amps(54.0)), &[(100.0, 0.0), (35.0, 0.0)], &[40.0, 14.0])]
    #[case::the_same_share_of_headroom(Total(Amps(80.0)), &[(100.0, 40.0), (40.0, 10.0)], &[60.0, 20.0])]
    #[case::less_than_is_given(Total(Amps(40.0)), &[(100.0, 60.0), (100.0, 20.0)], &[46.7, 0.0])]
    #[case::nothing(Total(Amps(0.0)), &[(100.0, 0.0), (100.0, 0.0)], &[0.0, 0.0])]
    #[case::tenths_go_to_the_next(Total(Amps(10.0)), &[(50.0, 0.0), (50.0, 0.0), (50.0, 0.0)], &[3.3, 3.4, 3.3])]
    #[case::nobody(Total(Amps(10.0)), &[], &[])]
    #[case::stopped(Stop, &[(100.0, 60.0), (100.0, 20.0)], &[0.0, 0.0])]
    #[case::one_stopped(Stop, &[(100.0, 60.0)], &[0.0])]
    fn limits(#[case] limit: SolarLimit, #[case] chargers: &[(f64, f64)], #[case] expected: &[f64]) {
        let chargers: Vec<Charger> =
            chargers.iter().map(|&(r, c)| Charger { rating: Amps(r), current: Amps(c) }).collect();
        // Present limits that bound nothing.
        let mut found: Vec<Amps> = chargers.iter().map(|c| c.rating).collect();
        share(limit, &chargers, &mut found);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.0 - expected).abs() < 1e-9, "{found} for {expected}");
        }
    }

    /// Line 738: chargers that give more than they may count with what they may; here 60 A of the 80 A they give.
    #[rstest]
    #[case::below_their_limits([80.0, 60.0], ["46.7 A", "0 A"])]
    #[case::above_their_limits([40.0, 20.0], ["54.3 A", "8.6 A"])]
    fn what_is_given_counts_up_to_the_present_limits(#[case] present: [f64; 2], #[case] expected: [&str; 2]) {
        let chargers = [60.0, 20.0].map(|a| Charger { rating: Amps(100.0), current: Amps(a) });
        let mut found = present.map(Amps);
        share(Total(Amps(40.0)), &chargers, &mut found);
        assert_eq!(found.map(|a| a.to_string()), expected);
    }

    #[test]
    fn where_all_give_their_rating_the_limits_stay() {
        let chargers = [100.0, 35.0].map(|a| Charger { rating: Amps(a), current: Amps(a) });
        let mut found = [Amps(100.0), Amps(35.0)];
        share(Total(Amps(50.0)), &chargers, &mut found);
        assert_eq!(found, [Amps(100.0), Amps(35.0)]);
    }
}
