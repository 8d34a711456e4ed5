/** A consumer for tests: starts where it is told, keeps what it gets, fails as often as asked. */
import type { Frame, LogBatch, LogConsumer, OffsetCommit } from './port.ts';

export class Recorder implements LogConsumer {
  readonly assignments: { partition: number; committed: number }[] = [];
  readonly batches: LogBatch[] = [];
  readonly revocations: number[] = [];
  readonly commits: OffsetCommit[] = [];
  /** Offered batches, also those that were rejected. */
  offered: LogBatch[] = [];
  /** Where to start, by partition; elsewhere at the committed offset. */
  startAt = new Map<number, number>();
  /** Batches to reject before the next is accepted. */
  rejections = 0;
  /** Assignments to reject before the next is accepted. */
  assignmentRejections = 0;
  /** Held until resolved. */
  gate: Promise<void> = Promise.resolve();

  async assigned(partition: number, committed: number): Promise<number> {
    this.assignments.push({ partition, committed });
    if (this.assignmentRejections > 0) {
      this.assignmentRejections -= 1;
      throw new Error('store is down');
    }
    return this.startAt.get(partition) ?? committed;
  }

  async batch(batch: LogBatch): Promise<void> {
    this.offered.push(batch);
    await this.gate;
    if (this.rejections > 0) {
      this.rejections -= 1;
      throw new Error('store is down');
    }
    this.batches.push(batch);
  }

  committed(commit: OffsetCommit): void {
    this.commits.push(commit);
  }

  revoked(partition: number): void {
    this.revocations.push(partition);
  }

  frames(partition: number): Frame[] {
    return this.batches.filter((batch) => batch.partition === partition).flatMap(({ frames }) => frames);
  }

  bodies(partition: number): string[] {
    return this.frames(partition).map(({ body }) => body.toString());
  }

  offsets(partition: number): number[] {
    return this.frames(partition).map(({ offset }) => offset);
  }
}
