/** The page that the query API serves. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { auth } from '../auth/auth.ts';
import '../style/style.css';
import { App } from './app.tsx';
import { takeToken } from './take-token.ts';

auth.resume();
takeToken();
addEventListener('hashchange', takeToken);

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no place for the dashboard');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
