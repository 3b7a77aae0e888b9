//! Files of devices: there, and ours to use?

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, access};

use super::{Finding, Part};

/// What keeps a serial port from being opened; nothing where nothing does.
pub(super) fn obstacle(part: Part, path: &str) -> Option<Finding> {
    let Ok(metadata) = fs::metadata(path) else {
        let there = ports();
        let there = if there.is_empty() { "none is plugged in".to_owned() } else { there.join(", ") };
        return Some(part.problem(
            format!("{path} is not there"),
            format!("plug it in, or name another; serial ports that are there: {there}"),
        ));
    };
    access(path, Access::READ_OK | Access::WRITE_OK).is_err().then(|| {
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        part.problem(
            format!("{path} may not be opened by this user"),
            join(group(&groups, metadata.gid()), metadata.gid(), metadata.mode()),
        )
    })
}

/// Who must do what, so that a device of a group may be opened.
fn join(group: Option<&str>, gid: u32, mode: u32) -> String {
    const GROUP_MAY: u32 = 0o060;
    match group {
        // A device of root's own group is opened to nobody by joining that.
        Some(name) if gid != 0 && mode & GROUP_MAY == GROUP_MAY => {
            format!("join the group that may: `sudo usermod -aG {name} $USER`, then log out and in again")
        }
        _ => "its mode lets no group in: give it one with a udev rule, such as \
              SUBSYSTEM==\"tty\", GROUP=\"dialout\", MODE=\"0660\""
            .to_owned(),
    }
}

/// The name of a group, out of the text of `/etc/group`.
fn group(groups: &str, gid: u32) -> Option<&str> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(gid)).then_some(name)
    })
}

/// Serial ports by names that stay.
fn ports() -> Vec<String> {
    let by_id = Path::new("/dev/serial/by-id");
    let entries = fs::read_dir(by_id).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.path().display().to_string()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some("dialout"), 20, 0o660, "usermod -aG dialout")]
    #[case(Some("uucp"), 14, 0o020_660, "usermod -aG uucp")]
    #[case(Some("dialout"), 20, 0o600, "udev rule")]
    #[case(Some("root"), 0, 0o660, "udev rule")]
    #[case(None, 1234, 0o660, "udev rule")]
    fn who_must_do_what(#[case] name: Option<&str>, #[case] gid: u32, #[case] mode: u32, #[case] says: &str) {
        assert!(join(name, gid, mode).contains(says));
    }

    #[test]
    fn groups_are_found_by_number() {
        let text = "root:x:0:\ndialout:x:20:ann,bob\nbad line\n";
        assert_eq!(group(text, 20), Some("dialout"));
        assert_eq!(group(text, 2), None);
    }

    #[test]
    fn a_device_that_is_not_there_is_named() {
        let finding = obstacle(Part::Supply, "/dev/busbar-none").expect("it is not there");
        assert!(finding.what.contains("/dev/busbar-none is not there"), "{finding:?}");
        assert_eq!(obstacle(Part::Supply, "/dev/null"), None);
    }
}
