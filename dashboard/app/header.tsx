/** Whose page this is, its theme, and the way out. */
import { useAuth } from '../auth/use-auth.ts';
import type { Theme } from '../components/visitor-analytics-dashboard.tsx';

interface HeaderProps {
  theme: Theme;
  onTheme(theme: Theme): void;
}

const THEMES: readonly (readonly [Theme, string])[] = [
  ['system', 'System theme'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export function Header({ theme, onTheme }: HeaderProps) {
  const { user, signOut } = useAuth();
  return (
    <header className="ff-header">
      <h1>
        <Logo /> Footfall
      </h1>
      <span className="ff-header-user">{user?.subject}</span>
      <select
        className="ff-select"
        aria-label="Theme"
        value={theme}
        onChange={({ target }) => onTheme(THEMES.find(([name]) => name === target.value)?.[0] ?? 'system')}
      >
        {THEMES.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
      {user !== null && (
        <button type="button" className="ff-button" onClick={signOut}>
          Sign out
        </button>
      )}
    </header>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--ff-accent)" />
      <path
        d="M8 22V14M13.3 22V10M18.7 22v-6M24 22V8"
        stroke="var(--ff-on-accent)"
        strokeWidth="3"
        strokeLinecap="round"
      />
    </svg>
  );
}
