/** A zone of cores that witness each other's logs, and an auditor who reads what they wrote. */
import { memberOf } from "../gossip/roster.ts";
import { sameBytes } from "../gossip/bytes.ts";
import { keyName } from "./member-file.ts";
import { openCheckpoint, originOf } from "./record/checkpoint.ts";
import { cosignedAt, cosignerKeyOf } from "./record/cosignature.ts";
import { readCosigned } from "./record/cosigned.ts";
import { parseNote, verifierKeyOf } from "./record/note.ts";
import { witnessReport } from "./record/witnessing.ts";
import { crypto, entriesOf, EPOCH_S, type House, rootOfFirst, stationAt, ZoneCores } from "./zone-cores.testing.ts";

/** Checkpoints are signed once a minute: so many epochs. */
export const MINUTE = 60 / EPOCH_S;

export const street = (n: number, f: number): ZoneCores => new ZoneCores(n, f, { witnesses: true });
export const witnessingOf = ({ core }: House) => core!.state.witnessing!;
export const reportOf = (house: House) => witnessReport(witnessingOf(house));
export const isKind = (kind: string) => ({ message }: House["published"][number]): boolean => message.kind === kind;

/** So many epochs in which every agent always has something that its witnesses should see. */
export function pass(zone: ZoneCores, epochs: number): void {
  zone.pass(epochs, () => {
    for (const { core } of zone.houses) if (core !== undefined) core.state.journal.log.unseen = true;
  });
}

function ensure(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

export function logKeyOf(zone: ZoneCores, index: number) {
  const { station, keys } = memberOf(zone.roster, stationAt(index))!;
  return verifierKeyOf(crypto, originOf(station), keys.log);
}

function witnessesOf(zone: ZoneCores, index: number) {
  return zone.roster.members.filter(({ station }) => station !== stationAt(index)).map(({ station, keys }) =>
    ({ station, witnessKey: cosignerKeyOf(crypto, keyName(station, "witness"), keys.witness) }));
}

/** What a house has beside its log, as an auditor with the roster reads it: up to where, and by how many. */
export function cosigned(zone: ZoneCores, index: number): { size: number; by: number } {
  const { cosigned: note, log } = zone.house(index);
  const read = readCosigned(crypto, note ?? "", logKeyOf(zone, index), witnessesOf(zone, index));
  if (!read.ok) return { size: 0, by: 0 };
  const { size, root, lines, forged } = read.value;
  ensure(forged.length === 0 && sameBytes(rootOfFirst(log, size), root), `the log of ${index} is not the cosigned one`);
  return { size, by: lines.size };
}

/** Checker: what stands in a log of others' logs is what they have, cosigned, and never goes back. */
export function assertWitnessed(zone: ZoneCores): void {
  for (const house of zone.houses) {
    const sizes = new Map<string, number>();
    for (const entry of entriesOf(house)) {
      if (entry.kind !== "witness") continue;
      const other = zone.houses.find(({ index }) => entry.note.startsWith(`${originOf(stationAt(index))}\n`))!;
      const opened = openCheckpoint(crypto, entry.note, logKeyOf(zone, other.index));
      ensure(opened.ok, "no checkpoint");
      const { origin, size, root, text } = opened.value;
      const last = sizes.get(origin) ?? 0;
      ensure(size > last, `house ${house.index}: ${origin} goes on from ${last} with ${size}`);
      ensure(sameBytes(rootOfFirst(other.log, size), root), `house ${house.index} holds another log of ${origin}`);
      sizes.set(origin, size);
      const note = parseNote(`${entry.note}${entry.cosignature}\n`);
      const own = memberOf(zone.roster, stationAt(house.index))!;
      const key = cosignerKeyOf(crypto, keyName(own.station, "witness"), own.keys.witness);
      const timeS = note.ok ? cosignedAt(crypto, text, note.value.signatures[1]!, key) : undefined;
      ensure(timeS === Math.floor(entry.at / 1_000), `house ${house.index}: an entry without its cosignature`);
    }
  }
}
