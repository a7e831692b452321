/** Alerts in plain words on standard output. */
import type { Alert } from "../../models/terms.ts";
import { alertText } from "../alert-text.ts";
import type { AlertSink } from "../ports.ts";

/** Colour only for a person who can see it and has not said no (no-color.org). */
export function wantsColour(isTty: boolean | undefined, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTty === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** `out` is the command's own output, which outlives a terminal that went away. */
export function createTerminalAlerts(out: (text: string) => void, colour: boolean): AlertSink {
  return {
    name: "terminal",
    send(alert: Alert): void {
      out(alertText(alert, colour));
    },
    close: () => Promise.resolve(),
  };
}
