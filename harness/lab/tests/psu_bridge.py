"""Puts the simulated Rigol of labmcp-bench-psu behind a pseudo-terminal.

Prints the device to open. On standard input, `trip` makes the over-voltage protection trip, `state` prints whether the
output is on; the end of the input ends the bridge.
"""

import os
import pty
import select
import sys
import tty

from labmcp_bench_psu.simulator import make_simulator

supply = make_simulator("rigol", "DP832")
master, slave = pty.openpty()
tty.setraw(slave)
print(os.ttyname(slave), flush=True)
received = b""
while True:
    ready, _, _ = select.select([master, sys.stdin], [], [])
    if sys.stdin in ready:
        word = sys.stdin.readline()
        output = supply.out(1)
        if not word:
            break
        if word.strip() == "trip":
            output.on, output.ovp_trip = False, True
        print("on" if output.on else "off", flush=True)
    if master in ready:
        received += os.read(master, 1024)
        *lines, received = received.split(b"\n")
        for line in lines:
            reply = supply.handle(line.decode("ascii").strip())
            if reply is not None:
                os.write(master, reply.encode("ascii") + b"\n")
