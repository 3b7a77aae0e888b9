"""A constant CVL, and a lower one at once while a cell is high.

What ready-made packs send: the same charge voltage for days. When the highest cell passes a limit CVL falls by a volt and a half
in one step, and returns in one step when that cell has come down."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "harness/kits/python"))
import bms
import busbar_bms as busbar

CONSTANT, CUT = 3.45, 3.35  # V per cell
HIGH, LOW = 3.50, 3.40  # highest cell, V


class HighCellCut(bms.Bms):
    cut = False

    def regulate(self, seen, dt, closed):
        self.mean = self.high + math.exp(-dt / 3) * (self.mean - self.high)
        self.cut = self.mean > LOW if self.cut else self.mean >= HIGH
        self.wanted = (CUT if self.cut else CONSTANT) * self.cells
        return round(self.wanted, 1)


busbar.run(HighCellCut, "constant CVL with a high-cell cut")
