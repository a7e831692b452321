/** All checkers, apart from scenarios: they look at what agents say and hold, and know who lies. */
import type { CreateChecker } from "../world.ts";
import { noFalseAccusation } from "./accusation.ts";
import { bounded } from "./bounds.ts";
import { noContradiction } from "./certificates.ts";
import { frozenByForks } from "./forks.ts";
import { liveness } from "./liveness.ts";
import { consistentLogs } from "./logs.ts";
import { ownWord } from "./own-word.ts";
import { regionsWord } from "./regions.ts";
import { validity } from "./validity.ts";

export const CHECKERS: readonly CreateChecker[] = [
  noContradiction, validity, noFalseAccusation, ownWord, consistentLogs, bounded, frozenByForks, regionsWord, liveness,
];
