/** What each threat means to a person: a headline, how bad it would be, and what to do next. */
import type { Severity, Threat } from "../../models/terms.ts";

export interface CatalogueEntry {
  readonly headline: string;
  /** By consequence, not by score. */
  readonly severity: Severity;
  readonly nextStep: string;
}

export const CATALOGUE: Readonly<Record<Threat, CatalogueEntry>> = {
  "authorization-abuse": {
    headline: "Somebody is guessing idTokens",
    severity: "medium",
    nextStep: "Look at who stands at the charger; block remote starts and offline authorisation there until it stops.",
  },
  "credential-cloning": {
    headline: "One idToken seems to be used by two bodies",
    severity: "medium",
    nextStep: "Ask the card's holder; block and replace the card if it was not them.",
  },
  "session-spoofing": {
    headline: "Transactions without charging behind them",
    severity: "medium",
    nextStep: "Hold the billing of these transactions and compare them with the meter.",
  },
  "energy-theft": {
    headline: "Energy is delivered and not billed",
    severity: "high",
    nextStep: "Compare the charger's meter with the agent's; inspect meter, wiring and seals.",
  },
  "billing-inflation": {
    headline: "Energy is billed and not delivered",
    severity: "high",
    nextStep: "Hold the billing of these transactions; have the charger's meter verified.",
  },
  "load-manipulation": {
    headline: "Demand is moved in step",
    severity: "high",
    nextStep: "Check who sent the set-points and starts; ask the grid operator whether they were ordered.",
  },
  "profile-tampering": {
    headline: "Charging limits are set to harm, or are ignored",
    severity: "high",
    nextStep: "Compare the charging profiles with those that the operator set; clear foreign ones.",
  },
  "configuration-tampering": {
    headline: "Security or network settings are being weakened",
    severity: "high",
    nextStep: "Ask the CSMS operator whether this was ordered; if not, set the values back and rotate credentials.",
  },
  "firmware-tampering": {
    headline: "Firmware from an untrusted source",
    severity: "critical",
    nextStep: "Stop the update, compare the image's hash with the maker's, and check who ordered it in the CSMS.",
  },
  "remote-command-abuse": {
    headline: "Hostile remote commands",
    severity: "high",
    nextStep: "Check in the CSMS who sent these commands; revoke that access.",
  },
  "denial-of-service": {
    headline: "Floods, reconnect storms or lost links",
    severity: "medium",
    nextStep: "Look at the network path and at the rate limits in front of the charger.",
  },
  "channel-tampering": {
    headline: "Somebody stands between charger and CSMS",
    severity: "critical",
    nextStep: "Compare the certificate with the CSMS's own; take the link down if it is foreign.",
  },
  "data-exfiltration": {
    headline: "Logs or personal data are sent to a stranger",
    severity: "high",
    nextStep: "Check who ordered the upload and what it held; treat the data as lost.",
  },
  "reverse-power": {
    headline: "Power flows to the grid that nobody asked for",
    severity: "critical",
    nextStep: "Open the charger's breaker if it goes on; look for a faulty inverter or a foreign discharge order.",
  },
  "reconnaissance": {
    headline: "The charger is being probed",
    severity: "low",
    nextStep: "Note where the requests came from; watch for what follows.",
  },
  "physical-tampering": {
    headline: "Enclosure, meter or link was opened or cut",
    severity: "high",
    nextStep: "Send somebody to the charger; keep the camera's recording.",
  },
  "agent-misbehaviour": {
    headline: "An agent of the neighbourhood contradicts itself",
    severity: "high",
    nextStep: "Take that agent out of the roster and look at its board; the proof is attached.",
  },
};
