/** Act g: every log is whole and signed, and the honest agents of a zone hold the same certificates. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { House } from "../street-house.ts";
import { incidentsOf } from "../street-incidents.ts";
import { inTurn, type Street } from "../street.ts";
import { ZONES } from "../street-plan.ts";
import { type Act, type Check, outcomeOf } from "./act.ts";
import { holdersOf, nothing } from "./checks.ts";

const AT_ONCE = 2;
const TAMPERED = "N-3";

/** One bit of one entry, as somebody would who wants something not to have been. */
function tamper(house: House): void {
  const folder = join(house.state, "log");
  const segment = readdirSync(folder).filter((name) => name !== "checkpoint").sort()[0]!;
  const path = join(folder, segment);
  const bytes = readFileSync(path);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
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

/** What each honest agent of a zone holds as certified by that zone. */
function compareCertificates(street: Street, zone: (typeof ZONES)[number]): Check {
  const agents = street.honest(zone).map(({ id }) => id);
  const certified = incidentsOf(street.said())
    .filter((one) => one.scope === "zone" && one.zone === zone && holdersOf(one).length > 0);
  const same = certified.filter((one) => holdersOf(one).length === agents.length);
  return { saw: `${zone}: ${same.length} of ${certified.length} certified incidents held by all ${agents.length}`,
    ok: same.length === certified.length && certified.length > 0 };
}

export const record: Act = {
  id: "g",
  name: "the record, read by ledger verify",
  told: "twelve logs whole and signed; the same certificates at all honest agents of a zone",
  needs: ["c", "d"],
  sabotages: { "changed-log": `one bit of an entry in the log of ${TAMPERED} is turned` },
  async play(street, sabotage) {
    const known = street.known();
    if (sabotage === "changed-log") tamper(street.house(TAMPERED));
    return outcomeOf([
      await verifyAll(street.houses),
      ...ZONES.map((zone) => compareCertificates(street, zone)),
      nothing(street.newIncidents(known)),
    ]);
  },
};
