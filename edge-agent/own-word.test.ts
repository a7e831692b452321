import { KINDS } from "../gossip/message.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";
import { assert, test } from "../build/testing.ts";
import type { StationId } from "../models/units.ts";
import { withoutOwnWord } from "./own-word.ts";

test("a log that takes no more: no own word goes out that a restart could contradict, others' are passed on", () => {
  const sent = KINDS.flatMap((kind): Outgoing[] => [
    { kind, station: "CP-1" as StationId, bytes: new Uint8Array(1) },
    { kind, station: "CP-2" as StationId, bytes: new Uint8Array(1), relayed: true },
  ]);
  const left = withoutOwnWord(sent);
  assert.equal(left.filter(({ relayed }) => relayed === true).length, KINDS.length);
  assert.equal(left.filter(({ relayed }) => relayed !== true).map(({ kind }) => kind).sort(),
    ["digest", "fetch", "note", "part", "piece", "proof", "release", "request", "roster", "summary"]);
});
