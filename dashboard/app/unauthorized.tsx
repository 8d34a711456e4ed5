/** For who is known and may not see the numbers. */
import { useAuth } from '../auth/use-auth.ts';

export function Unauthorized() {
  const { user, signOut } = useAuth();
  return (
    <section className="ff-panel ff-gate" aria-labelledby="ff-unauthorized">
      <h2 id="ff-unauthorized">Not for you, so far</h2>
      <p>
        {user?.subject === undefined ? 'Your token' : `The token of ${user.subject}`} says neither{' '}
        <code>is_staff</code> nor <code>is_moderator</code>. Who runs this platform can give you one that
        does.
      </p>
      <button type="button" className="ff-button ff-primary" onClick={signOut}>
        Use another token
      </button>
    </section>
  );
}
