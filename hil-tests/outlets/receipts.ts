/** From an alert to its receipt: through the agent's queue, and by the outlet alone, in turn. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { systemClock, systemTimers } from "../../edge-agent/adapters/clock.ts";
import { systemRandom } from "../../edge-agent/adapters/crypto.ts";
import { Courier } from "../../edge-agent/adapters/outlets/courier.ts";
import { createCarriers } from "../../edge-agent/adapters/outlets/outlets.ts";
import { alertWith } from "../../edge-agent/adapters/outlets/outlets.testing.ts";
import { loadConfig } from "../../edge-agent/adapters/config-file.ts";
import type { Alert } from "../../models/terms.ts";
import { RECEIVERS, type Receiving, SHORT_CHARS } from "./receivers.ts";

export interface Receipt {
  readonly name: string;
  readonly what: string;
  readonly alerts: number;
  /** Milliseconds through the queue, and by the outlet alone: median and largest. */
  readonly queued: { readonly median: number; readonly most: number };
  readonly alone: { readonly median: number; readonly most: number };
}

const RECEIVED_WITHIN_MS = 10_000;
const PORTS = { clock: systemClock, timers: systemTimers, random: systemRandom, notice: () => undefined };

function summary(ms: readonly number[]): { median: number; most: number } {
  const sorted = [...ms].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? NaN, most: sorted.at(-1) ?? NaN };
}

/** Receipts by the beginning of the incident's id. */
class Desk {
  readonly #waiting = new Map<string, () => void>();

  readonly take = (incidentId: string): void => this.#waiting.get(incidentId.slice(0, SHORT_CHARS))?.();

  received({ incidentId }: Alert): Promise<void> {
    const key = incidentId.slice(0, SHORT_CHARS);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${incidentId}: not received`)), RECEIVED_WITHIN_MS);
      this.#waiting.set(key, () => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve();
      });
    });
  }
}

const alertNo = (n: number): Alert =>
  alertWith({ incidentId: createHash("sha256").update(`bench ${n}`).digest("hex"), scope: "station" });

async function measure(one: Receiving, desk: Desk, folder: string, times: number): Promise<Receipt> {
  const file = join(folder, "kerbwatch.json");
  writeFileSync(file, JSON.stringify({ station: "CP-001", csms: "ws://127.0.0.1:1", stateDir: join(folder, "state"),
    alerts: one.alerts }));
  const { carrier, name } = createCarriers(loadConfig(file, {}), {}, PORTS)[0]!;
  // Acknowledged: the courier has it off its list.
  let acknowledged = (_: string): void => undefined;
  const courier = new Courier({ name, file: join(folder, "queue.jsonl"), digestMs: 0, carrier: {
    probe: carrier.probe, carry: async (load, signal) => {
      await carrier.carry(load, signal);
      acknowledged(load.alerts[0]!.incidentId);
    },
  } }, PORTS);
  if (!one.tells) acknowledged = desk.take;
  const [queued, alone]: [number[], number[]] = [[], []];
  for (let n = 0; n < 2 * times; n += 1) {
    const alert = alertNo(n);
    const received = desk.received(alert);
    const from = performance.now();
    if (n % 2 === 0) courier.send(alert);
    else void carrier.carry({ id: String(n), alerts: [alert] }, AbortSignal.timeout(RECEIVED_WITHIN_MS))
      .then(() => (one.tells ? undefined : desk.take(alert.incidentId)));
    await received;
    (n % 2 === 0 ? queued : alone).push(performance.now() - from);
  }
  await courier.close();
  return { name: one.name, what: one.what, alerts: times, queued: summary(queued), alone: summary(alone) };
}

/** Of every receiver that is installed; says which is not. */
export async function receipts(folder: string, times: number, say: (text: string) => void): Promise<Receipt[]> {
  const found: Receipt[] = [];
  for (const [name, start] of Object.entries(RECEIVERS)) {
    const own = join(folder, name);
    mkdirSync(own, { recursive: true });
    const desk = new Desk();
    const one = await start(own, desk.take);
    if (one === undefined) {
      say(`${name}: not installed, left out`);
      continue;
    }
    try {
      found.push(await measure(one, desk, own, times));
    } finally {
      await one.stop();
    }
  }
  return found;
}
