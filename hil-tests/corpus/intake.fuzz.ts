/**
 * A member of a zone, to whom another member says whatever it likes, well signed: odd contents of every kind, at odd
 * times, again and again. Nothing throws, the work for a message is bounded, and what is kept does not grow.
 */
import { strict as check } from "node:assert";
import type { Seeded } from "../../build/seeded.ts";
import { signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { createZoneProtocol, onEpoch, onMessage } from "../../gossip/agreement-protocol.ts";
import { type CborValue, encodeCbor } from "../../gossip/cbor.ts";
import { type Directory, MOST_MEMBERS } from "../../gossip/directory.ts";
import { signAs } from "../../gossip/domain.ts";
import { type Kind, KINDS, MOST_BYTES, topicText } from "../../gossip/message.ts";
import type { ProtocolState } from "../../gossip/protocol-state.ts";
import { createRosterChain } from "../../gossip/roster-chain.ts";
import { createRosterExchange, exchangeRosters } from "../../gossip/roster-exchange.ts";
import { encodeRosterFile, rosterHash, signRoster } from "../../gossip/roster-file.ts";
import { encodeRoster } from "../../gossip/roster.ts";
import { madeRoster } from "../../gossip/roster.testing.ts";
import { decide, searchRaises } from "../../models/agree/zone-decision.ts";
import type { Epoch, MonotonicMs, StationId, ZoneId } from "../../models/units.ts";
import { mutateBytes } from "./mutate.fuzz.ts";
import { type Cost, CountingCrypto } from "./protocol.fuzz.ts";

const N = 4;
const NOW = 1_000;
const MOST_MESSAGES = 24;
const signers = Array.from({ length: N }, (_, i) => signerFromSeed(new Uint8Array(32).fill(40 + i)));
const members = signers.map(({ publicKey }, i) => ({ station: `CP-${i}` as StationId, statementKey: publicKey }));
const directory: Directory = {
  network: "example", version: 3, epochS: 10, zone: { id: "feeder-7" as ZoneId, f: 1 }, members,
  indexOf: (station) => members.findIndex((one) => one.station === station),
};
const operator = signerFromSeed(new Uint8Array(32).fill(3));
const roster = madeRoster({ zones: [{ id: "a", n: 4, f: 1 }], version: 3, operators: [operator.publicKey] });
const bytesOfRoster = encodeRoster(roster);
const inForce = {
  roster, hash: rosterHash(new CountingCrypto(), bytesOfRoster),
  file: encodeRosterFile({ bytes: bytesOfRoster, signatures: [signRoster(bytesOfRoster, operator)] }),
};
/** Whose keys the liar has. */
const LIAR = 1;

function oddValue(random: Seeded, depth: number): CborValue {
  switch (random.int(depth > 0 ? 9 : 7)) {
    case 0: return random.pick([0, 1, 17, 63, 64, 255, 2 ** 31, 2 ** 32 - 1, -1, -(2 ** 32)]);
    case 1: return NOW + random.int(12) - 8;
    case 2: return random.bytes(random.pick([0, 8, 31, 32, 32, 32, 64, 300]));
    case 3: return random.pick(["", "CP-0", "CP-1", "CP-2", "x".repeat(49), "\u0000"]);
    case 4: return new Uint8Array(32).fill(random.int(3));
    case 5: return random.int(4);
    case 6: return new Uint8Array(64).fill(random.int(3));
    default: return Array.from({ length: random.int(random.pick([2, 4, 70])) }, () => oddValue(random, depth - 1));
  }
}

const HASH = (random: Seeded): Uint8Array => new Uint8Array(32).fill(random.int(4));

/** After the head, nearly right more often than not: what is plainly wrong is refused early and teaches nothing. */
function contentOf(random: Seeded, kind: Kind, epoch: number, held: readonly Uint8Array[]): CborValue[] {
  const pair = (): Uint8Array => (held.length > 0 && random.int(3) > 0 ? random.pick(held) : HASH(random));
  const some = (n: number, item: (i: number) => CborValue): CborValue[] =>
    Array.from({ length: random.int(n) }, (_, i) => item(i));
  switch (kind) {
    case "note": return [epoch, random.int(5), some(17, () => [random.bytes(8), 1_700_000_000, random.int(2)])];
    case "proposal":
      return [epoch, random.int(34), epoch - random.int(200), some(N + 1, (i) => [i, pair(), pair()])];
    case "vote": return [epoch, pair()];
    case "digest":
      return [epoch, some(N + 1, (i) => [i, epoch - random.int(4), pair()]), some(33, pair), some(N, (i) => i)];
    case "request": return [epoch, some(65, pair)];
    case "attestation": return [epoch, random.int(34), random.int(21_000)];
    case "summary": return [epoch, random.int(34), 90, some(N + 1, (i) => [i, epoch, 95, random.bytes(64)])];
    case "roster":
      return [epoch, some(7, () => [random.int(6), HASH(random)]), random.int(2) === 0 ? []
        : ["CP-0", random.int(2) === 0 ? inForce.hash : HASH(random), random.int(23)]];
    case "part": return [epoch, HASH(random), random.int(3), 1 + random.int(3), random.bytes(random.int(40))];
    case "release":
      return [epoch, random.int(3), random.int(3) === 0 ? new Uint8Array(0) : HASH(random), some(6, pair)];
    case "fetch": return [epoch, "CP-0", HASH(random), random.int(350)];
    case "piece": return [epoch, random.int(3), 1 + random.int(3), HASH(random), random.bytes(random.int(40))];
    case "checkpoint": return [epoch, "kerbwatch/CP-1\n5\nx\n\n", some(65, pair), random.int(9)];
    case "cosignature": return [epoch, "CP-0", random.int(2) === 0 ? "" : "note"];
    default: return [epoch, ...some(4, () => oddValue(random, 2))];
  }
}

/** The signed bytes of one message of the liar's. */
function saying(random: Seeded, kind: Kind, held: readonly Uint8Array[]): Uint8Array {
  const epoch = NOW + random.pick([0, 0, 0, 0, 1, -1, -5, -6, -7, 2, 40, -200]);
  const station = random.int(20) === 0 ? "CP-2" : "CP-1";
  const version = random.int(15) === 0 ? random.int(5) : 3;
  const head = [1, "example", "feeder-7"];
  if (kind === "statement") {
    const evidence = Array.from({ length: 20 }, () => random.pick([0, 0, 3_000, 2_000_000_000, -2_000_000_000]));
    return encodeCbor([...head, station, epoch, random.int(20), HASH(random), version, evidence, new Uint8Array(0)]);
  }
  const content = random.int(6) === 0 ? Array.from({ length: random.int(6) }, () => oddValue(random, 2))
    : contentOf(random, kind, epoch, held);
  const numbers = content.map((item) => (typeof item === "number" && item < 0 ? 0 : item));
  return encodeCbor([...head, version, station, ...numbers]);
}

function keptBy(state: ProtocolState): number {
  const { seen, wanted, proposals, votes, voted, unruly, inVain, awaited, resent, topics, traffic, view } = state;
  const maps = [seen, wanted, proposals, votes, voted, unruly, inVain, awaited, resent, topics, traffic.senders,
    traffic.accepted];
  return maps.reduce((sum, map) => sum + map.size, view.byHash.size);
}

/** Beside itself a message may have one thing looked up a member, and a certificate a vote of each. */
const MOST_VERIFIES = MOST_MEMBERS + 4;
/** A message as it came, what it wraps, and what is answered. */
const hashedAtMost = (bytes: number): number => 8 * bytes + 40 * 1_024;

/** A short conversation; its own clock stands still but for a new epoch now and then. */
export function intake(random: Seeded): Cost {
  const crypto = new CountingCrypto();
  const state = createZoneProtocol({
    directory, station: "CP-0" as StationId, signer: signers[0]!, crypto, law: { decide, search: searchRaises },
  });
  const chain = createRosterChain({ threshold: 1, keys: [operator.publicKey] }, inForce);
  const exchange = createRosterExchange(chain, state);
  let epoch = NOW as Epoch;
  const now = () => ({ epoch, monoMs: (epoch * 10_000) as MonotonicMs });
  onEpoch(state, { maySign: random.int(4) > 0 }, now());
  const held: Uint8Array[] = [];
  let total = 0;
  for (let left = 1 + random.int(MOST_MESSAGES); left > 0; left--) {
    const kind = random.pick(KINDS);
    const signed = saying(random, kind, held);
    const good = encodeCbor([signed, signAs(kind, signed, signers[LIAR]!)]);
    const bytes = random.int(8) === 0 ? mutateBytes(random, good) : good;
    held.push(crypto.sha256(signed));
    const before = { verifies: crypto.verifies, hashed: crypto.hashed };
    const topic = topicText({ network: "example", zone: "feeder-7", kind, station: "CP-1" });
    const { outgoing, news } = onMessage(state, { topic, bytes }, "CP-1", now());
    const answered = exchangeRosters(exchange, news, epoch);
    check.ok(crypto.verifies - before.verifies <= MOST_VERIFIES, `${crypto.verifies - before.verifies} verified`);
    check.ok(crypto.hashed - before.hashed <= hashedAtMost(bytes.length), `${crypto.hashed - before.hashed} hashed`);
    const said = [...outgoing, ...answered.outgoing];
    check.ok(said.length <= 70, `${said.length} messages for one`);
    for (const one of said) check.ok(one.bytes.length <= MOST_BYTES[one.kind], `${one.kind}: too long`);
    total += bytes.length;
    if (random.int(9) === 0) {
      epoch = (epoch + 1) as Epoch;
      onEpoch(state, { maySign: true }, now());
    }
  }
  const kept = keptBy(state);
  check.ok(kept <= 40 + MOST_MESSAGES * 40, `${kept} things kept`);
  return crypto.cost(total, kept);
}
