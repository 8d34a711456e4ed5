/** What the reader has chosen, kept in the address of the page where that is wanted. */
import { useCallback, useEffect, useState } from 'react';
import { DEFAULT_FILTERS, type Filters, filtersFrom, queryOf } from '../range.ts';

export function useFilters(inAddress: boolean): [Filters, (change: Partial<Filters>) => void] {
  const [filters, setFilters] = useState(() => (inAddress ? filtersFrom(location.search) : DEFAULT_FILTERS));

  useEffect(() => {
    if (!inAddress) return;
    const query = queryOf(filters);
    if (query !== location.search) history.replaceState(null, '', location.pathname + query);
  }, [filters, inAddress]);

  const change = useCallback((part: Partial<Filters>) => setFilters((known) => ({ ...known, ...part })), []);
  return [filters, change];
}
