/** A link may bring a token in its fragment, which never reaches a server. It does not stay in address and history either. */
import { auth } from '../auth/auth.ts';

export function takeToken(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  auth.signIn(given);
}
