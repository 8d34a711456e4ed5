/** The most memory that this process has while something runs. */
export interface Memory {
  beforeMiB: number;
  peakMiB: number;
}

const EVERY_MS = 50;
const residentMiB = () => Math.round(process.memoryUsage.rss() / 1024 ** 2);

export async function withMemory<T>(work: () => Promise<T>): Promise<{ result: T; memory: Memory }> {
  const memory = { beforeMiB: residentMiB(), peakMiB: residentMiB() };
  const sampling = setInterval(() => {
    memory.peakMiB = Math.max(memory.peakMiB, residentMiB());
  }, EVERY_MS);
  try {
    return { result: await work(), memory };
  } finally {
    clearInterval(sampling);
  }
}
