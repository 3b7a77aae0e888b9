"""A battery of LFP cells that does what the protocol asks for; with `--follow` its CVL is the voltage minus 0.2 V."""

import math
import sys

import busbar_bms as busbar

CAPACITY, CHARGE, CHARGE_FULL, DISCHARGE = 280.0, 140.0, 28.0, 200.0  # Ah, A

# What opens the contactor: samples beyond the level, the level, and what releases it after so many seconds.
TRIPS = {
    busbar.HIGH_VOLTAGE: (3, lambda b: b.high >= 3.65, lambda b, after: b.high <= 3.45 or after >= 600),
    busbar.LOW_VOLTAGE: (3, lambda b: b.low <= 2.50, lambda b, after: b.low >= 2.90 or b.charger or after >= 600),
    busbar.HIGH_CHARGE_CURRENT: (5, lambda b: b.current > 180, lambda b, after: after >= 60),
    busbar.HIGH_CURRENT: (5, lambda b: b.current < -260, lambda b, after: after >= 60),
    busbar.HIGH_TEMPERATURE: (3, lambda b: b.hot >= 60, lambda b, after: b.hot <= 50),
    busbar.SHORT_CIRCUIT: (1, lambda b: b.short, lambda b, after: after >= 60),
    busbar.INTERNAL: (3, lambda b: b.defect, lambda b, after: True),
    "no GX": (1, lambda b: b.t - b.heard >= 900, lambda b, after: True),
}
# Alarms that open nothing, and warnings.
ALARMS = {
    busbar.LOW_TEMPERATURE: lambda b: b.cold <= -20,
    busbar.HIGH_TEMPERATURE_CHARGE: lambda b: b.hot > 60,
    busbar.LOW_TEMPERATURE_CHARGE: lambda b: b.cold < 0,
    busbar.CONTACTOR: lambda b: b.apart >= 3,
    busbar.INTERNAL: lambda b: b.blind,
    busbar.IMBALANCE: lambda b: b.high - b.low >= 0.3,
}
WARNINGS = {
    busbar.HIGH_VOLTAGE: lambda b: b.high >= 3.60,
    busbar.LOW_VOLTAGE: lambda b: b.low <= 2.80,
    busbar.HIGH_TEMPERATURE: lambda b: b.hot >= 55,
}
NO_CHARGE = {busbar.HIGH_VOLTAGE, busbar.HIGH_CHARGE_CURRENT, busbar.SHORT_CIRCUIT, busbar.INTERNAL}
NO_DISCHARGE = {busbar.LOW_VOLTAGE, busbar.HIGH_CURRENT, busbar.SHORT_CIRCUIT, busbar.INTERNAL}


class Bms:
    def __init__(self, hello):
        kept = hello.memory or {}
        self.cells, self.soc = hello.cells, kept.get("soc", 50.0) if hello.soc_pct is None else hello.soc_pct
        self.charged, self.discharged = kept.get("charged", 0.0), kept.get("discharged", 0.0)
        self.beyond, self.since = dict.fromkeys(TRIPS, 0), {}
        self.cvl = self.wanted = 3.50 * self.cells
        self.turns = self.low_samples = self.apart = self.full_for = 0
        self.excess, self.stepped, self.empty, self.ccl, self.cold, self.hot = 0.0, False, False, CHARGE, 25.0, 25.0

    def memory(self):
        return {"soc": self.soc, "charged": self.charged, "discharged": self.discharged}

    def turn(self, seen, answer):
        self.t, self.current, self.pack = seen.t / 1e6, seen.current_A, seen.pack_V
        self.low, self.high = min(seen.cells_V), max(seen.cells_V)
        if self.turns == 0:
            self.last, self.next_cvl, self.heard, self.mean = self.t, self.t, self.t, self.high
        dt, self.last = self.t - self.last, self.t
        believed = [c for c in seen.temperatures_C if -45 <= c <= 120]
        self.cold, self.hot = min(believed, default=self.cold), max(believed, default=self.hot)
        self.blind = len(believed) < len(seen.temperatures_C)
        self.short, self.defect, self.charger = seen.short_circuit, seen.self_test, seen.terminal_V > self.pack + 1
        self.heard = self.t if any(frame.id == 0x305 for frame in seen.frames) else self.heard
        self.apart = self.apart + 1 if seen.closed != answer.contactor else 0
        self.protect()
        answer.contactor = not self.since
        self.count(dt, answer.contactor)
        self.cvl = self.regulate(seen, dt, answer.contactor)
        ccl, dcl = self.currents()
        if self.turns % 10 == 0:
            answer.balance_A = [0.15 if v >= 3.37 and v - self.low >= 0.01 else 0.0 for v in seen.cells_V]
        alarms = {kind for kind, on in ALARMS.items() if on(self)} | self.since.keys() - {"no GX"}
        warnings = {kind for kind, on in WARNINGS.items() if on(self)}
        cvl = self.pack - 0.2 if "--follow" in sys.argv else self.cvl
        fast = (busbar.limits(cvl, ccl, dcl, 2.80 * self.cells), busbar.state_of_charge(self.soc),
                busbar.measurements(self.pack, self.current, (self.cold + self.hot) / 2),
                busbar.alarms(alarms, warnings, range(1, 13), WARNINGS, seen.closed),
                busbar.cells(self.low, self.high, self.cold, self.hot))
        self.speak(answer, fast, lambda: self.seldom(seen, int(answer.contactor)))
        self.turns += 1
        answer.state = {"soc": round(self.soc, 2), "wanted": round(self.wanted, 3)}

    def seldom(self, seen, online):
        """What is sent every ten seconds."""
        return (busbar.text(0x35E, "BusbarPy"), *busbar.long_text(0x370, "BusbarPy LFP"),
                busbar.identity(0, 1, 0, CAPACITY * online), busbar.modules(online, 1 - online),
                busbar.text(0x374, str(seen.cells_V.index(self.low) + 1)), busbar.text(0x376, "T1"),
                busbar.text(0x375, str(seen.cells_V.index(self.high) + 1)), busbar.text(0x377, "T2"),
                busbar.energy(self.charged, self.discharged), busbar.installed_capacity(CAPACITY))

    def speak(self, answer, fast, slow):
        answer.send(*fast, *(slow() if self.turns % 10 == 0 else ()))

    def protect(self):
        for kind, (samples, beyond, released) in TRIPS.items():
            self.beyond[kind] = self.beyond[kind] + 1 if beyond(self) else 0
            if kind not in self.since:
                if self.beyond[kind] >= samples:
                    self.since[kind] = self.t
            elif self.beyond[kind] == 0 and (after := self.t - self.since[kind]) >= 10 and released(self, after):
                del self.since[kind]

    def count(self, dt, closed):
        """State of charge by counting, put right where the battery shows that it is full or empty."""
        counted = self.soc + self.current * dt / 36.0 / CAPACITY
        full = closed and self.high >= 3.38 and abs(self.current) <= 0.03 * CAPACITY
        self.full_for = self.full_for + dt if full else 0
        if self.full_for >= 60:
            counted = max(counted, self.soc + dt / 60)
        elif self.low <= 2.80:
            counted = min(counted, self.soc - dt / 60)
        else:
            counted = min(counted, max(self.soc, 99.0))
        self.soc = min(100.0, max(0.0, counted))
        self.charged += max(0.0, self.pack * self.current * dt / 3600)
        self.discharged += max(0.0, -self.pack * self.current * dt / 3600)

    def regulate(self, seen, dt, closed):
        """CVL: a slow loop holds the highest cell between 3.39 and 3.47 V; one step down where charge is too fast."""
        self.mean = self.high + math.exp(-dt / 10) * (self.mean - self.high)
        excess = max(0.0, self.mean - 3.47)
        stop = self.pack - max(0.0, self.current) * 0.00022 * self.cells
        self.stepped, before = self.high >= 3.45 and (self.stepped or self.high >= 3.49), self.stepped
        if self.stepped and not before and stop < self.cvl:
            self.wanted = stop
        elif self.t >= self.next_cvl and closed:
            loaded = self.current < -0.1 * CAPACITY  # then no cell shows how full it is
            change = (0.0 if loaded else 0.3 * max(0.0, 3.39 - self.mean)) - 0.3 * excess - 4 * (excess - self.excess)
            change = 0.1 if self.mean < 3.36 and not loaded else min(0.1, max(-0.4, change))
            self.wanted = (min(self.wanted, self.pack) if excess else self.wanted) + change
        else:
            return self.cvl
        self.wanted = min(3.50 * self.cells, max(3.25 * self.cells, self.wanted))
        self.excess, self.next_cvl = excess, self.t + 24
        return round(self.wanted, 1) if abs(self.wanted - self.cvl) >= 0.075 else self.cvl

    def currents(self):
        """CCL falls with a high cell, cold and heat, and stays above 0 while full; DCL is all or nothing."""
        self.low_samples = self.low_samples + 1 if self.low <= 2.80 else 0
        self.empty = (self.low < 3.10 or self.soc < 3) if self.empty else self.low_samples >= 5
        if self.turns % 10 == 0:
            full = min(1.0, max(0.0, (self.mean - 3.45) / 0.10))
            share = min(1.0, max(0.1, 0.1 + 0.09 * self.cold), max(0.1, 1 - 0.09 * (self.hot - 45)))
            ccl = round(min(CHARGE * share, CHARGE - (CHARGE - CHARGE_FULL) * full))
            ccl = ccl if self.cold >= 0 and self.hot <= 60 else 0
            self.ccl = ccl if ccl == 0 or abs(ccl - self.ccl) >= 2 else self.ccl
        stopped = self.empty or self.since.keys() & NO_DISCHARGE or self.cold <= -20
        return (0.0 if self.since.keys() & NO_CHARGE else self.ccl, 0.0 if stopped else DISCHARGE)


if __name__ == "__main__":
    busbar.run(Bms, "Busbar example 1.0")
