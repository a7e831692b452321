/** Records of operators, good and hostile. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { seeded } from "../../build/seeded.ts";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { isProblem } from "../observe/trace.ts";
import { CdrBook, parseCdr, recordsIn } from "./cdr.ts";
import { cdrWith } from "./cdr.testing.ts";

const vectors = load(readFileSync(join(repoRoot, "edge-agent/reconcile/cdr.vectors.yaml"), "utf8")) as
  readonly { name: string; field: string; value?: unknown; what: string; found: string; allowed: string }[];

/** The record with one field, named as messages name it, put to another value; absent: without it. */
function changed(field: string, value: unknown): unknown {
  const record = structuredClone(cdrWith()) as Record<string, unknown>;
  const path = field.split(".");
  const last = path.pop()!;
  const object = path.reduce((one, key) => one[key] as Record<string, unknown>, record);
  if (value === undefined) delete object[last];
  else object[last] = value;
  return record;
}

test("a record of OCPI 2.2.1 is cut down to what a meter can be held against", () => {
  assert.equal(parseCdr(cdrWith()), {
    id: "CDR-1", evseUid: "3256", evseId: "BE*BEC*E041503003", startMs: Date.UTC(2026, 2, 1, 9),
    endMs: Date.UTC(2026, 2, 1, 10), energyWh: 7_000,
  });
});

test("an EVSE that is named by its evse_id alone is that", () => {
  const { evse_uid: _, ...place } = cdrWith()["cdr_location"] as Record<string, unknown>;
  const cdr = parseCdr(cdrWith({ cdr_location: place }));
  assert.ok(!isProblem(cdr));
  assert.is(cdr.evseUid, "BE*BEC*E041503003");
});

test("a time without zone is UTC, as OCPI has it; one with an offset is that", () => {
  for (const text of ["2026-03-01T09:00:00", "2026-03-01T09:00:00.5", "2026-03-01T10:30:00+01:30"]) {
    const cdr = parseCdr(cdrWith({ start_date_time: text }));
    assert.ok(!isProblem(cdr));
    assert.is(new Date(cdr.startMs).getUTCHours(), 9);
  }
});

for (const { name, field, value, what, found, allowed } of vectors) {
  test(`refused: ${name}`, () => {
    assert.equal(parseCdr(changed(field, value)), { ok: false, what, found, allowed });
  });
}

test("no token, contract or price is kept", () => {
  assert.not.match(JSON.stringify(parseCdr(cdrWith())), /TOKEN|CONTRACT|4\.00/);
});

test("a list, one record, and OCPI's answer around them; an answer that is none says its code", () => {
  const one = cdrWith();
  for (const parsed of [[one], one, { data: [one], status_code: 1000 }, { data: [one] }]) {
    assert.equal(recordsIn(parsed), [one]);
  }
  for (const [parsed, what, found] of [
    [{ status_code: 2001, status_message: "Invalid\u001b[31m token" }, "status_code", "2001 (Invalid?[31m token)"],
    [{ status_code: "x" }, "status_code", "x"], [{ status_code: 1000, data: {} }, "data", "an object"],
    [null, "CDRs", "nothing"], ["x", "CDRs", "x"], [{ status_code: 1000 }, "data", "nothing"],
  ] as const) {
    const problem = recordsIn(parsed);
    assert.ok(isProblem(problem));
    assert.equal([problem.what, problem.found], [what, found]);
  }
});

test("each id once: the same again is left out, another of the same id is told, a credit takes both away", () => {
  const told: string[] = [];
  const book = new CdrBook((place, { what, found }) => told.push(`${place} ${what} ${found}`));
  const again = cdrWith({ id: "b", total_energy: 9 });
  book.take([cdrWith(), cdrWith({ id: "b" }), cdrWith(), again, cdrWith({ id: "c" })], "x");
  book.take([cdrWith({ id: "d", credit: true, credit_reference_id: "C", total_energy: -7 }), 7], "page 2");
  assert.equal(book.all().map(({ id, energyWh }) => [id, energyWh]), [["CDR-1", 7_000], ["b", 7_000]]);
  assert.equal(book.counts, { records: 7, bad: 2, twice: 1, credited: 1 });
  assert.equal(told, ["x[3] id b", "page 2[1] CDR 7"]);
});

test("whatever JSON comes, a record or a problem comes of it", () => {
  const random = seeded(11);
  const values: readonly unknown[] = [null, 1, -1, 1e308, "", "x", "\u0000", [], {}, true, "2026-13-01T00:00:00Z",
    { toString: 1 }, "9".repeat(5_000)];
  const fields = Object.keys(cdrWith());
  for (let n = 0; n < 5_000; n += 1) {
    const record: Record<string, unknown> = { ...cdrWith() };
    for (let times = 1 + random.int(3); times > 0; times -= 1) {
      record[fields[random.int(fields.length)]!] = values[random.int(values.length)];
    }
    const cdr = parseCdr(record);
    if (isProblem(cdr)) assert.ok(cdr.found.length <= 64 && !/[\u0000-\u001f]/.test(cdr.found));
    else assert.ok(cdr.endMs >= cdr.startMs && Number.isFinite(cdr.energyWh) && cdr.energyWh >= 0);
  }
});
