/** A short run of the fuzzers, always the same inputs; `npm run bench fuzz -- --seconds N` goes on with fresh ones. */
import { assert, test } from "../../build/testing.ts";
import { FUZZER_NAMES, type FuzzerName, readInputs, tryInput } from "./observing.fuzz.ts";

const FIRST_SEED = 20_260_302;
const INPUTS: Readonly<Record<FuzzerName, number>> = {
  "WebSocket reader": 1_500, "frame cutter": 1_500, "tap with deflate": 800, "OCPP-J": 8_000, "mappings": 800,
  "schema verdicts": 1_500, "captures": 8_000, "broker messages": 8_000, "meter answers": 8_000,
};
const inputs = readInputs(false);

test("there is something to begin from", () => assert.ok(inputs.texts.length > 800 && inputs.lines.length > 1_500));

for (const name of FUZZER_NAMES) {
  test(`${name}: ${INPUTS[name]} damaged inputs from seed ${FIRST_SEED} on`, () => {
    let bytes = 0;
    for (let n = 0; n < INPUTS[name]; n += 1) bytes += tryInput(name, FIRST_SEED + n, inputs);
    assert.ok(bytes > 10 * INPUTS[name], `${bytes} bytes tried`);
  });
}
