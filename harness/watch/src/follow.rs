//! What is watched: a run, or always the latest run of a folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::find;
use crate::station::Station;
use crate::view::View;

/// How often a folder is searched for a newer run.
const OFTEN: Duration = Duration::from_secs(2);

/// A run, or the latest run of a folder.
#[derive(Debug)]
pub struct Follow {
    named: PathBuf,
    station: Option<Station>,
    searched: Option<Instant>,
}

impl Follow {
    /// Follows the run of this folder; where it is none, the run below it that was written to last.
    #[must_use]
    pub fn new(named: &Path) -> Self {
        Self { named: named.to_owned(), station: None, searched: None }
    }

    /// Reads what was written since the last look, and says how it stands at this time of the clock.
    pub fn look(&mut self, now: SystemTime) -> View {
        self.find();
        match &mut self.station {
            Some(station) => {
                station.look();
                View::of(station, now)
            }
            None => View::waiting(&self.named),
        }
    }

    fn find(&mut self) {
        let is_new = |searched: Option<Instant>| searched.is_none_or(|at| at.elapsed() >= OFTEN);
        if !is_new(self.searched) {
            return;
        }
        self.searched = Some(Instant::now());
        let run =
            if find::is_run(&self.named) { Some(self.named.clone()) } else { find::latest(&self.named) };
        let Some(run) = run else { return };
        if self.station.as_ref().is_none_or(|station| station.folder() != run) {
            self.station = Some(Station::new(&run));
        }
    }
}
