//! One serial port under two names: what is plugged in has a name under `/dev/serial/by-id`, which is a link, and a number.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use files::WitnessPlace;
use files::live::Live;

/// What to say where two instruments of a rig are on one port; nothing where each has its own. Witnesses of one bus share its
/// adapter, which they name alike.
#[must_use]
pub(crate) fn port_twice(live: &Live, witnesses: &[WitnessPlace]) -> Option<String> {
    let psu = live.psu.as_ref().and_then(|psu| Some(("the supply", psu.port.serial()?)));
    let can = live.can.serial().map(|path| ("the CAN adapter", path));
    let meters = witnesses.iter().filter_map(|place| Some((place.name.as_str(), place.serial()?)));
    let all: Vec<_> = psu
        .into_iter()
        .chain(can)
        .chain(meters)
        .map(|(who, path)| (who, path, device(Path::new(path))))
        .collect();
    all.iter().enumerate().find_map(|(k, (who, path, device))| {
        let is_it =
            |(_, other, its): &&(&str, &str, Option<u64>)| path != other && device.is_some() && device == its;
        let (other, its, _) = all[..k].iter().find(is_it)?;
        Some(format!(
            "{path} (`{who}`) and {its} (`{other}`) are one port: two on one line are heard as neither"
        ))
    })
}

/// The number of a device, by whatever name; nothing of what is none, or is not there.
pub(crate) fn device(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    metadata.file_type().is_char_device().then(|| metadata.rdev())
}
