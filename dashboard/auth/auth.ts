/**
 * Who looks at the dashboard: a token, kept for this tab alone, and what it says.
 *
 * A token is read here to know what to show. Whether it is good is the API's to say, with every answer.
 */
import { decodeJwt } from 'jose';

const STORAGE_KEY = 'footfall.token';
/** The longest delay of a timer. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export interface User {
  /** Whose token it is. */
  subject: string | undefined;
  is_staff: boolean;
  is_moderator: boolean;
  /** ms since the epoch */
  expires_at: number;
}

/** Why there is no user: nobody has signed in, the time of a token was over, or the API refused it. */
export type Absence = 'signed_out' | 'expired' | 'refused' | 'not_a_token';

export type AuthState =
  | { readonly user: User; readonly token: string; readonly absence: undefined }
  | { readonly user: null; readonly token: undefined; readonly absence: Absence };

/** Undefined where it is blocked: the token then lives as long as the page. */
const storage = (() => {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
})();

const listeners = new Set<() => void>();
let expiry: ReturnType<typeof setTimeout> | undefined;
let state: AuthState = nobody('signed_out');

function nobody(absence: Absence): AuthState {
  return { user: null, token: undefined, absence };
}

function read(token: string): AuthState {
  try {
    const { sub, exp, is_staff, is_moderator } = decodeJwt(token);
    if (exp === undefined) return nobody('not_a_token');
    if (exp * 1_000 <= Date.now()) return nobody('expired');
    const user = {
      subject: sub,
      is_staff: is_staff === true,
      is_moderator: is_moderator === true,
      expires_at: exp * 1_000,
    };
    return { user, token, absence: undefined };
  } catch {
    return nobody('not_a_token');
  }
}

function become(next: AuthState): void {
  state = next;
  clearTimeout(expiry);
  if (next.token === undefined) storage?.removeItem(STORAGE_KEY);
  else {
    storage?.setItem(STORAGE_KEY, next.token);
    const left = next.user.expires_at - Date.now();
    if (left < MAX_DELAY_MS) expiry = setTimeout(() => auth.signOut('expired'), left);
  }
  for (const listener of listeners) listener();
}

export const auth = {
  state: (): AuthState => state,
  token: (): string | undefined => state.token,
  signIn(token: string): void {
    become(read(token.trim()));
  },
  signOut(absence: Absence = 'signed_out'): void {
    // The first reason is the one to tell: others may follow from it.
    if (state.token !== undefined || absence === 'signed_out') become(nobody(absence));
  },
  /** Takes up the token that this tab has had before. */
  resume(): void {
    const known = storage?.getItem(STORAGE_KEY);
    if (known) become(read(known));
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
