/** Which days, which community, which division. */
import { memo, useEffect, useState } from 'react';
import { useAnalyticsQuery } from '../hooks/use-analytics-query.ts';
import { type DayRange, type Filters, isDay, PRESETS, type PresetName, rangeOf } from '../range.ts';
import { Segments } from './segments.tsx';

const MAX_PLACES = 1_000;
const PRESET_OPTIONS = PRESETS.map(({ name, title }) => ({ value: name, title }));

interface FilterBarProps {
  filters: Filters;
  today: string;
  onChange(change: Partial<Filters>): void;
}

export const FilterBar = memo(function FilterBar({ filters, today, onChange }: FilterBarProps) {
  const { choice, communityId, divisionId, compare } = filters;
  const communities = useAnalyticsQuery('communities', { limit: MAX_PLACES });
  const divisions = useAnalyticsQuery('divisions', { limit: MAX_PLACES });
  return (
    <form className="ff-filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <Segments<PresetName>
        label="Days"
        options={PRESET_OPTIONS}
        value={'preset' in choice ? choice.preset : undefined}
        onChange={(preset) => onChange({ choice: { preset } })}
      />
      <Days range={rangeOf(choice, today)} today={today} onChange={(range) => onChange({ choice: range })} />
      <Place
        label="Community"
        all="All communities"
        value={communityId}
        places={communities.data?.map((place) => [place.community_id, place.community_name])}
        onChange={(id) => onChange({ communityId: id })}
      />
      <Place
        label="Division"
        all="All divisions"
        value={divisionId}
        places={divisions.data?.map((place) => [
          place.division_id,
          `${place.division_name} (${place.division_type})`,
        ])}
        onChange={(id) => onChange({ divisionId: id })}
      />
      <label className="ff-check">
        <input
          type="checkbox"
          aria-label="Compare with the days before"
          checked={compare}
          onChange={() => onChange({ compare: !compare })}
        />
        Compare
      </label>
    </form>
  );
});

interface DaysProps {
  range: DayRange;
  today: string;
  onChange(range: DayRange): void;
}

/** What is typed is taken once it is a range. */
function Days({ range, today, onChange }: DaysProps) {
  const [typed, setTyped] = useState(range);
  const { start_date, end_date } = range;
  useEffect(() => setTyped({ start_date, end_date }), [start_date, end_date]);
  const change = (part: Partial<DayRange>) => {
    const next = { ...typed, ...part };
    setTyped(next);
    if (isDay(next.start_date) && isDay(next.end_date) && next.start_date <= next.end_date) onChange(next);
  };
  const wrong = typed.start_date > typed.end_date;
  return (
    <span className="ff-days">
      <input
        type="date"
        aria-label="First day"
        aria-invalid={wrong}
        value={typed.start_date}
        max={today}
        required
        onChange={({ target }) => change({ start_date: target.value })}
      />
      <span aria-hidden="true">–</span>
      <input
        type="date"
        aria-label="Last day"
        aria-invalid={wrong}
        value={typed.end_date}
        max={today}
        required
        onChange={({ target }) => change({ end_date: target.value })}
      />
      {wrong && <span role="alert">The first day is after the last.</span>}
    </span>
  );
}

interface PlaceProps {
  label: string;
  all: string;
  value: string | undefined;
  /** Id and name; undefined: not known yet. */
  places: readonly (readonly [id: string, name: string])[] | undefined;
  onChange(id: string | undefined): void;
}

function Place({ label, all, value, places = [], onChange }: PlaceProps) {
  const unknown = value !== undefined && !places.some(([id]) => id === value);
  return (
    <select
      className="ff-select"
      aria-label={label}
      value={value ?? ''}
      onChange={({ target }) => onChange(target.value || undefined)}
    >
      <option value="">{all}</option>
      {unknown && <option value={value}>{value}</option>}
      {places.map(([id, name]) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}
