import { assert, test } from "../../build/testing.ts";
import { WaitingRoom } from "./waiting-room.ts";

interface Connection {
  readonly name: string;
  readonly remoteAddress: string;
  destroy(): never;
}

/** A room of `most` places, and what happened to whoever came. */
function room(most: number) {
  const waiting = new WaitingRoom<Connection>();
  const dropped: string[] = [];
  const all = new Map<string, Connection>();
  return {
    dropped,
    /** The name's first letter is the address. */
    comes(name: string): boolean {
      const destroy = (): never => void dropped.push(name) as never;
      const one: Connection = { name, remoteAddress: name.slice(0, 1), destroy };
      all.set(name, one);
      return waiting.enter(one, most);
    },
    asks: (name: string): void => waiting.requested(all.get(name) as Connection),
    leaves: (name: string): void => waiting.leave(all.get(name) as Connection),
  };
}

test("of those that sent no request the oldest makes room, whoever it is", () => {
  const { comes, asks, dropped } = room(3);
  for (const name of ["a1", "b1", "b2"]) assert.ok(comes(name));
  asks("a1");
  assert.ok(comes("c1"));
  assert.equal(dropped, ["b1"]);
});

test("where all wait for the CSMS, a stranger's many places give way to a charger's first", () => {
  const { comes, asks, dropped } = room(4);
  for (const name of ["s1", "s2", "c1", "s3"]) {
    assert.ok(comes(name));
    asks(name);
  }
  assert.ok(comes("d1"));
  asks("d1");
  assert.equal(dropped, ["s1"], "three places of one address");
  assert.ok(comes("e1"));
  assert.equal(dropped, ["s1", "s2"]);
});

test("no address takes another's place to hold as many or more", () => {
  const { comes, asks, dropped } = room(2);
  for (const name of ["c1", "d1"]) {
    assert.ok(comes(name));
    asks(name);
  }
  assert.is(comes("s1"), false);
  const behindOne = room(2);
  for (const name of ["c1", "c2"]) {
    assert.ok(behindOne.comes(name));
    behindOne.asks(name);
  }
  assert.is(behindOne.comes("c3"), false, "all behind one address: first come, first served");
  assert.equal([...dropped, ...behindOne.dropped], []);
});

test("who left holds no place", () => {
  const { comes, asks, leaves, dropped } = room(1);
  assert.ok(comes("c1"));
  asks("c1");
  assert.is(comes("d1"), false);
  leaves("c1");
  assert.ok(comes("d1"));
  assert.equal(dropped, []);
});
