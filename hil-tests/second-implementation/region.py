"""What zones attest and what their claims come to: SPEC.md, section 12."""
import math

import cbor
import messages
from agreement import KEYS, MEASURED, OTHERS, ln_millinats, threshold
from roster import members_of, quorum, zone_of

HALF_HOURS = 17_520
BUDGETS = {"starts": 4, "stops": 10, "power-step": 5, "setpoint-step": 10, "refusals": 20, "authorization-abuse": 10,
           "export": 50}
BACK, AHEAD = 15, 1


def check_summary(whole, roster, zone):
    """The summary, when a quorum of the zone attests its level."""
    message = messages.decode("summary", whole)
    members = members_of(roster, zone)
    keys = {member.station: member.statement for member in members}
    if (message.network, message.zone, message.roster) != (roster.network, zone, roster.version):
        raise cbor.Refused("of another place or roster")
    if message.station not in keys or not messages.verify(message, keys[message.station]):
        raise cbor.Refused("the signature is wrong")
    key_index, level, attested = message.rest
    if key_index >= len(KEYS) or len(attested) < quorum(len(members), zone_of(roster, zone).f):
        raise cbor.Refused("no quorum, or no key")
    for index, epoch, claimed, signature in attested:
        if index >= len(members) or claimed < level or not message.epoch - BACK <= epoch <= message.epoch + AHEAD:
            raise cbor.Refused("an attestation that does not fit")
        signed = cbor.encode([1, roster.network, zone, roster.version, members[index].station, epoch, key_index, claimed])
        if not messages.ed25519.verify(members[index].statement, messages.ed25519.under("attestation", signed), signature):
            raise cbor.Refused("an attestation that is wrong")
    return message


def independent(key):
    return key in MEASURED or OTHERS.get(key, (0, 0, 8000))[2] == 0


def captured(zones):
    return min((zones - 1) // 3, 1 + zones // 32)


def _most(key):
    return ln_millinats(HALF_HOURS * BUDGETS.get(key, 50))


def _handicap(key, zones):
    return ln_millinats(1 + math.ceil(_most(key) / 1000)) + ln_millinats(zones) + 2


def _slope(key):
    return 3 if key in BUDGETS else 1


def least_level(key, n, f, zones):
    least = threshold(key, n, f)
    if not independent(key):
        return -(-least // 100)
    room = max(0, _most(key) - _handicap(key, zones) - 1000)
    return max(1, -(-(least - room // _slope(key)) // 100))


def _worth(key, n, f, level, zones):
    if level is None:
        return 0
    least = threshold(key, n, f)
    if not independent(key):
        return 1 if level >= -(-least // 100) else 0
    return max(0, _most(key) - _slope(key) * max(0, least - 100 * level) - _handicap(key, zones))


def decide(key, sizes, levels):
    """(sum, threshold, places of supporters, raises)"""
    worths = [_worth(key, n, f, level, len(sizes)) for (n, f), level in zip(sizes, levels)]
    supporters = [place for place, worth in enumerate(worths) if worth > 0]
    dropped, needed = captured(len(sizes)), captured(len(sizes)) + 2
    if dropped == 0:
        return 0, needed, [], False
    if not independent(key):
        return len(supporters), needed, supporters, len(supporters) >= needed
    total, least = sum(sorted(worths, reverse=True)[dropped:]), 1000 + ln_millinats(2 * HALF_HOURS * 50) + 1
    return total, least, supporters, total >= least and len(supporters) >= needed
