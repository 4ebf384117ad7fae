/** Why there is no answer, and what to do about it. */

import { keepToken, type AnswerError } from '../data/api';

export function Problem({ error }: { error: AnswerError }) {
  if (error.status === 401) return <TokenForm />;
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

function TokenForm() {
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
          <input name="token" type="password" autocomplete="off" required />
        </label>
        <button type="submit">Open</button>
      </form>
      <p class="quiet">It is kept until this tab is closed.</p>
    </main>
  );
}
