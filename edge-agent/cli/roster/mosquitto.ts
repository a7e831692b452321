/** `kerbwatch roster mosquitto`: the files of a site's or operator's broker, from a roster and its member files. */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { hex, sameBytes } from "../../../gossip/bytes.ts";
import { MAX_PORT, parseHostPort } from "../../../gossip/host-port.ts";
import type { Member } from "../../../gossip/roster.ts";
import { nodeCrypto, SEED_BYTES, systemRandom } from "../../adapters/crypto.ts";
import { createFile, errorCode } from "../../adapters/durable-file.ts";
import { MOST_PACKET_BYTES } from "../../adapters/mqtt-guard.ts";
import { loadRoster, writePublicFile } from "../../adapters/roster-file.ts";
import { certificateOf, serverIdentity } from "../../adapters/tls-identity.ts";
import { memberFileName } from "../../member-file.ts";
import { type MosquittoPlan, mosquittoAcl, mosquittoConf } from "../../mosquitto-files.ts";
import { counted } from "../../plain-text.ts";
import { refuse } from "../../refuse.ts";
import { type Io, parseOptions } from "../command.ts";
import { readEnrolment } from "./create.ts";
import { must, readOperatorsOption } from "./files.ts";
import { ONE_FILE, onlyFile } from "./only-file.ts";

const OPTIONS = {
  operators: { type: "string", required: true, value: "FILE" },
  members: { type: "string", required: true, value: "DIR" },
  out: { type: "string", required: true, value: "DIR" },
  listen: { type: "string", value: "[HOST:]PORT" },
  host: { type: "string", value: "NAME" },
  at: { type: "string", value: "DIR" },
} as const;

function listenAt(text = "8883"): MosquittoPlan["listen"] {
  const at = /^\d+$/.test(text) ? { port: Number(text) } : parseHostPort(text);
  return at !== undefined && at.port >= 1 && at.port <= MAX_PORT ? at
    : refuse("--listen", text, `a port, or host:port, 1 to ${MAX_PORT}`);
}

/** The certificate that a member's device signed, which nobody else can make. */
function certificate(folder: string, { station, keys: { tls } }: Member): string {
  const path = join(folder, memberFileName(station));
  const { keys, certificateSignature: signature } = readEnrolment(nodeCrypto(), folder, station);
  if (!sameBytes(keys.tls, tls)) refuse(`${path}: keys.tls`, "another key", "the roster's");
  const mend = "what `keygen --member` of this version writes on the device; its keys stay";
  if (signature === undefined) return refuse(`${path}: certificateSignature`, undefined, mend);
  return certificateOf(station, tls, signature)
    ?? refuse(`${path}: certificateSignature`, "one that is not of this device's key", mend);
}

/** The broker's own key and certificate, made once. Says so; throws the system's error. */
function brokerIdentity(out: string, host: string, io: Io): void {
  const [cert, key] = [join(out, "broker.crt"), join(out, "broker.key")];
  const there = [cert, key].filter((path) => existsSync(path));
  if (there.length === 1) refuse("--out", `${there[0]} alone`, "broker.crt and broker.key, or neither of them");
  if (there.length === 2) return io.out(`there     ${cert} and ${key}: left as they are\n`);
  const identity = serverIdentity(host, systemRandom.bytes(SEED_BYTES));
  createFile(key, identity.key);
  writePublicFile(cert, identity.cert);
  io.out(`made      ${cert} for ${host}\n`
    + `made      ${key}: secret; Mosquitto's own user must be able to read it\n`);
}

export async function mosquitto(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS, ONE_FILE);
  const { members, out, host, at = resolve(out) } = options;
  const crypto = nodeCrypto();
  const path = onlyFile(positionals);
  const listen = listenAt(options.listen);
  if (host !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)) {
    refuse("--host", host, "the name or IPv4 address that agents dial");
  }
  if (!/^\/[^\u0000-\u001f\u007f]*$/.test(at)) refuse("--at", at, "a path that begins with /");
  const { roster, hash } = must(loadRoster(crypto, path, readOperatorsOption(crypto, options.operators)), "roster");
  const plan = { roster, hash: hex(hash), listen, folder: at, mostPacketBytes: MOST_PACKET_BYTES };
  const certificates = roster.members.map((member) => certificate(members, member));
  const files = [["members.pem", certificates.join("")], ["acl", mosquittoAcl(plan)],
    ["mosquitto.conf", mosquittoConf(plan)]] as const;
  try {
    mkdirSync(out, { recursive: true });
    if (host !== undefined) brokerIdentity(out, host, io);
    for (const [name, content] of files) writePublicFile(join(out, name), content);
  } catch (error) {
    if (errorCode(error) === "") throw error;
    io.err(`kerbwatch: ${out}: cannot be written to (${errorCode(error)})\n`);
    return 1;
  }
  const lacks = host === undefined && !existsSync(join(out, "broker.key"));
  io.out(`written   ${files.map(([name]) => join(out, name)).join(", ")}\n`
    + (lacks ? `missing   ${at}/broker.crt and broker.key: the broker's own\n` : "")
    + `Mosquitto for version ${roster.version} of ${roster.network}: `
    + `${counted(roster.members.length, "member", "members")}, nobody else.\n`
    + "next      restart it with these; in each agent's configuration, under mesh: its certificate as ca,\n"
    + `          and brokers: ["mqtts://${host ?? "HOST"}:${listen.port}"]\n`);
  return 0;
}
