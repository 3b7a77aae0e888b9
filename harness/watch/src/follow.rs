//! What is watched: a run, or always the latest run of a folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::find;
use crate::now::Now;
use crate::station::Station;
use crate::view::View;

/// How often a folder is searched for a newer run.
const OFTEN: Duration = Duration::from_secs(2);

/// A run, or the latest run of a folder.
#[derive(Debug)]
pub struct Follow {
    named: PathBuf,
    station: Option<Station>,
    searched: Option<Duration>,
}

impl Follow {
    /// Follows the run of this folder; where it is none, the run below it that was written to last.
    #[must_use]
    pub fn new(named: &Path) -> Self {
        Self { named: named.to_owned(), station: None, searched: None }
    }

    /// Reads what was written since the last look, and says how it stands.
    pub fn look(&mut self, now: Now) -> View {
        self.find(now);
        match &mut self.station {
            Some(station) => {
                station.look(now);
                View::of(station)
            }
            None => View::waiting(&self.named),
        }
    }

    fn find(&mut self, now: Now) {
        if self.searched.is_some_and(|at| now.passed.saturating_sub(at) < OFTEN) {
            return;
        }
        self.searched = Some(now.passed);
        // A run that was removed, or written anew under the same name, is another.
        if self.station.as_ref().is_some_and(|station| !station.is_there()) {
            self.station = None;
        }
        // One that goes on is not left for another.
        if self.station.as_ref().is_some_and(Station::goes_on) {
            return;
        }
        let run = match find::is_run(&self.named) {
            true => Some(self.named.canonicalize().unwrap_or_else(|_| self.named.clone())),
            false => find::latest(&self.named, now),
        };
        let Some(run) = run else { return };
        if self.station.as_ref().is_none_or(|station| station.folder() != run) {
            self.station = Some(Station::new(&run));
        }
    }
}
