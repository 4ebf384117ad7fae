/** Why there is no answer, and what to do about it. */

import { useEffect, useRef } from 'preact/hooks';

import { hasToken, keepToken, type AnswerError } from '../data/api';

export function Problem({ error }: { error: AnswerError }) {
  if (error.status === 401) return <TokenForm reason={error.message} />;
  return (
    <main class="empty">
      <h1>No answer</h1>
      <p role="alert">{error.message}</p>
      <button type="button" onClick={() => location.reload()}>
        Try again
      </button>
    </main>
  );
}

function TokenForm({ reason }: { reason: string }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const keep = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    keepToken(String(new FormData(form).get('token') ?? '').trim());
    location.reload();
  };
  return (
    <main class="empty">
      <h1>This collector asks for its token</h1>
      <form onSubmit={keep} class="token">
        <label>
          Bearer token (GASOLINE_TOKEN)
          <input ref={field} name="token" type="password" autocomplete="off" required />
        </label>
        <button type="submit">Open</button>
      </form>
      {hasToken() && (
        <p role="alert" class="note bad">
          The token that was entered does not open it: {reason}
        </p>
      )}
      <p class="quiet">It is kept until this tab is closed.</p>
    </main>
  );
}
