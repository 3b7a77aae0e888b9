//! Any text as a suite file, and what reads well bound to rigs that have everything, an operator, or nothing.

#![no_main]

use std::sync::LazyLock;

use engine::bench::Capability;
use engine::suite::{BindError, Suite};
use files::RigFile;
use libfuzzer_sys::fuzz_target;

#[path = "../refused.rs"]
mod refused;

static RIG: LazyLock<RigFile> = LazyLock::new(|| {
    RigFile::parse("simulated.yaml", include_str!("../../rigs/simulated.yaml")).expect("it is shipped")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let suite = match Suite::parse("a.yaml", text) {
        Ok(suite) => suite,
        Err(error) => return refused::check(&error, text),
    };
    assert!(!suite.cases.is_empty(), "a suite has a case");
    let whole: Vec<Capability> = Capability::NAMES.iter().map(|(_, capability)| *capability).collect();
    for case in &suite.cases {
        for has in [&whole[..], &[Capability::Operator], &[]] {
            match case.bind(&RIG.limits, has) {
                Ok(bound) => assert_eq!(bound.case, *case, "a rig does not change the test"),
                Err(BindError::NotTried { reason } | BindError::Lifts { reason, .. }) => {
                    assert!(!reason.is_empty());
                }
                Err(error) => panic!("{error}: but the limits are good"),
            }
        }
    }
});
