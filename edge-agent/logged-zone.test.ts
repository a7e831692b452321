import { assert, test } from "../build/testing.ts";
import { encodeMessage } from "../gossip/message.ts";
import { signStatement } from "../gossip/statement.ts";
import type { Alert } from "../models/terms.ts";
import type { Epoch, StationId, WallMs, ZoneId } from "../models/units.ts";
import { nodeCrypto, signerFromSeed } from "./adapters/crypto.ts";
import { nothingOfZone, noteZone } from "./logged-zone.ts";

test("its own statements: as many of the last as a zone looks back for; unreadable ones are passed over", () => {
  const signer = signerFromSeed(new Uint8Array(32).fill(1));
  const logged = nothingOfZone(nodeCrypto());
  for (let epoch = 0; epoch < 400; epoch++) {
    const { bytes: signedBytes, signature } = signStatement({
      network: "town", zone: "street", station: "CP-1", epoch: epoch as Epoch, seq: epoch, previous: new Uint8Array(0),
      rosterVersion: 1, evidence: [], checkpoint: new Uint8Array(0),
    }, signer);
    noteZone(logged, { kind: "statement", at: 0 as WallMs, signedBytes, signature }, undefined);
    noteZone(logged, { kind: "statement", at: 0 as WallMs, signedBytes: Uint8Array.of(1), signature }, undefined);
  }
  assert.equal(logged.statements.map(({ body }) => body.epoch), Array.from({ length: 186 }, (_, i) => 400 - 186 + i));
});

test("of the region: the last alert of each threat, unless cleared, and the last summary of each zone and key", () => {
  const logged = nothingOfZone(nodeCrypto());
  const signer = signerFromSeed(new Uint8Array(32).fill(2));
  const summary = (zone: string, epoch: number) => encodeMessage("summary",
    { epoch, keyIndex: 19, level: 90, attested: [] }, { network: "town", zone: zone as ZoneId, rosterVersion: 1,
      station: "CP-1" as StationId }, signer).whole;
  const note = (message: Uint8Array) => noteZone(logged, { kind: "summary", at: 0 as WallMs, message }, undefined);
  for (const [zone, epoch] of [["a", 100], ["b", 101], ["a", 110]] as const) note(summary(zone, epoch));
  note(Uint8Array.of(1));
  const kept = [...logged.summaries.values()].map(({ zone, content }) => `${zone} ${content.epoch}`);
  assert.equal(kept, ["b 101", "a 110"]);
  const alert = (incidentId: string, state: Alert["state"]) =>
    noteZone(logged, { kind: "alert", at: 0 as WallMs, json: "" },
      { scope: "region", threat: "authorization-abuse", incidentId, state } as Alert);
  alert("1", "raised");
  alert("2", "cleared");
  assert.is(logged.openInRegion.get("authorization-abuse")?.incidentId, "1");
  alert("1", "cleared");
  assert.is(logged.openInRegion.size, 0);
});
