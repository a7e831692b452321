import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Observation } from "../terms.ts";
import { createDetect, detect, DETECTORS, type DetectState, recallDetect } from "./detect.ts";
import { at, checkFinding, hostileObservation } from "./detector.testing.ts";
import type { EnergyTheft } from "./energy-theft.ts";

const SITE = { csmsHost: "csms.example" };

test("every detector has a name of its own and a state that is plain JSON", () => {
  assert.is(new Set(DETECTORS.map(({ name }) => name)).size, DETECTORS.length);
  const state = createDetect(SITE);
  assert.equal(Object.keys(state), [...DETECTORS.map(({ name }) => name), "registers"]);
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

test("a meter's register that wavers within its resolution is held for all detectors, over a restart, too", () => {
  let state = createDetect(SITE);
  const read = (evseId: number, energyImportWh: number): unknown => {
    const reading = { evseId, energyImportWh };
    const seen: Observation = { kind: "meter-reading", at: at(0).wallMs, reading, side: "ac-input" };
    detect(state, [seen], at(0));
    state = recallDetect(SITE, JSON.parse(JSON.stringify(state)) as DetectState).state;
    const { balance } = state["energy-theft"]!.state as EnergyTheft;
    return balance.meters[String(evseId)]?.registerWh;
  };
  assert.equal([5_000, 4_997, 4_988, 5_001, 4_988, 4_990].map((wh) => read(1, wh)),
    [5_000, 5_000, 5_000, 5_001, 4_988, 4_990], "13 Wh back is a step back");
  assert.equal([4_990, 0, -3].map((wh) => read(2, wh)), [4_990, 0, 0]);
  for (let evseId = 3; evseId < 200; evseId++) read(evseId, evseId);
  assert.is(Object.keys(state["registers"]!.state as object).length, 32);
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
