/**
 * How often each EVSE of this station answers a declared cause, learned cause by cause: a usual answer is no evidence,
 * one by an EVSE that hardly ever answers is (the e-value of timers.ts). So a declared tariff is quiet from the first
 * day, and an attack that hides in it by moving far more stations than usual is seen once it is known.
 */
import { hasRoom } from "../detector.ts";
import type { CauseWindow } from "../joint-causes.ts";
import { hitNats, missNats, upperShare } from "./timers.ts";

interface Answer {
  hits: number;
  days: number;
  /** The window that it answered last. */
  last: number;
}

/** By stream, EVSE and cause. */
export type Answers = Record<string, Answer>;

/** Before anything is known, whoever may answer is expected to: a new agent is slow to accuse. */
const PRIOR = 3;
const MOST_ANSWERS = 256;
const MOST_DAYS = 40;

const nameOf = (stream: string, evseId: number, window: CauseWindow): string => `${stream} ${evseId} ${window.name}`;

function count(answer: Answer, hits: number): void {
  answer.days += 1;
  answer.hits += hits;
  if (answer.days <= MOST_DAYS) return;
  answer.days /= 2;
  answer.hits /= 2;
}

function answerOf(answers: Answers, name: string): Answer | undefined {
  if (!hasRoom(answers, name, MOST_ANSWERS)) return undefined;
  return (answers[name] ??= { hits: PRIOR, days: PRIOR, last: -1 });
}

/** Forgets what was learned of causes that are no longer declared. */
export function keepAnswers(answers: Answers, windows: ReadonlySet<string>): void {
  for (const name of Object.keys(answers)) {
    const window = name.split(" ").slice(2).join(" ");
    if (!windows.has(window)) delete answers[name];
  }
}

/** Evidence of an answer, nats; undefined for a second one in the same window, which the cause does not explain. */
export function answered(answers: Answers, stream: string, evseId: number, window: CauseWindow): number | undefined {
  const answer = answerOf(answers, nameOf(stream, evseId, window));
  if (answer === undefined) return 0;
  if (answer.last === window.from) return undefined;
  const nats = hitNats(upperShare(answer.hits, answer.days));
  answer.last = window.from;
  count(answer, 1);
  return nats;
}

/** A window closed. @returns the evidence of not having answered, nats: at most 0 */
export function closed(answers: Answers, stream: string, evseId: number, window: CauseWindow): number {
  const answer = answerOf(answers, nameOf(stream, evseId, window));
  if (answer === undefined || answer.last === window.from) return 0;
  const nats = missNats(upperShare(answer.hits, answer.days));
  answer.last = window.from;
  count(answer, 0);
  return nats;
}
