"""Holds this implementation to gossip/vectors; prints how many of each file were checked, as JSON.

    python3 check_vectors.py FOLDER [ED25519.json]

ED25519.json is a list of {key, message, signature, valid}, hexadecimal. Exit code 1 when anything differs.
"""
import copy
import json
import sys
from pathlib import Path

import agreement
import cbor
import ed25519
import messages
import region
import release as releases
import roster as rosters
import witness
from cbor import Refused

hexed = bytes.fromhex
wrong = []


def same(found, expected, name):
    if found != expected:
        wrong.append(f"{name}: found {found!r}, expected {expected!r}")
    return 1


def outcome(work):
    """What `work` gives, or why it refused, as text."""
    try:
        return work()
    except Refused as why:
        return f"refused: {why}"


def value_of(value):
    if isinstance(value, list):
        return [value_of(item) for item in value]
    return hexed(value[4:]) if isinstance(value, str) and value.startswith("hex:") else value


def check_cbor(file):
    count = 0
    for one in file["good"]:
        value, data = value_of(one["value"]), hexed(one["hex"])
        count += same(cbor.encode(value), data, f"encoding {one['value']}")
        same(outcome(lambda: cbor.decode(data)), value, f"decoding {one['hex']}")
    for one in file["bad"]:
        found = outcome(lambda: cbor.decode(hexed(one["hex"])))
        count += same(str(found).startswith("refused: "), True, one["name"])
    return count


def check_messages(file):
    count = 0
    for one in file["messages"]:
        try:
            message = messages.take(one["topic"], hexed(one["message"]), hexed(file["key"]))
            found = "good"
            same(messages.topic(message), one["topic"], one["name"])
            # Written again from its values: the bytes are the same, since there is one way to write them.
            same(cbor.encode([cbor.encode(cbor.decode(message.signed)), message.signature]), message.whole, one["name"])
            signer = ed25519.Signer(bytes([21] * 32))
            same(messages.sign(message.kind, cbor.decode(message.signed), signer), message.whole, f"signing {one['name']}")
        except Refused as why:
            found = str(why)
        count += same(found, one["expect"], one["name"])
    return count


def check_rosters(good, bad):
    signed = hexed(good["roster"])
    same(rosters.decode(signed).hash.hex(), good["hash"], "the good roster's hash")
    same(cbor.encode(cbor.decode(signed)), signed, "the good roster written again")
    operators = [hexed(key) for key in good["operators"]]
    opened = outcome(lambda: rosters.open_file(hexed(good["file"]), good["threshold"], operators))
    same(getattr(opened, "hash", opened), hexed(good["hash"]), "the good roster's file")
    file = cbor.encode([signed, [[ed25519.Signer(bytes([n] * 32)).public,
                                  ed25519.Signer(bytes([n] * 32)).sign(ed25519.under("roster", signed))]
                                 for n in (1, 2)]])
    same(file.hex(), good["file"], "the good roster signed again")
    count = 5
    for one in bad["bad"]:
        data = cbor.encode(changed(cbor.decode(signed), one))
        count += same(str(outcome(lambda: rosters.decode(data)))[:9], "refused: ", f"bad roster: {one['name']}")
    return count


def put_value(put, whole):
    if isinstance(put, list):
        return [put_value(item, whole) for item in put]
    if isinstance(put, str) and put.startswith("hex:"):
        return hexed(put[4:])
    if not isinstance(put, str) or not put.startswith("$"):
        return put
    for step in put[1:].split("."):
        whole = whole[int(step)]
    return copy.deepcopy(whole)


def changed(whole, one):
    inner = whole
    for step in one["at"][:-1]:
        inner = inner[step]
    place = one["at"][-1]
    if one.get("drop"):
        del inner[place]
        return whole
    value = put_value(one["put"], whole)
    if "repeat" in one:
        value = [value] * one["repeat"]
    inner[place:place + 1] = [value]
    return whole


def check_successions(file):
    first = rosters.decode(hexed(file["first"]))
    count = 0
    for one in file["next"]:
        count += same(rosters.succeeds(first, rosters.decode(hexed(one["roster"]))), one["follows"], one["name"])
    operators = [hexed(key) for key in file["operators"]]
    for one in file["files"]:
        opened = outcome(lambda: rosters.open_file(hexed(one["file"]), file["threshold"], operators))
        count += same(isinstance(opened, rosters.Roster), one["believed"], f"file: {one['name']}")
    return count


def check_neighbours(file):
    count = 0
    for one in file["rosters"]:
        found = rosters.neighbours(rosters.decode(hexed(one["roster"])))
        for station, expected in one["neighbours"].items():
            count += same(found[station], expected, f"neighbours of {station}")
    return count


def check_agreement(file):
    count = same(agreement.KEYS, file["keys"], "the order of keys")
    count += same([agreement.threat_of(index) for index in range(len(agreement.KEYS))], file["threats"], "threats")
    for one in file["incidents"]:
        certified = [(lease["keyIndex"], lease["epoch"]) for lease in one["certified"]]
        for threat, first in one["first"].items():
            count += same(agreement.incident(certified, int(threat)), first, f"incident {certified}")
        for asked in one["bounds"]:
            found = agreement.bound(certified, asked["keyIndex"], asked["epoch"])
            count += same(found, asked["after"], f"bound {certified} {asked}")
    for one in file["thresholds"]:
        count += same(agreement.threshold(one["key"], one["n"], one["f"]), one["threshold"], f"threshold {one}")
    for one in file["decisions"]:
        found = agreement.decide(one["key"], one["n"], one["f"], one["growths"])
        count += same(found, (one["raises"], one["sum"], one["supporters"]), f"decision {one}")
    for one in file["ranks"]:
        for station, expected in one["ranks"].items():
            found = agreement.rank(one["zone"], one["threat"], one["epoch"], sorted(one["ranks"]), station)
            count += same(found, expected, f"rank of {station}")
    roster = rosters.decode(hexed(file["roster"]))
    for one in file["certificates"]:
        count += same(certificate(one, roster, file["zone"]), one["expect"], f"certificate: {one['name']}")
    for one in file["proofs"]:
        count += same(guilty(one, roster, file["zone"]), one["guilty"], f"proof: {one['name']}")
    return count


def certificate(one, roster, zone):
    data = hexed(one["message"])
    for verdict, statements in (("good", [hexed(whole) for whole in one["statements"]]), ("signed-only", None)):
        if not isinstance(outcome(lambda: agreement.check_certificate(data, roster, zone, statements)), str):
            return verdict
    return "bad"


def guilty(one, roster, zone):
    keys = {member.station: member.statement for member in rosters.members_of(roster, zone)}
    pair = [messages.decode("statement", hexed(one[which])) for which in ("first", "second")]
    here = all(message.station in keys and (message.network, message.zone) == (roster.network, zone)
               and messages.verify(message, keys[message.station]) for message in pair)
    return pair[0].station if here and messages.contradict(*pair) else None


def check_witnesses(file):
    name, key = witness.parse_key(file["log"])
    who, witness_key = file["witness"]["name"], hexed(file["witness"]["publicKey"])
    signer = ed25519.Signer(bytes([2] * 32))
    count = same(witness.key_id(who, 4, witness_key).hex(), file["witness"]["keyId"], "the witness's key id")
    text = witness.open_checkpoint(file["cosignatures"]["note"], name, key).text
    for one in file["cosignatures"]["lines"]:
        found = witness.cosigned_at(text, one["line"], who, witness_key)
        count += same(found, one["timeS"], f"cosignature: {one['name']}")
        if found is not None:
            same(witness.cosign(text, who, signer, found), one["line"], f"cosigning: {one['name']}")
    for one in file["checkpoints"]:
        held, taken = (witness.open_checkpoint(one[which], name, key) if which in one else None
                       for which in ("held", "taken"))
        found = witness.judge(one["note"], [hexed(part) for part in one["proof"]], one["oldSize"], name, key, held, taken)
        count += same(found, one["expect"], f"checkpoint: {one['name']}")
    return count


def check_region(file):
    roster, count = rosters.decode(hexed(file["roster"])), 0
    for one in file["summaries"]:
        found = outcome(lambda: region.check_summary(hexed(one["message"]), roster, file["zone"]))
        count += same("bad" if isinstance(found, str) else "good", one["expect"], f"summary: {one['name']}")
    for one in file["leastLevels"]:
        found = region.least_level(one["key"], one["n"], one["f"], one["zones"])
        count += same(found, one["level"], f"least level {one}")
    for one in file["decisions"]:
        found = region.decide(one["key"], one["zones"], one["levels"])
        expected = (one["sum"], one["threshold"], one["supporters"], one["raises"])
        count += same(found, expected, f"region {one}")
    return count


def check_words(file):
    count = 0
    for one in file["rosters"]:
        found = outcome(lambda: rosters.decode(hexed(one["roster"])))
        count += same(isinstance(found, rosters.Roster), one["good"], f"roster: {one['name']}")
    roster = rosters.decode(hexed(file["roster"]))
    for one in file["words"]:
        found = outcome(lambda: rosters.open_word(hexed(one["file"]), roster, one["zone"]))
        count += same(None if isinstance(found, str) else found.by.name, one["by"], f"word: {one['name']}")
    return count


def check_releases(file):
    count, operators = 0, [hexed(key) for key in file["operators"]]
    for one in file["files"]:
        opened = outcome(lambda: releases.open_file(hexed(one["file"]), file["threshold"], operators))
        found = None if isinstance(opened, str) else opened.hash.hex()
        count += same(found, one["hash"], f"release: {one['name']}")
    by_hash = {one["hash"]: hexed(one["file"]) for one in file["files"]}
    for one in file["turns"]:
        release = releases.open_file(by_hash[one["release"]], file["threshold"], operators)
        found = (releases.place(release, one["station"]),
                 releases.may_install(release, one["station"], one["newest"], one["nowS"]))
        count += same(found, (one["place"], one["mayInstall"]), f"turn: {one}")
    return count


def check_ed25519(file):
    count = 0
    for number, one in enumerate(file):
        found = ed25519.verify(hexed(one["key"]), hexed(one["message"]), hexed(one["signature"]))
        count += same(found, one["valid"], f"Ed25519 vector {number}")
    return count


def main(folder, public=None):
    def load(name):
        return json.loads((Path(folder) / name).read_text(encoding="utf-8"))
    counts = {
        "cbor": check_cbor(load("cbor.json")), "messages": check_messages(load("messages.json")),
        "rosters": check_rosters(load("rosters.json"), load("bad-rosters.json")),
        "successions": check_successions(load("successions.json")),
        "neighbours": check_neighbours(load("neighbours.json")),
        "agreement": check_agreement(load("agreement.json")), "witnesses": check_witnesses(load("witnesses.json")),
        "region": check_region(load("region.json")), "words": check_words(load("words.json")),
        "releases": check_releases(load("releases.json")),
    }
    if public is not None:
        counts["ed25519"] = check_ed25519(json.loads(Path(public).read_text(encoding="utf-8")))
    print(json.dumps({"checked": counts, "wrong": wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
