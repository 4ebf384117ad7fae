/** What the collector says of itself. */

import { useEffect, useState } from 'preact/hooks';

import { AnswerError } from '../data/api';
import type { SessionRecord, StatusAnswer } from '../model/answers';
import type { Source } from './use_timeline';

/** The answer of `status`, again with all news; undefined until it is there. */
export function useStatus(source: Source, isFollowing: boolean): StatusAnswer | undefined {
  const [status, setStatus] = useState<StatusAnswer | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    const read = async () => {
      try {
        const answer = await source.ask<StatusAnswer>({ what: 'status' });
        if (!isOver) setStatus(answer);
      } catch (error) {
        if (!(error instanceof AnswerError)) throw error;
      }
    };
    void read();
    const stop = isFollowing ? source.onNews?.(() => void read()) : undefined;
    return () => {
      isOver = true;
      stop?.();
    };
  }, [source, isFollowing]);
  return status;
}

/** Names to filter by: all services that have sent anything, and those of the sessions at hand. */
export function useServices(source: Source, sessions: readonly SessionRecord[] | undefined): string[] {
  const status = useStatus(source, false);
  const names = new Set(status?.services.map(({ name }) => name));
  for (const session of sessions?.slice(0, 200) ?? []) for (const name of session.services ?? []) names.add(name);
  return [...names].toSorted();
}
