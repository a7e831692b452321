import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { repoRoot } from "../build/paths.ts";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { CONFIG_SCHEMA } from "./config-schema.ts";
import { MAX_CONFIG_CHARS, configReference, effectiveConfig, parseConfig } from "./config.ts";
import { EVEREST_POWERMETER } from "./observe/everest.ts";
import { UsageError } from "./usage-error.ts";

const LEAST = "station: CP-001\ncsms: wss://csms.example";

const ALICE = "operator/alice+550d5c05+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
const BOB = "operator/bob+c4ffb607+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";

/** The example of contracts, section 5. */
const EXAMPLE = `
station: CP-001
listen: ws://127.0.0.1:9000        # where the charger connects
csms: wss://csms.example
mode: observe
epochS: 10
operators: { threshold: 2, keys: [${ALICE}, ${BOB}] }
stateDir: /var/lib/kerbwatch
meters:
  - { evse: 1, kind: modbus-tcp, model: sdm630, address: 127.0.0.1:502, unit: 1, everyS: 10 }
mesh:
  roster: /etc/kerbwatch/roster.kw
  listen: mqtts://0.0.0.0:8883
  advertise: mqtts://10.0.0.5:8883
  brokers: []
alerts: { jsonl: alerts.jsonl }
http: 127.0.0.1:8620
`;

/** The message of the UsageError that the configuration must give. */
function refusal(text: string, file = "kerbwatch.yaml", env: Record<string, string> = {}): string {
  try {
    parseConfig(text, file, env);
  } catch (error) {
    assert.instance(error, UsageError);
    return (error as Error).message;
  }
  return "accepted";
}

interface Vector {
  readonly name: string;
  readonly config: string;
  readonly message: string;
}

const vectors = load(readFileSync(join(repoRoot, "edge-agent/config.vectors.yaml"), "utf8")) as Vector[];

test("there are at least forty bad configurations", () => assert.ok(vectors.length >= 40));

test("a configuration without a time zone calls no tables of time zones into memory", () => {
  const { DateTimeFormat } = Intl;
  try {
    Intl.DateTimeFormat = undefined as never;
    assert.is(parseConfig(LEAST, "kerbwatch.yaml", {}).timezone, "UTC");
    assert.is(parseConfig(`${LEAST}\ntimezone: UTC`, "kerbwatch.yaml", {}).timezone, "UTC");
    assert.match(refusal(`${LEAST}\ntimezone: Europe/Madrid`), /timezone/); // so this one is looked up in them
  } finally {
    Intl.DateTimeFormat = DateTimeFormat;
  }
  assert.is(parseConfig(`${LEAST}\ntimezone: Europe/Madrid`, "kerbwatch.yaml", {}).timezone, "Europe/Madrid");
});

for (const { name, config, message } of vectors) {
  test(`refused: ${name}`, () => {
    const text = config.replace(/^\.\.\.$/m, LEAST);
    assert.is(refusal(text, "etc/k.yaml", { EMPTY: "" }), `etc/k.yaml: ${message}`);
    assert.not.match(message, /\n/);
  });
}

test("the example of the contract loads, key by key", () => {
  const config = parseConfig(EXAMPLE, "/etc/kerbwatch/kerbwatch.yaml", {});
  assert.equal(config, {
    file: "/etc/kerbwatch/kerbwatch.yaml", station: "CP-001", region: "local", zone: "CP-001", mode: "observe",
    guard: [],
    listen: { secure: false, host: "127.0.0.1", port: 9000, path: "" },
    csms: { secure: true, host: "csms.example", port: 443, path: "" },
    epochS: 10, stateDir: "/var/lib/kerbwatch", timezone: "UTC",
    operators: { threshold: 2, keys: [ALICE, BOB] },
    mesh: { roster: "/etc/kerbwatch/roster.kw", listen: { host: "0.0.0.0", port: 8883 },
      advertise: { host: "10.0.0.5", port: 8883 }, brokers: [] },
    meters: [{ evse: 1, kind: "modbus-tcp", model: "sdm630", address: "127.0.0.1:502", unit: 1, everyS: 10,
      side: "ac-input", loadW: 0 }],
    log: { mostMb: 256 },
    alerts: { prometheus: true, digestS: 86_400, jsonl: "/etc/kerbwatch/alerts.jsonl", terminal: true },
    http: { host: "127.0.0.1", port: 8620 }, updates: { fromNeighbours: false },
  });
});

test("brokers beside the embedded one: TLS with an authority, or in the clear where that is said", () => {
  const mesh = 'mesh: { roster: r.kw, ca: ca.pem, brokers: ["mqtts://[2001:db8::7]:8883", "mqtt://localhost:1883"] }';
  const text = `${LEAST}\noperators: { threshold: 1, keys: [${ALICE}] }\n${mesh}\n`;
  assert.equal(parseConfig(text, "etc/k.yaml", {}).mesh, { roster: "etc/r.kw", ca: "etc/ca.pem", brokers: [
    { secure: true, host: "2001:db8::7", port: 8883 }, { secure: false, host: "localhost", port: 1883 },
  ] });
  const local = `${LEAST}\noperators: { threshold: 1, keys: [${ALICE}] }\n`
    + 'mesh: { roster: r.kw, listen: "mqtts://127.0.0.1:0", brokers: ["mqtt://[::1]:1883", "mqtt://127.1.2.3:1"] }\n';
  assert.is(parseConfig(local, "k.yaml", {}).mesh?.brokers.length, 2);
  const plain = `${LEAST}\noperators: { threshold: 1, keys: [${ALICE}] }\nmesh:\n  roster: r.kw\n  brokers:\n`
    + "    - { url: \"mqtt://10.0.0.9:1883\", plain: true, user: CP-001, password: \"file:site.password\" }\n"
    + "    - { url: \"mqtt://127.0.0.1:1883\", user: CP-001, password: \"env:SITE\" }\n    - mqtt://localhost:1\n";
  const config = parseConfig(plain, "etc/k.yaml", { SITE: "hidden-one" });
  assert.equal(config.mesh?.brokers, [
    { secure: false, host: "10.0.0.9", port: 1883, user: "CP-001",
      password: { from: "file", path: "etc/site.password" } },
    { secure: false, host: "127.0.0.1", port: 1883, user: "CP-001",
      password: { from: "environment", variable: "SITE" } },
    { secure: false, host: "localhost", port: 1 },
  ]);
  const shown = JSON.stringify(effectiveConfig(config));
  assert.not.match(shown, "hidden-one");
  assert.match(shown, '{"url":"mqtt://10.0.0.9:1883","plain":true,"user":"CP-001","password":"(hidden, from file etc');
});

test("meters over MQTT, frames from EVerest: defaults filled in, printed as they count, without the secret", () => {
  const text = `${LEAST}
meters:
  - { evse: 1, kind: mqtt, broker: "mqtt://127.0.0.1:1883", topic: house/meter, powerW: { at: /power, times: 1000 },
      energyImportWh: "" }
  - evse: 2
    kind: everest
    broker: { url: "mqtts://10.0.0.9:8883", ca: ca.pem, user: kw, password: "env:SITE" }
    module: evse_1
    side: evse-output
    loadW: 1800
frames: { broker: "mqtt://localhost:1883", module: ocpp }
`;
  const config = parseConfig(text, "etc/k.yaml", { SITE: "hidden-one" });
  assert.equal(config.meters[0], {
    evse: 1, kind: "mqtt", broker: { secure: false, host: "127.0.0.1", port: 1883 }, topic: "house/meter",
    places: { powerW: { at: "/power", times: 1000 }, energyImportWh: { at: "", times: 1 } }, everyS: 10,
    side: "ac-input", loadW: 0,
  });
  assert.equal(config.meters[1], {
    evse: 2, kind: "everest", module: "evse_1", topic: "everest_api/1/evse_manager_consumer/evse_1/e2m/powermeter",
    broker: { secure: true, host: "10.0.0.9", port: 8883, ca: "etc/ca.pem", user: "kw",
      password: { from: "environment", variable: "SITE" } },
    places: EVEREST_POWERMETER, everyS: 10, side: "evse-output", loadW: 1_800,
  });
  assert.equal(config.frames, {
    kind: "everest", broker: { secure: false, host: "localhost", port: 1883 }, module: "ocpp",
  });
  const shown = effectiveConfig(config);
  assert.not.match(JSON.stringify(shown), "hidden-one");
  const open = JSON.stringify(shown).replace(/"\(hidden[^"]*"/, '"env:SITE"').replace("etc/ca.pem", "ca.pem");
  const again = parseConfig(open, "etc/k.json", { SITE: "hidden-one" });
  assert.equal([again.meters, again.frames], [config.meters, config.frames]);
});

test("defaults are safe: this machine only, nothing held back, nothing served, nothing read", () => {
  const config = parseConfig(LEAST, "k.yaml", {});
  assert.is(config.listen.host, "127.0.0.1");
  assert.is(config.mode, "observe");
  assert.is(config.http, undefined);
  assert.equal(config.meters, []);
  assert.is(config.operators, undefined);
  assert.is(config.mesh, undefined);
  assert.is(config.alerts.jsonl, "/var/lib/kerbwatch/alerts.jsonl");
});

test("a guard's rules: said by the CSMS unless it is said otherwise, and printed as they count", () => {
  const config = parseConfig(`${LEAST}
mode: guard
guard: { hold: [{ action: SetNetworkProfile }, { action: DataTransfer, from: station, unlessHosts: [a.example] }] }
`, "k.yaml", {});
  const hold = [{ action: "SetNetworkProfile", from: "csms" },
    { action: "DataTransfer", from: "station", unlessHosts: ["a.example"] }];
  assert.equal(config.guard, hold);
  assert.equal(effectiveConfig(config)["guard"], { hold });
  assert.equal(parseConfig(`${LEAST}\nmode: guard\n`, "k.yaml", {}).guard, []);
});

test("JSON is read as JSON", () => {
  const text = "{\n\t\"station\": \"CP-001\",\n\t\"csms\": \"ws://[::1]:8080/ocpp/\"\n}";
  assert.equal(parseConfig(text, "k.json", {}).csms, { secure: false, host: "::1", port: 8080, path: "/ocpp" });
  assert.match(refusal("{", "k.json"), /^k\.json: cannot be read as YAML or JSON: /);
  assert.match(refusal(LEAST, "k.json"), /^k\.json: cannot be read as YAML or JSON: /);
});

test("relative paths count from the folder of the file", () => {
  const text = `${LEAST}\nstateDir: ./state\nlisten: wss://0.0.0.0:9000\n`
    + "tls: { cert: c.pem, key: \"file:k.pem\", ca: /abs/ca.pem }\ncsmsTls: { ca: ca.pem, cert: c.pem, key: k.pem }\n";
  const config = parseConfig(text, "a/b/k.yaml", {});
  assert.is(config.stateDir, "a/b/state");
  assert.is(config.alerts.jsonl, "a/b/state/alerts.jsonl");
  assert.equal(config.tls, { cert: "a/b/c.pem", key: { from: "file", path: "a/b/k.pem" }, ca: "/abs/ca.pem" });
  assert.equal(config.csmsTls, { ca: "a/b/ca.pem", cert: "a/b/c.pem", key: { from: "file", path: "a/b/k.pem" } });
  assert.is(parseConfig(`${LEAST}\nstateDir: s`, "k.yaml", {}).stateDir, "s");
});

test("pins are taken in either case, up to eight", () => {
  const pins = Array.from("abcdefAB", (digit) => digit.repeat(64));
  const parsed = parseConfig(`${LEAST}\ncsmsTls: { pinSha256: ${JSON.stringify(pins)} }`, "k.yaml", {});
  assert.equal(parsed.csmsTls, { pinSha256: pins.map((pin) => pin.toLowerCase()) });
  assert.equal(effectiveConfig(parsed)["csmsTls"], parsed.csmsTls);
  const nine = JSON.stringify([...pins, pins[0]]);
  assert.match(refusal(`${LEAST}\ncsmsTls: { pinSha256: ${nine} }`), "pinSha256: found [");
});

test("the effective configuration shows every default and no secret", () => {
  const text = `${EXAMPLE}csmsTls: { cert: c.pem, key: "env:KW_KEY" }\n`;
  const shown = JSON.stringify(effectiveConfig(parseConfig(text, "k.yaml", { KW_KEY: "-----BEGIN TOP SECRET" })));
  assert.not.match(shown, "SECRET");
  assert.match(shown, "(hidden, from environment variable KW_KEY)");
  assert.match(shown, '"csms":"wss://csms.example:443"');
  assert.match(shown, '"timezone":"UTC"');
});

test("the effective configuration is itself a configuration, and the same one", () => {
  const text = EXAMPLE.replace("brokers: []", "brokers: [\"mqtts://[::1]:1\", \"mqtt://127.0.0.1:2\"]\n  ca: ca.pem");
  const first = parseConfig(text, "/etc/k.yaml", {});
  const again = parseConfig(JSON.stringify(effectiveConfig(first)), "/etc/k.json", {});
  assert.equal({ ...again, file: "" }, { ...first, file: "" });
});

test("more than a page of text is the wrong file", () => {
  assert.match(refusal("#".repeat(MAX_CONFIG_CHARS + 1)), "found more than 65536 characters");
});

test("the reference documents every key of the schema", () => {
  const reference = configReference();
  for (const key of Object.keys(CONFIG_SCHEMA.entries)) {
    assert.match(reference, new RegExp(`^${key}$`, "m"));
  }
  assert.match(reference, /^meters\[\]\.everyS\n {4}how often it is read.*\n.*default: 10$/m);
  assert.match(reference, /^alerts\.jsonl\n.*\n.*default: alerts\.jsonl in stateDir$/m);
  assert.not.match(reference, /undefined|allowed: ;|\n {4}\n/);
  assert.match(reference, /^mesh\.advertise\n/m);
  assert.match(reference, /^mesh\.brokers\[\]\.plain\n.*\n.*default: false$/m);
});

test("a mutilated configuration is refused in one line, never by an accident", () => {
  const random = seeded(3);
  for (let i = 0; i < 1500; i++) {
    let text = EXAMPLE;
    for (let cuts = 0; cuts <= random.int(3); cuts++) {
      const at = random.int(text.length);
      text = text.slice(0, at) + random.pick(["", "{", "}", "- ", "\n", ": ", "&a ", "*a", "\u0000", "\"", "7"])
        + text.slice(at + random.int(8));
    }
    assert.not.match(refusal(text), /\n/);
  }
});

const OUTLETS = `station: CP-001
csms: wss://csms.example
alerts:
  mqtt: mqtt://127.0.0.1:1883
  webhook: { url: "https://a.example/hook?token=t0psecret", secret: env:HOOK, least: medium }
  syslog: { address: "syslog.example:6514" }
  ocpp: { url: wss://csms.example/ocpp, identity: CP-001-watch, password: "file:pw", all: true }
  everest: mqtt://127.0.0.1:1883
`;

test("each outlet is a line, and what is printed of them has no secret", () => {
  const config = parseConfig(OUTLETS, "/etc/k.yaml", { HOOK: "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=" });
  const { mqtt, webhook, syslog, ocpp, everest } = config.alerts;
  assert.is(mqtt?.topic, "kerbwatch/local/CP-001/CP-001/alert");
  assert.equal([webhook?.url.port, webhook?.url.path, webhook?.least], [443, "/hook?token=t0psecret", "medium"]);
  assert.equal([syslog?.transport, syslog?.format, syslog?.facility], ["tls", "rfc5424", 10]);
  assert.equal([ocpp?.version, ocpp?.all, ocpp?.password], ["2.0.1", true, { from: "file", path: "/etc/pw" }]);
  assert.is(everest?.module, "kerbwatch");
  const printed = JSON.stringify(effectiveConfig(config));
  assert.not.match(printed, /t0psecret|whsec|c2VjcmV0/);
  assert.match(printed, "hidden, from environment variable HOOK");
});
