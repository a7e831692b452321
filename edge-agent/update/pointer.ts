/**
 * Which release runs, which was before, and which is on trial: what one small file holds and what becomes of it. Each
 * change is one replacement of that file, so a power cut leaves the state before it or the one after. Pure.
 */
import type { Release } from "./manifest.ts";

/** A release on this board, by the SHA-256 of its manifest's signed bytes, in hex. */
export interface ReleaseRef {
  readonly hash: string;
  readonly sequence: number;
  readonly name: string;
}

export interface Trial {
  readonly release: ReleaseRef;
  /** How often it was started. */
  readonly starts: number;
  /** It came by the mesh, and nobody here asked for it. */
  readonly fromNeighbours?: true;
}

export interface Pointer {
  readonly version: 1;
  /** What runs when nothing is on trial; absent: the program that the board was given by hand. */
  readonly active?: ReleaseRef;
  /** What ran before it; absent: the program that the board was given by hand. */
  readonly previous?: ReleaseRef;
  readonly trial?: Trial;
  /** The highest sequence that was ever installed here. */
  readonly newest: number;
  /** Hashes of those that were taken back for ill health, oldest first: what neighbours are told; absent: none. */
  readonly ill?: readonly string[];
  /** Steps that the log does not have yet, oldest first. */
  readonly steps: readonly string[];
}

export const NO_RELEASES: Pointer = { version: 1, newest: 0, steps: [] };
/** A trial that was started so often and never found healthy is taken back. */
export const MOST_STARTS = 3;
/** More than one update leaves, and a bound for a board whose agent never comes to log them. */
const MOST_STEPS = 32;

/** Neighbours are told of so many; older ones are overtaken. */
export const MOST_ILL = 4;

export const nameOf = (release: ReleaseRef | undefined): string => release === undefined ? "the program given by hand"
  : `release ${release.sequence} (${release.name}, ${release.hash.slice(0, 16)})`;

function noted(pointer: Pointer, step: string): Pointer {
  return { ...pointer, steps: [...pointer.steps, `update: ${step}`].slice(-MOST_STEPS) };
}

export const refOf = ({ sequence, name }: Release, hash: string): ReleaseRef => ({ hash, sequence, name });

/** After all of a release's files are durable: it is tried at the next start. */
export function withTrial(
  pointer: Pointer, release: ReleaseRef, signedBy: readonly string[], fromNeighbours = false,
): Pointer {
  const newest = Math.max(pointer.newest, release.sequence);
  const trial: Trial = { release, starts: 0, ...(fromNeighbours && { fromNeighbours }) };
  return noted({ ...pointer, newest, trial }, `${nameOf(release)}, signed by ${signedBy.join(" and ")}${
    fromNeighbours ? ", from neighbours" : ""}, installed for a trial`);
}

/** What to start, and the pointer to keep before it is started. */
export interface Start {
  readonly pointer: Pointer;
  readonly release: ReleaseRef | undefined;
  readonly onTrial: boolean;
}

/** `isWhole`: whether a release's files are here, signed and undamaged. */
export function nextStart(pointer: Pointer, isWhole: (release: ReleaseRef) => boolean): Start {
  const { trial, active } = pointer;
  if (trial !== undefined) {
    // The disk's fault and not the release's.
    if (!isWhole(trial.release)) return nextStart(backFromTrial(pointer, trial, "its files are damaged"), isWhole);
    if (trial.starts >= MOST_STARTS) {
      return nextStart(takenBack(pointer, `started ${trial.starts} times and never found healthy`), isWhole);
    }
    const starts = trial.starts + 1;
    const tried = noted({ ...pointer, trial: { ...trial, starts } },
      `${nameOf(trial.release)}, start ${starts} of at most ${MOST_STARTS} on trial`);
    return { pointer: tried, release: trial.release, onTrial: true };
  }
  if (active === undefined || isWhole(active)) return { pointer, release: active, onTrial: false };
  return nextStart(noted(withoutActive(pointer), `${nameOf(active)} is damaged and not started; back to ${
    nameOf(pointer.previous)}`), isWhole);
}

/** What no change of releases takes away. */
const lasting = ({ version, newest, ill, steps }: Pointer): Pointer =>
  ({ version, newest, ...(ill !== undefined && { ill }), steps });

const withoutActive = (pointer: Pointer): Pointer =>
  ({ ...lasting(pointer), ...(pointer.previous !== undefined && { active: pointer.previous }) });

const withoutTrial = (pointer: Pointer): Pointer => ({
  ...lasting(pointer), ...(pointer.active !== undefined && { active: pointer.active }),
  ...(pointer.previous !== undefined && { previous: pointer.previous }),
});

/** The trial was found healthy: it runs from now on. Without a trial nothing changes. */
export function kept(pointer: Pointer, why: string): Pointer {
  const { trial, active } = pointer;
  if (trial === undefined) return pointer;
  const next: Pointer = {
    ...lasting(pointer), active: trial.release, ...(active !== undefined && { previous: active }),
  };
  return noted(next, `${nameOf(trial.release)} is kept: ${why}`);
}

function backFromTrial(pointer: Pointer, trial: Trial, why: string): Pointer {
  return noted(withoutTrial(pointer),
    `${nameOf(trial.release)} is taken back, ${why}; ${nameOf(pointer.active)} runs again`);
}

/** The trial was not found healthy: whatever ran before runs again. Without a trial nothing changes. */
export function takenBack(pointer: Pointer, why: string): Pointer {
  const { trial, ill = [] } = pointer;
  if (trial === undefined) return pointer;
  const { hash } = trial.release;
  return { ...backFromTrial(pointer, trial, why), ill: [...ill.filter((one) => one !== hash), hash].slice(-MOST_ILL) };
}

/** A trial that came from neighbours goes before it was ever started: neighbours found it ill. Else nothing changes. */
export function withdrawn(pointer: Pointer, why: string): Pointer {
  const { trial } = pointer;
  if (trial?.fromNeighbours !== true || trial.starts > 0) return pointer;
  return noted(withoutTrial(pointer), `${nameOf(trial.release)} is withdrawn before its trial, ${why}`);
}

/** By hand: from a trial to what ran before it, or from what runs to what ran before that. */
export function rolledBack(pointer: Pointer): Pointer {
  if (pointer.trial !== undefined) return backFromTrial(pointer, pointer.trial, "by hand");
  const { active } = pointer;
  if (active === undefined) return pointer;
  const back = nameOf(pointer.previous);
  return noted(withoutActive(pointer), `${nameOf(active)} is taken back, by hand; ${back} runs again`);
}

/** Hashes of the releases whose files are still wanted. */
export function wanted({ active, previous, trial }: Pointer): ReadonlySet<string> {
  return new Set([active, previous, trial?.release].flatMap((release) => release === undefined ? [] : [release.hash]));
}

const HASH = /^[0-9a-f]{64}$/;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function isRef(value: unknown): value is ReleaseRef {
  return isObject(value) && typeof value["hash"] === "string" && HASH.test(value["hash"])
    && Number.isInteger(value["sequence"]) && typeof value["name"] === "string";
}

/** Undefined for anything that `encodePointer` did not write. */
export function decodePointer(text: string): Pointer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || value["version"] !== 1 || !Number.isInteger(value["newest"])) return undefined;
  const { active, previous, trial, steps, ill } = value;
  const refs = [active, previous].every((ref) => ref === undefined || isRef(ref));
  const trialOk = trial === undefined
    || isObject(trial) && isRef(trial["release"]) && Number.isInteger(trial["starts"]);
  const illOk = ill === undefined || Array.isArray(ill) && ill.length <= MOST_ILL
    && ill.every((hash) => typeof hash === "string" && HASH.test(hash));
  const stepsOk = Array.isArray(steps) && steps.every((step) => typeof step === "string");
  return refs && trialOk && illOk && stepsOk ? value as unknown as Pointer : undefined;
}

export const encodePointer = (pointer: Pointer): string => `${JSON.stringify(pointer)}\n`;
