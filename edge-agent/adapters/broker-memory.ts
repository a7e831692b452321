/**
 * What aedes would keep: sessions, wills, retained messages, QoS 2. The rules allow none of it, so nothing is kept, and
 * nothing grows; what asks for it all the same is refused.
 */
import { Readable } from "node:stream";

const nothing = (): Readable => Readable.from([]);
const refused = (): Promise<never> => Promise.reject(new Error("this broker keeps nothing"));

export const NOTHING_KEPT = {
  async setup(): Promise<void> {}, // aedes wants a real async function
  cleanSubscriptions: async (client: unknown): Promise<unknown> => client,
  subscriptionsByTopic: async (): Promise<readonly never[]> => [],
  outgoingEnqueueCombi: async (): Promise<void> => undefined,
  cleanIncoming: async (): Promise<void> => undefined,
  delWill: async (): Promise<void> => undefined,
  outgoingStream: nothing,
  createRetainedStreamCombi: nothing,
  streamWill: nothing,
  subscriptionsByClient: refused,
  addSubscriptions: refused,
  removeSubscriptions: refused,
  putWill: refused,
  storeRetained: refused,
  outgoingEnqueue: refused,
  outgoingUpdate: refused,
  outgoingClearMessageId: refused,
  incomingStorePacket: refused,
  incomingGetPacket: refused,
  incomingDelPacket: refused,
};
