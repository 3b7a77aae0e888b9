"""Three modes: bulk until the charge voltage is reached, absorption while the cells differ and 15 minutes more, float.

Drivers that read a management system over its service port and make CVL themselves do so. Cells above their limit take what they
are above off CVL, which is renewed once a minute; the way down to float is a straight line of five minutes; bulk comes back
when the state of charge has fallen."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "harness/kits/python"))
import bms
import busbar_bms as busbar

HIGHEST, FLOAT = 3.45, 3.375  # V per cell
REACHED = 0.01  # V per cell below the charge voltage, where it counts as reached
EVEN, WAIT, WAY_DOWN = 0.01, 900.0, 300.0  # V between cells, s, s
BULK_AGAIN = 90.0  # % of charge
RENEWED = 60.0  # s


class ThreeModes(bms.Bms):
    def __init__(self, hello):
        super().__init__(hello)
        self.mode, self.mode_since, self.even_since = "bulk", 0.0, None
        self.cvl = self.wanted = HIGHEST * self.cells

    def regulate(self, seen, dt, closed):
        self.mean = self.high + math.exp(-dt / 10) * (self.mean - self.high)
        self.change_mode()
        if self.t < self.next_cvl:
            return self.cvl
        self.next_cvl = self.t + RENEWED
        above = sum(max(0.0, v - HIGHEST) for v in seen.cells_V)
        if self.mode == "float":
            passed = min(1.0, (self.t - self.mode_since) / WAY_DOWN)
            self.wanted = (HIGHEST - (HIGHEST - FLOAT) * passed) * self.cells
        else:
            # Each renewal takes off again what cells are above; without such cells the voltage returns slowly.
            self.wanted = min(self.wanted, self.pack) - above if above else min(HIGHEST * self.cells, self.wanted + 0.1)
        self.wanted = max(FLOAT * self.cells - 1.0, self.wanted - (above if self.mode == "float" else 0.0))
        return round(self.wanted, 1)

    def change_mode(self):
        if self.mode == "bulk" and self.pack >= (HIGHEST - REACHED) * self.cells:
            self.enter("absorption")
        elif self.mode == "absorption":
            even = self.high - self.low <= EVEN
            self.even_since = (self.even_since or self.t) if even else None
            if self.even_since is not None and self.t - self.even_since >= WAIT:
                self.enter("float")
        elif self.mode == "float" and self.soc < BULK_AGAIN:
            self.enter("bulk")

    def enter(self, mode):
        self.mode, self.mode_since, self.even_since = mode, self.t, None


busbar.run(ThreeModes, "three modes with float")
