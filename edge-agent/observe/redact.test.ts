import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import type { Seeded } from "../../build/seeded.ts";
import { redactFrame } from "./redact.ts";

const redact = (frame: unknown): string => redactFrame(JSON.stringify(frame));

test("an idTag goes, what happened stays", () => {
  assert.is(redact([2, "1", "StartTransaction", { connectorId: 1, idTag: "04A2B3", meterStart: 5 }]),
    '[2,"1","StartTransaction",{"connectorId":1,"idTag":"<token>","meterStart":5}]');
  assert.is(redact([3, "1", { idTagInfo: { status: "Accepted", parentIdTag: "PARENT-7" } }]),
    '[3,"1",{"idTagInfo":{"status":"Accepted","parentIdTag":"<token>"}}]');
});

test("an idToken object keeps its type only", () => {
  const idToken = { idToken: "04A2B3", type: "ISO14443", additionalInfo: [{ additionalIdToken: "X", type: "other" }] };
  assert.is(redact([2, "1", "Authorize", { idToken }]),
    '[2,"1","Authorize",{"idToken":{"idToken":"<token>","type":"ISO14443",' +
    '"additionalInfo":[{"additionalIdToken":"<token>","type":"other"}]}}]');
});

test("the value of a secret setting goes, of another stays", () => {
  assert.is(redact([2, "1", "ChangeConfiguration", { key: "AuthorizationKey", value: "hunter2" }]),
    '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"<secret>"}]');
  assert.is(redact([2, "1", "ChangeConfiguration", { key: "HeartbeatInterval", value: "60" }]),
    '[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]');
  const report = { component: { name: "SecurityCtrlr" }, variable: { name: "BasicAuthPassword" } };
  const reportData = [{ ...report, variableAttribute: [{ value: "hunter2" }] }];
  assert.not.match(redact([2, "1", "NotifyReport", { reportData }]), "hunter2");
});

test("makers' names for passwords and keys are secret; names of settings and lists of them are not", () => {
  const names = ["AuthorizationKey", "WifiKey", "wpa_key", "WLAN-Key", "FtpPass", "WifiPW", "SimPuk", "apiKeyId"];
  for (const name of names) {
    assert.not.match(redact([2, "1", "ChangeConfiguration", { key: name, value: "hunter2" }]), "hunter2", name);
    assert.not.match(redact([2, "1", "DataTransfer", { vendorId: "V", [name]: "hunter2" }]), "hunter2", name);
  }
  const settings = [3, "1", { configurationKey: [{ key: "HeartbeatInterval", value: "60" }], unknownKey: ["Volume"] }];
  assert.is(redact(settings), JSON.stringify(settings));
  const asked = [2, "1", "GetConfiguration", { key: ["HeartbeatInterval"] }];
  assert.is(redact(asked), JSON.stringify(asked));
});

test("credentials and queries of URLs go, the host stays", () => {
  const location = (text: string): string => redact([2, "1", "UpdateFirmware", { location: text }]);
  assert.is(location("ftp://user:pa:s/s@w@fw.example:21/a.bin"),
    '[2,"1","UpdateFirmware",{"location":"ftp://<credentials>@fw.example:21/a.bin"}]');
  assert.is(location("see https://u:p@fw.example/a?sig=abc now"),
    '[2,"1","UpdateFirmware",{"location":"see https://<credentials>@fw.example/a?<query> now"}]');
  assert.is(location("user:pass@fw.example"), '[2,"1","UpdateFirmware",{"location":"<credentials>@fw.example"}]');
  assert.match(location("ftp://u:my pass\"word@fw.example/x"), "ftp://<credentials>@fw.example/x");
  assert.match(location("mail help@maker.example"), "mail help@maker.example");
});

test("a profile's passwords go: basicAuthPassword, APN, VPN", () => {
  const text = redact([2, "1", "SetNetworkProfile", { connectionData: {
    ocppCsmsUrl: "wss://csms.example", securityProfile: 2, basicAuthPassword: "pw-basic",
    apn: { apn: "net", apnUserName: "usr-apn", apnPassword: "pw-apn", simPin: 4321 },
    vpn: {
      server: "vpn.example", user: "usr-vpn", group: "grp-vpn", password: "pw-vpn", key: "key-vpn", type: "IPSec",
    },
  } }]);
  for (const secret of ["pw-basic", "usr-apn", "pw-apn", "4321", "usr-vpn", "grp-vpn", "pw-vpn", "key-vpn"]) {
    assert.not.match(text, secret);
  }
  for (const kept of ["wss://csms.example", "vpn.example", "IPSec", '"securityProfile":2']) assert.match(text, kept);
});

test("certificates, signing requests, signed meter data, vendors' data and errors' details are opaque", () => {
  for (const frame of [
    [2, "1", "SignCertificate", { csr: "PLANTED" }],
    [2, "1", "InstallCertificate", { certificate: "PLANTED" }],
    [2, "1", "X", { whatever: "-----BEGIN PRIVATE KEY-----PLANTED" }],
    [2, "1", "Get15118EVCertificate", { exiRequest: "PLANTED" }],
    [3, "1", { exiResponse: "PLANTED" }],
    [2, "1", "MeterValues", { meterValue: [{ sampledValue: [{ format: "SignedData", value: "PLANTED" }] }] }],
    [2, "1", "MeterValues", { meterValue: [{ sampledValue: [{ value: 'OCMF|{"ID":"PLANTED"}' }] }] }],
    [2, "1", "MeterValues", { meterValue: [{ sampledValue: [{ signedMeterValue: { signedMeterData: "PLANTED" } }] }] }],
    [2, "1", "DataTransfer", { vendorId: "V", data: "PLANTED" }],
    [2, "1", "DataTransfer", { vendorId: "V", data: { a: [{ b: "PLANTED" }] } }],
    [2, "1", "Heartbeat", { customData: { vendorId: "V", x: "PLANTED" } }],
    [2, "1", "SecurityEventNotification", { type: "X", techInfo: "PLANTED" }],
    [4, "1", "GenericError", "no such tag: PLANTED", { tag: "PLANTED" }],
    [4, "1", "no such tag: PLANTED", "", {}],
    [2, "1", "no such tag: PLANTED", {}],
  ]) assert.not.match(redact(frame), "PLANTED", JSON.stringify(frame));
});

test("a frame that cannot be parsed is not shown", () => {
  assert.is(redactFrame('[2,"1","Authorize",{"idTag":"04A2B3"'), "<unparsed, 36 bytes>");
  assert.is(redactFrame("\u00fc"), "<unparsed, 2 bytes>");
  assert.is(redactFrame('{"idTag":"04A2B3"}'), "<unparsed, 18 bytes>");
  assert.is(redactFrame(""), "<unparsed, 0 bytes>");
});

test("raw newlines, deep nesting and __proto__ do not throw", () => {
  assert.match(redactFrame('[2,"1","X",{"info":"a\nb"}]'), '"a b"');
  const deep = (levels: number): string => `[2,"1","X",${'{"a":'.repeat(levels)}"PLANTED"${"}".repeat(levels)}]`;
  assert.match(redactFrame(deep(50)), "<deep>");
  assert.match(redactFrame(deep(5000)), "<unparsed");
  for (const levels of [50, 500, 5000]) assert.not.match(redactFrame(deep(levels)), "PLANTED");
  const own = '{"__proto__":{"idTag":"04A2B3"}}';
  assert.is(redactFrame(`[2,"1","X",${own}]`), `[2,"1","X",${own.replace("04A2B3", "<token>")}]`);
});

test("a local list of a thousand tokens shows none, and is quick", () => {
  const localAuthorizationList = Array.from({ length: 1000 }, (_, i) => ({ idTag: `TAG-${i}-X`, note: `TAG-${i}-X` }));
  const text = redact([2, "1", "SendLocalList", { listVersion: 1, updateType: "Full", localAuthorizationList }]);
  assert.not.match(text, "TAG-");
  assert.match(text, '"listVersion":"<hidden>"');
  assert.match(text, "SendLocalList");
});

/** Texts that are awkward to find again: quotation marks, signs of regular expressions, other scripts, both cases. */
function plant(random: Seeded): string {
  const letters = "ABCDEFabcdef0123456789-_.+*?()[]{}|^$\\\"'/:@ \u00e4\u4e2d";
  const body = Array.from({ length: 4 + random.int(20) }, () => letters[random.int(letters.length)]).join("");
  return `Q${body}Z`;
}

/** Frames with a planted secret `s` in a known position, and again somewhere that nobody could know. */
const PLANTINGS: readonly ((s: string) => unknown)[] = [
  (s) => [2, "1", "Authorize", { idTag: s, info: `tag ${s} seen` }],
  (s) => [2, s, "Authorize", { idTag: s }],
  (s) => [2, "1", "Authorize", { idToken: { idToken: s, type: "Local" }, vendor: [{ deep: [`<${s}>`] }] }],
  (s) => [2, "1", "Authorize", { idTag: s, [`x${s}x`]: 1 }],
  (s) => [3, "1", { idTagInfo: { status: "Accepted", parentIdTag: s }, note: s.toLowerCase() }],
  (s) => [3, "1", { idTokenInfo: { groupIdToken: { idToken: s, type: "Central" } }, note: s.toUpperCase() }],
  (s) => [2, "1", "ReserveNow", { connectorId: 1, idTag: s, parentIdTag: `${s}${s}`, note: `${s}${s}` }],
  (s) => [2, "1", "DataTransfer", { vendorId: s, idTag: s, data: JSON.stringify({ a: s }) }],
  (s) => [2, "1", "DataTransfer", { vendorId: "V", data: { inner: { rfid: s } } }],
  (s) => [2, "1", "ChangeConfiguration", { key: "AuthorizationKey", value: s, comment: s }],
  (s) => [3, "1", { configurationKey: [{ key: "basicauthpassword", readonly: false, value: s }], unknownKey: [s] }],
  (s) => [2, "1", "SetVariables", { setVariableData: [
    { attributeValue: s, component: { name: "SecurityCtrlr" }, variable: { name: "BasicAuthPassword" }, also: s }] }],
  (s) => [2, "1", "SetNetworkProfile", { connectionData: { basicAuthPassword: s, vpn: { key: s }, note: s } }],
  (s) => [2, "1", "SendLocalList", { localAuthorizationList: [{ idTag: s, idTagInfo: { parentIdTag: s } }], note: s }],
  (s) => [2, "1", "GetLog", { log: { remoteLocation: `ftp://user:${s}@up.example/x` } }],
  (s) => [4, "1", "GenericError", s, { idTag: s }],
];

test("no planted token or password survives, wherever it stands (2,000 frames, seed 1)", () => {
  const random = seeded(1);
  for (let i = 0; i < 2000; i += 1) {
    const secret = plant(random);
    const frame = random.pick(PLANTINGS)(secret);
    const text = redact(frame);
    const inside = JSON.stringify(secret).slice(1, -1).toLowerCase();
    assert.not.ok(text.toLowerCase().includes(inside), `${JSON.stringify(frame)}\n${text}`);
    JSON.parse(text);
  }
});

test("without secrets, redaction changes nothing (reference frames)", () => {
  for (const frame of [
    [2, "1", "StatusNotification", { connectorId: 1, errorCode: "NoError", timestamp: "2024-01-15T12:00:00Z" }],
    [2, "1", "MeterValues", { transactionId: 7, meterValue: [{ sampledValue: [{ value: "5", unit: "Wh" }] }] }],
    [3, "1", { currentTime: "2024-01-15T12:00:00Z", interval: 300, status: "Accepted" }],
    [2, "1", "SetVariables", { setVariableData: [{ attributeValue: "60", variable: { name: "B" } }] }],
    [3, "1", { a: null, b: true, c: [1, 2.5, -3e21], d: {} }],
  ]) assert.is(redact(frame), JSON.stringify(frame));
});
