/** A request in a few words. */

import type { RequestRecord } from '../model/answers';
import { pathWords, shortId } from '../model/words';
import { Line } from './telemetry_text';

export function RequestLine({ request }: { request: RequestRecord }) {
  return (
    <>
      <Called request={request} />{' '}
      {request.status !== undefined && (
        <span class={request.cause || request.status >= 500 ? 'status bad' : 'status'}>{request.status}</span>
      )}
    </>
  );
}

/** Method and URL; in a small window without the host, which would leave no room for the path. */
export function Called({ request }: { request: RequestRecord }) {
  const { method = '', url = '' } = request;
  if (method === '' && url === '') return <Line text={`request ${shortId(request.request_id)}`} class="text" />;
  const path = pathWords(url);
  const origin = url.endsWith(path) ? url.slice(0, url.length - path.length) : '';
  return (
    <span class="text">
      <Line text={method} /> <Line text={origin} class="origin" />
      <Line text={origin === '' ? url : path} />
    </span>
  );
}
