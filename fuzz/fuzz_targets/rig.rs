//! Any text as a rig file, alone and laid over the one that is shipped.

#![no_main]

use std::sync::LazyLock;

use engine::yaml::Layers;
use files::RigFile;
use libfuzzer_sys::fuzz_target;

#[path = "../refused.rs"]
mod refused;

static BASE: LazyLock<Layers> = LazyLock::new(|| {
    Layers::new("base.yaml", include_str!("../../rigs/simulated.yaml")).expect("it is shipped")
});

/// Maps of which one replaces another whole.
const CHOICES: &[&str] = &[];

/// What was read can be asked for all that a run asks for.
fn holds(rig: &RigFile) {
    assert!(rig.limits.check().is_ok());
    assert!(rig.plant.is_some() != rig.live.is_some(), "either simulated or real");
    let _ =
        (rig.site(), rig.last_resort(None), rig.swept(files::Draw::new("reference", "simulated", 1)).site());
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match RigFile::parse("a.yaml", text) {
        Ok(read) => holds(&read),
        Err(error) => refused::check(&error, text),
    }
    let Ok(top) = Layers::new("a.yaml", text) else { return };
    let keys: Vec<&str> = BASE.keys().collect();
    // What is laid over another is written out and read again: that never makes it another file.
    let laid = top.over(BASE.clone(), &keys, CHOICES);
    let once = laid.read::<serde_json::Value>();
    let twice = laid.over(BASE.clone(), &[], CHOICES).read::<serde_json::Value>();
    assert_eq!(once.ok(), twice.ok());
});
