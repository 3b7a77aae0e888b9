//! Any text as a battery file, alone and laid over the one that is shipped.

#![no_main]

use std::sync::LazyLock;

use engine::yaml::Layers;
use files::BatteryFile;
use libfuzzer_sys::fuzz_target;

#[path = "../refused.rs"]
mod refused;

static BASE: LazyLock<Layers> = LazyLock::new(|| {
    Layers::new("base.yaml", include_str!("../../rigs/batteries/reference.yaml")).expect("it is shipped")
});

/// Maps of which one replaces another whole.
const CHOICES: &[&str] = &["simulated.strategy"];

/// What was read is a battery.
fn holds(file: &BatteryFile) {
    assert!((1..=256).contains(&file.declared.cells));
    assert!(file.declared.capacity.0 > 0.0 && file.declared.max_charge_voltage > file.declared.min_voltage);
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match BatteryFile::parse("a.yaml", text) {
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
