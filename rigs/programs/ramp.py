"""CVL as a straight line of the highest cell: bulk up to one voltage of that cell, float from another one on.

Small management systems for batteries that people build themselves do so: the highest cell is smoothed, and what it is above
the start of the ramp is taken off CVL at once, each second. There is no integral and no state."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "harness/kits/python"))
import bms
import busbar_bms as busbar

BULK, FLOAT = 3.50, 3.35  # V per cell
START, END = 3.45, 3.60  # highest cell, V
SMOOTHING = 30.0  # s


class Ramp(bms.Bms):
    def regulate(self, seen, dt, closed):
        self.mean = self.high + math.exp(-dt / SMOOTHING) * (self.mean - self.high)
        share = min(1.0, max(0.0, (self.mean - START) / (END - START)))
        self.wanted = (BULK - (BULK - FLOAT) * share) * self.cells
        return round(self.wanted, 1)


busbar.run(Ramp, "ramp by highest cell")
