//! What a careful forger does to the counts: everything that was recorded is put in the order of its times and counted anew.

use std::collections::BTreeMap;

/// The raw files of a run of one case, by their names: times in order, counts as they would be.
pub(crate) fn put_right(files: &mut BTreeMap<String, String>) {
    const RAW: [&str; 3] = ["supply.csv", "gx.csv", "can.log"];
    let mut times: Vec<(u64, usize, usize)> = Vec::new();
    let mut lines: Vec<Vec<String>> = Vec::new();
    for (file, name) in RAW.into_iter().enumerate() {
        let text = files.get(name).cloned().unwrap_or_default();
        let mut own: Vec<String> = text.lines().map(str::to_owned).collect();
        let head = if name.ends_with(".csv") && !own.is_empty() { own.remove(0) } else { String::new() };
        own.sort_by_key(|line| time(line).unwrap_or_default());
        times.extend(own.iter().enumerate().filter_map(|(k, line)| Some((time(line)?, file, k))));
        own.insert(0, head);
        lines.push(own);
    }
    times.sort_unstable();
    for (count, &(_, file, k)) in times.iter().enumerate() {
        let line = &mut lines[file][k + 1];
        if RAW[file].ends_with(".csv")
            && let Some((rest, _)) = line.rsplit_once(',')
        {
            *line = format!("{rest},{count}");
        }
    }
    for (name, own) in RAW.into_iter().zip(lines) {
        if files.contains_key(name) {
            let text = own.into_iter().filter(|line| !line.is_empty()).map(|line| line + "\n").collect();
            files.insert(name.to_owned(), text);
        }
    }
    let events = files.get("events.jsonl").cloned().unwrap_or_default();
    let recount = |line: &str| {
        let counted = line.strip_prefix("{\"at\":").and_then(|rest| {
            let (at, rest) = rest.split_once(',')?;
            let (_, rest) = rest.strip_prefix("\"inputs\":")?.split_once(',')?;
            let at: u64 = at.parse().ok()?;
            let before = if rest.contains("\"case-end\"") {
                times.len()
            } else {
                times.partition_point(|(time, ..)| *time <= at)
            };
            Some(format!("{{\"at\":{at},\"inputs\":{before},{rest}\n"))
        });
        counted.unwrap_or_else(|| format!("{line}\n"))
    };
    files.insert("events.jsonl".to_owned(), events.lines().map(recount).collect());
}

/// Microseconds since the start of the run.
fn time(line: &str) -> Option<u64> {
    let text = line.strip_prefix("# ").unwrap_or(line);
    let text = match text.strip_prefix('(') {
        Some(text) => text.split(')').next()?,
        None => text.split(',').next()?,
    };
    let (s, us) = text.split_once('.')?;
    (us.len() == 6).then(|| Some(s.parse::<u64>().ok()? * 1_000_000 + us.parse::<u64>().ok()?))?
}
