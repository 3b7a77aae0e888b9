//! A shunt on a serial line of 19200 bit/s, faster than the clock as the whole rig is.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use evidence::conclusion::Attempt;
use judge::trace::Channel;
use judge::verdict::{Outcome, Verdict};

use proto::quantity::Micros;
use tempfile::TempDir;

use super::bench::Bench;
use super::proxy::SerialPort;

fn link(attempt: &Attempt) -> &Verdict {
    link_of(attempt, "D-VD")
}

fn link_of<'a>(attempt: &'a Attempt, id: &str) -> &'a Verdict {
    attempt.verdicts.iter().find(|verdict| verdict.requirement.id == id).expect("it is told unnamed")
}

fn value<'a>(verdict: &'a Verdict, what: &str) -> &'a str {
    verdict
        .evidence
        .iter()
        .find(|evidence| evidence.what == what)
        .map_or("", |evidence| evidence.value.as_str())
}

/// Text once a second and a HEX frame each 100 ms, of its own time: nothing is lost.
#[test]
fn nothing_is_lost_with_hex_between() {
    let mut bench = Bench::new();
    bench.is_witnessed = true;
    let (attempt, _) = bench.run("- hold: 200 s", |_, _| {});
    let link = link(&attempt);
    assert_eq!(link.outcome, Outcome::Pass, "{} {:#?}", link.reason, link.evidence);
    assert_eq!(value(link, "blocks with a wrong sum"), "0");
    let blocks: u32 = value(link, "blocks").split(' ').next().and_then(|n| n.parse().ok()).expect("a count");
    // Two a second: the main one and its history.
    assert!((390..=404).contains(&blocks), "{blocks}");
    assert!(value(link, "HEX frames").ends_with("(0 bad)"), "{}", value(link, "HEX frames"));
    let (shunt, battery) = (Channel::ShuntVoltage, Channel::PackVoltage);
    let [shunt, battery] =
        [shunt, battery].map(|channel| attempt.trace.series(channel).last().expect("told"));
    assert!((shunt - battery).abs() < 0.1, "{shunt} V and {battery} V");
}

/// Gives the line of the shunt a name of its own: a terminal that is gone leaves its number to the next, of another test too.
fn named(bench: &mut Bench) -> (TempDir, PathBuf) {
    bench.is_witnessed = true;
    let folder = TempDir::new().expect("a folder");
    let link = folder.path().join("usb-VE_Direct_cable");
    symlink(bench.shunt.path(), &link).expect("a link");
    bench.shunt_link = Some(link.display().to_string());
    (folder, link)
}

/// A cable that is pulled out ends no case: it is told, and the battery is judged by what was heard.
#[test]
fn a_line_that_vanishes_is_told_and_ends_no_case() {
    let mut bench = Bench::new();
    let (_folder, name) = named(&mut bench);
    let (out, pulled) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
    let (attempt, _) = bench.run("- hold: 120 s", |bench, seen| {
        if seen.frames > 200 && !out.swap(true, Ordering::Relaxed) {
            pulled.store(seen.frames, Ordering::Relaxed);
            std::fs::remove_file(&name).expect("it was there");
            bench.shunt.unplug();
        }
    });
    assert!(pulled.load(Ordering::Relaxed) > 0, "it was pulled");
    let link = link(&attempt);
    assert!(link.outcome == Outcome::Fail && link.reason.contains("fell silent"), "{}", link.reason);
    assert_eq!(attempt.outcome, Outcome::Pass, "{}", attempt.reason);
    let told = format!("{:?}", attempt.trace.events);
    assert!(told.contains("witness `Shunt`: "), "why it is not heard is told: {told}");
}

/// It is plugged in again, as another device under the same name: it is heard again, and how long it was away is told.
#[test]
fn a_line_that_returns_is_heard_again() {
    let mut bench = Bench::new();
    let (_folder, link) = named(&mut bench);
    let (away, back) = (AtomicBool::new(false), Mutex::new(None));
    let (attempt, _) = bench.run("- hold: 240 s", |bench, seen| {
        if seen.frames > 200 && !away.swap(true, Ordering::Relaxed) {
            std::fs::remove_file(&link).expect("it was there");
            bench.shunt.unplug();
        }
        let mut back = back.lock().expect("nobody panicked");
        if seen.frames > 700 && back.is_none() {
            let again = SerialPort::to(&bench.served.addresses().witnesses[0]);
            symlink(again.path(), &link).expect("a link");
            *back = Some(again);
        }
    });
    let heard = attempt.trace.series(Channel::ShuntVoltage);
    assert_eq!(heard.silences().len(), 1, "{:?}", heard.silences());
    let last = heard.last_seen().expect("it was heard");
    assert!(attempt.length.since(last) < Micros::from_secs(10), "{last:?} of {:?}", attempt.length);
    let link = link_of(&attempt, "D-VD");
    assert!(
        link.outcome == Outcome::Fail && link.reason.contains("said nothing for up to"),
        "{}",
        link.reason
    );
    assert_eq!(attempt.outcome, Outcome::Pass, "{}", attempt.reason);
}

/// Two names of one port: nobody is asked where another answers.
#[test]
fn a_port_of_two_names_is_refused() {
    let mut bench = Bench::new();
    bench.is_witnessed = true;
    let folder = TempDir::new().expect("a folder");
    let link = folder.path().join("usb-VE_Direct_cable");
    symlink(&bench.can_path, &link).expect("a link");
    bench.shunt_link = Some(link.display().to_string());
    let (attempt, _) = bench.run("- hold: 20 s", |_, _| {});
    assert_eq!(attempt.outcome, Outcome::Inconclusive, "{}", attempt.reason);
    let says =
        format!("{} (`Shunt`) and {} (`the CAN adapter`) are one port", link.display(), bench.can_path);
    assert!(attempt.reason.contains(&says), "{}", attempt.reason);
}

/// A bus of its own, which is asked who is there: the shunt is found by what it says of itself.
#[test]
fn a_shunt_on_a_bus_is_found_and_heard() {
    let bench = Bench::on_ve_can();
    let (attempt, _) = bench.run("- hold: 120 s", |_, _| {});
    let link = link_of(&attempt, "D-N2K");
    assert_eq!(link.outcome, Outcome::Pass, "{} {:#?}", link.reason, link.evidence);
    assert!(value(link, "`Shunt`").contains("Lynx Shunt VE.Can 1000A"), "{}", value(link, "`Shunt`"));
    let [shunt, battery] = [Channel::ShuntVoltage, Channel::PackVoltage]
        .map(|channel| attempt.trace.series(channel).last().expect("told"));
    assert!((shunt - battery).abs() < 0.1, "{shunt} V and {battery} V");
}
