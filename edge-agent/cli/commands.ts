/** Every command by name. Each is loaded only when it is asked for: starting up stays quick. */
import type { Command } from "./command.ts";

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./run.ts")).run,
  doctor: async () => (await import("./doctor.ts")).doctor,
  status: async () => (await import("./status.ts")).status,
  explain: async () => (await import("./explain.ts")).explain,
  learn: async () => (await import("./learn.ts")).learn,
  replay: async () => (await import("./replay.ts")).replay,
  ledger: async () => (await import("./ledger.ts")).ledger,
  roster: async () => (await import("./roster.ts")).roster,
  "support-bundle": async () => (await import("./support-bundle.ts")).supportBundle,
  keygen: async () => (await import("./keygen.ts")).keygen,
};
