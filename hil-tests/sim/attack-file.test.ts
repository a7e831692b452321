import { assert, test } from "../../build/testing.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { parseAttackFile } from "./attack-file.ts";
import { parseRegion } from "./region.ts";

const station = (id: string): string => `      - { id: ${id}, ratedW: 22000, ocppVersion: "1.6" }\n`;
const REGION = parseRegion(`version: 1
region: example
timezone: UTC
zones:
  - id: north
    stations:\n${["A1", "A2", "A3"].map(station).join("")}
  - id: south
    stations:\n${["B1"].map(station).join("")}`);

test("attacks and look-alikes are read: strengths by name and number, whom by list, zone and count, when", () => {
  const { attacks, lookAlikes } = parseAttackFile(`
version: 1
attacks:
  - { attack: guess-burst, strength: medium, stations: [A2] }
  - { attack: links-cut, strength: 0.3, zone: north, from: 2026-03-08T10:00:00Z }
  - { attack: starve, strength: strong, count: 2 }
lookAlikes:
  - { name: power-cut, zone: south }`, REGION, 1);
  assert.equal(attacks[0], { name: "guess-burst", strength: 0.5, stations: ["A2"] });
  assert.equal(attacks[1], { name: "links-cut", strength: 0.3, stations: ["A1", "A2", "A3"],
    from: Date.UTC(2026, 2, 8, 10) });
  assert.is(new Set(attacks[2]?.stations).size, 2);
  assert.equal(lookAlikes, [{ name: "power-cut", stations: ["B1"] }]);
  assert.equal(parseAttackFile('{"version": 1}', REGION, 1), { attacks: [], lookAlikes: [] });
});

const attack = (rest: string): string => `version: 1\nattacks: [{ ${rest} }]`;

const WRONG: readonly (readonly [source: string, message: RegExp])[] = [
  ["", /attack file: found (nothing|null); allowed: a mapping/],
  ["[", /no YAML or JSON/],
  ["version: 2", /version: found 2; allowed: 1/],
  ["version: 1\nattack: []", /unknown key "attack"; did you mean attacks\?/],
  ["version: 1\nattacks: {}", /attacks: found \{\}; allowed: a list of at most 1000/],
  [attack("attack: gues-burst, strength: weak, count: 1"), /attacks\[0\].attack: found "gues-burst".* guess-burst/],
  [attack("attack: toString, strength: weak, count: 1"), /attack: found "toString"; allowed: a name that/],
  [attack("attack: guess-burst, count: 1"), /strength: found nothing; allowed: weak, medium, strong, or a number/],
  [attack("attack: guess-burst, strength: 0, count: 1"), /strength: found 0/],
  [attack("attack: guess-burst, strength: 1.1, count: 1"), /strength: found 1.1/],
  [attack("attack: guess-burst, strength: mild, count: 1"), /strength: found "mild"/],
  [attack("attack: guess-burst, strength: weak"), /attacks\[0\]: found nothing; allowed: one of stations, zone, count/],
  [attack("attack: guess-burst, strength: weak, count: 1, zone: north"), /found "zone and count"; allowed: one of/],
  [attack("attack: guess-burst, strength: weak, count: 5"), /count: found 5; allowed: an integer from 1 to 4/],
  [attack("attack: guess-burst, strength: weak, count: 1.5"), /count: found 1.5/],
  [attack("attack: guess-burst, strength: weak, zone: nort"), /zone: found "nort"; allowed: did you mean north/],
  [attack("attack: guess-burst, strength: weak, stations: [A1, A9]"), /stations\[1\]: found "A9"/],
  [attack("attack: guess-burst, strength: weak, stations: [A1, A1]"), /stations: found .*; allowed: each station once/],
  [attack("attack: guess-burst, strength: weak, stations: []"), /stations: found \[\]/],
  [attack("attack: links-cut, strength: weak, zone: south"), /allowed: at least two, for links-cut is of zone scope/],
  [attack("attack: guess-burst, strength: weak, count: 1, from: tomorrow"), /from: found "tomorrow"; allowed: a time/],
  [attack("attack: guess-burst, strength: weak, count: 1, form: x"), /unknown key "form"; did you mean from\?/],
  ["version: 1\nlookAlikes: [{ name: powercut, zone: north }]", /lookAlikes\[0\].name: found "powercut"; .*power-cut/],
  ["version: 1\nlookAlikes: [{ name: power-cut, zone: north, strength: weak }]", /unknown key "strength"/],
];

for (const [source, message] of WRONG) {
  test(`refused, by place, found and allowed: ${JSON.stringify(source).slice(0, 90)}`, () => {
    try {
      parseAttackFile(source, REGION, 1);
    } catch (error) {
      assert.instance(error, UsageError);
      assert.match((error as Error).message, message);
      assert.not.match((error as Error).message, /\n/);
      return;
    }
    assert.unreachable();
  });
}
