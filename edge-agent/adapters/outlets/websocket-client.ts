/** The least of a WebSocket client (RFC 6455): text both ways, no extensions, small messages. */
import { createHash, randomBytes } from "node:crypto";
import { request as requestPlain } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import { request as requestSecure } from "node:https";
import type { Socket } from "node:net";
import { FrameReader } from "../../observe/websocket.ts";

export interface Dial {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly subprotocol: string;
  /** Name and password of HTTP's basic authentication. */
  readonly login?: readonly [string, string];
  /** Authorities, PEM text; absent: Node's own. */
  readonly ca?: string | Buffer;
}

export interface TextSocket {
  send(text: string): void;
  /** Called with each text; one listener at a time. */
  onText: (text: string) => void;
  /** Called once when it is over, whoever ended it. */
  onClose: () => void;
  close(): void;
  readonly isOver: boolean;
}

/** A CSMS says little to an identity that only tells events. */
const MOST_BYTES = 64 * 1024;
/** RFC 6455, 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const [TEXT, CLOSE, PONG] = [0x1, 0x8, 0xa];

/** RFC 6455, 5.2 and 5.3: one whole frame, masked. */
function frame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.of(0x80 | opcode, 0x80 | length)
    : length < 65_536 ? Buffer.of(0x80 | opcode, 0xfe, length >> 8, length & 0xff)
      : Buffer.concat([Buffer.of(0x80 | opcode, 0xff, 0, 0, 0, 0), uint32(length)]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ mask[index % 4]!)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function problemWith({ headers }: IncomingMessage, key: string, subprotocol: string): string | undefined {
  const accept = createHash("sha1").update(key + GUID).digest("base64");
  if (headers["sec-websocket-accept"] !== accept) return "no answer of RFC 6455";
  if (headers["sec-websocket-protocol"] !== subprotocol) return `not the subprotocol ${subprotocol}`;
  if (headers["sec-websocket-extensions"] !== undefined) return "an extension that nobody asked for";
  return undefined;
}

/** Rejects with an Error of one line. */
export function openWebSocket(dial: Dial, signal: AbortSignal): Promise<TextSocket> {
  const { secure, host, port, path, subprotocol, login, ca } = dial;
  return new Promise((resolve, reject) => {
    const key = randomBytes(16).toString("base64");
    const options: RequestOptions = {
      host, port, path, signal, agent: false, ...(login && { auth: login.join(":") }), headers: {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": subprotocol,
      },
    };
    const asked = secure ? requestSecure({ ...options, ...(ca !== undefined && { ca }), minVersion: "TLSv1.2" })
      : requestPlain(options);
    asked.once("response", (response) => {
      response.destroy();
      reject(new Error(`HTTP ${response.statusCode ?? 0}`));
    });
    asked.once("upgrade", (response, socket, head) => {
      const problem = problemWith(response, key, subprotocol);
      if (problem === undefined) return resolve(textSocket(socket as Socket, head, signal));
      socket.destroy();
      return reject(new Error(problem));
    });
    asked.once("error", reject);
    asked.end();
  });
}

function textSocket(socket: Socket, head: Buffer, signal: AbortSignal): TextSocket {
  const write = (opcode: number, payload: Uint8Array): void => {
    if (socket.writable) socket.write(frame(opcode, payload));
  };
  const one = {
    isOver: false, onText: (_text: string): void => undefined, onClose: (): void => undefined,
    send: (text: string) => write(TEXT, Buffer.from(text, "utf8")),
    close: () => {
      write(CLOSE, Buffer.of(0x03, 0xe8)); // 1000: all is done
      socket.end();
    },
  };
  const reader = new FrameReader({ deflate: false, maxMessageBytes: MOST_BYTES, maxCompressedBytes: 0 });
  const take = (bytes: Buffer): void => reader.push(bytes, (event) => {
    if (event.kind !== "message") return void socket.destroy();
    if (event.opcode === "text") return one.onText(Buffer.from(event.payload).toString("utf8"));
    if (event.opcode === "ping") return write(PONG, Buffer.from(event.payload));
    return event.opcode === "close" ? one.close() : undefined;
  });
  const abandon = (): void => void socket.destroy();
  signal.addEventListener("abort", abandon, { once: true });
  socket.on("error", abandon);
  socket.on("data", take);
  socket.once("close", () => {
    signal.removeEventListener("abort", abandon);
    one.isOver = true;
    one.onClose();
  });
  if (head.length > 0) setImmediate(take, head);
  return one;
}
