/** Vectors of what follows from rosters and statements: succession, neighbours, decisions, certificates, guilt. */
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { hex } from "../../gossip/bytes.ts";
import { assemble, type Certificate } from "../../gossip/certificate.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../gossip/cbor.ts";
import { directoryOf } from "../../gossip/directory.ts";
import { signAs } from "../../gossip/domain.ts";
import { type Incidents, onsetBound, takeCertificate } from "../../gossip/incidents.ts";
import { neighboursOf } from "../../gossip/membership.ts";
import { encodeMessage, type Head, type MessageOf, messageOfStatement } from "../../gossip/message.ts";
import { rankOf } from "../../gossip/proposals.ts";
import { encodeRoster, type Roster } from "../../gossip/roster.ts";
import { encodeRosterFile, rosterHash, signRoster } from "../../gossip/roster-file.ts";
import { madeRoster } from "../../gossip/roster.testing.ts";
import { signStatement, type StatementBody } from "../../gossip/statement.ts";
import { decide } from "../../models/agree/zone-decision.ts";
import { zoneThreshold } from "../../models/agree/zone-laws.ts";
import type { Signer } from "../../models/crypto.ts";
import { EVIDENCE_KEYS, threatIndexOf } from "../../models/terms.ts";
import type { Epoch, StationId, ZoneId } from "../../models/units.ts";

const crypto = nodeCrypto();
export const ZONE = "feeder-7" as ZoneId;
export const signerOf = (fill: number): Signer => signerFromSeed(new Uint8Array(32).fill(fill));
const stationAt = (index: number): StationId => `CP-${index}` as StationId;
const [N, F] = [4, 1];
export const KEY = EVIDENCE_KEYS.indexOf("refusals");
const [ONSET, EPOCH] = [1_000, 1_010];
const OPERATORS = [101, 102, 103].map(signerOf);

function rosterOf(more: Partial<Roster> = {}): Roster {
  return {
    network: "example", version: 1, previous: new Uint8Array(0), fromEpoch: 10 as Epoch, epochS: 10, threshold: 2,
    operators: OPERATORS.map(({ publicKey }) => publicKey), zones: [{ id: ZONE, ratingW: 0, f: F }],
    members: Array.from({ length: N }, (_, index) => {
      const [statement, log, witness, tls] = [0, 1, 2, 3].map((purpose) => signerOf(10 * purpose + index).publicKey);
      return {
        station: stationAt(index), zone: ZONE, address: "", latE6: 0, lonE6: 0, ratedW: 22_000,
        keys: { statement: statement!, log: log!, witness: witness!, tls: tls! },
      };
    }),
    revoked: [], events: [], ...more,
  };
}
const roster = rosterOf();
export const rosterBytes = encodeRoster(roster);
const HASH = rosterHash(crypto, rosterBytes);

/** Which versions may follow the first, and which files of it are believed. */
export function successionVectors(): object {
  const next = (more: Partial<Roster>): string =>
    hex(encodeRoster(rosterOf({ version: 2, previous: HASH, fromEpoch: 20 as Epoch, ...more })));
  return {
    about: "SPEC.md, section 2. Signed bytes of a version 1 and of what may or may not follow it; files of version 1 " +
      "with signatures of its operators, of whom two are needed, and whether they are believed.",
    first: hex(rosterBytes), operators: OPERATORS.map(({ publicKey }) => hex(publicKey)), threshold: 2,
    next: [
      { name: "the next", follows: true, roster: next({}) },
      { name: "from the same epoch", follows: true, roster: next({ fromEpoch: roster.fromEpoch }) },
      { name: "with other operators", follows: true,
        roster: next({ operators: [signerOf(104).publicKey], threshold: 1 }) },
      { name: "from an earlier epoch", follows: false, roster: next({ fromEpoch: 9 as Epoch }) },
      { name: "after another", follows: false, roster: next({ previous: new Uint8Array(32) }) },
      { name: "two versions on", follows: false, roster: next({ version: 3 }) },
      { name: "the first again", follows: false, roster: hex(rosterBytes) },
      { name: "of another network", follows: false, roster: next({ network: "town" }) },
      { name: "with other epochs", follows: false, roster: next({ epochS: 20 }) },
    ],
    files: [...files()],
  };
}

function* files(): Generator<{ name: string; believed: boolean; file: string }> {
  const good = OPERATORS.map((operator) => signRoster(rosterBytes, operator));
  const [a, b, c] = good as [typeof good[0], typeof good[0], typeof good[0]];
  const stranger = signRoster(rosterBytes, signerOf(109));
  const file = (...signatures: typeof good): string => hex(encodeRosterFile({ bytes: rosterBytes, signatures }));
  const wrong = { ...b, signature: signAs("statement", rosterBytes, OPERATORS[1]!) };
  const weak = { ...b, key: new Uint8Array(32) };
  yield { name: "two of three", believed: true, file: file(a, c) };
  yield { name: "all three, and a stranger", believed: true, file: file(a, stranger, b, c) };
  yield { name: "a wrong one beside two good", believed: true, file: file(a, wrong, c) };
  yield { name: "one", believed: false, file: file(a) };
  yield { name: "none", believed: false, file: file() };
  yield { name: "one and a stranger", believed: false, file: file(a, stranger) };
  yield { name: "one and one of another kind", believed: false, file: file(a, wrong) };
  yield { name: "the same twice", believed: false, file: file(a, a) };
  yield { name: "two, one of them twice", believed: false, file: file(a, b, b) };
  yield { name: "two, and a key of small order", believed: false, file: file(a, c, weak) };
  yield { name: "33 signatures", believed: false,
    file: file(a, b, ...Array.from({ length: 31 }, (_, i) => signRoster(rosterBytes, signerOf(110 + i)))) };
  yield { name: "a byte more", believed: false, file: `${file(a, b)}00` };
}

export const NEIGHBOUR_ZONES = [{ id: "a", n: 20, f: 3 }, { id: "b", n: 9, f: 2 }, { id: "c", n: 12, f: 1 }];

export function neighbourVectors(): object {
  const rosters = [
    madeRoster({ zones: NEIGHBOUR_ZONES, operators: [signerOf(101).publicKey, signerOf(102).publicKey] }),
    madeRoster({ zones: NEIGHBOUR_ZONES.slice(0, 2), onePlace: true, version: 7, seed: 2,
      operators: [signerOf(101).publicKey, signerOf(102).publicKey] }),
  ];
  return {
    about: "SPEC.md, section 2. Signed bytes of rosters, and each member's neighbours.",
    rosters: rosters.map((one) => ({
      roster: hex(encodeRoster(one)),
      neighbours: Object.fromEntries(one.members.map(({ station }) => [station, Object.fromEntries(
        neighboursOf(crypto, one, station).map(({ member, link }) => [member.station, link]))])),
    })),
  };
}

export const headAt = (index: number, zone = ZONE): Head =>
  ({ network: "example", zone, rosterVersion: 1, station: stationAt(index) });

function statement(index: number, epoch: number, value: number, more: Partial<StatementBody> = {}, by = index) {
  return messageOfStatement(signStatement({
    network: "example", zone: ZONE, station: stationAt(index), epoch: epoch as Epoch, seq: epoch, rosterVersion: 1,
    previous: new Uint8Array(32), checkpoint: new Uint8Array(0),
    evidence: EVIDENCE_KEYS.map((_, key) => (key === KEY ? value : 0)), ...more,
  }, signerOf(by)));
}

type Statement = MessageOf<"statement">;
type Pairs = readonly (readonly [newer: Statement, older: Statement])[];
const pairsOf = (...growths: number[]): Pairs =>
  growths.map((growth, index) => [statement(index, EPOCH, 7 + growth), statement(index, ONSET, 7)] as const);

interface Made {
  readonly pairs?: Pairs;
  readonly voters?: readonly number[];
  readonly keyIndex?: number;
  readonly onset?: number;
  readonly epoch?: number;
  /** What voters vote for instead. */
  readonly ballot?: Uint8Array;
  readonly votesBy?: number;
}

export interface CertificateVector {
  readonly name: string;
  readonly message: string;
  readonly statements: readonly string[];
  readonly expect: "good" | "signed-only" | "bad";
}

/** The proposal of member 0, voted for, put together by member 1. */
function certificate(name: string, expect: CertificateVector["expect"], made: Made = {}): CertificateVector {
  const { pairs = pairsOf(7_000, 7_000, 7_000, 0), voters = [0, 1, 3], keyIndex = KEY, onset = ONSET } = made;
  const items = pairs.map(([newer, older], index) =>
    ({ index, newer: crypto.sha256(newer.bytes), older: crypto.sha256(older.bytes) }));
  const { epoch = EPOCH, ballot, votesBy = 0 } = made;
  const proposal = encodeMessage("proposal", { epoch, keyIndex, onset, items }, headAt(0), signerOf(0));
  const hash = ballot ?? crypto.sha256(proposal.bytes);
  const votes = new Map(voters.map((index) => [index, encodeMessage("vote", { epoch, proposal: hash }, headAt(index),
    signerOf(index + votesBy)).signature]));
  const { whole } = assemble(proposal, votes, headAt(1), signerOf(1));
  return { name, message: hex(whole), statements: pairs.flat().map((one) => hex(one.whole)), expect };
}

/** The same with a place of the certificate's signed value put otherwise, and signed again. */
function altered(name: string, change: (value: CborValue[]) => CborValue[], by = 1): CertificateVector {
  const good = certificate(name, "bad");
  const [signed] = listIn(Buffer.from(good.message, "hex"));
  const value = change(listIn(signed as Uint8Array));
  const bytes = encodeCbor(value);
  return { ...good, message: hex(encodeCbor([bytes, signAs("certificate", bytes, signerOf(by))])) };
}

function listIn(bytes: Uint8Array): CborValue[] {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) throw new Error(decoded.problem);
  return decoded.value as CborValue[];
}

const put = (at: number, item: CborValue) => (value: CborValue[]): CborValue[] =>
  value.map((one, index) => (index === at ? item : one));

function* certificates(): Generator<CertificateVector> {
  const full = certificate("a quorum of three, whose statements raise", "good");
  yield full;
  yield certificate("all four voted", "good", { voters: [0, 1, 2, 3] });
  yield { ...full, name: "a statement less, which can only have made it raise less", expect: "good",
    statements: full.statements.slice(0, -1) };
  yield { ...full, name: "too few statements to raise", expect: "signed-only", statements: full.statements.slice(4) };
  yield { ...full, name: "a statement that it does not list", expect: "signed-only",
    statements: [...full.statements, hex(statement(2, 1_005, 0).whole)] };
  yield { ...full, name: "a statement by another key", expect: "signed-only",
    statements: [hex(statement(0, EPOCH, 7_007, {}, 2).whole), ...full.statements.slice(1)] };
  yield certificate("statements that do not raise", "signed-only", { pairs: pairsOf(7_000, 300, 300, 0) });
  yield certificate("one supporter alone", "signed-only", { pairs: pairsOf(12_000, 1_000, 1_000, 1_000) });
  yield certificate("a pair the wrong way round", "signed-only",
    { pairs: pairsOf(7_000, 7_000, 7_000, 0).map(([newer, older]) => [older, newer] as const) });
  yield certificate("a newer one of seven epochs before", "signed-only",
    { pairs: pairsOf(7_000, 7_000, 7_000).map(([newer, older]) => [newer, older] as const), epoch: EPOCH + 7 });
  yield certificate("a pair of another member", "signed-only",
    { pairs: [pairsOf(7_000)[0]!, pairsOf(7_000)[0]!, ...pairsOf(7_000, 7_000, 7_000, 0).slice(2)] });
  yield certificate("two votes", "bad", { voters: [0, 1] });
  yield certificate("a voter that is not there", "bad", { voters: [0, 1, 4] });
  yield certificate("votes by others' keys", "bad", { votesBy: 1 });
  yield certificate("votes for another proposal", "bad", { ballot: HASH });
  yield certificate("a key that is not known", "bad", { keyIndex: EVIDENCE_KEYS.length });
  yield certificate("an onset after its epoch", "bad", { onset: EPOCH + 1 });
  yield certificate("an onset of 180 epochs before", "bad", { onset: EPOCH - 180 });
  yield altered("another epoch than the proposal's", put(5, EPOCH + 1));
  yield altered("under another roster", put(3, 2));
  yield altered("of another zone", put(2, "depot"));
  yield altered("of no member", put(4, "CP-9"));
  yield altered("a proposal that is none", put(6, new Uint8Array(3)));
  yield altered("put together by another key", (value) => value, 2);
}

export interface ProofVector {
  readonly name: string;
  readonly first: string;
  readonly second: string;
  /** Who is guilty; null: nobody. */
  readonly guilty: string | null;
}

function* proofs(): Generator<ProofVector> {
  const of = (name: string, guilty: boolean, first: Statement, second: Statement): ProofVector =>
    ({ name, first: hex(first.whole), second: hex(second.whole), guilty: guilty ? first.station : null });
  yield of("two for one epoch", true, statement(2, 1_000, 1, { seq: 5 }), statement(2, 1_000, 2, { seq: 6 }));
  yield of("two with one number", true, statement(2, 1_000, 1, { seq: 5 }), statement(2, 1_001, 2, { seq: 5 }));
  yield of("under two rosters", true, statement(2, 1_000, 1), statement(2, 1_000, 1, { rosterVersion: 2 }));
  yield of("one that follows the other", false, statement(2, 1_000, 1), statement(2, 1_001, 2));
  yield of("the same twice", false, statement(2, 1_000, 1), statement(2, 1_000, 1));
  yield of("of two members", false, statement(2, 1_000, 1), statement(3, 1_000, 2));
  yield of("one by another key", false, statement(2, 1_000, 1), statement(2, 1_000, 2, {}, 3));
  yield of("one of another zone", false, statement(2, 1_000, 1), statement(2, 1_000, 2, { zone: "depot" }));
  yield of("of no member", false, statement(7, 1_000, 1), statement(7, 1_000, 2));
}

interface Lease {
  readonly keyIndex: number;
  readonly epoch: number;
}

export interface IncidentVector {
  /** In the order in which they came. */
  readonly certified: readonly Lease[];
  /** Epochs that an incident's identity is made of, by the threat's number. */
  readonly first: Readonly<Record<number, number>>;
  /** After which epoch the onset of a proposal must lie; null: none is voted for. */
  readonly bounds: readonly (Lease & { readonly after: number | null })[];
}

/** What certificates of several keys come to, and what they leave room for. */
function* incidents(): Generator<IncidentVector> {
  const [starts, power, refusals, load] = (["starts", "power-step", "refusals", "load-manipulation"] as const)
    .map((key) => EVIDENCE_KEYS.indexOf(key)) as [number, number, number, number];
  const runs: readonly (readonly (readonly [number, number])[])[] = [
    [[starts, 1_000]], [[starts, 1_000], [power, 1_001]], [[power, 1_001], [starts, 1_000]],
    [[power, 1_000], [starts, 1_016], [load, 1_044], [starts, 1_060]], [[starts, 1_020], [power, 1_005]],
    [[starts, 1_000], [refusals, 1_010]], [[starts, 1_000], [power, 1_029]], [[starts, 1_000], [power, 1_030]],
  ];
  for (const run of runs) {
    const certified = run.map(([keyIndex, epoch]) => ({ keyIndex, epoch }));
    const known: Incidents = new Map();
    for (const { keyIndex, epoch } of certified) takeCertificate(known, leaseOf(keyIndex, epoch), epoch);
    const last = Math.max(...certified.map(({ epoch }) => epoch));
    yield {
      certified,
      first: Object.fromEntries([...known].map(([threat, { first }]) => [threat, first.epoch])),
      bounds: [starts, power, refusals].flatMap((keyIndex) => [0, 14, 15, 29, 30, 60].map((later) => ({
        keyIndex, epoch: last + later, after: onsetBound(known, keyIndex, last + later) ?? null,
      }))),
    };
  }
}

function leaseOf(keyIndex: number, epoch: number): Certificate {
  return {
    name: `${keyIndex}/${epoch}`, hash: new Uint8Array(32), epoch, zone: ZONE, rosterVersion: 1,
    key: EVIDENCE_KEYS[keyIndex]!, keyIndex, onset: epoch - 5, items: [], signers: [], whole: new Uint8Array(0),
    station: stationAt(0),
  };
}

export function agreementVectors(): object {
  const sizes = [[1, 0], [2, 0], [3, 0], [4, 1], [6, 1], [10, 1], [20, 3], [64, 21]] as const;
  const directory = directoryOf(roster, ZONE);
  const growths = [[7_000, 7_000, 7_000, 0], [12_000, 12_000], [6_999, 1_001, -90_000, 90_000], [], [1_000, 1_000]];
  return {
    about: "SPEC.md, sections 5 and 6. `good` certificates raise on the statements beside them; of `signed-only` " +
      "ones the signatures are good and the statements do not bear them out; `bad` ones are refused by signatures " +
      "or form.",
    keys: EVIDENCE_KEYS,
    thresholds: EVIDENCE_KEYS.flatMap((key) =>
      sizes.map(([n, f]) => ({ key, n, f, threshold: zoneThreshold(key, { n, f }) }))),
    decisions: (["refusals", "setpoint-step"] as const).flatMap((key) => growths.map((list) =>
      ({ key, n: N, f: F, growths: list, ...decide({ key, n: N, f: F, growths: list }) }))),
    threats: EVIDENCE_KEYS.map((_, keyIndex) => threatIndexOf(keyIndex)),
    ranks: [[0, 1_000], [5, 1_000], [5, 1_001]].map(([threat, epoch]) => ({
      zone: ZONE, threat, epoch,
      ranks: Object.fromEntries(directory.members.map(({ station }) =>
        [station, rankOf(directory, station, threat!, epoch!, crypto)])),
    })),
    incidents: [...incidents()],
    roster: hex(rosterBytes), zone: ZONE, certificates: [...certificates()], proofs: [...proofs()],
  };
}
