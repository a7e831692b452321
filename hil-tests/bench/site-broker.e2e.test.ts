/** A street over a site's Mosquitto, set up by the commands that the help teaches: who is let in, heard, believed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import type { MqttClient } from "mqtt";
import { assert, test } from "../../build/testing.ts";
import { loadConfig } from "../../edge-agent/adapters/config-file.ts";
import { systemRandom } from "../../edge-agent/adapters/crypto.ts";
import { loadOrCreateKeys } from "../../edge-agent/adapters/keys.ts";
import { until } from "../../edge-agent/adapters/mesh.testing.ts";
import { MOSQUITTO } from "../../edge-agent/adapters/mosquitto.testing.ts";
import { type TlsIdentity, tlsIdentity } from "../../edge-agent/adapters/tls-identity.ts";
import { type RunningAgent, startAgent } from "../../edge-agent/agent.ts";
import type { Alert } from "../../models/terms.ts";
import type { StationId } from "../../models/units.ts";
import { systemClock } from "./bench-clock.ts";
import { BenchCsms } from "./csms.ts";
import { enrol, HOST, type Site } from "./site.testing.ts";
import { BenchStation } from "./station.ts";
import { freePort } from "./street-ports.ts";
import { Waiters } from "./waiters.ts";

const STATIONS = ["CP-1", "CP-2", "CP-3", "CP-4"] as StationId[];
const GUESSES = 6;
/** Start, and statements of two epochs: growth is counted from what was stated before. */
const ENTRIES_BEFORE = 4;
/** So long all others are seen to go on after a certificate. */
const EPOCHS_ON = 8;

function siteTest(name: string, use: (folder: string) => Promise<void>): void {
  if (MOSQUITTO === undefined) return test.skip(name, "no mosquitto");
  test(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), "kerbwatch-site-"));
    try {
      await use(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** A client that nobody here wrote, with the certificate of a device. */
class Guest {
  readonly heard: string[] = [];
  readonly client: MqttClient;
  closed = false;

  private constructor(client: MqttClient) {
    this.client = client;
    client.on("message", (topic, payload) => this.heard.push(`${topic} ${String(payload)}`));
    client.on("close", () => {
      this.closed = true;
    });
  }

  /** Rejects when it is not let in. */
  static async connect({ folder, port }: Site, { cert, key }: Pick<TlsIdentity, "cert" | "key">, clientId: string):
  Promise<Guest> {
    // Without the last word it would wait for ever for a broker that ends the connection without one.
    const guest = new Guest(await connectAsync(`mqtts://${HOST}:${port}`, {
      cert, key, ca: readFileSync(join(folder, "site/broker.crt")), clientId, protocolVersion: 4, reconnectPeriod: 0,
    }, false));
    await guest.client.subscribeAsync("kw1/town/street/+/+");
    return guest;
  }
}

function deviceOf({ folder }: Site, station: StationId, secret = station): TlsIdentity {
  return tlsIdentity(station, loadOrCreateKeys(join(folder, secret), systemRandom).tlsSeed);
}

siteTest("Mosquitto lets in whom the roster lists, and each says only what is its own", async (folder) => {
  const site = await enrol(folder, STATIONS, {});
  const mosquitto = await site.start();
  const topic = (station: string, zone = "street"): string => `kw1/town/${zone}/statement/${station}`;
  try {
    const [a, b] = [
      await Guest.connect(site, deviceOf(site, "CP-1" as StationId), "CP-1"),
      await Guest.connect(site, deviceOf(site, "CP-2" as StationId), "CP-2"),
    ];
    const stranger = await Guest.connect(site, deviceOf(site, "CP-1" as StationId, "X" as StationId), "CP-1")
      .then(() => "let in", (error: Error) => error.message);
    assert.not.match(stranger, "let in");
    assert.not(a.closed, "and displaces nobody");
    // Whatever id the client gives, the certificate says who it is: the first CP-1 is displaced, and not CP-2.
    const thief = await Guest.connect(site, deviceOf(site, "CP-1" as StationId), "CP-2");
    await until(() => a.closed, "one with its certificate takes its place");
    await thief.client.publishAsync(topic("CP-2"), "in another's name");
    await thief.client.publishAsync(topic("CP-1", "depot"), "in another zone");
    await thief.client.publishAsync("$SYS/broker", "elsewhere");
    await thief.client.publishAsync(topic("CP-1"), "in its own name");
    await until(() => b.heard.length > 0, "the first that comes");
    assert.equal(b.heard, [`${topic("CP-1")} in its own name`]);
    thief.client.publish(topic("CP-1"), "x".repeat(30_000)); // which nobody answers
    await until(() => thief.closed, "who sends too much at once is cut off");
    assert.not(b.closed);
    assert.is(b.heard.length, 1);
    await b.client.endAsync();
  } finally {
    await mosquitto.stop();
  }
});

interface House {
  readonly station: StationId;
  readonly agent: RunningAgent;
  readonly charger: BenchStation;
  readonly notices: string[];
}

/** Agents, each with a charger on it, until `use` is over. `more`: what else stands under `mesh`. */
async function withStreet(
  site: Site, more: (station: StationId) => Readonly<Record<string, unknown>>,
  use: (houses: readonly House[], certified: () => Promise<Alert[]>) => Promise<void>,
): Promise<void> {
  const csms = await BenchCsms.listen({ tokens: [] });
  const houses: House[] = [];
  const told = new Waiters<void>();
  try {
    for (const [index, station] of STATIONS.entries()) {
      const path = join(site.folder, station, "kerbwatch.json");
      writeFileSync(path, JSON.stringify({
        station, listen: `ws://${HOST}:0`, csms: csms.url, stateDir: ".", epochS: 1, alerts: { jsonl: "alerts.jsonl" },
        operators: { threshold: 1, keys: [site.operator] },
        mesh: { roster: "../roster.kw", ca: "../site/broker.crt", ...more(station) },
      }));
      const notices: string[] = [];
      const agent = await startAgent(loadConfig(path, {}), {
        notice: (text) => notices.push(text), colour: false, env: {},
        out: (text) => text.includes("on street") && told.tell(station, undefined),
      });
      const url = `ws://${HOST}:${agent.listening.port}`;
      const charger = new BenchStation({ id: station, ocppVersion: index % 2 ? "2.0.1" : "1.6", url });
      houses.push({ station, agent, charger, notices });
      await charger.connect();
      await charger.boot();
    }
    await use(houses, () => certified(site, houses, told));
  } finally {
    await Promise.all(houses.map(({ charger }) => charger.close()));
    await Promise.all(houses.map(({ agent }) => agent.stop()));
    await csms.close();
  }
}

/** Refused idTokens, too few at each for any of them alone; the first alert of each. */
async function certified({ folder }: Site, houses: readonly House[], told: Waiters<void>): Promise<Alert[]> {
  while (houses.some(({ agent }) => agent.status().log.entries < ENTRIES_BEFORE)) await systemClock.wait(50);
  const raised = houses.map(({ station }) => told.next(station));
  for (let guess = 0; guess < GUESSES; guess++) {
    await Promise.all(houses.map(({ charger }, index) => charger.authorize(`BAD${index}${guess}`)));
  }
  await Promise.all(raised);
  return houses.map(({ station }) => {
    const [first = ""] = readFileSync(join(folder, station, "alerts.jsonl"), "utf8").split("\n");
    return JSON.parse(first) as Alert;
  });
}

function assertOneIncident(alerts: readonly Alert[]): void {
  for (const { scope, threat, certificate } of alerts) {
    assert.equal([scope, threat, certificate?.quorum], ["zone", "authorization-abuse", 3]);
  }
  assert.is(new Set(alerts.map(({ incidentId }) => incidentId)).size, 1, "one incident");
}

const allHeard = (houses: readonly House[]): boolean =>
  houses.every(({ agent }) => agent.status().mesh?.members.every(({ lastEpoch }) => lastEpoch !== undefined) === true);

siteTest("four agents without brokers certify a thin attack over the site's alone", async (folder) => {
  const site = await enrol(folder, STATIONS, {});
  const mosquitto = await site.start();
  try {
    await withStreet(site, () => ({ brokers: [`mqtts://${HOST}:${site.port}`] }), async (houses, raised) => {
      while (!allHeard(houses)) await systemClock.wait(50);
      assertOneIncident(await raised());
      for (const { agent, notices } of houses) {
        const { links, traffic, broker } = agent.status().mesh ?? {};
        assert.is(broker, undefined);
        assert.equal(links?.map(({ to, up }) => [to, up]), [[`mqtts://${HOST}:${site.port}`, true]]);
        assert.equal(traffic?.refusedFrom, [], "nobody passes on what came from there");
        assert.not(traffic?.refused["duplicate"], "nor do its own words come back");
        assert.equal(notices.filter((text) => text.includes("mesh")), []);
      }
    });
  } finally {
    await mosquitto.stop();
  }
});

siteTest("one on a metered link neither hears statements nor votes, and tells the incident too", async (folder) => {
  const site = await enrol(folder, STATIONS, {});
  const mosquitto = await site.start();
  const [metered] = STATIONS.slice(-1);
  const more = (station: StationId) =>
    ({ brokers: [`mqtts://${HOST}:${site.port}`], ...(station === metered && { metered: true }) });
  try {
    await withStreet(site, more, async (houses, raised) => {
      const alerts = await raised();
      assertOneIncident(alerts);
      assert.is(new Set(alerts.map(({ stations }) => stations.join(" "))).size, 1, "with the same stations");
      // Its digest, which says so, goes out each sixteenth epoch, and is judged at the start of the next.
      const told = ({ notices }: House) => notices.filter((text) => text.includes("this zone bears 0"));
      while (houses.some((house) => told(house).length === 0)) await systemClock.wait(50);
      for (const house of houses) {
        const { agent, station } = house;
        const { traffic, metered: unheard } = agent.status().mesh!;
        assert.equal(unheard?.members, [metered], station);
        assert.is(told(house).length, 1, station);
        if (station === metered) assert.equal(Object.keys(traffic.refused).filter((why) => why !== "unasked"), []);
      }
      // Of the others it has the statements that the certificate lists, though all go on to state, and are heard.
      const newest = ({ agent }: House): number[] => agent.status().mesh!.members
        .flatMap(({ station, lastEpoch }) => (station === metered ? [] : [lastEpoch ?? -1]));
      const listed = newest(houses.at(-1)!);
      assert.ok(listed.some((epoch) => epoch >= 0));
      while (Math.min(...newest(houses[0]!)) < Math.max(...listed) + EPOCHS_ON) await systemClock.wait(50);
      assert.equal(newest(houses.at(-1)!), listed);
    });
  } finally {
    await mosquitto.stop();
  }
});

siteTest("beside two embedded brokers, and one site that is never there: still one incident at all", async (folder) => {
  const addresses = { "CP-1": `${HOST}:${await freePort()}`, "CP-2": `${HOST}:${await freePort()}` };
  const site = await enrol(folder, STATIONS, addresses);
  const brokers = [`mqtts://${HOST}:${site.port}`, `mqtt://${HOST}:${await freePort()}`];
  const more = (station: StationId) => {
    const own = (addresses as Readonly<Record<string, string>>)[station];
    return { brokers, ...(own !== undefined && { listen: `mqtts://${own}` }) };
  };
  await withStreet(site, more, async (houses, raised) => {
    // The site comes up later than its street: each has said so once, and dials again.
    const away = (notices: readonly string[]): string[] => notices.filter((text) => text.includes("is not connected"));
    const dialled = (url: string): boolean =>
      houses.every(({ notices }) => away(notices).some((text) => text.includes(url)));
    while (!brokers.every(dialled)) await systemClock.wait(50);
    const mosquitto = await site.start();
    try {
      while (!allHeard(houses)) await systemClock.wait(50);
      assertOneIncident(await raised());
      for (const { notices } of houses) {
        for (const url of brokers) assert.is(away(notices).filter((text) => text.includes(url)).length, 1, url);
      }
    } finally {
      await mosquitto.stop();
    }
  });
});
