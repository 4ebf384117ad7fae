/** What a report says of itself. */

import type { Report } from '../data/report';

export function Made({ report }: { report: Report }) {
  return (
    <p class="made">
      Gasoline report of a {report.kind}, made {new Date(report.made_at).toLocaleString()}
      {report.cut && (
        <b>
          {' '}
          · it holds {report.cut.shown.toLocaleString('en')} of {report.cut.total.toLocaleString('en')} events
        </b>
      )}
    </p>
  );
}
