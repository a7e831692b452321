/** A detector on the bench: fed observations at chosen times, checked at every step, its evidence added up. */
import { createOpine, opine, type OpineState } from "../opine/opine.ts";
import { thresholdOf } from "../opine/threshold.ts";
import { type EvidenceKey, type Finding, type Observation, ODDITIES } from "../terms.ts";
import { type MonotonicMs, type Now, SECOND_MS, type TokenPseudonym, type WallMs } from "../units.ts";
import { type Detector, MOST_NATS, type Site } from "./detector.ts";

/** A Monday morning. */
export const START = Date.UTC(2026, 2, 2, 8) as WallMs;

export const at = (seconds: number): Now => ({
  wallMs: Math.round(START + seconds * SECOND_MS) as WallMs,
  monoMs: Math.round(1_000_000 + seconds * SECOND_MS) as MonotonicMs,
});

export const token = (n: number): TokenPseudonym => n.toString(16).padStart(16, "0") as TokenPseudonym;

type WithoutTime<T> = T extends Observation ? Omit<T, "at"> : never;
/** An observation whose time the bench fills in. */
export type Seen = WithoutTime<Observation>;

function must(holds: boolean, why: string): void {
  if (!holds) throw new Error(why);
}

/** What every finding owes its readers. */
export function checkFinding(finding: Finding, now: Now): void {
  const sum = finding.terms.reduce((total, term) => total + term.nats, 0);
  must(Number.isFinite(finding.nats), `${finding.key}: ${finding.nats} nats`);
  must(Math.abs(sum - finding.nats) < 1e-9, `${finding.key}: terms add to ${sum}, not ${finding.nats}`);
  must(Math.abs(finding.nats) <= MOST_NATS + 8, `${finding.key}: ${finding.nats} nats at once`);
  must(finding.at === now.wallMs, "dated otherwise than now");
  must(finding.says.length < 400, "a clause, not a page");
}

export class Bench<State> {
  readonly detector: Detector<State>;
  state: State;
  /** Those that say something; the passing of quiet time alone would fill the memory. */
  readonly findings: Finding[] = [];
  /** All of them as text, where `keepAll` was asked for. */
  readonly all: string[] = [];
  /** Highest evidence so far, as a share of the threshold. */
  readonly peaks = new Map<EvidenceKey, number>();
  /** When the evidence first came to the threshold, seconds. */
  readonly raisedAt = new Map<EvidenceKey, number>();
  /** Sum of all nats. */
  readonly totals = new Map<EvidenceKey, number>();
  readonly #opine: OpineState = createOpine();
  readonly #throughJson: boolean;
  readonly #keepAll: boolean;
  #tickedS = 0;

  /** `throughJson`: the state is written and read again after every step, as over a restart. */
  constructor(detector: Detector<State>, site: Site = {}, { throughJson = false, keepAll = false } = {}) {
    this.detector = detector;
    this.state = detector.create(site);
    this.#throughJson = throughJson;
    this.#keepAll = keepAll;
  }

  see(seen: Seen, seconds: number): Finding[] {
    const now = at(seconds);
    const observation = { ...seen, at: now.wallMs } as Observation;
    const findings = this.detector.observe(this.state, observation, now);
    if (this.#throughJson) this.state = JSON.parse(JSON.stringify(this.state)) as State;
    for (const finding of findings) {
      checkFinding(finding, now);
      this.totals.set(finding.key, (this.totals.get(finding.key) ?? 0) + finding.nats);
    }
    for (const belief of opine(this.#opine, findings, now)) {
      const share = belief.sinceOnsetNats / thresholdOf(belief.key);
      this.peaks.set(belief.key, Math.max(share, this.peaks.get(belief.key) ?? 0));
      if (share >= 1 && !this.raisedAt.has(belief.key)) this.raisedAt.set(belief.key, seconds);
    }
    if (this.#keepAll) this.all.push(JSON.stringify(findings));
    for (const finding of findings) if (finding.says !== "" || finding.terms.length > 1) this.findings.push(finding);
    return findings;
  }

  /** Ticks from the last tick up to `seconds`. */
  tickTo(seconds: number, everyS = 10): void {
    for (; this.#tickedS <= seconds; this.#tickedS += everyS) this.see({ kind: "tick" }, this.#tickedS);
  }

  peak(key: EvidenceKey): number {
    return this.peaks.get(key) ?? 0;
  }

  total(key: EvidenceKey): number {
    return this.totals.get(key) ?? 0;
  }
}

/** Runs one story twice, once with a restart after every step, and holds both to the same findings. */
export function survivesRestarts<State>(
  detector: Detector<State>, story: (bench: Bench<State>) => void, site: Site = {},
): void {
  const steady = new Bench(detector, site, { keepAll: true });
  const restarted = new Bench(detector, site, { keepAll: true, throughJson: true });
  story(steady);
  story(restarted);
  must(steady.findings.length > 0, "the story has findings");
  must(restarted.all.join() === steady.all.join(), "a restart changed what was found");
}

/** Observations of every kind with the worst figures and names that the types allow: for any detector. */
const NUMBERS = [Number.NaN, Infinity, -Infinity, -1, -0, 0, 0.5, 1e-308, 7_000, 1e12, 1e13, 1e308, -1e308];
const NAMES = ["__proto__", "constructor", "toString", "", " ", "-1", "0", "a=b", "😀".repeat(16), "x".repeat(64)];

export interface Dice {
  int(n: number): number;
  pick<T>(from: readonly T[]): T;
}

export function hostileObservation(dice: Dice): Seen {
  const number = (): number => (dice.int(3) === 0 ? dice.int(20_000) : dice.pick(NUMBERS));
  const name = (): string => (dice.int(2) === 0 ? `id-${dice.int(50_000)}` : dice.pick(NAMES));
  const evseId = dice.int(4) === 0 ? dice.pick([-1, 0.5, 999, 1e15, dice.int(5_000)]) : dice.int(3);
  const outcome = dice.pick(["accepted", "refused", "error", "none"] as const);
  const reading = { evseId, powerW: number(), energyImportWh: number(), energyExportWh: number() };
  const offline = dice.int(4) === 0;
  const host = { scheme: dice.pick(["https", "ftp", "", name()]), host: name() };
  const who = name() as TokenPseudonym;
  const made: readonly (() => Seen)[] = [
    () => ({ kind: "tick" }),
    () => ({ kind: "tick", traffic: { asked: number(), late: number(), heard: number(), answered: number(),
      unanswered: number() } }),
    () => ({ kind: "link", state: dice.pick(["connect", "disconnect"] as const), remoteAddress: name() }),
    () => ({ kind: "csms-certificate", before: name(), now: name() }),
    () => ({ kind: "csms-time", csmsTime: number() as WallMs }),
    () => ({ kind: "oddity", oddity: dice.pick(ODDITIES), detail: name() }),
    () => ({ kind: "boot", vendor: name(), model: name(), firmwareVersion: name(), outcome }),
    () => ({ kind: "authorization", source: "Authorize", token: who, outcome, status: name() }),
    () => ({ kind: "transaction-started", transactionId: name(), evseId, token: who, registerWh: number(), offline }),
    () => ({ kind: "transaction-ended", transactionId: name(), evseId, registerWh: number(), offline }),
    () => ({ kind: "reported-reading", reading, transactionId: name(), offline }),
    () => ({ kind: "reported-reading", reading, offline }),
    () => ({ kind: "meter-reading", reading, side: dice.pick(["ac-input", "evse-output"] as const) }),
    () => ({ kind: "meter-lost", evseId, why: name() }),
    () => ({ kind: "firmware-order", from: host, signed: dice.int(2) === 0, outcome }),
    () => ({ kind: "firmware-status", status: dice.pick(["Installed", "InvalidSignature", name()]) }),
    () => ({ kind: "configuration-change", variable: dice.pick(["SecurityProfile", "CentralSystemURL", name()]),
      value: dice.pick([name(), String(number()), "wss://" + name()]), secret: dice.int(5) === 0, outcome }),
    () => ({ kind: "network-profile", csms: host, securityProfile: number(), outcome }),
    () => ({ kind: "charging-limit", evseId, limit: number(), unit: "A", purpose: name(), outcome }),
    () => ({ kind: "command", command: dice.pick(["remote-stop", "reset", "unlock", name()]), evseId, outcome,
      transactionId: name() }),
    () => ({ kind: "command", command: dice.pick(["remote-start", "clear-charging-profile", name()]), outcome }),
    () => ({ kind: "upload-order", to: host, what: dice.pick(["customer-information", name()]), outcome }),
    () => ({ kind: "configuration-read", variables: dice.int(3), everything: dice.int(2) === 0, names: [name()] }),
    () => ({ kind: "data-transfer", vendor: name(), outcome }),
    () => ({ kind: "oddity", oddity: dice.pick(ODDITIES), detail: `${name()} was answered NotImplemented` }),
    () => ({ kind: "status", evseId, status: name() }),
    () => ({ kind: "heartbeat" }),
    () => ({ kind: "neighbours-use", token: who, station: name(), from: number() as WallMs, to: number() as WallMs,
      km: number(), liars: dice.int(4) }),
    () => ({ kind: "discharge-agreed", evseId, by: name(), outcome }),
    () => ({ kind: "security-event", type: dice.pick(["TamperDetectionActivated", "SecurityLogWasCleared", name()]) }),
  ];
  return dice.pick(made)();
}

/** Nothing throws, every finding is sound, and the state stays small: whatever is seen, however long. */
export function withstands<State>(detector: Detector<State>, dice: Dice, observations: number): void {
  const bench = new Bench(detector);
  const mostBytes = 128 * 1024;
  let seconds = 0;
  for (let n = 0; n < observations; n++) {
    seconds += dice.pick([0, 0.01, 1, 5, 10, 60, 400]);
    bench.see(hostileObservation(dice), seconds);
    bench.findings.length = 0;
    if (n % 20_000 === 0) must(JSON.stringify(bench.state).length < mostBytes, `after ${n}`);
  }
  const bytes = JSON.stringify(bench.state).length;
  must(bytes < mostBytes, `${bytes} bytes of state`);
  must(!/:null|\[null/.test(JSON.stringify(bench.state)), "a figure of the state was lost to NaN or infinity");
}
