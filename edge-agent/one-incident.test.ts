/**
 * One threat of a zone is one incident and one alert, whichever of its keys are certified, in whatever order the
 * certificates come, at who was cut off or down meanwhile too: real cores under loss, from seeds.
 */
import { createHash } from "node:crypto";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { readCertificate } from "../gossip/certificate.ts";
import { LEASE_EPOCHS } from "../gossip/incidents.ts";
import { type EvidenceKey, type Threat, threatOf } from "../models/terms.ts";
import { crypto, entriesOf, type House, ZONE, ZoneCores } from "./zone-cores.testing.ts";

const KEYS: readonly (readonly EvidenceKey[])[] = [
  ["refusals", "authorization-abuse"], ["starts", "power-step", "stops"], ["energy-theft", "delivered-less-billed"],
];
const DOWN = 2;
const CUT = [3, 4];

interface Played {
  readonly zone: ZoneCores;
  readonly threat: Threat;
}

/** Six members; keys of one threat rise at different epochs, one is down for a while, two are cut off for a while. */
function played(seed: number): Played {
  const random = seeded(seed);
  const zone = new ZoneCores(6, 1);
  const keys = KEYS[random.int(KEYS.length)]!.map((key) => ({ key, from: random.int(3), nats: 2 + random.int(4) }));
  const lossPercent = [0, 20, 40][random.int(3)]!;
  const downAt = 2 + random.int(4);
  const cutAt = random.int(2) === 0 ? 2 + random.int(6) : Infinity;
  let at = 0;
  const isCut = (): boolean => at >= cutAt && at < cutAt + 25;
  zone.loses = (from, to) => {
    const [a, b] = [from, to].map((station) => CUT.some((index) => station === `CP-${index}`));
    return (isCut() && a !== b) || random.int(100) < lossPercent;
  };
  zone.pass(8);
  zone.pass(40, () => {
    for (const { key, from, nats } of keys) if (at >= from && at < from + 20) zone.suspect(key, 1_000 * nats);
    if (at === downAt) zone.kill(DOWN);
    if (at === downAt + 10) zone.start(DOWN);
    at += 1;
  });
  zone.loses = () => false;
  return { zone, threat: threatOf(keys[0]!.key) };
}

/** The plainest way to an incident's name: back from the newest certificate that anybody holds, lease by lease. */
function nameBy(houses: readonly House[], threat: Threat): string {
  const epochs = new Set(houses.flatMap((house) => entriesOf(house).flatMap((entry) => {
    const read = entry.kind === "certificate" ? readCertificate(entry.message, crypto) : undefined;
    return read !== undefined && threatOf(read.key) === threat ? [read.epoch] : [];
  })));
  const [newest, ...older] = [...epochs].sort((a, b) => b - a);
  const first = older.reduce((known, epoch) => (known - epoch < LEASE_EPOCHS ? epoch : known), newest!);
  return createHash("sha256").update(`${ZONE}\n${threat}\n${first}`).digest("hex");
}

/** Names whose last word is not that they ended. */
function standing({ alerts }: House): string[] {
  const last = new Map(alerts.map(({ incidentId, state }) => [incidentId, state]));
  return [...last].flatMap(([id, state]) => (state === "cleared" ? [] : [id]));
}

test("all end with one alert of one name, that of the earliest certificate; and clear it, each name once", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const { zone, threat } = played(seed);
    zone.pass(12);
    const { houses } = zone;
    const name = nameBy(houses, threat);
    for (const house of houses) assert.equal(standing(house), [name], `seed ${seed}, agent ${house.index}`);
    zone.pass(90);
    for (const house of houses) {
      assert.equal(standing(house), [], `seed ${seed}, agent ${house.index}`);
      const { alerts } = house;
      const begun = alerts.filter(({ state, formerly }) => state === "raised" || formerly !== undefined);
      assert.is(begun.length, new Set(alerts.map(({ incidentId }) => incidentId)).size, `seed ${seed}: each name once`);
    }
  }
});

test("who hears of a renewal first clears the name that it gave, and goes on under that of all others", () => {
  const zone = new ZoneCores(6, 1);
  const late = zone.house(5);
  zone.loses = (_, to, { kind }) => to === "CP-5" && ["proposal", "vote", "certificate"].includes(kind);
  zone.pass(8);
  zone.pass(28, () => zone.suspect("refusals", 3_000));
  assert.equal(late.alerts, []);
  const { epoch: begun } = zone.house(0).alerts[0]!.certificate!;
  const isFirst = (bytes: Uint8Array): boolean => readCertificate(bytes, crypto)?.epoch === begun;
  zone.loses = (_, to, { kind, bytes }) => to === "CP-5" && kind === "certificate" && isFirst(bytes);
  zone.pass(6, () => zone.suspect("refusals", 3_000));
  assert.equal(late.alerts.map(({ state }) => state), ["raised"]);
  zone.loses = () => false;
  zone.pass(6, () => zone.suspect("refusals", 3_000));
  const [name] = standing(zone.house(0));
  assert.equal(standing(late), [name]);
  const [first, ended, goesOn] = late.alerts;
  assert.equal([first, ended, goesOn].map((alert) => alert?.state), ["raised", "cleared", "updated"]);
  assert.is.not(first!.incidentId, name);
  assert.equal([ended!.incidentId, goesOn!.incidentId, goesOn!.formerly], [first!.incidentId, name, first!.incidentId]);
  zone.kill(5);
  zone.start(5);
  zone.pass(100);
  assert.equal(standing(late), []);
  assert.is(late.alerts.filter(({ state }) => state === "cleared").length, 2, "each name once");
});
