import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../../models/units.ts";
import { redactFrame } from "./redact.ts";
import { parseTraceLine } from "./trace.ts";
import { traceLine } from "./trace-line.ts";

const AT = Date.UTC(2026, 2, 1, 9) as WallMs;
type Line = Readonly<Record<string, unknown>>;
const line = (text: string, more = {}): Line =>
  JSON.parse(traceLine({ at: AT, station: "CP-001", direction: "cp-to-csms", text, ...more })!) as Line;

test("a call, as trace-v1.schema.json of Open OCPP Trace v1.1 wants it", () => {
  assert.equal(line('[2,"1","Authorize",{"idTag":"04A1B2C3"}]', { ocppVersion: "1.6", entry: "sha256:ab" }), {
    schemaVersion: "1.1", timestamp: "2026-03-01T09:00:00.000Z", ocppVersion: "1.6", transport: "json",
    chargePointId: "CP-001", direction: "cp-to-csms", messageType: "CALL", messageId: "1", action: "Authorize",
    payload: { idTag: "<token>" }, meta: { redactedBy: "kerbwatch", entry: "sha256:ab" },
  });
});

test("results have no action, errors no payload and no free text, and only errors have an error", () => {
  assert.equal(Object.keys(line('[3,"1",{"status":"Accepted"}]')), ["schemaVersion", "timestamp", "transport",
    "chargePointId", "direction", "messageType", "messageId", "payload", "meta"]);
  const { messageType, error, payload } = line('[4,"1","InternalError","04A1B2C3 is unknown",{"idTag":"04A1B2C3"}]');
  assert.equal([messageType, error, payload], ["CALLERROR", { code: "InternalError" }, undefined]);
});

test("what is no message has no line", () => {
  for (const text of ["", "{}", "[]", "[2]", "hello", '[2,"1","Authorize",{"idTag":"04A1', "<unparsed, 7 bytes>"]) {
    assert.is(traceLine({ at: AT, station: "CP-001", direction: "cp-to-csms", text }), undefined, text);
  }
});

const FRAMES = [
  '[2,"a","StartTransaction",{"connectorId":1,"idTag":"04A1B2C3","meterStart":1200,"timestamp":"2026-03-01T09:00Z"}]',
  '[3,"a",{"idTagInfo":{"status":"Accepted","parentIdTag":"PARENT01"},"transactionId":7}]',
  '[4,"b","FormationViolation"]',
  '[2,"c","ChangeConfiguration",{"key":"AuthorizationKey","value":"0123456789abcdef"}]',
  '[2,"d","DataTransfer",{"vendorId":"v","data":"__proto__ \\u2028 \\ud83d\\udd0c"}]',
  '[2,"e","GetLog",{"log":{"remoteLocation":"ftp://user:secretword@example.org/x"}}]', '[3,"f",{}]',
];

test("round trip: what a reader makes of a line is the redacted frame, and redacting it again changes nothing", () => {
  const random = seeded(7);
  for (let n = 0; n < 300; n += 1) {
    const text = FRAMES[random.int(FRAMES.length)]!;
    const direction = random.int(2) === 0 ? "cp-to-csms" as const : "csms-to-cp" as const;
    const at = (AT + random.int(1e9)) as WallMs;
    const written = traceLine({ at, station: "CP-001", direction, text, ocppVersion: "2.0.1" })!;
    const read = parseTraceLine(written);
    assert.ok(read.ok && read.event.kind === "frame");
    assert.equal([read.at, read.station, read.event.direction, read.event.ocppVersion],
      [at, "CP-001", direction, "2.0.1"]);
    // A CALLERROR is read with its description and details, which are empty.
    const expected = redactFrame(text).replace(/^(\[4,"[^"]*","[^"]*")\]$/, '$1,"",{}]');
    assert.is(read.event.text, expected);
    assert.is(traceLine({ at, station: "CP-001", direction, text: read.event.text, ocppVersion: "2.0.1" }), written);
  }
});

test("no token, password or key of a frame is in its line", () => {
  const all = FRAMES.map((text) => JSON.stringify(line(text))).join("\n");
  for (const secret of ["04A1B2C3", "PARENT01", "0123456789abcdef", "secretword"]) assert.not.match(all, secret);
});
