/** The mesh over a broker that nobody here wrote: Mosquitto, which takes the members' certificates for its `cafile`. */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { SITE, SITE_AUTHOR } from "../../gossip/traffic.ts";
import { createMesh } from "./mesh.ts";
import type { Mesh, SiteBroker } from "./mesh.ts";
import { HOST, HandTime, NETWORK, bytesOf, identityOf, memberOf, steadyRandom, textOf, topicOf, until }
  from "./mesh.testing.ts";
import type { Heard } from "./mesh.testing.ts";
import { MOSQUITTO, MOSQUITTO_PASSWD, Mosquitto, RUN_AS_ROOT, freePort } from "./mosquitto.testing.ts";

const MEMBERS = ["A", "B", "C"].map((name) => memberOf(name));

interface Site {
  readonly port: number;
  readonly ca: string;
  /** What Mosquitto said so far. */
  readonly said: () => string;
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

/** One that asks for our certificates, and one in the clear that asks for passwords. */
function configure(folder: string, port: number, secure: boolean): string {
  const { cert, key } = siteCertificate(folder);
  const [members, passwords, path] = ["members.pem", "passwords", "mosquitto.conf"].map((name) => join(folder, name));
  writeFileSync(members!, MEMBERS.map(({ station }) => identityOf(station).cert).join(""));
  writeFileSync(passwords!, "A:from A\nB:from B\n", { mode: 0o600 });
  spawnSync(MOSQUITTO_PASSWD, ["-U", passwords!]);
  writeFileSync(path!, [`listener ${port} ${HOST}`, "allow_anonymous false", "log_dest stderr", "log_type all",
    ...(secure ? [`certfile ${cert}`, `keyfile ${key}`, `cafile ${members}`, "require_certificate true",
      "use_identity_as_username true"] : [`password_file ${passwords}`]), ...RUN_AS_ROOT, "",
  ].join("\n"));
  return readFileSync(cert, "utf8");
}

async function withMosquitto(secure: boolean, use: (site: Site) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-mosquitto-"));
  const port = await freePort();
  const ca = configure(folder, port, secure);
  const mosquitto = await Mosquitto.start(join(folder, "mosquitto.conf"));
  try {
    await use({ port, ca, said: () => mosquitto.said });
  } finally {
    await mosquitto.stop();
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
async function guest(station: string, port: number, how: Pick<SiteBroker, "ca" | "login">): Promise<Guest> {
  const [heard, notices, time]: [Heard[], string[], HandTime] = [[], [], new HandTime()];
  const mesh = createMesh({
    identity: identityOf(station), network: NETWORK, zones: ["z1"], members: () => MEMBERS,
    brokers: [{ host: HOST, port, ...how }], clock: time, timers: time, random: steadyRandom,
  }, (topic, payload, from) => heard.push({ topic, text: textOf(payload), from }), (text) => notices.push(text));
  await mesh.start();
  return { mesh, heard, notices, time };
}

function peerTest(name: string, use: (site: Site) => Promise<void>, secure = true): void {
  if (MOSQUITTO === undefined) test.skip(`Mosquitto: ${name}`, "no mosquitto");
  else test(`Mosquitto: ${name}`, () => withMosquitto(secure, use));
}

const failures = ({ mesh }: Guest): number => mesh.stats().links[0]?.failures ?? 0;
const texts = ({ heard }: Guest): string[] => heard.map(({ text }) => text);
const isUp = ({ mesh }: Guest): boolean => mesh.stats().links[0]?.up === true;

peerTest("two members with our certificates hear one another, and not themselves", async ({ port, ca, said }) => {
  const [a, b] = [await guest("A", port, { ca }), await guest("B", port, { ca })];
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
  const x = await guest("X", port, { ca });
  await until(() => failures(x) === 1, "X is refused");
  x.time.advance(1_000);
  await until(() => failures(x) === 2, "X is refused again");
  assert.not(isUp(x));
  assert.ok(x.notices.some((text) => text.includes(`mqtts://${HOST}:${port}`)), x.notices.join("; "));
  await x.mesh.stop();
});

peerTest("a site whose certificate the authority did not sign is not spoken to", async ({ port }) => {
  const a = await guest("A", port, { ca: identityOf("B").cert });
  await until(() => failures(a) === 1, "A turns away");
  assert.ok(a.notices.some((text) => /self-signed|certificate/.test(text)), a.notices.join("; "));
  await a.mesh.stop();
});

peerTest("what is another's is passed on to neighbours, and not to a site", async ({ port, ca }) => {
  const [a, b] = [await guest("A", port, { ca }), await guest("B", port, { ca })];
  await until(() => isUp(a) && isUp(b), "both are connected");
  a.mesh.publish(topicOf("C"), bytesOf("from C, over a neighbour"), new Set(["C"]));
  a.mesh.publish(topicOf("A"), bytesOf("from A"));
  await until(() => b.heard.length > 0, "the first that comes");
  assert.equal(b.heard.map(({ text }) => text), ["from A"]);
  await Promise.all([a.mesh.stop(), b.mesh.stop()]);
});

peerTest("one that floods is left out, and the others are heard", async ({ port, ca }) => {
  const [a, b, c] = [await guest("A", port, { ca }), await guest("B", port, { ca }), await guest("C", port, { ca })];
  await until(() => [a, b, c].every(isUp), "all are connected");
  for (let n = 0; n < SITE.burst; n++) b.mesh.publish(topicOf("B"), bytesOf(`${n}`));
  const refused = (): number => a.mesh.stats().links[0]?.refused["rate"] ?? 0;
  await until(() => refused() > 1_000, "what is too much of B");
  c.mesh.publish(topicOf("C"), bytesOf("from C"));
  await until(() => texts(a).includes("from C"), "C is heard");
  assert.is(a.heard.length, SITE_AUTHOR.burst + 1);
  a.time.advance(1_000);
  b.mesh.publish(topicOf("B"), bytesOf("calmer"));
  await until(() => texts(a).includes("calmer"), "B is heard again");
  await Promise.all([a, b, c].map(({ mesh }) => mesh.stop()));
});

peerTest("in the clear with name and password; without the right one it is told why", async ({ port }) => {
  const [a, b] = [
    await guest("A", port, { login: { user: "A", password: "from A" } }),
    await guest("B", port, { login: { user: "B", password: "from B" } }),
  ];
  await until(() => isUp(a) && isUp(b), "both are connected");
  a.mesh.publish(topicOf("A"), bytesOf("from A"));
  await until(() => b.heard.length > 0, "B hears A");
  assert.equal(b.heard, [{ topic: topicOf("A"), text: "from A", from: `mqtt://${HOST}:${port}` }]);
  for (const login of [{ user: "X", password: "from B" }, { user: "A" }, undefined]) {
    const x = await guest("X", port, login === undefined ? {} : { login });
    await until(() => failures(x) === 1, "X is refused");
    assert.equal(x.notices, [`mesh: mqtt://${HOST}:${port} is not connected (refused: not authorised); trying again`]);
    await x.mesh.stop();
  }
  await Promise.all([a.mesh.stop(), b.mesh.stop()]);
}, false);
