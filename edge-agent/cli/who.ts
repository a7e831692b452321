/** Who asks, as the log is to have it. */
import { userInfo } from "node:os";
import type { Io } from "./command.ts";

/** Whoever is at the console; a system without names of users has a number at least. */
export function whoAmI(env: Io["env"]): string {
  try {
    return env["SUDO_USER"] ?? userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "somebody");
  }
}
