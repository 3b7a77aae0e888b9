"""A device of pymodbus on Modbus-TCP: `device.py`. Each line of stdin is `UNIT FIRST CELL...`, registers of a unit; an
empty line ends them. Unit 1 has sixteen coils. Prints its port, and serves until stdin ends.
"""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def devices():
    of = {}
    for line in iter(sys.stdin.readline, "\n"):
        unit, first, *cells = map(int, line.split())
        of.setdefault(unit, []).append(SimData(first, values=cells, datatype=DataType.REGISTERS))
    none = SimData(0, values=0, datatype=DataType.REGISTERS)
    bits = SimData(0, values=[False] * 16, datatype=DataType.BITS)
    return [SimDevice(unit, simdata=data) for unit, data in of.items()] + [
        SimDevice(1, simdata=([bits], [bits], [none], [none]))
    ]


async def main():
    server = ModbusTcpServer(devices(), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.shutdown()


asyncio.run(main())
