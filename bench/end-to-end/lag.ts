/** How far counting is behind the log: asked of the log and of the checkpoints, past the process that counts. */
import { openEventLog, openSessionStore } from '../../cli/engines.ts';
import { createLogger } from '../../cli/logger.ts';
import { readConfig } from '../../config.ts';
import { completeUntil } from '../../contract/ledger.ts';
import { PIPELINE_GROUP } from '../../kafka/port.ts';

interface Lag {
  /** Age of the latest event of the partition that is behind the most, of those that were counted: what came after waits. */
  seconds: number;
  frames: number;
}

export interface LagMeter {
  /** @param since nothing was received before: a partition of which nothing is counted is behind since then */
  read(since: number): Promise<Lag>;
  close(): Promise<void>;
}

export async function openLagMeter(environment: Record<string, string>): Promise<LagMeter> {
  const config = readConfig({ ...process.env, ...environment });
  const logger = createLogger(config, 'bench');
  const [sessions, log] = await Promise.all([openSessionStore(config, logger), openEventLog(config, logger)]);
  return {
    async read(since) {
      const lag = await log.lag(PIPELINE_GROUP);
      const progress = await sessions.progress();
      const now = Date.now();
      const behind = now - Math.max(since, completeUntil(lag, progress, now));
      return {
        seconds: behind / 1_000,
        frames: lag.reduce((sum, { committed, end }) => sum + end - committed, 0),
      };
    },
    async close() {
      await log.close();
      await sessions.close();
    },
  };
}
