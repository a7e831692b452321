/** Act g: every log is whole and signed, and the honest agents of a zone hold the same certificates. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { epochOf, type WallMs } from "../../../models/units.ts";
import type { House } from "../street-house.ts";
import { inTurn, type Street } from "../street.ts";
import { ZONES } from "../street-plan.ts";
import { certificatesIn, compareCertificates } from "../street-record.ts";
import { type Act, type Check, outcomeOf } from "./act.ts";
import { nothing } from "./checks.ts";

const AT_ONCE = 2;
/** What was lost on the way is repaired by digests, which each agent sends every few epochs. */
const SPREAD_EPOCHS = 8;
const TAMPERED = "N-3";

/** One bit of one entry, as somebody would who wants something not to have been. */
function tamper(house: House): void {
  const folder = join(house.state, "log");
  const path = join(folder, readdirSync(folder).filter((name) => name.endsWith(".seg")).sort()[0]!);
  const bytes = readFileSync(path);
  // Zeros are laid out behind the entries.
  bytes[bytes.findLastIndex((byte) => byte !== 0) >> 1]! ^= 1;
  writeFileSync(path, bytes);
}

async function verifyAll(houses: readonly House[]): Promise<Check> {
  const bad: string[] = [];
  let entries = 0;
  await inTurn(houses, AT_ONCE, async (house) => {
    const { code, out } = await house.command("ledger", "verify", "--json");
    const report = out.startsWith("{") ? JSON.parse(out) as { ok: boolean; size: number } : undefined;
    entries += report?.size ?? 0;
    if (code !== 0 || report?.ok !== true) bad.push(house.id);
  });
  const saw = `${houses.length - bad.length} of ${houses.length} logs whole and signed (${entries} entries)`;
  return { saw: bad.length === 0 ? saw : `${saw}, not ${bad.sort().join(", ")}`, ok: bad.length === 0 };
}

function sameInAll(street: Street, zone: (typeof ZONES)[number], upTo: number): Check {
  const honest = street.honest(zone);
  const logs = honest.map(({ state }) => certificatesIn(state, street.roster));
  const { all, same, bad } = compareCertificates(logs, zone, upTo);
  const saw = `${zone}: ${same} of ${all} certificates in all ${honest.length} honest logs`;
  return { saw: bad.length === 0 ? saw : `${saw}, ${bad.length} not good (${bad[0]})`,
    ok: all > 0 && same === all && bad.length === 0 };
}

export const record: Act = {
  id: "g",
  name: "the record, read by ledger verify and checked from the roster alone",
  told: "twelve logs whole and signed; the same certificates, all good, at all honest agents of a zone",
  needs: ["c", "d"],
  sabotages: { "changed-log": `one bit of an entry in the log of ${TAMPERED} is turned` },
  async play(street, sabotage) {
    const known = street.known();
    const upTo = epochOf(Date.now() as WallMs, street.ground.epochS);
    await street.epochs(SPREAD_EPOCHS);
    if (sabotage === "changed-log") tamper(street.house(TAMPERED));
    return outcomeOf([
      await verifyAll(street.houses),
      ...ZONES.map((zone) => sameInAll(street, zone, upTo)),
      nothing(street.newIncidents(known)),
    ]);
  },
};
