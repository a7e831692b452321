/** A short run of the fuzzers of mesh and ledger, always the same inputs; `npm run bench fuzz` has fresh ones. */
import { assert, test } from "../../build/testing.ts";
import { goodEvidence, MESH_FUZZER_NAMES, type MeshFuzzerName, tryMeshInput } from "./mesh.fuzz.ts";

const FIRST_SEED = 20_260_302;
const INPUTS: Readonly<Record<MeshFuzzerName, number>> = {
  "CBOR": 20_000, "topics": 20_000, "messages": 20_000, "signed notes": 8_000, "log entries": 8_000,
  "MQTT framing": 4_000, "log segments": 1_500, "roster files": 3_000, "member files": 2_000, "evidence files": 150,
  "intake": 150,
};
const good = await goodEvidence();

for (const name of MESH_FUZZER_NAMES) {
  test(`${name}: ${INPUTS[name]} damaged inputs from seed ${FIRST_SEED} on`, () => {
    let bytes = 0;
    for (let n = 0; n < INPUTS[name]; n += 1) bytes += tryMeshInput(name, FIRST_SEED + n, good).bytes;
    assert.ok(bytes > 10 * INPUTS[name], `${bytes} bytes tried`);
  });
}
