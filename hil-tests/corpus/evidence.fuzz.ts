/** Files of evidence: whatever is changed in one, none is good that says anything else. */
import { strict as check } from "node:assert";
import type { Seeded } from "../../build/seeded.ts";
import { openEvidence } from "../../edge-agent/cli/ledger/evidence.ts";
import { formatEvidence, parseEvidence } from "../../edge-agent/evidence/evidence-file.ts";
import type { Operators } from "../../gossip/roster.ts";
import { mutateJson, mutateText } from "./mutate.fuzz.ts";
import { type Cost, CountingCrypto } from "./protocol.fuzz.ts";

export interface GoodEvidence {
  readonly text: string;
  readonly operators: Operators;
}

const DIGITS = /[A-Za-z0-9+/]/;

/** One digit of it put otherwise: the form stays, so that the checks behind the form are reached. */
function otherDigit(random: Seeded, text: string): string {
  for (let tries = 0; tries < 50; tries++) {
    const at = random.int(text.length);
    if (!DIGITS.test(text[at]!)) continue;
    return `${text.slice(0, at)}${random.pick([..."ABCabc019+/"])}${text.slice(at + 1)}`;
  }
  return text;
}

export function evidence(random: Seeded, { text, operators }: GoodEvidence): Cost {
  const ways = [mutateText, mutateJson, otherDigit, otherDigit];
  const changed = random.pick(ways)(random, text);
  const crypto = new CountingCrypto();
  const opened = openEvidence(crypto, changed, { operators });
  const parsed = parseEvidence(changed);
  if (opened.ok) check.equal(parsed.ok && formatEvidence(parsed.value), text, "good, and says something else");
  else check.ok(opened.problem.length < 1_000, `a problem of ${opened.problem.length} characters`);
  check.ok(crypto.verifies <= changed.length / 60, `${crypto.verifies} signatures verified`);
  check.ok(crypto.hashed <= 40 * changed.length + 65_536, `${crypto.hashed} bytes hashed of ${changed.length}`);
  return crypto.cost(changed.length, opened.ok ? changed.length : 0);
}
