/** Asks for a token: where there is none, where its time is over, where it is refused. */
import { type FormEvent, useEffect, useId, useRef } from 'react';
import type { Absence } from '../auth/auth.ts';
import { useAuth } from '../auth/use-auth.ts';

const TITLES: Readonly<Record<Absence, string>> = {
  signed_out: 'Sign in',
  expired: 'Your token has expired',
  refused: 'Your token was not accepted',
  not_a_token: 'That is no token',
};
const REASONS: Readonly<Record<Absence, string>> = {
  signed_out: 'The numbers are for the staff and for moderators.',
  expired: 'Its time is over. Enter a new one to go on where you were.',
  refused: 'It is not valid here, or no longer. Enter another one.',
  not_a_token: 'A token is three parts of letters and digits with dots between them.',
};

export function SignIn() {
  const { absence = 'signed_out', signIn } = useAuth();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn(field.current?.value ?? '');
  };
  return (
    <form className="ff-panel ff-gate" onSubmit={submit}>
      <h2>{TITLES[absence]}</h2>
      <p role={absence === 'signed_out' ? undefined : 'alert'}>{REASONS[absence]}</p>
      <label htmlFor={id}>Token</label>
      <input ref={field} id={id} type="password" autoComplete="off" spellCheck={false} required />
      <button type="submit" className="ff-button ff-primary">
        Show the numbers
      </button>
      <p className="ff-note">
        It stays in this tab. The link that Footfall prints at its start has one; so has the answer to{' '}
        <code>npm run footfall -- token --staff</code>.
      </p>
    </form>
  );
}
