/** The collector: one process, or several that share its port. */
import { stop as stopCompiler } from 'esbuild';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { reportBacklog } from '../ingest/backlog-report.ts';
import { bundleBeacon } from '../ingest/beacon/bundle.ts';
import { startCollector } from '../ingest/collector.ts';
import { openCollectorLog, openLiveStore } from './engines.ts';
import { ingestServices } from './ingest-services.ts';
import { createLogger } from './logger.ts';
import { ingestPlaces, requireFree } from './ports.ts';
import { readSecrets } from './secrets.ts';
import { type Running, runService } from './service.ts';
import { runTogether } from './supervisor.ts';
import { openVisitorKeys } from './visitor-keys.ts';

/** @param member which of the processes this is; none: all of them */
export async function runIngest(config: Config, member?: number): Promise<void> {
  if (config.ingestProcesses === 1 || member !== undefined) return runCollector(config, member);
  await requireFree(ingestPlaces(config));
  await runTogether(ingestServices(config));
}

function runCollector(config: Config, member: number | undefined): Promise<void> {
  const logger = createLogger(config, member === undefined ? 'ingest' : `ingest ${member}`);
  return runService(logger, async (opened): Promise<Running> => {
    const { fingerprintSecret } = readSecrets(config);
    const [visitorKeys, log, live, script] = await Promise.all([
      opened.add(openVisitorKeys(config, logger)),
      opened.add(openCollectorLog(config, logger)),
      opened.add(openLiveStore(config, logger)),
      bundleBeacon(config.respectDnt),
    ]);
    // It is a process of its own, and has nothing more to do.
    await stopCompiler();
    const metrics = new Registry();
    collectDefaultMetrics({ register: metrics });
    const collector = await startCollector({
      config,
      log,
      live,
      fingerprintSecret,
      visitorKeys,
      script,
      metrics,
      logger,
      ...(member === undefined ? {} : { member }),
    });
    const reports = reportBacklog({ log, live, port: collector.port, metrics, logger });
    opened.add({
      async close() {
        await collector.close();
        await reports.close();
      },
    });
    return { ports: { ingest: collector.port } };
  });
}
