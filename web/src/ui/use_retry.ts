/** What could not be answered is asked again, once the collector answers. */

import { useEffect } from 'preact/hooks';

import type { AnswerError } from '../data/api';
import { newsState, RETRY_MS_MIN } from '../data/news';

const BAD_GATEWAY = 502;

/** `again` is called a moment after each problem that may pass, for as long as there are news. */
export function useRetry(problem: AnswerError | undefined, again: () => void): void {
  const canPass = problem !== undefined && (problem.status === 0 || problem.status >= BAD_GATEWAY);
  const isDue = canPass && newsState.value === 'live';
  useEffect(() => {
    if (!isDue) return undefined;
    const timer = setTimeout(again, RETRY_MS_MIN);
    return () => clearTimeout(timer);
  }, [problem, isDue]);
}
