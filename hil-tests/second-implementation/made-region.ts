/** Vectors of the region: summaries with what the roster makes of them, least levels, and what claims come to. */
import { hex } from "../../gossip/bytes.ts";
import type { Contents } from "../../gossip/message-content.ts";
import { encodeMessage } from "../../gossip/message.ts";
import { decideRegion, leastLevel } from "../../models/agree/region-decision.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../../models/terms.ts";
import { headAt, KEY, rosterBytes, signerOf, ZONE } from "./made-agreement.ts";

const EPOCH = 1_010;
const LEVEL = 40;

type Attested = Contents["summary"]["attested"][number];

interface Made {
  readonly by?: readonly number[];
  /** Changes what a member attests before it is signed. */
  readonly attests?: Partial<Pick<Attested, "epoch" | "level">> & { readonly keyIndex?: number };
  readonly votesBy?: number;
  readonly level?: number;
}

export interface SummaryVector {
  readonly name: string;
  readonly message: string;
  readonly expect: "good" | "bad";
}

/** Put together by member 1; each attests in its own name, or another's key signs for it. */
function summary(name: string, expect: SummaryVector["expect"], made: Made = {}): SummaryVector {
  const { by = [0, 1, 3], attests = {}, votesBy = 0, level = LEVEL } = made;
  const attested = by.map((index): Attested => {
    const said = { epoch: EPOCH - index, level: LEVEL + index, keyIndex: KEY, ...attests };
    const { signature } = encodeMessage("attestation", said, headAt(index), signerOf(index + votesBy));
    return { index, epoch: said.epoch, level: said.level, signature };
  });
  const { whole } = encodeMessage("summary", { epoch: EPOCH, keyIndex: KEY, level, attested }, headAt(1), signerOf(1));
  return { name, message: hex(whole), expect };
}

function* summaries(): Generator<SummaryVector> {
  yield summary("a quorum", "good");
  yield summary("all four", "good", { by: [0, 1, 2, 3] });
  yield summary("a level below what all attest", "good", { level: 1 });
  yield summary("an epoch after the summary's", "good", { attests: { epoch: EPOCH + 1 } });
  yield summary("fifteen epochs before", "good", { attests: { epoch: EPOCH - 15 } });
  yield summary("no quorum", "bad", { by: [0, 1] });
  yield summary("a member that is not there", "bad", { by: [0, 1, 2, 4] });
  yield summary("a level above what one attests", "bad", { level: LEVEL + 1 });
  yield summary("two epochs after the summary's", "bad", { attests: { epoch: EPOCH + 2 } });
  yield summary("sixteen epochs before", "bad", { attests: { epoch: EPOCH - 16 } });
  yield summary("attested of another key", "bad", { attests: { keyIndex: KEY + 1 } });
  yield summary("signed by others' keys", "bad", { votesBy: 1 });
}

const SIZES = [{ n: 4, f: 1 }, { n: 6, f: 1 }, { n: 20, f: 3 }, { n: 30, f: 4 }, { n: 3, f: 0 }] as const;
const KEYS: readonly EvidenceKey[] = [
  "starts", "stops", "power-step", "refusals", "authorization-abuse", "energy-theft", "setpoint-step",
  "firmware-orders",
];

/** Claims at and around the zones' thresholds, from some of them. */
function decisions(): object[] {
  return KEYS.flatMap((key) => [3, 4, 6, 40].flatMap((count) => [0, 1, 2].map((kind) => {
    const zones = Array.from({ length: count }, (_, i) => SIZES[i % SIZES.length]!);
    const levels = zones.map((size, i) => {
      const least = leastLevel(key, size, count);
      return kind === 0 ? (i % 2 === 0 ? least : null) : kind === 1 ? least + 3 * (i % 5) : least + 200;
    });
    const { sum, threshold, supporters, raises } =
      decideRegion(key, zones, levels.map((level) => level ?? undefined));
    return { key, zones: zones.map(({ n, f }) => [n, f]), levels, sum, threshold, supporters, raises };
  })));
}

export function regionVectors(): object {
  return {
    about: "SPEC.md, section 12. Summaries by their signatures and form; least levels of claims; what claims come to.",
    roster: hex(rosterBytes), zone: ZONE, summaries: [...summaries()],
    leastLevels: EVIDENCE_KEYS.filter((key) => key !== "agent-misbehaviour" && key !== "credential-cloning")
      .flatMap((key) => SIZES.flatMap((size) => [4, 40].map((zones) =>
        ({ key, ...size, zones, level: leastLevel(key, size, zones) })))),
    decisions: decisions(),
  };
}
