"""Checkpoints, cosignatures and a witness's judgement: SPEC.md, section 9; RFC 9162, 2.1."""
import base64
import binascii
import re
import unicodedata
from collections import namedtuple

import ed25519
from cbor import Refused
from messages import sha256

Checkpoint = namedtuple("Checkpoint", "note text size root signatures")


def key_id(name, kind, key):
    return sha256(name.encode(), b"\n", bytes([kind]), key)[:4]


def _base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("base64") from None
    if base64.b64encode(data).decode() != text:
        raise Refused("base64 with idle bits")
    return data


def parse_key(text):
    """name and raw key of a verifier key of the type that signs notes."""
    match = re.fullmatch(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text)
    data = _base64(match[3])
    if len(data) != 33 or data[0] != 1 or key_id(match[1], 1, data[1:]).hex() != match[2]:
        raise Refused("verifier key")
    return match[1], data[1:]


def _name_is_good(name):
    return name != "" and "+" not in name and not any(c.isspace() or unicodedata.category(c) == "Cc" for c in name)


def _line(line):
    match = re.fullmatch("\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)", line)
    data = _base64(match[2]) if match and _name_is_good(match[1]) else b""
    if len(data) <= 4:
        raise Refused("signature line")
    return match[1], data[:4], data[4:]


def open_checkpoint(note, name, key):
    """A checkpoint of this origin that its key signed."""
    if len(note) > 16384 or not note.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in note):
        raise Refused("note")
    at = note.rfind("\n\n")
    if at < 0:
        raise Refused("no signatures")
    text, lines = note[:at + 1], note[at + 2:-1].split("\n")
    signatures = [_line(line) for line in lines]
    own = [signature for who, what, signature in signatures if who == name and what == key_id(name, 1, key)]
    if not own or not all(ed25519.verify(key, text.encode(), signature) for signature in own):
        raise Refused("not signed by the log")
    match = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]+)\n", text)
    if match is None or match[1] != name or int(match[2]) >= 2**53:
        raise Refused("checkpoint")
    root = _base64(match[3])
    if len(root) != 32:
        raise Refused("root")
    return Checkpoint(note, text, int(match[2]), root, signatures)


def cosigned_at(text, line, name, key):
    """Unix seconds at which the witness cosigned, or None."""
    who, what, data = _line(line)
    if who != name or what != key_id(name, 4, key) or len(data) != 72:
        return None
    seconds = int.from_bytes(data[:8], "big")
    signed = f"cosignature/v1\ntime {seconds}\n{text}".encode()
    return seconds if seconds < 2**53 and ed25519.verify(key, signed, data[8:]) else None


def cosign(text, name, signer, seconds):
    signature = signer.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
    data = key_id(name, 4, signer.public) + seconds.to_bytes(8, "big") + signature
    return f"\u2014 {name} {base64.b64encode(data).decode()}"


def consistent(old_size, new_size, old_root, new_root, proof):
    """RFC 9162, 2.1.4.2, by recursion over the tree instead of its loop."""
    if old_size == 0 or old_size == new_size:
        return proof == [] and old_root == (sha256() if old_size == 0 else new_root)
    rest = list(proof)
    try:
        old, new = _subproof(old_size, new_size, True, old_root, rest)
    except IndexError:
        return False
    return rest == [] and (old, new) == (old_root, new_root)


def _subproof(m, n, whole, old_root, rest):
    """Roots of the old and the new tree below here; takes hashes off the end of the proof."""
    if m == n:
        root = old_root if whole else rest.pop(0)
        return root, root
    k = 1
    while 2 * k < n:
        k *= 2
    if m <= k:
        old, left = _subproof(m, k, whole, old_root, rest)
        return old, sha256(b"\1", left, rest.pop(0))
    old, new = _subproof(m - k, n - k, False, old_root, rest)
    left = rest.pop(0)
    return sha256(b"\1", left, old), sha256(b"\1", left, new)


def judge(note, proof, old_size, name, key, held, taken):
    """`take`, or the first refusal of the table."""
    try:
        new = open_checkpoint(note, name, key)
    except Refused:
        return "bad-note"
    if len(new.signatures) != 1 or new.size < old_size:
        return "bad-note"
    for known in (held, taken):
        if known is not None and known.size == new.size and known.root != new.root:
            return "fork"
    size = held.size if held else 0
    if new.size < size:
        return "smaller"
    if old_size != size:
        return "old-size"
    if new.size == size:
        return "nothing-new"
    if taken is not None:
        return "too-soon"
    before = held.root if held else sha256()
    return "take" if consistent(size, new.size, before, new.root, proof) else "bad-proof"
