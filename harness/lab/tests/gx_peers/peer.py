"""pymodbus against a GX on Modbus-TCP: `peer.py PORT`. Answers each line of stdin with a line.

    value UNIT ADDRESS KIND                 a register decoded by pymodbus: U16, I16, U32, I32, Text4 or Text6
    read FUNCTION UNIT ADDRESS COUNT        cells, or `exception N`
    write FUNCTION UNIT ADDRESS CELL...     `done`, or `exception N`
    coils UNIT | identity UNIT | mask UNIT  functions that a GX does not have
"""

import struct
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
)

CELLS = {"U16": 1, "I16": 1, "U32": 2, "I32": 2, "Text4": 4, "Text6": 6}


def unchecked(request):
    """The same request without the checks of a well-behaved client."""

    class Unchecked(request):
        def encode(self):
            return struct.pack(">HH", self.address, self.count)

        def verifyCount(self, *_):
            pass

    return Unchecked


READS = {
    "3": unchecked(ReadHoldingRegistersRequest),
    "4": unchecked(ReadInputRegistersRequest),
}


def value(client, unit, address, kind):
    answer = client.read_holding_registers(
        int(address), count=CELLS[kind], device_id=int(unit)
    )
    if answer.isError():
        return f"exception {answer.exception_code}"
    types = client.DATATYPE
    of = {"U16": types.UINT16, "I16": types.INT16, "U32": types.UINT32, "I32": types.INT32, "Text4": types.STRING, "Text6": types.STRING}
    return client.convert_from_registers(answer.registers, of[kind], string_encoding="latin-1")


def read(client, function, unit, address, count):
    # A count of 0 is refused by the client itself, unless it is put there afterwards.
    request = READS[function](address=int(address), count=1, dev_id=int(unit))
    request.count = int(count)
    return said(client.execute(False, request), lambda answer: " ".join(map(str, answer.registers)))


def write(client, function, unit, address, *cells):
    cells, unit = [int(cell) for cell in cells], int(unit)
    if function == "6":
        answer = client.write_register(int(address), cells[0], device_id=unit)
    else:
        answer = client.write_registers(int(address), cells, device_id=unit)
    return said(answer, lambda _: "done")


def said(answer, good):
    return f"exception {answer.exception_code}" if answer.isError() else good(answer)


ASK = {
    "value": value,
    "read": read,
    "write": write,
    "coils": lambda client, unit: said(client.read_coils(0, device_id=int(unit)), str),
    "identity": lambda client, unit: said(client.read_device_information(device_id=int(unit)), str),
    "mask": lambda client, unit: said(client.mask_write_register(address=806, device_id=int(unit)), str),
}

with ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]), timeout=10, retries=0) as client:
    for line in sys.stdin:
        ask, *words = line.split()
        print(ASK[ask](client, *words), flush=True)
