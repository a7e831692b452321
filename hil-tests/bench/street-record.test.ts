import { assert, test } from "../../build/testing.ts";
import { compareCertificates, type HeldCertificate } from "./street-record.ts";

const held = (name: string, epoch = 5, more: Partial<HeldCertificate> = {}): HeldCertificate =>
  ({ name, zone: "north", key: "starts", epoch, ...more });

test("logs that hold the same, in whatever order", () => {
  assert.equal(compareCertificates([[held("x"), held("y")], [held("y"), held("x")]], "north", 9),
    { all: 2, same: 2, bad: [] });
});

test("what one log lacks is not the same in all", () => {
  assert.equal(compareCertificates([[held("x"), held("y")], [held("x")]], "north", 9), { all: 2, same: 1, bad: [] });
  assert.equal(compareCertificates([[held("x")], []], "north", 9), { all: 1, same: 0, bad: [] });
  assert.equal(compareCertificates([[], []], "north", 9), { all: 0, same: 0, bad: [] });
});

test("other zones and newer epochs have no part in it", () => {
  const logs = [[held("x"), held("s", 5, { zone: "south" })], [held("x"), held("new", 10)]];
  assert.equal(compareCertificates(logs, "north", 9), { all: 1, same: 1, bad: [] });
});

test("one that cannot be believed is told with its key", () => {
  const { bad } = compareCertificates([[held("0123456789", 5, { problem: "no quorum" })]], "north", 9);
  assert.equal(bad, ["starts 01234567: no quorum"]);
});
