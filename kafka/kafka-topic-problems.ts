/** What is wrong with a topic that somebody else has made or changed, each with the setting to change. */
import type { PartitionMetadata } from 'kafkajs';
import { LETTER_RETENTION_MS, MAX_FRAME_BYTES } from './port.ts';

/** Beside the frame: Kafka's record and batch headers, and gzip's growth where nothing can be compressed. */
const MESSAGE_OVERHEAD_BYTES = 1_024;
const UNLIMITED = -1;

interface TopicLook {
  topic: string;
  partitions: PartitionMetadata[];
  settings: Map<string, string>;
}

interface Known {
  brokers: number;
  wantedPartitions: number;
  wantedRetentionMs: number;
}

export function problemsOf(look: TopicLook, role: 'events' | 'dead letters', known: Known): string[] {
  const { topic, partitions, settings } = look;
  const copies = Math.min(...partitions.map(({ replicas }) => replicas.length));
  const number = (name: string) => Number(settings.get(name) ?? Number.NaN);
  const found: string[] = [];
  const problem = (message: string) => found.push(`${topic}: ${message}`);

  if (copies < 2 && known.brokers > 1) {
    problem(
      `replication factor 1 with ${known.brokers} brokers: the disk of one broker holds the only copy; reassign it to three (kafka-reassign-partitions)`,
    );
  }
  if (copies > 2 && number('min.insync.replicas') < 2) {
    problem(
      'min.insync.replicas=1 with 3 copies: a frame may be acknowledged that one broker alone has; set it to 2',
    );
  }
  if (number('min.insync.replicas') >= copies && copies > 1) {
    problem(
      `min.insync.replicas=${number('min.insync.replicas')} with ${copies} copies: no frame is taken while one broker is away; set it to ${copies - 1}`,
    );
  }
  if (settings.get('unclean.leader.election.enable') === 'true') {
    problem('unclean.leader.election.enable=true: acknowledged frames may be lost; set it to false');
  }
  if (number('max.message.bytes') < MAX_FRAME_BYTES + MESSAGE_OVERHEAD_BYTES) {
    const wanted = 2 * MAX_FRAME_BYTES;
    problem(
      `max.message.bytes=${number('max.message.bytes')}: large frames are refused; set it to ${wanted}`,
    );
  }
  found.push(...(role === 'events' ? eventProblems(look, known) : letterProblems(look)));
  return found;
}

function letterProblems({ topic, settings }: TopicLook): string[] {
  const found: string[] = [];
  const policy = settings.get('cleanup.policy') ?? '';
  const retentionMs = Number(settings.get('retention.ms') ?? UNLIMITED);
  const keeps = policy.includes('delete') ? retentionMs : UNLIMITED;
  if (!policy.includes('compact')) {
    found.push(
      `cleanup.policy=${policy}: a letter that replaces another leaves that one there; set it to compact,delete`,
    );
  }
  if (keeps === UNLIMITED) {
    found.push(
      `cleanup.policy=${policy}, retention.ms=${retentionMs}: dead letters, which may name people, are kept for good; set them to compact,delete and ${LETTER_RETENTION_MS}`,
    );
  } else if (keeps < LETTER_RETENTION_MS) {
    found.push(
      `retention.ms=${retentionMs}: dead letters are removed before anyone may have looked; set it to ${LETTER_RETENTION_MS}`,
    );
  }
  return found.map((message) => `${topic}: ${message}`);
}

function eventProblems({ topic, partitions, settings }: TopicLook, known: Known): string[] {
  const found: string[] = [];
  const policy = settings.get('cleanup.policy');
  const retentionMs = Number(settings.get('retention.ms') ?? UNLIMITED);
  const retentionBytes = Number(settings.get('retention.bytes') ?? UNLIMITED);
  if (partitions.length > known.wantedPartitions) {
    found.push(
      `${partitions.length} partitions, and PARTITIONS=${known.wantedPartitions}: all are read, and collectors write to the first ${known.wantedPartitions} alone; set PARTITIONS=${partitions.length}`,
    );
  }
  if (policy !== 'delete') {
    found.push(`cleanup.policy=${policy}: frames may be removed before they are counted; set it to delete`);
  }
  if (retentionMs !== UNLIMITED && retentionMs < known.wantedRetentionMs) {
    found.push(
      `retention.ms=${retentionMs}: frames are removed by then, counted or not; set it to ${known.wantedRetentionMs} or more`,
    );
  }
  if (retentionBytes !== UNLIMITED) {
    found.push(
      `retention.bytes=${retentionBytes}: a partition that grows beyond it loses frames, counted or not; set it to -1`,
    );
  }
  return found.map((message) => `${topic}: ${message}`);
}
