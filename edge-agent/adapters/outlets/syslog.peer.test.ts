/** Syslog against rsyslog, which parses what it gets and writes down each part. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { assert, test } from "../../../build/testing.ts";
import { freePort } from "../mosquitto.testing.ts";
import { until } from "../mesh.testing.ts";
import type { Load } from "./courier.ts";
import {
  alertWith, CERTIFICATES, freshFolder, hasCertificates, HOSTILE, program, Receiver, selfSigned, trustedCa,
} from "./outlets.testing.ts";
import { createSyslog } from "./syslog.ts";

const RSYSLOG = program("/usr/sbin/rsyslogd");
const TLS = "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so";
const NEVER = new AbortController().signal;
const WHO = { facility: 10, enterprise: 32_473 };
type Transport = "udp" | "tcp" | "tls";
type Format = "rfc5424" | "cef";

const SHOWN = ["protocol-version", "syslogfacility", "syslogseverity", "timereported:::date-rfc3339", "hostname",
  "app-name", "msgid", "structured-data", "msg"].map((name) => `%${name}%`).join("|");

function config(
  folder: string, ports: Readonly<Record<Transport, number>>, cert?: { cert: string; key: string },
): string {
  const tls = cert === undefined ? ["", ""] : [
    `global(DefaultNetstreamDriverCAFile="${cert.cert}" DefaultNetstreamDriverCertFile="${cert.cert}"
     DefaultNetstreamDriverKeyFile="${cert.key}")`,
    `input(type="imtcp" port="${ports.tls}" address="127.0.0.1" streamdriver.name="gtls" streamdriver.mode="1"
     streamdriver.authmode="anon")`];
  return `global(workDirectory="${folder}" maxMessageSize="8k" parser.escapeControlCharactersOnReceive="on")
${tls[0]}
module(load="imudp")
module(load="imtcp")
input(type="imudp" port="${ports.udp}" address="127.0.0.1")
input(type="imtcp" port="${ports.tcp}" address="127.0.0.1")
${tls[1]}
template(name="t" type="string" string="${SHOWN}\\n")
action(type="omfile" file="${folder}/out" template="t" fileCreateMode="0644" asyncWriting="off")
`;
}

interface Listening {
  readonly ports: Readonly<Record<Transport, number>>;
  readonly folder: string;
  readonly receiver: Receiver;
}

/** While rsyslog listens; over TLS too where it is given a certificate. */
async function withRsyslog<T>(
  cert: ((folder: string) => { cert: string; key: string }) | undefined, body: (at: Listening) => Promise<T>,
): Promise<T> {
  const folder = freshFolder();
  const ports = { udp: await freePort(), tcp: await freePort(), tls: await freePort() };
  const conf = join(folder, "conf");
  writeFileSync(conf, config(folder, ports, cert?.(folder)));
  const receiver = new Receiver(RSYSLOG!, ["-n", "-f", conf, "-i", join(folder, "pid")]);
  try {
    await receiver.listening(ports.tcp);
    if (cert !== undefined) await receiver.listening(ports.tls);
    return await body({ ports, folder, receiver });
  } finally {
    await receiver.stop();
  }
}

/** The lines that rsyslog wrote down of loads that it was sent. */
function told(transport: Transport, format: Format, loads: readonly Load[]): Promise<string[]> {
  const cert = transport === "tls" ? (folder: string) => selfSigned(folder, "s") : undefined;
  return withRsyslog(cert, async ({ ports, folder, receiver }) => {
    const ca = cert && readFileSync(join(folder, "s.crt"), "utf8");
    const outlet = createSyslog(
      { ...WHO, address: { host: "127.0.0.1", port: ports[transport] }, transport, format }, ca);
    for (const load of loads) await outlet.carry(load, NEVER);
    const lines = (): string[] =>
      (existsSync(join(folder, "out")) ? readFileSync(join(folder, "out"), "utf8").split("\n").slice(0, -1) : []);
    await until(() => lines().length >= loads.length, `rsyslog, which said: ${receiver.said}`);
    return lines();
  });
}

function peerTest(name: string, needsTls: boolean, body: () => Promise<void>): void {
  if (RSYSLOG === undefined) test.skip(`rsyslog: ${name}`, "no rsyslog");
  else if (needsTls && !(existsSync(TLS) && hasCertificates)) test.skip(`rsyslog: ${name}`, "no rsyslog-gnutls");
  else test(`rsyslog: ${name}`, body);
}

const ONE = { id: "1", alerts: [alertWith()] };
const CLEARED = { id: "2", alerts: [alertWith({ state: "cleared" })] };

for (const transport of ["udp", "tcp", "tls"] as const) {
  peerTest(`over ${transport}, each part is where RFC 5424 has it`, transport === "tls", async () => {
    const [first = "", second = ""] = await told(transport, "rfc5424", [ONE, CLEARED]);
    const [version, facility, severity, time, host, app, id, data, msg] = first.split("|");
    assert.equal([version, facility, severity, time, host, app, id],
      ["1", "10", "3", "2026-03-01T09:00:20.000Z", "CP-001", "kerbwatch", "load-manipulation"]);
    assert.match(data ?? "", /^\[kerbwatch@32473 incident="0123456789abcdef" state="raised" scope="zone"/);
    assert.match(data ?? "", /stations="CP-001 CP-004" onset="2026-03-01T08:57:00.000Z" confidence="0.97"\]$/);
    assert.match(msg ?? "", /^ ?raised high load-manipulation, 97 % sure: 14 of 20 .* Next: Check who sent/);
    assert.is(second.split("|")[2], "5", "what is over is a notice");
  });
}

peerTest("hostile strings stay where they are: one message each, nothing escapes its value", false, async () => {
  const alerts = [alertWith({
    summary: HOSTILE, region: HOSTILE, stations: [HOSTILE], nextStep: HOSTILE, agent: HOSTILE,
  })];
  const lines = await told("tcp", "rfc5424", [{ id: "h", alerts }, ONE]);
  assert.is(lines.length, 2);
  assert.match(lines[0]!, /region="<script>alert\(1\)<\/script>\\"\\\]\\\\\|= <13>1 - forged evil/);
  assert.match(lines[1]!, "|CP-001|kerbwatch|load-manipulation|[kerbwatch@32473");
});

peerTest("CEF", false, async () => {
  const hostile = { id: "h", alerts: [alertWith({ summary: HOSTILE, zone: "a=b|c\\d" })] };
  const [line = "", other = ""] = await told("udp", "cef", [ONE, hostile]);
  assert.match(line, /\|-\| ?CEF:0\|kerbwatch\|kerbwatch\|[^|]+\|load-manipulation\|Demand is moved in step\|8\|/);
  assert.match(line, /\|8\|rt=1772355620000 /);
  assert.match(line, / externalId=0123456789abcdef outcome=raised dvchost=CP-001 cs1Label=scope cs1=zone /);
  assert.match(other, /cs2=a\\=b\|c\\\\d /);
  assert.match(other, /msg=<script>alert\(1\)<\/script>"\]\\\\\|\\= <13>1 - forged/);
});

peerTest("a digest is one message", false, async () => {
  const low = alertWith({ severity: "low", threat: "reconnaissance" });
  const [line = ""] = await told("tcp", "rfc5424", [{ id: "d", alerts: [low, low, low] }]);
  assert.match(line, /\|5\|.*\|digest\|-\| ?3 alerts of little weight: reconnaissance 3$/);
});

peerTest("the longest alert is one message of at most 2,048 octets", false, async () => {
  const summary = "\u{1f50c}\u00b5".repeat(4_000);
  const alert = alertWith({ summary, nextStep: summary, stations: Array.from({ length: 500 }, (_, n) => `CP-${n}`) });
  const [line = ""] = await told("udp", "rfc5424", [{ id: "l", alerts: [alert] }]);
  assert.not.match(line, "\ufffd");
  assert.match(line, "CP-9 and 490 more");
});

const failing = (port: number, transport: Transport, ca?: string): Promise<string> =>
  createSyslog({ ...WHO, address: { host: "127.0.0.1", port }, transport, format: "rfc5424" }, ca)
    .carry(ONE, AbortSignal.timeout(1_000)).then(() => "taken", (error: Error) => error.message);

for (const [name, isOver, trusts, expected] of CERTIFICATES) {
  peerTest(`a certificate ${name}`, true, () => withRsyslog((folder) => selfSigned(folder, "s", isOver),
    async ({ ports, folder }) =>
      assert.match(await failing(ports.tls, "tls", trustedCa(folder, trusts && "s")), expected)));
}

test("nobody there, or one who cuts the line, is said", async () => {
  assert.match(await failing(await freePort(), "tcp"), /ECONNREFUSED/);
  const server = createServer((socket) => socket.resetAndDestroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  assert.match(await failing(port, "tcp"), /ECONNRESET|closed/);
  assert.match(await failing(port, "tls"), /ECONNRESET|closed|disconnected/);
  server.close();
});
