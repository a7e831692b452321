/** A status as a running agent would give it, for tests. */
import type { MeshStatus, Status } from "./status.ts";

export const STATUS: Status = {
  schemaVersion: "1.0", time: "2026-11-01T12:00:00.000Z",
  agent: {
    version: "0.1.0", station: "CP-001", region: "local", zone: "feeder-7", mode: "observe", pid: 4711,
    startedAt: "2026-10-30T08:00:00.000Z", uptimeS: 187_200, residentBytes: 63_963_136, listen: "ws://127.0.0.1:9000",
    http: "127.0.0.1:8620",
  },
  link: {
    state: "connected", csms: "wss://csms.example:443", since: "2026-11-01T11:00:00.000Z", ocppVersion: "1.6",
    connections: 3, refused: 1, framesFromStation: 1200, framesFromCsms: 1190,
    unparsed: { "too-large": 2, "not-json": 1 },
    delayUs: { p50: 38.05, p99: 181.02 },
  },
  meters: [
    { evse: 1, model: "sdm630", address: "127.0.0.1:502", everyS: 10, state: "reading", powerW: 7204.4,
      lastAt: "2026-11-01T11:59:52.000Z", energyImportWh: 1_234_567 },
    { evse: 2, model: "sdm72", address: "127.0.0.1:503", everyS: 10, state: "lost", why: "no answer within 3 s",
      lastAt: "2026-11-01T09:00:00.000Z", powerW: 0, energyImportWh: 10 },
  ],
  clock: { state: "good", aheadOfCsmsMs: -1_200 },
  log: { state: "good", entries: 321, root: "abcd", checkpointAt: "2026-11-01T11:55:00.000Z" },
  learned: { days: 14.04, since: "2026-10-18T00:00:00.000Z" },
  incidents: [{ incidentId: "3fa2c1b4d5e6f708", threat: "energy-theft", severity: "high", confidence: 0.97,
    onset: "2026-11-01T10:00:00.000Z", summary: "Energy is delivered and not billed." }],
  beliefs: [
    { key: "authorization-abuse", opinion: 0.21, says: "4 refused idTokens in 10 min" },
    { key: "energy-theft", opinion: 1, says: "30 % more than billed" },
  ],
  outlets: [{ name: "jsonl", sent: 4, dropped: 0 }, { name: "terminal", sent: 4, dropped: 2, lastError: "EIO" }],
  notices: ["the clock was set"],
};

const member = (station: string, silentEpochs: number, guilty = false): MeshStatus["members"][number] => ({
  station, lastEpoch: 179_352_000 - silentEpochs, silentEpochs, suspected: silentEpochs > 6, guilty, trust: 1_000,
});

/** A street of seven on which all is well. */
export const MESH: MeshStatus = {
  network: "town", zone: "feeder-7", rosterVersion: 4, epochS: 10, epoch: 179_352_000, n: 7, f: 2, quorum: 5,
  broker: { listen: "10.0.0.5:8883", connected: ["CP-002", "CP-003"], refused: {} },
  links: [
    { to: "CP-002", address: "10.0.0.6:8883", up: true, since: "2026-11-01T08:00:00.000Z", dropped: 0, refused: {} },
    { to: "CP-003", address: "10.0.0.7:8883", up: true, since: "2026-11-01T08:00:00.000Z", dropped: 0, refused: {} },
  ],
  members: [
    member("CP-001", 0), member("CP-002", 0), member("CP-003", 1), member("CP-004", 0), member("CP-005", 0),
    member("CP-006", 6), member("CP-007", 0),
  ],
  incidents: [], provisional: [],
  traffic: {
    sent: { messages: 12_000, bytes: 3_000_000, messagesPerEpoch: 14.2, bytesPerEpoch: 3_584 },
    received: { messages: 13_000, bytes: 3_100_000, messagesPerEpoch: 15, bytesPerEpoch: 900 }, repeats: 6_000,
    refused: { duplicate: 4_000 }, refusedFrom: [],
  },
};
