"""Ed25519 behind the rule of SPEC.md, section 1; the arithmetic is OpenSSL's."""
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
# y of the points whose order divides 8.
_SMALL = {0, 1, P - 1} | {int.from_bytes(bytes.fromhex(text), "little") for text in (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")}


def _is_point(data):
    y = int.from_bytes(data, "little") % 2**255
    return y < P and y not in _SMALL


def is_key(key):
    return isinstance(key, bytes) and len(key) == 32 and _is_point(key)


def verify(key, message, signature):
    """Never raises."""
    if not is_key(key) or len(signature) != 64 or not _is_point(signature[:32]):
        return False
    if int.from_bytes(signature[32:], "little") >= L:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


class Signer:
    """The holder of a seed of 32 bytes."""

    def __init__(self, seed):
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message):
        return self.private.sign(message)


def under(kind, data):
    """What is signed for signed bytes of a kind."""
    return f"kerbwatch 1 {kind}\n".encode() + data
