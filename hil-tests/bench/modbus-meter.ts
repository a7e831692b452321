/**
 * A simulated meter behind Modbus TCP, for benches and tests: the registers of an SDM630 or of a SunSpec 203 device,
 * settable quantities, and the ways in which real meters and gateways go wrong. It shares no code with the reader, so
 * that an error in one is not repeated in the other.
 */
import { createServer } from "node:net";
import type { Socket } from "node:net";

export interface MeterQuantities {
  powerW: number;
  energyImportWh: number;
  energyExportWh: number;
  currentA: number;
  voltageV: number;
}

export type MeterFault =
  | "none"
  /** Accepts, reads, says nothing. */
  | "silent"
  /** Answers with an exception of this code. */
  | { readonly exception: number }
  /** Answers with the id of the request before, as a late answer does; with any other where there was none. */
  | "wrong-transaction"
  | "wrong-unit"
  /** Answers whole, after this long. */
  | { readonly slowMs: number }
  /** Sends the first half of the answer and then nothing. */
  | "half-frame"
  /** Sends the answer byte by byte: a slow link, no error. */
  | "byte-by-byte"
  /** Sends the answer twice in one write. */
  | "twice"
  /** Gives an MBAP length of 65535. */
  | "huge-length"
  /** Sends these bytes in place of an answer. */
  | { readonly garbage: Uint8Array }
  /** Closes the connection in place of an answer. */
  | "hang-up";

export interface SimulatedMeter {
  readonly port: number;
  /** `127.0.0.1:port`, as `meters[].address` takes it. */
  readonly address: string;
  /** Changes what the registers say from the next request on. */
  set(quantities: Partial<MeterQuantities>): void;
  /** Fixes these words from `address` on, whatever the quantities are. */
  poke(address: number, words: readonly number[]): void;
  setFault(fault: MeterFault): void;
  /** Requests since the start, answered or not. */
  requests(): number;
  connections(): number;
  /** Settles when the meter has seen the next request. */
  nextRequest(): Promise<void>;
  /** Closes the connections that are open, as a meter does with idle ones; settles when they are gone. */
  hangUp(): Promise<void>;
  /** Sends bytes that nobody asked for to every connection; settles when the other side has closed them all. */
  blurt(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface SimulatedMeterOptions {
  readonly model: "sdm630" | "sunspec203";
  readonly unit?: number;
  /** Absent: 127.0.0.1. */
  readonly host?: string;
  /** 0, or absent: any free port. */
  readonly port?: number;
  readonly quantities?: Partial<MeterQuantities>;
  /** Where the SunSpec map begins; 40000 when absent. */
  readonly sunspecBase?: number;
}

/** Words by address. */
type Image = Map<number, number>;

interface Request {
  readonly transactionId: number;
  readonly unit: number;
  readonly functionCode: number;
  readonly address: number;
  readonly count: number;
}

function put(image: Image, address: number, words: readonly number[]): void {
  words.forEach((word, i) => image.set(address + i, word & 0xffff));
}

function float32(value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
}

function uint32(value: number): number[] {
  return [Math.floor(value / 0x10000), Math.floor(value) % 0x10000];
}

/** Input registers 30001 to 30400 of an SDM630; those without a quantity read as 0. */
function sdm630Image(q: MeterQuantities): Image {
  const image: Image = new Map(Array.from({ length: 400 }, (_, address) => [address, 0]));
  put(image, 42, float32(q.voltageV));
  put(image, 48, float32(q.currentA));
  put(image, 52, float32(q.powerW));
  put(image, 72, float32(q.energyImportWh / 1000));
  put(image, 74, float32(q.energyExportWh / 1000));
  return image;
}

/** The common model, a wye-connected three-phase meter, and the end mark. */
function sunspec203Image(q: MeterQuantities, base: number): Image {
  const image: Image = new Map();
  put(image, base, [0x5375, 0x6e53, 1, 66, ...Array<number>(66).fill(0)]);
  const meter = base + 70;
  put(image, meter, [203, 105, ...Array<number>(105).fill(0)]);
  // int16 holds 32 kW at a scale of 1 W; larger chargers need a coarser one.
  const powerScale = Math.abs(q.powerW) < 3_000 ? -1 : Math.abs(q.powerW) < 32_000 ? 0 : 2;
  put(image, meter + 2, [Math.round(q.currentA * 10)]);
  put(image, meter + 6, [-1, Math.round(q.voltageV * 10)]);
  put(image, meter + 11, [Math.round(q.voltageV * 10 * Math.sqrt(3))]);
  put(image, meter + 15, [-1]);
  put(image, meter + 18, [Math.round(q.powerW / 10 ** powerScale)]);
  put(image, meter + 22, [powerScale]);
  put(image, meter + 38, uint32(q.energyExportWh));
  put(image, meter + 46, uint32(q.energyImportWh));
  put(image, meter + 54, [0]);
  put(image, meter + 107, [0xffff, 0]);
  return image;
}

const BYTES_OF_READ = 12;

function parseRequest(bytes: Buffer): Request {
  const [transactionId, address, count] = [bytes.readUInt16BE(0), bytes.readUInt16BE(8), bytes.readUInt16BE(10)];
  return { transactionId, unit: bytes.readUInt8(6), functionCode: bytes.readUInt8(7), address, count };
}

function frame(request: Request, pdu: Buffer): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt16BE(request.transactionId, 0);
  header.writeUInt16BE(pdu.length + 1, 4);
  header.writeUInt8(request.unit, 6);
  return Buffer.concat([header, pdu]);
}

function exception(request: Request, code: number): Buffer {
  return frame(request, Buffer.from([request.functionCode | 0x80, code]));
}

class Meter {
  readonly sockets = new Set<Socket>();
  readonly options: SimulatedMeterOptions;
  readonly quantities: MeterQuantities;
  readonly poked: Image = new Map();
  fault: MeterFault = "none";
  requests = 0;
  connections = 0;
  watchers: (() => void)[] = [];

  constructor(options: SimulatedMeterOptions) {
    this.options = options;
    const idle = { powerW: 0, energyImportWh: 0, energyExportWh: 0, currentA: 0, voltageV: 230 };
    this.quantities = { ...idle, ...options.quantities };
  }

  accept(socket: Socket): void {
    this.connections += 1;
    this.sockets.add(socket);
    socket.setNoDelay(true);
    let pending = Buffer.alloc(0);
    let previousId: number | undefined;
    socket.on("data", (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      for (; pending.length >= BYTES_OF_READ; pending = pending.subarray(BYTES_OF_READ)) {
        const request = parseRequest(pending);
        this.serve(socket, request, previousId ?? request.transactionId ^ 0x0101);
        previousId = request.transactionId;
      }
    });
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => this.sockets.delete(socket));
  }

  serve(socket: Socket, request: Request, wrongId: number): void {
    this.requests += 1;
    const answer = this.answer(request);
    if (this.fault === "wrong-transaction") answer.writeUInt16BE(wrongId, 0);
    this.misbehave(socket, request, answer);
    for (const seen of this.watchers.splice(0)) seen();
  }

  answer(request: Request): Buffer {
    const sdm = this.options.model === "sdm630";
    if (request.unit !== (this.options.unit ?? 1)) return exception(request, 11);
    if (request.functionCode !== (sdm ? 4 : 3)) return exception(request, 1);
    if (request.count < 1 || request.count > (sdm ? 80 : 125)) return exception(request, 3);
    const base = this.options.sunspecBase ?? 40_000;
    const image = sdm ? sdm630Image(this.quantities) : sunspec203Image(this.quantities, base);
    for (const [address, word] of this.poked) image.set(address, word);
    const pdu = Buffer.alloc(2 + 2 * request.count);
    pdu.writeUInt8(request.functionCode, 0);
    pdu.writeUInt8(2 * request.count, 1);
    for (let i = 0; i < request.count; i += 1) {
      const word = image.get(request.address + i);
      if (word === undefined) return exception(request, 2);
      pdu.writeUInt16BE(word, 2 + 2 * i);
    }
    return frame(request, pdu);
  }

  misbehave(socket: Socket, request: Request, answer: Buffer): void {
    const { fault } = this;
    if (fault === "silent") return;
    if (fault === "hang-up") socket.end();
    else if (fault === "wrong-unit") answer.writeUInt8(request.unit ^ 0x80, 6);
    else if (fault === "huge-length") answer.writeUInt16BE(0xffff, 4);
    if (typeof fault === "object" && "exception" in fault) socket.write(exception(request, fault.exception));
    else if (typeof fault === "object" && "garbage" in fault) socket.write(fault.garbage);
    else if (typeof fault === "object") setTimeout(() => socket.write(answer), fault.slowMs).unref();
    else if (fault === "half-frame") socket.write(answer.subarray(0, answer.length >> 1));
    else if (fault === "byte-by-byte") for (const byte of answer) socket.write(Buffer.from([byte]));
    else if (fault === "twice") socket.write(Buffer.concat([answer, answer]));
    else if (fault !== "hang-up") socket.write(answer);
  }

  /** Does this to each connection; settles when they are gone. */
  async untilGone(act: (socket: Socket) => void): Promise<void> {
    const gone = [...this.sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    this.sockets.forEach(act);
    await Promise.all(gone);
  }

  hangUp(): Promise<void> {
    return this.untilGone((socket) => socket.destroy());
  }
}

/** Listens; rejects when the port is taken. */
export async function startModbusMeter(options: SimulatedMeterOptions): Promise<SimulatedMeter> {
  const meter = new Meter(options);
  const { host = "127.0.0.1" } = options;
  const server = createServer((socket) => meter.accept(socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    port,
    address: `${host}:${port}`,
    set: (quantities) => void Object.assign(meter.quantities, quantities),
    poke: (address, words) => put(meter.poked, address, words),
    setFault: (fault) => void (meter.fault = fault),
    requests: () => meter.requests,
    connections: () => meter.connections,
    nextRequest: () => new Promise((resolve) => void meter.watchers.push(resolve)),
    hangUp: () => meter.hangUp(),
    blurt: (bytes) => meter.untilGone((socket) => void socket.write(bytes)),
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      await meter.hangUp();
      await closed;
    },
  };
}
