/**
 * Validity: what is certified, stations really saw. Of the f + 1 supporters that a raise needs, at least one, and as
 * many as there are fewer than f liars and broken chargers, is honest and whole; the sum is recomputed in the plainest
 * way; and no honest agent ever states more than its station saw.
 */
import { hex } from "../../../../gossip/bytes.ts";
import type { Certificate } from "../../../../gossip/certificate.ts";
import { EVIDENCE_KEYS } from "../../../../models/terms.ts";
import { clipOf, SUPPORT_MILLINATS, zoneThreshold } from "../../../../models/agree/zone-laws.ts";
import { type Checker, CheckFailure, type World } from "../world.ts";
import { certificatesSeen, Statements } from "./seen.ts";

const NAME = "validity";
/** Sums are rounded where they are stated. */
const ROUNDING = 2;

export function validity(world: World): Checker {
  const statements = new Statements(world);
  const honestly = honestWords(world);
  const seen = certificatesSeen(world, (certificate) => judge(world, statements, certificate));
  return {
    name: NAME,
    said(by, message) {
      const stated = statements.take(by, message);
      // One that was made before a crash and is said when somebody asks for it is older than what rose since.
      const isFresh = stated !== undefined && stated.epoch === by.protocol?.epoch;
      if (isFresh && world.isHonest(by)) honestly(by.index, stated.evidence);
      seen.said(by, message);
    },
    epoch: seen.epoch,
  };
}

/** Growth from one statement to the next is at most what rose meanwhile. */
function honestWords(world: World): (agent: number, evidence: readonly number[]) => void {
  const last = new Map<number, { readonly evidence: readonly number[]; readonly risen: readonly number[] }>();
  return (agent, evidence) => {
    const risen = EVIDENCE_KEYS.map((_, keyIndex) => world.evidence.risen(agent, keyIndex));
    const before = last.get(agent);
    evidence.forEach((sum, keyIndex) => {
      const grew = sum - (before?.evidence[keyIndex] ?? 0);
      const rose = (risen[keyIndex] ?? 0) - (before?.risen[keyIndex] ?? 0);
      if (grew <= rose + ROUNDING) return;
      throw new CheckFailure(NAME, `agent ${agent} is honest and claims ${grew} millinats more of ` +
        `${EVIDENCE_KEYS[keyIndex]} where its station saw ${rose}`);
    });
    last.set(agent, { evidence, risen });
  };
}

function judge(world: World, { byHash }: Statements, certificate: Certificate): void {
  const { key, keyIndex, epoch, items, zone, rosterVersion } = certificate;
  const directory = world.directoryOf(rosterVersion, zone)!;
  const { members: { length: n }, zone: { f } } = directory;
  const bad = new Set([...world.liars.keys(), ...world.scenario.broken]);
  const clip = clipOf(key, { n, f });
  let [honest, all] = [0, 0];
  const growths = new Array<number>(n).fill(-clip);
  for (const { index, newer: newerHash, older: olderHash } of items) {
    const [newer, older] = [byHash.get(hex(newerHash)), byHash.get(hex(olderHash))];
    if (newer === undefined || older === undefined) {
      // Of one who was proved guilty nobody looks at what is listed: it counts as the lowest value.
      if (world.liars.has(world.agentOf(directory.members[index]!.station)!.index)) continue;
      throw new CheckFailure(NAME, `${key} at epoch ${epoch} lists a statement that nobody made`);
    }
    const growth = (newer.evidence[keyIndex] ?? 0) - (older.evidence[keyIndex] ?? 0);
    growths[index] = Math.max(-clip, Math.min(clip, growth));
    if (growth <= SUPPORT_MILLINATS) continue;
    all += 1;
    if (!bad.has(newer.by)) honest += 1;
  }
  const inZone = [...bad].filter((agent) => directory.indexOf(world.agents[agent]!.station) >= 0).length;
  const sum = growths.sort((a, b) => a - b).slice(f, n - f).reduce((a, b) => a + b, 0);
  const what = `${key} at epoch ${epoch}, signed by ${certificate.signers.join(" ")} of ${n}`;
  if (honest < f + 1 - inZone || honest < 1) {
    throw new CheckFailure(NAME, `${what}: ${honest} honest supporters of ${all}; f = ${f}, and ${inZone} are bad`);
  }
  if (sum < zoneThreshold(key, { n, f })) {
    throw new CheckFailure(NAME, `${what}: its statements add up to ${sum}, below ${zoneThreshold(key, { n, f })}`);
  }
}
