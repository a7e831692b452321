import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, test } from "../../build/testing.ts";
import { encodeFrame } from "../observe/websocket.testing.ts";
import {
  CHARGER_REQUEST, CSMS_ANSWER, dialRaw, loopback, rawCsms, upgradedPair, withForwarder,
} from "./forward-peers.testing.ts";
import type { Kit, KitOptions, RawCsms } from "./forward-peers.testing.ts";
import { createForwarder } from "./splice.ts";

/** Node's garbage collector as a function. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

const MASK = Uint8Array.of(1, 2, 3, 4);
const text = (say: string): Uint8Array => encodeFrame({ opcode: 1, payload: new TextEncoder().encode(say) });
const maskedText = (say: string): Uint8Array =>
  encodeFrame({ opcode: 1, mask: MASK, payload: new TextEncoder().encode(say) });

async function withBoth(options: KitOptions, use: (kit: Kit, csms: RawCsms) => Promise<void>): Promise<void> {
  const csms = await rawCsms();
  try {
    await withForwarder({ ...csms.address, path: "/ocpp" }, options, (kit) => use(kit, csms));
  } finally {
    csms.close();
  }
}

test("the request passes with Host and prefix changed, the 101 as it is, and early bytes of both sides follow", () =>
  withBoth({}, async (kit, csms) => {
    const charger = await dialRaw(kit.port);
    charger.socket.write(Buffer.concat([Buffer.from(CHARGER_REQUEST), maskedText("early")]));
    const station = await csms.connections.next(() => true);
    const expected = CHARGER_REQUEST.replace("GET /CP-001", "GET /ocpp/CP-001")
      .replace("charger-was-told-this:9000", `127.0.0.1:${csms.address.port}`);
    assert.is(await station.takeHead(), expected);
    station.socket.write(Buffer.concat([Buffer.from(CSMS_ANSWER), text("first")]));
    assert.is(await charger.takeHead(), CSMS_ANSWER);
    assert.equal(await charger.take(text("first").length), Buffer.from(text("first")));
    assert.equal(await station.take(maskedText("early").length), Buffer.from(maskedText("early")));
    assert.equal(kit.events.all, [
      { kind: "link", state: "connect", remoteAddress: "127.0.0.1" },
      { kind: "frame", direction: "cp-to-csms", text: "early", ocppVersion: "1.6" },
      { kind: "frame", direction: "csms-to-cp", text: "first", ocppVersion: "1.6" },
    ]);
  }));

test("interim answers pass, and the 101 after them is still the one", () => withBoth({}, async (kit, csms) => {
  const charger = await dialRaw(kit.port);
  charger.socket.write(CHARGER_REQUEST);
  const station = await csms.connections.next(() => true);
  await station.takeHead();
  station.socket.write(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${CSMS_ANSWER}`);
  assert.match(await charger.takeHead(), /^HTTP\/1.1 103 Early Hints\r\nLink: x\r\n\r\n$/);
  assert.is(await charger.takeHead(), CSMS_ANSWER);
  charger.socket.write(maskedText("joined"));
  assert.equal(await station.take(maskedText("joined").length), Buffer.from(maskedText("joined")));
  await kit.events.next((event) => event.kind === "frame" && event.text === "joined");
}));

test("interim answers without end are an answer that does not come", () => withBoth({}, async (kit, csms) => {
  const charger = await dialRaw(kit.port);
  charger.socket.write(CHARGER_REQUEST);
  const station = await csms.connections.next(() => true);
  await station.takeHead();
  const interim = "HTTP/1.1 100 Continue\r\n\r\n";
  station.socket.write(interim.repeat(50_000));
  const told = await charger.rest();
  assert.ok(told.startsWith(`${interim.repeat(9)}HTTP/1.1 502 `), told.slice(0, 400));
  assert.match(kit.notices.join(), /more than 8 interim answers/);
}));

for (const subprotocol of ["constructor", "__proto__", "ocpp9"]) {
  test(`a subprotocol that is none of OCPP's, ${subprotocol}, is no version, and frames are read`, () =>
    withBoth({}, async (kit, csms) => {
      const { charger } = await upgradedPair(kit, csms, CSMS_ANSWER.replace("ocpp1.6", subprotocol));
      charger.socket.write(maskedText("read"));
      const frame = await kit.events.next(({ kind }) => kind === "frame");
      assert.equal(frame, { kind: "frame", direction: "cp-to-csms", text: "read" });
    }));
}

const REFUSALS = [
  "HTTP/1.1 401 Unauthorized\r\nwww-Authenticate: Basic realm=\"x\"\r\nContent-Length: 2\r\n\r\nno",
  "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "HTTP/1.1 302 Found\r\nLocation: wss://else.example/\xe9\r\nX:  spaced \r\n\r\n",
  "HTTP/1.0 503 \r\nRetry-After: 5\r\n\r\n" + "x".repeat(50_000),
];
for (const answer of REFUSALS) {
  test(`an answer passes byte for byte: ${answer.slice(9, 12)}`, () => withBoth({}, async (kit, csms) => {
    const charger = await dialRaw(kit.port);
    charger.socket.write(CHARGER_REQUEST);
    const station = await csms.connections.next(() => true);
    await station.takeHead();
    station.socket.end(answer, "latin1");
    assert.is(await charger.rest(), answer);
    assert.equal(kit.events.all, []);
    assert.is(kit.forwarder.stats().connections.refused, 1);
  }));
}

test("a charger that asks again on a refused connection is dropped, and not passed on", () =>
  withBoth({}, async (kit, csms) => {
    const charger = await dialRaw(kit.port);
    charger.socket.write(CHARGER_REQUEST);
    const station = await csms.connections.next(() => true);
    await station.takeHead();
    station.socket.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    await charger.takeHead();
    charger.socket.write(CHARGER_REQUEST);
    assert.is(await charger.rest(), "");
    assert.is(await station.rest(), "");
  }));

test("a refusal whose body stands still is over after a while, though the CSMS keeps it open", () =>
  withBoth({ limits: { bodyIdleMs: 20 } }, async (kit, csms) => {
    const charger = await dialRaw(kit.port);
    charger.socket.write(CHARGER_REQUEST);
    const station = await csms.connections.next(() => true);
    await station.takeHead();
    const half = "HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nhalf";
    station.socket.write(half);
    assert.is(await charger.rest(), half);
    await station.rest();
  }));

const WRONG_REQUESTS: readonly { name: string; sends: string; status: string; limits?: KitOptions["limits"] }[] = [
  { name: "a page request", sends: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", status: "426 Upgrade Required" },
  { name: "no HTTP", sends: "hello\r\n\r\n", status: "400 Bad Request" },
  { name: "a chunked body", status: "400 Bad Request",
    sends: CHARGER_REQUEST.replace("\r\n\r\n", "\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n") },
  { name: "a body of five bytes", status: "400 Bad Request",
    sends: CHARGER_REQUEST.replace("\r\n\r\n", "\r\nContent-Length: 0\r\ncontent-length: 5\r\n\r\nhello") },
  { name: "an endless head", sends: `GET / HTTP/1.1\r\nA: ${"a".repeat(20_000)}`, status: "431 " },
  { name: "a slow sender", sends: "GET / HT", status: "408 Request Timeout", limits: { headersTimeoutMs: 20 } },
];
for (const { name, sends, status, limits = {} } of WRONG_REQUESTS) {
  test(`answered without the CSMS: ${name}`, () => withBoth({ limits }, async (kit, csms) => {
    const charger = await dialRaw(kit.port);
    charger.socket.write(sends);
    const answer = await charger.rest();
    assert.ok(answer.startsWith(`HTTP/1.1 ${status}`), answer);
    assert.is(csms.connections.all.length, 0);
  }));
}

test("a CSMS that says something else than HTTP, or hangs up, gives 502; one that never answers 504", async () => {
  for (const [reply, status] of [["SSH-2.0\r\n\r\n", "502"], ["", "502"], [undefined, "504"]] as const) {
    await withBoth({ limits: { answerTimeoutMs: reply === undefined ? 20 : 60_000 } }, async (kit, csms) => {
      const charger = await dialRaw(kit.port);
      charger.socket.write(CHARGER_REQUEST);
      const station = await csms.connections.next(() => true);
      if (reply !== undefined) station.socket.end(reply);
      assert.match(await charger.rest(), new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(kit.notices.join(), /^csms: ws:.* took the connection and did not answer the charger's request \(/);
      await station.takeHead();
      assert.is(await station.rest(), "", "the connection to it is ended");
    });
  }
});

test("CSMS away: 502 at once, one notice however often, and another when it is back", async () => {
  const gone = await rawCsms();
  gone.close();
  await withForwarder(gone.address, {}, async (kit) => {
    for (let i = 0; i < 3; i++) {
      const charger = await dialRaw(kit.port);
      charger.socket.write(CHARGER_REQUEST);
      assert.match(await charger.rest(), /^HTTP\/1.1 502 Bad Gateway\r\n.*the CSMS cannot be reached\n$/s);
    }
    assert.is(kit.notices.length, 1);
    assert.match(kit.notices[0] ?? "", /^csms: ws:\/\/127\.0\.0\.1:\d+ cannot be reached \(.*ECONNREFUSED.*\)/);
    const back = createTcpServer((socket) => socket.end("HTTP/1.1 401 No\r\n\r\n"));
    back.listen(gone.address.port, "127.0.0.1");
    await once(back, "listening");
    const charger = await dialRaw(kit.port);
    charger.socket.write(CHARGER_REQUEST);
    assert.match(await charger.rest(), /^HTTP\/1.1 401/);
    assert.match(kit.notices[1] ?? "", /answers again$/);
    back.close();
  });
});

test("a CSMS that takes the connection and no more is given up after the dial time-out", () =>
  withBoth({ limits: { dialTimeoutMs: 20 } }, async (_, csms) => {
    await withForwarder({ ...csms.address, secure: true }, { limits: { dialTimeoutMs: 20 } }, async (kit) => {
      const charger = await dialRaw(kit.port);
      charger.socket.write(CHARGER_REQUEST);
      assert.match(await charger.rest(), /^HTTP\/1.1 502/);
      assert.match(kit.notices[0] ?? "", /no connection within 0.02 s/);
    });
  }));

test("a charger that leaves while the CSMS is dialled takes that connection with it", () =>
  withBoth({}, async (kit, csms) => {
    const charger = await dialRaw(kit.port);
    charger.socket.write(CHARGER_REQUEST);
    const station = await csms.connections.next(() => true);
    await station.takeHead();
    charger.socket.resetAndDestroy();
    assert.is(await station.rest(), "");
  }));

test("of too many that send no request the oldest makes room; those who wait for the CSMS stay", () =>
  withBoth({ limits: { preUpgrade: 2 } }, async (kit, csms) => {
    const first = await dialRaw(kit.port);
    await dialRaw(kit.port);
    const third = await dialRaw(kit.port);
    assert.is(await first.rest(), "", "dropped without an answer");
    third.socket.write(CHARGER_REQUEST);
    await csms.connections.next(() => true);
    const fourth = await dialRaw(kit.port);
    fourth.socket.write(CHARGER_REQUEST);
    await csms.connections.next((one) => csms.connections.all.indexOf(one) === 1);
    const fifth = await dialRaw(kit.port);
    assert.match(await fifth.rest(), /^HTTP\/1.1 503/);
  }));

test("either side's end passes to the other, after the last byte, and the link ends with the close code", () =>
  withBoth({}, async (kit, csms) => {
    const close = encodeFrame({ opcode: 8, payload: Uint8Array.of(0x0f, 0xa1, 111, 107) });
    for (const side of ["charger", "station"] as const) {
      const pair = await upgradedPair(kit, csms);
      const other = side === "charger" ? pair.station : pair.charger;
      pair[side].socket.end(close);
      assert.equal(await other.take(close.length), Buffer.from(close));
      assert.is(await other.rest(), "");
      // Half-closed: what the other side still has to say comes through.
      other.socket.end(text("last"));
      assert.equal(await pair[side].take(text("last").length), Buffer.from(text("last")));
      assert.is(await pair[side].rest(), "");
      await kit.events.next((event) => event.kind === "link" && event.state === "disconnect");
      assert.equal(kit.events.all.at(-1), { kind: "link", state: "disconnect", closeCode: 4001 });
      kit.events.all.length = 0;
    }
    assert.is(kit.forwarder.stats().connections.now, 0);
    assert.is(kit.forwarder.stats().connections.total, 2);
  }));

test("a reset of either side drops the other", () => withBoth({}, async (kit, csms) => {
  for (const side of ["charger", "station"] as const) {
    const pair = await upgradedPair(kit, csms);
    const other = side === "charger" ? pair.station : pair.charger;
    pair[side].socket.resetAndDestroy();
    assert.is(await other.rest(), "");
    other.socket.destroy();
    await kit.events.next((event) => event.kind === "link" && event.state === "disconnect");
    assert.equal(kit.events.all.at(-1), { kind: "link", state: "disconnect", closeCode: 1006 });
    kit.events.all.length = 0;
  }
}));

test("a side that does not follow the other's end is dropped after the linger time", () =>
  withBoth({ limits: { lingerMs: 20 } }, async (kit, csms) => {
    const { charger, station } = await upgradedPair(kit, csms);
    charger.socket.end();
    await kit.events.next((event) => event.kind === "link" && event.state === "disconnect");
    await station.rest();
  }));

test("back-pressure: a side that does not read holds the other back, and the agent keeps little", () =>
  withBoth({}, async (kit, csms) => {
    const { charger, station } = await upgradedPair(kit, csms);
    station.socket.removeAllListeners("data").pause();
    const collect = collector();
    collect();
    const before = process.memoryUsage().arrayBuffers;
    const piece = Buffer.from(encodeFrame({ opcode: 2, mask: MASK, payload: new Uint8Array(65_000) }));
    const pieces = 2_000; // 130 MB, more than the kernel's buffers of four sockets take
    for (let i = 0; i < pieces; i++) charger.socket.write(piece);
    for (let still = 0, left = 0; still < 200; still++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (charger.socket.writableLength !== left) still = 0;
      left = charger.socket.writableLength;
    }
    assert.ok(charger.socket.writableLength > 0, "the charger is held back");
    const { bufferedBytes } = kit.forwarder.stats();
    assert.ok(bufferedBytes > 0 && bufferedBytes < 300_000, `${bufferedBytes} bytes held`);
    const grown = (): number => process.memoryUsage().arrayBuffers - before;
    // V8 frees the memory of collected buffers a little later, in another thread.
    for (let i = 0; i < 1_000 && grown() > 1_000_000; i++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(grown() <= 1_000_000, `the process has grown by ${grown()} bytes`);
    let arrived = 0;
    station.socket.on("data", (chunk: Buffer) => {
      arrived += chunk.length;
    }).resume();
    charger.socket.end();
    await once(station.socket, "end");
    assert.is(arrived, pieces * piece.length, "and nothing is lost");
  }));

test("a side that takes nothing for the stall time is dropped", () =>
  withBoth({ limits: { stallMs: 50 } }, async (kit, csms) => {
    const { charger, station } = await upgradedPair(kit, csms);
    station.socket.pause();
    const piece = Buffer.alloc(1 << 20);
    // However much the kernel's buffers take (32 MB a socket here, 6 elsewhere).
    const more = (): void => {
      while (charger.socket.writable && charger.socket.write(piece));
    };
    charger.socket.on("drain", more);
    more();
    await charger.rest();
    await kit.events.next((event) => event.kind === "link" && event.state === "disconnect");
  }));

test("a pipeline that throws touches nothing; after 20 failures in a row it is left alone, and that is said", () => {
  let calls = 0;
  const onEvent = (): void => {
    calls += 1;
    throw new Error("broken pipeline");
  };
  return withBoth({ onEvent }, async (kit, csms) => {
    const { charger, station } = await upgradedPair(kit, csms);
    for (let i = 0; i < 50; i++) {
      charger.socket.write(maskedText(`${i}`));
      const { length } = maskedText(`${i}`);
      assert.equal(await station.take(length), Buffer.from(maskedText(`${i}`)));
    }
    assert.is(calls, 20);
    assert.equal(kit.forwarder.stats().tap, { errors: 20, disabled: true });
    assert.match(kit.notices.join("\n"), /observing failed.*\n.*observing is off after 20 failures/);
  });
});

test("a parser that throws touches nothing: that connection is no longer read, and the next one is", () => {
  let armed = false;
  const monoMs = (): number => {
    if (!armed) return 0;
    armed = false;
    throw new Error("a defect");
  };
  return withBoth({ monoMs }, async (kit, csms) => {
    const { charger, station } = await upgradedPair(kit, csms);
    armed = true;
    for (const say of ["thrown at", "unread"]) {
      charger.socket.write(maskedText(say));
      assert.equal(await station.take(maskedText(say).length), Buffer.from(maskedText(say)));
    }
    station.socket.write(text("back"));
    assert.equal(await charger.take(text("back").length), Buffer.from(text("back")));
    const next = await upgradedPair(kit, csms);
    next.charger.socket.write(maskedText("read again"));
    await kit.events.next((event) => event.kind === "frame" && event.text === "read again");
    assert.equal([...kit.texts("cp-to-csms"), ...kit.texts("csms-to-cp")], ["read again"]);
    assert.equal(kit.forwarder.stats().tap, { errors: 1, disabled: false });
    assert.match(kit.notices.join(), "observing failed (Error: a defect); traffic is not affected");
  });
});

test("a notice that throws touches nothing", async () => {
  const gone = await rawCsms();
  gone.close();
  const forwarder = createForwarder({ listen: loopback(0), csms: gone.address }, () => undefined, () => {
    throw new Error("no terminal");
  });
  const { port } = await forwarder.start();
  const charger = await dialRaw(port);
  charger.socket.write(CHARGER_REQUEST);
  assert.match(await charger.rest(), /^HTTP\/1.1 502/);
  await forwarder.stop();
});

test("several connections of one station at a time are kept apart", () => withBoth({}, async (kit, csms) => {
  const old = await upgradedPair(kit, csms);
  const fresh = await upgradedPair(kit, csms);
  const half = maskedText("in two halves");
  old.charger.socket.write(half.subarray(0, 9));
  await old.station.take(9);
  fresh.charger.socket.write(maskedText("new"));
  await fresh.station.take(maskedText("new").length);
  old.charger.socket.write(half.subarray(9));
  await old.station.take(half.length - 9);
  assert.equal(kit.texts("cp-to-csms"), ["new", "in two halves"]);
  assert.is(kit.forwarder.stats().connections.now, 2);
}));

test("port in use: one line that names listen, the address and what to do", async () => {
  const taken = await rawCsms();
  const forwarder = createForwarder({ listen: taken.address, csms: taken.address }, () => undefined, () => undefined);
  try {
    await forwarder.start();
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, `listen: cannot listen on ws://127.0.0.1:${taken.address.port} (EADDRINUSE); ` +
      "another program has this port: end it, or choose another port");
  } finally {
    taken.close();
  }
});

test("an address that this machine does not have, and options that contradict one another, are told", async () => {
  const csms = loopback(1);
  const make = (listen: Partial<KitOptions>): unknown =>
    createForwarder({ listen: loopback(0), csms, ...listen }, () => undefined, () => undefined);
  assert.throws(() => make({ listen: loopback(0, { secure: true }) }), /^listen: found wss:.*without tls/);
  assert.throws(() => make({ tls: { cert: "", key: "" } }), /^listen: found ws:.*together with tls/);
  assert.throws(() => make({ listen: loopback(0, { secure: true }), tls: { cert: "x", key: "y" } }), /^tls: found/);
  assert.throws(() => make({ csms: loopback(1, { secure: true }), csmsTls: { cert: "x" } }), /^csmsTls: found/);
  const forwarder = createForwarder({ listen: loopback(0, { host: "192.0.2.1" }), csms }, () => undefined,
    () => undefined);
  await forwarder.start().then(() => assert.unreachable(), (error: Error) =>
    assert.match(error.message, /^listen: cannot listen on ws:\/\/192.0.2.1:0 \(EADDRNOTAVAIL\); /));
});
