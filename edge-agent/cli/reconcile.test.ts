import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { cdrWith } from "../reconcile/cdr.testing.ts";
import { ran } from "./io.testing.ts";

const folder = mkdtempSync(join(tmpdir(), "kerbwatch-reconcile-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const START = Date.UTC(2026, 2, 1);

function put(name: string, content: unknown): string {
  writeFileSync(at(name), typeof content === "string" ? content : JSON.stringify(content));
  return at(name);
}

/** A day of readings, one a minute: 7 kW from 9 to 10. */
const meter = put("meter.jsonl", Array.from({ length: 1_440 }, (_, minute) => JSON.stringify({
  timestamp: new Date(START + minute * 60_000).toISOString(), stationId: "CP-001", evseId: 1, side: "evse-output",
  powerW: minute > 540 && minute <= 600 ? 7_000 : 0,
  energyImportWh: Math.round(50_000 + (7_000 * Math.min(60, Math.max(0, minute - 540))) / 60),
})).join("\n"));
const token = put("token", "the-token\n");
const good = put("good.json", [cdrWith()]);

test("one session that agrees, in words and as JSON; no token of a driver in either", async () => {
  const { code, out, err } = await ran(["reconcile", "--cdr", good, "--meter", meter]);
  assert.equal([code, err], [0, ""]);
  assert.is(out, "CP-001: 1 record; meters of class B and, for bills, B\n"
    + "sessions  1 within what the meters' classes allow\ndays      1 within what the meters' classes allow\n"
    + "months    1 within what the meters' classes allow\nevidence  none\n");
  const json = await ran(["reconcile", "--cdr", good, "--meter", meter, "--json"]);
  const report = JSON.parse(json.out) as { sessions: unknown[]; schemaVersion: string; evidence: unknown[] };
  assert.equal([report.schemaVersion, report.evidence], ["1.0", []]);
  assert.equal(report.sessions, [{
    records: ["CDR-1"], evseId: 1, from: "2026-03-01T09:00:00.000Z", to: "2026-03-01T10:00:00.000Z", billedWh: 7_000,
    state: "agrees", deliveredWh: 7_000, differenceWh: -3, allowedWh: 181,
  }]);
  assert.not.match(out + json.out, /TOKEN|CONTRACT/);
});

test("a record that asks for more is a row of its own", async () => {
  const more = put("more.json", { status_code: 1000, data: [cdrWith({ total_energy: 9.5 })] });
  const { code, out } = await ran(["reconcile", "--cdr", more, "--meter", meter]);
  assert.is(code, 0);
  assert.match(out, /^sessions {2}1 more charged for than delivered$/m);
  assert.match(out, /^ {2}2026-03-01T09:00:00\.000Z {2}EVSE 1 {2}meter 7\.00 kWh, charged for 9\.50 kWh, 2\.50 kW/m);
  assert.match(out, "record CDR-1");
});

test("bad records are told, each with its place, and left out; with nothing left the command fails", async () => {
  const bad = put("bad.json", [cdrWith({ total_energy: -1 }), cdrWith(), cdrWith({ currency: "euros" })]);
  const { code, err } = await ran(["reconcile", "--cdr", bad, "--meter", meter]);
  assert.is(code, 0);
  assert.is(err, `${bad}[0]: total_energy: found -1; allowed: a number of kWh from 0 to 24000 (left out)\n`
    + `${bad}[2]: currency: found euros; allowed: three capital letters (ISO 4217) (left out)\n`);
  const all = put("all-bad.json", Array.from({ length: 30 }, () => 7));
  const none = await ran(["reconcile", "--cdr", all, "--meter", meter]);
  assert.is(none.code, 1);
  assert.match(none.err, /20 more bad records were left out\nkerbwatch: --cdr: none of 30 records can be used\n$/);
});

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [["--cdr", at("none.json"), "--meter", meter], /--cdr: .*none\.json: no such file/],
  [["--cdr", put("text.json", "hello"), "--meter", meter], /text\.json: found no JSON; allowed: a list of CDRs/],
  [["--cdr", put("code.json", { status_code: 2003 }), "--meter", meter],
    /status_code: found 2003; allowed: 1000 to 1999/],
  [["--cdr", good, "--meter", at("none.jsonl")], /no such file/],
  [["--cdr", good, "--meter", meter, "--station", "CP-2"], /--meter: found no reading of CP-2/],
  [["--cdr", good, "--meter", meter, "--class", "D"], /--class: found "D"; allowed: A, B, C/],
  [["--cdr", good, "--meter", meter, "--from", "March"], /--from: found "March"; allowed: RFC 3339/],
  [["--cdr", good, "--meter", meter, "--evse", "E1"], /--evse: found "E1"; allowed: NAME=N/],
  [["--cdr", put("two.json", [cdrWith(), cdrWith({ id: "b", cdr_location: { evse_uid: "other" } })]), "--meter", meter],
    /--evse: missing; allowed: NAME=N for each EVSE .*, as the records name them \(found "3256", "other"\)/],
  [["--cdr", "https://cpo.example/cdrs", "--meter", meter], /--token: missing; allowed: file:PATH or env:NAME/],
  [["--cdr", "http://cpo.example/cdrs", "--meter", meter, "--token", `file:${token}`],
    /--plain: missing; allowed: --plain, if/],
  [["--cdr", "https://cpo.example/cdrs", "--meter", meter, "--token", "the-token"],
    /--token: found something else; allowed: file:PATH or env:NAME, never the token itself/],
  [["--cdr", "ftp://cpo.example/cdrs", "--meter", meter],
    /found "ftp:\/\/cpo\.example\/cdrs"; allowed: a file, or https/],
];
for (const [args, expected] of WRONG) {
  test(`wrong usage: ${args.map((arg) => arg.replace(folder, "")).join(" ")}`, async () => {
    const { code, out, err } = await ran(["reconcile", ...args]);
    assert.equal([code, out], [2, ""]);
    assert.match(err, expected);
    assert.not.match(err, "the-token");
  });
}

test("from an OCPI endpoint, page by page, with the time it is asked from", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    if (request.headers.authorization !== `Token ${Buffer.from("the-token").toString("base64")}`) {
      response.writeHead(401).end();
      return;
    }
    const isFirst = !request.url!.includes("offset");
    response.writeHead(200, isFirst ? { Link: '</cdrs?offset=1>; rel="next"' } : {});
    response.end(JSON.stringify({ status_code: 1000, data: isFirst ? [cdrWith()]
      : [cdrWith({ id: "x", start_date_time: "2026-02-01T00:00:00Z", end_date_time: "2026-02-01T01:00:00Z" })] }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cdrs`;
  const all = ["--cdr", url, "--meter", meter, "--from", "2026-03-01T00:00:00Z"];
  try {
    const { code, out } = await ran(["reconcile", ...all, "--token", `file:${token}`, "--json"]);
    assert.is(code, 0);
    assert.is((JSON.parse(out) as { sessions: unknown[] }).sessions.length, 1, "what began before is left out");
    assert.equal(asked, ["/cdrs?date_from=2026-03-01T00%3A00%3A00Z", "/cdrs?offset=1"]);
    const refused = await ran(["reconcile", ...all, "--token", "env:T"], { T: "another" });
    assert.is(refused.code, 1);
    assert.match(refused.err, /^kerbwatch: --cdr: http:\/\/127\.0\.0\.1:\d+\/cdrs: page 1: found HTTP 401: the tok/);
  } finally {
    server.close();
  }
});
