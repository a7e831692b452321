/** What each threat means to a person: a headline, how bad it would be, and what to do next. */
import type { Severity, Threat } from "../../models/terms.ts";

export interface CatalogueEntry {
  readonly headline: string;
  /** What it would mean if it is so. */
  readonly means: string;
  /** What honest people and machines do that looks like it; the first to be ruled out. */
  readonly innocent: readonly string[];
  /** By consequence, not by score. */
  readonly severity: Severity;
  readonly nextStep: string;
}

const ALLOWED_BY_CLASS = "A meter whose class allows the difference";

export const CATALOGUE: Readonly<Record<Threat, CatalogueEntry>> = {
  "authorization-abuse": {
    headline: "Somebody is guessing idTokens",
    means: "Somebody tries idTokens until one is accepted, at this charger or a few at each of many, to charge at "
      + "others' cost.",
    innocent: [
      "A driver whose card has expired tries it again and again",
      "An operator's list of cards was lost or is late after an outage",
      "A new card type that the CSMS does not know yet",
    ],
    severity: "medium",
    nextStep: "Look at who stands at the charger; block remote starts and offline authorisation there until it stops.",
  },
  "credential-cloning": {
    headline: "One idToken seems to be used by two bodies",
    means: "A copy of somebody's card is in use: it is seen in two places sooner than anybody could drive, or at the "
      + "same time.",
    innocent: [
      "A fleet or family that shares one idToken on purpose",
      "A charger whose clock is off, so that sessions seem to overlap",
      "A session that was not ended when the car left",
    ],
    severity: "medium",
    nextStep: "Ask the card's holder; block and replace the card if it was not them.",
  },
  "session-spoofing": {
    headline: "Transactions are made up, or ended by somebody else",
    means: "Sessions are reported that nobody charged in, or are ended by somebody else: bills and statistics are "
      + "made up.",
    innocent: [
      "A full car that draws nothing",
      "A backlog of messages after an outage",
      "A charger that restarts in mid-session and reports it twice",
    ],
    severity: "medium",
    nextStep: "Hold the billing of these transactions and compare them with the meter.",
  },
  "energy-theft": {
    headline: "Energy is delivered and not billed",
    means: "Energy leaves the charger that nobody pays for: the meter was tampered with, sessions are hidden, or the "
      + "register was turned back.",
    innocent: [
      "Standby and heating of the charger itself",
      "Something else behind the meter, such as lights: declare it with loadW of the meter's configuration",
      ALLOWED_BY_CLASS,
      "A register that begins anew after a repair",
    ],
    severity: "high",
    nextStep: "Compare the charger's meter with the agent's; inspect meter, wiring and seals.",
  },
  "billing-inflation": {
    headline: "Energy is billed and not delivered",
    means: "Drivers pay for energy that they did not get: the charger reports more than flows.",
    innocent: [
      "Losses between an AC meter and a DC outlet, 4 to 10 %",
      "A meter that was replaced and started elsewhere",
      ALLOWED_BY_CLASS,
    ],
    severity: "high",
    nextStep: "Hold the billing of these transactions; have the charger's meter verified.",
  },
  "load-manipulation": {
    headline: "Demand is moved in step",
    means: "Somebody moves the demand of many chargers at once, to harm the grid or to move prices; each charger alone "
      + "looks normal.",
    innocent: [
      "A tariff that changes at this minute",
      "Demand response that nobody declared",
      "A car park that fills when a match ends",
    ],
    severity: "high",
    nextStep: "Check who sent the set-points and starts; ask the grid operator whether they were ordered.",
  },
  "profile-tampering": {
    headline: "Charging limits are set to harm, or are ignored",
    means: "Limits that protect cables and grid are lifted, set to harm, or not kept.",
    innocent: [
      "A site controller that balances loads every few seconds",
      "A new limit of the grid operator",
      "A car that ignores the pilot for a few seconds",
    ],
    severity: "high",
    nextStep: "Compare the charging profiles with those that the operator set; clear foreign ones.",
  },
  "configuration-tampering": {
    headline: "Security or network settings are being weakened",
    means: "Protection is taken away before an attack: another CSMS, no TLS, no log, a new password.",
    innocent: [
      "The operator moves to another CSMS",
      "A technician who sets up the charger",
      "A firmware update that brings new defaults",
    ],
    severity: "high",
    nextStep: "Ask the CSMS operator whether this was ordered; if not, set the values back and rotate credentials.",
  },
  "firmware-tampering": {
    headline: "Firmware that cannot be trusted",
    means: "Foreign software, or an old release with known holes, may get onto the charger, after which nothing that "
      + "it says can be believed.",
    innocent: [
      "A maker's update that is not signed, which should be asked about all the same",
      "The operator's own mirror, not on the list yet",
      "A technician's roll-back after a bad release",
    ],
    severity: "critical",
    nextStep: "Stop the update, compare the image's hash with the maker's, and check who ordered it in the CSMS.",
  },
  "remote-command-abuse": {
    headline: "Hostile remote commands",
    means: "Somebody with access to the CSMS, or in its place, stops sessions, unlocks cables or resets chargers.",
    innocent: [
      "A technician who tests a charger",
      "A helpdesk that restarts a charger several times",
      "A campaign that the operator rolls out to all",
    ],
    severity: "high",
    nextStep: "Check in the CSMS who sent these commands; revoke that access.",
  },
  "denial-of-service": {
    headline: "Floods, reconnect storms or lost links",
    means: "The charger or its link is kept busy or cut, so that nobody can charge, or that nobody sees what happens.",
    innocent: [
      "A mobile network with bad reception",
      "A CSMS that restarts and is run over by reconnecting chargers",
      "Work on the power or the network of the street",
    ],
    severity: "medium",
    nextStep: "Look at the network path and at the rate limits in front of the charger.",
  },
  "channel-tampering": {
    headline: "Somebody stands between charger and CSMS",
    means: "Somebody reads and changes what charger and CSMS say to each other.",
    innocent: [
      "A certificate that was renewed with a new key",
      "A proxy that the operator put in between",
      "A charger that sends an old message again after an outage",
    ],
    severity: "critical",
    nextStep: "Compare the certificate with the CSMS's own; take the link down if it is foreign.",
  },
  "data-exfiltration": {
    headline: "Logs or personal data are sent to a stranger",
    means: "Logs and diagnostics, with who charged when, go to somebody who has no business with them.",
    innocent: [
      "A maker's support that asked for a log",
      "A new file server of the operator, not on the list yet",
    ],
    severity: "high",
    nextStep: "Check who ordered the upload and what it held; treat the data as lost.",
  },
  "reverse-power": {
    headline: "Power flows to the grid that nobody asked for",
    means: "The car or the charger feeds the grid without an order: a danger to those who work on it, and a way "
      + "to harm it.",
    innocent: [
      "Bidirectional charging that was agreed outside OCPP",
      "Solar power behind the same meter",
      "A meter that was connected the wrong way round",
    ],
    severity: "critical",
    nextStep: "Open the charger's breaker if it goes on; look for a faulty inverter or a foreign discharge order.",
  },
  "reconnaissance": {
    headline: "The charger is being probed",
    means: "Somebody finds out what the charger is and where it is weak; what follows is worth watching for.",
    innocent: [
      "A technician or a CSMS that reads the whole configuration",
      "An inventory that the operator takes",
      "A security test that was announced",
    ],
    severity: "low",
    nextStep: "Note where the requests came from; watch for what follows.",
  },
  "physical-tampering": {
    headline: "Enclosure, meter or link was opened or cut",
    means: "Somebody works on the charger with their hands: to steal energy, to get at keys, to put something in "
      + "between.",
    innocent: [
      "A technician on the job",
      "A tamper switch that a blow or ice has moved",
      "A meter that lost its power",
    ],
    severity: "high",
    nextStep: "Send somebody to the charger; keep the camera's recording.",
  },
  "agent-misbehaviour": {
    headline: "An agent of the neighbourhood contradicts itself",
    means: "An agent signed two things that cannot both be true: its board or its keys are in somebody else's hands.",
    innocent: [
      "A device that was copied, with its keys, to another board",
      "A state directory that was put back from a backup and signed anew",
    ],
    severity: "high",
    nextStep: "Take that agent out of the roster and look at its board; the proof is attached.",
  },
};
