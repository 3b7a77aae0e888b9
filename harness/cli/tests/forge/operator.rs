//! Twelve ways to change a text of a run.

use crate::random::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Drop,
    Duplicate,
    Swap,
    Shift,
    Scale,
    Rename,
    Relabel,
    Truncate,
    Splice,
    Limit,
    Count,
    Resign,
}

impl Operator {
    pub(crate) const ALL: [(Self, &str); 12] = [
        (Self::Drop, "drop"),
        (Self::Duplicate, "duplicate"),
        (Self::Swap, "swap"),
        (Self::Shift, "shift"),
        (Self::Scale, "scale"),
        (Self::Rename, "rename"),
        (Self::Relabel, "relabel"),
        (Self::Truncate, "truncate"),
        (Self::Splice, "splice"),
        (Self::Limit, "limit"),
        (Self::Count, "count"),
        (Self::Resign, "re-sign"),
    ];
}

/// What a file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Csv,
    Can,
    Wire,
    Events,
    Other,
}

/// A file as lines.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    kind: Kind,
    lines: Vec<String>,
}

impl Text {
    pub(crate) fn of(name: &str, text: &str) -> Self {
        let kind = match name {
            "can.log" => Kind::Can,
            "psu-wire.log" => Kind::Wire,
            "events.jsonl" => Kind::Events,
            name if name.ends_with(".csv") => Kind::Csv,
            _ => Kind::Other,
        };
        Self { kind, lines: text.lines().map(str::to_owned).collect() }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Lines that may go: the first of a table or of events says what the others are.
    fn any(&self, random: &mut Random) -> Option<usize> {
        let first = usize::from(matches!(self.kind, Kind::Csv | Kind::Events));
        (self.lines.len() > first + 2).then(|| first + random.below(self.lines.len() - first - 1))
    }

    /// Changes it; whether that changed anything.
    pub(crate) fn apply(&mut self, operator: Operator, other: &Self, random: &mut Random) -> bool {
        let before = self.lines.clone();
        self.changed(operator, other, random);
        self.lines != before
    }

    fn changed(&mut self, operator: Operator, other: &Self, random: &mut Random) -> Option<()> {
        let line = self.any(random)?;
        let count = self.lines.len();
        match operator {
            Operator::Drop => {
                let many = 1 + random.below((count / 10).max(1));
                self.lines.drain(line..count.min(line + many));
            }
            Operator::Duplicate => self.lines.insert(line, self.lines[line].clone()),
            Operator::Swap => {
                let with = self.any(random)?;
                let (a, b) = (self.payload(line)?, self.payload(with)?);
                self.put(line, &b);
                self.put(with, &a);
            }
            Operator::Shift => {
                let by = random.between(5.0, 200.0);
                for line in line..count {
                    self.shifted(line, by);
                }
            }
            Operator::Scale => self.scaled(random.between(0.5, 1.5), random),
            Operator::Rename => self.renamed(random)?,
            Operator::Relabel => self.word_of(
                &["\"suite\":\"", "\"case\":\"", "suite: ", "case: ", "battery: ", "rig: "],
                random,
            )?,
            Operator::Truncate => self.lines.truncate(line),
            Operator::Splice => {
                let from = line.min(other.lines.len());
                let tail = other.lines[from..].to_vec();
                self.lines.truncate(line);
                self.lines.extend(tail);
            }
            Operator::Limit => self.number_of(
                &[
                    "at-most",
                    "at-least",
                    "silence",
                    "limit",
                    "within",
                    "timeout",
                    "hold",
                    "max-",
                    "\"allowed\":",
                ],
                random,
            )?,
            Operator::Count => match self.kind {
                Kind::Csv => {
                    let (rest, input) = self.lines[line].rsplit_once(',')?;
                    self.lines[line] =
                        format!("{rest},{}", input.parse::<u64>().ok()? + 1 + random.below(3) as u64);
                }
                _ => self.number_of(
                    &[
                        "\"inputs\":",
                        "\"cases\":",
                        "\"bytes\":",
                        "\"took_ms\":",
                        "times:",
                        "cells:",
                        "modules:",
                    ],
                    random,
                )?,
            },
            Operator::Resign => {}
        }
        Some(())
    }

    /// A line without its time and its count.
    fn payload(&self, line: usize) -> Option<String> {
        let text = &self.lines[line];
        match self.kind {
            Kind::Csv => Some(text.split_once(',')?.1.rsplit_once(',')?.0.to_owned()),
            Kind::Can | Kind::Wire => Some(text.split_once(") ")?.1.to_owned()),
            Kind::Events => None,
            Kind::Other => Some(text.clone()),
        }
    }

    fn put(&mut self, line: usize, payload: &str) {
        let text = &mut self.lines[line];
        *text = match self.kind {
            Kind::Csv => match (text.split_once(','), text.rsplit_once(',')) {
                (Some((time, _)), Some((_, input))) => format!("{time},{payload},{input}"),
                _ => return,
            },
            Kind::Can | Kind::Wire => match text.split_once(") ") {
                Some((time, _)) => format!("{time}) {payload}"),
                None => return,
            },
            Kind::Events | Kind::Other => payload.to_owned(),
        };
    }

    fn shifted(&mut self, line: usize, by: f64) {
        let text = self.lines[line].clone();
        let later = |time: &str| time.parse::<f64>().ok().map(|time| time + by);
        let shifted = match self.kind {
            Kind::Csv => {
                text.split_once(',').and_then(|(time, rest)| Some(format!("{:.6},{rest}", later(time)?)))
            }
            Kind::Can => text
                .strip_prefix('(')
                .and_then(|text| text.split_once(')'))
                .and_then(|(time, rest)| Some(format!("({:017.6}){rest}", later(time)?))),
            Kind::Wire => text
                .strip_prefix('(')
                .and_then(|text| text.split_once(')'))
                .and_then(|(time, rest)| Some(format!("({:.6}){rest}", later(time)?))),
            Kind::Events => text.strip_prefix("{\"at\":").and_then(|text| {
                let (time, rest) = text.split_once(',')?;
                Some(format!("{{\"at\":{},{rest}", time.parse::<u64>().ok()? + (by * 1e6) as u64))
            }),
            Kind::Other => None,
        };
        if let Some(shifted) = shifted {
            self.lines[line] = shifted;
        }
    }

    fn scaled(&mut self, by: f64, random: &mut Random) {
        let number = |text: &str| {
            text.parse::<f64>().ok().map(|value| format!("{}", (value * by * 100.0).round() / 100.0))
        };
        match self.kind {
            Kind::Csv => {
                let columns = self.lines[0].split(',').count();
                let column = 1 + random.below(columns.saturating_sub(2));
                for line in self.lines.iter_mut().skip(1) {
                    let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
                    if let Some(scaled) = cells.get(column).and_then(|cell| number(cell)) {
                        cells[column] = scaled;
                        *line = cells.join(",");
                    }
                }
            }
            Kind::Can => {
                let id = ["351", "355", "356", "373"][random.below(4)];
                let word = 4 * random.below(3);
                for line in &mut self.lines {
                    let Some((head, data)) = line.split_once(&format!(" {id}#")) else { continue };
                    let Some(old) =
                        data.get(word..word + 4).and_then(|hex| u16::from_str_radix(hex, 16).ok())
                    else {
                        continue;
                    };
                    let new = ((f64::from(old.swap_bytes()) * by).min(65_535.0) as u16).swap_bytes();
                    *line = format!("{head} {id}#{}{new:04X}{}", &data[..word], &data[word + 4..]);
                }
            }
            Kind::Wire => {
                for line in &mut self.lines {
                    if let Some((head, answer)) = line.split_once(" < ")
                        && answer.contains('.')
                        && let Some(scaled) = number(answer)
                    {
                        *line = format!("{head} < {scaled}");
                    }
                }
            }
            Kind::Events | Kind::Other => {
                let _ = self.number_of(&[": ", "\":"], random);
            }
        }
    }

    /// A name of something becomes another.
    fn renamed(&mut self, random: &mut Random) -> Option<()> {
        match self.kind {
            Kind::Can => {
                let id = ["35E", "370", "371", "380", "382"][random.below(5)];
                for line in &mut self.lines {
                    if let Some((head, data)) = line.split_once(&format!(" {id}#")) {
                        *line = format!("{head} {id}#41{}", data.get(2..).unwrap_or_default());
                    }
                }
                Some(())
            }
            Kind::Wire => {
                let name = self.lines.iter().position(|line| line.contains("*IDN?"))? + 1;
                let head = self.lines.get(name)?.split_once(" < ")?.0.to_owned();
                self.lines[name] = format!("{head} < EA,PSI 9200-70,1234567890,V3.02");
                Some(())
            }
            _ => self.word_of(
                &["title: ", "name: ", "manufacturer: ", "serial: ", "\"says\":\"", "\"title\": \""],
                random,
            ),
        }
    }

    /// A place behind one of these words.
    fn behind(&self, words: &[&str], random: &mut Random) -> Option<(usize, usize)> {
        let mut places = Vec::new();
        for (line, text) in
            self.lines.iter().enumerate().filter(|(_, text)| !text.trim_start().starts_with('#'))
        {
            for word in words {
                places.extend(text.match_indices(word).map(|(at, _)| (line, at + word.len())));
            }
        }
        (!places.is_empty()).then(|| places[random.below(places.len())])
    }

    fn word_of(&mut self, words: &[&str], random: &mut Random) -> Option<()> {
        let (line, at) = self.behind(words, random)?;
        let text = &self.lines[line];
        let end = text[at..].find(['"', ',', '}']).map_or(text.len(), |end| at + end);
        self.lines[line] = format!("{}another{}", &text[..at], &text[end..]);
        Some(())
    }

    fn number_of(&mut self, words: &[&str], random: &mut Random) -> Option<()> {
        let (line, at) = self.behind(words, random)?;
        let text = &self.lines[line];
        let from = at + text[at..].find(|c: char| c.is_ascii_digit())?;
        let end = text[from..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |end| from + end);
        let number: u64 = text[from..end].parse().ok()?;
        let other = number + 1 + random.below(number.min(1000) as usize + 1) as u64;
        self.lines[line] = format!("{}{other}{}", &text[..from], &text[end..]);
        Some(())
    }
}
