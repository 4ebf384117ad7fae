/** What a report says of itself. */

import type { Report } from '../data/report';
import { countWords } from '../model/times';

export function Made({ report }: { report: Report }) {
  return (
    <p class="made">
      Gasoline report of a {report.kind}, made {new Date(report.made_at).toLocaleString()}
      {report.cut && (
        <b>
          {' '}
          · it holds {countWords(report.cut.shown)} of {countWords(report.cut.total)} events
        </b>
      )}
    </p>
  );
}
