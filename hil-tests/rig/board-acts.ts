/** What the board must withstand: a session, a killed agent, power cuts while it writes, a boot without a clock. */
import { seeded } from "../../build/seeded.ts";
import { type Check, outcomeOf, type Outcome } from "../bench/acts/act.ts";
import { type Bench, TOKEN } from "./board-bench.ts";

const SESSION_S = 8;
const SEED = 8;

/** A visit from outside, through the agent. */
export async function chargeOnce(bench: Bench): Promise<Check> {
  const station = await bench.charger();
  const before = bench.csms.transactions.filter((one) => one.ended).length;
  const { authorization, billedWh } = await station.session({
    token: TOKEN, seconds: SESSION_S, powerW: 50_000,
    onFlow: ({ powerW, deliveredWh }) => bench.meter.set({ powerW, energyImportWh: deliveredWh }),
  });
  const bills = bench.csms.transactions.filter((one) => one.ended).length - before;
  return { saw: `${authorization}, ${billedWh} Wh, ${bills} bill at the CSMS`,
    ok: authorization === "Accepted" && billedWh > 0 && bills === 1 };
}

export async function playSession(bench: Bench): Promise<Outcome> {
  const upS = await bench.power();
  const { saw, ok } = await chargeOnce(bench);
  return outcomeOf([{ saw: `chargers can connect ${upS.toFixed(0)} s after power-on; ${saw}`, ok }]);
}

export async function playKill(bench: Bench): Promise<Outcome> {
  if (bench.machine === undefined) await bench.power();
  const station = bench.station ?? await bench.charger();
  const before = await bench.agentUp();
  const down = station.whenDisconnected();
  await bench.run(`kill -9 ${before}`);
  await down;
  const since = performance.now();
  await station.whenConnected();
  const backS = (performance.now() - since) / 1000;
  const after = await bench.agentUp();
  return outcomeOf([{ saw: `the charger is back after ${backS.toFixed(1)} s`, ok: after !== before }]);
}

/** While the log is written each second and cards are tried the power goes; the log is read after the next start. */
async function cutOnce(bench: Bench, waitMs: number): Promise<Check> {
  const station = await bench.charger();
  const writing = (async (): Promise<void> => {
    for (let card = 0; card < 200; card++) await station.authorize(`0BAD${card}`);
  })().catch(() => undefined); // the power is gone
  const before = (await bench.status())?.log.entries ?? Infinity;
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  await bench.off();
  await writing;
  await bench.power();
  const log = await bench.log();
  if (log === undefined) return { saw: `a log that is not whole, cut after ${waitMs} ms`, ok: false };
  return { saw: `${log.size} entries, ${before} before it`, ok: log.size >= before };
}

export async function playCuts(bench: Bench, cuts: number): Promise<Outcome> {
  if (bench.machine === undefined) await bench.power();
  await bench.restart("busy");
  const random = seeded(SEED);
  const checks: Check[] = [];
  for (let cut = 0; cut < cuts; cut++) checks.push(await cutOnce(bench, random.int(2_500)));
  await bench.restart("alone");
  const bad = checks.filter(({ ok }) => !ok);
  return outcomeOf([{ saw: `${cuts - bad.length} of ${cuts} times the log was whole after it and had all that it had `
    + `before: ${checks.at(-1)?.saw}`, ok: bad.length === 0 && cuts > 0 }, ...bad]);
}

export async function playNoClock(bench: Bench): Promise<Outcome> {
  await bench.power({ clock: "1970-01-01T00:00:00" });
  const station = await bench.charger();
  const answer = await station.authorize(TOKEN);
  const clock = (await bench.status())?.clock.state ?? "none";
  return outcomeOf([
    { saw: `frames pass: ${answer}`, ok: answer === "Accepted" },
    { saw: `the clock is ${clock}`, ok: clock !== "good" && clock !== "none" },
  ]);
}
