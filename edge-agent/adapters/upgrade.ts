/**
 * What comes before the first frame: the charger's request is read, the CSMS dialled, the request passed on (`Host` and
 * path prefix excepted) and the answer passed back byte for byte, be it 101, 401, 404, a redirect or an error.
 */
import type { Socket } from "node:net";
import type { Direction } from "../../models/terms.ts";
import type { Dialled, Dialler } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import { asksForWebSocket, hasBody, parseHead, readHead, rewriteRequest, statusOf } from "./http-head.ts";
import type { Head } from "./http-head.ts";
import type { RateLimitedNotices } from "./notices.ts";
import { passOn } from "./pump.ts";

export interface UpgradeLimits {
  /** Largest head of a request or an answer, bytes. */
  readonly headBytes: number;
  /** How long a charger may take to send its request: stops slow senders from keeping places taken. */
  readonly headersTimeoutMs: number;
  readonly dialTimeoutMs: number;
  /** How long the CSMS may take to answer the request. */
  readonly answerTimeoutMs: number;
  /** A refusal's body that stands still for so long is over, whatever the CSMS keeps open. */
  readonly bodyIdleMs: number;
}

export interface UpgradeContext {
  readonly csms: Endpoint;
  readonly dialler: Dialler;
  readonly limits: UpgradeLimits;
  readonly notices: RateLimitedNotices;
  /** The request is whole, and the CSMS is about to be dialled. */
  readonly requested: (charger: Socket) => void;
  /** Every socket to the CSMS passes here first. */
  readonly adopt: (csms: Socket) => void;
  readonly refused: () => void;
}

/** Two sockets to be joined, and what was read from each beyond the heads. */
export interface Upgraded {
  readonly csms: Socket;
  /** The 101 answer. */
  readonly head: Head;
  readonly first: Record<Direction, Buffer>;
  readonly tlsPeerSha256?: string;
}

/** How long a refused charger may take to read why. */
const REFUSAL_MS = 2_000;

/** Each is passed on as it comes, whether the charger reads it or not: without end they would fill the memory. */
const MOST_INTERIM = 8;

const REASONS = {
  400: "Bad Request", 408: "Request Timeout", 426: "Upgrade Required", 431: "Request Header Fields Too Large",
  502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
} as const;

/** Undefined: there will be no frames, and the charger has its answer. Never rejects. */
export async function upgrade(charger: Socket, context: UpgradeContext): Promise<Upgraded | undefined> {
  const { limits, csms } = context;
  const turnAway = (status: keyof typeof REASONS, why: string): undefined => {
    context.refused();
    refuse(charger, status, why);
  };
  const request = await readHead(charger, limits.headBytes, limits.headersTimeoutMs);
  if (!request.ok) {
    if (request.problem === "too-large") return turnAway(431, "the request is too long");
    if (request.problem === "timeout") return turnAway(408, "the request did not come in time");
    charger.destroy();
    return undefined;
  }
  const rewritten = rewriteRequest(request.head, csms.authority, csms.path);
  if (rewritten === undefined) return turnAway(400, "this is no HTTP request");
  const asked = parseHead(request.head);
  if (!asksForWebSocket(asked)) return turnAway(426, "only WebSocket passes here");
  // It would wait here for the 101, and the CSMS for it.
  if (hasBody(asked)) return turnAway(400, "a request to upgrade has no body");
  context.requested(charger);
  const dialled = await dialFor(charger, context);
  if (!dialled.ok) return turnAway(502, "the CSMS cannot be reached");
  context.adopt(dialled.socket);
  dialled.socket.write(rewritten);
  return passAnswer(charger, dialled, request.rest, context);
}

async function dialFor(charger: Socket, context: UpgradeContext): Promise<Dialled> {
  const { csms, notices } = context;
  const gone = new AbortController();
  const abandon = (): void => gone.abort();
  charger.once("close", abandon);
  const dialled = await context.dialler.dial(gone.signal);
  charger.off("close", abandon);
  if (dialled.ok) {
    const trouble = ["csms", "csms-peer"].filter((kind) => notices.over(kind));
    if (trouble.length > 0) notices.say("csms-back", `csms: ${csms.text} answers again`);
  } else if (!gone.signal.aborted) {
    notices.say(dialled.refusedPeer ? "csms-peer" : "csms", dialled.refusedPeer
      ? `csms: ${csms.text} is not trusted (${dialled.why}): the charger is refused until the certificate, ` +
        "the address in csms, the authority in csmsTls.ca or the key in csmsTls.pinSha256 is mended"
      : `csms: ${csms.text} cannot be reached (${dialled.why}): the charger is refused and will try again`);
  }
  return dialled;
}

async function passAnswer(
  charger: Socket, dialled: Dialled & { ok: true }, early: Buffer, context: UpgradeContext,
): Promise<Upgraded | undefined> {
  const csms = dialled.socket;
  const drop = (): void => void csms.destroy();
  charger.once("close", drop);
  if (charger.destroyed) drop();
  let rest: Buffer | undefined;
  let trouble = "closed the connection";
  csms.once("error", (error) => {
    trouble = error.message.split("\n")[0] ?? "";
  });
  for (let interim = 0; interim <= MOST_INTERIM; interim += 1) {
    const answer = await readHead(csms, context.limits.headBytes, context.limits.answerTimeoutMs, rest);
    if (!answer.ok) return failed(charger, csms, context, answer.problem === "closed" ? trouble : answer.problem);
    const head = parseHead(answer.head);
    const status = statusOf(head);
    if (status === undefined) return failed(charger, csms, context, "no HTTP");
    charger.write(answer.head);
    rest = answer.rest;
    if (status === 101) {
      charger.off("close", drop);
      const first = { "cp-to-csms": early, "csms-to-cp": rest };
      const { tlsPeerSha256 } = dialled;
      return { csms, head, first, ...(tlsPeerSha256 === undefined ? {} : { tlsPeerSha256 }) };
    }
    // RFC 9110, 15.2: other 1xx are interim, and the answer is still to come.
    if (status >= 200) {
      context.refused();
      passBody(charger, csms, rest, context.limits.bodyIdleMs);
      return undefined;
    }
  }
  return failed(charger, csms, context, `more than ${MOST_INTERIM} interim answers`);
}

/** The CSMS gave no answer that ends: `problem` in a word or few. */
function failed(charger: Socket, csms: Socket, context: UpgradeContext, problem: string): undefined {
  csms.destroy();
  // A charger that left is no trouble of the CSMS.
  if (charger.destroyed) return;
  context.refused();
  context.notices.say("csms-silent", `csms: ${context.csms.text} took the connection and did not answer the ` +
    `charger's request (${problem}): the charger is refused and will try again`);
  refuse(charger, problem === "timeout" ? 504 : 502, "the CSMS did not answer the request");
}

/**
 * The body of an answer that is no upgrade, until either side closes. A charger that says more on this connection is
 * dropped: what it means is a new request, and it dials anew when the old connection is gone (RFC 9112, 9.3.1).
 */
function passBody(charger: Socket, csms: Socket, rest: Buffer, idleMs: number): void {
  const drop = (): void => void csms.destroy();
  charger.on("data", drop).on("end", drop).resume();
  passOn(csms, charger, rest, () => undefined, () => undefined);
  csms.setTimeout(idleMs, drop);
}

/** Answers in the CSMS's stead, shortly, and closes. */
export function refuse(charger: Socket, status: keyof typeof REASONS, why: string): void {
  if (charger.destroyed) return;
  const body = `kerbwatch: ${why}\n`;
  const extra = status === 426 ? "Upgrade: websocket\r\n" : "";
  charger.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\nContent-Type: text/plain\r\n${extra}` +
    `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  // What else it sent is read and dropped: closing over unread bytes would reset, and take the answer with it.
  charger.on("data", () => undefined).on("end", () => charger.destroySoon()).resume();
  const timer = setTimeout(() => charger.destroy(), REFUSAL_MS);
  charger.on("close", () => clearTimeout(timer));
}
