/** The acts of each bench, by name: `--act` is held to them before anything is built. */
import { UsageError } from "../../edge-agent/usage-error.ts";
import { KNOWN_ACTS } from "./scenario.ts";
import { SYSTEMD_ACTS } from "./systemd.ts";

export const BOARD_ACTS = ["session", "kill", "cuts", "update", "clock", "card", "alone", "neighbours"] as const;
/** Of a real board; the street's come beside them. */
export const REAL_ACTS = ["reach", "session", "kill", "power", "restore"] as const;

const STREET_ACTS = [...KNOWN_ACTS];
const REAL_AND_STREET = [...REAL_ACTS, ...STREET_ACTS];

/** By the name of the bench; `real` is a board of one's own. */
const ACTS_OF: Readonly<Record<string, readonly string[]>> = {
  "street-sim": STREET_ACTS, "street": STREET_ACTS, "street-arm": STREET_ACTS, "board": BOARD_ACTS,
  "board-ssh": REAL_AND_STREET, "real": REAL_AND_STREET, "systemd": SYSTEMD_ACTS.map(({ id }) => id),
};

/**
 * What `--act` asks for.
 * @throws UsageError of one line, with what is allowed, when it names an act that the bench does not have
 */
export function actsAsked(bench: string, asked: string | undefined): readonly string[] | undefined {
  if (asked === undefined) return undefined;
  const allowed = ACTS_OF[bench] ?? [];
  const acts = asked.split(",");
  const unknown = acts.filter((act) => !allowed.includes(act));
  if (unknown.length === 0) return acts;
  throw new UsageError(`--act: found "${unknown.join(",")}"; allowed with ${bench}: ${allowed.join(", ") || "none"}`);
}
