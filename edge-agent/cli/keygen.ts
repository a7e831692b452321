/**
 * `kerbwatch keygen`: makes the device's keys where there are none, shows their public halves and writes the member
 * file that the operator needs; or makes an operator's key.
 */
import { basename } from "node:path";
import { parseHostPort } from "../../gossip/host-port.ts";
import { hex } from "../../gossip/bytes.ts";
import { createFile, errorCode } from "../adapters/durable-file.ts";
import { nodeCrypto, systemRandom } from "../adapters/crypto.ts";
import { KEY_PURPOSES, KeyFileError, keyPath, loadOrCreateKeys, publicName } from "../adapters/keys.ts";
import type { DeviceKeys, KeyPurpose } from "../adapters/keys.ts";
import { loadOrCreateOperatorKey } from "../adapters/operator-key.ts";
import { tlsIdentity } from "../adapters/tls-identity.ts";
import { formatMemberFile } from "../member-file.ts";
import { ROLES } from "../../gossip/word.ts";
import { formatOperatorKey, isOperatorLabel, OPERATOR_LABEL_RULE } from "../operators.ts";
import { shown } from "../plain-text.ts";
import { ID_RULE, isStationId } from "../../models/units.ts";
import type { StationId } from "../../models/units.ts";
import { toBase64 } from "../record/base64.ts";
import { UsageError, parseOptions } from "./command.ts";
import type { Command, Io, Parsed } from "./command.ts";
import { qrOf, qrText } from "./qr.ts";
import { written } from "./roster/files.ts";

const FOR: Readonly<Record<KeyPurpose, string>> = {
  statement: "signs what this agent publishes",
  log: "signs the checkpoints of its log",
  witness: "signs neighbours' checkpoints",
  tls: "shows neighbours' brokers who it is",
};

const TOKEN_SECRET_BYTES = 32;

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

const OPTIONS = {
  state: { type: "string", value: "DIR" }, station: { type: "string", value: "ID" },
  member: { type: "string", value: "FILE" }, advertise: { type: "string", value: "HOST:PORT" },
  "token-secret": { type: "string", value: "FILE" }, operator: { type: "string", value: "FILE" },
  label: { type: "string", value: "NAME" }, role: { type: "string", value: "ROLE" }, json: { type: "boolean" },
  qr: { type: "boolean" },
} as const;
type Options = Parsed<typeof OPTIONS>["options"];

/** Refuses options that belong to the other use of the command. */
function refuseBeside(options: Options, use: string, others: readonly (keyof Options)[]): void {
  const other = others.find((name) => options[name] !== undefined && options[name] !== false);
  if (other !== undefined) throw new UsageError(`--${other}: found beside --${use}; allowed: one or the other`);
}

function operatorKey(options: Options, path: string, io: Io): number {
  refuseBeside(options, "operator", ["state", "station", "member", "advertise", "token-secret", "qr"]);
  const label = options.label ?? basename(path).replace(/\.key$/, "");
  if (!isOperatorLabel(label)) throw new UsageError(`--label: found ${shown(label)}; allowed: ${OPERATOR_LABEL_RULE}`);
  const role = ROLES.find((one) => one === (options.role ?? "operator"));
  if (role === undefined) {
    throw new UsageError(`--role: found ${shown(options.role)}; allowed: ${ROLES.join(", ")}`);
  }
  const key = loadOrCreateOperatorKey(path, label, systemRandom);
  if (options.label !== undefined && options.label !== key.label) {
    throw new UsageError(`--label: found ${shown(options.label)}; allowed: ${key.label}, whose key ${path} is`);
  }
  if (key.warning !== undefined) io.err(`kerbwatch: ${key.warning}\n`);
  const publicKey = formatOperatorKey(nodeCrypto(), { label: key.label, publicKey: key.signer.publicKey }, role);
  const { created } = key;
  io.out(options.json ? `${JSON.stringify({ version: 1, operator: key.label, publicKey, file: path, created })}\n`
    : `${publicKey}\n  private   ${path} (${created ? "made now" : "was there; left as it is"}); `
      + "keep a copy where nobody else gets at it\n");
  return 0;
}

/** One secret for the members of a zone: who has it can test guessed idTokens against their notes. */
function tokenSecret(options: Options, path: string, io: Io): number {
  refuseBeside(options, "token-secret", ["state", "station", "member", "advertise", "label", "role", "qr"]);
  try {
    const created = createFile(path, `${hex(systemRandom.bytes(TOKEN_SECRET_BYTES))}\n`);
    io.out(options.json ? `${JSON.stringify({ version: 1, file: path, created })}\n`
      : `${path} (${created ? "made now" : "was there; left as it is"}): the same file for each member of a zone, as `
        + "mesh.tokenSecret\n");
    return 0;
  } catch (error) {
    io.err(`kerbwatch: ${path}: ${errorCode(error)}\n`);
    return 1;
  }
}

/** What the operator needs of this device: as a file, as a QR code to be taken with a phone, or both. */
function tellMember(keys: DeviceKeys, station: StationId, options: Options, io: Io): boolean {
  const address = options.advertise ?? "";
  const { statement, log, witness, tls } = keys.signers;
  const content = formatMemberFile(nodeCrypto(), {
    station, address, certificateSignature: tlsIdentity(station, keys.tlsSeed).signature,
    keys: { statement: statement.publicKey, log: log.publicKey, witness: witness.publicKey, tls: tls.publicKey },
  });
  if (options.qr === true) io.out(qrText(qrOf(new TextEncoder().encode(JSON.stringify(JSON.parse(content))))));
  const path = options.member;
  if (path === undefined) return true;
  if (!written(path, content, io.err)) return false;
  if (!options.json) {
    const where = address === "" ? "without a broker of its own (--advertise HOST:PORT names one)"
      : `neighbours reach it at ${address}`;
    io.out(`member file ${path}: for the operator; ${where}\n`);
  }
  return true;
}

function deviceKeys(options: Options, io: Io): number {
  const { state, station, member, advertise, qr } = options;
  const names = member !== undefined ? "--member" : qr === true ? "--qr" : undefined;
  if (state === undefined) throw new UsageError("--state: missing; allowed: --state DIR, or --operator FILE");
  for (const name of ["label", "role"] as const) {
    if (options[name] !== undefined) throw new UsageError(`--${name}: found without --operator; allowed: with it`);
  }
  if (station !== undefined && !isStationId(station)) {
    throw new UsageError(`--station: found ${shown(station)}; allowed: ${ID_RULE}`);
  }
  if (names !== undefined && station === undefined) {
    throw new UsageError(`--station: missing; allowed: --station ID, since ${names} names its keys`);
  }
  if (advertise !== undefined && names === undefined) {
    throw new UsageError("--member: missing; allowed: --member FILE or --qr, which --advertise goes into");
  }
  if (qr === true && options.json) throw new UsageError("--qr: found beside --json; allowed: one or the other");
  if (advertise !== undefined && (parseHostPort(advertise)?.port ?? 0) < 1) {
    throw new UsageError(`--advertise: found ${shown(advertise)}; allowed: host:port, port 1 to 65535`);
  }
  const keys = loadOrCreateKeys(state, systemRandom);
  const list = describe(keys, state, station);
  io.out(options.json ? `${JSON.stringify({ version: 1, keys: list, warnings: keys.warnings })}\n`
    : asText(list, station));
  for (const warning of keys.warnings) io.err(`kerbwatch: ${warning}\n`);
  return names === undefined || tellMember(keys, station!, options, io) ? 0 : 1;
}

async function run(args: string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  try {
    const { operator, "token-secret": secret } = options;
    if (secret !== undefined) return tokenSecret(options, secret, io);
    return operator === undefined ? deviceKeys(options, io) : operatorKey(options, operator, io);
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
       kerbwatch keygen --state DIR --station ID --member FILE
                        [--advertise HOST:PORT] [--qr] [--json]
       kerbwatch keygen --operator FILE [--label NAME] [--role ROLE] [--json]
       kerbwatch keygen --token-secret FILE [--json]

Makes one Ed25519 key for each purpose in DIR/keys, readable by its owner alone.
The private halves never leave the device; the public ones go to the operator,
for the roster and for checking this agent's log. Keys that are there are never
overwritten: the command then shows them, and says so. The agent makes missing
keys by itself at its start.

With --member, the public halves are also written to a file, which the operator
makes the roster from; with --qr they are shown as a code that a phone reads,
whose text is such a file. With --operator, makes the key of a person who signs
rosters and prints its public half on one line, as "operators" in the
configuration takes it. "kerbwatch roster --help" has the whole enrolment.

  --state DIR     the agent's state directory, as in its configuration
                  (stateDir)
  --station ID    the station's OCPP identity: shows verifier keys
                  (name+hash+key), as "ledger verify" takes them
  --member FILE   where the member file is written: <station>.member.json
  --qr            the member file as a QR code, for a terminal of 110 columns
                  with light text on a dark ground
  --advertise HOST:PORT
                  where neighbours reach this station's broker; absent: it has
                  none
  --operator FILE where the operator's key is, or is to be
  --token-secret FILE
                  where the secret of a zone's idToken pseudonyms is, or is to
                  be; every member of the zone is given a copy
  --label NAME    whose key it is (default: the file's name without .key)
  --role ROLE     operator (default), installer or auditor: what its owner may
                  say to agents, once the region file lists the line under
                  "people" and a roster is made of it
  --json          for programs

Exit codes: 0 the keys are there, 1 a key file is damaged or cannot be made, 2
wrong usage.
`,
  run,
};
