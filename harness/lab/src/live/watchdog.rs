//! The watchdog of the supply: seen to trip once, before the first case of a run, and armed for each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::psu::{Supply, SupplyError};
use evidence::meta::WATCHDOG_PROVEN as PROVEN;
use files::live::PsuPlace;

/// How the evidence says that it was not.
const NOT_PROVEN: &str = "harness: the watchdog of the supply is not proven to trip";

/// Whether the watchdog was seen to trip, for all cases of a run.
#[derive(Clone, Default)]
pub(super) struct Watchdog {
    /// what came of it, once it was tried
    tried: Arc<Mutex<Option<Result<(), String>>>>,
    /// ends the trial
    stop: Arc<AtomicBool>,
    /// writes into the evidence
    notes: Vec<Note>,
}

type Note = Arc<dyn Fn(&str) + Send + Sync>;

impl Watchdog {
    /// One that nobody has tried yet; setting `stop` ends the trial.
    pub(super) fn untried(stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..Self::default() }
    }

    /// What comes of the trial is given to this too, from now on.
    pub(super) fn noted_by(&mut self, note: impl Fn(&str) + Send + Sync + 'static) {
        self.notes.push(Arc::new(note));
    }

    /// Tells whoever keeps evidence or watches.
    pub(super) fn tell(&self, what: &str) {
        self.notes.iter().for_each(|note| note(what));
    }

    /// Arms the watchdog where the rig has one, with the output off, and sees it trip first where nobody has yet. A
    /// supply whose watchdog is not proven is only used where the rig file says what else there is.
    ///
    /// # Errors
    /// When the supply does not answer, or there is nothing else.
    pub(super) fn arm(&self, supply: &mut Supply, place: &PsuPlace) -> Result<(), SupplyError> {
        let Some(span) = place.watchdog else { return Ok(()) };
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if tried.is_none() {
            let proven = supply.prove_watchdog(span, || self.stop.load(Ordering::Relaxed));
            let (result, said) = match proven {
                Ok(()) => (
                    Ok(()),
                    format!(
                        "{PROVEN} within {} s of silence, with the output off",
                        files::profile::Watchdog::silence(span).secs()
                    ),
                ),
                Err(error @ (SupplyError::WatchdogAsleep { .. } | SupplyError::Lacks(_))) => {
                    let why = error.to_string();
                    (Err(why.clone()), format!("{NOT_PROVEN}: {why}"))
                }
                Err(error) => return Err(error),
            };
            self.tell(&said);
            *tried = Some(result);
        }
        match &*tried {
            Some(Err(why)) if !place.has_another_resort() => Err(SupplyError::Unproven(why.clone())),
            _ => supply.arm_watchdog(span).map(drop),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rstest::rstest;

    use proto::quantity::Amps;

    use crate::psu::{InMemory, Settings};
    use files::Profile;
    use plant::instrument::{Instrument, Surroundings, Watchdog as State};

    const PLACE: &str = "{ profile: keysight, port: { serial: x }, voltage: 120 V, over-voltage: 132 V, \
                         over-current: 65 A, safe-voltage: 30 V, safe-within: 5 s, watchdog: 10 s, MORE }";

    /// What the rig file says besides, whether the watchdog works, what is noted, and whether the rig may be used.
    #[rstest]
    #[case::it_works("", State::Works, PROVEN, true)]
    #[case::it_is_broken("", State::Broken, NOT_PROVEN, false)]
    #[case::only_while_on("", State::OnlyWhileOn, NOT_PROVEN, false)]
    #[case::there_is_an_interlock("interlock: relay K1", State::Broken, NOT_PROVEN, true)]
    #[case::the_risk_is_accepted("accepted-risk: somebody watches", State::OnlyWhileOn, NOT_PROVEN, true)]
    fn nothing_runs_on_a_watchdog_alone_that_was_not_seen_to_trip(
        #[case] more: &str,
        #[case] state: State,
        #[case] says: &str,
        #[case] usable: bool,
    ) {
        let place: PsuPlace = serde_yaml::from_str(&PLACE.replace("MORE", more)).expect("a supply");
        let words = include_str!("../../../../rigs/psu/keysight.yaml");
        let profile = Profile::parse("keysight", words).expect("it is shipped");
        let dialect = profile.simulated.clone().expect("it can be played");
        let instrument = Instrument::new(dialect, Surroundings::default()).with_watchdog(state);
        let link = Box::new(InMemory::new(Arc::new(Mutex::new(instrument))));
        let (mut supply, _) =
            Supply::open(link, profile, Settings::of(&place, Amps(60.0))).expect("it answers");
        let noted: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = noted.clone();
        let mut watchdog = Watchdog::untried(Arc::default());
        watchdog.noted_by(move |what| notes.lock().expect("one thread").push(what.to_owned()));
        let mut took = Vec::new();
        for _ in 0..3 {
            let before = supply.now();
            let armed = watchdog.arm(&mut supply, &place);
            assert_eq!(armed.is_ok(), usable, "{armed:?}");
            if let Err(error) = armed {
                assert!(error.to_string().contains("`interlock:`"), "{error}");
            }
            took.push(supply.now().since(before).secs());
        }
        // Tried once for all cases, and told once.
        assert!(took[0] > 10.0 && took[1..].iter().all(|&took| took < 1.0), "{took:?}");
        let noted = noted.lock().expect("one thread");
        assert!(noted.len() == 1 && noted[0].starts_with(says), "{noted:?}");
    }

    /// A case that is ended during the trial proves nothing: the next one tries again.
    #[test]
    fn a_trial_that_was_ended_counts_for_nothing() {
        let place: PsuPlace = serde_yaml::from_str(&PLACE.replace(", MORE", "")).expect("a supply");
        let words = include_str!("../../../../rigs/psu/keysight.yaml");
        let profile = Profile::parse("keysight", words).expect("it is shipped");
        let dialect = profile.simulated.clone().expect("it can be played");
        let instrument = Arc::new(Mutex::new(Instrument::new(dialect, Surroundings::default())));
        let link = Box::new(InMemory::new(instrument));
        let (mut supply, _) =
            Supply::open(link, profile, Settings::of(&place, Amps(60.0))).expect("it answers");
        let stop = Arc::new(AtomicBool::new(true));
        let watchdog = Watchdog::untried(stop.clone());
        assert!(matches!(watchdog.arm(&mut supply, &place), Err(SupplyError::Link(_))));
        stop.store(false, Ordering::Relaxed);
        watchdog.arm(&mut supply, &place).expect("it trips");
    }
}
