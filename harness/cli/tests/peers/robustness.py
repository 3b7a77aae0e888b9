"""Holds margins of a run against the robustness of signal temporal logic, as RTAMT computes it from the raw log.

Argument: the folder of a run. For each figure whose requirement says that something holds at all times, the signal is read out of
can.log, RTAMT says by how much `always(signal <= limit)` holds, and that is the margin of verdicts.json. Prints a line for each
requirement and formula; a difference of more than 1e-9 is an error.
"""

import collections
import json
import pathlib
import sys

import rtamt

SLACK = 1e-9


def frames(path, identifier):
    """Time since the start of the run (us) and data of each frame with this identifier."""
    found = []
    for line in path.read_text().splitlines():
        stamp, _, frame = line.split()[:3]
        if frame.startswith(identifier + "#"):
            seconds, micros = stamp.strip("()").split(".")
            found.append((int(seconds) * 1_000_000 + int(micros), bytes.fromhex(frame[4:])))
    return found


def robustness(samples, limit):
    """By how much a signal stays at or below a limit at all its samples."""
    specification = rtamt.StlDiscreteTimeSpecification()
    specification.declare_var("x", "float")
    specification.declare_var("limit", "float")
    specification.spec = "always(x <= limit)"
    specification.parse()
    steps = list(range(len(samples)))
    return specification.evaluate({"time": steps, "x": samples, "limit": [limit] * len(samples)})[0][1]


def within(signal, start, end):
    """The values of a signal from its last one before the window to its end."""
    before = [value for at, value in signal if at <= start]
    return before[-1:] + [value for at, value in signal if start < at < end]


def volts(text):
    """`3.421 V`, or `<= 3.630 V`."""
    number, unit = text.lstrip("≤≥ ").split()
    assert unit == "V", text
    return float(number)


def main(run):
    run = pathlib.Path(run)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    epoch = events[0]["epoch"]
    began = {(e["suite"], e["case"]): e["at"] for e in events if e["kind"] == "case-start"}
    cells = [(at - epoch, int.from_bytes(data[2:4], "little") / 1000) for at, data in frames(run / "can.log", "373")]
    limits = [at - epoch for at, _ in frames(run / "can.log", "351")]
    table = collections.defaultdict(list)
    for case in json.loads((run / "verdicts.json").read_text())["cases"]:
        start = began[case["suite"], case["case"]]
        end = start + case["length"]
        for verdict in case["verdicts"]:
            name = verdict["requirement"]
            for evidence in verdict["evidence"]:
                if evidence["what"] == "M10 highest cell":
                    window = start + evidence["from"], start + evidence["to"]
                    limit, value = volts(evidence["limit"]), volts(evidence["value"])
                    found = robustness(within(cells, *window), limit)
                    table[name, "always(highest cell <= limit)"].append((limit - value, found))
            margin = verdict.get("margin")
            if margin and margin["threshold"] == "gap":
                own = [at for at in limits if start <= at <= end]
                ages = [(b - a) / 1e6 for a, b in zip(own, own[1:])]
                table[name, "always(age of 0x351 <= limit)"].append((margin["margin"], robustness(ages, margin["limit"])))
    for (name, formula), pairs in sorted(table.items()):
        apart = max(abs(ours - theirs) for ours, theirs in pairs)
        least = min(theirs for _, theirs in pairs)
        print(f"{name} {formula}: {len(pairs)} cases, least {least:.6f}, at most {apart:.1e} apart")
        assert apart <= SLACK, f"{name} {formula}: {pairs}"
    assert sum(len(pairs) for pairs in table.values()) >= 8, dict(table)


main(sys.argv[1])
