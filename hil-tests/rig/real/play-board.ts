/** `npm run hil board -- --board FILE [--dry-run]`: the board that a file describes, over SSH or its console. */
import { type Check, outcomeOf } from "../../bench/acts/act.ts";
import { BenchCsms } from "../../bench/csms.ts";
import { type SimulatedMeter, startModbusMeter } from "../../bench/modbus-meter.ts";
import { BenchStation } from "../../bench/station.ts";
import { Recorder } from "../recorder.ts";
import type { BoardFile } from "./board-file.ts";
import { type BoardLink, linkTo, type Ran, runHere, sshWords } from "./board-link.ts";
import { actsOf, type BoardAct, SESSION, STATION, type Step, stepText, TOKEN } from "./board-steps.ts";
import { NO_PARTITION, playBoardStreet, type StreetChoice, streetActs } from "./board-street.ts";

const LOOK_MS = 1_000;
/** Of a dry run, where no CSMS listens yet. */
const CSMS_PORT = 9100;

export interface RealOptions extends StreetChoice {
  readonly xml?: string;
  readonly json?: string;
}

/** The last act, after which the board is as it was found. */
const RESTORE = "restore";

/** What would be done, in its order. */
export function dryRun(file: BoardFile, choice: StreetChoice = { quick: false, keep: false }): string {
  const { reach } = file;
  const how = reach.kind === "ssh" ? `${sshWords(reach).join(" ")} COMMAND` : `${reach.command}, typed on it`;
  const acts = actsOf(file, CSMS_PORT).flatMap(({ id, name, steps }) =>
    [`${id}: ${name}`, ...steps.map((step) => `  ${stepText(file, step)}`)]);
  const power = file.power === undefined ? ["no power act: the file has no `power`"] : [];
  const { station } = file.street ?? {};
  const street = station === undefined ? "no street: the file has no `street`"
    : `before ${RESTORE}, the street's acts ${streetActs(choice).join(", ")}, the board as ${station}; ${NO_PARTITION}`;
  const lines = [`${file.name}: commands on the board by: ${how}`, ...acts, ...power, street];
  return lines.map((line) => `${line}\n`).join("");
}

class RealBench {
  readonly #file: BoardFile;
  readonly #link: BoardLink;
  readonly #csms: BenchCsms;
  readonly #meter: SimulatedMeter;
  #station: BenchStation | undefined;

  constructor(file: BoardFile, link: BoardLink, csms: BenchCsms, meter: SimulatedMeter) {
    this.#file = file;
    this.#link = link;
    this.#csms = csms;
    this.#meter = meter;
  }

  async take(step: Step): Promise<Check> {
    if (step.on === "charger") return await this.#charger(step.does);
    if ("until" in step) return await this.#until(step.until, step.saw);
    return step.judge(await (step.on === "here" ? runHere(step.command) : this.#link.run(step.command)));
  }

  async #until(command: string, saw: string): Promise<Check> {
    const begun = performance.now();
    for (let last: Ran | undefined; ;) {
      const tookS = (performance.now() - begun) / 1000;
      if (last?.code === 0) return { saw: `${saw} after ${tookS.toFixed(0)} s`, ok: true };
      if (tookS > this.#file.upWithinS) {
        return { saw: `not so that ${saw}: ${last?.out.trim().slice(-200) ?? ""}`, ok: false };
      }
      if (last !== undefined) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      last = await this.#link.run(command);
    }
  }

  async #charger(does: "connects" | "charges" | "comes back"): Promise<Check> {
    const { host, port } = this.#file.charger;
    if (does === "connects") {
      await this.#station?.close();
      this.#station = new BenchStation({
        id: STATION, ocppVersion: "1.6", url: `ws://${host}:${port}`, registerWh: 1_000_000, firmwareVersion: "1.0.0",
      });
      await this.#station.connect();
      await this.#station.boot();
      return { saw: "a charger connected", ok: true };
    }
    if (this.#station === undefined) return { saw: "no charger: the session act was left out", ok: false };
    if (does === "comes back") {
      await this.#station.whenConnected();
      const status = await this.#station.authorize(TOKEN);
      return { saw: `the charger is back: ${status}`, ok: status === "Accepted" };
    }
    const { authorization, billedWh } = await this.#station.session({
      ...SESSION, onFlow: ({ powerW, deliveredWh }) => this.#meter.set({ powerW, energyImportWh: deliveredWh }),
    });
    const bills = this.#csms.transactions.filter((one) => one.ended).length;
    return { saw: `${authorization}, ${billedWh} Wh billed, ${bills} bill`,
      ok: authorization === "Accepted" && billedWh > 0 && bills === 1 };
  }

  async close(): Promise<void> {
    await this.#station?.close();
    await Promise.all([this.#csms.close(), this.#meter.close()]);
    this.#link.close();
  }
}

/** Stops at the first step of an act that is not as told. */
async function playSteps(bench: RealBench, { steps }: BoardAct): Promise<ReturnType<typeof outcomeOf>> {
  const checks: Check[] = [];
  for (const step of steps) {
    checks.push(await bench.take(step));
    if (checks.at(-1)?.ok !== true) break;
  }
  return outcomeOf(checks);
}

/** Gives the exit code. */
export async function playReal(file: BoardFile, options: RealOptions): Promise<number> {
  const recorder = new Recorder(file.name);
  const csms = await BenchCsms.listen({ host: file.bind, tokens: [TOKEN] });
  const meter = await startModbusMeter({
    host: file.bind, port: file.meter.port, model: "sdm630", quantities: { voltageV: 230 },
  });
  const link = linkTo(file.reach);
  const bench = new RealBench(file, link, csms, meter);
  const { acts } = options;
  try {
    for (const act of actsOf(file, Number(new URL(csms.url).port))) {
      if (act.id === RESTORE) await playBoardStreet(file, link, recorder, options);
      if (acts?.includes(act.id) ?? true) await recorder.play(act, () => playSteps(bench, act));
    }
  } finally {
    await bench.close();
  }
  return recorder.end(options);
}
