/** What backups are for: installations all of which lies in `DATA_DIR`. */
import { type Config, ConfigError } from '../config.ts';

/** Half of an installation would not go on from where the other half is. */
export function requireEmbedded({ dataDir, logUrl, analyticsUrl, sessionsUrl }: Config): void {
  const elsewhere = [
    ...(logUrl === `lmdb://${dataDir}/log` ? [] : ['KAFKA_BROKERS']),
    ...(analyticsUrl === `chdb://${dataDir}/clickhouse` ? [] : ['CLICKHOUSE_URL']),
    ...(sessionsUrl === `embedded-postgres://${dataDir}/postgres` ? [] : ['DATABASE_URL']),
  ];
  if (elsewhere.length === 0) return;
  throw new ConfigError(
    `${elsewhere.join(', ')}: servers are copied with their own tools, while all pipelines are stopped: PostgreSQL by pg_dump or pg_basebackup, ` +
      'then ClickHouse by BACKUP; what comes after them Kafka has to keep, or a mirror with its offsets. docs/operations.md says how they ' +
      'fit together. `footfall backup` and `footfall restore` are for what is in DATA_DIR alone',
  );
}
