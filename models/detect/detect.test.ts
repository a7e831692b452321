import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Observation } from "../terms.ts";
import { createDetect, detect, DETECTORS, recallDetect } from "./detect.ts";
import { at, checkFinding, hostileObservation } from "./detector.testing.ts";

const SITE = { csmsHost: "csms.example" };

test("every detector has a name of its own and a state that is plain JSON", () => {
  assert.is(new Set(DETECTORS.map(({ name }) => name)).size, DETECTORS.length);
  const state = createDetect(SITE);
  assert.equal(Object.keys(state), DETECTORS.map(({ name }) => name));
  assert.is(JSON.stringify(JSON.parse(JSON.stringify(state))), JSON.stringify(state));
});

test("what was remembered is taken over, detector by detector; another version begins anew", () => {
  const remembered = createDetect({ csmsHost: "old.example" });
  const { "energy-theft": gone, ...rest } = remembered;
  assert.ok(gone !== undefined);
  const changed = { ...rest, "firmware-tampering": { ...rest["firmware-tampering"]!, version: 99 } };
  const { state, fresh } = recallDetect(SITE, changed);
  assert.equal(fresh, ["energy-theft", "firmware-tampering"]);
  assert.is(state["configuration-tampering"], remembered["configuration-tampering"]);
  assert.equal(state["firmware-tampering"], createDetect(SITE)["firmware-tampering"]);
});

test("findings of all detectors on hostile observations are sound", () => {
  const random = seeded(71);
  const state = createDetect(SITE);
  let findings = 0;
  for (let n = 0; n < 4_000; n++) {
    const now = at(n * 7);
    const seen = Array.from({ length: random.int(4) }, () =>
      ({ ...hostileObservation(random), at: now.wallMs }) as Observation);
    for (const finding of detect(state, seen, now)) {
      checkFinding(finding, now);
      findings += 1;
    }
  }
  assert.ok(findings > 1_000, `${findings}`);
});
