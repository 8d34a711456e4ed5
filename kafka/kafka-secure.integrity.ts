/** A broker that speaks TLS alone, and to whoever says who they are. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuthority } from '../certificates.fixture.ts';
import { freePort } from '../free-port.fixture.ts';
import { describeWithStack } from '../stack.fixture.ts';
import { eventually } from './eventually.fixture.ts';
import { ownBrokers, START_MS } from './kafka-faults.fixture.ts';
import { openLog } from './open.ts';
import type { BrokerAccess } from './port.ts';

const PASSWORD = 'hunter2-of-the-tests';
const authority = createAuthority();
let port = 0;
let broker: ReturnType<typeof ownBrokers>;

describeWithStack('a broker that asks for TLS and for a password', 'STACK_KAFKA', () => {
  beforeAll(async () => {
    port = await freePort();
    const { cert, key } = authority.issue('127.0.0.1');
    const inLine = (pem: string) => pem.trim().replaceAll('\n', ' ');
    const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_footfall="${PASSWORD}";`;
    const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
    broker = ownBrokers('kafka', 'STACK_KAFKA', {
      KAFKA_LISTENER: `SASL_SSL://127.0.0.1:${port}`,
      KAFKA_SCRAM: `SCRAM-SHA-512=[name=footfall,password=${PASSWORD}]`,
      KAFKA_PROPERTIES: [
        'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
        'inter.broker.listener.name=PLAINTEXT',
        'sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN',
        `listener.name.sasl_ssl.plain.sasl.jaas.config=${plain}`,
        `listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${scram}`,
        'ssl.keystore.type=PEM',
        `ssl.keystore.certificate.chain=${inLine(cert)}`,
        `ssl.keystore.key=${inLine(key)}`,
      ].join('\n'),
    });
    await broker.up();
  }, START_MS);
  afterAll(() => broker.down());

  const open = (access: BrokerAccess, troubles: string[] = []) =>
    openLog(`kafka://127.0.0.1:${port}`, {
      ...{ partitions: 1, retentionMs: 1, retentionBytes: 1, maxBytes: 2, access },
      onTrouble: ({ message, cause }) => troubles.push(`${message} ${String(cause)}`),
    });
  const as = (password: string, mechanism: 'scram-sha-512' | 'plain' = 'scram-sha-512'): BrokerAccess => ({
    tls: true,
    ca: authority.pem,
    login: { mechanism, username: 'footfall', password },
  });

  it.each(['scram-sha-512', 'plain'] as const)('takes frames and gives them: %s', async (mechanism) => {
    const log = await open(as(PASSWORD, mechanism));
    const heard: string[] = [];
    const subscription = await log.subscribe(mechanism, {
      assigned: async (_partition, committed) => committed,
      revoked: () => {},
      batch: async ({ frames }) => {
        for (const { body } of frames) heard.push(String(body));
      },
    });
    await log.append(0, Buffer.from(mechanism));
    await eventually(() => expect(heard).toContain(mechanism));
    await log.ping();
    await subscription.close();
    await log.close();
  });

  it('refuses who gives another password, and nobody repeats it', async () => {
    const troubles: string[] = [];
    const wrong = 'another-password-of-the-tests';
    const error: unknown = await open(as(wrong), troubles).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(`${error} ${troubles}`).toMatch(/authentication/i);
    expect(`${error} ${troubles}`).not.toContain(wrong);
  });

  it('is not spoken to when its authority is unknown', async () => {
    await expect(open({ ...as(PASSWORD), ca: undefined })).rejects.toThrow('unknown authority');
  });
});
