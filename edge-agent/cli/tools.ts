/**
 * The commands that do one thing and end. They are a part of the program by themselves (build/chunks.ts), so that the
 * agent, which runs for years, does not hold them in memory.
 */
export { completion } from "./completion.ts";
export { declare } from "./declare.ts";
export { doctor } from "./doctor.ts";
export { explain } from "./explain.ts";
export { incident } from "./incident.ts";
export { keygen } from "./keygen.ts";
export { learn } from "./learn.ts";
export { ledger } from "./ledger.ts";
export { page } from "./page.ts";
export { reconcile } from "./reconcile.ts";
export { replay } from "./replay.ts";
export { reset } from "./reset.ts";
export { roster } from "./roster.ts";
export { status } from "./status.ts";
export { supportBundle } from "./support-bundle.ts";
export { update } from "./update.ts";
