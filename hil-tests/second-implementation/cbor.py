"""The strict subset of CBOR of SPEC.md, section 1. Values: int, str, bytes, list."""

DEPTH = 4
HIGH = 2**32


class Refused(Exception):
    """What was received is not what the specification allows; says why."""


def _head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4)):
        if number < 256**size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise ValueError(f"{number} is too large")


def encode(value, depth=DEPTH):
    if isinstance(value, int) and not isinstance(value, bool):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return _head(3, len(data)) + data
    if isinstance(value, list) and depth > 0:
        return _head(4, len(value)) + b"".join(encode(item, depth - 1) for item in value)
    raise ValueError(f"{value!r} is not in the subset")


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size > len(self.data) - self.at:
            raise Refused("ends too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, info):
        if info < 24:
            return info
        if info > 26:
            raise Refused("a long, indefinite or reserved head")
        size = 1 << info - 24
        number = int.from_bytes(self.take(size), "big")
        if number < (24, 256, 65536)[info - 24]:
            raise Refused("not in its shortest form")
        return number

    def item(self, depth):
        first = self.take(1)[0]
        major, number = first >> 5, self.number(first & 31)
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return self.take(number)
        if major == 3:
            return self.text(self.take(number))
        if major != 4 or depth == 0 or number > len(self.data) - self.at:
            raise Refused(f"major type {major}, or too deep, or too short")
        return [self.item(depth - 1) for _ in range(number)]

    @staticmethod
    def text(data):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("text that is not UTF-8") from None


def decode(data):
    """Exactly one value; Refused for anything else."""
    reader = _Reader(data)
    value = reader.item(DEPTH)
    if reader.at != len(data):
        raise Refused("bytes after the end")
    return value
