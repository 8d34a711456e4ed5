/** One question to the query API, by name: cancelled when nobody needs the answer any more, asked again at the pace that is allowed. */
import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { affordablePace } from '../services/allowance.ts';
import type { ParamsOf, QueryName, ResultOf } from '../services/queries.ts';
import type { RequestError } from '../services/request-error.ts';
import { useAPI } from './analytics-context.tsx';

export interface QueryOptions {
  /** False: not asked yet. */
  enabled?: boolean;
  /** Asked again so often while the page is visible, or slower where the allowance is short. Undefined: asked once. */
  everyMs?: number | undefined;
}

export function useAnalyticsQuery<Name extends QueryName>(
  name: Name,
  params: ParamsOf<Name>,
  { enabled = true, everyMs }: QueryOptions = {},
): UseQueryResult<ResultOf<Name>, RequestError> {
  const api = useAPI();
  return useQuery<ResultOf<Name>, RequestError>({
    queryKey: [name, params],
    queryFn: ({ signal }) => api.query(name, params, { signal }),
    enabled,
    placeholderData: keepPreviousData,
    refetchInterval: everyMs === undefined ? false : () => affordablePace(everyMs),
  });
}
