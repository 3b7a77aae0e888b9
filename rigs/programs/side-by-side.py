"""An aggregator of modules side by side: each half of the battery's cells has a management system and a contactor of its own.

The aggregator sends the lowest CVL of the modules that are on the bus, the sum of what they take and give, and the alarms of any.
A module that tripped comes back once its voltage is near that of the bus; until then the others go on with their share."""

import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "harness/kits/python"))
import bms
import busbar_bms as busbar

MOST = 8
NEAR = 1.0  # V between a module and the bus at which its contactor may close: a few tens of ampere flow then


class Module(bms.Bms):
    def speak(self, answer, fast, slow):
        self.limits, _, _, self.pairs, _ = fast


class SideBySide:
    def __init__(self, hello):
        self.count, self.cells, self.turns = hello.modules, hello.cells, 0
        kept = hello.memory or [None] * self.count
        self.modules = [(Module(busbar.Message(hello, memory=one)), busbar.Answer()) for one in kept]

    def memory(self):
        return [module.memory() for module, _ in self.modules]

    def turn(self, seen, answer):
        parts = list(zip(seen.cells_V, seen.temperatures_C, seen.current_A, seen.pack_V, seen.closed))
        for (module, own), (cells, temperatures, current, pack, closed) in zip(self.modules, parts):
            module.turn(busbar.Message(seen, cells_V=cells, temperatures_C=temperatures, current_A=current * self.count,
                                       pack_V=pack, closed=closed), own)
        dead = not any(seen.closed)
        answer.contactor = [own.contactor and (closed or dead or abs(pack - seen.terminal_V) < NEAR)
                            for (_, own), (_, _, _, pack, closed) in zip(self.modules, parts)]
        answer.balance_A = [own.balance_A or [0.0] * self.cells for _, own in self.modules]
        all_of = [module for module, _ in self.modules]
        online = [module for module, closed in zip(all_of, answer.contactor) if closed]
        limits = [struct.unpack("<4H", module.limits.data) for module in online] or [(0, 0, 0, 0)]
        cvl = min(module.cvl for module in online or all_of)
        share = len(online) / self.count
        ccl, dcl = (share * min(limit[k] for limit in limits) / 10 for k in (1, 2))
        low, high = min(m.low for m in all_of), max(m.high for m in all_of)
        cold, hot = min(m.cold for m in all_of), max(m.hot for m in all_of)
        soc, current = sum(m.soc for m in all_of) / self.count, sum(seen.current_A)
        pack = max(part[3] for part in parts) if dead else seen.terminal_V
        answer.send(busbar.limits(cvl, ccl, dcl, 2.80 * self.cells), busbar.state_of_charge(soc),
                    busbar.measurements(pack, current, (cold + hot) / 2), self.alarms(any(seen.closed)),
                    busbar.cells(low, high, cold, hot))
        if self.turns % 10 == 0:
            lowest, highest = ([cell for part in parts for cell in part[0]].index(v) + 1 for v in (low, high))
            answer.send(busbar.text(0x35E, "BusbarPy"), *busbar.long_text(0x370, "BusbarPy two"),
                        busbar.identity(0, 1, 0, bms.CAPACITY * share), busbar.modules(len(online), self.count - len(online)),
                        busbar.text(0x374, str(lowest)), busbar.text(0x376, "T1"), busbar.text(0x375, str(highest)),
                        busbar.text(0x377, "T2"), busbar.energy(*(sum(getattr(m, of) for m in all_of) / self.count
                                                                  for of in ("charged", "discharged"))),
                        busbar.installed_capacity(bms.CAPACITY))
        self.turns += 1
        answer.state = {"online": len(online), "first_A": seen.current_A[0], "second_A": seen.current_A[-1]}

    def alarms(self, online):
        """A pair says 01 where any module says so."""
        said, bits = [int.from_bytes(module.pairs.data, "little") for module, _ in self.modules], 0
        for at in range(0, 64, 2):
            pairs = {one >> at & 3 for one in said}
            bits |= (1 if 1 in pairs else max(pairs)) << at
        bits = bits & ~(3 << 58) | (2 if online else 1) << 58
        return busbar.Frame(0x35A, bits.to_bytes(8, "little"))


busbar.run(SideBySide, "modules side by side", modules=MOST)
