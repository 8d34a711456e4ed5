/** What the components share: the API, its answers, and the reporting calendar. */
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useMemo } from 'react';
import { auth } from '../auth/auth.ts';
import { RequestError } from '../services/request-error.ts';
import { type VisitorAnalyticsAPI, visitorAnalyticsAPI } from '../services/visitor-analytics-api.ts';

const MAX_RETRIES = 3;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const KEPT_UNUSED_MS = 60_000;

const Api = createContext<VisitorAnalyticsAPI>(visitorAnalyticsAPI);
const Within = createContext(false);

export const useAPI = (): VisitorAnalyticsAPI => useContext(Api);

/** Answers of one API are not those of another. */
const clients = new WeakMap<VisitorAnalyticsAPI, QueryClient>();

function clientOf(api: VisitorAnalyticsAPI): QueryClient {
  const client = clients.get(api) ?? createClient();
  clients.set(api, client);
  return client;
}

function createClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof RequestError && error.status === 401) auth.signOut('refused');
      },
    }),
    defaultOptions: {
      queries: {
        gcTime: KEPT_UNUSED_MS,
        staleTime: 10_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) =>
          error instanceof RequestError && error.retryable && failures < MAX_RETRIES,
        retryDelay: (failures, error) =>
          error instanceof RequestError && error.retryAfter !== undefined
            ? 1_000 * error.retryAfter
            : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures),
      },
    },
  });
}

interface AnalyticsProviderProps {
  /** Default: the API beside the page. */
  api?: VisitorAnalyticsAPI;
  children: ReactNode;
}

/** Lets the components below it ask another API, and share answers. */
export function AnalyticsProvider({ api = visitorAnalyticsAPI, children }: AnalyticsProviderProps) {
  const client = useMemo(() => clientOf(api), [api]);
  return (
    <Within.Provider value={true}>
      <Api.Provider value={api}>
        <QueryClientProvider client={client}>{children}</QueryClientProvider>
      </Api.Provider>
    </Within.Provider>
  );
}

/** For a component that may stand alone: brings a provider where there is none. */
export function WithAnalytics({ children }: { children: ReactNode }) {
  return useContext(Within) ? children : <AnalyticsProvider>{children}</AnalyticsProvider>;
}
