/** The mesh over a broker that nobody here wrote: Mosquitto, which takes the members' certificates for its `cafile`. */
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { createMesh } from "./mesh.ts";
import type { Mesh } from "./mesh.ts";
import { HOST, HandTime, NETWORK, bytesOf, identityOf, memberOf, steadyRandom, textOf, topicOf, until }
  from "./mesh.testing.ts";
import type { Heard } from "./mesh.testing.ts";

/** Debian installs it where only root's PATH leads. */
const MOSQUITTO = ["mosquitto", "/usr/sbin/mosquitto"].find((path) => spawnSync(path, ["-h"]).error === undefined);

interface Site {
  readonly port: number;
  readonly ca: string;
  /** What Mosquitto said so far. */
  readonly said: () => string;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The site's own certificate: ECDSA by openssl, as an operator would make it, for the address it is dialled by. */
function siteCertificate(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, "site.pem"), join(folder, "site.key")];
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(key, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  const made = spawnSync("openssl", ["req", "-x509", "-key", key, "-out", cert, "-days", "3650", "-subj", "/CN=site",
    "-addext", `subjectAltName=IP:${HOST}`], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  return { cert, key };
}

async function withMosquitto(use: (site: Site) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-mosquitto-"));
  const { cert, key } = siteCertificate(folder);
  const port = await freePort();
  const members = join(folder, "members.pem");
  writeFileSync(members, ["A", "B"].map((name) => identityOf(name).cert).join(""));
  writeFileSync(join(folder, "mosquitto.conf"), [
    `listener ${port} ${HOST}`, `certfile ${cert}`, `keyfile ${key}`, `cafile ${members}`, "require_certificate true",
    "use_identity_as_username true", "allow_anonymous false", "log_dest stderr", "log_type all",
    ...(process.getuid?.() === 0 ? ["user root"] : []), "",
  ].join("\n"));
  const site = spawn(MOSQUITTO ?? "", ["-c", join(folder, "mosquitto.conf")], { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(site, "exit");
  let said = "";
  site.stderr.on("data", (text) => void (said += String(text)));
  try {
    await until(() => said.includes("running") || site.exitCode !== null, "Mosquitto");
    if (site.exitCode !== null) throw new Error(said);
    await use({ port, ca: readFileSync(cert, "utf8"), said: () => said });
  } finally {
    site.kill();
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Guest {
  readonly mesh: Mesh;
  readonly heard: Heard[];
  readonly notices: string[];
  readonly time: HandTime;
}

/** An agent without a broker of its own, at the site's. */
async function guest(station: string, port: number, ca: string): Promise<Guest> {
  const [heard, notices, time]: [Heard[], string[], HandTime] = [[], [], new HandTime()];
  const mesh = createMesh({
    identity: identityOf(station), network: NETWORK, zones: ["z1"], members: () => [memberOf("A"), memberOf("B")],
    brokers: [{ host: HOST, port, ca }], clock: time, timers: time, random: steadyRandom,
  }, (topic, payload, from) => heard.push({ topic, text: textOf(payload), from }), (text) => notices.push(text));
  await mesh.start();
  return { mesh, heard, notices, time };
}

function peerTest(name: string, use: (site: Site) => Promise<void>): void {
  if (MOSQUITTO === undefined) test.skip(`Mosquitto: ${name}`, "no mosquitto");
  else test(`Mosquitto: ${name}`, () => withMosquitto(use));
}

const failures = ({ mesh }: Guest): number => mesh.stats().links[0]?.failures ?? 0;
const isUp = ({ mesh }: Guest): boolean => mesh.stats().links[0]?.up === true;

peerTest("two members with our certificates hear one another, and not themselves", async ({ port, ca, said }) => {
  const [a, b] = [await guest("A", port, ca), await guest("B", port, ca)];
  await until(() => isUp(a) && isUp(b), `both are connected: ${said()}`);
  a.mesh.publish(topicOf("A"), bytesOf("from A"));
  b.mesh.publish(topicOf("B"), bytesOf("from B"));
  await until(() => a.heard.length > 0 && b.heard.length > 0 && a.mesh.stats().repeats > 0, "one each, and the echo");
  const from = `mqtts://${HOST}:${port}`;
  assert.equal(a.heard, [{ topic: topicOf("B"), text: "from B", from }]);
  assert.equal(b.heard, [{ topic: topicOf("A"), text: "from A", from }]);
  assert.match(said(), /u'A'/, "the certificate's name is the user's");
  await Promise.all([a.mesh.stop(), b.mesh.stop()]);
});

peerTest("a stranger's certificate is not let in, and is told so as an operator can read", async ({ port, ca }) => {
  const x = await guest("X", port, ca);
  await until(() => failures(x) === 1, "X is refused");
  x.time.advance(1_000);
  await until(() => failures(x) === 2, "X is refused again");
  assert.not(isUp(x));
  assert.ok(x.notices.some((text) => text.includes(`mqtts://${HOST}:${port}`)), x.notices.join("; "));
  await x.mesh.stop();
});

peerTest("a site whose certificate the authority did not sign is not spoken to", async ({ port }) => {
  const a = await guest("A", port, identityOf("B").cert);
  await until(() => failures(a) === 1, "A turns away");
  assert.ok(a.notices.some((text) => /self-signed|certificate/.test(text)), a.notices.join("; "));
  await a.mesh.stop();
});
