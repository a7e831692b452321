"""A member of a zone by SPEC.md alone: states, hears, asks, votes and witnesses over MQTT; it proposes nothing.

    python3 peer.py keys FOLDER STATION               makes keys, prints the public ones as JSON
    python3 peer.py join FOLDER STATION ROSTER OPERATOR...

`join` prints what happens as JSON lines and takes lines on standard input: `suspect KEY MILLINATS` adds to its
evidence. It ends with standard input. One operator's signature is asked for; it needs python3-paho-mqtt and
python3-cryptography.
"""
import json
import os
import queue
import sys
import threading
import time
from pathlib import Path

import agreement
import cbor
import ed25519
import link
import messages
import roster as rosters
import witness
from cbor import Refused

PURPOSES = ("statement", "log", "witness", "tls")
BACK, AHEAD, LEASE = 6, 1, 30


def say(**event):
    print(json.dumps(event), flush=True)


def durable(path, text):
    """Replaces a file so that a power cut leaves the old one or the new one."""
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.tmp", path)


class Peer:
    def __init__(self, folder, station, roster, network_of_links):
        self.folder, self.station, self.roster = Path(folder), station, roster
        self.signers = {purpose: ed25519.Signer((self.folder / purpose).read_bytes()) for purpose in PURPOSES}
        self.zone = next(member.zone for member in roster.members if member.station == station)
        self.members = rosters.members_of(roster, self.zone)
        self.keys = {member.station: member.statement for member in self.members}
        self.f = rosters.zone_of(roster, self.zone).f
        self.links = network_of_links
        links = rosters.neighbours(roster)[station]
        self.near = {other for other, kind in links.items() if kind == "near"}
        self.began = self.epoch()
        self.evidence = [0] * len(agreement.KEYS)
        self.statements, self.newest = {}, {}
        self.proposals, self.wanted, self.voted, self.seen = {}, {}, set(), set()
        self.taken, self.logs, self.certified = {}, {}, set()
        chain = self.folder / "chain"
        self.chain = json.loads(chain.read_text()) if chain.exists() else {"epoch": -1, "seq": 0, "previous": ""}

    def epoch(self):
        return int(time.time()) // self.roster.epoch_s

    def publish(self, kind, rest):
        value = [1, self.roster.network, self.zone, self.roster.version, self.station, *rest]
        self.send(kind, messages.sign(kind, value, self.signers["statement"]))

    def send(self, kind, whole):
        self.links.publish(f"kw1/{self.roster.network}/{self.zone}/{kind}/{self.station}", whole)

    def tick(self, epoch):
        """What an epoch's start asks for."""
        self.state(epoch)
        for hash_, (first, asked) in list(self.wanted.items()):
            if epoch - first >= 6:
                del self.wanted[hash_]
            elif asked != epoch:
                self.wanted[hash_] = (first, epoch)
        if self.wanted:
            self.publish("request", [epoch, list(self.wanted)[:64]])
        for station, (taken_at, checkpoint) in list(self.taken.items()):
            if taken_at < epoch:
                self.cosign(station, checkpoint, epoch)
                del self.taken[station]
        for hash_ in list(self.proposals):
            self.vote(hash_, epoch)
        self.forget(epoch)

    def state(self, epoch):
        """Sections 4 and 8: one statement an epoch, the epoch reserved before; nothing in the first three."""
        if epoch < self.began + 3 or epoch <= self.chain["epoch"]:
            return
        seq, previous = self.chain["seq"], bytes.fromhex(self.chain["previous"])
        value = [1, self.roster.network, self.zone, self.station, epoch, seq, previous, self.roster.version,
                 self.evidence, b""]
        self.chain = {"epoch": epoch, "seq": seq + 1, "previous": messages.sha256(cbor.encode(value)).hex()}
        durable(self.folder / "chain", json.dumps(self.chain))
        whole = messages.sign("statement", value, self.signers["statement"])
        self.keep(messages.decode("statement", whole))
        self.send("statement", whole)
        say(event="stated", epoch=epoch, seq=seq)

    def take(self, sender, topic, whole):
        """A message from a neighbour, checked as section 3 has it."""
        try:
            _, zone, _, station = messages.read_topic(topic)
            if zone != self.zone or station not in self.keys or station == self.station:
                return
            message = messages.take(topic, whole, self.keys[station])
            if message.hash in self.seen:
                return
            epoch = self.epoch()
            back = LEASE if message.kind == "certificate" else BACK
            timely = message.epoch is None or epoch - back <= message.epoch <= epoch + AHEAD
            if message.roster != self.roster.version or not timely and message.hash not in self.wanted:
                raise Refused("another time or roster")
        except Refused as why:
            say(event="refused", why=str(why), topic=topic)
            return
        self.seen.add(message.hash)
        if timely and message.kind not in ("digest", "request", "checkpoint", "cosignature"):
            near = self.near if message.kind in ("statement", "note", "summary") else ()
            self.links.publish(topic, whole, {sender, station, *near})
        handler = getattr(self, f"on_{message.kind}", None)
        if handler is not None:
            handler(message, sender, epoch)

    def keep(self, message):
        self.statements[message.hash] = message
        before = self.newest.get(message.station)
        if before is None or before.epoch < message.epoch:
            self.newest[message.station] = message
        return before

    def on_statement(self, message, _sender, _epoch):
        asked = self.wanted.pop(message.hash, None) is not None
        before = self.keep(message)
        chained = None if before is None or asked else messages.follows(before, message)
        say(event="heard", station=message.station, epoch=message.epoch, seq=message.rest[0], chained=chained,
            asked=asked)
        for hash_ in list(self.proposals):
            self.vote(hash_, self.epoch())

    def on_proposal(self, message, _sender, epoch):
        self.proposals[message.hash] = message
        for _, *pair in message.rest[2]:
            for hash_ in pair:
                if hash_ not in self.statements:
                    self.wanted.setdefault(hash_, (epoch, -1))
        self.vote(message.hash, epoch)

    def vote(self, hash_, epoch):
        """Section 6: the first proposal a threat and epoch that raises from its list, and with what is held here."""
        proposal = self.proposals[hash_]
        key_index, onset, items = proposal.rest
        possible = key_index < len(agreement.KEYS) and proposal.epoch - 180 < onset <= proposal.epoch
        after = agreement.bound(self.certified, key_index, proposal.epoch) if possible else None
        if after is None or onset <= after:
            return
        slot = (agreement.threat_of(key_index), proposal.epoch)
        if slot in self.voted or proposal.epoch < self.began + 2 or epoch > proposal.epoch + BACK:
            return
        pairs = []
        for index, newer, older in items:
            newer, older = self.statements.get(newer), self.statements.get(older)
            if newer is None or older is None or index >= len(self.members):
                return
            station = self.members[index].station
            fits = (newer.station == older.station == station and older.epoch <= newer.epoch
                    and proposal.epoch - BACK <= newer.epoch <= proposal.epoch + AHEAD
                    and older.epoch > proposal.epoch - 180)
            if not fits:
                return
            pairs.append((newer, older))
        if self.raises(key_index, pairs) and self.raises(key_index, self.nearer(onset, proposal.epoch)):
            self.voted.add(slot)
            self.publish("vote", [proposal.epoch, hash_])
            say(event="voted", key=agreement.KEYS[key_index], epoch=proposal.epoch, proposal=hash_.hex())

    def raises(self, key_index, pairs):
        growths = [agreement.value_of(newer, key_index) - agreement.value_of(older, key_index)
                   for newer, older in pairs]
        return agreement.decide(agreement.KEYS[key_index], len(self.members), self.f, growths)[0]

    def nearer(self, onset, epoch):
        pairs = []
        for member in self.members:
            own = sorted((one for one in self.statements.values() if one.station == member.station),
                         key=lambda one: one.epoch)
            newer = [one for one in own if epoch - BACK <= one.epoch <= epoch + AHEAD]
            older = [one for one in own if one.epoch <= onset][-1:] or own[:1]
            if newer and older[0].epoch <= newer[-1].epoch:
                pairs.append((newer[-1], older[0]))
        return pairs

    def on_certificate(self, message, _sender, _epoch):
        try:
            proposal, key, signers = agreement.check_certificate(message.whole, self.roster, self.zone)
        except Refused as why:
            say(event="refused", why=str(why), topic="certificate")
            return
        self.certified.add((agreement.KEYS.index(key), proposal.epoch))
        listed = {one for _, *pair in proposal.rest[2] for one in pair}
        held = [self.statements[one].whole for one in listed if one in self.statements]
        try:
            agreement.check_certificate(message.whole, self.roster, self.zone, held)
            raises = True
        except Refused:
            raises = False
        say(event="certificate", name=proposal.hash.hex(), key=key, epoch=proposal.epoch, signers=signers,
            raises=raises, missing=len(listed) - len(held))

    def on_checkpoint(self, message, _sender, epoch):
        """Section 9: a witness's judgement; what is taken is cosigned at the next epoch's start."""
        _, note, proof, old_size = message.epoch, *message.rest
        member = next(one for one in self.members if one.station == message.station)
        name = f"kerbwatch/{member.station}"
        held = self.held(member, name)
        at, taken = self.taken.get(member.station, (epoch, None))
        verdict = witness.judge(note, proof, old_size, name, member.log, held, taken if at == epoch else None)
        if verdict == "take":
            self.taken[member.station] = (epoch, witness.open_checkpoint(note, name, member.log))
        elif verdict in ("smaller", "old-size", "nothing-new") and taken is None:
            if held is None:
                self.publish("cosignature", [epoch, member.station, ""])
            else:
                self.answer(member.station, held, epoch)
        say(event="checkpoint", station=member.station, verdict=verdict)

    def held(self, member, name):
        path = self.folder / f"held-{member.station}"
        return witness.open_checkpoint(path.read_text(encoding="utf-8"), name, member.log) if path.exists() else None

    def cosign(self, station, checkpoint, epoch):
        durable(self.folder / f"held-{station}", checkpoint.note)
        self.answer(station, checkpoint, epoch)
        say(event="cosigned", station=station, size=checkpoint.size)

    def answer(self, station, checkpoint, epoch):
        name = f"kerbwatch/{self.station}/witness"
        line = witness.cosign(checkpoint.text, name, self.signers["witness"], int(time.time()))
        self.publish("cosignature", [epoch, station, f"{checkpoint.note}{line}\n"])

    def forget(self, epoch):
        for hash_ in [hash_ for hash_, one in self.statements.items() if one.epoch <= epoch - 186]:
            del self.statements[hash_]
        for hash_ in [hash_ for hash_, one in self.proposals.items() if one.epoch < epoch - 12]:
            del self.proposals[hash_]
        self.certified = {one for one in self.certified if one[1] > epoch - 2 * 210}
        if len(self.seen) > 20_000:
            self.seen = set(self.statements)

    def suspect(self, key, millinats):
        self.evidence[agreement.KEYS.index(key)] += millinats

    def run(self, inbox):
        last = self.epoch()
        while True:
            left = (last + 1) * self.roster.epoch_s - time.time()
            try:
                kind, *what = inbox.get(timeout=max(0.01, left))
            except queue.Empty:
                kind = None
            if kind == "end":
                return
            if kind == "message":
                self.take(*what)
            if kind == "suspect":
                self.suspect(*what)
            if self.epoch() > last:
                last = self.epoch()
                self.tick(last)


def make_keys(folder, station):
    Path(folder).mkdir(parents=True)
    public = {}
    for purpose in PURPOSES:
        seed = os.urandom(32)
        path = Path(folder) / purpose
        path.touch(mode=0o600)
        path.write_bytes(seed)
        public[purpose] = ed25519.Signer(seed).public.hex()
    print(json.dumps({"station": station, "keys": public}))


def read_commands(inbox):
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "suspect":
            inbox.put(("suspect", rest[0], int(rest[1])))
    inbox.put(("end",))


def join(folder, station, roster_file, *operators):
    data = Path(roster_file).read_bytes()
    roster = rosters.open_file(data, 1, [bytes.fromhex(key) for key in operators])
    inbox = queue.Queue(10_000)
    signer = ed25519.Signer((Path(folder) / "tls").read_bytes())
    links = link.Links(folder, station, signer.private, roster, inbox, say)
    links.start(rosters.neighbours(roster)[station])
    threading.Thread(target=read_commands, args=(inbox,), daemon=True).start()
    Peer(folder, station, roster, links).run(inbox)
    links.stop()


if __name__ == "__main__":
    {"keys": make_keys, "join": join}[sys.argv[1]](*sys.argv[2:])
