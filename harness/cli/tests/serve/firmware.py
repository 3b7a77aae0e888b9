"""A firmware that runs by itself, in real time: a busbar is told it cells and current over TCP and tells it contactor and
balancing; what it says it says on the bus, which it joins in socketcand's protocol like any other node.

`firmware.py KIT ADDRESSES`: the folder of the kit, and the file in which the served rig says where its bus is. Prints the port
at which it listens.
"""

import json
import socket
import sys
import time

kit, addresses = sys.argv[1:3]
sys.path.insert(0, kit)
sys.argv[1:] = []
import bms  # noqa: E402
import busbar_bms as busbar  # noqa: E402


class Bus:
    """A node of the served bus."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        for said, answer in ((None, b"< hi >"), (b"< open can >", b"< ok >"), (b"< rawmode >", b"< ok >")):
            if said:
                self.socket.sendall(said)
            if self.socket.recv(256) != answer:
                sys.exit(f"{said}: another answer than {answer}")
        self.socket.setblocking(False)
        self.heard, self.before = b"", 0

    def send(self, frames):
        for frame in frames:
            data = " ".join(f"{byte:x}" for byte in frame.data)
            self.socket.sendall(f"< send {frame.id:03X} {len(frame.data):X} {data} >".encode())

    def hears_gx(self):
        """Whether 0x305 came since this was asked last."""
        try:
            self.heard += self.socket.recv(1 << 16)
        except BlockingIOError:
            pass
        found = b"< frame 305 " in self.heard
        self.heard = self.heard[self.heard.rfind(b"<"):]
        return found


def bus():
    try:
        return Bus(json.load(open(addresses))["socketcand"])
    except (OSError, json.JSONDecodeError, TypeError):
        return None  # the rig is not served yet


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
node = None
while True:
    stream, _ = listener.accept()
    lines = stream.makefile("rw", encoding="utf-8")
    firmware = None
    for line in lines:
        seen = json.loads(line, object_hook=busbar.Message)
        if "hello" in seen:
            firmware, answer = bms.Bms(seen), busbar.Answer()
            reply = {"hello": busbar.VERSION, "name": "by itself 1", "can_set_soc": True}
        elif "bye" in seen:
            reply = {"memory": firmware.memory()}
        elif "error" in seen:
            sys.exit(f"refused: {seen.error}")
        else:
            node = node or bus()
            seen["frames"] = [busbar.Frame(0x305, bytes(8))] if node and node.hears_gx() else []
            answer.begin()
            firmware.turn(seen, answer)
            if node:
                node.send(answer._frames)
            reply = {"contactor": answer.contactor, "balance_A": answer.balance_A or [], "next_us": answer.next_us}
        print(json.dumps(reply), file=lines, flush=True)
    # The case is over; the next begins with another connection.
