"""python-can on a served bus, over socketcand's protocol: `peer.py HOST PORT COUNT`.

Joins, says so, sends 0x7A5 with a count once it heard a frame of the battery, COUNT times, and prints the identifiers that it
heard meanwhile.
"""

import sys

import can

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
heard = set()
with can.Bus(interface="socketcand", host=host, port=port, channel="can") as bus:
    print("joined", flush=True)
    for number in range(count):
        while True:
            message = bus.recv(timeout=30)
            if message is None:
                sys.exit("nothing is heard")
            heard.add(message.arbitration_id)
            if message.arbitration_id == 0x351:
                break
        bus.send(can.Message(arbitration_id=0x7A5, is_extended_id=False, data=[number, 0xC0]))
print(" ".join(f"{id:03X}" for id in sorted(heard)))
