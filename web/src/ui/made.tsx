/** What a report says of itself. */

import type { Report } from '../data/report';
import { countWords } from '../model/times';

export function Made({ report }: { report: Report }) {
  return (
    <p class="made">
      Gasoline report of a {report.kind}, made {new Date(report.made_at).toLocaleString()}
      {cutWords(report).map((words) => (
        <b key={words}> · {words}</b>
      ))}
    </p>
  );
}

/** What the report does not hold of its subject. */
function cutWords({ cut, values_cut: chars }: Report): string[] {
  const found: string[] = [];
  if (cut) {
    const errors = cut.errors > 0 ? ` and ${countWords(cut.errors)} that failed of the others` : '';
    found.push(`it holds the first ${countWords(cut.shown)} of ${countWords(cut.total)} events${errors}`);
  }
  if (chars === 0) found.push('attributes were left out to keep the file small');
  else if (chars !== undefined) found.push(`texts were cut to ${countWords(chars)} characters to keep the file small`);
  return found;
}
