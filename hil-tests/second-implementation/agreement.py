"""What a zone decides, and certificates: SPEC.md, section 6."""
import math

import cbor
import messages
from messages import sha256
from roster import members_of, quorum, zone_of

KEYS = """authorization-abuse credential-cloning session-spoofing energy-theft billing-inflation load-manipulation
profile-tampering configuration-tampering firmware-tampering remote-command-abuse denial-of-service channel-tampering
data-exfiltration reverse-power reconnaissance physical-tampering agent-misbehaviour starts stops refusals power-step
setpoint-step delivered-less-billed billed-less-delivered settings firmware-orders commands link-losses uploads probes
export clones""".split()
SPEAKS_FOR = {
    "starts": "load-manipulation", "stops": "load-manipulation", "power-step": "load-manipulation",
    "setpoint-step": "load-manipulation", "refusals": "authorization-abuse", "delivered-less-billed": "energy-theft",
    "billed-less-delivered": "billing-inflation", "settings": "configuration-tampering",
    "firmware-orders": "firmware-tampering", "commands": "remote-command-abuse", "link-losses": "denial-of-service",
    "uploads": "data-exfiltration", "probes": "reconnaissance", "export": "reverse-power",
    "clones": "credential-cloning"}
LEASE, RENEWAL = 30, 15
SUPPORT = 1_000
WINDOW = 180
WIDE, SMALL, NARROW = 12_000, 6_000, 3_000
# base, slope, whether of the counted members, by clip; and from how many counted members on the narrow one is used.
MEASURED = {"starts": ((9100, 2.5, False), (17000, -2.9, True), 8), "stops": ((9600, 2.5, False), (19800, -4, True), 8),
            "power-step": ((9100, 2.5, False), (12500, 0, True), 8),
            "refusals": ((2500, 5, False), (500, 4.7, False), 4),
            "authorization-abuse": ((5000, 6, False), (0, 5, False), 4)}
HIGH_MEANS = {"configuration-tampering": 9100, "physical-tampering": 9100, "load-manipulation": 10400,
              "reverse-power": 10400, "data-exfiltration": 11300, "billing-inflation": 12800, "reconnaissance": 12900,
              "remote-command-abuse": 13200, "session-spoofing": 13500, "profile-tampering": 13600,
              "denial-of-service": 16700, "channel-tampering": 17300, "setpoint-step": 14000}
OTHERS = {**{key: (7500, 5, mean) for key, mean in HIGH_MEANS.items()}, "setpoint-step": (11000, 2, 14000),
          "export": (500, 6.5, 0), **{key: (7500, 5, 0) for key in (
              "energy-theft", "delivered-less-billed", "billed-less-delivered", "clones")}}
NEVER = ("agent-misbehaviour", "credential-cloning")


def clip_of(key, n, f):
    if key in HIGH_MEANS:
        return 24_000
    if key not in MEASURED or n - 2 * f < 3:
        return WIDE
    return NARROW if n - 2 * f >= MEASURED[key][2] else SMALL


def ln_millinats(n):
    """1,000 ln n rounded down, in integers as the specification spells it out."""
    one, mantissa, micronats = 2**25, n * 2**25, 0
    while mantissa >= 2 * one:
        mantissa //= 2
        micronats += 693_147
    bit = 693_147 / 2
    while bit >= 1:
        mantissa = mantissa * mantissa // one
        if mantissa >= 2 * one:
            mantissa //= 2
            micronats += int(bit)
        bit /= 2
    return micronats // 1000


def threshold(key, n, f):
    clip, counted = clip_of(key, n, f), n - 2 * f
    if key in NEVER:
        return n * clip + 1
    if key in MEASURED:
        base, slope, of_counted = MEASURED[key][clip == NARROW]
        mean = 0
    else:
        (base, slope, mean), of_counted = OTHERS.get(key, (7500, 5, 8000)), False
    crowded = 3_500 if of_counted and 4 * f > n else 0
    law = base + crowded + math.floor(slope * ln_millinats(counted if of_counted else n))
    alone = max(3 * clip // 2, min(13_500, 9 * clip // 4)) if f == 0 else 0
    return max(6_500, law, mean * counted, alone)


def decide(key, n, f, growths):
    """(raises, sum, supporters); `growths` of those members of whom there is one."""
    clip = clip_of(key, n, f)
    all_of_them = sorted([max(-clip, min(clip, growth)) for growth in growths] + [-clip] * (n - len(growths)))
    total = sum(all_of_them[f:n - f])
    supporters = sum(growth > SUPPORT for growth in all_of_them)
    return total >= threshold(key, n, f) and supporters >= f + 1, total, supporters


def threat_of(key_index):
    """The number of the threat that a key raises."""
    key = KEYS[key_index]
    return KEYS.index(SPEAKS_FOR.get(key, key))


def _chain(certified, threat):
    """Epochs of the threat's last incident, the newest first; `certified` is pairs of a key's index and an epoch."""
    chain = []
    for epoch in sorted((epoch for key_index, epoch in certified if threat_of(key_index) == threat), reverse=True):
        if chain and chain[-1] - epoch >= LEASE:
            break
        chain.append(epoch)
    return chain


def incident(certified, threat):
    return _chain(certified, threat)[-1]


def bound(certified, key_index, epoch):
    """After which epoch the onset of a proposal of that key and epoch must lie; None: it gets no vote."""
    newest = next(iter(_chain(certified, threat_of(key_index))), None)
    if newest is None or newest + LEASE + WINDOW < epoch:
        return -1
    return None if epoch < newest + LEASE - RENEWAL else max(-1, newest - LEASE)


def rank(zone, threat, epoch, stations, station):
    names = {one: sha256(f"{zone}\n{threat}\n{epoch}\n{one}".encode()) for one in stations}
    return sorted(stations, key=lambda one: names[one]).index(station)


def _read(kind, whole, roster, zone):
    message = messages.decode(kind, whole)
    members = {member.station: member for member in members_of(roster, zone)}
    if (message.network, message.zone) != (roster.network, zone) or message.station not in members:
        raise cbor.Refused(f"{kind}: of another place")
    if kind != "statement" and message.roster != roster.version:
        raise cbor.Refused(f"{kind}: under another roster")
    if not messages.verify(message, members[message.station].statement):
        raise cbor.Refused(f"{kind}: the signature is wrong")
    return message


def check_certificate(whole, roster, zone, statements=None):
    """The proposal, its key and the voters; with the statements that it lists, also that they raise."""
    outer = _read("certificate", whole, roster, zone)
    proposal = _read("proposal", outer.rest[0], roster, zone)
    key_index, onset, items = proposal.rest
    members = members_of(roster, zone)
    epoch = proposal.epoch
    possible = key_index < len(KEYS) and epoch - WINDOW < onset <= epoch and all(i < len(members) for i, *_ in items)
    if outer.epoch != epoch or not possible:
        raise cbor.Refused("a proposal that the rules do not allow")
    votes = outer.rest[1]
    if len(votes) < quorum(len(members), zone_of(roster, zone).f):
        raise cbor.Refused("no quorum")
    for index, signature in votes:
        if index >= len(members):
            raise cbor.Refused("a voter that is not there")
        signed = cbor.encode([1, roster.network, zone, roster.version, members[index].station, epoch, proposal.hash])
        if not messages.ed25519.verify(members[index].statement, messages.ed25519.under("vote", signed), signature):
            raise cbor.Refused("a vote that is wrong")
    if statements is not None:
        _recompute(proposal, roster, zone, statements)
    return proposal, KEYS[key_index], [members[index].station for index, _ in votes]


def _recompute(proposal, roster, zone, statements):
    key_index, _, items = proposal.rest
    members = members_of(roster, zone)
    held = {}
    for whole in statements:
        statement = _read("statement", whole, roster, zone)
        held[statement.hash] = statement
    listed = {one for _, *pair in items for one in pair}
    if not set(held) <= listed:
        raise cbor.Refused("a statement that is not listed")
    growths = []
    for index, *pair in items:
        newer, older = (held.get(one) for one in pair)
        for one in (newer, older):
            if one is not None and (one.station != members[index].station or one.epoch <= proposal.epoch - WINDOW):
                raise cbor.Refused("a pair that the rules do not allow")
        if newer is not None and not proposal.epoch - 6 <= newer.epoch <= proposal.epoch + 1:
            raise cbor.Refused("a pair that the rules do not allow")
        if newer is None or older is None:
            continue
        if older.epoch > newer.epoch:
            raise cbor.Refused("a pair that the rules do not allow")
        growths.append(value_of(newer, key_index) - value_of(older, key_index))
    key = KEYS[key_index]
    if not decide(key, len(members), zone_of(roster, zone).f, growths)[0]:
        raise cbor.Refused("the statements do not raise")


def value_of(statement, key_index):
    evidence = statement.rest[2]
    return evidence[key_index] if key_index < len(evidence) else 0
