/** What parsers give back, as everywhere: see models/result.ts. */
export { ok, problem, type Result } from "../../models/result.ts";
