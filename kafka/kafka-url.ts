/** Reads `kafka://host:port,host:port?prefix=name`. */
import { EngineUrlError } from '../engine.ts';

const DEFAULT_PREFIX = 'footfall';
const DEFAULT_PORT = 9092;
const BROKER = /^([\w.-]+)(?::(\d{1,5}))?$/;
/** What Kafka takes as the name of a topic, with room for a suffix. */
const PREFIX = /^[\w.-]{1,200}$/;

export interface KafkaAddress {
  /** `host:port` of some brokers; the others are learnt from them. */
  brokers: string[];
  eventsTopic: string;
  deadLettersTopic: string;
  /** The name that a consumer group has on the brokers: several logs may share them. */
  groupId(group: string): string;
}

/** @throws EngineUrlError that does not repeat the URL, since somebody may have put a password there */
export function readKafkaUrl(url: string): KafkaAddress {
  // Not the URL class: it knows nothing of several hosts.
  const [, list = '', , query = ''] = /^kafka:\/\/([^/?#]*)\/?(\?([^#]*))?$/.exec(url) ?? [];
  const brokers = list.split(',').map((broker) => {
    const [, host, port = String(DEFAULT_PORT)] = BROKER.exec(broker.trim()) ?? [];
    if (host !== undefined && Number(port) > 0 && Number(port) < 65_536) return `${host}:${port}`;
    throw new EngineUrlError('event log: kafka://host:port,host:port is expected');
  });
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (name !== 'prefix')
      throw new EngineUrlError(`event log: kafka:// has no parameter ${name}, known: prefix`);
  }
  const prefix = parameters.get('prefix') ?? DEFAULT_PREFIX;
  if (!PREFIX.test(prefix)) {
    throw new EngineUrlError(
      'event log: the prefix of kafka:// may have letters, digits, dots, dashes and underscores',
    );
  }
  return {
    brokers,
    eventsTopic: `${prefix}-events`,
    deadLettersTopic: `${prefix}-dead-letters`,
    groupId: (group) => (prefix === DEFAULT_PREFIX ? group : `${prefix}.${group}`),
  };
}
