"""Decodes frames with cantools and a DBC database, and compares every field with what `busbar decode` says.

Arguments: the database, then the output of `busbar decode --format jsonl`. Prints how much was compared; any
difference is an error that names the line and the field.
"""

import json
import sys

import cantools


def fields_of_cantools(message, data):
    """Raw value, scaled value, name and unit of every signal that the frame is long enough for."""
    present = {"allow_truncated": True, "allow_excess": True}
    raw = message.decode(data, decode_choices=False, scaling=False, **present)
    scaled = message.decode(data, decode_choices=False, scaling=True, **present)
    named = message.decode(data, decode_choices=True, scaling=True, **present)
    units = {signal.name: signal.unit for signal in message.signals}
    return {name: (raw[name], scaled[name], str(named[name]), units[name]) for name in raw}


def compare(name, ours, signals):
    """Takes the signals of one of our fields out of `signals` and says what differs."""
    if isinstance(ours.get("raw"), str) or name in ("zeros", "identity"):
        # A text or a pattern: one signal for each byte.
        text = bytes.fromhex(ours.get("raw", ours["value"]))
        theirs = [signals.pop(f"{name}_{place}")[0] for place in range(1, len(text) + 1)]
        return None if list(text) == theirs else f"bytes {theirs}"
    raw, scaled, named, unit = signals.pop(name)
    if ours.get("unit") != (unit.replace("deg", "\u00b0") if unit else None):
        return f"unit {unit}"
    value = ours["value"]
    if "raw" in ours:
        if ours["raw"] != raw:
            return f"raw {raw}"
        # `OK` and `not supported (00)` of the value table against `ok` and `not supported`.
        expected = "not supported" if value is None else value
        return None if named.lower().startswith(expected) else f"name {named}"
    if isinstance(value, bool):
        return None if value == (raw == 0xFF) else f"raw {raw}"
    if isinstance(value, str):
        return None if value == f"{raw >> 8}.{raw & 0xFF}" else f"raw {raw}"
    return None if abs(value - scaled) <= 1e-9 * max(1.0, abs(scaled)) else f"value {scaled}"


def main(database, decoded):
    messages = {m.frame_id: m for m in cantools.database.load_file(database, strict=True).messages}
    frames = compared = 0
    for text in open(decoded, encoding="utf-8"):
        entry = json.loads(text)
        if entry["kind"] != "data":
            continue
        frames += 1
        where = f"line {entry['line']}, {entry['id']}#{entry['data']}"
        message = messages.get(int(entry["id"], 16)) if len(entry["id"]) == 3 else None
        if (message and message.name) != entry["name"]:
            sys.exit(f"{where}: cantools calls it {message and message.name}, busbar {entry['name']}")
        if message is None:
            continue
        signals = fields_of_cantools(message, bytes.fromhex(entry["data"]))
        for name, ours in entry["fields"].items():
            difference = compare(name, ours, signals)
            if difference:
                sys.exit(f"{where}: {name}: cantools has {difference}, busbar {ours}")
            compared += 1
        if signals:
            sys.exit(f"{where}: busbar does not show {sorted(signals)}")
    print(f"{frames} frames, {compared} fields")


main(*sys.argv[1:])
