/** Who looks at the dashboard, for components. */
import { useSyncExternalStore } from 'react';
import { type Absence, auth, type User } from './auth.ts';

export interface Auth {
  /** Null where nobody is signed in. */
  user: User | null;
  token: string | undefined;
  /** Why there is no user. */
  absence: Absence | undefined;
  /** Takes a JWT. One that is none, or whose time is over, leaves nobody signed in. */
  signIn(token: string): void;
  signOut(): void;
}

export function useAuth(): Auth {
  const { user, token, absence } = useSyncExternalStore(auth.subscribe, auth.state, auth.state);
  return { user, token, absence, signIn: auth.signIn, signOut: () => auth.signOut() };
}

/** Whether somebody may see the numbers at all. */
export const mayRead = (user: User | null): boolean => user?.is_staff === true || user?.is_moderator === true;
