/** Sends a file of history the way of every event: through the log, whether the rest of the system runs or not. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Event } from '../contract/event.ts';
import type { VisitorKeys } from '../contract/visitor-key.ts';
import { type EventLog, LogError } from '../kafka/port.ts';
import { framer as createFramer, type Framer } from './framer.ts';
import { type Format, formatOf, historyReader, type SkipReason } from './history.ts';
import { boundedLines, type Line } from './lines.ts';

const CHUNK_EVENTS = 2_000;
/** A line is a beacon or a request; a longer one is refused, and never in memory. */
const MAX_LINE_BYTES = 64 * 1024;
const REPORTED_LINES = 20;
const FULL_LOG_PAUSE_MS = 1_000;
const FULL_LOG_TRIES = 600;

export interface ImportOptions {
  file: string;
  format: Format | undefined;
  log: EventLog;
  keys: VisitorKeys;
  onProgress(bytesRead: number, bytes: number): void;
  now?: () => number;
}

export interface ImportReport {
  imported: number;
  skipped: Partial<Record<SkipReason, number>>;
  refused: number;
  /** The first refused lines, with what is wrong. */
  refusals: { line: number; reason: string }[];
  /** ISO instants of the earliest and the latest event. */
  from: string | undefined;
  to: string | undefined;
}

/** May be killed and run again: what was counted is not counted twice. */
export async function importFile(options: ImportOptions): Promise<ImportReport> {
  const { file, log, keys, onProgress, now = Date.now } = options;
  const { size } = await stat(file);
  const stream = createReadStream(file, { highWaterMark: 256 * 1024 });
  const framer = createFramer(log);
  const report: ImportReport = {
    imported: 0,
    skipped: {},
    refused: 0,
    refusals: [],
    from: undefined,
    to: undefined,
  };
  let earliest = Number.POSITIVE_INFINITY;
  let latest = Number.NEGATIVE_INFINITY;
  let read: Awaited<ReturnType<typeof historyReader>> | undefined;
  let chunk: Event[] = [];
  let lineNumber = 0;

  const refuse = (reason: string) => {
    report.refused += 1;
    if (report.refusals.length < REPORTED_LINES) report.refusals.push({ line: lineNumber, reason });
  };
  const send = async () => {
    await append(framer, chunk);
    report.imported += chunk.length;
    chunk = [];
    onProgress(stream.bytesRead, size);
  };

  const take = async (line: Line) => {
    lineNumber += 1;
    if (line === undefined) return refuse(`is longer than ${MAX_LINE_BYTES} bytes`);
    if (line.trim() === '') return;
    read ??= await historyReader(options.format ?? formatOf(line), keys, now);
    const result = read(line);
    if ('refused' in result) refuse(result.refused);
    else if ('skipped' in result) report.skipped[result.skipped] = (report.skipped[result.skipped] ?? 0) + 1;
    else {
      chunk.push(result.event);
      earliest = Math.min(earliest, result.event.ts ?? earliest);
      latest = Math.max(latest, result.event.ts ?? latest);
      if (chunk.length >= CHUNK_EVENTS) await send();
    }
  };
  for await (const lines of boundedLines(stream, MAX_LINE_BYTES)) for (const line of lines) await take(line);
  await send();
  if (report.imported > 0) {
    report.from = new Date(earliest).toISOString();
    report.to = new Date(latest).toISOString();
  }
  return report;
}

/** A full log empties as the pipeline counts; a chunk that came through twice has the same event ids. */
async function append(framer: Framer, events: Event[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await new Promise<void>((resolve, reject) => {
        framer.add(events, false, (error) => (error === undefined ? resolve() : reject(error)));
      });
      return;
    } catch (error) {
      if (!(error instanceof LogError && error.retryable) || attempt >= FULL_LOG_TRIES) throw error;
      await pause(FULL_LOG_PAUSE_MS);
    }
  }
}
