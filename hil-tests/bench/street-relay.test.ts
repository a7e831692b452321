import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { assert, test } from "../../build/testing.ts";
import { freePort } from "./street-ports.ts";
import { Relay } from "./street-relay.ts";

/** A server that sends everything back, with a relay in front. */
async function withRelay(use: (relay: Relay) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.pipe(socket).on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const relay = await Relay.open({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  try {
    await use(relay);
  } finally {
    await relay.cut();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function dial(relay: Relay): Promise<Socket> {
  const socket = connect(relay.port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket.on("error", () => {});
}

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));

async function echo(socket: Socket, text: string): Promise<string> {
  const answered = new Promise<string>((resolve) => socket.once("data", (bytes) => resolve(bytes.toString())));
  socket.write(text);
  return await answered;
}

test("passes bytes both ways and counts them", () => withRelay(async (relay) => {
  const socket = await dial(relay);
  assert.is(await echo(socket, "hello"), "hello");
  assert.is(relay.bytes, 10);
  assert.is(relay.connections, 1);
  const gone = closed(socket);
  socket.end();
  await gone;
}));

test("cut, it drops who is connected and takes nobody; mended, it takes them again", () => withRelay(async (relay) => {
  const socket = await dial(relay);
  await echo(socket, "x");
  const gone = closed(socket);
  await relay.cut();
  await gone;
  assert.is(relay.connections, 0);
  const refused = await dial(relay).then(() => "taken", (error: NodeJS.ErrnoException) => error.code);
  assert.is(refused, "ECONNREFUSED");
  await relay.mend();
  const again = await dial(relay);
  assert.is(await echo(again, "again"), "again");
  const left = closed(again);
  again.destroy();
  await left;
}));

test("delayed, bytes come later and in order, also while the delay changes", () => withRelay(async (relay) => {
  const socket = await dial(relay);
  await echo(socket, "x");
  relay.delayMs = 60;
  const begun = performance.now();
  let heard = "";
  const whole = new Promise<void>((resolve) => socket.on("data", (bytes) => {
    heard += bytes.toString();
    if (heard.length === 20) resolve();
  }));
  for (let i = 0; i < 20; i++) {
    socket.write(String.fromCharCode(97 + i));
    await new Promise((resolve) => setImmediate(resolve));
    relay.delayMs = i % 2 === 0 ? 0 : 60 - i;
  }
  await whole;
  assert.is(heard, "abcdefghijklmnopqrst");
  assert.ok(performance.now() - begun >= 59);
  socket.destroy();
}));

test("an address that is refused loses what it has and gets nothing", () => withRelay(async (relay) => {
  const socket = await dial(relay);
  await echo(socket, "x");
  const gone = closed(socket);
  relay.refuse(new Set(["127.0.0.1"]));
  await gone;
  await closed(await dial(relay));
  relay.refuse(new Set());
  const again = await dial(relay);
  assert.is(await echo(again, "again"), "again");
  again.destroy();
}));

test("a target that is away closes the near side and counts as no connection", async () => {
  const relay = await Relay.open({ host: "127.0.0.1", port: await freePort() });
  const socket = connect(relay.port, "127.0.0.1").on("error", () => {});
  await closed(socket);
  assert.is(relay.connections, 0);
  await relay.cut();
});

test("no port is given twice", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  assert.is(new Set(ports).size, 50);
  assert.ok(ports.every((port) => port >= 20_000 && port < 32_000));
});
