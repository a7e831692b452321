/**
 * The roster as a running agent follows it: its file is looked at once an epoch, what follows the last version comes
 * into force, and what does not is said once while the one in force goes on. The last one in force is kept in the state
 * directory: a damaged or an older file, also at the next start, neither stops the agent nor takes it back.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Member, type Operators, type Roster } from "../../gossip/roster.ts";
import {
  createRosterChain, type KnownRoster, type Offered, offerRoster, type RosterChain, takeForce,
} from "../../gossip/roster-chain.ts";
import { decodeRosterFile, rosterHash, verifyRosterFile } from "../../gossip/roster-file.ts";
import { decodeRoster } from "../../gossip/roster-rules.ts";
import type { Crypto } from "../../models/crypto.ts";
import { rfc3339, SECOND_MS, type StationId, type WallMs } from "../../models/units.ts";
import type { Config } from "../config.ts";
import { adoptRoster, changeText } from "../adopt-roster.ts";
import type { AgentState } from "../pipeline.ts";
import { errorCode } from "./durable-file.ts";
import type { DeviceKeys } from "./keys.ts";
import { checkEpochS, loadMembership, type Membership, memberIn, type Street, trustedOperators } from "./membership.ts";
import { readRosterFile, writePublicFile } from "./roster-file.ts";

/** The roster that came into force, and this station in it; without a member the agent goes on alone. */
export interface NewForce {
  readonly before: Roster;
  readonly roster: Roster;
  /** Hash of its signed bytes, hexadecimal. */
  readonly name: string;
  readonly member: Member | undefined;
  /** Why there is none. */
  readonly problem?: string;
}

export class FollowedRoster {
  readonly chain: RosterChain;
  readonly #config: Config;
  readonly #path: string;
  readonly #crypto: Crypto;
  readonly #keys: DeviceKeys;
  readonly #notice: (text: string) => void;
  #seen: string;

  constructor(chain: RosterChain, config: Config, path: string, ports: RosterPorts) {
    this.chain = chain;
    this.#config = config;
    this.#path = path;
    this.#crypto = ports.crypto;
    this.#keys = ports.keys;
    this.#notice = ports.notice;
    this.#seen = markOf(path);
  }

  /** Looks at the file, and reads it when it is another. */
  look(epoch: number): void {
    const mark = markOf(this.#path);
    if (mark === this.#seen) return;
    this.#seen = mark;
    const read = readRosterFile(this.#path);
    this.tell(read.ok ? offerRoster(this.chain, this.#crypto, read.value) : { kind: "refused", problem: read.problem },
      epoch);
  }

  /** The one that comes into force with this epoch. */
  takeForce(epoch: number): NewForce | undefined {
    const before = this.chain.inForce.roster;
    const taken = takeForce(this.chain, epoch);
    if (taken === undefined) return undefined;
    this.keep(taken);
    const own = memberIn(taken.roster, `version ${taken.roster.version}`, this.#config, this.#keys);
    const name = Buffer.from(taken.hash).toString("hex");
    return { before, name, roster: taken.roster, member: own.ok ? own.value : undefined, ...(!own.ok && own) };
  }

  keep({ file }: KnownRoster): void {
    try {
      writePublicFile(keptPath(this.#config), file);
    } catch (error) {
      this.#notice(`roster: ${keptPath(this.#config)} cannot be written (${errorCode(error)})`);
    }
  }

  /** @param from the neighbour that it came from; absent: the file */
  tell(offered: Offered, epoch: number, from?: StationId): void {
    // What a neighbour offers in vain is counted against it: the notices are not for others to fill.
    if (from !== undefined && offered.kind === "refused") return;
    const { roster: { version, epochS } } = this.chain.inForce;
    if (offered.kind === "accepted" && offered.roster.fromEpoch > epoch) {
      const at = rfc3339(offered.roster.fromEpoch * epochS * SECOND_MS as WallMs);
      this.#notice(`roster: version ${offered.roster.version} is good and counts from ${at}`);
    }
    const where = from === undefined ? `mesh.roster: ${this.#path}` : `roster: from ${from}`;
    const goesOn = `version ${version}, the one in force, goes on`;
    if (offered.kind === "refused") this.#notice(`${where}: ${offered.problem}; ${goesOn}`);
    if (offered.kind === "fork") {
      this.#notice(`${where}: ${offered.problem}, both signed; ${goesOn}, and nothing is certified ` +
        "until a later version counts");
    }
  }
}

export interface RosterPorts {
  readonly crypto: Crypto;
  readonly keys: DeviceKeys;
  readonly notice: (text: string) => void;
}

/** Brings a roster into force in a running agent: whom it hears, and whether it goes on as a member or alone. */
export function bringInto(
  state: AgentState, street: Street | undefined, { before, roster, member, problem }: NewForce,
  notice: (text: string) => void,
): void {
  const { gossip, zone } = state;
  const { version } = roster;
  if (zone === undefined || street === undefined) {
    const text = problem ?? `version ${version} lists ${member?.station}: start the agent anew to join its zone`;
    return notice(`roster: ${text}`);
  }
  const from = gossip.zone;
  adoptRoster(state, roster, member?.zone);
  street.follow(member && roster);
  const moved = from === gossip.zone ? "" : ` ${member?.station} moves from zone ${from};`;
  notice(member === undefined ? `roster: ${problem}; watches alone`
    : `roster: version ${version} is in force:${moved} ${changeText(before, roster, gossip.zone)}`);
}

/** What changes when a file is replaced, or written to. */
function markOf(path: string): string {
  try {
    const { ino, size, ctimeMs } = statSync(path);
    return `${ino} ${size} ${ctimeMs}`;
  } catch (error) {
    return errorCode(error);
  }
}

function keptPath({ stateDir }: Config): string {
  return join(stateDir, "roster.kw");
}

/** It was verified before it was kept. */
function readKept(config: Config, { crypto, notice }: RosterPorts): KnownRoster | undefined {
  const path = keptPath(config);
  if (!existsSync(path)) return undefined;
  const read = readRosterFile(path);
  const taken = read.ok ? decodeRosterFile(read.value) : read;
  const roster = taken.ok ? decodeRoster(taken.value.bytes) : taken;
  if (!read.ok || !taken.ok || !roster.ok) {
    notice(`roster: ${path}: damaged; begins with mesh.roster, as at a first start`);
    return undefined;
  }
  return { roster: roster.value, hash: rosterHash(crypto, taken.value.bytes), file: read.value };
}

/**
 * The roster that the configuration speaks of, and this station in it; undefined without `mesh`. An agent that had a
 * roster before starts in any case, if need be alone.
 * @throws Error of one line that names the key or file, what was found and what to do
 */
export function openRoster(
  config: Config, ports: RosterPorts, epoch: number,
): { readonly followed: FollowedRoster; readonly membership: Membership | undefined } | undefined {
  const { crypto, keys, notice } = ports;
  const path = config.mesh?.roster;
  const given = trustedOperators(config, crypto);
  if (path === undefined || given === undefined) return undefined;
  const kept = readKept(config, ports);
  if (kept === undefined) {
    const membership = loadMembership(config, crypto, keys)!;
    const followed = new FollowedRoster(createRosterChain(given, membership.loaded), config, path, ports);
    followed.keep(membership.loaded);
    return { followed, membership };
  }
  const followed = new FollowedRoster(createRosterChain(given, kept), config, path, ports);
  takeAtStart(followed, given, path, ports, epoch);
  const { chain: { inForce } } = followed;
  const { roster } = inForce;
  checkEpochS(roster, config);
  const own = memberIn(roster, `version ${roster.version}`, config, keys);
  if (!own.ok) notice(`roster: ${own.problem}; watches alone`);
  return { followed, membership: own.ok ? { roster, member: own.value, keys } : undefined };
}

/** The file at a start: versions that were missed are no hindrance, nor is another street's. */
function takeAtStart(
  followed: FollowedRoster, given: Operators, path: string, { crypto }: RosterPorts, epoch: number,
): void {
  const { chain } = followed;
  const read = readRosterFile(path);
  const verified = read.ok ? verifyRosterFile(crypto, read.value, given) : read;
  const last = chain.inForce.roster;
  if (read.ok && verified.ok) {
    const { roster, hash } = verified.value;
    if (roster.network !== last.network || roster.version > last.version + 1) {
      chain.inForce = { roster, hash, file: read.value };
      return followed.keep(chain.inForce);
    }
  }
  followed.tell(read.ok ? offerRoster(chain, crypto, read.value) : { kind: "refused", problem: read.problem }, epoch);
  const taken = takeForce(chain, epoch);
  if (taken !== undefined) followed.keep(taken);
}
