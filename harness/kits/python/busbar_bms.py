"""A battery management system in Python as a battery of Busbar: the protocol `busbar-bms/1` of docs/program.md.

    import busbar_bms as busbar

    class Bms:
        def __init__(self, hello): ...          # switched on: hello.cells, hello.soc_pct, hello.memory, ...
        def turn(self, seen, answer): ...       # seen.cells_V, seen.current_A, ...; answer.send(busbar.limits(...))
        def memory(self): return {...}          # optional: what survives a loss of supply

    busbar.run(Bms, "acme 2.1")

Time is that of the simulated world: `seen.t` counts microseconds since the start of the case, and a turn takes no time.
Read no clock and never sleep. Standard output belongs to the protocol: a `print` goes to standard error.
"""

import collections
import json
import struct
import sys

VERSION = "busbar-bms/1"

# Alarms of 0x35A (P 2), by the place of their two bits; warnings have the same places four bytes later.
(HIGH_VOLTAGE, LOW_VOLTAGE, HIGH_TEMPERATURE, LOW_TEMPERATURE, HIGH_TEMPERATURE_CHARGE, LOW_TEMPERATURE_CHARGE,
 HIGH_CURRENT, HIGH_CHARGE_CURRENT, CONTACTOR, SHORT_CIRCUIT, INTERNAL, IMBALANCE) = range(1, 13)

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

Frame = collections.namedtuple("Frame", "id data")


_1, _2, _3, _4 = (struct.Struct(f"<{fields}H").pack for fields in range(1, 5))
_SIGNED = struct.Struct("<3h").pack


def _u16(value):
    count = round(value)
    return count if 0 <= count <= 0xFFFF else 0 if count < 0 else 0xFFFF


def _s16(value):
    count = round(value)
    return count if -0x8000 <= count <= 0x7FFF else -0x8000 if count < 0 else 0x7FFF


def limits(cvl_V, ccl_A, dcl_A, discharge_V):
    """0x351: charge voltage limit, charge and discharge current limit, discharge voltage."""
    return Frame(0x351, _4(_u16(cvl_V * 10), _u16(ccl_A * 10), _u16(dcl_A * 10), _u16(discharge_V * 10)))


def state_of_charge(soc_pct, soh_pct=100.0):
    """0x355: state of charge (also in steps of 0.01 %) and state of health."""
    return Frame(0x355, _3(_u16(soc_pct), _u16(soh_pct), _u16(soc_pct * 100)))


def measurements(pack_V, current_A, temperature_C):
    """0x356: voltage, current (positive charges), temperature."""
    return Frame(0x356, _SIGNED(_s16(pack_V * 100), _s16(current_A * 10), _s16(temperature_C * 10)))


def alarms(active, warnings, supported, supported_warnings, online):
    """0x35A: sets of the alarms above that are active and supported, and whether the main switch is closed.

    A pair says 01 active, 10 inactive, 00 not supported."""
    bits = (2 if online else 1) << 58
    for first, on, known in ((0, active, supported), (32, warnings, supported_warnings)):
        for kind in known:
            bits |= (1 if kind in on else 2) << (first + 2 * kind)
    return Frame(0x35A, bits.to_bytes(8, "little"))


def text(id, characters):
    """0x35E manufacturer, 0x374 to 0x377 names of cells and sensors, 0x382 family: up to 8 characters."""
    return Frame(id, characters.encode("ascii")[:8].ljust(8, b"\0"))


def long_text(first_id, characters):
    """0x370 and 0x371 name, 0x380 and 0x381 serial number: two frames, up to 16 characters."""
    return [text(first_id, characters[:8]), text(first_id + 1, characters[8:])]


def identity(model, major, minor, online_Ah):
    """0x35F: model, firmware version, capacity that is online."""
    return Frame(0x35F, _1(_u16(model)) + bytes((major, minor)) + _1(_u16(online_Ah)))


def force_charge(on):
    """0x360: asks for charge."""
    return Frame(0x360, bytes((0xFF if on else 0,)))


def modules(online, offline, blocking_charge=0xFFFF, blocking_discharge=0xFFFF):
    """0x372: modules; 0xFFFF where a battery cannot say."""
    return Frame(0x372, _4(_u16(online), _u16(blocking_charge), _u16(blocking_discharge), _u16(offline)))


def cells(lowest_V, highest_V, coldest_C, warmest_C):
    """0x373: lowest and highest cell, mV; coldest and warmest, kelvin."""
    volts, kelvin = (lowest_V * 1000, highest_V * 1000), (coldest_C + 273.15, warmest_C + 273.15)
    return Frame(0x373, _4(*map(_u16, volts + kelvin)))


def energy(in_Wh, out_Wh):
    """0x378: energy charged and discharged since ever, 100 Wh."""
    return Frame(0x378, struct.pack("<II", int(in_Wh / 100) & 0xFFFFFFFF, int(out_Wh / 100) & 0xFFFFFFFF))


def installed_capacity(capacity_Ah):
    """0x379: capacity of all modules, online or not."""
    return Frame(0x379, _1(_u16(capacity_Ah)))


class Message(dict):
    """A message of Busbar, its keys as attributes; those that are not there are None."""

    def __init__(self, *keys, **more):
        super().__init__(*keys, **more)
        self.__dict__ = self  # found as fast as any attribute

    def __getattr__(self, key):
        return None


class Answer:
    """What the battery does until its next turn. Contactor, balancing and times stay as they were set before."""

    def __init__(self, modules=1):
        self.contactor = True if modules == 1 else [True] * modules
        self.balance_A = None
        self.next_us = 1_000_000
        self.gap_us = 10_000
        self.wake = False
        self.begin()

    def begin(self):
        self.state, self._frames, self._log = None, [], []

    def send(self, *frames):
        """Sends frames of 11 bits, in this order, `gap_us` apart, less where the time to the next turn is too short."""
        self._frames.extend(frames)

    def log(self, line):
        """A line for the evidence of the case, stamped with the time of the turn."""
        self._log.append(str(line))

    def to_json(self):
        gap = min(self.gap_us, self.next_us // max(1, len(self._frames)))
        # Most of an answer, and of one form: written by hand, in half the time.
        frames = ",".join([f'{{"id":{id:d},"data":"{data.hex()}","after_us":{gap * n}}}'
                           for n, (id, data) in enumerate(self._frames)])
        out = {"contactor": self.contactor, "next_us": self.next_us}
        for key, value in (("wake", self.wake), ("balance_A", self.balance_A), ("log", self._log), ("state", self.state)):
            if value:
                out[key] = value
        return f'{{"frames":[{frames}],{_encode(out)[1:]}'


def heard(frame):
    """A frame of the bus: `id` a number, `data` bytes, `t`, `ext`."""
    id = frame["id"]
    return Message(frame, id=int(id, 0) if isinstance(id, str) else id, data=bytes.fromhex(frame["data"]))


def run(make, name, can_set_soc=True, modules=1):
    """Speaks the protocol until the case is over. `make(hello)` is called where the battery is switched on.

    `modules` is the most that the battery manages side by side. Where there are more than one, each of `cells_V`,
    `temperatures_C`, `current_A`, `pack_V`, `closed`, `contactor` and `balance_A` is a list with an entry for each."""
    wire, sys.stdout = sys.stdout, sys.stderr  # what a stray print says is no message
    decode = json.JSONDecoder().decode

    def tell(message):
        wire.write(message + "\n")
        wire.flush()

    hello = json.loads(sys.stdin.readline() or "{}", object_hook=Message)
    count = hello.get("modules", 1)
    if hello.get("hello") != VERSION or count > modules:
        print(f"expected {VERSION} and at most {modules} modules, found {json.dumps(hello)}", file=sys.stderr)
        sys.exit(69)
    bms, answer = make(hello), Answer(count)
    kept = getattr(type(bms), "memory", lambda bms: None)
    tell(_encode({"hello": VERSION, "name": name, "can_set_soc": can_set_soc}))
    for line in sys.stdin:
        seen = Message(decode(line))
        if "t" in seen and "power" not in seen:
            seen.frames = [heard(frame) for frame in seen.frames]
            answer.begin()
            bms.turn(seen, answer)
            tell(answer.to_json())
        elif "power" in seen:
            if seen.power == "off":
                # Nobody tells a battery that comes back how full it is.
                hello = Message(hello, memory=kept(bms), soc_pct=None)
            else:
                bms, answer = make(hello), Answer(count)
            tell("{}")
        elif "bye" in seen:
            tell(_encode({"memory": kept(bms)}))
            return
        elif "error" in seen:
            sys.exit(f"Busbar refuses this program: {seen.error}")
