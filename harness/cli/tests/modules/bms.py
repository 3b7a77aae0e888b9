"""Modules side by side: a hot one is opened, the highest cell of each is drained, their currents are one."""

import busbar_bms as busbar


class Bms:
    def __init__(self, hello):
        self.count = hello.modules

    def turn(self, seen, answer):
        each = (lambda value: [value]) if self.count == 1 else (lambda value: value)
        opened = [places[0] < 60 for places in each(seen.temperatures_C)]
        drained = [[0.1 if cell == max(cells) else 0 for cell in cells] for cells in each(seen.cells_V)]
        answer.contactor, answer.balance_A = (opened[0], drained[0]) if self.count == 1 else (opened, drained)
        answer.send(busbar.measurements(seen.terminal_V, sum(each(seen.current_A)), 20))
        answer.state = {"modules": self.count}


busbar.run(Bms, "modules", modules=3)
