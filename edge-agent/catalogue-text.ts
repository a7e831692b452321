/** The catalogue of threats as a page of documentation, in Markdown. Pure. */
import { THREATS } from "../models/terms.ts";
import { CATALOGUE } from "./alert/catalogue.ts";

const HEAD = `# What kerbwatch can tell you, and what to do then

Made by \`kerbwatch explain --catalogue\`. Severity is by consequence, not by how sure the agent is; each alert says
that beside it. Rule out the innocent causes first.
`;

export function catalogueText(): string {
  const parts = THREATS.map((threat) => {
    const { headline, severity, means, innocent, nextStep } = CATALOGUE[threat];
    return `\n## ${threat}\n\n**${headline}.** Severity: ${severity}.\n\n${means}\n\nCommon innocent causes:\n\n`
      + `${innocent.map((cause) => `* ${cause}.\n`).join("")}\nWhat to do: ${nextStep}\n`;
  });
  return HEAD + parts.join("");
}
