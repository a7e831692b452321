"""Rosters of SPEC.md, section 2: rules, signatures, succession, neighbours."""
import json
import re
from collections import namedtuple

import cbor
import ed25519
from cbor import Refused
from messages import MOST_MEMBERS, is_id, sha256

Zone = namedtuple("Zone", "id rating f")
Member = namedtuple("Member", "station zone statement log witness tls address lat lon rated")
Roster = namedtuple("Roster", "network version previous from_epoch epoch_s threshold operators zones members revoked "
                              "events people trusted later hash")
Person = namedtuple("Person", "name role key zones")
Trusted = namedtuple("Trusted", "station log size root")
Word = namedtuple("Word", "by kind at body hash")
SAID_BY = {"acknowledge": ["operator"], "close": ["operator"], "declare": ["operator"], "withdraw": ["operator"]}
U32 = 2**32 - 1
MOST_BYTES = 262_144


def _need(condition, what):
    if not condition:
        raise Refused(what)


def _int(value, low, high, what):
    _need(isinstance(value, int) and low <= value <= high, what)


def _list(value, low, high, what):
    _need(isinstance(value, list) and low <= len(value) <= high, what)
    return value


def _keys(value, low, high, what):
    keys = _list(value, low, high, what)
    _need(all(ed25519.is_key(key) for key in keys) and len(set(keys)) == len(keys), what)
    return keys


def _sorted(names, what):
    _need(all(a < b for a, b in zip(names, names[1:])), f"{what} unsorted or twice")


def _address(value):
    if value == "":
        return True
    match = re.fullmatch(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252}):(\d{1,5})", value,
                         re.ASCII) if isinstance(value, str) else None
    return match is not None and 1 <= int(match[1]) <= 65535


def _member(value):
    one = Member(*_list(value, 10, 10, "member"))
    _need(is_id(one.station) and is_id(one.zone), "id of a member")
    _need(all(ed25519.is_key(key) for key in one[2:6]), "key of a member")
    _need(_address(one.address), "address")
    _int(one.lat, -90_000_000, 90_000_000, "latitude")
    _int(one.lon, -180_000_000, 180_000_000, "longitude")
    _int(one.rated, 0, U32, "ratedW")
    return one


def _event(text):
    event = _object(text)
    return event is not None and isinstance(event.get("kind"), str)


def _no_constant(name):
    raise ValueError(name)


def _object(text):
    """A JSON object of at most 1,024 UTF-16 units; None for anything else."""
    if not isinstance(text, str) or len(text.encode("utf-16-le")) > 2 * 1024:
        return None
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def decode(signed):
    """The roster that operators signed; Refused for what breaks a rule."""
    _need(len(signed) <= MOST_BYTES, "too long")
    fields = _list(cbor.decode(signed), 12, 16, "fields")
    _need(fields[0] == 1 and len(fields) != 13, "format")
    people, trusted, later = (fields[12], fields[13], fields[14:]) if len(fields) > 12 else ([], [], None)
    roster = Roster(*fields[1:8], [Zone(*_list(zone, 3, 3, "zone")) for zone in _list(fields[8], 1, 4096, "zones")],
                    [_member(one) for one in _list(fields[9], 1, 4096, "members")], *fields[10:12],
                    [Person(*_list(one, 4, 4, "person")) for one in _list(people, 0, 64, "people")],
                    [Trusted(*_list(one, 4, 4, "trusted")) for one in _list(trusted, 0, 4096, "trusted")],
                    later, sha256(signed))
    _need(is_id(roster.network), "network")
    _int(roster.version, 1, U32, "version")
    _need(isinstance(roster.previous, bytes) and len(roster.previous) == (0 if roster.version == 1 else 32), "previous")
    _int(roster.from_epoch, 0, U32, "fromEpoch")
    _int(roster.epoch_s, 1, 3600, "epochS")
    _keys(roster.operators, 1, 16, "operators")
    _int(roster.threshold, 1, len(roster.operators), "threshold")
    _keys(roster.revoked, 0, 4096, "revoked")
    _need(all(_event(event) for event in _list(roster.events, 0, 256, "events")), "event")
    _zones(roster)
    _people(roster)
    _trusted(roster)
    _need(later is None or people or trusted or later, "empty lists at the end")
    return roster


def _people(roster):
    zones = [zone.id for zone in roster.zones]
    for one in roster.people:
        _need(is_id(one.name) and is_id(one.role) and ed25519.is_key(one.key), "person")
        _need(all(zone in zones for zone in _list(one.zones, 0, 4096, "zones of a person")), "zone of a person")
        _sorted(one.zones, "zones of a person")
    _sorted([one.name for one in roster.people], "people")
    keys = [one.key for one in roster.people]
    others = roster.revoked + [key for member in roster.members for key in member[2:6]]
    _need(len(set(keys)) == len(keys) and not set(keys) & set(others), "key of a person")


def _trusted(roster):
    for one in roster.trusted:
        _need(is_id(one.station) and one.log in roster.revoked, "station or log key")
        _int(one.size, 1, U32, "size")
        _need(isinstance(one.root, bytes) and len(one.root) == 32, "root")
    logs = [one.log for one in roster.trusted]
    _need(len(set(logs)) == len(logs), "a log twice")


def open_word(data, roster, zone):
    """What a person of the roster said for that zone (SPEC.md, 2b)."""
    _need(len(data) <= 4096, "too long")
    signed, signature = _list(cbor.decode(data), 2, 2, "file")
    _need(isinstance(signed, bytes) and isinstance(signature, bytes) and len(signature) == 64, "file")
    form, network, name, at, kind, text = _list(cbor.decode(signed), 6, 6, "word")
    _need(form == 1 and network == roster.network, "format or network")
    by = next((one for one in roster.people if one.name == name), None)
    _need(by is not None and isinstance(kind, str) and by.role in SAID_BY.get(kind, []), "who may not say it")
    _need(not by.zones or zone in by.zones, "zone")
    _need(ed25519.verify(by.key, ed25519.under("word", signed), signature), "signature")
    _int(at, 0, U32, "time")
    body = _object(text)
    _need(body is not None, "body")
    return Word(by, kind, at, body, sha256(signed))


def _zones(roster):
    for zone in roster.zones:
        _need(is_id(zone.id), "id of a zone")
        _int(zone.rating, 0, U32, "ratingW")
        n = len(members_of(roster, zone.id))
        _need(1 <= n <= MOST_MEMBERS and isinstance(zone.f, int) and zone.f >= 0 and n > 3 * zone.f, "n and f")
    _sorted([zone.id for zone in roster.zones], "zones")
    _sorted([member.station for member in roster.members], "members")
    _need({member.zone for member in roster.members} == {zone.id for zone in roster.zones}, "a zone that is not there")
    keys = [key for member in roster.members for key in member[2:6]]
    _need(len(set(keys)) == len(keys), "a key twice")
    _need(not set(keys) & set(roster.revoked), "a revoked key")


def members_of(roster, zone):
    return [member for member in roster.members if member.zone == zone]


def zone_of(roster, name):
    return next((zone for zone in roster.zones if zone.id == name), None)


def open_file(data, threshold, operators):
    """A roster that at least `threshold` of the trusted keys signed."""
    return decode(signed_by(data, "roster", MOST_BYTES, threshold, operators))


def signed_by(data, kind, most, threshold, operators):
    """The bytes of a file that at least `threshold` of the trusted keys signed."""
    _need(len(data) <= most, "too long")
    pair = _list(cbor.decode(data), 2, 2, "file")
    _need(isinstance(pair[0], bytes), "signed bytes")
    signatures = _list(pair[1], 0, 32, "signatures")
    for one in signatures:
        _list(one, 2, 2, "signature")
        _need(ed25519.is_key(one[0]) and isinstance(one[1], bytes) and len(one[1]) == 64, "signature")
    _need(len({key for key, _ in signatures}) == len(signatures), "a key twice")
    good = [key for key, signature in signatures
            if key in operators and ed25519.verify(key, ed25519.under(kind, pair[0]), signature)]
    _need(len(good) >= max(1, threshold), "too few good signatures")
    return pair[0]


def succeeds(last, following):
    """Whether one roster is the next version; who signed it is for open_file with the last one's operators."""
    return (following.network == last.network and following.version == last.version + 1
            and following.previous == last.hash and following.epoch_s == last.epoch_s
            and following.from_epoch >= last.from_epoch)


def quorum(n, f):
    return (n + f) // 2 + 1


def _shuffled(roster, purpose, them, name_of=lambda member: member.station):
    return sorted(them, key=lambda one: sha256(
        f"{roster.network}\n{roster.version}\n{purpose}\n{name_of(one)}".encode()))


def _distance(a, b):
    total = a.lat + b.lat
    degree = abs(total) // 2_000_000 * (1 if total >= 0 else -1)
    c = 1000 * (32400 - 4 * degree**2) // (32400 + degree**2)
    around = abs(a.lon - b.lon)
    east = min(around, 360_000_000 - around) * c // 10**4
    north = abs(a.lat - b.lat) // 10
    return east**2 + north**2


def _near(ring, links):
    """Pairs of places on ring 0 with their order, for the near links."""
    n = len(ring)
    pairs = set()
    for at, member in enumerate(ring):
        own = []
        for to, other in enumerate(ring):
            if to == at or other.station in links[member.station]:
                continue
            steps = min(abs(at - to), n - abs(at - to))
            own.append((_distance(member, other), steps, min(at, to), max(at, to)))
        pairs |= set(sorted(own)[:16])
    given = [0] * n
    for _, _, a, b in sorted(pairs):
        if given[a] < 4 and given[b] < 4:
            given[a] += 1
            given[b] += 1
            _link(links, ring[a], ring[b], "near")


def _link(links, a, b, kind):
    if a.station != b.station:
        links[a.station].setdefault(b.station, kind)
        links[b.station].setdefault(a.station, kind)


def neighbours(roster):
    """{station: {neighbour: near, long or bridge}} of the whole roster."""
    links = {member.station: {} for member in roster.members}
    for zone in roster.zones:
        members = members_of(roster, zone.id)
        rings = [_shuffled(roster, f"ring {i}", members) for i in (0, 1)]
        for ring in rings[:1] if len(members) <= 9 else rings:
            for i, member in enumerate(ring):
                _link(links, member, ring[(i + 1) % len(ring)], "long")
        if len(members) <= 9:
            for a in members:
                for b in members:
                    _link(links, a, b, "near")
            continue
        _near(rings[0], links)
    _bridges(roster, links)
    return links


def _bridges(roster, links):
    joined = set()
    rings = (roster.zones, "bridge"), (_shuffled(roster, "zones", roster.zones, lambda zone: zone.id), "bridge 1")
    for ring, purpose in rings:
        for here, there in zip(ring, [*ring[1:], ring[0]]):
            if here.id == there.id or frozenset((here.id, there.id)) in joined:
                continue
            joined.add(frozenset((here.id, there.id)))
            pairs = zip(*(_shuffled(roster, purpose, members_of(roster, zone.id)) for zone in (here, there)))
            for (a, b), _ in zip(pairs, range(here.f + there.f + 1)):
                _link(links, a, b, "bridge")
