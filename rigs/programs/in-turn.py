"""PI on the highest cell, each second, and messages that leave one after another: one each 100 ms, whichever is next.

A management system on a small board that reads battery packs over their service ports does so. It is silent where nobody sends
0x305, and tries again once a minute."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "harness/kits/python"))
import bms
import busbar_bms as busbar

BULK, FLOOR, TARGET, DEADBAND = 3.50, 3.375, 3.45, 0.010  # V per cell
PROPORTIONAL, RESET = 4.0, 240.0  # V of CVL per V of the cell, s
ALONE, AGAIN = 10.0, 60.0  # s


class InTurn(bms.Bms):
    def __init__(self, hello):
        super().__init__(hello)
        self.integral, self.place = BULK * self.cells, 0

    def regulate(self, seen, dt, closed):
        self.mean = self.high + math.exp(-dt / 5) * (self.mean - self.high)
        error = TARGET - self.mean
        error -= min(DEADBAND, max(-DEADBAND, error))
        if closed:
            # Above the voltage of the pack CVL limits nothing and need not be wound down first.
            self.integral = min(self.integral, self.pack + 0.1) if error < 0 else self.integral
            self.integral += PROPORTIONAL * error * dt / RESET
        self.integral = min(BULK * self.cells, max(FLOOR * self.cells, self.integral))
        self.wanted = min(BULK * self.cells, max(FLOOR * self.cells, self.integral + PROPORTIONAL * error))
        return round(self.wanted, 1)

    def speak(self, answer, fast, slow):
        answer.gap_us = 100_000
        silent = self.t - self.heard
        if silent >= ALONE and silent % AGAIN >= 1:
            return
        ring = fast + slow()
        answer.send(*(ring[(self.place + k) % len(ring)] for k in range(10)))
        self.place = (self.place + 10) % len(ring)


busbar.run(InTurn, "PI on the highest cell, messages in turn")
