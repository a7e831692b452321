/**
 * The configuration of an agent as a schema: every key with its default, what it may hold and what it means. What is
 * written here is what is checked, what an error message says is allowed, and what the printed reference says.
 */
import * as v from "valibot";
import { MAX_PORT } from "../gossip/host-port.ts";
import {
  address, brokerKeys, documented, flag, group, hostPort, idOf, listOf, MQTT_URL, oneOf, orGroup, parseMqttAddress,
  path, secret, textThat, topic, whole,
} from "./config-kit.ts";
import { OUTLETS } from "./config-outlets-schema.ts";
import { isJsonPointer } from "./observe/meters/json-pointer.ts";
import { METER_MODEL_NAMES } from "./observe/meters/model-names.ts";
import { OPERATOR_KEY_RULE } from "./operators.ts";

export { type HostPort, parseHostPort } from "../gossip/host-port.ts";
export { isLoopback, mqttText, parseAddress, parseMqttAddress, parseSecretRef } from "./config-kit.ts";
export type { Address, KeyDoc, MqttAddress, SecretRef } from "./config-kit.ts";

/** Its shape; whether its digits belong together is checked where there is something to hash with. */
const OPERATOR_KEY = /^operator\/[A-Za-z0-9\-_.:]{1,48}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/;

function isTimezone(text: string): boolean {
  if (text === "UTC") return true; // the usual one; the next line calls 6 MB of tables into memory
  try {
    new Intl.DateTimeFormat("en", { timeZone: text });
    return true;
  } catch {
    return false; // RangeError: not a zone of the IANA list
  }
}

const publicKey = textThat((text) => OPERATOR_KEY.test(text), OPERATOR_KEY_RULE, "an operator's public key");

const operators = group({
  threshold: whole(1, 16, "", "how many of the keys must sign a roster or an update"),
  keys: listOf(publicKey, 1, 16, "a list of 1 to 16 public keys", "the operator's public keys, installed by hand"),
}, "root of trust for rosters and updates; an agent alone needs none");

const mqtts = (minPort: number, means: string) => textThat((text) => {
  const parsed = parseMqttAddress(text);
  return parsed?.secure === true && parsed.port >= minPort;
}, `mqtts://host:port, port ${minPort} to ${MAX_PORT}`, means);
const brokerGroup = group(brokerKeys("whether mqtt:// may go to another machine than this one: what agents say is "
  + "signed, so nobody can forge it, but whoever is in between can read it, the password too, and hold it back"),
"a broker");
const sourceGroup = group({
  ...brokerKeys("whether mqtt:// may go to another machine than this one: whoever is in between can then read what "
    + "comes from there, the password too, and forge it"),
  ca: v.exactOptional(path("authorities that the certificate of an mqtts:// broker must come from, PEM")),
}, "a broker");

const broker = orGroup(brokerGroup, "url", MQTT_URL, "a broker");
const source = (means: string, otherwise?: string) => orGroup(sourceGroup, "url", MQTT_URL, means, otherwise);

const mesh = group({
  roster: path("the signed list of members, as `roster sign` makes it"),
  listen: v.exactOptional(mqtts(0, "the embedded broker, which neighbours dial; port 0: any free one; absent: none")),
  advertise: v.exactOptional(mqtts(1, "where neighbours reach the embedded broker; the roster has it too")),
  brokers: v.exactOptional(listOf(broker, 0, 8, "a list of at most 8 brokers",
    "brokers of the site or operator, each an address or a group of keys, used beside the embedded one or instead; "
    + "all members of a zone should know the same"), []),
  brokersAtOnce: v.exactOptional(whole(1, 8, "", "how many of these this zone uses, chosen by its name, so that zones "
    + "spread over them; like the list the same at all of a zone; absent: all")),
  metered: v.exactOptional(flag("on a link that is paid by the byte: states by exception, hears certificates and not "
    + "statements, and does not vote; a zone bears few such members, and doctor says how many"), false),
  ca: v.exactOptional(path("authorities that the certificates of mqtts:// brokers must come from, PEM")),
  tokenSecret: v.exactOptional(secret("what `keygen --token-secret` made, the same at all members of the zone: they "
    + "then tell each other, under pseudonyms that change daily, where idTokens are in use; absent: no clones are "
    + "looked for at neighbours'")),
}, "the neighbourhood; absent: the agent works alone");

const POINTER = "a JSON pointer (RFC 6901)";
const quantity = (means: string) => v.exactOptional(orGroup(group({
  at: textThat((text) => text.length <= 256 && isJsonPointer(text), POINTER, "where it stands in the message"),
  times: v.exactOptional(documented(v.pipe(v.number(), v.check((n) => n !== 0 && Math.abs(n) <= 1e9)),
    "a number that is not 0", "what the number there is multiplied by: 1000 where it is in kW or kWh"), 1),
}, "a quantity"), "at", POINTER, `of mqtt: ${means}`));
const moduleId = (means: string, otherwise?: string) => textThat((text) => /^[A-Za-z0-9_.-]{1,64}$/.test(text),
  "1 to 64 of A-Z a-z 0-9 _ . -", `${means}, which the agent should have for itself: it turns its check of `
  + "communication off, so that the agent's end is no fault of the charger", otherwise);
const METER_KINDS = ["modbus-tcp", "modbus-rtu-tcp", "mqtt", "everest"] as const;

const meter = group({
  evse: whole(0, 99, "", "which EVSE the meter measures; 0 is the whole station"),
  kind: v.exactOptional(oneOf(METER_KINDS, METER_KINDS.join(", "),
    "how the meter is read; the second: through a gateway that passes the serial line's frames on as they are; mqtt: "
    + "JSON on a topic; everest: EVerest's API. Whoever may write to a broker can forge what comes from there"),
  "modbus-tcp"),
  model: v.exactOptional(oneOf(METER_MODEL_NAMES, METER_MODEL_NAMES.join(", "), "the meter's register map",
    "required for Modbus")),
  address: v.exactOptional(hostPort(1, "where the meter answers", "required for Modbus")),
  unit: v.exactOptional(whole(0, 255, "", "Modbus unit id", "1")),
  broker: v.exactOptional(source("where the meter's messages are", "required for mqtt and everest")),
  topic: v.exactOptional(topic("where the meter speaks; what the broker kept from before is left out",
    "required for mqtt")),
  powerW: quantity("power, W"),
  energyImportWh: quantity("the register of imported energy, Wh"),
  energyExportWh: quantity("the register of exported energy, Wh"),
  currentA: quantity("current, A"),
  voltageV: quantity("voltage, V"),
  module: v.exactOptional(moduleId("the id of EVerest's evse_manager_consumer_API module", "required for everest")),
  everyS: v.exactOptional(whole(1, 3600, "seconds",
    "how often it is read, or speaks: after three times as long without a word it is lost, and twice in that time it "
    + "is heard at most; less often than every two minutes, little of it can be compared with what is billed"), 10),
  side: v.exactOptional(oneOf(["ac-input", "evse-output"], "ac-input or evse-output",
    "where a DC charger is metered: 4 to 10 % is lost between the two"), "ac-input"),
  loadW: v.exactOptional(whole(0, 100_000, "W", "what else may draw power behind it (lights, a barrier), at most: no "
    + "theft is told of that much, and less is seen of what is smaller"), 0),
}, "one meter");

const frames = group({
  kind: v.exactOptional(oneOf(["everest"], "everest", "EVerest's API, where libocpp's LogMessagesFormat has callback"),
    "everest"),
  broker: source("EVerest's broker; whoever may write to it can forge frames: a witness, no proof"),
  module: moduleId("the id of EVerest's ocpp_consumer_API module"),
}, "OCPP frames from elsewhere, for a charger that is not connected through the agent; while it is, they are left out");

const log = group({
  mostMb: v.exactOptional(whole(16, 1_048_576, "MB", "what the log may take: from then on its oldest part is thinned, "
    + "statements first; alerts, certificates and all proofs stay"), 256),
}, "the record in stateDir");

const alerts = group({
  jsonl: v.exactOptional(path("the file that alerts are appended to, one JSON object a line",
    "alerts.jsonl in stateDir")),
  terminal: v.exactOptional(flag("alerts in plain words on standard output"), true),
  ...OUTLETS,
}, "where alerts go");

const tls = group({
  cert: path("certificate chain shown to the charger, PEM"),
  key: secret("its private key, PEM"),
  ca: v.exactOptional(path("authorities that the charger's own certificate must come from, PEM; absent: the charger"
    + " shows none")),
}, "for a wss:// listen address");

const httpTls = group({
  cert: path("certificate chain, PEM"), key: secret("its private key, PEM"),
}, "for an http address that others reach");

const csmsTls = group({
  ca: v.exactOptional(path("authorities that the CSMS's certificate must come from, PEM; absent: those of the system")),
  cert: v.exactOptional(path("the agent's own certificate for security profile 3, PEM")),
  key: v.exactOptional(secret("its private key, PEM")),
  pinSha256: v.exactOptional(listOf(textThat((text) => /^[0-9a-fA-F]{64}$/.test(text), "64 hex digits, in quotes",
    "SHA-256 of a public key (SubjectPublicKeyInfo, DER)"), 1, 8, "a list of 1 to 8 SHA-256, each 64 hex digits",
  "keys that the CSMS's certificate may have, beside what its authority says; absent: any")),
}, "for a wss:// CSMS");

const guard = group({
  hold: v.exactOptional(listOf(group({
    action: textThat((text) => /^[A-Za-z]{1,50}$/.test(text), "an OCPP action, such as UpdateFirmware",
      "what is held back"),
    from: v.exactOptional(oneOf(["csms", "station"], "csms or station", "who says it"), "csms"),
    unlessHosts: v.exactOptional(listOf(textThat((text) => /^[a-z0-9_.:[\]-]{1,253}$/.test(text),
      "a host in lower case, without scheme and port", "a host that may be named in it"), 1, 64, "1 to 64 hosts",
    "passed on all the same when every URL in it leads to one of these")),
  }, "one rule"), 0, 64, "a list of at most 64 rules",
    "calls that are answered with SecurityError and not passed on"), []),
}, "what mode guard holds back; nothing by default");

const updates = group({
  fromNeighbours: v.exactOptional(flag("releases that neighbours run and found healthy are fetched from them and tried "
    + "when no car charges; as by hand, only what enough operators signed"), false),
}, "signed releases");

export const CONFIG_SCHEMA = group({
  station: idOf("the station's OCPP identity"),
  csms: address((a) => a.port > 0, "ws:// or wss://, host, optional port and prefix; no user, query or fragment",
    "the operator's system; the charger's own path and query follow the prefix, unchanged"),
  listen: v.exactOptional(address((a) => a.path === "", "ws:// or wss://, host and port, no path",
    "where the charger connects; port 0: any free one"), "ws://127.0.0.1:9000"),
  mode: v.exactOptional(oneOf(["observe", "guard"], "observe or guard",
    "observe: every frame passes untouched; guard: so does every frame that no rule of `guard` holds back"), "observe"),
  guard: v.exactOptional(guard),
  epochS: v.exactOptional(whole(1, 3600, "seconds", "the mesh's round, the same in a region"), 10),
  stateDir: v.exactOptional(path("folder of the agent's key, its log and what it learned"), "/var/lib/kerbwatch"),
  meters: v.exactOptional(listOf(meter, 0, 16, "a list of at most 16 meters",
    "the meters that the agent reads by itself"), []),
  frames: v.exactOptional(frames),
  log: v.exactOptional(log, {}),
  alerts: v.exactOptional(alerts, {}),
  http: v.exactOptional(hostPort(0, "the page, status and metrics; on 127.0.0.1 for this machine, elsewhere with "
    + "httpTls; absent: none")),
  httpTls: v.exactOptional(httpTls),
  tls: v.exactOptional(tls),
  csmsTls: v.exactOptional(csmsTls),
  region: v.exactOptional(idOf("name of the region"), "local"),
  zone: v.exactOptional(idOf("name of the zone", "the station id")),
  timezone: v.exactOptional(textThat(isTimezone, "a name of the IANA list, such as Europe/Madrid",
    "the site's time zone, kept for later: the time of week that normal is learned by is UTC"), "UTC"),
  operators: v.exactOptional(operators),
  updates: v.exactOptional(updates, {}),
  mesh: v.exactOptional(mesh),
}, "the configuration of one agent");

/** The configuration as written, checked and with defaults, before addresses and paths are taken apart. */
export type RawConfig = v.InferOutput<typeof CONFIG_SCHEMA>;
