/**
 * The configuration of an agent (contracts, section 5): from text to a checked value with every default filled in, or
 * a UsageError of one line that names the file, the key, what was found and what is allowed. Reading the file is
 * adapters/config-file.ts.
 */
import { CORE_SCHEMA, YAMLException, load } from "js-yaml";
import * as v from "valibot";
import type { Site } from "../models/detect/detector.ts";
import type { StationId, ZoneId } from "../models/units.ts";
import { hostPortText } from "../gossip/host-port.ts";
import { brokerProblem, buildBroker, effectiveBroker, hiddenSecret, must, secretRef } from "./config-brokers.ts";
import type { BrokerConfig, Environment } from "./config-brokers.ts";
import { buildFrames, buildMeter, effectiveFrames, effectiveMeter, framesProblem, metersProblem }
  from "./config-meters.ts";
import type { FramesConfig, MeterConfig } from "./config-meters.ts";
import { buildOutlets, effectiveOutlets, outletsProblem } from "./config-outlets.ts";
import type { OutletsConfig } from "./config-outlets.ts";
import { CONFIG_SCHEMA, isLoopback, mqttText, parseAddress, parseHostPort, parseMqttAddress } from "./config-schema.ts";
import type { Address, HostPort, KeyDoc, RawConfig, SecretRef } from "./config-schema.ts";
import type { GuardRule } from "./observe/guard-policy.ts";
import { nearest } from "./nearest.ts";
import { plainText, shown } from "./plain-text.ts";
import { UsageError } from "./usage-error.ts";

export type { Address, HostPort, MqttAddress, SecretRef } from "./config-schema.ts";
export type { BrokerConfig, Environment } from "./config-brokers.ts";
export type { FramesConfig, MeterConfig, ModbusMeterConfig, MqttMeterConfig } from "./config-meters.ts";
export { hostPortText } from "../gossip/host-port.ts";

/** A configuration is a page of text. More is the wrong file. */
export const MAX_CONFIG_CHARS = 64 * 1024;
/** The schema is four levels deep. */
const YAML_OPTIONS = { schema: CORE_SCHEMA, maxDepth: 10 };

/** The neighbourhood, as far as it is configured and not in the roster. */
export interface MeshConfig {
  /** Path of the roster file. */
  readonly roster: string;
  /** Where the embedded broker listens; always TLS. */
  readonly listen?: HostPort;
  readonly advertise?: HostPort;
  readonly brokers: readonly BrokerConfig[];
  /** Absent: all of them. */
  readonly brokersAtOnce?: number;
  /** On a link that is paid by the byte (gossip/metered.ts). */
  readonly metered?: true;
  /** Path of the authorities of `mqtts://` brokers. */
  readonly ca?: string;
  /** The zone's secret for pseudonyms of idTokens. */
  readonly tokenSecret?: SecretRef;
}

export interface Config {
  /** The file that it was read from, for messages. */
  readonly file: string;
  readonly station: StationId;
  readonly region: string;
  readonly zone: ZoneId;
  readonly listen: Address;
  readonly csms: Address;
  readonly mode: "observe" | "guard";
  /** What guard mode holds back; empty in observe mode. */
  readonly guard: readonly GuardRule[];
  readonly epochS: number;
  readonly operators?: { readonly threshold: number; readonly keys: readonly string[] };
  /** This and every other path: absolute, or relative to the working folder as the configuration file itself was. */
  readonly stateDir: string;
  readonly meters: readonly MeterConfig[];
  /** Where frames come from beside the line; absent: nowhere. */
  readonly frames?: FramesConfig;
  readonly tls?: { readonly cert: string; readonly key: SecretRef; readonly ca?: string };
  readonly csmsTls?: { readonly ca?: string; readonly cert?: string; readonly key?: SecretRef;
    /** Lower case. */
    readonly pinSha256?: readonly string[] };
  readonly log: { readonly mostMb: number };
  readonly alerts: OutletsConfig & { readonly jsonl: string; readonly terminal: boolean };
  readonly http?: HostPort;
  /** There where others than this machine reach `http`. */
  readonly httpTls?: { readonly cert: string; readonly key: SecretRef };
  readonly timezone: string;
  /** Absent: the agent works alone. */
  readonly mesh?: MeshConfig;
  readonly updates: { readonly fromNeighbours: boolean };
}

/** A schema as far as its documentation and the path to a key need it. */
interface SchemaNode {
  readonly type?: string;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly item?: SchemaNode;
  readonly wrapped?: SchemaNode;
  readonly default?: unknown;
  readonly metadata?: KeyDoc;
}

const ROOT = CONFIG_SCHEMA as unknown as SchemaNode;

/** A schema node without its optional wrapper. */
const unwrap = (node: SchemaNode | undefined): SchemaNode => node?.wrapped ?? node ?? {};
const docOf = (node: SchemaNode | undefined): KeyDoc => unwrap(node).metadata ?? {};

/** The schema at a path, or undefined where the path leaves the schema. */
function nodeAt(keys: readonly (string | number)[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = ROOT;
  for (const key of keys) {
    if (node === undefined) return undefined;
    const { entries, item } = unwrap(node);
    node = typeof key === "number" ? item : entries?.[key];
  }
  return node;
}

function keyPath(keys: readonly (string | number)[]): string {
  const text = keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${plainText(key, 60)}`)).join("");
  return text.replace(/^\./, "");
}

type Keys = (string | number)[];
type Issue = v.BaseIssue<unknown>;

const keysOf = (issue: Issue): Keys => (issue.path ?? []).map((item) => item.key as string | number);
const isUnknownKey = (issue: Issue): boolean => issue.type === "strict_object" && issue.expected === "never";
const isMissingKey = (issue: Issue): boolean => issue.type === "strict_object" && issue.input === undefined;

function sayUnknown(keys: Keys): string {
  const siblings = Object.entries(unwrap(nodeAt(keys.slice(0, -1))).entries ?? {});
  const close = nearest(String(keys.at(-1)), siblings.map(([name]) => name));
  const here = siblings.map(([name]) => name);
  const hint = close === undefined ? `allowed here: ${here.join(", ")}` : `did you mean \`${close}\`?`;
  return `${keyPath(keys)}: unknown key; ${hint}`;
}

/** An address with a password or a token in it is refused, but must not be repeated. */
function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/]*@/, "//…@").replace(/\?[^"]*/, "?…");
}

const SECRET_KEYS: ReadonlySet<unknown> = new Set(["key", "password", "tokenSecret", "secret"]);

function say(issue: Issue): string {
  const keys = keysOf(issue);
  if (isUnknownKey(issue)) return sayUnknown(keys);
  const { allowed } = docOf(nodeAt(keys));
  if (isMissingKey(issue)) return `${keyPath(keys)}: missing; allowed: ${allowed}`;
  const where = keys.length === 0 ? "the whole file" : keyPath(keys);
  // What stands where the name of a secret should may be the secret itself, and messages end up in logs.
  const isSecret = SECRET_KEYS.has(keys.at(-1)!);
  const found = isSecret ? "something else" : withoutSecrets(shown(issue.input));
  return `${where}: found ${found}; allowed: ${allowed}`;
}

/** The one issue to speak of: a mistyped key explains the missing one, so unknown keys come first. */
function worst(issues: readonly Issue[]): Issue {
  return issues.find(isUnknownKey) ?? issues[0]!;
}

/** Aliases make documents that are small as text and huge as values; a configuration needs none. */
function refuseAliases(value: unknown, seen: Set<object>): void {
  if (typeof value !== "object" || value === null) return;
  if (seen.has(value)) throw new UsageError("YAML aliases (*name) are not accepted; write the value out");
  seen.add(value);
  for (const inner of Object.values(value)) refuseAliases(inner, seen);
}

function parseText(text: string, file: string): unknown {
  if (text.length > MAX_CONFIG_CHARS) {
    throw new UsageError(`found more than ${MAX_CONFIG_CHARS} characters; allowed: a configuration of an agent`);
  }
  try {
    if (file.endsWith(".json")) return JSON.parse(text) as unknown;
    const value = load(text, YAML_OPTIONS);
    refuseAliases(value, new Set());
    return value;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const line = error instanceof YAMLException && error.mark ? `line ${error.mark.line + 1}: ` : "";
    const reason = error instanceof YAMLException ? error.reason : (error as Error).message;
    throw new UsageError(`${line}cannot be read as YAML or JSON: ${plainText(reason, 100)}`);
  }
}

/** Rules that look at two keys at once. */
function crossCheck(raw: RawConfig): string | undefined {
  const { tls, csmsTls, operators } = raw;
  if (raw.listen.startsWith("wss:") !== (tls !== undefined)) {
    return tls ? "tls: found beside a ws:// listen address; allowed: with listen: wss://" :
      `tls: missing; allowed: tls.cert and tls.key, since listen is ${shown(raw.listen)}`;
  }
  if (csmsTls && !raw.csms.startsWith("wss:")) {
    return "csmsTls: found beside a ws:// CSMS; allowed: with csms: wss://";
  }
  if (csmsTls && (csmsTls.cert === undefined) !== (csmsTls.key === undefined)) {
    return `csmsTls.${csmsTls.key ? "cert" : "key"}: missing; allowed: cert and key, or neither`;
  }
  if (raw.updates.fromNeighbours && raw.mesh === undefined) {
    return "updates.fromNeighbours: found true without mesh; allowed: with mesh, or false";
  }
  if (raw.updates.fromNeighbours && raw.mesh?.metered === true) {
    return "updates.fromNeighbours: found true beside mesh.metered; allowed: false, since programs go from "
      + "neighbour to neighbour over the same link";
  }
  if (raw.guard && raw.mode !== "guard") return "guard: found beside mode: observe; allowed: with mode: guard";
  if (operators && operators.threshold > operators.keys.length) {
    return `operators.threshold: found ${operators.threshold}; allowed: at most the number of keys, `
      + `${operators.keys.length}`;
  }
  return httpProblem(raw) ?? meshProblem(raw) ?? metersProblem(raw) ?? framesProblem(raw) ?? outletsProblem(raw)
    ?? doublePort(raw);
}

function httpProblem({ http, httpTls }: RawConfig): string | undefined {
  if (httpTls !== undefined && http === undefined) return "httpTls: found without http; allowed: with it";
  if (http === undefined || httpTls !== undefined || isLoopback(parseHostPort(http)?.host ?? "")) return undefined;
  return `httpTls: missing; allowed: httpTls.cert and httpTls.key, since others reach http: ${shown(http)}`;
}

function meshProblem({ mesh, operators }: RawConfig): string | undefined {
  if (mesh === undefined) return undefined;
  if (operators === undefined) {
    return "operators: missing; allowed: threshold and keys of those who sign the roster, since mesh is there";
  }
  if (mesh.advertise !== undefined && mesh.listen === undefined) {
    return "mesh.listen: missing; allowed: the broker that mesh.advertise speaks of";
  }
  if (mesh.metered && mesh.listen !== undefined) {
    return "mesh.listen: found beside mesh.metered; allowed: absent, since whoever dials this station is paid for, too";
  }
  if (mesh.ca === undefined && mesh.brokers.some(({ url }) => url.startsWith("mqtts:"))) {
    return "mesh.ca: missing; allowed: a path, since mesh.brokers has an mqtts:// address";
  }
  return mesh.brokers.map(({ url }, index) => {
    const at = `mesh.brokers[${index}]`;
    // The second connection would displace the first, and the first then the second.
    return mesh.brokers.findIndex((other) => other.url === url) < index
      ? `${at}: found ${url} again; allowed: each broker once`
      : brokerProblem(at, mesh.brokers[index]!, "may read what agents say and hold it back");
  }).find((found) => found !== undefined);
}

/** Each listener needs a port of its own; port 0 is any free one. */
function doublePort({ http, listen, mesh }: RawConfig): string | undefined {
  const taken = new Map<number, string>([[parseAddress(listen)?.port ?? 0, "listen"]]);
  const others = [
    ["http", parseHostPort(http ?? "")?.port], ["mesh.listen", parseMqttAddress(mesh?.listen ?? "")?.port],
  ] as const;
  for (const [key, port = 0] of others) {
    const other = taken.get(port);
    if (port > 0 && other !== undefined) {
      return `${key}: found port ${port}, which ${other} has; allowed: another port`;
    }
    taken.set(port, key);
  }
  return undefined;
}

/** `path` as seen from the folder of the configuration file. Forward slashes: boards are POSIX. */
function resolver(file: string): (path: string) => string {
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
  return (path) => (path.startsWith("/") ? path : folder + path.replace(/^\.\//, ""));
}

type Tls = Pick<Config, "tls" | "csmsTls" | "httpTls">;

function buildTls({ tls, csmsTls, httpTls }: RawConfig, env: Environment, at: (path: string) => string): Tls {
  return {
    ...(httpTls && { httpTls: { cert: at(httpTls.cert), key: secretRef("httpTls.key", httpTls.key, env, at) } }),
    ...(tls && { tls: { cert: at(tls.cert), key: secretRef("tls.key", tls.key, env, at),
      ...(tls.ca !== undefined && { ca: at(tls.ca) }) } }),
    ...(csmsTls && { csmsTls: {
      ...(csmsTls.ca !== undefined && { ca: at(csmsTls.ca) }),
      ...(csmsTls.cert !== undefined && { cert: at(csmsTls.cert) }),
      ...(csmsTls.key !== undefined && { key: secretRef("csmsTls.key", csmsTls.key, env, at) }),
      ...(csmsTls.pinSha256 && { pinSha256: csmsTls.pinSha256.map((pin) => pin.toLowerCase()) }),
    } }),
  };
}

function buildMesh(
  mesh: NonNullable<RawConfig["mesh"]>, env: Environment, at: (path: string) => string,
): MeshConfig {
  const hostPort = (text: string): HostPort => {
    const { host, port } = must(parseMqttAddress(text), "mqtts address");
    return { host, port };
  };
  return {
    roster: at(mesh.roster),
    ...(mesh.listen !== undefined && { listen: hostPort(mesh.listen) }),
    ...(mesh.advertise !== undefined && { advertise: hostPort(mesh.advertise) }),
    ...(mesh.brokersAtOnce !== undefined && { brokersAtOnce: mesh.brokersAtOnce }),
    ...(mesh.metered && { metered: true as const }),
    brokers: mesh.brokers.map((broker, index) => buildBroker(`mesh.brokers[${index}]`, broker, env, at)),
    ...(mesh.ca !== undefined && { ca: at(mesh.ca) }),
    ...(mesh.tokenSecret !== undefined && {
      tokenSecret: secretRef("mesh.tokenSecret", mesh.tokenSecret, env, at),
    }),
  };
}

function build(raw: RawConfig, file: string, env: Environment): Config {
  const at = resolver(file);
  const stateDir = at(raw.stateDir);
  const { station, region, zone = station } = raw;
  return {
    file, stateDir,
    station: station as StationId,
    region,
    zone: zone as ZoneId,
    listen: must(parseAddress(raw.listen), "listen address"),
    csms: must(parseAddress(raw.csms), "CSMS address"),
    mode: raw.mode,
    guard: raw.guard?.hold ?? [],
    epochS: raw.epochS,
    ...(raw.operators && { operators: raw.operators }),
    meters: raw.meters.map((meter, index) => buildMeter(`meters[${index}]`, meter, env, at)),
    ...(raw.frames && { frames: buildFrames(raw.frames, env, at) }),
    ...buildTls(raw, env, at),
    log: { mostMb: raw.log.mostMb },
    alerts: {
      ...buildOutlets(raw.alerts, { region, zone, station }, env, at),
      jsonl: raw.alerts.jsonl === undefined ? `${stateDir}/alerts.jsonl` : at(raw.alerts.jsonl),
      terminal: raw.alerts.terminal,
    },
    ...(raw.http !== undefined && { http: must(parseHostPort(raw.http), "http address") }),
    timezone: raw.timezone,
    ...(raw.mesh && { mesh: buildMesh(raw.mesh, env, at) }),
    updates: raw.updates,
  };
}

/**
 * A configuration from its text. `file` is named in messages, relative paths count from its folder, and `.json` at its
 * end asks for JSON; anything else is read as YAML, of which JSON is a part.
 * @throws UsageError of one line: file, key, what was found, what is allowed.
 */
export function parseConfig(text: string, file: string, env: Environment): Config {
  try {
    const result = v.safeParse(CONFIG_SCHEMA, parseText(text, file));
    if (!result.success) throw new UsageError(say(worst(result.issues)));
    const problem = crossCheck(result.output);
    if (problem !== undefined) throw new UsageError(problem);
    return build(result.output, file, env);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${plainText(file, 200)}: ${error.message}`);
    throw error;
  }
}

/** What the detectors are told of the station beforehand. */
export function siteOf({ csms, meters }: Config): Site {
  const loadsW: Record<number, number> = {};
  for (const { evse, loadW } of meters) loadsW[evse] = Math.max(loadsW[evse] ?? 0, loadW);
  return { csmsHost: csms.host, loadsW };
}

/** The address as text again; `ws://host:port/prefix`. */
export function addressText({ secure, host, port, path }: Address): string {
  return `${secure ? "wss" : "ws"}://${hostPortText({ host, port })}${path}`;
}

function effectiveMesh({ listen, advertise, brokers, tokenSecret, ...paths }: MeshConfig): Record<string, unknown> {
  return {
    ...paths,
    ...(listen && { listen: mqttText({ secure: true, ...listen }) }),
    ...(advertise && { advertise: mqttText({ secure: true, ...advertise }) }),
    brokers: brokers.map(effectiveBroker),
    ...(tokenSecret && { tokenSecret: hiddenSecret(tokenSecret) }),
  };
}

/** Every setting that counts, defaults included, as keys and values to print; secrets only by where they are kept. */
export function effectiveConfig(config: Config): Record<string, unknown> {
  const { station, csms, listen, mode, epochS, stateDir, meters, alerts, http, httpTls, tls, csmsTls, region, zone,
    timezone, operators, mesh, guard, frames, log, updates } = config;
  return {
    station, csms: addressText(csms), listen: addressText(listen), mode,
    ...(mode === "guard" && { guard: { hold: guard } }), epochS, stateDir,
    meters: meters.map(effectiveMeter), ...(frames && { frames: effectiveFrames(frames) }),
    log: { mostMb: log.mostMb },
    alerts: { jsonl: alerts.jsonl, terminal: alerts.terminal, ...effectiveOutlets(alerts) },
    ...(http && { http: hostPortText(http) }),
    ...(httpTls && { httpTls: { ...httpTls, key: hiddenSecret(httpTls.key) } }),
    ...(tls && { tls: { ...tls, key: hiddenSecret(tls.key) } }),
    ...(csmsTls && { csmsTls: { ...csmsTls, ...(csmsTls.key && { key: hiddenSecret(csmsTls.key) }) } }),
    region, zone, timezone,
    ...(operators && { operators }),
    ...(mesh && { mesh: effectiveMesh(mesh) }), updates,
  };
}

interface ReferenceRow {
  readonly key: string;
  readonly allowed: string;
  readonly otherwise: string;
  readonly means: string;
}

function referenceRows(node: SchemaNode, prefix: string): ReferenceRow[] {
  const { entries, item } = unwrap(node);
  if (item && unwrap(item).entries) return referenceRows(item, `${prefix}[]`);
  return Object.entries(entries ?? {}).flatMap(([name, child]) => {
    const key = prefix === "" ? name : `${prefix}.${name}`;
    const doc = docOf(child);
    const required = child.type !== "exact_optional";
    const preset = child.default === undefined ? "absent" : JSON.stringify(child.default);
    const otherwise = required ? "required" : doc.otherwise ?? preset;
    const row = { key, allowed: doc.allowed ?? "", otherwise, means: doc.means ?? "" };
    return [row, ...referenceRows(child, key)];
  });
}

/** Every key with its default, what it may hold and what it means: generated from the schema, so it cannot be wrong. */
export function configReference(): string {
  const head = "Keys of the configuration (YAML or JSON). Relative paths count from the file's\n"
    + "own folder. Secrets are read from a file (file:PATH) or from the environment\n"
    + "(env:NAME); none stands in the configuration itself.\n\n";
  const rows = referenceRows(ROOT, "").map(({ key, allowed, otherwise, means }) =>
    `${key}\n    ${means}\n    allowed: ${allowed}; default: ${otherwise}\n`);
  return head + rows.join("");
}
