/** Closes day after day, derives all of them again, and goes on until it is killed. Arguments: directory, days. */
import { openAnalytics } from './open.ts';

const [directory = '', first = '', ...days] = process.argv.slice(2);
const store = await openAnalytics(`chdb://${directory}`, { rawDays: 36_500 });
for (;;) {
  for (const lastDay of days) {
    process.send?.(lastDay);
    await store.updateIntervals({ lastDay, from: first });
  }
}
