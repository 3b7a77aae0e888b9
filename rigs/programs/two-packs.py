"""An aggregator of two packs: 8 cells each, in series, each with a management system of its own that it asks in turn.

Each pack makes a CVL of its own, in steps of 0.1 V, lower by what its highest cell is above a limit. The aggregator asks one pack
each five seconds, so that what it knows of the other is older, and sends the lower of the two CVLs for both, the lower state of
charge, and the alarms of either."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "harness/kits/python"))
import bms
import busbar_bms as busbar

BULK, FLOOR, LIMIT = 3.475, 3.35, 3.475  # V per cell
GAIN = 2.0  # V of a pack's CVL for a V that its highest cell is above the limit, each time it is asked
BACK = 0.05  # V by which it returns, each time
ASKED = 5.0  # s


class Pack:
    def __init__(self, cells):
        self.cells, self.cvl = cells, BULK * cells

    def ask(self, volts):
        above = max(volts) - LIMIT
        wanted = min(self.cvl, sum(volts)) - GAIN * above if above > 0 else self.cvl + BACK * (max(volts) < LIMIT - 0.05)
        self.cvl = min(BULK * self.cells, max(FLOOR * self.cells, wanted))
        return math.floor(self.cvl * 10 + 0.5) / 10


class TwoPacks(bms.Bms):
    def __init__(self, hello):
        super().__init__(hello)
        half = self.cells // 2
        self.packs = [(Pack(half), slice(0, half)), (Pack(self.cells - half), slice(half, self.cells))]
        self.told = [BULK * pack.cells for pack, _ in self.packs]
        self.asked = 0
        self.cvl = self.wanted = sum(self.told)

    def regulate(self, seen, dt, closed):
        self.mean = self.high + math.exp(-dt / 10) * (self.mean - self.high)
        if self.t < self.next_cvl or not closed:
            return self.cvl
        self.next_cvl = self.t + ASKED
        pack, cells = self.packs[self.asked]
        self.told[self.asked] = pack.ask(seen.cells_V[cells])
        self.asked = 1 - self.asked
        self.wanted = self.cells * min(cvl / pack.cells for cvl, (pack, _) in zip(self.told, self.packs))
        return round(self.wanted, 1)

    def speak(self, answer, fast, slow):
        online = 2 * answer.contactor
        own = busbar.modules(online, 2 - online)
        super().speak(answer, fast, lambda: [own if frame.id == 0x372 else frame for frame in slow()])


busbar.run(TwoPacks, "aggregator of two packs")
