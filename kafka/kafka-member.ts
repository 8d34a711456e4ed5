/** One member of a consumer group: joins, is told its partitions, says that it lives, commits, leaves. */
import kafkajs from 'kafkajs';
import { coordinatorOf, type KafkaBroker, type KafkaConnection } from './kafka-cluster.ts';
import { protocolError, within } from './kafka-errors.ts';

/** Without a sign of life for so long, the group gives the partitions to others. */
export const SESSION_TIMEOUT_MS = 10_000;
/** How long the group waits for members to join again before it goes on without them. */
const REBALANCE_TIMEOUT_MS = 15_000;
const CALL_TIMEOUT_MS = 5_000;

export interface Generation {
  id: number;
  /** As which member of it: one that was forgotten joins as another. */
  memberId: string;
  partitions: number[];
}

export class GroupMember {
  readonly #connection: KafkaConnection;
  readonly #groupId: string;
  readonly #topic: string;
  #memberId = '';
  #generationId = -1;
  #coordinator: Promise<KafkaBroker> | undefined;

  constructor(connection: KafkaConnection, groupId: string, topic: string) {
    this.#connection = connection;
    this.#groupId = groupId;
    this.#topic = topic;
  }

  /** Resolves when all members have joined, with what this one is to read. */
  async join(): Promise<Generation> {
    const { cluster, assigner } = this.#connection;
    const topics = [this.#topic];
    const groupId = this.#groupId;
    await within(CALL_TIMEOUT_MS, 'connecting', cluster.connect());
    await within(CALL_TIMEOUT_MS, 'looking for the leaders', cluster.addMultipleTargetTopics(topics));
    const joined = await this.#call('joining', REBALANCE_TIMEOUT_MS + CALL_TIMEOUT_MS, (coordinator) =>
      coordinator.joinGroup({
        groupId,
        sessionTimeout: SESSION_TIMEOUT_MS,
        rebalanceTimeout: REBALANCE_TIMEOUT_MS,
        memberId: this.#memberId,
        groupProtocols: [assigner.protocol({ topics })],
      }),
    );
    this.#memberId = joined.memberId;
    this.#generationId = joined.generationId;
    const leads = joined.leaderId === joined.memberId;
    const groupAssignment = leads ? await assigner.assign({ members: joined.members, topics }) : [];
    const { memberAssignment } = await this.#call(
      'waiting for the assignment',
      REBALANCE_TIMEOUT_MS + CALL_TIMEOUT_MS,
      (coordinator) => coordinator.syncGroup({ groupId, ...this.#identity(), groupAssignment }),
    );
    const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment);
    const partitions = [...(decoded?.assignment[this.#topic] ?? [])];
    return { id: joined.generationId, memberId: joined.memberId, partitions };
  }

  async heartbeat(timeoutMs: number): Promise<void> {
    const { memberId, generationId: groupGenerationId } = this.#identity();
    const request = { groupId: this.#groupId, memberId, groupGenerationId };
    const ms = Math.min(timeoutMs, CALL_TIMEOUT_MS);
    await this.#call('heartbeat', ms, (coordinator) => coordinator.heartbeat(request));
  }

  /** Refused when the group has gone on to another generation. */
  async commit(generation: Generation, partition: number, offset: number): Promise<void> {
    const request = {
      groupId: this.#groupId,
      memberId: generation.memberId,
      groupGenerationId: generation.id,
      topics: [{ topic: this.#topic, partitions: [{ partition, offset: String(offset) }] }],
    };
    await this.#call('commit', CALL_TIMEOUT_MS, (coordinator) => coordinator.offsetCommit(request));
  }

  /** By partition; those that the group has never committed are missing. */
  committed(partitions: number[]): Promise<Map<number, number>> {
    return this.#call('reading committed offsets', CALL_TIMEOUT_MS, (coordinator) =>
      committedOffsets(coordinator, this.#groupId, this.#topic, partitions),
    );
  }

  /** The group has forgotten this member, or thinks that it has. */
  forget(): void {
    this.#memberId = '';
  }

  async leave(): Promise<void> {
    if (this.#memberId === '') return;
    const request = { groupId: this.#groupId, memberId: this.#memberId };
    this.forget();
    await this.#call('leaving', CALL_TIMEOUT_MS, (coordinator) => coordinator.leaveGroup(request));
  }

  #identity(): { memberId: string; generationId: number } {
    return { memberId: this.#memberId, generationId: this.#generationId };
  }

  /** The coordinator is looked up again after every failure but those that it answers itself about the group. */
  async #call<T>(what: string, ms: number, call: (coordinator: KafkaBroker) => Promise<T>): Promise<T> {
    this.#coordinator ??= coordinatorOf(this.#connection.cluster, this.#groupId);
    try {
      return await within(ms, `group ${this.#groupId}: ${what}`, this.#coordinator.then(call));
    } catch (error) {
      if (!isGroupAnswer(error)) this.#coordinator = undefined;
      if (protocolError(error) === 'UNKNOWN_MEMBER_ID') this.forget();
      throw error;
    }
  }
}

/** By partition; those that the group has never committed are missing. */
export async function committedOffsets(
  coordinator: KafkaBroker,
  groupId: string,
  topic: string,
  partitions: number[],
): Promise<Map<number, number>> {
  const topics = [{ topic, partitions: partitions.map((partition) => ({ partition })) }];
  const { responses } = await coordinator.offsetFetch({ groupId, topics });
  const rows = responses.flatMap((response) => response.partitions);
  return new Map(
    rows.filter(({ offset }) => Number(offset) >= 0).map((row) => [row.partition, Number(row.offset)]),
  );
}

const GROUP_ANSWERS = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

export function isGroupAnswer(error: unknown): boolean {
  return GROUP_ANSWERS.has(protocolError(error) ?? '');
}
