/**
 * The id that brokers give a topic when they make it: one of the same name that was deleted and made again has another.
 *
 * kafkajs knows the metadata of brokers up to version 6, and ids come with later ones. So the request is written here, by the
 * protocol's guide (https://kafka.apache.org/protocol, Metadata, version 12), and goes by kafkajs' connections.
 */
import type { Cluster } from 'kafkajs';
import { brokerOf, leaderOf } from './kafka-cluster.ts';

const METADATA = 3;
const VERSION = 12;
const NODE_AND_PORT_BYTES = 4;
const ID_BYTES = 16;
const NO_ID = Buffer.alloc(ID_BYTES);

/**
 * As Kafka's own tools print it; undefined of brokers that have none (before Kafka 3). Asks the broker that leads partition 0, which knows of
 * the topic's end before others do.
 */
export async function topicId(cluster: Cluster, topic: string): Promise<string | undefined> {
  const broker = await brokerOf(cluster, leaderOf(cluster, topic, 0));
  if ((broker.versions?.[METADATA]?.maxVersion ?? 0) < VERSION) return undefined;
  const body = requestOf(topic);
  return await broker.connectionPool.send({
    request: {
      apiKey: METADATA,
      apiVersion: VERSION,
      apiName: 'Metadata',
      encode: async () => ({ buf: body, buffer: body }),
    },
    response: {
      decode: async (payload) => ({ id: idIn(payload, topic), clientSideThrottleTime: 0 }),
      parse: async ({ id }) => id,
    },
    logResponseError: false,
  });
}

function requestOf(topic: string): Buffer {
  const name = Buffer.from(topic);
  // A topic's name has 249 characters at most.
  const length = name.length + 1;
  const compactLength = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  const noTags = 0;
  const oneTopic = 2;
  const flags = { makeTopic: 0, operations: 0 };
  return Buffer.concat([
    Buffer.from([noTags, oneTopic]),
    NO_ID,
    Buffer.from(compactLength),
    name,
    Buffer.from([noTags, flags.makeTopic, flags.operations, noTags]),
  ]);
}

function idIn(payload: Buffer, topic: string): string | undefined {
  const fields = new Fields(payload);
  fields.skipTags();
  fields.skip(4); // throttle time
  for (let brokers = fields.length(); brokers > 0; brokers--) {
    fields.skip(NODE_AND_PORT_BYTES);
    fields.skip(fields.length()); // host
    fields.skip(NODE_AND_PORT_BYTES);
    fields.skip(fields.length()); // rack
    fields.skipTags();
  }
  fields.skip(fields.length()); // id of the cluster
  fields.skip(4); // controller
  if (fields.length() !== 1) throw new Error(`${topic}: a broker answered for other topics`);
  const error = fields.take(2).readInt16BE();
  if (error !== 0) throw new Error(`${topic}: a broker does not know its id, error ${error}`);
  fields.skip(fields.length()); // name
  const id = fields.take(ID_BYTES);
  return id.equals(NO_ID) ? undefined : id.toString('base64url');
}

/** Reads fields of the protocol's compact form. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(bytes: number): Buffer {
    const end = this.#at + bytes;
    if (end > this.#bytes.length) throw new RangeError('the answer of a broker ends early');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  skip(bytes: number): void {
    this.take(bytes);
  }

  /** Of a text or a list, which stands there plus one; 0 also where there is none. */
  length(): number {
    return Math.max(this.#unsigned() - 1, 0);
  }

  skipTags(): void {
    for (let tags = this.#unsigned(); tags > 0; tags--) {
      this.#unsigned();
      this.skip(this.#unsigned());
    }
  }

  #unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.take(1).readUInt8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
}
