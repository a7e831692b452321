/** The commands that the README gives for a bare board, and the one that the unit runs. Pure. */

export interface Commands {
  /** Copies the example; its last word is where to. */
  readonly copy: readonly string[];
  readonly doctor: readonly string[];
  readonly status: readonly string[];
}

const AS_AGENT = "sudo -u kerbwatch ";

/** @throws Error that says which of the five is not as it was when this was written */
export function fiveCommands(readme: string, version: string): Commands {
  const block = /```sh\n(sudo apt install [^`]*)```/.exec(readme)?.[1];
  const lines = block?.trim().split("\n") ?? [];
  const [install = "", copy = "", doctor = "", enable = "", status = ""] = lines;
  const wanted: readonly (readonly [boolean, string])[] = [
    [lines.length === 5, "five lines"],
    [install === `sudo apt install ./kerbwatch_${version}_arm64.deb`, "the package by its name"],
    [/^sudo cp \S+ \S+ && sudo nano \S+$/.test(copy), "the example, copied and edited"],
    [doctor.startsWith(`${AS_AGENT}kerbwatch doctor --config `), "doctor"],
    [enable === "sudo systemctl enable --now kerbwatch", "the unit"],
    [status === `${AS_AGENT}kerbwatch status`, "status"],
  ];
  const missing = wanted.find(([good]) => !good);
  if (missing !== undefined) throw new Error(`README: of the five commands there is not ${missing[1]}`);
  const words = (line: string): string[] => line.split(" ");
  return {
    copy: words(copy.split(" && ")[0]!.slice("sudo ".length)), doctor: words(doctor.slice(AS_AGENT.length)),
    status: words(status.slice(AS_AGENT.length)),
  };
}

/** The words of a service unit's ExecStart. @throws Error without one */
export function unitCommand(unit: string): readonly string[] {
  const line = /^ExecStart=(.+)$/m.exec(unit)?.[1];
  if (line === undefined) throw new Error("the unit has no ExecStart");
  return line.split(" ");
}
