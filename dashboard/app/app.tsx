/** Who may see the numbers sees them; everybody else is told what to do. */
import { useEffect, useState } from 'react';
import { mayRead, useAuth } from '../auth/use-auth.ts';
import { type Theme, VisitorAnalyticsDashboard } from '../components/visitor-analytics-dashboard.tsx';
import { Header } from './header.tsx';
import { SignIn } from './sign-in.tsx';
import { keepTheme, keptTheme } from './theme.ts';
import { Unauthorized } from './unauthorized.tsx';

const UNAUTHORIZED = 'unauthorized';

export function App() {
  const { user } = useAuth();
  const [theme, setTheme] = useState<Theme>(keptTheme);
  useEffect(() => keepTheme(theme), [theme]);
  useAddress(user !== null && !mayRead(user));
  return (
    <div className="ff ff-page-frame" data-theme={theme}>
      <Header theme={theme} onTheme={setTheme} />
      <main>
        {user === null ? (
          <SignIn />
        ) : mayRead(user) ? (
          <VisitorAnalyticsDashboard theme={theme} inAddress />
        ) : (
          <Unauthorized />
        )}
      </main>
      <footer className="ff-footer">
        <a href="api/analytics/docs">API</a> <a href="api/analytics/openapi.json">openapi.json</a>
      </footer>
    </div>
  );
}

/** `/unauthorized` for who may not see the numbers, `/` for all others. */
function useAddress(unauthorized: boolean): void {
  useEffect(() => {
    const there = location.pathname.endsWith(`/${UNAUTHORIZED}`);
    if (there !== unauthorized) history.replaceState(null, '', unauthorized ? UNAUTHORIZED : './');
  }, [unauthorized]);
}
