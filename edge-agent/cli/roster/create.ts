/** `kerbwatch roster create`: a roster from a region file and member files, ready to be signed. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { hex, sameBytes } from "../../../gossip/bytes.ts";
import {
  encodeRoster, MAX_ROSTER_BYTES, type Member, type Person, type Roster, type TrustedUntil,
} from "../../../gossip/roster.ts";
import { encodeRosterFile, rosterHash } from "../../../gossip/roster-file.ts";
import { decodeRoster } from "../../../gossip/roster-rules.ts";
import type { Crypto } from "../../../models/crypto.ts";
import type { StationId, WallMs } from "../../../models/units.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { isPrimeOrderKey } from "../../adapters/prime-order.ts";
import { readSmallText } from "../../adapters/roster-file.ts";
import {
  type Enrolment, MAX_MEMBER_FILE_CHARS, MEMBER_KEYS, memberFileName, parseMemberFile,
} from "../../member-file.ts";
import { parsePersonKey } from "../../operators.ts";
import { counted, shown } from "../../plain-text.ts";
import { parseRegion, type Region } from "../../region.ts";
import { goneFrom, lastTrusted } from "../../evidence/last-trusted.ts";
import { refuse } from "../../refuse.ts";
import { planRoster } from "../../roster-plan.ts";
import { type Io, parseOptions, UsageError } from "../command.ts";
import { must, readOperatorsOption, readRoster, written } from "./files.ts";

const MAX_REGION_BYTES = 4_000_000;
const MAX_EPOCH = 2 ** 32 - 1;
const MAX_NOTES_BYTES = 1_000_000;
const MOST_NAMED = 5;
const TLOG_PROOF = "c2sp.org/tlog-proof@v1\n";

const OPTIONS = {
  region: { type: "string", required: true, value: "FILE" },
  members: { type: "string", required: true, value: "DIR" },
  operators: { type: "string", required: true, value: "FILE" },
  out: { type: "string", required: true, value: "FILE" },
  previous: { type: "string", value: "FILE" },
  last: { type: "string", multiple: true, value: "FILE" },
  "from-epoch": { type: "string", value: "N" },
  epoch: { type: "string", value: "S" },
} as const;

function whole(option: string, text: string | undefined, low: number, high: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value >= low && value <= high ? value : refuse(option, text, `a whole number from ${low} to ${high}`);
}

function readRegion(path: string): Region {
  const text = must(readSmallText(path, MAX_REGION_BYTES), "--region");
  try {
    return parseRegion(text);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`--region ${path}: ${error.message}`) : error;
  }
}

/** The member file of one station, which must speak of that station and hold keys that are safe to trust. */
export function readEnrolment(crypto: Crypto, folder: string, station: StationId): Enrolment {
  const path = join(folder, memberFileName(station));
  const text = must(readSmallText(path, MAX_MEMBER_FILE_CHARS), `--members: ${station} of the region`);
  const enrolment = must(parseMemberFile(crypto, text), path);
  if (enrolment.station !== station) {
    refuse(`${path}: station`, enrolment.station, `${station}, as the file's name says`);
  }
  for (const purpose of MEMBER_KEYS) {
    if (!isPrimeOrderKey(enrolment.keys[purpose])) {
      refuse(`${path}: keys.${purpose}`, "a point outside the group", "an Ed25519 key that keygen made");
    }
  }
  return enrolment;
}

/** Member files that no station of the region needs: said, since a forgotten line in the region looks like that. */
function strangers(folder: string, known: ReadonlyMap<StationId, Enrolment>): readonly string[] {
  const needed = new Set([...known.keys()].map(memberFileName));
  return readdirSync(folder).filter((name) => name.endsWith(".member.json") && !needed.has(name)).sort();
}

/** Whose words count, as the region file lists them. */
function peopleIn(crypto: Crypto, { people }: Region): readonly Person[] {
  return people.map(({ key, zones }, i) => {
    const { label, role, publicKey } = must(parsePersonKey(crypto, key), `people[${i}]: found ${shown(key)}`);
    return { name: label, role, key: publicKey, zones };
  });
}

/** Notes one after another, as `ledger witnessed` prints them; or one behind a proof of an entry, as `reset` does. */
function notesIn(path: string): string[] {
  const text = must(readSmallText(path, MAX_NOTES_BYTES), "--last");
  return text.split(/(?<=\n)(?=kerbwatch\/)/).filter((part) => !part.startsWith(TLOG_PROOF));
}

/** How far the logs are believed that go with this version. */
function trustedIn(
  crypto: Crypto, previous: Roster | undefined, members: readonly Member[], files: readonly string[], io: Io,
): readonly TrustedUntil[] {
  if (previous === undefined) {
    return files.length === 0 ? [] : refuse("--last", files[0], "with --previous, whose members go");
  }
  const gone = goneFrom(previous, members);
  const trusted = must(lastTrusted(crypto, previous, gone, files.flatMap(notesIn)), "--last");
  const without = gone.filter(({ keys }) => !trusted.some(({ log }) => sameBytes(log, keys.log)));
  if (without.length > 0) {
    const who = without.length > MOST_NAMED ? `${without.length} members`
      : without.map(({ station }) => station).join(", ");
    io.err(`kerbwatch: no last checkpoint of ${who}: with this version nothing of such a log is believed any more; `
      + "neighbours have one (ledger witnessed), for --last\n");
  }
  return trusted;
}

function summary(roster: Roster, hash: Uint8Array, out: string): string {
  const { version, network, members, zones, fromEpoch, threshold, operators, revoked } = roster;
  return `Roster version ${version} of ${network}: ${counted(members.length, "member", "members")} in `
    + `${counted(zones.length, "zone", "zones")}, from epoch ${fromEpoch}, ${revoked.length} revoked keys.\n`
    + `hash      ${hex(hash)}\n`
    + `written   ${out}, not signed yet; ${threshold} of ${operators.length} operators sign the one after it\n`
    + `next      kerbwatch roster sign ${out} --key OPERATOR.key\n`;
}

export async function create(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  const crypto = nodeCrypto();
  const fromEpoch = whole("--from-epoch", options["from-epoch"], 0, MAX_EPOCH);
  const epochS = whole("--epoch", options.epoch, 1, 3_600);
  const operators = readOperatorsOption(crypto, options.operators);
  const previous = options.previous === undefined ? undefined : readRoster(crypto, options.previous, "--previous");
  const region = readRegion(options.region);
  const stations = region.zones.flatMap((zone) => zone.stations);
  const enrolments = new Map(stations.map(({ id }) => [id, readEnrolment(crypto, options.members, id)]));
  const planned = planRoster({
    region, enrolments, operators, now: Date.now() as WallMs, ...(previous && { previous }),
    people: peopleIn(crypto, region), ...(fromEpoch !== undefined && { fromEpoch }),
    ...(epochS !== undefined && { epochS }),
  });
  const trusted = trustedIn(crypto, previous?.roster, planned.members, options.last, io);
  const bytes = encodeRoster({ ...planned, trustedUntil: [...planned.trustedUntil ?? [], ...trusted] });
  const roster = must(decodeRoster(bytes), "roster");
  const file = encodeRosterFile({ bytes, signatures: [] });
  if (file.length > MAX_ROSTER_BYTES) refuse("roster", `${file.length} bytes`, `at most ${MAX_ROSTER_BYTES}`);
  if (!written(options.out, file, io.err)) return 1;
  for (const name of strangers(options.members, enrolments)) {
    io.err(`kerbwatch: ${join(options.members, name)}: left out; its station is not in ${options.region}\n`);
  }
  io.out(summary(roster, rosterHash(crypto, bytes), options.out));
  return 0;
}
