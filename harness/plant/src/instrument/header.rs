//! Headers in SCPI notation: `[SOURce:]VOLTage[:LEVel]` (SCPI-99 Vol. 1, 5 and 6.2.1).

/// Whether a header, without `?`, is one that the notation allows: each word in its short form (the capitals) or whole,
/// in any case; what is in brackets may be left out; a number may follow a word.
pub(super) fn matches(notation: &str, header: &str) -> bool {
    let header = header.strip_prefix(':').unwrap_or(header);
    let words: Vec<&str> = header.split(':').collect();
    nodes(&parse(notation), &words)
}

struct Node<'a> {
    word: &'a str,
    optional: bool,
}

fn parse(notation: &str) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut optional = false;
    for piece in notation.split_inclusive([':', '[', ']']) {
        let word = piece.trim_end_matches([':', '[', ']']);
        if !word.is_empty() {
            found.push(Node { word, optional });
        }
        optional = match piece.chars().last() {
            Some('[') => true,
            Some(']') => false,
            _ => optional,
        };
    }
    found
}

fn nodes(notation: &[Node<'_>], words: &[&str]) -> bool {
    let Some((node, rest)) = notation.split_first() else { return words.is_empty() };
    let taken = words.split_first().is_some_and(|(word, after)| is(node.word, word) && nodes(rest, after));
    taken || node.optional && nodes(rest, words)
}

fn is(notation: &str, word: &str) -> bool {
    let short: String = notation.chars().take_while(|c| !c.is_ascii_lowercase()).collect();
    let is = |word: &str| word.eq_ignore_ascii_case(notation) || word.eq_ignore_ascii_case(&short);
    is(word) || is(word.trim_end_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("VOLT", true)]
    #[case("voltage", true)]
    #[case("SOUR:VOLT", true)]
    #[case(":SOURce1:VOLT:LEV:IMM:AMPL", true)]
    #[case("VOLT:AMPL", true)]
    #[case("VOLTA", false)]
    #[case("VOL", false)]
    #[case("SOUR", false)]
    #[case("VOLT:PROT", false)]
    #[case("", false)]
    fn both_forms_and_nothing_between(#[case] header: &str, #[case] fits: bool) {
        assert_eq!(matches("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", header), fits);
    }

    #[rstest]
    #[case("*IDN", "*idn", true)]
    #[case("PV", "PV", true)]
    #[case("PV", "PC", false)]
    #[case("OUTPut[:STATe]", "OUTP", true)]
    #[case("OUTPut:OVP:VALue", "OUTP:OVP:VAL", true)]
    fn words_of_their_own(#[case] notation: &str, #[case] header: &str, #[case] fits: bool) {
        assert_eq!(matches(notation, header), fits);
    }
}
