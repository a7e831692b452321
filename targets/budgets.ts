/**
 * What the program may cost on a board. The build fails beyond these.
 * Reason: the smallest board that it is for is a Raspberry Pi class controller that also runs the charger's own
 * software.
 */

/** The agent's single file, bytes. */
export const AGENT_BYTES = 512 * 1024;
