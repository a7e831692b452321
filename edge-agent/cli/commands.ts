/** Every command by name. Each is loaded only when it is asked for: starting up stays quick, and an agent small. */
import type { Command } from "./command.ts";

const tools = () => import("./tools.ts");

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./run.ts")).run,
  doctor: async () => (await tools()).doctor,
  status: async () => (await tools()).status,
  incident: async () => (await tools()).incident,
  declare: async () => (await tools()).declare,
  page: async () => (await tools()).page,
  explain: async () => (await tools()).explain,
  learn: async () => (await tools()).learn,
  replay: async () => (await tools()).replay,
  reconcile: async () => (await tools()).reconcile,
  ledger: async () => (await tools()).ledger,
  roster: async () => (await tools()).roster,
  "support-bundle": async () => (await tools()).supportBundle,
  completion: async () => (await tools()).completion,
  keygen: async () => (await tools()).keygen,
  reset: async () => (await tools()).reset,
  update: async () => (await tools()).update,
};
