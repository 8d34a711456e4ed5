/** What a process waits for, in words: what keeps it from its work, and what is missing though its work goes on. */
import type { Readiness } from '../query-api/app.ts';

/** Whoever asks waits for some seconds at most, and is to be told which one does not answer. */
const PATIENCE_MS = 2_500;

interface Engine {
  ping(): Promise<void>;
}

/** Something that tells by itself how it goes. */
type Tell = () => string[];

export interface ReadinessSources {
  /** Without one of these it is not ready. By name. */
  required: Record<string, Engine>;
  /** It does without, and something is missing. */
  optional: Record<string, Engine>;
  problems: Tell[];
  degraded: Tell[];
}

export async function readinessOf(sources: ReadinessSources): Promise<Readiness> {
  const [required, optional] = await Promise.all([whyAway(sources.required), whyAway(sources.optional)]);
  const problems = [...required, ...sources.problems.flatMap((tell) => tell())];
  const degraded = [...optional, ...sources.degraded.flatMap((tell) => tell())];
  return { ready: problems.length === 0, problems, degraded };
}

async function whyAway(engines: Record<string, Engine>): Promise<string[]> {
  const asked = Object.entries(engines).map(async ([name, engine]) => {
    try {
      await answered(engine.ping());
      return [];
    } catch (error) {
      return [`${name}: ${error instanceof Error ? error.message : error}`];
    }
  });
  return (await Promise.all(asked)).flat();
}

async function answered(ping: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<never>((_resolve, reject) => {
    const error = new Error(`has not answered for ${PATIENCE_MS} ms`);
    timer = setTimeout(() => reject(error), PATIENCE_MS);
  });
  try {
    await Promise.race([ping, impatience]);
  } finally {
    clearTimeout(timer);
  }
}
