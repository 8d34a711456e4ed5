/** Inserts batch after batch until it is killed. Arguments: directory, number of the first batch. */
import { openAnalytics } from './open.ts';
import { AnalyticsStoreError } from './port.ts';
import { batch } from './reference.case.ts';

export type ChildNews = { started: number } | { done: number } | { failed: string; message: string };

const [directory = '', first = '0'] = process.argv.slice(2);
const tell = (news: ChildNews) => process.send?.(news);

try {
  const store = await openAnalytics(`chdb://${directory}`, { rawDays: 36_500 });
  for (let n = Number(first); ; n++) {
    tell({ started: n });
    await store.insert(batch(n));
    tell({ done: n });
  }
} catch (error) {
  tell({ failed: error instanceof AnalyticsStoreError ? error.code : 'error', message: String(error) });
  process.exitCode = 1;
}
