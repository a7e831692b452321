/**
 * Who may see and do what on the page. There are no passwords: `kerbwatch page` asks the agent, over its socket, for a
 * code that is good once and for ten minutes, and whoever types it in is that person in that role for a day.
 */
import { createHash } from "node:crypto";
import { plainText } from "../plain-text.ts";
import type { Random } from "../ports.ts";

/** Each may what those before it may. */
export const ROLES = ["auditor", "installer", "operator"] as const;
export type Role = (typeof ROLES)[number];

export interface Person {
  readonly role: Role;
  readonly name: string;
}

interface Held extends Person {
  readonly until: number;
}

export const CODE_MS = 600_000;
export const SESSION_MS = 86_400_000;
const [MOST_CODES, MOST_SESSIONS] = [8, 32];
/** Guesses in a while from all of the world together: a code has 40 bits, and nobody mistypes it so often. */
export const MOST_GUESSES = 10;
const GUESSES_MS = 60_000;
/** RFC 4648's alphabet of base32 without what is taken for something else. */
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LETTERS = 8;

export const mayDo = ({ role }: Person, asks: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(asks);

const digest = (secret: string): string => createHash("sha256").update(secret).digest("hex");

export class Sessions {
  readonly #random: Random;
  readonly #monoMs: () => number;
  /** By their hashes: comparing a guess takes the same time whatever it is, and memory holds no secret. */
  readonly #codes = new Map<string, Held>();
  readonly #sessions = new Map<string, Held>();
  #guesses: number[] = [];

  constructor(random: Random, monoMs: () => number) {
    this.#random = random;
    this.#monoMs = monoMs;
  }

  /** A code for one person, `XXXX-XXXX`. */
  issue(role: Role, name: string): string {
    const letters = Array.from(this.#random.bytes(CODE_LETTERS), (byte) => LETTERS[byte % LETTERS.length]).join("");
    put(this.#codes, digest(letters), { role, name: plainText(name, 48) || role, until: this.#monoMs() + CODE_MS },
      MOST_CODES);
    return `${letters.slice(0, 4)}-${letters.slice(4)}`;
  }

  /** A session's secret for a code; `late` where too many were tried; undefined for a wrong one. */
  enter(code: string): { readonly session: string; readonly person: Person } | "late" | undefined {
    const now = this.#monoMs();
    this.#guesses = this.#guesses.filter((at) => now - at < GUESSES_MS);
    if (this.#guesses.length >= MOST_GUESSES) return "late";
    this.#guesses.push(now);
    const key = digest(code.slice(0, 64).toUpperCase().replace(/[^A-Z0-9]/g, ""));
    const held = this.#codes.get(key);
    if (held === undefined || held.until <= now) return undefined;
    this.#codes.delete(key);
    const session = Buffer.from(this.#random.bytes(32)).toString("base64url");
    const { role, name } = held;
    put(this.#sessions, digest(session), { role, name, until: now + SESSION_MS }, MOST_SESSIONS);
    return { session, person: { role, name } };
  }

  person(session: string | undefined): Person | undefined {
    const held = session === undefined ? undefined : this.#sessions.get(digest(session));
    return held !== undefined && held.until > this.#monoMs() ? { role: held.role, name: held.name } : undefined;
  }

  leave(session: string | undefined): void {
    if (session !== undefined) this.#sessions.delete(digest(session));
  }
}

function put(all: Map<string, Held>, key: string, held: Held, most: number): void {
  all.set(key, held);
  for (const oldest of all.keys()) {
    if (all.size <= most) return;
    all.delete(oldest);
  }
}
