"""Opens every file of a run, and of its exports, with python-can, cantools and pandas.

Arguments: the folder of the run, and the folder with its exports and the database. Prints how much was read; whatever
cannot be read, or is not the same in two forms, is an error.
"""

import json
import pathlib
import sys

import can
import cantools
import pandas


def frames(path):
    """Time since the first frame of the log (µs), identifier and data of each data frame; and how many are of errors."""
    data, errors, began = [], 0, None
    with can.LogReader(path) as log:
        for message in log:
            began = message.timestamp if began is None else began
            if message.is_error_frame:
                errors += 1
                continue
            at = round((message.timestamp - began) * 1e6)
            data.append((at, message.arbitration_id, message.is_extended_id, bytes(message.data)))
    return data, errors


def same(name, ours, theirs, slack, since=0):
    """Two forms of one log: what was sent, and when, to this many µs, counted from the first frame that is so late."""
    assert len(ours) == len(theirs), f"{name}: {len(theirs)} data frames of {len(ours)}"
    zero = next(n for n, frame in enumerate(ours) if frame[0] >= since)
    for n, (one, other) in enumerate(zip(ours, theirs)):
        assert one[1:] == other[1:], f"{name}: frame {n}: {other}, in can.log {one}"
        if n >= zero:
            at, there = one[0] - ours[zero][0], other[0] - theirs[zero][0]
            assert abs(at - there) <= slack, f"{name}: frame {n} at {there} us, in can.log {at} us"


def main(run, folder):
    run, folder = pathlib.Path(run), pathlib.Path(folder)
    data, errors = frames(run / "can.log")
    assert data and errors, f"{len(data)} frames, {errors} errors"
    # log2asc takes a log to begin with its first whole second; python-can adds up times of a TRC in doubles.
    for name, slack, tells_errors, since in [
        ("log2asc.asc", 1, True, 2_000_000),
        ("run.asc", 1, True, 0),
        ("run.blf", 1, True, 0),
        ("run.trc", 2, False, 0),
    ]:
        theirs, theirs_of_errors = frames(folder / name)
        same(name, data, theirs, slack, since)
        assert not tells_errors or theirs_of_errors == errors, f"{name}: {theirs_of_errors} errors of {errors}"

    database = cantools.database.load_file(folder / "bms.dbc", strict=True)
    known = {message.frame_id for message in database.messages}
    decoded = 0
    for _, identifier, _, payload in data:
        if identifier in known:
            message = database.get_message_by_frame_id(identifier)
            message.decode(payload, allow_truncated=True, allow_excess=True)
            decoded += 1
    assert decoded > 1000, decoded

    tables = sorted(run.glob("*.csv"))
    assert [table.name for table in tables] == ["bus.csv", "gx.csv", "supply.csv"], tables
    for table in tables:
        rows = pandas.read_csv(table)
        assert len(rows) and rows.time_s.is_monotonic_increasing and rows.input.notna().all(), table
    states = pandas.read_csv(run / "bus.csv").state
    assert len(states) > 100 and states.between(0, 3).all(), states.describe()

    events = pandas.read_json(run / "events.jsonl", lines=True)
    assert set(events.kind) >= {"run", "case-start", "step", "case-end", "run-end"}, set(events.kind)
    for name in ["verdicts.json", "manifest.json"]:
        json.loads((run / name).read_text(encoding="utf-8"))

    table = pandas.read_csv(folder / "run.csv")
    assert table.time_s.is_monotonic_increasing
    voltage = table["battery.voltage [V]"].dropna()
    assert len(voltage) > 1000 and voltage.between(0, 70).all(), voltage.describe()
    assert table.event.dropna().str.startswith("step: ").any()
    print(f"{len(data) + errors} frames, {decoded} decoded, {len(table)} rows")


main(*sys.argv[1:])
