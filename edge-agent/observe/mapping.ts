/**
 * How one action becomes observations. Each OCPP version is a table from action to a small mapper for the call, which
 * is read at once, and one for its end, which is read when the result is there, an error, or no longer awaited.
 */
import type { Observation, Outcome } from "../../models/terms.ts";
import type { TokenPseudonym, WallMs } from "../../models/units.ts";
import type { Call } from "./calls.ts";
import { defined, fieldsOf, idOf, isFields, MAX_ITEMS, nonEmpty } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { OFFLINE_AFTER_MS, saidAtOf } from "./time-stamp.ts";
import { pseudonymOf } from "./tokens.ts";
import type { Tokens } from "./tokens.ts";
import { evseOfTransaction } from "./transactions.ts";
import type { Transactions } from "./transactions.ts";

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** An observation to which `at` and `frameNo` are still to be added: those of the call that it comes from. */
export type Body = Without<Observation, "at" | "frameNo">;

/** How a call ended. `none`: nothing came in time, the link dropped, or its id was used again. */
export type Ending =
  | { readonly kind: "result"; readonly payload: Fields }
  | { readonly kind: "error"; readonly code: string }
  | { readonly kind: "none" };

/** What a mapper may consult beside the message. */
export interface Context {
  readonly tokens: Tokens;
  readonly transactions: Transactions;
  /** What the CSMS's clock is ahead of the agent's, ms: stations set theirs by it. */
  readonly skewMs: number;
}

/** A call whose payload is an object. */
export interface Request {
  readonly call: Call;
  readonly fields: Fields;
  readonly context: Context;
}

export interface Action {
  /** Who may call it. */
  readonly from: "station" | "csms" | "both";
  readonly onCall?: (request: Request) => readonly Body[];
  readonly onEnd?: (request: Request, ending: Ending) => readonly Body[];
}

export type ActionTable = ReadonlyMap<string, Action>;

const ACCEPTED = new Set(["Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked"]);
/** Every refusing status of 1.6, 2.0.1 and 2.1. A status in neither set is `none`: unknown words are no verdict. */
const REFUSED = new Set([
  "Rejected", "NotSupported", "NotImplemented", "Failed", "NotFound", "Unknown", "UnlockFailed", "VersionMismatch",
  "Faulted", "Occupied", "Unavailable", "InvalidCertificate", "RevokedCertificate", "UnknownComponent",
  "UnknownVariable", "NotSupportedAttributeType", "OngoingAuthorizedTransaction", "UnknownConnector",
  "Invalid", "Blocked", "Expired", "ConcurrentTx", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation",
  "NotAtThisTime", "NoTransaction", "UnknownVendorId", "UnknownMessageId",
]);

/** What a status word says. */
export function outcomeOfStatus(status: unknown): Outcome {
  if (typeof status !== "string") return "none";
  return ACCEPTED.has(status) ? "accepted" : REFUSED.has(status) ? "refused" : "none";
}

/** What a call's end says, by the `status` of its result unless another word is given. */
export function outcomeOf(ending: Ending, status: unknown = resultOf(ending).status): Outcome {
  return ending.kind === "result" ? outcomeOfStatus(status) : ending.kind;
}

/** The result's payload; empty when there is none. */
export function resultOf(ending: Ending): Fields {
  return ending.kind === "result" ? ending.payload : fieldsOf(undefined);
}

/** `{saidAt}` where the stamp is plausible by the agent's clock or the CSMS's, else nothing. */
export function said({ call, context }: Request, stamp: unknown): { readonly saidAt?: WallMs } {
  const saidAt = saidAtOf(stamp, (call.at + Math.max(0, context.skewMs)) as WallMs);
  return saidAt === undefined ? {} : { saidAt };
}

/**
 * True when the message says so itself, or when its stamp is plausible and, by both clocks, older than a slow link
 * explains: an agent whose clock is wrong must not take every message for a backlog.
 */
export function isOffline(request: Request, stamp: unknown, says?: unknown): boolean {
  const { saidAt } = said(request, stamp);
  const now = request.call.at + Math.min(0, request.context.skewMs);
  return says === true || (saidAt !== undefined && now - saidAt > OFFLINE_AFTER_MS);
}

/** The pseudonym of an idTag, or of a 2.0.1 idToken object. */
export function tokenOf(request: Request, token: unknown): TokenPseudonym | undefined {
  return pseudonymOf(request.context.tokens, isFields(token) ? token.idToken : token, request.call.at);
}

/** An observation of a call that lacks what its action needs. */
export function lacks(request: Request, field: string): readonly Body[] {
  return [{ kind: "oddity", oddity: "bad-payload", detail: `${request.call.action} without a usable ${field}` }];
}

/** Says so where a list is longer than mappers walk. */
export function tooMany(request: Request, list: unknown): readonly Body[] {
  if (!Array.isArray(list) || list.length <= MAX_ITEMS) return [];
  return [{ kind: "oddity", oddity: "over-budget", detail: `${request.call.action}: ${list.length} items` }];
}

/** One idToken presented, and what the result said of it under `info` (`idTagInfo`, `idTokenInfo`). */
export function authorization(
  request: Request, ending: Ending, source: "Authorize" | "StartTransaction" | "TransactionEvent",
  token: TokenPseudonym, info: string, evseId?: number,
): Body {
  const status = ending.kind === "error" ? ending.code : nonEmpty(fieldsOf(resultOf(ending)[info]).status) ?? "";
  return {
    kind: "authorization", source, token, status, outcome: outcomeOf(ending, status),
    ...defined({ evseId }), ...said(request, request.fields.timestamp),
  };
}

/** An action that is known and says nothing that a detector asks for. */
export function silent(from: Action["from"]): Action {
  return { from };
}

/** What a command is aimed at. */
export interface Aim {
  readonly evseId?: number;
  readonly transactionId?: string;
}

/** A command of the CSMS, with what it is aimed at. */
export function command(name: string, aim: (request: Request) => Aim = () => ({})): Action {
  return {
    from: "csms",
    onEnd: (request, ending) => [{ kind: "command", command: name, outcome: outcomeOf(ending), ...aim(request) }],
  };
}

/** The transaction named by `transactionId`, and its EVSE where that is known. */
export function transactionAim({ fields, context }: Request): Aim {
  const transactionId = idOf(fields.transactionId);
  const evseId = evseOfTransaction(context.transactions, transactionId) || undefined;
  return defined({ transactionId, evseId });
}
