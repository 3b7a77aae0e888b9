//! labgrid, as three commands of its client program: a table of words, and how what it prints is read.
//!
//! The client program and not the gRPC of the coordinator: what the two speak to each other is theirs, and was another protocol
//! until labgrid 25. The client that a lab has installed knows its coordinator.

use std::collections::BTreeMap;

use files::lease::Labgrid;

use super::{Answer, Step};

/// The variable that says as whom the client holds a place.
pub(super) const USER: &str = "LG_USERNAME";
/// The tag of a place whose supply is not known to be off.
pub(super) const TAG: &str = "busbar";
/// Its value.
const QUARANTINED: &str = "quarantined";

/// What the client is asked for the state of all places.
pub(super) fn ask(labgrid: &Labgrid) -> Vec<String> {
    with(labgrid, None, &["-v", "places"])
}

/// The words of a step on a place.
pub(super) fn words(labgrid: &Labgrid, place: &str, step: Step) -> Vec<String> {
    let (set, unset) = (format!("{TAG}={QUARANTINED}"), format!("{TAG}="));
    let words: &[&str] = match step {
        Step::Acquire => &["acquire"],
        Step::Release => &["release"],
        Step::Quarantine => &["set-tags", &set],
        Step::Clear => &["set-tags", &unset],
    };
    with(labgrid, Some(place), words)
}

fn with(labgrid: &Labgrid, place: Option<&str>, words: &[&str]) -> Vec<String> {
    let place = place.into_iter().flat_map(|place| ["-p", place]);
    let all = [labgrid.client.as_str(), "-x", &labgrid.coordinator].into_iter();
    all.chain(place).chain(words.iter().copied()).map(str::to_owned).collect()
}

/// A place, as the client prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: String,
    aliases: Vec<String>,
    tags: BTreeMap<String, String>,
    /// who has it, as `host/user`
    acquired: Option<String>,
}

impl Place {
    pub(super) fn is_quarantined(&self) -> bool {
        self.tags.get(TAG).is_some_and(|value| value == QUARANTINED)
    }

    fn is(&self, labgrid: &Labgrid) -> bool {
        match &labgrid.place {
            Some(name) => self.name == *name || self.aliases.contains(name),
            None => labgrid.tags.iter().all(|(key, value)| self.tags.get(key) == Some(value)),
        }
    }
}

/// The places that `labgrid-client -v places` prints; lines that nobody here knows are left out.
pub(super) fn read(text: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("Place '").and_then(|rest| rest.strip_suffix("':")) {
            places.push(Place { name: name.to_owned(), ..Place::default() });
        }
        let Some((place, (key, value))) = places.last_mut().zip(line.trim().split_once(": ")) else {
            continue;
        };
        let list = || value.split(", ").map(str::to_owned);
        match key {
            "aliases" => place.aliases = list().collect(),
            "tags" => {
                let pair = |pair: String| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
                place.tags = list().filter_map(pair).collect();
            }
            "acquired" => place.acquired = Some(value.to_owned()).filter(|who| who != "None"),
            _ => {}
        }
    }
    places
}

/// The one place that the rig file means.
pub(super) fn only<'a>(labgrid: &Labgrid, places: &'a [Place]) -> Result<&'a Place, String> {
    let mut found = places.iter().filter(|place| place.is(labgrid));
    let what = labgrid.place.as_ref().map_or_else(
        || format!("with the tags {}", told(&labgrid.tags)),
        |name| format!("that is called `{name}`"),
    );
    match (found.next(), found.next()) {
        (Some(place), None) => Ok(place),
        (None, _) => Err(format!("the coordinator {} has no place {what}", labgrid.coordinator)),
        (Some(one), Some(other)) => Err(format!(
            "the coordinator {} has more than one place {what}: `{}`, `{}`; a rig file is of one bench",
            labgrid.coordinator, one.name, other.name
        )),
    }
}

/// Whether the place is held under this name. A coordinator that was restarted has forgotten that, and may have forgotten
/// the place.
pub(super) fn holder(labgrid: &Labgrid, places: &[Place], user: &str) -> Answer {
    let place = match only(labgrid, places) {
        Ok(place) => place,
        Err(why) => return Answer::NotOurs(why),
    };
    match place.acquired.as_deref().map(|who| who.split_once('/').unwrap_or(("", who))) {
        Some((_, who)) if who == user => Answer::Ours,
        Some((host, who)) => Answer::NotOurs(format!("`{who}` on `{host}` has the place `{}`", place.name)),
        None => Answer::NotOurs(format!(
            "nobody has the place `{}`: somebody released it, or the coordinator was restarted",
            place.name
        )),
    }
}

fn told(tags: &BTreeMap<String, String>) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As labgrid 26.0 prints it.
    const PRINTED: &str = "Place 'bench':
  aliases: b1, first
  comment: by the window
  tags: battery=48v, busbar=quarantined
  matches:
    */bench/*
  acquired: lab-pc/anna-4711-18a2
  acquired resources:
    exporter/bench/RawSerialPort/psu
  created: 2026-11-30 23:00:00
  changed: 2026-11-30 23:00:01
Place 'other':
  tags: battery=48v
  matches:
  acquired: None
  acquired resources:
  created: 2026-11-30 23:00:00
  changed: 2026-11-30 23:00:00
";

    fn labgrid(place: Option<&str>, tags: &[(&str, &str)]) -> Labgrid {
        Labgrid {
            coordinator: "lab:20408".to_owned(),
            place: place.map(str::to_owned),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            client: "labgrid-client".to_owned(),
        }
    }

    #[test]
    fn the_words_of_a_step() {
        let of = |step| words(&labgrid(Some("bench"), &[]), "bench", step).join(" ");
        assert_eq!(of(Step::Acquire), "labgrid-client -x lab:20408 -p bench acquire");
        assert_eq!(of(Step::Release), "labgrid-client -x lab:20408 -p bench release");
        assert_eq!(of(Step::Quarantine), "labgrid-client -x lab:20408 -p bench set-tags busbar=quarantined");
        assert_eq!(of(Step::Clear), "labgrid-client -x lab:20408 -p bench set-tags busbar=");
        assert_eq!(ask(&labgrid(None, &[])).join(" "), "labgrid-client -x lab:20408 -v places");
    }

    #[test]
    fn who_has_a_place_is_read_from_what_the_client_prints() {
        let places = read(PRINTED);
        assert_eq!(places.len(), 2);
        assert!(places[0].is_quarantined() && !places[1].is_quarantined());
        let held = |place, tags: &[_], by| holder(&labgrid(place, tags), &places, by);
        assert_eq!(held(Some("bench"), &[], "anna-4711-18a2"), Answer::Ours);
        assert_eq!(held(Some("b1"), &[], "anna-4711-18a2"), Answer::Ours, "by an alias");
        assert_eq!(held(None, &[("busbar", "quarantined")], "anna-4711-18a2"), Answer::Ours, "by tags");
        let not_ours = |place, tags: &[_], says: &str| match held(place, tags, "bert-1-2") {
            Answer::NotOurs(why) => assert!(why.contains(says), "{why}"),
            other => panic!("{other:?}"),
        };
        not_ours(Some("bench"), &[], "`anna-4711-18a2` on `lab-pc`");
        not_ours(Some("other"), &[], "nobody has the place `other`");
        not_ours(Some("gone"), &[], "has no place that is called `gone`");
        not_ours(
            None,
            &[("battery", "48v")],
            "more than one place with the tags battery=48v: `bench`, `other`",
        );
        not_ours(None, &[("battery", "12v")], "has no place with the tags battery=12v");
    }
}
