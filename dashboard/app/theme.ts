/** Light, dark, or as the system says: kept in this browser. */
import type { Theme } from '../components/visitor-analytics-dashboard.tsx';

const STORAGE_KEY = 'footfall.theme';

export function keptTheme(): Theme {
  try {
    const kept = localStorage.getItem(STORAGE_KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    // Storage is blocked: it lives as long as the page.
    return 'system';
  }
}

export function keepTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // As above.
  }
}
