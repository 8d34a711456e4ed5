/** Visitors by administrative division, most first. */
import type { DivisionShare } from '../../contract/query.ts';
import { percent } from '../format.ts';
import { Bars } from './bars.tsx';

export interface DivisionBreakdownProps {
  data: readonly DivisionShare[];
}

export function DivisionBreakdown({ data }: DivisionBreakdownProps) {
  return (
    <Bars
      label="Visitors by division"
      bars={data.map((division) => ({
        key: division.division_id,
        name: (
          <>
            {division.division_name}{' '}
            {division.division_type !== 'unknown' && <small>{division.division_type}</small>}
          </>
        ),
        value: division.count,
        share: percent(division.percentage),
      }))}
    />
  );
}
