/** Act a: honest sessions, and nobody says anything. */
import { type Act, outcomeOf } from "./act.ts";
import { nothing } from "./checks.ts";

/** Few, since a real street of twelve has one in a quarter of an hour. */
const CHARGING = ["N-4", "S-2", "S-5"];
const APART_S = 2;
const SESSION_S = 10;
const SETTLED_EPOCHS = 3;
const GUESSES = 24;

export const quiet: Act = {
  id: "a",
  name: "three honest sessions",
  told: "three bills, nothing raised anywhere",
  needs: [],
  sabotages: { noise: `somebody tries ${GUESSES} guessed cards at one of the chargers` },
  async play(street, sabotage) {
    const known = street.known();
    const before = street.csms.transactions.length;
    const sessions = CHARGING.map(async (id, index) => {
      await street.seconds(index * APART_S);
      const house = street.house(id);
      if (sabotage === "noise" && index === 0) {
        for (let guess = 0; guess < GUESSES; guess++) await house.station.authorize(street.wrongToken());
      }
      return await house.charge({ token: street.goodToken(), seconds: SESSION_S });
    });
    await Promise.all(sessions);
    await street.epochs(SETTLED_EPOCHS);
    const billed = street.csms.transactions.slice(before).filter(({ ended }) => ended).length;
    return outcomeOf([
      { saw: `${billed} bills`, ok: billed === CHARGING.length },
      nothing(street.newIncidents(known)),
    ]);
  },
};
