/** What a restarted agent knows of itself: its own statements, and nobody else's as its own. */
import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import { decide, searchEveryKey } from "../models/agree/zone-decision.ts";
import type { Signer } from "../models/crypto.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch, MonotonicMs, StationId } from "../models/units.ts";
import { createZoneProtocol, onEpoch, onMessage } from "./agreement-protocol.ts";
import { headOf } from "./certificate.ts";
import { encodeMessage, topicText } from "./message.ts";
import type { ProtocolState } from "./protocol-state.ts";
import { restoreStatements } from "./restore.ts";
import { type Statement, type StatementBody, signStatement, statementHash } from "./statement.ts";
import { madeDirectory } from "./zone-network.testing.ts";

const crypto = nodeCrypto();
const signers = Array.from({ length: 4 }, (_, i) => signerFromSeed(new Uint8Array(32).fill(i + 1)));
const directory = madeDirectory(signers, 1, 3);
const EPOCH = 1_000;
const stationOf = (index: number): StationId => `CP-${index}` as StationId;

function agent(): ProtocolState {
  return createZoneProtocol({
    directory, station: stationOf(0), signer: signers[0]!, crypto, law: { decide, search: searchEveryKey },
  });
}

function stated(epoch: number, more: Partial<StatementBody> = {}, signer: Signer = signers[0]!): Statement {
  return signStatement({
    network: directory.network, zone: directory.zone.id, station: stationOf(0), epoch: epoch as Epoch, seq: epoch,
    previous: new Uint8Array(0), rosterVersion: 3, evidence: EVIDENCE_KEYS.map(() => 0),
    checkpoint: new Uint8Array(0), ...more,
  }, signer);
}

test("whoever asks for what it stated before a restart gets it from itself", () => {
  const state = agent();
  const own = Array.from({ length: 20 }, (_, i) => stated(EPOCH - 20 + i, i < 10 ? { rosterVersion: 2 } : {}));
  restoreStatements(state, own);
  const now = { epoch: EPOCH as Epoch, monoMs: 0 as MonotonicMs };
  onEpoch(state, { maySign: true }, now);
  const hashes = own.map(({ bytes }) => statementHash(crypto, bytes));
  const { whole } = encodeMessage("request", { epoch: EPOCH, hashes }, headOf(directory, stationOf(1)), signers[1]!);
  const topic = topicText({
    network: directory.network, zone: directory.zone.id, kind: "request", station: stationOf(1),
  });
  const { outgoing } = onMessage(state, { topic, bytes: whole }, stationOf(1), now);
  assert.equal(outgoing.map(({ kind, station }) => [kind, station]), own.map(() => ["statement", stationOf(0)]));
  assert.ok(outgoing.every(({ relayed }) => relayed === undefined), "it may say so at a site's broker");
});

test("not as its own: another station's, another zone's or network's, or what was signed with another key", () => {
  const state = agent();
  restoreStatements(state, [
    stated(EPOCH, { station: stationOf(1) }), stated(EPOCH, { zone: "feeder-8" }), stated(EPOCH, { network: "other" }),
    stated(EPOCH, {}, signers[1]),
  ]);
  assert.is(state.view.byHash.size, 0);
  restoreStatements(state, [stated(EPOCH)]);
  assert.is(state.view.byHash.size, 1);
});

test("an agent that is no member any more has none", () => {
  const state = createZoneProtocol({
    directory, station: stationOf(9), signer: signers[0]!, crypto, law: { decide, search: searchEveryKey },
  });
  restoreStatements(state, [stated(EPOCH, { station: stationOf(9) })]);
  assert.is(state.view.byHash.size, 0);
});
