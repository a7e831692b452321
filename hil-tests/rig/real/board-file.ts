/** One board on the bench, as a YAML file describes it: how to reach it, to power-cycle it, to wire the meter. Pure. */
import { CORE_SCHEMA, load } from "js-yaml";
import { refuse } from "../../../edge-agent/refuse.ts";
import { UsageError } from "../../../edge-agent/usage-error.ts";
import type { StationId } from "../../../models/units.ts";
import { PLOTS } from "../../bench/street-plan.ts";
import { mapping, number, oneOf } from "../../yaml-fields.ts";

export type Reach =
  /** OpenSSH's client of this machine, with its keys and known hosts but for what `options` say. */
  | { readonly kind: "ssh"; readonly host: string; readonly port: number; readonly user: string;
      readonly options: readonly string[] }
  /** What `command` prints and takes is the board's console, logged in as root: a terminal program on a serial line. */
  | { readonly kind: "serial"; readonly command: string };

export interface BoardFile {
  readonly name: string;
  readonly reach: Reach;
  /** Commands of this machine, for a socket or a hub that can be switched; absent: the power stays. */
  readonly power?: { readonly off: string; readonly on: string };
  readonly upWithinS: number;
  /** This machine as the board reaches it; and where CSMS and meter listen on it: there, unless said. */
  readonly outside: string;
  readonly bind: string;
  /** Where the board's agent takes chargers, as this machine reaches it, and where it listens on the board. */
  readonly charger: { readonly host: string; readonly port: number; readonly boardPort: number };
  readonly agent: {
    /** Path of its configuration on the board; the bench puts its own there, and the old one back. */
    readonly config: string;
    readonly state: string;
    /** The program. */
    readonly command: string;
    /** Commands of the board. */
    readonly restart: string;
    readonly kill: string;
  };
  /**
   * Which house of the street's scenario it stands in for, with eleven processes of this machine; where its neighbours
   * reach its broker, at the charger's host, and where that listens on the board; which of the scenario's speeds it
   * keeps up with. Absent: the street's acts are left out.
   */
  readonly street?: {
    readonly station: StationId;
    readonly port: number;
    readonly boardPort: number;
    readonly speed: "native" | "emulated";
  };
  /** Of the meter that the bench simulates on this machine. */
  readonly meter: { readonly port: number; readonly evse: number };
}

const KEYS = ["version", "name", "reach", "power", "upWithinS", "outside", "bind", "charger", "agent", "meter",
  "street"];
const MOST_CHARS = 20_000;
const MOST_PORT = 65_535;
const HOST = /^[A-Za-z0-9.:_-]{1,253}$/;

function text(value: unknown, place: string, rule: RegExp, allowed: string): string {
  return typeof value === "string" && rule.test(value) ? value : refuse(place, value, allowed);
}

const command = (value: unknown, place: string): string => text(value, place, /^.{1,1000}$/, "a command on one line");
const path = (value: unknown, place: string): string =>
  text(value, place, /^\/[A-Za-z0-9_./-]{1,250}$/, "an absolute path of A-Z a-z 0-9 _ . / -");
const port = (value: unknown, place: string): number => number(value, place, 1, MOST_PORT, true);
const host = (value: unknown, place: string): string => text(value, place, HOST, "a name or an address");

/** Words that OpenSSH's client takes; a word that begins a command of its own is none. */
function options(value: unknown, place: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > 16) return refuse(place, value, "a list of at most 16 options");
  return value.map((one, i) => text(one, `${place}[${i}]`, /^[A-Za-z]{1,40}=[^\r\n]{1,300}$/,
    "Name=value, as ssh_config(5) has it"));
}

function reachOf(value: unknown): Reach {
  const kind = oneOf(typeof value === "object" && value !== null ? (value as { kind?: unknown }).kind : undefined,
    "reach.kind", ["ssh", "serial"]);
  if (kind === "serial") {
    return { kind, command: command(mapping(value, "reach", ["kind", "command"])["command"], "reach.command") };
  }
  const fields = mapping(value, "reach", ["kind", "host", "port", "user", "options"]);
  return {
    kind, host: host(fields["host"], "reach.host"), port: port(fields["port"] ?? 22, "reach.port"),
    user: text(fields["user"] ?? "root", "reach.user", /^[a-z_][a-z0-9_-]{0,31}$/, "a user's name"),
    options: options(fields["options"], "reach.options"),
  };
}

function powerOf(value: unknown): { readonly power?: NonNullable<BoardFile["power"]> } {
  if (value === undefined) return {};
  const { off, on } = mapping(value, "power", ["off", "on"]);
  return { power: { off: command(off, "power.off"), on: command(on, "power.on") } };
}

function agentOf(value: unknown): BoardFile["agent"] {
  const fields = mapping(value, "agent", ["config", "state", "command", "restart", "kill"]);
  return {
    config: path(fields["config"] ?? "/etc/kerbwatch/kerbwatch.yaml", "agent.config"),
    state: path(fields["state"] ?? "/var/lib/kerbwatch", "agent.state"),
    command: command(fields["command"] ?? "kerbwatch", "agent.command"),
    restart: command(fields["restart"] ?? "systemctl restart kerbwatch", "agent.restart"),
    kill: command(fields["kill"] ?? "systemctl kill --signal=KILL kerbwatch", "agent.kill"),
  };
}

function streetOf(value: unknown): Pick<BoardFile, "street"> {
  if (value === undefined) return {};
  const fields = mapping(value, "street", ["station", "port", "boardPort", "speed"]);
  const at = port(fields["port"] ?? 8883, "street.port");
  return { street: {
    station: oneOf(fields["station"], "street.station", PLOTS.map(({ station }) => station)), port: at,
    boardPort: port(fields["boardPort"] ?? at, "street.boardPort"),
    speed: oneOf(fields["speed"] ?? "native", "street.speed", ["native", "emulated"]),
  } };
}

/** @throws UsageError of one line that names the key, what was found and what is allowed */
export function parseBoardFile(content: string): BoardFile {
  if (content.length > MOST_CHARS) {
    throw new UsageError(`board: found ${content.length} characters; allowed: at most ${MOST_CHARS}`);
  }
  let value: unknown;
  try {
    value = load(content, { schema: CORE_SCHEMA });
  } catch (error) {
    throw new UsageError(`board: no YAML: ${(error as Error).message.split("\n")[0]}`);
  }
  const file = mapping(value, "board", KEYS);
  if (file["version"] !== 1) refuse("version", file["version"], "1");
  const charger = mapping(file["charger"], "charger", ["host", "port", "boardPort"]);
  const meter = mapping(file["meter"] ?? {}, "meter", ["port", "evse"]);
  const chargerPort = port(charger["port"] ?? 9000, "charger.port");
  return {
    name: text(file["name"], "name", /^[a-z0-9-]{1,40}$/, "1 to 40 of a-z 0-9 -"),
    reach: reachOf(file["reach"]), ...powerOf(file["power"]),
    upWithinS: number(file["upWithinS"] ?? 120, "upWithinS", 1, 3_600, true),
    outside: host(file["outside"], "outside"), bind: host(file["bind"] ?? file["outside"], "bind"),
    charger: { host: host(charger["host"], "charger.host"), port: chargerPort,
      boardPort: port(charger["boardPort"] ?? chargerPort, "charger.boardPort") },
    agent: agentOf(file["agent"] ?? {}), ...streetOf(file["street"]),
    meter: {
      port: port(meter["port"] ?? 1502, "meter.port"), evse: number(meter["evse"] ?? 1, "meter.evse", 1, 16, true),
    },
  };
}
