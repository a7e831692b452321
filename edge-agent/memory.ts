/**
 * What an agent carries over a restart: what was learned, the evidence so far, open incidents and open transactions.
 * JSON with its own SHA-256 in front, so that a file that a power cut or a hand damaged is told apart from one that
 * is whole.
 */
import type { Crypto } from "../models/crypto.ts";
import type { AgreeState } from "../models/agree/agree.ts";
import type { DetectState } from "../models/detect/detect.ts";
import type { OpineState } from "../models/opine/opine.ts";
import { DAY_MS, type MonotonicMs, type Now, type WallMs } from "../models/units.ts";
import type { AlertState } from "./alert/alert.ts";
import type { BypassWatch } from "./observe/bypass.ts";
import type { Transactions } from "./observe/transactions.ts";
import type { AgentState } from "./pipeline.ts";
import { contentHash } from "./record/record.ts";
import { heldByWitnesses } from "./record/witnessing.ts";
import { ok, problem, type Result } from "./record/result.ts";

export const MEMORY_VERSION = 1;
/** Largest memory that is read, characters; an agent's is a few tens of thousands. */
export const MAX_MEMORY_CHARS = 4 << 20;

export interface Memory {
  /** When learning began, and when this was saved. */
  readonly since: WallMs;
  readonly savedAt: WallMs;
  readonly monoMs: MonotonicMs;
  readonly detect: DetectState;
  readonly opine: OpineState;
  readonly raised: AgreeState["raised"];
  readonly incidents: AlertState["open"];
  readonly transactions: readonly (readonly [string, MapValue])[];
  readonly evses: readonly number[];
  /** Numbers of frames go on from here, so that evidence from before never points at a frame that came after. */
  readonly lastFrameNo?: number;
  /** What the CSMS showed, newest last. */
  readonly csmsCertificates?: readonly string[];
  readonly bypass?: BypassWatch;
  /** What each witness held of the log: a proof from there is prepared while the log is read. */
  readonly witnesses?: Readonly<Record<string, number>>;
}
type MapValue = Transactions["known"] extends Map<string, infer V> ? V : never;

/** An absence longer than this is not accounted for in full: durations end somewhere. */
const LONGEST_ABSENCE_MS = 90 * DAY_MS;

export function memoryOf(state: AgentState, now: Now): Memory {
  const { known, evses } = state.observe.transactions;
  return {
    since: state.duties.since, savedAt: now.wallMs, monoMs: now.monoMs, detect: state.detect, opine: state.opine,
    raised: state.agree.raised, incidents: state.alert.open, transactions: [...known], evses: [...evses],
    lastFrameNo: state.observe.frames.lastNo, csmsCertificates: state.observe.csmsCertificates, bypass: state.bypass,
    ...(state.witnessing !== undefined && { witnesses: heldByWitnesses(state.witnessing) }),
  };
}

/** Only what was learned of the station, without evidence, incidents or open sessions: what `learn` hands on. */
export function learnedOnly(memory: Memory): Memory {
  return { ...memory, opine: {}, raised: {}, incidents: {}, transactions: [], evses: [], witnesses: {},
    csmsCertificates: [], bypass: {} };
}

export function encodeMemory(memory: Memory, crypto: Crypto): string {
  const json = JSON.stringify({ version: MEMORY_VERSION, ...memory });
  return `${contentHash(crypto.sha256(new TextEncoder().encode(json)))}\n${json}\n`;
}

const isGroup = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

/** A part without which the agent could not start; what is inside, the hash vouches for. */
function wrongPart(memory: Memory): string | undefined {
  const numbers = (["since", "savedAt", "monoMs"] as const).find((name) => !Number.isFinite(memory[name]));
  const groups = (["detect", "opine", "raised", "incidents"] as const).find((name) => !isGroup(memory[name]));
  const lists = (["transactions", "evses"] as const).find((name) => !Array.isArray(memory[name]));
  return numbers ?? groups ?? lists;
}

/** Reads what was saved. Never throws; a problem says why it cannot be used. */
export function decodeMemory(text: string, crypto: Crypto): Result<Memory> {
  if (text.length > MAX_MEMORY_CHARS) return problem(`${text.length} characters, at most ${MAX_MEMORY_CHARS} allowed`);
  const [hash, json, ...rest] = text.split("\n");
  if (hash === undefined || json === undefined || rest.length !== 1 || rest[0] !== "") return problem("not two lines");
  if (contentHash(crypto.sha256(new TextEncoder().encode(json))) !== hash) return problem("damaged: its hash differs");
  try {
    const memory = JSON.parse(json) as Memory & { version: unknown };
    if (memory.version !== MEMORY_VERSION) return problem(`version ${String(memory.version)}, not ${MEMORY_VERSION}`);
    const wrong = wrongPart(memory);
    return wrong === undefined ? ok(memory) : problem(`${wrong} is missing or malformed`);
  } catch {
    return problem("no JSON");
  }
}

/** Where the monotonic clock goes on after a restart, so that what was remembered keeps its durations. */
export function resumedMono(memory: Memory, wallMs: WallMs): MonotonicMs {
  const absence = Math.min(LONGEST_ABSENCE_MS, Math.max(0, wallMs - memory.savedAt));
  return (memory.monoMs + absence) as MonotonicMs;
}
