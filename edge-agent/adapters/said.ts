/** What the agent says to the operator of its machine: a trouble when it begins, and the latest lines for `status`. */
import { rfc3339, type WallMs } from "../../models/units.ts";

const MOST_KEPT = 20;
/** Beyond so many kinds of trouble at a time, one more tells nobody anything. */
const MOST_MENTIONED = 64;

export class Said {
  /** The last lines, without their times, oldest first. */
  readonly latest: string[] = [];
  readonly #say: (line: string) => void;
  readonly #wallMs: () => WallMs;
  /** Kinds of trouble that were mentioned and are not over. */
  readonly #mentioned = new Set<string>();

  constructor(say: (line: string) => void, wallMs: () => WallMs) {
    this.#say = say;
    this.#wallMs = wallMs;
  }

  notice(text: string): void {
    this.latest.push(text);
    if (this.latest.length > MOST_KEPT) this.latest.shift();
    this.#say(`${rfc3339(this.#wallMs())} ${text}`);
  }

  /** Says it unless it was said before and is not over yet. */
  mention(kind: string, text: string): void {
    if (this.#mentioned.has(kind) || this.#mentioned.size >= MOST_MENTIONED) return;
    this.#mentioned.add(kind);
    this.notice(text);
  }

  /** The next trouble of this kind is news again. */
  isOver(kind: string): void {
    this.#mentioned.delete(kind);
  }

  /** Writes what can be lost without harm; that it cannot be saved is said once. */
  keep(kind: string, text: string, write: () => void): void {
    try {
      write();
      this.isOver(kind);
    } catch (error) {
      this.mention(kind, `${text} (${(error as Error).message}); a restart would go back to what was saved last`);
    }
  }
}
