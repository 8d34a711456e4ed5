/** From what one core does and what an event weighs to machines. */

/** Per event, where nothing else is said. */
export interface Figures {
  requestBytes: number;
  lineBytes: number;
  zippedLineBytes: number;
  singlesACore: number;
  ofArraysACore: number;
  /** With the analytics engine in it. */
  pipelineMicroseconds: number;
  postgresMicroseconds: number;
  rawBytes: number;
  rangeBytesAVisitor: number;
  changesACoreOfRedis: number;
}

export interface Need {
  needs: string;
  because: string;
}

/** Of every core: the rest is for peaks, for one that is away, and for reading. */
const USED = 0.5;
/** What of the pipeline's time is its own, and not the engine's (threads of `end-to-end.json`): one core a process. */
const OWN_SHARE = 0.45;
const EVENTS_A_VISIT = 6;
const PARTITIONS_A_PIPELINE = 2;
const CORES_A_SHARD = 16;
const REPLICAS = 2;
const KAFKA_COPIES = 3;
const LOG_HOURS = 24;
const DAY = 86_400;
const [GB, BITS] = [1e9, 8];

export function planFor(rate: number, figures: Figures): Record<string, Need> {
  const { pipelineMicroseconds, postgresMicroseconds, zippedLineBytes } = figures;
  const collectors = up(rate / figures.singlesACore / USED);
  const ownMicroseconds = pipelineMicroseconds * OWN_SHARE;
  const pipelines = up((rate * ownMicroseconds) / 1e6 / USED);
  const partitions = 2 ** up(Math.log2(pipelines * PARTITIONS_A_PIPELINE));
  const engineCores = (rate * (pipelineMicroseconds - ownMicroseconds)) / 1e6 / USED;
  const shards = up(engineCores / CORES_A_SHARD);
  const postgresCores = up((rate * postgresMicroseconds) / 1e6 / USED);
  const redisCores = up((2 * rate) / EVENTS_A_VISIT / figures.changesACoreOfRedis / USED);
  const logBytes = rate * zippedLineBytes * LOG_HOURS * 3_600;
  const rawBytes = rate * figures.rawBytes * DAY;
  const coreMicroseconds = 1e6 / figures.singlesACore + pipelineMicroseconds + postgresMicroseconds;

  return {
    collectors: {
      needs: `${collectors} cores, ${up(rate / figures.ofArraysACore / USED)} where all come in arrays of 50`,
      because: `${figures.singlesACore} single beacons a second a core, half of it used; Kafka's gzip is not in that, so measure with yours`,
    },
    'network to collectors': {
      needs: `${round((rate * figures.requestBytes * BITS) / GB)} Gbit/s without TLS`,
      because: `${figures.requestBytes} bytes a request`,
    },
    log: {
      needs: `${partitions} partitions, ${round((rate * zippedLineBytes) / 1e6)} MB/s, ${round((logBytes * KAFKA_COPIES) / 1e12)} TB for ${LOG_HOURS} h on ${KAFKA_COPIES} brokers or more`,
      because: `${figures.lineBytes} bytes a line, ${zippedLineBytes} with gzip where titles repeat as here: plan with twice that; ${PARTITIONS_A_PIPELINE} partitions a pipeline, which is as far as pipelines can grow`,
    },
    pipelines: {
      needs: `${pipelines} processes of one core`,
      because: `${round(ownMicroseconds)} of ${round(pipelineMicroseconds)} microseconds an event are the pipeline's own`,
    },
    ClickHouse: {
      needs: `${shards} shards of ${CORES_A_SHARD} cores, twice for replicas; ${round((rawBytes * REPLICAS) / 1e12)} TB a day with ${REPLICAS} replicas while raw is kept`,
      because: `${round(pipelineMicroseconds - ownMicroseconds)} microseconds and ${figures.rawBytes} bytes an event; ranges stay when raw goes: ${round(figures.rangeBytesAVisitor)} bytes a visitor of a year`,
    },
    PostgreSQL: {
      needs: `${postgresCores} cores in one server`,
      because: `${round(postgresMicroseconds)} microseconds an event. It is the part that does not spread over machines, so it is where this plan ends first`,
    },
    Redis: {
      needs: `${redisCores} nodes of a cluster`,
      because: `${round(figures.changesACoreOfRedis)} joins and leaves a second a core, two a visit of ${EVENTS_A_VISIT} events`,
    },
    'a billion events': {
      needs: `${round((coreMicroseconds * 1e9) / 1e6 / 3_600 / USED)} core-hours, ${round((1e9 * figures.rawBytes * REPLICAS) / GB)} GB in ClickHouse, ${round((1e9 * figures.requestBytes) / GB)} GB received`,
      because: `${round(coreMicroseconds)} microseconds of processor an event in collector, pipeline and stores; multiply with what yours cost`,
    },
  };
}

/** In Markdown. */
export function tableOf(plan: Record<string, Need>): string {
  const rows = Object.entries(plan).map(
    ([part, { needs, because }]) => `| ${part} | ${needs} | ${because} |`,
  );
  return ['| part | needs | because |', '|---|---|---|', ...rows].join('\n');
}

const up = Math.ceil;
const round = (value: number) => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
