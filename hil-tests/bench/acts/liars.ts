/** Act e: in each zone one agent lies. Lies move no verdict, and who contradicts itself is named. */
import { join } from "node:path";
import { repoRoot } from "../../../build/paths.ts";
import { NORTH } from "../street-plan.ts";
import type { House } from "../street-house.ts";
import type { Incident } from "../street-incidents.ts";
import { type Act, outcomeOf } from "./act.ts";
import { nothingElse } from "./checks.ts";

const EQUIVOCATOR = "N-6";
const FRAMER = "S-6";
/** Longer than a proposal, its votes and every agent's turn to propose take. */
const LYING_EPOCHS = 12;
const LIED_WITHIN_S = 40;
const NAMED_WITHIN_S = 30;
const SESSION_S = 10;

const LIAR = ["build/run.mjs", "hil-tests/attackers/liar-agent.ts"].map((path) => join(repoRoot, path));

async function putLiar(house: House, behaviour: "frame" | "equivocate"): Promise<void> {
  await house.replaceAgent([...LIAR, "--config", house.config, "--behaviour", behaviour]);
}

/** Epochs in which the liar said that it lied. */
function epochsLied(house: House, behaviour: string): number {
  const epochs = house.replacedSaid().flatMap((line) => /^epoch (\d+), (\w+)/.exec(line)?.slice(1).join(" ") ?? []);
  return new Set(epochs.filter((one) => one.endsWith(` ${behaviour}`))).size;
}

const names = ({ threat, by }: Incident): boolean => threat === "agent-misbehaviour"
  && [...by.values()].every(({ zone, stations, evidence }) =>
    zone === NORTH && stations.join() === EQUIVOCATOR && evidence.length > 0);

export const liars: Act = {
  id: "e",
  name: `${EQUIVOCATOR} says two things at once, ${FRAMER} claims everything at the maximum`,
  told: `${EQUIVOCATOR} named with proof by the other five of north; no false verdict; both charge on`,
  needs: [],
  sabotages: { "honest-liars": "both go on telling the truth" },
  async play(street, sabotage) {
    const known = street.known();
    const [equivocator, framer] = [street.house(EQUIVOCATOR), street.house(FRAMER)];
    const lying = [equivocator, framer];
    for (const house of lying) street.liars.add(house);
    if (sabotage !== "honest-liars") {
      await Promise.all([putLiar(equivocator, "equivocate"), putLiar(framer, "frame")]);
    }
    const charged = Promise.all(lying.map(async (house) => {
      await house.station.whenConnected();
      return await house.charge({ token: street.goodToken(), seconds: SESSION_S });
    }));
    const judges = street.honest(NORTH).map(({ id }) => id);
    const namers = (): string[] => judges.filter((id) =>
      street.newIncidents(known).some((one) => names(one) && one.by.has(id)));
    await street.until(() => namers().length === judges.length, NAMED_WITHIN_S);
    const sessions = await charged;
    const lied = (): number => Math.min(epochsLied(equivocator, "equivocate"), epochsLied(framer, "frame"));
    await street.until(() => lied() >= LYING_EPOCHS, sabotage === "honest-liars" ? 0 : LIED_WITHIN_S);
    const billed = sessions.filter(({ authorization, billedWh }) => authorization === "Accepted" && billedWh > 0);
    return outcomeOf([
      { saw: `they lied for ${lied()} epochs`, ok: lied() >= LYING_EPOCHS },
      { saw: `named with proof by ${namers().length} of ${judges.length}`, ok: namers().length === judges.length },
      nothingElse(street.newIncidents(known), names),
      { saw: `${billed.length} of their chargers charged`, ok: billed.length === lying.length },
    ]);
  },
};
