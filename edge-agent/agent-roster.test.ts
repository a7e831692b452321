/** Real agents whose roster file is replaced: who is a member of the street changes, and no charger notices. */
import { assert, test } from "../build/testing.ts";
import { encodeRoster } from "../gossip/roster.ts";
import { rosterHash } from "../gossip/roster-file.ts";
import { type Epoch, epochOf, type WallMs, type ZoneId } from "../models/units.ts";
import { connectThrough, entriesOf, passes, statementsOf } from "./agent.testing.ts";
import { crypto, onStreet, rosterOf, until, ZONE } from "./agent-street.testing.ts";

test("a neighbour is added and another taken away while agents run; wrong files change nothing", () =>
  onStreet(async ([one, two, three], csms) => {
    const first = rosterOf([one!.member, two!.member]);
    for (const house of [one!, two!]) {
      house.put(first);
      await house.start(csms);
    }
    const ends = await connectThrough(one!.agent.listening.port, csms);
    await until(() => one!.hears(two!) && two!.hears(one!));

    const second = rosterOf([one!.member, two!.member, three!.member], first);
    for (const house of [one!, two!, three!]) house.put(second);
    await three!.start(csms);
    assert.match(await one!.says(/version 2/), /version 2 is in force: 3 members in zone street; new: CP-003$/);
    await until(() => one!.hears(three!) && three!.hears(one!) && two!.hears(three!) && one!.hears(two!));
    await passes(ends);

    one!.put({ ...second, version: 3 });
    assert.match(await one!.says(/goes on/), /mesh\.roster: .*previous: found .*version 2, the one in force, goes on$/);
    one!.put(rosterOf([one!.member], first));
    assert.match(await one!.says(/two rosters/), /of version 2: .*nothing is certified until a later version counts$/);
    assert.ok(one!.hears(two!));

    const third = rosterOf([one!.member, three!.member], second);
    for (const house of [one!, two!, three!]) house.put(third);
    assert.match(await one!.says(/version 3 is/), /2 members in zone street; gone: CP-002$/);
    assert.match(await two!.says(/watches alone/), /version 3 has no member CP-002; have it enrolled; watches alone$/);
    await until(() => three!.agent.status().mesh!.links.every(({ to }) => to !== "CP-002"));
    await until(() => one!.hears(three!));
    assert.equal(one!.notices.all.filter((text) => /roster/.test(text)).length, 4, "each once");
    await passes(ends);

    const alone = await connectThrough(two!.agent.listening.port, csms);
    await passes(alone);
    const silent = two!.stated().at(-1)!;
    const fourth = rosterOf([one!.member, two!.member, three!.member], third);
    for (const house of [one!, two!, three!]) house.put(fourth);
    await two!.says(/version 4 is in force/);
    await until(() => one!.hears(two!) && two!.hears(three!));
    assert.is(two!.stated().filter(([version]) => version === 3).length, 0);
    assert.ok(two!.stated().at(-1)![1] > silent[1]);
    await passes(alone);
  }));

test("moved to another zone, a member goes on there without a restart, and its charger notices nothing", () =>
  onStreet(async ([one, two, three], csms) => {
    const hill = "hill" as ZoneId;
    const [street, alone] = [{ id: ZONE, ratingW: 0, f: 0 }, { id: hill, ratingW: 0, f: 0 }];
    const first = rosterOf([one!.member, two!.member, { ...three!.member, zone: hill }], undefined,
      { zones: [alone, street] });
    for (const house of [one!, two!, three!]) {
      house.put(first);
      await house.start(csms);
    }
    const ends = await connectThrough(two!.agent.listening.port, csms);
    await until(() => one!.hears(two!) && two!.hears(one!));
    const second = rosterOf([one!.member, { ...two!.member, zone: hill }, { ...three!.member, zone: hill }], first,
      { zones: [alone, street], fromEpoch: epochOf(Date.now() as WallMs, 1) + 8 as Epoch });
    two!.put(second);
    assert.match(await two!.says(/in force/),
      /version 2 is in force: CP-002 moves from zone street; 2 members in zone hill; new: CP-002$/);
    assert.match(await one!.says(/in force/), /version 2 is in force: 1 members in zone street; gone: CP-002$/);
    await until(() => two!.hears(three!) && three!.hears(two!));
    const stated = statementsOf(entriesOf(two!.stateDir));
    assert.equal(stated.map(({ seq }) => seq), stated.map((_, place) => place), "one chain");
    assert.is(new Set(stated.map(({ epoch }) => epoch)).size, stated.length, "no epoch twice");
    assert.equal([...new Set(stated.map(({ zone, rosterVersion }) => `${zone} ${rosterVersion}`))],
      ["street 1", "hill 2"]);
    await passes(ends);
    await two!.stop();
    await two!.start(csms);
    await until(() => two!.hears(three!) && three!.hears(two!));
  }));

test("given to one, a roster is everybody's: the others have it from their neighbours, and it is in their logs", () =>
  onStreet(async ([one, two, three], csms) => {
    const first = rosterOf([one!.member, two!.member, three!.member]);
    for (const house of [one!, two!, three!]) {
      house.put(first);
      await house.start(csms);
    }
    const ends = await connectThrough(three!.agent.listening.port, csms);
    await until(() => one!.hears(two!) && two!.hears(three!) && three!.hears(one!));
    const from = epochOf(Date.now() as WallMs, 1) + 8;
    const second = rosterOf([two!.member, three!.member], first, { fromEpoch: from as Epoch });
    one!.put(second);
    for (const house of [two!, three!]) assert.match(await house.says(/is good/), /version 2 is good and counts from/);
    assert.match(await one!.says(/watches alone/), /version 2 has no member CP-001/);
    for (const house of [two!, three!]) assert.match(await house.says(/in force: /), /; gone: CP-001$/);
    await until(() => two!.stated().some(([version]) => version === 2) && two!.hears(three!) && three!.hears(two!));
    const name = Buffer.from(rosterHash(crypto, encodeRoster(second))).toString("hex");
    for (const house of [one!, two!, three!]) {
      const noted = entriesOf(house.stateDir).flatMap((entry) => (entry.kind === "notice" ? [entry.text] : []));
      assert.ok(noted.includes(`roster: version 2 (SHA-256 ${name}) is in force`));
    }
    await passes(ends);
  }));

test("a version that counts from later on is in force from exactly that epoch, also after a restart", () =>
  onStreet(async ([one], csms) => {
    const first = rosterOf([one!.member]);
    one!.put(first);
    await one!.start(csms);
    await until(() => one!.stated().length > 0);
    const from = epochOf(Date.now() as WallMs, 1) + 3;
    const second = rosterOf([one!.member], first, { fromEpoch: from as Epoch });
    one!.put(second);
    await one!.says(/version 2 is good and counts from/);
    await one!.says(/version 2 is in force/);
    await until(() => one!.stated().some(([version]) => version === 2));
    for (const [version, epoch] of one!.stated()) assert.is(version, epoch < from ? 1 : 2, `${epoch}`);
    await one!.stop();
    one!.put(first);
    await one!.start(csms);
    assert.match(await one!.says(/goes on/), /version: found 1; allowed: 3.*version 2, the one in force, goes on/);
    const before = one!.stated().length;
    await until(() => one!.stated().length > before);
    assert.is(one!.stated().at(-1)![0], 2);
  }));
