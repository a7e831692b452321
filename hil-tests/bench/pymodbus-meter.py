"""Two meters on one Modbus TCP server of pymodbus 3.0 (Debian's python3-pymodbus): unit 1 is an SDM630, unit 2 a
SunSpec 203 device. Prints its port on one line, ends when its standard input does."""
import asyncio
import sys

from pymodbus.constants import Endian
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.payload import BinaryPayloadBuilder
from pymodbus.server.async_io import ModbusTcpServer


def words(*pairs):
    """Registers for (method, value) pairs, encoded by pymodbus."""
    builder = BinaryPayloadBuilder(byteorder=Endian.Big, wordorder=Endian.Big)
    for method, value in pairs:
        getattr(builder, "add_" + method)(value)
    return builder.to_registers()


def sdm630():
    registers = [0] * 400
    for address, value in ((0x2A, 231.5), (0x30, 47.75), (0x34, 11040.5), (0x48, 1234.5), (0x4A, 0.25)):
        registers[address : address + 2] = words(("32bit_float", value))
    return ModbusSlaveContext(ir=ModbusSequentialDataBlock(0, registers), zero_mode=True)


def sunspec203():
    common = [1, 66] + [0] * 66
    meter = [203, 105] + [0x8000] * 105
    for offset, method, value in (
        (2, "16bit_int", 478), (6, "16bit_int", -1),
        (7, "16bit_int", 23150), (11, "16bit_int", 30000), (15, "16bit_int", -2),
        (18, "16bit_int", -1104), (22, "16bit_int", 1),
        (38, "32bit_uint", 250), (46, "32bit_uint", 3000000000), (54, "16bit_int", -1),
    ):  # fmt: skip
        encoded = words((method, value))
        meter[offset : offset + len(encoded)] = encoded
    registers = words(("string", "SunS")) + common + meter + [0xFFFF, 0]
    return ModbusSlaveContext(hr=ModbusSparseDataBlock({40000: registers}), zero_mode=True)


async def main():
    context = ModbusServerContext(slaves={1: sdm630(), 2: sunspec203()}, single=False)
    server = ModbusTcpServer(context, address=("127.0.0.1", 0))
    serving = asyncio.ensure_future(server.serve_forever())
    await server.serving
    print(server.server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()
    await server.server_close()


asyncio.run(main())
