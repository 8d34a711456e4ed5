/** Where the visitors belong: divisions, kinds of division, countries. */
import { memo, useState } from 'react';
import { count } from '../format.ts';
import type { DayRange } from '../range.ts';
import { Bars } from './bars.tsx';
import { DivisionBreakdown } from './division-breakdown.tsx';
import { Panel } from './panel.tsx';
import { Segments } from './segments.tsx';

export interface PlacesProps {
  range: DayRange;
  everyMs: number | undefined;
  /** Said where the filters have chosen what these numbers do not know of. */
  note: string | undefined;
}

const LIMITS = [
  { value: '8', title: 'Top 8' },
  { value: '25', title: '25' },
  { value: '100', title: '100' },
] as const;

export const Divisions = memo(function Divisions({ range, everyMs, note }: PlacesProps) {
  const [limit, setLimit] = useState<(typeof LIMITS)[number]['value']>('8');
  return (
    <Panel
      title="Divisions"
      help="Different visitors by the division they belong to. Percentages are of all visitors whose division is known. A visitor who names two divisions counts in both."
      query="divisionBreakdown"
      params={{ ...range, limit: Number(limit) }}
      everyMs={everyMs}
      note={note}
      actions={<Segments label="How many" options={LIMITS} value={limit} onChange={setLimit} />}
      isEmpty={(divisions) => divisions.length === 0}
      whenEmpty="Of no visitor in these days the division is known."
    >
      {(divisions) => <DivisionBreakdown data={divisions} />}
    </Panel>
  );
});

export const Demographics = memo(function Demographics({ range, everyMs, note }: PlacesProps) {
  return (
    <Panel
      title="Demographics"
      help="Different visitors by the kind of division they belong to, and by country. The country comes from the address, which is not kept; where that says none, from the division."
      query="demographics"
      params={range}
      everyMs={everyMs}
      note={note}
      isEmpty={({ by_division_type, top_countries }) =>
        top_countries.length === 0 && Object.keys(by_division_type).length === 0
      }
      whenEmpty="Of no visitor in these days the division or the country is known."
    >
      {({ by_division_type, top_countries }) => (
        <div className="ff-columns">
          <div>
            <h3>Countries</h3>
            <Bars
              label="Visitors by country"
              bars={top_countries.map(({ name, count: value }) => ({ key: name, name, value }))}
            />
          </div>
          <div>
            <h3>Kinds of division</h3>
            <Bars
              label="Visitors by kind of division"
              bars={Object.entries(by_division_type)
                .sort(([, a], [, b]) => b - a)
                .map(([type, value]) => ({ key: type, name: type, value }))}
            />
          </div>
        </div>
      )}
    </Panel>
  );
});

interface CommunityProps extends Omit<PlacesProps, 'note'> {
  communityId: string;
}

/** Who comes to a community from its own division, and who from others. */
export const CommunityVisitors = memo(function CommunityVisitors({
  range,
  everyMs,
  communityId,
}: CommunityProps) {
  return (
    <Panel
      title="Own and other divisions"
      help="Visitors of the community by day: those who belong to its own division, and those who belong to another. Added up over the days, so who came on two days counts twice."
      query="community"
      params={{ ...range, id: communityId }}
      everyMs={everyMs}
      isEmpty={({ days }) =>
        !days.some((day) => day.same_division_visitors + day.cross_division_visitors > 0)
      }
    >
      {({ days }) => {
        const own = days.reduce((sum, day) => sum + day.same_division_visitors, 0);
        const others = days.reduce((sum, day) => sum + day.cross_division_visitors, 0);
        return (
          <>
            <Bars
              label="Visitors by division"
              bars={[
                { key: 'own', name: 'Own division', value: own },
                { key: 'others', name: 'Other divisions', value: others },
              ]}
            />
            <p className="ff-note">{count(own + others)} daily visitors with a known division.</p>
          </>
        );
      }}
    </Panel>
  );
});
