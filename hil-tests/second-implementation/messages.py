"""Messages of SPEC.md, sections 3 and 4: shapes, topics, signatures, guilt."""
import hashlib
import re
from collections import namedtuple

import cbor
import ed25519

MOST = {"statement": 2048, "note": 1024, "proposal": 8192, "vote": 512, "certificate": 16384, "digest": 4096,
        "request": 4096, "proof": 8192, "checkpoint": 8192, "cosignature": 1024, "roster": 1024, "part": 13312,
        "attestation": 512, "summary": 8192, "release": 512, "fetch": 512, "piece": 13312}
MOST_MEMBERS = 64
MOST_MILLINATS = 2_000_000_000

Message = namedtuple("Message", "kind network zone roster station epoch rest signed signature whole hash")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def is_id(value):
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9\-_.:]{1,48}", value) is not None


def _uint(value):
    return isinstance(value, int) and value >= 0


def _bytes(size):
    return lambda value: isinstance(value, bytes) and (size is None or len(value) == size)


def _list(most, each):
    return lambda value: isinstance(value, list) and len(value) <= most and all(each(item) for item in value)


def _tuple(*fields):
    return lambda value: (isinstance(value, list) and len(value) == len(fields)
                          and all(check(item) for check, item in zip(fields, value)))


def _rising(most, each):
    """A list of members' indexes, or of arrays that begin with one."""
    def check(value):
        if not _list(most, each)(value):
            return False
        places = [item[0] if isinstance(item, list) else item for item in value]
        return all(a < b for a, b in zip(places, places[1:]))
    return check


def _index(value):
    return _uint(value) and value < MOST_MEMBERS


def _text(value):
    return isinstance(value, str)


HASH = _bytes(32)
PART = 12288
MOST_PARTS = 22
MOST_PIECES = 341
ASKED = _tuple(is_id, HASH, lambda value: _uint(value) and value < MOST_PARTS)
SHAPES = {
    "note": (_uint, _uint, _list(16, _tuple(_bytes(8), _uint, _uint))),
    "proposal": (_uint, _uint, _uint, _rising(MOST_MEMBERS, _tuple(_index, HASH, HASH))),
    "vote": (_uint, HASH),
    "certificate": (_uint, _bytes(None), _rising(MOST_MEMBERS, _tuple(_index, _bytes(64)))),
    "digest": (_uint, _rising(MOST_MEMBERS, _tuple(_index, _uint, HASH)), _list(32, HASH),
               _rising(MOST_MEMBERS, _index)),
    "request": (_uint, _list(64, HASH)),
    "proof": (_bytes(None), _bytes(None)),
    "checkpoint": (_uint, _text, _list(64, HASH), _uint),
    "cosignature": (_uint, is_id, _text),
    "attestation": (_uint, _uint, _uint),
    "summary": (_uint, _uint, _uint, _rising(MOST_MEMBERS, _tuple(_index, _uint, _uint, _bytes(64)))),
    "roster": (_uint, _list(6, _tuple(_uint, HASH)), lambda value: value == [] or ASKED(value)),
    "part": (_uint, HASH, _uint, _uint, _bytes(None)),
    "release": (_uint, _uint, lambda value: value == b"" or HASH(value), _list(4, HASH)),
    "fetch": (_uint, is_id, HASH, lambda value: _uint(value) and value < MOST_PIECES),
    "piece": (_uint, _uint, _uint, HASH, _bytes(None)),
}


def _is_part(most, place, of, data):
    """Sections 2a and 13: all parts but the last are whole."""
    if of > most or place >= of:
        return False
    return 0 < len(data) <= PART if place == of - 1 else len(data) == PART


OR_EMPTY = lambda value: _bytes(32)(value) or value == b""
EVIDENCE = _list(64, lambda value: isinstance(value, int) and abs(value) <= MOST_MILLINATS)
STATEMENT = _tuple(lambda value: value == 1, is_id, is_id, is_id, _uint, _uint, OR_EMPTY, _uint, EVIDENCE, OR_EMPTY)


def _open(kind, signed):
    """network, zone, roster version, station, epoch and the rest of signed bytes."""
    value = cbor.decode(signed)
    if kind == "statement":
        if not STATEMENT(value):
            raise cbor.Refused("bad-shape")
        _, network, zone, station, epoch, seq, previous, roster, evidence, checkpoint = value
        return network, zone, roster, station, epoch, [seq, previous, evidence, checkpoint]
    if not isinstance(value, list) or len(value) < 5 or value[0] != 1:
        raise cbor.Refused("bad-shape")
    _, network, zone, roster, station, *rest = value
    if not (is_id(network) and is_id(zone) and _uint(roster) and is_id(station)) or not _tuple(*SHAPES[kind])(rest):
        raise cbor.Refused("bad-shape")
    if kind == "part" and not _is_part(MOST_PARTS, *rest[2:]):
        raise cbor.Refused("bad-shape")
    if kind == "piece" and not _is_part(MOST_PIECES, *rest[1:3], rest[4]):
        raise cbor.Refused("bad-shape")
    if kind == "release" and (rest[1] == 0) != (rest[2] == b""):
        raise cbor.Refused("bad-shape")
    return (network, zone, roster, station, None, rest) if kind == "proof" else (
        network, zone, roster, station, rest[0], rest[1:])


def decode(kind, whole):
    """Refused says too-long, not-cbor or bad-shape."""
    if len(whole) > MOST[kind]:
        raise cbor.Refused("too-long")
    try:
        pair = cbor.decode(whole)
    except cbor.Refused:
        raise cbor.Refused("not-cbor") from None
    if not _tuple(_bytes(None), _bytes(64))(pair):
        raise cbor.Refused("bad-shape")
    signed, signature = pair
    try:
        fields = _open(kind, signed)
    except cbor.Refused as why:
        raise cbor.Refused("bad-shape" if str(why) == "bad-shape" else "not-cbor") from None
    return Message(kind, *fields, signed, signature, whole, sha256(signed))


def verify(message, key):
    return ed25519.verify(key, ed25519.under(message.kind, message.signed), message.signature)


def sign(kind, value, signer):
    """The whole message of what is to be signed, a list."""
    signed = cbor.encode(value)
    return cbor.encode([signed, signer.sign(ed25519.under(kind, signed))])


def topic(message):
    return f"kw1/{message.network}/{message.zone}/{message.kind}/{message.station}"


def read_topic(text):
    """network, zone, kind, station; Refused says bad-topic."""
    parts = text.split("/")
    if len(parts) != 5 or parts[0] != "kw1" or parts[3] not in MOST:
        raise cbor.Refused("bad-topic")
    if not all(is_id(part) for part in (parts[1], parts[2], parts[4])):
        raise cbor.Refused("bad-topic")
    return tuple(parts[1:])


def take(text, whole, key):
    """A message on a topic, whose author has this statement key; Refused says why not."""
    network, zone, kind, station = read_topic(text)
    message = decode(kind, whole)
    if (message.network, message.zone) != (network, zone):
        raise cbor.Refused("wrong-place")
    if message.station != station:
        raise cbor.Refused("wrong-author")
    if not verify(message, key):
        raise cbor.Refused("bad-signature")
    return message


def follows(before, after):
    """Section 4: whether one statement is the next of the same author's chain."""
    seq, previous = after.rest[0], after.rest[1]
    if before is None:
        return seq == 0 and previous == b""
    return (seq == before.rest[0] + 1 and previous == before.hash and after.epoch > before.epoch
            and after.station == before.station)


def contradict(a, b):
    """Section 5: whether two verified statements of one author prove its guilt."""
    return a.station == b.station and a.hash != b.hash and (a.epoch == b.epoch or a.rest[0] == b.rest[0])
