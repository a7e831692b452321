/** A status as a running agent would give it, for tests. */
import type { Status } from "./status.ts";

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
