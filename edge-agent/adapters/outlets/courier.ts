/**
 * Brings alerts to one receiver beyond this machine: each at least once, in order, from a queue on disk, with longer
 * and longer waits while it does not take them. Nothing here can delay the agent or another outlet.
 */
import type { Alert } from "../../../models/terms.ts";
import type { AlertSink, Clock, Random, Timers } from "../../ports.ts";
import { plainText } from "../../plain-text.ts";
import type { OutletStatus } from "../../status.ts";
import { RateLimitedNotices } from "../notices.ts";
import { Outbox, type Parcel } from "./outbox.ts";

/** What is carried at once: one alert, or several of little weight together. */
export interface Load {
  readonly id: string;
  readonly alerts: readonly Alert[];
}

/** One way to one receiver. */
export interface Carrier {
  /**
   * Brings one load; fulfilled when the receiver has taken it, as far as it ever tells.
   * @throws Error of one line; `Refused` where it would never take this one, `Unwilling` where it takes nothing like it
   */
  carry(load: Load, signal: AbortSignal): Promise<void>;
  /**
   * Goes as far as it can without bringing anything, and says how far that was.
   * @throws Error of one line
   */
  probe(signal: AbortSignal): Promise<string>;
  /** Lets go of a connection that was kept. */
  close?(): void;
}

/** The receiver will never take this alert; the next may go. */
export class Refused extends Error {}
/** The receiver does not know such things: nothing more is tried until the agent starts again. */
export class Unwilling extends Error {}

export interface CourierPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** One line for the operator of this machine. */
  readonly notice: (text: string) => void;
}

export interface CourierOptions {
  readonly name: string;
  readonly carrier: Carrier;
  /** Path of the queue's file. */
  readonly file: string;
  /** For alerts of severity info and low: how long they wait for each other, ms; 0: not at all. */
  readonly digestMs: number;
}

/** One load may take so long, connecting included. */
export const CARRY_WITHIN_MS = 30_000;
/**
 * The wait doubles from the first to the last, less up to half by chance: a street does not come back at one moment.
 */
export const FIRST_WAIT_MS = 1_000;
export const LAST_WAIT_MS = 300_000;
const MOST_IN_A_DIGEST = 64;

type Stats = Omit<OutletStatus, "name">;

export function waitMs(failures: number, random: Random): number {
  const [byte = 0] = random.bytes(1);
  return Math.round(Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 16)) * (1 - byte / 512));
}

export class Courier implements AlertSink {
  readonly name: string;
  readonly #options: CourierOptions;
  readonly #ports: CourierPorts;
  readonly #outbox: Outbox;
  readonly #notices: RateLimitedNotices;
  #stats: Stats;
  #failures = 0;
  #abort: AbortController | undefined;
  #running = Promise.resolve();
  #closed = false;
  #unwilling = false;
  #cancelWait: () => void = () => undefined;

  constructor(options: CourierOptions, ports: CourierPorts) {
    this.name = options.name;
    this.#options = options;
    this.#ports = ports;
    this.#outbox = new Outbox(options.file);
    this.#notices = new RateLimitedNotices(ports.notice, () => ports.clock.monoMs());
    this.#stats = { sent: 0, dropped: 0 };
    // What an earlier run could not bring.
    if (this.#outbox.size > 0) this.#after(FIRST_WAIT_MS);
  }

  /** `id`: as the receiver may know it again. Never throws. */
  send(alert: Alert, id = `${alert.incidentId}.${alert.state}.${alert.time}`): void {
    if (this.#closed) return;
    if (this.#unwilling) return this.#drop(1);
    const { digestMs } = this.#options;
    const minor = digestMs > 0 && (alert.severity === "info" || alert.severity === "low");
    // Digests go out at whole multiples of the time, so that a restart does not put them off.
    const due = minor && { notBefore: (Math.floor(this.#ports.clock.wallMs() / digestMs) + 1) * digestMs };
    this.#drop(this.#outbox.add({ id, alert, ...due }));
    if (this.#abort === undefined && this.#failures === 0) this.#go();
  }

  stats(): Stats {
    return { ...this.#stats, ...(this.#outbox.size > 0 && { waiting: this.#outbox.size }) };
  }

  /** What still waits is brought after the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelWait();
    this.#abort?.abort();
    await this.#running;
    this.#options.carrier.close?.();
  }

  #drop(count: number): void {
    if (count > 0) this.#stats = { ...this.#stats, dropped: this.#stats.dropped + count };
  }

  #after(ms: number): void {
    this.#cancelWait();
    this.#cancelWait = this.#ports.timers.after(ms, () => this.#go());
  }

  #go(): void {
    if (this.#closed || this.#abort !== undefined) return;
    this.#cancelWait();
    const abort = new AbortController();
    this.#abort = abort;
    this.#running = this.#bringAll(abort).then(() => {
      this.#abort = undefined;
      if (this.#closed || this.#unwilling || this.#outbox.size === 0) return;
      if (this.#failures > 0) return this.#after(waitMs(this.#failures - 1, this.#ports.random));
      // Something may have come while nothing was due.
      if (this.#next() !== undefined) this.#go();
      else this.#after(this.#untilDue());
    });
  }

  async #bringAll(abort: AbortController): Promise<void> {
    for (let load = this.#next(); load !== undefined && !this.#closed && !this.#unwilling; load = this.#next()) {
      const cancel = this.#ports.timers.after(CARRY_WITHIN_MS, () => abort.abort());
      try {
        await this.#options.carrier.carry(load, abort.signal);
        this.#stats = { ...this.#stats, sent: this.#stats.sent + load.alerts.length };
        this.#settle(load);
      } catch (error) {
        if (this.#closed || this.#failed(load, error as Error, abort.signal.aborted)) return;
      } finally {
        cancel();
      }
    }
  }

  #settle({ parcels }: Load & { readonly parcels: readonly Parcel[] }): void {
    for (const { id } of parcels) this.#outbox.done(id);
    this.#failures = 0;
    this.#notices.over("away");
  }

  /** True: wait before anything else. */
  #failed(load: Load & { readonly parcels: readonly Parcel[] }, error: Error, isLate: boolean): boolean {
    const why = isLate ? `took longer than ${CARRY_WITHIN_MS / 1_000} s` : plainText(error.message, 200);
    this.#stats = { ...this.#stats, lastError: why };
    if (error instanceof Refused) {
      this.#drop(load.alerts.length);
      this.#notices.say("refused", `alerts: ${this.name}: an alert was refused and left out (${why})`);
      this.#settle(load);
      return false;
    }
    if (error instanceof Unwilling) {
      this.#unwilling = true;
      this.#drop(this.#outbox.size);
      for (const { id } of this.#outbox.all()) this.#outbox.done(id);
      this.#notices.say("unwilling", `alerts: ${this.name}: ${why}; nothing more is sent there until the next start`);
      return true;
    }
    this.#failures += 1;
    this.#notices.say("away", `alerts: ${this.name}: not taken (${why}); it is tried again, and alerts wait`);
    return true;
  }

  /** What may go now: the oldest alone, or all that are of little weight and due. */
  #next(): Load & { readonly parcels: readonly Parcel[] } | undefined {
    const now = this.#ports.clock.wallMs();
    // A clock that was set back must not hold a digest for years.
    const isDue = ({ notBefore = 0 }: Parcel) => notBefore <= now || notBefore - now > this.#options.digestMs;
    const due = this.#outbox.all().filter(isDue);
    const first = due[0];
    if (first === undefined) return undefined;
    const parcels = first.notBefore === undefined ? [first]
      : due.filter(({ notBefore }) => notBefore !== undefined).slice(0, MOST_IN_A_DIGEST);
    return { id: first.id, alerts: parcels.map(({ alert }) => alert), parcels };
  }

  #untilDue(): number {
    const now = this.#ports.clock.wallMs();
    return Math.max(1, Math.min(...this.#outbox.all().map(({ notBefore = now }) => notBefore - now), 2 ** 31 - 1));
  }
}
