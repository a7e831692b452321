/** An honest agent that knows of two rosters of one version proposes and votes for nothing (SPEC.md, section 2). */
import { type Checker, CheckFailure, type World } from "../world.ts";

const NAME = "nothing signed while rosters fork";

export function frozenByForks(world: World): Checker {
  /** What was said before, and is repeated. */
  const known = new WeakSet<Uint8Array>();
  return {
    name: NAME,
    said(by, { kind, station, bytes }) {
      const isNew = (kind === "proposal" || kind === "vote") && station === by.station && !known.has(bytes);
      if (!isNew || !world.isHonest(by)) return;
      known.add(bytes);
      if (!by.chain.isForked) return;
      throw new CheckFailure(NAME, `agent ${by.index} knows of two rosters of one version and makes a ${kind}`);
    },
  };
}
