/** `kerbwatch roster show`: what a roster says, whoever signed it. */
import { hex } from "../../../gossip/bytes.ts";
import { type Member, quorumOf, type Roster, type Zone, zoneMembers } from "../../../gossip/roster.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { MEMBER_KEYS } from "../../member-file.ts";
import { counted, plainText } from "../../plain-text.ts";
import { toBase64 } from "../../record/base64.ts";
import { type Io, parseOptions } from "../command.ts";
import { readRoster } from "./files.ts";
import type { RosterRead } from "./files.ts";
import { ONE_FILE, onlyFile } from "./only-file.ts";

function asJson({ file, roster, hash }: RosterRead): string {
  const { zones, members, operators, revoked, previous, events, people, trustedUntil, later, ...rest } = roster;
  const texts = (keys: readonly Uint8Array[]): readonly string[] => keys.map(toBase64);
  return `${JSON.stringify({
    format: 1, ...rest, hash: hex(hash), previous: hex(previous), operators: texts(operators),
    zones: zones.map((zone) => {
      const n = zoneMembers(roster, zone.id).length;
      return { ...zone, members: n, quorum: quorumOf(n, zone.f) };
    }),
    members: members.map(({ keys, ...member }) => ({
      ...member, keys: Object.fromEntries(MEMBER_KEYS.map((purpose) => [purpose, toBase64(keys[purpose])])),
    })),
    ...(people && { people: people.map((one) => ({ ...one, key: toBase64(one.key) })) }),
    ...(trustedUntil && { trustedUntil: trustedUntil.map(({ log, root, ...one }) =>
      ({ ...one, log: toBase64(log), root: toBase64(root) })) }),
    ...(later && { laterFields: later.length }),
    revoked: texts(revoked), events: events.map((event) => JSON.parse(event) as unknown),
    signatures: texts(file.signatures.map(({ key }) => key)),
  })}\n`;
}

function memberLine({ station, address, ratedW, latE6, lonE6 }: Member): string {
  const place = latE6 === 0 && lonE6 === 0 ? "place not known" : `${latE6 / 1e6}, ${lonE6 / 1e6}`;
  return `  ${station}  ${address || "no broker of its own"}  ${ratedW / 1000} kW  ${place}`;
}

function zoneLines(roster: Roster, { id, ratingW, f }: Zone): readonly string[] {
  const members = zoneMembers(roster, id);
  const rating = ratingW === 0 ? "" : `, carries ${ratingW / 1000} kW`;
  return ["", `zone ${id}: ${counted(members.length, "member", "members")}, ${f} may lie or be broken, `
    + `${quorumOf(members.length, f)} agree on a verdict${rating}`, ...members.map(memberLine)];
}

function moreLines({ people = [], trustedUntil = [] }: Roster): readonly string[] {
  const where = (zones: readonly string[]): string => (zones.length === 0 ? "all zones" : zones.join(", "));
  return [
    ...(people.length === 0 ? [] : ["", `${counted(people.length, "person", "people")} whose words count:`]),
    ...people.map(({ name, role, zones }) => `  ${role}/${name}  ${where(zones)}`),
    ...(trustedUntil.length === 0 ? [] : ["", "logs of revoked keys, and how far they are believed:"]),
    ...trustedUntil.map(({ station, size }) => `  ${station}  ${counted(size, "entry", "entries")}`),
  ];
}

function asText({ file, roster, hash }: RosterRead): string {
  const { version, network, fromEpoch, epochS, threshold, operators, zones, revoked, events } = roster;
  const counts = new Date(fromEpoch * epochS * 1000).toISOString();
  return `${[
    `Roster version ${version} of ${network}`,
    `hash        ${hex(hash)}`,
    `follows     ${version === 1 ? "nothing: it is the first" : hex(roster.previous)}`,
    `counts from epoch ${fromEpoch} (${counts}), rounds of ${epochS} s`,
    `signatures  ${file.signatures.length}; "roster verify" says whether they are good`,
    `next        ${threshold} of these ${operators.length} sign the version after it:`,
    ...operators.map((key) => `  ${toBase64(key)}`),
    ...zones.flatMap((zone) => zoneLines(roster, zone)),
    "", `${counted(revoked.length, "revoked key", "revoked keys")}, ${counted(events.length, "event", "events")}`,
    ...events.map((event) => `  ${plainText(event, 200)}`),
    ...moreLines(roster),
  ].join("\n")}\n`;
}

export async function show(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, { json: { type: "boolean" } }, ONE_FILE);
  const read = readRoster(nodeCrypto(), onlyFile(positionals), "roster");
  io.out(options.json ? asJson(read) : asText(read));
  return 0;
}
