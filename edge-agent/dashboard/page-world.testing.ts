/** An agent's page over made-up contents, hostile strings among them, for tests in a real browser. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStatusServer, type StatusServer } from "../adapters/http.ts";
import { systemRandom } from "../adapters/crypto.ts";
import { alertWith, HOSTILE } from "../adapters/outlets/outlets.testing.ts";
import { CATALOGUE } from "../alert/catalogue.ts";
import type { Handle } from "../alert/handling.ts";
import { ok, problem } from "../../models/result.ts";
import type { DeclaredStatus } from "../status.ts";
import { MESH, STATUS } from "../status.testing.ts";
import { Dashboard, type PackedPage } from "./dashboard.ts";
import { type Role, Sessions } from "./sessions.ts";

const NOW = Date.UTC(2026, 10, 1, 12);
const HISTORY = Array.from({ length: 60 }, (_, n) => ({
  at: NOW - (60 - n) * 60_000, meterWh: n * 190, reportedWh: n * 130, meterW: 7_000, opinion: n / 60,
  opinions: { "energy-theft": n / 60, ...(n > 30 && { "load-manipulation": 0.3 }) }, certified: n > 50 ? 1 : 0,
}));
export const ZONE = alertWith({
  incidentId: "b".repeat(64), onset: "2026-11-01T10:00:00.000Z", stations: ["CP-002"],
  certificate: { epoch: 177_235_562, rosterVersion: 4, quorum: 12, file: alertWith().evidence[0]! },
});
export const STATION = alertWith({
  incidentId: "a".repeat(64), scope: "station", threat: "energy-theft", stations: [HOSTILE], summary: HOSTILE,
  onset: "2026-11-01T11:00:00.000Z", explanation: [{ term: HOSTILE, value: 9, share: 1 }],
});
const STORY = {
  frames: [{ time: "2026-11-01T11:00:00.000Z", direction: "cp-to-csms", text: `[2,"1","X",{"v":"${HOSTILE}"}]` }],
  certificates: [], missing: [],
};

const CHECKS = {
  checks: [{ name: "clock", state: "ok", says: "good" }, { name: "disk", state: "fail", says: HOSTILE, mend: "x" }],
};

export class World {
  readonly stateDir = mkdtempSync(join(tmpdir(), "kerbwatch-page-"));
  readonly asked: Handle[] = [];
  readonly sessions = new Sessions(systemRandom, () => performance.now());
  declared: readonly DeclaredStatus[] = [];
  incidents: unknown[] = [{ ...STATION, open: true }, { ...ZONE, open: true }];

  readonly state = (): unknown => ({
    status: { ...STATUS, declared: this.declared, mesh: MESH, notices: [HOSTILE, ...STATUS.notices] },
    incidents: this.incidents, history: HISTORY,
    catalogue: { "energy-theft": CATALOGUE["energy-theft"], "load-manipulation": CATALOGUE["load-manipulation"] },
    board: { memoryBytes: 64 * 1024 * 1024 }, witnesses: [{ station: "CP-002", holds: 300, forked: false }],
    places: MESH.members.map(({ station }, n) => ({ station, latE6: 56_000_000 + 90 * n, lonE6: 40 * n * n })),
  });

  /** Takes what is there in plain words; an operator's signature is another test's. */
  readonly word = (file: Uint8Array) => {
    const text = new TextDecoder().decode(file);
    if (text !== "an update is foreseen") return problem(`word: ${HOSTILE}`);
    this.declared = [{
      word: "d".repeat(64), by: "alice", changes: ["firmware", "reboot"], stations: ["CP-001"], reason: HOSTILE,
      from: "2026-11-01T12:00:00.000Z", to: "2026-11-01T14:00:00.000Z", holds: 1,
    }];
    return ok({ says: HOSTILE });
  };

  readonly handle = (asked: Handle) => {
    if (this.asked.some(({ incidentId }) => incidentId === asked.incidentId)) {
      return { ok: false as const, why: "conflict" as const, says: "alice acknowledged it first, at noon" };
    }
    this.asked.push(asked);
    this.incidents = [{ ...STATION, open: true, handled: { ...asked, at: "2026-11-01T12:00:00.000Z" } }];
    return { ok: true as const, incidentId: asked.incidentId, effects: [] };
  };
}

/** The page's server, listening, with its socket in the world's state directory. */
export async function servePage(world: World, page: PackedPage): Promise<StatusServer> {
  const run = (args: readonly string[]): Promise<string> =>
    Promise.resolve(JSON.stringify(args[0] === "doctor" ? CHECKS : STORY));
  const dashboard = new Dashboard({
    sessions: world.sessions, page, secure: false, state: world.state, handle: world.handle,
    word: world.word,
    run, monoMs: () => performance.now(),
  });
  let http: string | undefined;
  const server = createStatusServer({
    stateDir: world.stateDir, http: { host: "127.0.0.1", port: 0 },
    status: () => ({ ...STATUS, agent: { ...STATUS.agent, http } }),
    page: (request, response) => dashboard.take(request, response),
    ask: (path, { role, name }) => (path !== "/code" ? undefined
      : { code: 200, body: { code: world.sessions.issue(role as Role, String(name)) } }),
  });
  await server.start();
  http = `127.0.0.1:${server.address()!.port}`;
  return server;
}
