/** The page of the query port. */

import { render } from 'preact';

import { hasToken, observe, otlpText } from './data/api';
import { onNews, startNews, untilNews } from './data/news';
import { App } from './ui/app';
import { followUrl } from './ui/router';
import type { Source } from './ui/use_timeline';

const source: Source = {
  ask: async (question, signal) => {
    await untilNews();
    return observe(question, signal);
  },
  onNews,
  otlpText,
  hasToken,
  hasLists: true,
};
const root = document.getElementById('root');
if (root) {
  followUrl();
  startNews();
  render(<App source={source} />, root);
}
