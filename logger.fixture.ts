/** A logger whose lines a test reads. */
import pino, { type Logger } from 'pino';

export type LogLine = Record<string, unknown> & { msg?: string };

const LEVELS = pino.levels.labels;

/** @param level the lowest that is kept. `lines` have the level by its name. */
export function recordingLogger(level = 'debug'): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const logger = pino(
    { level, base: null, timestamp: false },
    {
      write(text: string) {
        const { level: number, ...line } = JSON.parse(text);
        lines.push({ level: LEVELS[number], ...line });
      },
    },
  );
  return { logger, lines };
}
