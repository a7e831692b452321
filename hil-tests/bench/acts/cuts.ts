/**
 * Act f: agents are killed in mid-session and a broker is cut off, all at once and with the liars gone. Charging goes
 * on, and so does agreement, with exactly as many agents as it takes.
 */
import { NORTH } from "../street-plan.ts";
import type { House } from "../street-house.ts";
import { raisedTwice } from "../street-incidents.ts";
import type { Street } from "../street.ts";
import { type Act, type Check, outcomeOf } from "./act.ts";
import { certifiedBy, isZones, nothingElse } from "./checks.ts";
import { sprayedWords, sprayWrongCards } from "./wrong-cards.ts";

const KILLED = ["N-1", "S-1"];
const CUT_OFF = "N-2";
const SESSION_S = 16;
const KILLED_AFTER_S = 4;
const BACK_WITHIN_S = 10;
const DIALLED_AGAIN_WITHIN_S = 30;

/** Kills the agent; seconds until the charger is connected again, Infinity when it is not in time. */
async function killed(street: Street, house: House, forGood: boolean): Promise<number> {
  const since = performance.now();
  const down = house.station.whenDisconnected();
  await (forGood ? house.agent.killForGood() : house.agent.kill());
  await down;
  const back = await street.until(() => house.station.connected, BACK_WITHIN_S);
  return back ? (performance.now() - since) / 1000 : Infinity;
}

async function sendLiarsHome(street: Street): Promise<void> {
  await Promise.all([...street.liars].map(async (house) => {
    await house.agent.stop();
    await street.withoutAgent(house);
  }));
}

async function logsWhole(houses: readonly House[]): Promise<Check> {
  const ran = await Promise.all(houses.map((house) => house.command("ledger", "verify")));
  const whole = ran.filter(({ code }) => code === 0).length;
  return { saw: `${whole} of ${houses.length} killed agents' logs whole`, ok: whole === houses.length };
}

function billsWhole(street: Street, before: number): Check {
  const own = street.csms.transactions.slice(before).filter(({ station }) => KILLED.includes(station));
  const whole = own.length === KILLED.length && own.every(({ ended }) => ended);
  return { saw: whole ? "their bills whole" : `${own.length} bills, ${own.filter(({ ended }) => ended).length} ended`,
    ok: whole };
}

export const cuts: Act = {
  id: "f",
  name: `agents of ${KILLED.join(" and ")} killed in mid-session, the broker of ${CUT_OFF} cut off, wrong cards again`,
  told: `back within ${BACK_WITHIN_S} s, bills and logs whole; authorization-abuse certified by all honest of north`,
  needs: ["e"],
  sabotages: { "no-restart": "nobody starts the killed agents again" },
  async play(street, sabotage) {
    await sendLiarsHome(street);
    const known = street.known();
    const [before, twiceBefore] = [street.csms.transactions.length, raisedTwice(street.said())];
    const houses = KILLED.map((id) => street.house(id));
    const cutOff = street.house(CUT_OFF);
    const sessions = houses.map((house) => house.charge({ token: street.goodToken(), seconds: SESSION_S }));
    await street.seconds(KILLED_AFTER_S);
    await cutOff.relay.cut();
    const away = await Promise.all(houses.map((house) => killed(street, house, sabotage === "no-restart")));
    const holders = street.honest(NORTH);
    const sprayed = await sprayWrongCards(street, holders, { known, holders });
    await cutOff.relay.mend();
    // Where nobody brings the agent back, what the charger has to tell would wait for ever.
    if (sabotage === "no-restart") await Promise.all(houses.map((house) => house.agent.start()));
    await Promise.all(sessions);
    const dialled = await street.until(() => cutOff.relay.connections > 0, DIALLED_AGAIN_WITHIN_S);
    const twice = raisedTwice(street.said()) - twiceBefore;
    const slowest = Math.max(...away);
    return outcomeOf([
      { saw: slowest < Infinity ? `back after ${slowest.toFixed(1)} s` : "not back", ok: slowest < Infinity },
      billsWhole(street, before),
      await logsWhole(houses),
      { saw: sprayedWords(sprayed), ok: sprayed.refused.size >= holders.length - 1 },
      certifiedBy(sprayed.incident, holders.map(({ id }) => id)),
      nothingElse(street.newIncidents(known), (one) => isZones(one, NORTH, "authorization-abuse")),
      { saw: dialled ? `${CUT_OFF} dialled again` : `nobody dials ${CUT_OFF}`, ok: dialled },
      ...(twice > 0 ? [{ saw: `${twice} incidents raised twice`, ok: false }] : []),
    ], sprayed.tookMs === undefined ? {} : { tookMs: sprayed.tookMs });
  },
};
