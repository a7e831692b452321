/**
 * Privacy through the real agent: idTokens, passwords and keys are planted wherever OCPP, HTTP and makers' habits carry
 * them, alerts are raised on the very frames that hold them, and then all that the agent wrote or said is searched.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { WebSocket, WebSocketServer } from "ws";
import { assert, test } from "../build/testing.ts";
import type { Threat } from "../models/terms.ts";
import type { WallMs } from "../models/units.ts";
import { startAgent } from "./agent.ts";
import { alertsIn, entriesOf, freshFolder, Heard, within, writeConfig } from "./agent.testing.ts";
import { loadConfig } from "./adapters/config-file.ts";
import { nodeCrypto } from "./adapters/crypto.ts";
import { MEMORY_SLOT_BYTES, memoryPath, memorySlotsPath } from "./adapters/memory-file.ts";
import { readSlotFile } from "./adapters/slot-file.ts";
import { ran } from "./cli/io.testing.ts";
import { createTokens, pseudonymOf } from "./observe/tokens.ts";

/** Who sends what: `up` from the station, `down` from the CSMS. Buffers go as binary messages. */
type Sent = readonly ["up" | "down", unknown];

interface Version {
  readonly subprotocol: string;
  readonly traffic: readonly Sent[];
  readonly raises: readonly Threat[];
}

let planted: string[] = [];
const tokens: string[] = [];

/** A value that must not be seen again, unlike any other. */
function plant(what: string): string {
  const value = `zQ${what}${planted.length}Xk7`;
  planted.push(value);
  return value;
}
function token(): string {
  const value = plant("Tag");
  tokens.push(value);
  return value;
}

const GUESSES = 40;
let calls = 0;

/** A call and its result. */
function asked(
  from: "up" | "down", action: string, payload: unknown, result: unknown = { status: "Accepted" },
): Sent[] {
  const id = `c${calls++}`;
  return [[from, [2, id, action, payload]], [from === "up" ? "down" : "up", [3, id, result]]];
}

const odd = (idTag: string): Sent[] => [
  ["up", [2, `id-of-${idTag}`, "Authorize", { idTag }]],
  ["down", [4, `id-of-${idTag}`, "InternalError", `no such card ${idTag}`, { idTag, [idTag]: idTag }]],
  ["up", `this is no JSON, and names ${idTag}`],
  ["up", Buffer.from(`binary ${idTag}`)],
  ["up", [2, "x1", idTag, { idTag }]],
  ["down", [3, `unmatched ${idTag}`, { idTagInfo: { status: "Accepted", parentIdTag: idTag } }]],
  ["up", [2, "x2", "DataTransfer", { vendorId: "Any", messageId: "card", data: `{"uid":"${idTag}"}` }]],
  ["up", [9, "x3", idTag]],
];

function ocpp16(): Version {
  const idTag = token();
  const at = "2026-03-01T09:00:00Z";
  const guesses = Array.from({ length: GUESSES }, () => {
    const guess = token();
    return asked("up", "Authorize", { idTag: guess }, { idTagInfo: { status: "Invalid", parentIdTag: guess } });
  });
  const signed = { format: "SignedData", value: `OCMF|{"ID":"${idTag}"}|{"SD":"${plant("Sig")}"}` };
  const set = (key: string, value: string): Sent[] => asked("down", "ChangeConfiguration", { key, value });
  return {
    subprotocol: "ocpp1.6",
    raises: ["authorization-abuse", "configuration-tampering", "firmware-tampering"],
    traffic: [
      ...asked("up", "BootNotification", { chargePointVendor: "Any", chargePointModel: "One", firmwareVersion: "1.0" }),
      ...odd(idTag),
      ...asked("up", "StartTransaction", { connectorId: 1, idTag, meterStart: 0, timestamp: at },
        { transactionId: 5, idTagInfo: { status: "Accepted", parentIdTag: idTag } }),
      ...asked("up", "StopTransaction", { transactionId: 5, idTag, meterStop: 10, timestamp: at,
        transactionData: [{ timestamp: at, sampledValue: [signed] }] }),
      ...asked("down", "SendLocalList", { listVersion: 1, updateType: "Full",
        localAuthorizationList: [{ idTag: token(), idTagInfo: { status: "Accepted" } }] }),
      ...asked("down", "RemoteStartTransaction", { connectorId: 1, idTag: token() }),
      ...set("AuthorizationKey", plant("Key")), ...set("WifiPassword", plant("Wifi")), ...set("WifiKey", plant("Wpa")),
      ...set("FreeVendIdTag", token()), ...set("MasterPassGroupId", token()), ...set("FtpPass", plant("Ftp")),
      ...set("CentralSystemURL", `ws://${plant("User")}:${plant("Pass")}@198.51.100.9/ocpp?key=${plant("Query")}`),
      ...guesses.flat(),
      ...asked("down", "UpdateFirmware", { retrieveDate: at,
        location: `http://${plant("User")}:${plant("Pass")}@198.51.100.7/fw.bin?sig=${plant("Query")}` }, {}),
      ...asked("down", "GetConfiguration", {}, { configurationKey: [
        { key: "AuthorizationKey", readonly: false, value: plant("Key") }] }),
    ],
  };
}

function ocpp201(): Version {
  const idToken = (value: string) => ({ idToken: value, type: "ISO14443",
    additionalInfo: [{ additionalIdToken: token(), type: "eMAID" }] });
  const at = "2026-03-01T09:00:00Z";
  const mine = token();
  const event = (eventType: string, seqNo: number) => asked("up", "TransactionEvent", {
    eventType, seqNo, timestamp: at, triggerReason: "Authorized", transactionInfo: { transactionId: "t-1" },
    idToken: idToken(mine), evse: { id: 1 },
  }, { idTokenInfo: { status: "Accepted", groupIdToken: { idToken: token(), type: "Central" } } });
  const set = (component: string, variable: string, attributeValue: string): Sent[] =>
    asked("down", "SetVariables", { setVariableData:
      [{ component: { name: component }, variable: { name: variable }, attributeValue }] }, { setVariableResult:
      [{ component: { name: component }, variable: { name: variable }, attributeStatus: "Accepted" }] });
  const guesses = Array.from({ length: GUESSES }, () =>
    asked("up", "Authorize", { idToken: idToken(token()) }, { idTokenInfo: { status: "Unknown" } }));
  return {
    subprotocol: "ocpp2.0.1",
    raises: ["authorization-abuse", "configuration-tampering", "firmware-tampering"],
    traffic: [
      ...asked("up", "BootNotification", { reason: "PowerUp", chargingStation: { vendorName: "Any", model: "Two" } }),
      ...odd(mine), ...event("Started", 0), ...event("Ended", 1),
      ...set("SecurityCtrlr", "BasicAuthPassword", plant("Key")), ...set("Wifi", "PresharedKey", plant("Wifi")),
      ...asked("down", "SetNetworkProfile", { configurationSlot: 1, connectionData: {
        ocppVersion: "OCPP20", ocppTransport: "JSON", messageTimeout: 30, securityProfile: 0, ocppInterface: "Wired0",
        ocppCsmsUrl: `ws://${plant("User")}:${plant("Pass")}@198.51.100.9/x?key=${plant("Query")}`,
        apn: { apn: "net", apnUserName: plant("Apn"), apnPassword: plant("Apn"), simPin: 98761234,
          apnAuthentication: "AUTO" },
        vpn: { server: "vpn.example", user: plant("Vpn"), group: plant("Vpn"), password: plant("Vpn"),
          key: plant("Vpn"), type: "IKEv2" },
      } }),
      ...guesses.flat(),
      ...asked("down", "UpdateFirmware", { requestId: 1, firmware: { retrieveDateTime: at,
        location: `http://${plant("User")}:${plant("Pass")}@198.51.100.7/fw.bin?sig=${plant("Query")}` } }),
      ...asked("up", "SignCertificate", { csr: `-----BEGIN CERTIFICATE REQUEST-----${plant("Csr")}` }),
      ...asked("up", "SecurityEventNotification", { type: "SettingSystemTime", timestamp: at, techInfo: mine }),
    ],
  };
}

interface Wire {
  readonly station: WebSocket;
  readonly csms: WebSocket;
  send(sent: Sent): Promise<void>;
  close(): Promise<void>;
}

/** A station and a CSMS joined by the agent; `send` waits until what was sent has arrived at the other end. */
async function wireThrough(
  port: number, server: WebSocketServer, subprotocol: string, password: string,
): Promise<Wire> {
  const accepted = new Promise<WebSocket>((resolve) => server.once("connection", resolve));
  const station = new WebSocket(`ws://127.0.0.1:${port}/CP-001?login=${plant("Query")}`, [subprotocol], {
    headers: { Authorization: `Basic ${Buffer.from(`CP-001:${password}`).toString("base64")}` },
  });
  const opened = new Promise((resolve, reject) => station.once("open", resolve).once("error", reject));
  const csms = await accepted;
  const arrived = { up: new Heard<string>(), down: new Heard<string>() };
  csms.on("message", (data: Buffer) => arrived.up.add(data.toString()));
  station.on("message", (data: Buffer) => arrived.down.add(data.toString()));
  await opened;
  return {
    station, csms,
    async send([from, what]) {
      const data = Buffer.isBuffer(what) ? what : typeof what === "string" ? what : JSON.stringify(what);
      (from === "up" ? station : csms).send(data);
      await arrived[from].next((text) => text === data.toString());
    },
    close: () => new Promise((resolve) => {
      csms.once("close", () => resolve());
      station.close();
    }),
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

function body(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/status" }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => { text += chunk; }).on("end", () => resolve(text));
    }).on("error", reject);
  });
}

/** The forms in which a secret could slip out. */
const formsOf = (secret: string): string[] => {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  return [secret.toLowerCase(), encodeURIComponent(secret).toLowerCase(), bytes.toString("hex"), base64.toLowerCase()];
};

function assertSilent(said: ReadonlyMap<string, string>, secrets: readonly string[]): void {
  for (const [where, text] of said) {
    const lower = text.toLowerCase();
    for (const secret of secrets) {
      for (const form of formsOf(secret)) assert.not.ok(lower.includes(form), `${where} holds ${secret}`);
    }
  }
}

/** Everything that the commands print about this agent, while it runs or after. */
async function commandsSay(
  stateDir: string, config: string, incidentIds: readonly string[],
): Promise<[string, string][]> {
  const all = [
    ["status"], ["status", "--json"], ["explain"], ["explain", "--json"], ["ledger", "verify"],
    ...incidentIds.flatMap((id) => [["explain", id], ["explain", id, "--json"]]),
  ].map((args) => [...args, "--state", stateDir]);
  const said: [string, string][] = [];
  const bundle = join(freshFolder(), "support.json");
  assert.is((await ran(["support-bundle", "--config", config, "--out", bundle])).code, 0);
  const text = readFileSync(bundle, "utf8");
  const { agent, record } = JSON.parse(text) as { agent: { running: boolean }; record: { frames: unknown[] } };
  assert.ok(agent.running && record.frames.length > 0);
  said.push(["the support bundle", text]);
  for (const args of [...all, ["doctor", "--config", config], ["doctor", "--json", "--config", config]]) {
    const { out, err } = await ran(args);
    assert.ok(out.length + err.length > 0, args.join(" "));
    said.push([args.join(" "), out + err]);
  }
  return said;
}

/** The agent's own secrets, in the form of their files. */
function ownKeys(stateDir: string): string[] {
  const seeds = ["statement", "log"].map((purpose) =>
    (JSON.parse(readFileSync(join(stateDir, "keys", `${purpose}.key`), "utf8")) as { seed: string }).seed);
  const secret = readFileSync(join(stateDir, "keys", "token.secret"));
  return [...seeds.map((seed) => seed.replace(/=+$/, "")), secret.toString("hex"), secret.toString("latin1")];
}

/** What was saved while it ran, as it is under its compression. */
function savedInSlots(stateDir: string): string {
  const { content } = readSlotFile(memorySlotsPath(stateDir), nodeCrypto(), MEMORY_SLOT_BYTES)!;
  return inflateRawSync(content!).toString("latin1");
}

function pseudonyms(stateDir: string, at: readonly number[]): string[] {
  const known = createTokens(nodeCrypto(), new Uint8Array(readFileSync(join(stateDir, "keys", "token.secret"))));
  return at.flatMap((when) => tokens.map((one) => String(pseudonymOf(known, one, when as WallMs))));
}

for (const [name, make] of Object.entries({ ocpp16, ocpp201 })) {
  test(`${name}: no idToken, password or key in any alert, log entry, notice, status, file or output`, async () => {
    planted = [];
    tokens.length = 0;
    const { subprotocol, traffic, raises } = make();
    const folder = freshFolder();
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((resolve) => server.once("listening", resolve));
    const csmsPort = (server.address() as { port: number }).port;
    const config = writeConfig(folder, { csms: `ws://127.0.0.1:${csmsPort}`, http: "127.0.0.1:0" });
    const stateDir = join(folder, "state");
    const [notices, told] = [new Heard<string>(), new Heard<string>()];
    const begun = Date.now();
    const agent = await startAgent(loadConfig(config, {}), {
      notice: (text) => notices.add(text), out: (text) => told.add(text), colour: false, env: {},
    });
    const said = new Map<string, string>();
    try {
      const wire = await wireThrough(agent.listening.port, server, subprotocol, plant("Basic"));
      for (const sent of traffic) await wire.send(sent);
      const raised = (threat: Threat) => told.next((text) => text.includes("RAISED") && text.includes(threat));
      await within(Promise.all(raises.map(raised)), () => [...told.all, ...notices.all].join("\n"));
      const alerts = alertsIn(join(stateDir, "alerts.jsonl"));
      said.set("the status", JSON.stringify(agent.status()));
      said.set("the status page", await body(Number(/:(\d+)$/.exec(agent.status().agent.http ?? "")?.[1])));
      const ids = [...new Set(alerts.map(({ incidentId }) => incidentId))];
      for (const [args, text] of await commandsSay(stateDir, config, ids)) said.set(args, text);
      await wire.close();
    } finally {
      await agent.stop();
      await new Promise((resolve) => server.close(resolve));
    }
    said.set("notices", notices.all.join("\n"));
    said.set("the terminal", told.all.join("\n"));
    const files = filesBelow(folder).filter((path) => !path.includes("/keys/") && path !== config);
    for (const path of files) said.set(path, readFileSync(path, "latin1"));
    said.set(memorySlotsPath(stateDir), savedInSlots(stateDir));
    assert.ok(files.some((path) => path.endsWith("normal.json")) && files.some((path) => path.endsWith(".seg")));
    const entries = entriesOf(stateDir);
    const frames = entries.flatMap((entry) => entry.kind === "frame" ? [entry.text] : []);
    assert.ok(frames.some((text) => text.includes("<token>")) && frames.some((text) => text.includes("Firmware")));
    assertSilent(said, [...planted, "98761234", ...ownKeys(stateDir)]);
    said.delete(memoryPath(stateDir));
    said.delete(memorySlotsPath(stateDir));
    assertSilent(said, pseudonyms(stateDir, [begun, Date.now()]));
  });
}
