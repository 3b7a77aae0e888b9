"""python-can's slcan interface on a serial port: `peer.py PORT COUNT`.

Sends the frames of stdin, such as `351#4802` or `1806E5F4#01`, then receives COUNT frames and prints them the same way.
Ends with 1 when fewer come within 20 s.
"""

import sys
import time

import can

port, count = sys.argv[1], int(sys.argv[2])
with can.Bus(interface="slcan", channel=port, bitrate=500000, sleep_after_open=0.1) as bus:
    for line in sys.stdin:
        number, data = line.strip().split("#")
        bus.send(
            can.Message(
                arbitration_id=int(number, 16),
                is_extended_id=len(number) > 3,
                data=bytes.fromhex(data),
            )
        )
    deadline, heard = time.monotonic() + 20, 0
    while heard < count and time.monotonic() < deadline:
        message = bus.recv(timeout=1)
        if message is not None:
            heard += 1
            number = f"{message.arbitration_id:0{8 if message.is_extended_id else 3}X}"
            print(f"{number}#{bytes(message.data).hex().upper()}")
sys.exit(0 if heard == count else 1)
