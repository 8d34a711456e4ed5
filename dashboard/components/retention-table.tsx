/** Of the visitors who were new in a week, how many came again in the weeks after. */
import { memo } from 'react';
import type { Retention } from '../../contract/query.ts';
import { count, percent, shortDay } from '../format.ts';
import { Panel } from './panel.tsx';
import type { PlacesProps } from './places.tsx';

const WEEKS = 8;

export const RetentionTable = memo(function RetentionTable({ range, everyMs, note }: PlacesProps) {
  return (
    <Panel
      title="Retention"
      help="Each row is the visitors who had never come before that week. A cell says how many of them came again so many weeks later. Weeks begin on Monday and are counted whole."
      query="retention"
      params={{ ...range, weeks: WEEKS }}
      everyMs={everyMs}
      note={note}
      className="ff-full"
      isEmpty={({ cohorts }) => !cohorts.some(({ new_visitors }) => new_visitors > 0)}
      whenEmpty="Nobody was new in these weeks."
    >
      {(retention) => <Cohorts {...retention} />}
    </Panel>
  );
});

function Cohorts({ weeks, cohorts }: Retention) {
  const most = Math.max(1, ...cohorts.flatMap(({ rates }) => rates));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="ff-scroll" aria-label="Retention, table" tabIndex={0}>
      <table className="ff-table ff-retention">
        <thead>
          <tr>
            <th scope="col">Week of</th>
            <th scope="col">New</th>
            {Array.from({ length: weeks }, (_, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: weeks are their number
              <th key={i} scope="col">
                +{i + 1}
                <span className="ff-sr"> weeks</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {cohorts.map(({ week, new_visitors, returned, rates }) => (
            <tr key={week}>
              <th scope="row">{shortDay(week)}</th>
              <td>{count(new_visitors)}</td>
              {Array.from({ length: weeks }, (_, i) => {
                const rate = rates[i];
                return (
                  <td
                    // biome-ignore lint/suspicious/noArrayIndexKey: weeks are their number
                    key={i}
                    style={rate === undefined ? undefined : { '--ff-heat': `${(100 * rate) / most}%` }}
                    title={rate === undefined ? undefined : `${count(returned[i] ?? 0)} visitors`}
                  >
                    {rate === undefined ? '' : percent(rate)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
