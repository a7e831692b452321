import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import standardValidators from "ocpp-rpc/lib/standard-validators.js";
import { assert, test } from "../../build/testing.ts";
import type { SimVersion } from "../sim/capture.ts";
import { jumpingClock } from "./bench-clock.ts";
import { BenchCsms } from "./csms.ts";
import { BenchStation, type BenchStationOptions, type Flow } from "./station.ts";

const GOOD = "04A1B2C3";
const START = Date.UTC(2026, 2, 2);

async function onBench(
  ocppVersion: SimVersion, use: (station: BenchStation, csms: BenchCsms) => Promise<void>,
  more: Partial<BenchStationOptions> = {},
): Promise<void> {
  const csms = await BenchCsms.listen({ tokens: [GOOD] });
  const station = new BenchStation({ id: "CP-001", ocppVersion, url: csms.url, clock: jumpingClock(START),
    reconnectMs: 1, ...more });
  try {
    await station.connect();
    await use(station, csms);
  } finally {
    await station.close();
    await csms.close();
  }
}

for (const version of ["1.6", "2.0.1"] as const) {
  test(`${version}: boot, heartbeat and a session; the CSMS bills what the meter saw`, () =>
    onBench(version, async (station, csms) => {
      assert.is(await station.boot("PowerUp", 2), "Accepted");
      await station.heartbeat();
      const flows: Flow[] = [];
      const result = await station.session({ token: GOOD, powerW: 11_000, seconds: 3600, sampleS: 60,
        onFlow: (flow) => flows.push(flow) });
      assert.is(result.authorization, "Accepted");
      const [transaction] = csms.transactions;
      assert.is(transaction?.id, result.transactionId);
      assert.is(transaction?.token, GOOD);
      assert.is(transaction?.ended, true);
      assert.ok(Math.abs(transaction!.lastWh - transaction!.startWh - 11_000) <= 1);
      assert.ok(Math.abs(result.billedWh - 11_000) <= 1 && Math.abs(result.deliveredWh - 11_000) < 1e-3);
      assert.ok(transaction!.readings >= 60);
      assert.is(flows.at(-1)?.powerW, 0);
      assert.ok(flows.every(({ deliveredWh }, i) => deliveredWh >= (flows[i - 1]?.deliveredWh ?? 0)));
    }));

  test(`${version}: what it says keeps the official schema`, () =>
    onBench(version, async (station, csms) => {
      const validator = standardValidators.find(({ subprotocol }) => subprotocol === `ocpp${version}`);
      await station.boot();
      await station.session({ token: GOOD, powerW: 3_700, seconds: 300, sampleS: 60 });
      for (const { action, payload } of csms.calls) validator?.validate(`urn:${action}.req`, payload);
      assert.ok(csms.calls.length > 8);
    }));

  test(`${version}: a meter that runs ahead: more is delivered than billed`, () =>
    onBench(version, async (station) => {
      const { billedWh, deliveredWh } = await station.session({ token: GOOD, powerW: 22_000, seconds: 1800, sampleS: 30,
        meterAhead: 0.3 });
      assert.ok(Math.abs(deliveredWh / billedWh - 1.3) < 0.001, `${deliveredWh} and ${billedWh}`);
    }));

  test(`${version}: an unknown card is refused and nothing flows`, () =>
    onBench(version, async (station, csms) => {
      assert.is(await station.authorize("BAD"), "Invalid");
      const result = await station.session({ token: "BAD", powerW: 11_000, seconds: 60 });
      assert.equal(result, { authorization: "Invalid", billedWh: 0, deliveredWh: 0 });
      assert.is(csms.transactions.length, 0);
      csms.tokens.add("BAD");
      assert.is(await station.authorize("BAD"), "Accepted");
    }));

  test(`${version}: dropped twice in mid-session, it comes back and ends the same transaction`, () =>
    onBench(version, async (station, csms) => {
      const charging = csms.nextCall("CP-001", version === "1.6" ? "MeterValues" : "TransactionEvent");
      const dropping = charging.then(async () => {
        await csms.drop("CP-001");
        await csms.whenConnected("CP-001");
        await csms.drop("CP-001");
      });
      const { billedWh, transactionId } = await station.session({ token: GOOD, powerW: 11_000, seconds: 3600,
        sampleS: 20 });
      await dropping;
      await csms.whenConnected("CP-001");
      await station.whenConnected();
      assert.ok(station.connections >= 3, String(station.connections));
      assert.is(csms.transactions.length, 1);
      const [transaction] = csms.transactions;
      assert.is(transaction!.id, transactionId);
      assert.is(transaction!.ended, true);
      assert.ok(Math.abs(transaction!.lastWh - transaction!.startWh - billedWh) <= 1);
    }));

  test(`${version}: orders are obeyed and remembered, unknown ones answered by an error`, () =>
    onBench(version, async (station, csms) => {
      const update = version === "1.6"
        ? { location: "http://203.0.113.66/x.bin", retrieveDate: "2026-03-02T00:00:00.000Z" }
        : { requestId: 1, firmware: { location: "http://203.0.113.66/x.bin",
          retrieveDateTime: "2026-03-02T00:00:00.000Z" } };
      const ordered = station.nextOrder("UpdateFirmware");
      const outcome = await csms.command("CP-001", "UpdateFirmware", update);
      assert.equal(outcome, { ok: true, reply: version === "1.6" ? {} : { status: "Accepted" } });
      assert.equal((await ordered).payload, update);
      const change = version === "1.6"
        ? await csms.command("CP-001", "ChangeConfiguration", { key: "HeartbeatInterval", value: "60" })
        : await csms.command("CP-001", "SetVariables", { setVariableData: [{ attributeValue: "60",
          component: { name: "OCPPCommCtrlr" }, variable: { name: "HeartbeatInterval" } }] });
      assert.match(JSON.stringify(change), /"Accepted"/);
      const odd = await csms.command("CP-001", "MakeCoffee", {});
      assert.is(odd.ok, false);
      assert.equal(station.orders.map(({ known }) => known), [true, true, false]);
    }));
}

test("a station whose CSMS is away keeps trying, and trusts cards meanwhile", async () => {
  const first = await BenchCsms.listen({ tokens: [GOOD] });
  const port = Number(new URL(first.url).port);
  const station = new BenchStation({ id: "CP-001", ocppVersion: "1.6", url: first.url, clock: jumpingClock(START),
    reconnectMs: 1 });
  await station.connect();
  const gone = station.whenDisconnected();
  await first.close();
  await gone;
  assert.is(await station.authorize(GOOD), "offline");
  const session = station.session({ token: GOOD, powerW: 7_400, seconds: 600, sampleS: 60 });
  const second = await BenchCsms.listen({ tokens: [GOOD], port });
  const result = await session;
  assert.is(result.authorization, "offline");
  assert.is(second.transactions[0]?.ended, true);
  assert.is(second.transactions[0]?.id, result.transactionId);
  await station.close();
  await second.close();
});

test("over TLS with a password", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-bench-"));
  try {
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-days", "2", "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem",
      "-out", "cert.pem"], { cwd: folder, stdio: "pipe" });
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name), "utf8"));
    const csms = await BenchCsms.listen({ tokens: [GOOD], tls: { key: key!, cert: cert! } });
    assert.match(csms.url, /^wss:/);
    const station = new BenchStation({ id: "CP-001", ocppVersion: "2.0.1", url: `${csms.url}/prefix`,
      password: "s3cret", tls: { ca: cert! }, clock: jumpingClock(START) });
    await station.connect();
    assert.is(await station.boot(), "Accepted");
    await station.close();
    await csms.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a repeated StartTransaction is one transaction", () =>
  onBench("1.6", async (station, csms) => {
    const start = { action: "StartTransaction", payload: { connectorId: 1, idTag: GOOD, meterStart: 5,
      timestamp: "2026-03-02T00:00:00.000Z" } };
    assert.equal(await station.call(start), await station.call(start));
    assert.is(csms.transactions.length, 1);
  }));

test("orders to a station that is not there, and a port in use, are told", async () => {
  const csms = await BenchCsms.listen({ tokens: [] });
  assert.equal(await csms.command("CP-404", "Reset", { type: "Soft" }), { ok: false, why: "not connected" });
  const taken = await BenchCsms.listen({ tokens: [], port: Number(new URL(csms.url).port) }).then(() => "listens",
    (error: NodeJS.ErrnoException) => error.code);
  assert.is(taken, "EADDRINUSE");
  await csms.close();
});

test("power by-passes the transaction when told so", () =>
  onBench("2.0.1", async (station, csms) => {
    const flows: Flow[] = [];
    await station.bypass({ powerW: 6_000, seconds: 600, sampleS: 60, onFlow: (flow) => flows.push(flow) });
    assert.is(Math.round(flows.at(-1)?.deliveredWh ?? 0), 1_000);
    assert.is(csms.calls.length, 0);
  }));

test("a closed station lets go: the process may end", async () => {
  const station = new BenchStation({ id: "CP-001", ocppVersion: "1.6", url: "ws://127.0.0.1:9", reconnectMs: 1 });
  const connecting = station.connect();
  await station.close();
  await connecting;
  assert.is(station.connected, false);
});
