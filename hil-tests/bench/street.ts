/**
 * The street of `npm start`: two zones of six charging places, one CSMS behind them all. Everything runs on this
 * machine and in one temporary folder; `close` leaves nothing of it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { askStatus } from "../../edge-agent/adapters/agent-client.ts";
import type { Status } from "../../edge-agent/status.ts";
import type { Alert } from "../../models/terms.ts";
import type { ZoneId } from "../../models/units.ts";
import { endEveryProcess } from "./agent-process.ts";
import { systemClock } from "./bench-clock.ts";
import { BenchCsms } from "./csms.ts";
import { enrol, signedRoster } from "./street-enrolment.ts";
import { type Ground, LOOPBACK } from "./street-ground.ts";
import { House, type StreetFacts } from "./street-house.ts";
import { type Incident, incidentsOf } from "./street-incidents.ts";
import { LEARNED_DAYS, type Learned, learnStation } from "./street-learning.ts";
import { afternoonZone, PER_ZONE, PLOTS, regionFile } from "./street-plan.ts";
import type { BenchStation } from "./station.ts";

/** How often a wait looks. */
const LOOK_EVERY_MS = 100;
const STATUS_WITHIN_MS = 900;
/** Neighbours dial at once and again after a second or two; a machine that is busy takes longer. */
const TOGETHER_WITHIN_S = 60;
/** Growth is counted from the first statement on. */
const EPOCHS_BEFORE_ACTS = 3;
const HEARTBEAT_S = 10;

export interface Notes {
  /** One line about what is being done. */
  note(text: string): void;
  /** How much of the learning lies behind, in [0, 1]. */
  learning(share: number): void;
}

/** The incidents that an act need not explain. */
export type Known = ReadonlySet<string>;

export class Street {
  readonly folder: string;
  readonly csms: BenchCsms;
  readonly houses: readonly House[];
  readonly ground: Ground;
  /** Aborted when somebody wants it all to end. */
  readonly stop: AbortSignal;
  /** Houses in which a liar took the agent's place. */
  readonly liars = new Set<House>();
  readonly learned = new Map<House, Learned>();
  #facts: StreetFacts | undefined;
  #tokens = 0;
  readonly #judged = new Set<string>();

  private constructor(
    folder: string, csms: BenchCsms, houses: readonly House[], ground: Ground, stop: AbortSignal,
  ) {
    this.folder = folder;
    this.ground = ground;
    this.csms = csms;
    this.houses = houses;
    this.stop = stop;
  }

  /** An empty street in a folder of its own: nothing learned, no agent running. */
  static async lay(stop: AbortSignal, ground: Ground = LOOPBACK): Promise<Street> {
    const folder = mkdtempSync(join(tmpdir(), "kerbwatch-"));
    const csms = await BenchCsms.listen({ host: ground.bind ?? ground.hub, tokens: [], heartbeatS: HEARTBEAT_S });
    const houses: House[] = [];
    for (const plot of PLOTS) houses.push(await House.build(plot, folder, ground));
    return new Street(folder, csms, houses, ground, stop);
  }

  /**
   * Keys, learning, roster, agents, chargers. Settles when every agent states and hears its neighbours.
   * @param pages whether agents serve their pages
   */
  async open(notes: Notes, pages = false): Promise<void> {
    const timezone = afternoonZone(new Date());
    await this.#learn(timezone, notes);
    const wish = { folder: this.folder, region: regionFile(PLOTS, timezone), epochS: this.ground.epochS };
    const { operator, roster } = await signedRoster(wish, this.stop);
    const { folder, csms: { url }, ground: { epochS, hub } } = this;
    this.#facts = { folder, csms: `ws://${hub}:${new URL(url).port}`, operator, roster, epochS, pages };
    notes.note("the roster is signed; starting twelve agents and twelve chargers");
    await this.#eachInTurn(async (house) => {
      await house.startAgent(this.#facts!);
      await house.startCharger(this.learned.get(house)?.firmware ?? "");
    });
    const since = performance.now();
    if (!await this.until(() => this.#together(), TOGETHER_WITHIN_S)) throw new Error(this.#apart());
    notes.note(`every agent is connected to its neighbours (${((performance.now() - since) / 1000).toFixed(1)} s)`);
    await this.epochs(EPOCHS_BEFORE_ACTS);
  }

  get roster(): string {
    return this.#facts?.roster ?? "";
  }

  zone(id: ZoneId): readonly House[] {
    return this.houses.filter(({ zone }) => zone === id);
  }

  /** The agents that tell the truth: all, or those of a zone. */
  honest(id?: ZoneId): readonly House[] {
    return this.houses.filter((house) => !this.liars.has(house) && (id === undefined || house.zone === id));
  }

  house(id: string): House {
    const house = this.houses.find((one) => one.id === id);
    if (house === undefined) throw new RangeError(`${id} is not on the street`);
    return house;
  }

  /** A card that the CSMS knows; another each time, as drivers are. */
  goodToken(): string {
    const token = `04A1${String(this.#tokens += 1).padStart(6, "0")}`;
    this.csms.tokens.add(token);
    return token;
  }

  /** A card that nobody gave out; another each time. */
  wrongToken(): string {
    return `0BAD${String(this.#tokens += 1).padStart(6, "0")}`;
  }

  said(): (readonly [agent: string, alerts: readonly Alert[]])[] {
    return this.honest().map((house) => [house.id, house.alerts()] as const);
  }

  /** What acts have looked at so far; whatever was raised between two acts is for the next one to explain. */
  known(): Known {
    return new Set(this.#judged);
  }

  newIncidents(known: Known): Incident[] {
    const found = incidentsOf(this.said(), known);
    for (const { id } of found) this.#judged.add(id);
    return found;
  }

  /** Looks until something is so; false when it was not within that time, as long as it is here. */
  async until(isSo: () => boolean, withinS: number): Promise<boolean> {
    return await this.#look(isSo, withinS * this.ground.pace);
  }

  /** The same, within so many rounds. */
  async untilEpochs(isSo: () => boolean, count: number): Promise<boolean> {
    return await this.#look(isSo, count * this.ground.epochS);
  }

  async #look(isSo: () => boolean, withinS: number): Promise<boolean> {
    for (const endMs = performance.now() + 1000 * withinS; ;) {
      if (isSo()) return true;
      if (performance.now() >= endMs) return false;
      await this.seconds(LOOK_EVERY_MS / 1000);
    }
  }

  /** Once all is to end no wait ends any more: an act that goes on would start anew what is being closed. */
  async seconds(s: number): Promise<void> {
    await systemClock.wait(1000 * s, this.stop);
    if (this.stop.aborted) await new Promise<never>(() => {});
  }

  async epochs(count: number): Promise<void> {
    await this.seconds(count * this.ground.epochS);
  }

  /** The way back: a charger without its agent, connected to the CSMS as before. */
  async withoutAgent(house: House): Promise<BenchStation> {
    await house.startCharger(this.learned.get(house)?.firmware ?? "", this.csms.url);
    return house.station;
  }

  /** What each agent says of itself; undefined for one that does not answer. */
  async statuses(): Promise<Map<House, Status | undefined>> {
    const withinMs = STATUS_WITHIN_MS * this.ground.pace;
    const asked = await Promise.all(this.houses.map((house) => askStatus(house.state, withinMs)));
    return new Map(this.houses.map((house, i) => {
      const one = asked[i];
      return [house, one?.kind === "status" ? one.status : undefined];
    }));
  }

  /** Of each agent that ended though nobody had asked for it: which, and how. */
  deaths(): string[] {
    return this.houses.flatMap(({ id, agent }) => agent.deaths.map((how) => `${id} (${how})`));
  }

  /** Whoever wants it all to end does not want to wait until agents have saved what is then removed. */
  async close(keepFolder: boolean): Promise<void> {
    const gently = keepFolder || !this.stop.aborted;
    await Promise.all(this.houses.map((house) => house.close(gently)));
    await this.csms.close();
    await endEveryProcess();
    if (!keepFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  async #learn(timezone: string, notes: Notes): Promise<void> {
    const now = new Date();
    notes.note(`twelve chargers make keys and learn ${LEARNED_DAYS} days of honest traffic each, in virtual time`);
    notes.learning(0);
    await this.#eachInTurn(async (house) => {
      const { id, plot, state, folder, advertised } = house;
      await enrol({ id, state, address: advertised }, this.folder, this.stop);
      const learned = await learnStation({ plot, state, folder, timezone, now, signal: this.stop });
      this.learned.set(house, learned);
      house.setMeter(learned.meterWh);
      notes.learning(this.learned.size / this.houses.length);
    });
    const all = [...this.learned.values()];
    const [lines, raised] = [all.reduce((sum, one) => sum + one.lines, 0), all.filter((one) => one.raised > 0).length];
    notes.note(`learned from ${lines.toLocaleString("en-GB")} frames and meter readings; ` +
      (raised === 0 ? "nothing of it would have raised an alert" : `${raised} would have raised an alert`));
  }

  async #eachInTurn(work: (house: House) => Promise<void>): Promise<void> {
    await inTurn(this.houses, Math.max(2, availableParallelism()), async (house) => {
      this.stop.throwIfAborted();
      await work(house);
    });
  }

  /** In a zone of six everybody dials everybody, and some of the other zone besides. */
  #together(): boolean {
    return this.houses.every(({ relay }) => relay.connections >= PER_ZONE - 1);
  }

  #apart(): string {
    const counts = this.houses.map(({ id, relay }) => `${id} ${relay.connections}`);
    return `not all neighbours are connected after ${TOGETHER_WITHIN_S} s: ${counts.join(", ")}`;
  }
}

/** Works on so many at a time; after one that failed no other is begun, and all that were begun have ended. */
export async function inTurn<T>(
  all: readonly T[], atOnce: number, work: (one: T) => Promise<void>,
): Promise<void> {
  const waiting = [...all];
  const worker = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(one);
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, () => worker().catch((error: unknown) => {
    waiting.length = 0;
    throw error;
  })));
  const failed = ended.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
