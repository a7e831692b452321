/** `kerbwatch keygen`: makes the device's keys where there are none, and shows their public halves. */
import { nodeCrypto, systemRandom } from "../adapters/crypto.ts";
import { KEY_PURPOSES, KeyFileError, keyPath, loadOrCreateKeys, publicName } from "../adapters/keys.ts";
import type { DeviceKeys, KeyPurpose } from "../adapters/keys.ts";
import { shown } from "../plain-text.ts";
import { ID_RULE, isStationId } from "../../models/units.ts";
import type { StationId } from "../../models/units.ts";
import { toBase64 } from "../record/base64.ts";
import { UsageError, parseOptions } from "./command.ts";
import type { Command, Io } from "./command.ts";

const FOR: Readonly<Record<KeyPurpose, string>> = {
  statement: "signs what this agent publishes",
  log: "signs the checkpoints of its log",
  witness: "signs neighbours' checkpoints",
  tls: "shows neighbours' brokers who it is",
};

interface KeyShown {
  readonly purpose: KeyPurpose;
  readonly publicKey: string;
  readonly verifierKey?: string;
  readonly file: string;
  readonly created: boolean;
}

function describe(keys: DeviceKeys, stateDir: string, station: StationId | undefined): KeyShown[] {
  return KEY_PURPOSES.map((purpose) => {
    const { publicKey } = keys.signers[purpose];
    return {
      purpose, publicKey: toBase64(publicKey),
      ...(station !== undefined && { verifierKey: publicName(nodeCrypto(), station, purpose, publicKey) }),
      file: keyPath(stateDir, purpose), created: keys.created.includes(purpose),
    };
  });
}

function asText(keys: readonly KeyShown[], station: StationId | undefined): string {
  const lines = keys.flatMap((key) => [
    `${key.purpose}: ${FOR[key.purpose]}`,
    `  public    ${key.verifierKey ?? key.publicKey}`,
    `  private   ${key.file} (${key.created ? "made now; stays on this device" : "was there; left as it is"})`,
  ]);
  if (station === undefined) lines.push("With --station ID, public halves are shown as verifier keys.");
  return `${lines.join("\n")}\n`;
}

async function run(args: string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, {
    state: { type: "string", value: "DIR", required: true }, station: { type: "string", value: "ID" },
    json: { type: "boolean" },
  });
  const { state, station } = options;
  if (station !== undefined && !isStationId(station)) {
    throw new UsageError(`--station: found ${shown(station)}; allowed: ${ID_RULE}`);
  }
  try {
    const keys = loadOrCreateKeys(state, systemRandom);
    const list = describe(keys, state, station);
    io.out(options.json ? `${JSON.stringify({ version: 1, keys: list, warnings: keys.warnings })}\n`
      : asText(list, station));
    for (const warning of keys.warnings) io.err(`kerbwatch: ${warning}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
    io.err(`kerbwatch: ${error.message}\n`);
    return 1;
  }
}

export const keygen: Command = {
  name: "keygen",
  summary: "makes this device's keys, once, and shows their public halves",
  help: `
Usage: kerbwatch keygen --state DIR [--station ID] [--json]

Makes one Ed25519 key for each purpose in DIR/keys, readable by its owner alone.
The private halves never leave the device; the public ones go to the operator,
for the roster and for checking this agent's log. Keys that are there are never
overwritten: the command then shows them, and says so. The agent makes missing
keys by itself at its start.

  --state DIR     the agent's state directory, as in its configuration
                  (stateDir)
  --station ID    the station's OCPP identity: shows verifier keys
                  (name+hash+key), as "ledger verify" takes them
  --json          for programs

Exit codes: 0 the keys are there, 1 a key file is damaged or cannot be made, 2
wrong usage.
`,
  run,
};
