/** The name of a session, which leads to it where it can be asked about. */

import type { ComponentChildren } from 'preact';

import { sessionPath } from '../model/routes';
import { Link } from './router';
import type { Source } from './use_timeline';

export function SessionLink(props: { source: Source; id: string; event?: string; children: ComponentChildren }) {
  const { source, id, event, children } = props;
  if (source.holdsSession?.(id) === false) return <span>{children}</span>;
  return <Link to={sessionPath(id, event)}>{children}</Link>;
}
