"""Releases of SPEC.md, section 13: files that operators sign, and who may have one when."""
import re
from collections import namedtuple

import cbor
import roster
from cbor import Refused
from messages import sha256

MOST_BYTES = 65_536
MOST_PROGRAM = 16_777_216
MOST_NUMBER = 2**32 - 1
PROGRAM = "kerbwatch.cjs"
DAY_S = 86_400

Release = namedtuple("Release", "sequence name issued expires stages files hash")


def _need(holds, what):
    if not holds:
        raise Refused(what)


def _number(value, low, high):
    _need(isinstance(value, int) and low <= value <= high, "number")
    return value


def _named(value, first, rest, most):
    _need(isinstance(value, str) and re.fullmatch(f"[{first}][{rest}]{{0,{most - 1}}}", value) is not None, "name")
    return value


def _rows(value, most, width):
    _need(isinstance(value, list) and len(value) <= most, "list")
    _need(all(isinstance(row, list) and len(row) == width for row in value), "rows")
    return value


def decode(signed):
    value = cbor.decode(signed)
    _need(isinstance(value, list) and len(value) == 7 and value[0] == 1, "shape")
    _, sequence, name, issued, expires, stages, files = value
    _number(sequence, 1, MOST_NUMBER)
    _named(name, "0-9A-Za-z", "0-9A-Za-z.+~\\-", 64)
    _number(issued, 0, MOST_NUMBER)
    _number(expires, issued, MOST_NUMBER)
    for after, percent in _rows(stages, 16, 2):
        _number(after, 0, MOST_NUMBER)
        _number(percent, 0, 100)
    for (after, percent), (later, more) in zip(stages, stages[1:]):
        _need(after < later and percent <= more, "stages")
    for file, size, digest in _rows(files, 64, 3):
        _named(file, "A-Za-z0-9", "A-Za-z0-9._+~\\-", 128)
        _number(size, 1, MOST_NUMBER)
        _need(isinstance(digest, bytes) and len(digest) == 32, "hash")
    sizes = {file: size for file, size, _ in files}
    _need(len(sizes) == len(files), "a file twice")
    _need(0 < sizes.get(PROGRAM, 0) <= MOST_PROGRAM, "program")
    return Release(sequence, name, issued, expires, stages, files, sha256(signed))


def open_file(data, threshold, operators):
    return decode(roster.signed_by(data, "release", MOST_BYTES, threshold, operators))


def place(release, station):
    return int.from_bytes(sha256(release.hash, station.encode())[:4], "big") % 100


def may_install(release, station, newest, now):
    if release.sequence <= newest or now >= release.expires or now < release.issued - DAY_S:
        return False
    passed = [percent for after, percent in release.stages if release.issued + after <= now]
    percent = 100 if not release.stages else passed[-1] if passed else 0
    return place(release, station) < percent


def is_halted(f, took_back):
    """`took_back`: members of the own zone who say that they took it back, guilty ones left out."""
    return len(set(took_back)) > f
