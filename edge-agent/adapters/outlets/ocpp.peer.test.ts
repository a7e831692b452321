/** Security events to a CSMS of ocpp-rpc, which checks them against OCPP's own schemas. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRPCError, RPCServer } from "ocpp-rpc";
import { assert, test } from "../../../build/testing.ts";
import { freePort } from "../mosquitto.testing.ts";
import { Unwilling } from "./courier.ts";
import { createOcppAlerts } from "./ocpp.ts";
import { alertWith, HOSTILE } from "./outlets.testing.ts";

type Version = "1.6" | "2.0.1" | "2.1";
type Handle = (call: { method: string; params: Record<string, unknown> }) => unknown;
const NEVER = new AbortController().signal;

interface World {
  readonly port: number;
  /** Calls that passed the schema, in order. */
  readonly calls: [string, Record<string, unknown>][];
  readonly clients: { identity: string; password?: string }[];
}

async function withCsms(version: Version, answer: Handle, use: (world: World) => Promise<void>): Promise<void> {
  const protocol = `ocpp${version}`;
  // Its schemas of 2.1 have names that it does not look for, so that it would refuse everything.
  const server = new RPCServer({ protocols: [protocol], strictMode: version === "2.1" ? false : [protocol] });
  const world: World = { port: 0, calls: [], clients: [] };
  server.auth((accept, _reject, { identity, password }) => {
    world.clients.push({ identity, ...(password !== undefined && { password: String(password) }) });
    accept({});
  });
  server.on("client", (client) => {
    client.handle(({ method, params }: Parameters<Handle>[0]) => {
      world.calls.push([method, params]);
      return answer({ method, params });
    });
    // Whoever boots is asked for things.
    client.call(version === "1.6" ? "TriggerMessage" : "GetLog", version === "1.6" ? { requestedMessage: "Heartbeat" }
      : { logType: "SecurityLog", requestId: 1, log: { remoteLocation: "ftp://x" } }).catch(() => undefined);
  });
  const http = createServer();
  http.on("upgrade", server.handleUpgrade);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  try {
    await use(Object.assign(world, { port: (http.address() as AddressInfo).port }));
  } finally {
    await server.close({ force: true } as never);
    http.close();
  }
}

const ACCEPTED = { currentTime: "2026-03-01T09:00:00.000Z", interval: 300, status: "Accepted" };
const friendly: Handle = ({ method }) => (method === "BootNotification" ? ACCEPTED : {});

const carry = (port: number, version: Version, alerts = [alertWith()], signal = NEVER): Promise<Error | undefined> =>
  createOcppAlerts({
    url: { secure: false, host: "127.0.0.1", port, path: "/ocpp" }, identity: "CP-001-watch", version,
  }, { password: "a password of 16" }).carry({ id: "1", alerts }, signal)
    .then(() => undefined, (error: Error) => error);

for (const version of ["1.6", "2.0.1", "2.1"] as const) {
  test(`OCPP ${version}: boots, tells one event after the other, and passes the schemas`, () =>
    withCsms(version, friendly, async ({ port, calls, clients }) => {
      assert.is((await carry(port, version))?.message, undefined);
      assert.equal(clients, [{ identity: "CP-001-watch", password: "a password of 16" }]);
      assert.equal(calls.map(([method]) => method), ["BootNotification", "SecurityEventNotification"]);
      assert.equal(calls[1]![1], {
        type: "kerbwatch.load-manipulation", timestamp: "2026-03-01T09:00:20.000Z",
        techInfo: "raised high zone 0123456789ab 97 % sure: 14 of 20 chargers on feeder-7 started within 8 s; "
          + "0.4 would be usual.",
      });
      const alerts = [alertWith({ summary: HOSTILE.repeat(40), threat: "configuration-tampering" })];
      assert.is(await carry(port, version, alerts), undefined);
      const { type, techInfo } = calls[3]![1] as { type: string; techInfo: string };
      assert.ok(type.length <= 50 && techInfo.length <= 255);
    }));
}

test("OCPP's own name of an event is used where it has one", () =>
  withCsms("2.0.1", friendly, async ({ port, calls }) => {
    const opened = alertWith({ threat: "physical-tampering", scope: "station" });
    await carry(port, "2.0.1", [opened]);
    await carry(port, "2.0.1", [{ ...opened, state: "cleared" }]);
    assert.equal([calls[1]![1]["type"], calls[3]![1]["type"]],
      ["TamperDetectionActivated", "kerbwatch.physical-tampering"]);
  }));

for (const status of ["Pending", "Rejected"]) {
  test(`a boot that is ${status}: nothing is told, and it is tried again`, () =>
    withCsms("1.6", () => ({ ...ACCEPTED, status }), async ({ port, calls }) => {
      assert.is((await carry(port, "1.6"))?.message, `BootNotification: ${status}`);
      assert.is(calls.length, 1);
    }));
}

for (const [code, stops] of [["NotImplemented", true], ["NotSupported", true], ["InternalError", false]] as const) {
  test(`a CSMS that answers ${code} is ${stops ? "asked no more" : "tried again"}`, () =>
    withCsms("1.6", (call) => {
      if (call.method === "BootNotification") return ACCEPTED;
      throw createRPCError(code, "no");
    }, async ({ port }) => {
      const error = await carry(port, "1.6");
      assert.is(error instanceof Unwilling, stops);
      assert.match(error?.message ?? "", code);
    }));
}

test("a CSMS that is away, speaks another version, or never answers", async () => {
  assert.match((await carry(await freePort(), "1.6"))?.message ?? "", /ECONNREFUSED/);
  await withCsms("1.6", friendly, async ({ port }) =>
    assert.match((await carry(port, "2.1"))?.message ?? "", /subprotocol|400/i));
  await withCsms("1.6", () => new Promise(() => undefined), async ({ port }) =>
    assert.match((await carry(port, "1.6", [alertWith()], AbortSignal.timeout(300)))?.message ?? "", /closed/));
});
