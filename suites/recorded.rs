//! A run that was recorded, as tests: what a real rig did is judged again, and each CVL is held against the golden trace
//! of its battery, inside the tolerance tube. `insta` asks [`Tube`] whether two snapshots are the same.

use std::path::{Path, PathBuf};

use evidence::again::again;
use evidence::run::{CaseResult, RunMeta};
use files::{GoldenFile, Library};
use insta::internals::SnapshotContents;
use judge::tube::{Steps, Tolerance, compare};
use report::golden::{Found, Held};
use report::html::golden::{Page, golden as page};
use session::golden;

/// A case of a run, with the golden trace of its battery where there is one.
pub(crate) struct Recorded {
    pub(crate) result: CaseResult,
    golden: Option<GoldenFile>,
    /// where the page goes that shows both
    page: PathBuf,
    /// the run
    meta: RunMeta,
}

/// Everything that a run folder holds, judged again. Golden traces are those of `project`.
pub(crate) fn recorded(folder: &Path, project: &Library) -> Result<Vec<Recorded>, String> {
    let run = again(folder).map_err(|error| error.to_string())?.run;
    // Named as the folder is, whatever a file in it says.
    let id = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let meta = RunMeta {
        id: id.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        title: format!("{} on {}", run.meta.battery.title, run.meta.rig.title),
        ..run.meta
    };
    let case = |result: CaseResult| {
        let golden = golden::kept(project, &meta.battery.name, &result).map_err(|error| error.to_string())?;
        let page = format!("reports/golden/{}-{}-{}.html", meta.id, result.suite, result.case);
        Ok(Recorded { result, golden, page: project.root().join(page), meta: meta.clone() })
    };
    run.cases.into_iter().map(case).collect()
}

impl Recorded {
    /// Holds the CVL against the golden trace. Says how they differ, and which page shows it.
    pub(crate) fn held_against_golden(&self) -> Result<(), String> {
        let Some(golden) = &self.golden else { return Ok(()) };
        let held = golden::compared(&self.result, golden.clone());
        let (Some(new), Found::Match | Found::Apart(_)) = (&held.new, &held.found) else {
            return Err(held.words());
        };
        // insta keeps what is new beside what it compares with: never in the folder of the golden traces.
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let name = &self.result.case;
        std::fs::write(folder.path().join(format!("{name}.snap")), golden.text())
            .map_err(|error| format!("{}: {error}", folder.path().display()))?;
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(folder.path());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_comparator(Box::new(Tube(golden.tolerance)));
        if matches!(held.found, Found::Apart(_)) {
            self.drawn(&held)?;
            settings.set_description(format!("both with the tube: {}", self.page.display()));
        }
        let text = new.to_string();
        let compared = std::panic::AssertUnwindSafe(|| {
            settings.bind(|| insta::assert_snapshot!(name.as_str(), text));
        });
        match (std::panic::catch_unwind(compared), &held.found) {
            (Ok(()), _) => Ok(()),
            (Err(_), Found::Apart(_)) => Err(format!(
                "{}\n{}both with the tube: {}",
                held.words(),
                held.overlay(),
                self.page.display()
            )),
            (Err(_), _) => Err("insta refuses what the tolerance allows: is INSTA_UPDATE set?".to_owned()),
        }
    }

    /// Writes the page that shows both.
    fn drawn(&self, held: &Held) -> Result<(), String> {
        let RunMeta { id, title, rig, .. } = &self.meta;
        let held = core::slice::from_ref(held);
        let text = page(Page { id, title, simulated: rig.simulated, differences: &[], held });
        let folder = self.page.parent().unwrap_or(&self.page);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&self.page, text))
            .map_err(|error| format!("cannot write {}: {error}", self.page.display()))
    }
}

/// Two snapshots of CVL are the same where one stays within the tolerance of the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tube(pub(crate) Tolerance);

impl insta::Comparator for Tube {
    fn matches(&self, reference: &insta::Snapshot, test: &insta::Snapshot) -> bool {
        let steps = |snapshot: &insta::Snapshot| match snapshot.contents() {
            SnapshotContents::Text(text) => text.to_string().parse::<Steps>().ok(),
            SnapshotContents::Binary(_) => None,
        };
        match (steps(reference), steps(test)) {
            (Some(golden), Some(new)) => compare(&golden, &new, self.0).is_ok(),
            // What is no trace matches nothing.
            _ => false,
        }
    }

    fn dyn_clone(&self) -> Box<dyn insta::Comparator> {
        Box::new(*self)
    }
}

/// That `insta` is told by the tolerance and nothing else: a trace that is 3 s late is the same, one that is 0.2 V too
/// low is not, and what is no trace never is.
pub(crate) fn the_tube_decides() -> Result<(), libtest_mimic::Failed> {
    use insta::Comparator as _;
    let folder = tempfile::tempdir()?;
    let snapshot = |name: &str, text: &str| -> Result<insta::Snapshot, libtest_mimic::Failed> {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("---\nsource: here\n---\n{text}"))?;
        insta::Snapshot::from_file(&path).map_err(|error| error.to_string().into())
    };
    let golden = snapshot("golden", "0:00:00.0  56.0 V\n0:10:00.0  55.6 V\n0:20:00.0  end\n")?;
    let tube = Tube(Tolerance::LEAST);
    for (name, text, same) in [
        ("late", "0:00:00.0  56.0 V\n0:10:03.0  55.6 V\n0:20:00.0  end\n", true),
        ("low", "0:00:00.0  56.0 V\n0:10:00.0  55.4 V\n0:20:00.0  end\n", false),
        ("none", "0:00:00.0  56.0 V\n", false),
    ] {
        let matches = tube.dyn_clone().matches(&golden, &snapshot(name, text)?);
        if matches != same {
            return Err(format!("the trace `{name}` must {}match", if same { "" } else { "not " }).into());
        }
    }
    Ok(())
}
