import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../../build/testing.ts";
import { encodeRoster, type Member, type Roster } from "../../../gossip/roster.ts";
import { encodeRosterFile, signRoster } from "../../../gossip/roster-file.ts";
import type { Epoch, StationId, ZoneId } from "../../../models/units.ts";
import { createBroker, type Broker } from "../../adapters/broker.ts";
import { nodeCrypto, signerFromSeed, systemRandom } from "../../adapters/crypto.ts";
import { keyPath, loadOrCreateKeys } from "../../adapters/keys.ts";
import { HandTime, HOST, identityOf } from "../../adapters/mesh.testing.ts";
import { parseConfig } from "../../config.ts";
import { formatOperatorKey } from "../../operators.ts";
import { MESH, STATUS } from "../../status.testing.ts";
import type { MeshStatus, Status } from "../../status.ts";
import type { Check } from "./check.ts";
import { checkNeighbours } from "./neighbours.ts";

const TIME_OUT_MS = 20_000;
const OWN = "CP-001";
const crypto = nodeCrypto();
const operator = signerFromSeed(new Uint8Array(32).fill(7));
const publicKey = (fill: number): Uint8Array => signerFromSeed(new Uint8Array(32).fill(fill)).publicKey;

class Street {
  readonly folder = mkdtempSync(join(tmpdir(), "kerbwatch-neighbours-"));
  readonly #brokers: Broker[] = [];
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  members: Member[] = [];
  address = "10.0.0.5:8883";
  epochS = 10;

  constructor() {
    mkdirSync(join(this.folder, "state"));
  }

  add(station: string, address: string, shows = station): void {
    const at = this.members.length * 4 + 20;
    this.members.push({
      station: station as StationId, zone: "feeder-7" as ZoneId, address, latE6: 0, lonE6: 0, ratedW: 22_000,
      keys: {
        statement: publicKey(at), log: publicKey(at + 1), witness: publicKey(at + 2), tls: identityOf(shows).publicKey,
      },
    });
  }

  /** A neighbour with a real broker, which shows the key of `shows`. */
  async neighbour(station: string, shows = station): Promise<number> {
    const time = new HandTime();
    const listed = [{ station: OWN as StationId, zone: "feeder-7" as ZoneId, tlsKey: publicKey(1) }];
    const broker = createBroker({
      identity: identityOf(shows), network: "town", members: () => listed, listen: { host: HOST, port: 0 },
      clock: time, timers: time,
    }, () => undefined, () => undefined);
    this.#brokers.push(broker);
    const port = await broker.start();
    this.add(station, `${HOST}:${port}`);
    return port;
  }

  /** A port on which this is done to whoever comes. */
  async port(greet: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.add(socket.on("error", () => undefined));
      greet(socket);
    });
    this.#servers.push(server);
    server.listen(0, HOST);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  /** The roster as it is signed; the own member in it has this device's keys, unless they are to differ. */
  enrol(change: (member: Member) => Member = (member) => member): void {
    const { signers } = loadOrCreateKeys(join(this.folder, "state"), systemRandom);
    const keys = {
      statement: signers.statement.publicKey, log: signers.log.publicKey, witness: signers.witness.publicKey,
      tls: signers.tls.publicKey,
    };
    const own = change({
      station: OWN as StationId, zone: "feeder-7" as ZoneId, keys, address: this.address, latE6: 0, lonE6: 0,
      ratedW: 22_000,
    });
    const roster: Roster = {
      network: "town", version: 3, previous: new Uint8Array(32), fromEpoch: 0 as Epoch, epochS: this.epochS,
      threshold: 1, operators: [operator.publicKey], zones: [{ id: "feeder-7" as ZoneId, ratingW: 0, f: 0 }],
      members: [own, ...this.members], revoked: [], events: [],
    };
    const bytes = encodeRoster(roster);
    const file = encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] });
    writeFileSync(join(this.folder, "roster.kw"), file);
  }

  async examined(mesh: object = {}, running?: MeshStatus, timeOutMs = TIME_OUT_MS): Promise<Check[]> {
    const config = parseConfig(JSON.stringify({
      station: OWN, csms: "ws://127.0.0.1:1", stateDir: "state", epochS: 10,
      operators: { threshold: 1, keys: [formatOperatorKey(crypto, { label: "ann", publicKey: operator.publicKey })] },
      mesh: { roster: "roster.kw", listen: "mqtts://0.0.0.0:0", ...mesh },
    }), join(this.folder, "k.json"), {});
    const status: Status | undefined = running && { ...STATUS, mesh: running };
    return checkNeighbours(config, {}, status, timeOutMs);
  }

  async close(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.stop()));
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function onStreet(use: (street: Street) => Promise<void>): Promise<void> {
  const street = new Street();
  try {
    await use(street);
  } finally {
    await street.close();
  }
}

const told = (checks: readonly Check[], name: string): string[] => checks.filter((check) => check.name === name)
  .map(({ state, says, mend }) => `${state} ${says}${mend === undefined ? "" : " ->"}`);
const first = (checks: readonly Check[], name: string): string => told(checks, name)[0] ?? `no ${name}`;

test("where all is well: roster, broker, address and neighbours, one line each", () => onStreet(async (street) => {
  await street.neighbour("CP-002");
  await street.neighbour("CP-003");
  street.enrol();
  const checks = await street.examined({ advertise: "mqtts://10.0.0.5:8883" });
  assert.equal(checks.map(({ name, state, says }) => `${state} ${name}: ${says}`), [
    "ok roster: town, version 3: 3 members in 1 zone; this station in feeder-7, with its keys",
    "ok broker: 0.0.0.0:0 is free",
    "ok advertise: neighbours look for this station's broker at 10.0.0.5:8883",
    "ok neighbours: 2 of 2 brokers answer with the key in the roster",
  ]);
}));

test("neighbours that are away, silent, no broker, or somebody else: each is told, and the rest is still examined",
  () => onStreet(async (street) => {
    await street.neighbour("CP-002");
    street.add("CP-003", `${HOST}:${await street.port((socket) => socket.destroy())}`);
    street.add("CP-004", `${HOST}:${await street.port((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))}`);
    await street.neighbour("CP-005", "CP-666");
    street.enrol();
    const [third = "", fourth = "", fifth = "", all] = told(await street.examined(), "neighbours");
    assert.match(third, /^warn CP-003 at 127\.0\.0\.1:\d+ drops the connection ->$/);
    assert.match(fourth, /^warn CP-004 at 127\.0\.0\.1:\d+ speaks no TLS on that port ->$/);
    assert.match(fifth, /^fail CP-005 at 127\.0\.0\.1:\d+ shows a key that is not the one in the roster ->$/);
    assert.is(all, "ok 1 of 4 brokers answer with the key in the roster");
  }));

test("a neighbour that takes the connection and says nothing is given up in time", () => onStreet(async (street) => {
  await street.neighbour("CP-002");
  street.add("CP-003", `${HOST}:${await street.port(() => undefined)}`);
  street.enrol();
  const [silent = "", ...rest] = told(await street.examined({}, undefined, 300), "neighbours");
  assert.match(silent, /^warn CP-003 at .* does not answer ->$/);
  assert.is(rest.length, 1);
}));

test("none that can be reached is a fault of this station's own network", () => onStreet(async (street) => {
  for (const station of ["CP-002", "CP-003"]) {
    street.add(station, `${HOST}:${await street.port((socket) => socket.destroy())}`);
  }
  street.enrol();
  assert.is(told(await street.examined(), "neighbours").at(-1), "fail none of 2 can be reached ->");
}));

test("what the running agent is connected to is left alone, and its own broker is no stranger", () =>
  onStreet(async (street) => {
    let visits = 0;
    const port = await street.port((socket) => {
      visits += 1;
      socket.destroy();
    });
    street.add("CP-002", `${HOST}:${port}`);
    street.enrol();
    const link = { ...MESH.links[0]!, to: "CP-002", address: `${HOST}:${port}` };
    const listen = `mqtts://${HOST}:${port}`; // taken: by the agent, as it says
    const status = { ...MESH, links: [link], broker: { ...MESH.broker!, listen: `${HOST}:${port}` } };
    const checks = await street.examined({ listen, advertise: "mqtts://10.0.0.5:8883" }, status);
    assert.match(first(checks, "broker"), /^ok .* is held by the running agent$/);
    assert.equal([told(checks, "neighbours"), visits], [["ok 1 of 1 brokers answer with the key in the roster"], 0]);
    const others = await street.examined({ listen }, { ...MESH, links: [{ ...link, up: false }] });
    assert.match(first(others, "broker"), /^fail .* cannot be listened on \(EADDRINUSE\)/);
    assert.is(visits, 1, "a link that is down is tried");
  }));

const MENDED: readonly [string, string, object, RegExp][] = [
  ["no address, no broker", "", { listen: undefined }, /^ok no broker of its own/],
  ["a broker that nobody finds", "", {}, /^warn neighbours do not know where .*->$/],
  ["an address and no broker", "10.0.0.5:8883", { listen: undefined }, /^fail .*mesh\.listen is absent ->$/],
  ["another address", "10.0.0.5:8883", { advertise: "mqtts://10.0.0.6:8883" },
    /^fail mesh\.advertise is 10\.0\.0\.6:8883, and the roster sends neighbours to 10\.0\.0\.5:8883 ->$/],
  ["loopback alone", "10.0.0.5:8883", { listen: "mqtts://127.0.0.1:0" }, /^fail .*listens on 127\.0\.0\.1 alone ->$/],
  ["loopback, as the roster says", "127.0.0.1:8883", { listen: "mqtts://127.0.0.1:0" }, /^ok /],
  ["not advertised, and in the roster", "street.example:8883", {}, /^ok .* at street\.example:8883$/],
];
for (const [name, address, mesh, says] of MENDED) {
  test(`the own address: ${name}`, () => onStreet(async (street) => {
    street.address = address;
    await street.neighbour("CP-002");
    street.enrol();
    assert.match(told(await street.examined(mesh), "advertise").join(), says);
  }));
}

test("neighbours without a broker dial; two without never meet", () => onStreet(async (street) => {
  await street.neighbour("CP-002");
  street.add("CP-003", "");
  street.enrol();
  assert.equal(told(await street.examined(), "neighbours"),
    ["ok 1 of 1 brokers answer with the key in the roster; 1 neighbour has none, and dials this station itself"]);
  street.address = "";
  street.enrol();
  assert.equal(told(await street.examined({ listen: undefined }), "neighbours").at(-1),
    "warn 1 of them and this station have no broker, and never meet ->");
}));

test("on a metered link: what the zone bears, and what it costs without a site", () => onStreet(async (street) => {
  await street.neighbour("CP-002");
  street.enrol();
  const none = { listen: undefined };
  const dear = { ...none, metered: true };
  const metered = { ...dear, brokers: ["mqtt://127.0.0.1:9"] };
  assert.equal(told(await street.examined(dear), "metered")[0],
    "warn it tells f + 2 neighbours each itself, three times what a site's broker would take ->");
  assert.equal(told(await street.examined(metered), "metered"),
    ["warn this member does not vote; the zone bears 0 such ->"], "both of two certify");
  await street.neighbour("CP-003");
  street.enrol();
  assert.equal(told(await street.examined(metered), "metered"),
    ["ok this member does not vote; the zone bears 1 such"]);
  assert.equal(told(await street.examined(none), "metered"), []);
}));

test("a site's broker: there or away", () => onStreet(async (street) => {
  await street.neighbour("CP-002");
  street.enrol();
  const port = await street.port(() => undefined);
  const there = await street.examined({ brokers: [`mqtt://${HOST}:${port}`] });
  assert.equal(told(there, "sites"), ["ok 1 of 1 brokers of sites answer"]);
  const away = await street.examined({ brokers: [`mqtt://${HOST}:1`] });
  assert.match(told(away, "sites").join(), /^warn mqtt:\/\/127\.0\.0\.1:1 refuses the connection.*,fail none of 1/);
  const unread = first(await street.examined({ brokers: ["mqtts://site:8883"], ca: "none.pem" }), "sites");
  assert.match(unread, /^fail mesh\.ca: cannot read .*none\.pem/);
}));

const REFUSED: readonly [string, (street: Street) => void, RegExp][] = [
  ["no roster", () => undefined, /^fail mesh\.roster: .*no such file/],
  ["junk", (street) => writeFileSync(join(street.folder, "roster.kw"), "junk"), /^fail mesh\.roster: .*roster file/],
  ["no such member", (street) => street.enrol((member) => ({ ...member, station: "CP-000" as StationId })),
    /^fail mesh\.roster: .* has no member CP-001/],
  ["another's key", (street) =>
    street.enrol((member) => ({ ...member, keys: { ...member.keys, witness: publicKey(99) } })),
  /^fail .*the witness key of CP-001 is not this/],
  ["another epoch", (street) => {
    street.epochS = 60;
    street.enrol();
  }, /^fail epochS: found 10; allowed: the roster's, 60/],
];
for (const [name, prepare, says] of REFUSED) {
  test(`a roster that does not fit: ${name}`, () => onStreet(async (street) => {
    loadOrCreateKeys(join(street.folder, "state"), systemRandom);
    prepare(street);
    const checks = await street.examined();
    assert.match(told(checks, "roster").join(), says);
    assert.equal(checks.map((check) => check.name), ["roster", "broker"], "nobody is dialled under it");
  }));
}

test("a device without keys has none made for it; a damaged one is said", () => onStreet(async (street) => {
  const stateDir = join(street.folder, "state");
  assert.match(told(await street.examined(), "roster").join(), /^fail this device has not all of its keys yet ->$/);
  street.enrol();
  rmSync(keyPath(stateDir, "tls"));
  assert.match(told(await street.examined(), "roster").join(), /not all of its keys/);
  writeFileSync(keyPath(stateDir, "tls"), "{}");
  assert.match(told(await street.examined(), "roster").join(), /^fail .*tls\.key: damaged/);
}));

test("a lone agent has no neighbours, and that is well", async () => {
  const config = parseConfig("station: A\ncsms: ws://a", "k.yaml", {});
  assert.equal(await checkNeighbours(config, {}, undefined, TIME_OUT_MS),
    [{ name: "neighbours", state: "ok", says: "none: works alone" }]);
});
