/**
 * What the program may cost on a board. The build fails beyond these.
 * Reason: the smallest board that it is for is a Raspberry Pi class controller that also runs the charger's own
 * software.
 */

/** The agent's single file, bytes: what lies in flash and travels in an update. */
export const AGENT_BYTES = 512 * 1024;
/**
 * What the process of any agent may come to hold of the program that the file carries compressed, bytes: in V8's
 * memory, and read at each start. Commands that do one thing and end are apart (edge-agent/cli/tools.ts).
 */
export const AGENT_TEXT_BYTES = 640 * 1024;
/** What it may come to hold beyond, when its configuration asks for everything that is loaded where it is asked for. */
export const AGENT_OPTIONAL_BYTES = 32 * 1024;
