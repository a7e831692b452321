/** A zone's evidence as a file, for whoever is to check it, or to spoil it: made by real cores and the real command. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { openLedger } from "../../edge-agent/adapters/ledger-file.ts";
import { ran } from "../../edge-agent/cli/io.testing.ts";
import { keyName } from "../../edge-agent/member-file.ts";
import { formatOperatorKey } from "../../edge-agent/operators.ts";
import { toBase64 } from "../../edge-agent/record/base64.ts";
import { formatVerifierKey, verifierKeyOf } from "../../edge-agent/record/note.ts";
import { crypto, ZoneCores } from "../../edge-agent/zone-cores.testing.ts";
import { encodeRoster } from "../../gossip/roster.ts";
import { encodeRosterFile, signRoster } from "../../gossip/roster-file.ts";

/** Whose key the evidence is checked with. */
export const operator = signerFromSeed(new Uint8Array(32).fill(64 * 3 + 63));

export interface MadeEvidence {
  /** Paths: the evidence, the keys of its log and witnesses, and the log's state directory. */
  readonly evidence: string;
  readonly keys: string;
  readonly state: string;
}

/** A zone certifies, its witnesses cosign, and the evidence of it is exported into the folder. */
export async function makeEvidence(folder: string): Promise<MadeEvidence> {
  const at = (name: string): string => join(folder, name);
  const zone = new ZoneCores(4, 1, { witnesses: true });
  zone.pass(8);
  zone.pass(30, () => zone.suspect("refusals", 3_000));
  zone.pass(20);
  const [house, members] = [zone.house(0), zone.roster.members];
  const { store } = openLedger(at("state"), crypto);
  store.append(house.log);
  store.writeCheckpoint(house.checkpoint!);
  store.writeCosigned(house.cosigned!);
  store.close();
  const bytes = encodeRoster(zone.roster);
  writeFileSync(at("roster.kw"), encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] }));
  const operatorKey = formatOperatorKey(crypto, { label: "bench", publicKey: operator.publicKey });
  writeFileSync(at("operators.json"), JSON.stringify({ threshold: 1, keys: [operatorKey] }));
  const { incidentId } = house.alerts.find(({ scope }) => scope === "zone")!;
  const { code, err } = await ran(["ledger", "export", "--incident", incidentId, "--state", at("state"),
    "--out", at("evidence.json"), "--roster", at("roster.kw"), "--operators", at("operators.json")]);
  if (code !== 0) throw new Error(err);
  const [{ station, keys }, ...others] = members as [typeof members[0] & {}, ...typeof members];
  writeFileSync(at("keys.json"), JSON.stringify({
    log: formatVerifierKey(verifierKeyOf(crypto, keyName(station, "log"), keys.log)),
    witnesses: Object.fromEntries(others.map((one) =>
      [keyName(one.station, "witness"), toBase64(one.keys.witness)])),
  }));
  return { evidence: at("evidence.json"), keys: at("keys.json"), state: at("state") };
}
