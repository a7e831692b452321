/** What the agent shows on its page, and who may ask: puts state, sessions and history together. */
import { execFile } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { CATALOGUE } from "../alert/catalogue.ts";
import { type Handle, type HandleOutcome, openAlerts } from "../alert/handling.ts";
import { metricsText } from "../alert/metrics.ts";
import type { Asked } from "../adapters/http.ts";
import type { Config } from "../config.ts";
import type { AgentState } from "../pipeline.ts";
import type { AgentEvent, Clock, Random } from "../ports.ts";
import type { Status } from "../status.ts";
import type { Result } from "../../models/result.ts";
import type { Alert } from "../../models/terms.ts";
import { Dashboard, shippedPage } from "./dashboard.ts";
import { History } from "./history.ts";
import { type Role, ROLES, Sessions } from "./sessions.ts";

export interface PageSources {
  readonly config: Config;
  readonly state: () => AgentState;
  readonly status: () => Status;
  readonly handle: (asked: Handle) => HandleOutcome;
  /** Takes a word's file over (edge-agent/words.ts). */
  readonly word: (file: Uint8Array) => Result<{ readonly says: string }>;
  readonly clock: Clock;
  readonly random: Random;
  /** Path of this program's file; absent where it runs from anything else. */
  readonly program?: string | undefined;
}

/** Alerts that the page remembers beside the open incidents. */
const MOST_RECENT = 100;
/** Of each moment, for the plot of opinions. */
const MOST_OPINIONS = 3;
const RUN_WITHIN_MS = 30_000;
const MOST_OUTPUT_BYTES = 2 * 1024 * 1024;
/** What the agent is to need on a board (design, section 1). */
const BOARD = { memoryBytes: 64 * 1024 * 1024 };

export class Page {
  readonly #from: PageSources;
  readonly #history = new History();
  readonly #recent = new Map<string, Alert>();
  readonly #sessions: Sessions;
  readonly #dashboard: Dashboard;
  /** The last register of each EVSE by the meter and by the charger, and what was added up, Wh. */
  readonly #registers = { meter: new Map<number, number>(), reported: new Map<number, number>() };
  #sums: { meterWh?: number; reportedWh?: number } = {};

  constructor(from: PageSources) {
    this.#from = from;
    this.#sessions = new Sessions(from.random, () => from.clock.monoMs());
    this.#dashboard = new Dashboard({
      sessions: this.#sessions, page: shippedPage(), secure: from.config.httpTls !== undefined,
      state: () => this.state(), handle: from.handle, word: from.word, monoMs: () => from.clock.monoMs(),
      ...(from.program !== undefined && { run: runner(from.program, from.config) }),
    });
  }

  readonly take = (request: IncomingMessage, response: ServerResponse): boolean =>
    this.#dashboard.take(request, response);

  readonly metrics = (): string => metricsText(this.#from.status(), openAlerts(this.#from.state()));

  /** What the agent's own user may ask for on the socket. */
  readonly ask = (path: string, body: Readonly<Record<string, unknown>>): Asked | undefined => {
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    if (path === "/code") {
      const role = ROLES.find((one) => one === body["role"]);
      if (role === undefined) return { code: 400, body: { error: `a role is one of ${ROLES.join(", ")}` } };
      return { code: 200, body: { code: this.code(role, text(body["name"])), role } };
    }
    if (path === "/word") {
      const taken = this.#from.word(Buffer.from(text(body["word"]), "base64"));
      return taken.ok ? { code: 200, body: { says: taken.value.says } } : { code: 409, body: { error: taken.problem } };
    }
    const action = /^\/incidents\/(acknowledge|close)$/.exec(path)?.[1] as Handle["action"] | undefined;
    if (action === undefined) return undefined;
    const outcome = this.#from.handle({
      incidentId: text(body["incidentId"]), action, by: text(body["by"]), reason: text(body["reason"]),
    });
    if (outcome.ok) return { code: 200, body: { incidentId: outcome.incidentId } };
    return { code: 409, body: { error: outcome.says } };
  };

  code(role: Role, name: string): string {
    return this.#sessions.issue(role, name);
  }

  /** After each event of the pipeline. */
  note(event: AgentEvent): void {
    if (event.kind === "meter") this.#add("meter", event.reading);
    if (event.kind !== "tick") return;
    for (const [evseId, energyImportWh] of this.#from.state().observe.reported) {
      this.#add("reported", { evseId, energyImportWh });
    }
    this.#point();
  }

  alerted(alert: Alert): void {
    this.#recent.delete(alert.incidentId);
    this.#recent.set(alert.incidentId, alert);
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= MOST_RECENT) return;
      this.#recent.delete(oldest);
    }
  }

  #add(of: "meter" | "reported", { evseId, energyImportWh: wh }: { evseId: number; energyImportWh?: number }): void {
    if (wh === undefined) return;
    const before = this.#registers[of].get(evseId) ?? wh;
    this.#registers[of].set(evseId, wh);
    const key = `${of}Wh` as const;
    // A register that steps back began anew, with a session or a boot.
    this.#sums = { ...this.#sums, [key]: (this.#sums[key] ?? 0) + Math.max(0, wh - before) };
  }

  #point(): void {
    const { meters, beliefs, mesh } = this.#from.status();
    const powers = meters.flatMap(({ state, powerW }) => (state === "reading" && powerW !== undefined ? [powerW] : []));
    const certified = mesh?.incidents.length ?? 0;
    const strongest = beliefs.slice(0, MOST_OPINIONS).map(({ key, opinion }) => [key, opinion]);
    this.#history.note({
      at: this.#from.clock.wallMs(), ...this.#sums,
      ...(powers.length > 0 && { meterW: powers.reduce((sum, power) => sum + power, 0) }),
      opinion: Math.max(Math.min(1, certified), ...beliefs.map(({ opinion }) => opinion)),
      ...(strongest.length > 0 && { opinions: Object.fromEntries(strongest) as Record<string, number> }),
      ...(mesh !== undefined && { certified }),
    });
  }

  /** What the page shows, ready for JSON. */
  state(): unknown {
    const state = this.#from.state();
    const open = openAlerts(state);
    const ids = new Set(open.map(({ incidentId }) => incidentId));
    const recent = [...this.#recent.values()].filter(({ incidentId }) => !ids.has(incidentId));
    const incidents = [...open, ...recent.reverse()].slice(0, MOST_RECENT).map((alert) => ({
      ...alert, open: ids.has(alert.incidentId), handled: state.alert.handled.get(alert.incidentId),
    }));
    const threats = [...new Set(incidents.map(({ threat }) => threat))];
    return {
      status: this.#from.status(), incidents, board: BOARD, history: this.#history.points(),
      catalogue: Object.fromEntries(threats.map((threat) => [threat, CATALOGUE[threat]])),
      places: (state.zone?.places ?? []).map(({ station, latE6, lonE6 }) => ({ station, latE6, lonE6 })),
      witnesses: [...state.witnessing?.partners.values() ?? []]
        .map(({ station, holds, forked }) => ({ station, holds, forked })),
    };
  }
}

/** The program itself, as a process of its own. */
function runner(program: string, { file, stateDir }: Config) {
  return (args: readonly string[]): Promise<string> => new Promise((resolve, reject) => {
    const where = args[0] === "doctor" ? ["--config", file] : ["--state", stateDir];
    const options = { timeout: RUN_WITHIN_MS, maxBuffer: MOST_OUTPUT_BYTES };
    execFile(process.execPath, [program, ...args, ...where], options, (error, out) => {
      // doctor ends with 1 where something is to be mended, and has told it all the same.
      if (out !== "") resolve(out);
      else reject(error ?? new Error("no output"));
    });
  });
}
