/** A request in a few words. */

import type { RequestRecord } from '../model/answers';
import { shortId } from '../model/words';
import { Line } from './telemetry_text';

export function RequestLine({ request }: { request: RequestRecord }) {
  const words = `${request.method ?? ''} ${request.url ?? ''}`.trim() || `request ${shortId(request.request_id)}`;
  return (
    <>
      <Line text={words} class="text" />{' '}
      {request.status !== undefined && (
        <span class={request.cause || request.status >= 500 ? 'status bad' : 'status'}>{request.status}</span>
      )}
    </>
  );
}
