/** The state of a list of sessions or requests: its pages as far as they were scrolled to, kept fresh by news. */

import { signal } from '@preact/signals';

import { AnswerError } from '../data/api';
import type { Ask } from '../data/loading';
import type { Question } from '../model/observe_call';

export const PAGE_ITEMS_MAX = 200;
export const FRESH_MS_MIN = 500;

interface Page<Item> {
  items: Item[];
  next: string | undefined;
  total: number;
  notes: string[];
}

export class ListStore<Item> {
  readonly items = signal<readonly Item[] | undefined>(undefined);
  readonly total = signal(0);
  readonly notes = signal<readonly string[]>([]);
  readonly problem = signal<AnswerError | undefined>(undefined);
  /** Id of the item that keys act on; '' for none. */
  readonly activeId = signal('');
  /** Where the list is scrolled to, for whoever comes back to it. */
  scrollTop = 0;
  #next: string | undefined;
  #isBusy = false;
  #isStale = false;
  #isMoreWanted = false;
  #stopping = new AbortController();

  constructor(
    private readonly ask: Ask,
    private readonly question: Question,
    private readonly pageOf: (answer: never) => {
      items: Item[];
      next_cursor?: string;
      total: number;
      notes?: string[];
    },
    private readonly idOf: (item: Item) => string,
  ) {}

  /** Ask for the beginning again; what follows it stays as it was, without what moved up. */
  async refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#isStale && !this.#stopping.signal.aborted) {
      this.#isStale = false;
      await this.#attempt(async () => {
        const page = await this.#page();
        const known = this.items.peek();
        const ids = new Set(page.items.map(this.idOf));
        const rest = known && page.next ? known.filter((item) => !ids.has(this.idOf(item))) : [];
        this.items.value = [...page.items, ...rest];
        this.total.value = page.total;
        this.notes.value = page.notes;
        if (rest.length === 0) this.#next = page.next;
      });
      await new Promise((resolve) => setTimeout(resolve, FRESH_MS_MIN));
    }
    this.#isBusy = false;
    if (this.#isMoreWanted) void this.more();
  }

  /** Ask for the page that follows, if there is one; what is on its way already comes first. */
  async more(): Promise<void> {
    this.#isMoreWanted = this.#isBusy;
    const cursor = this.#next;
    if (!cursor || this.#isBusy || this.#stopping.signal.aborted) return;
    this.#isBusy = true;
    await this.#attempt(async () => {
      const page = await this.#page(cursor);
      const ids = new Set((this.items.peek() ?? []).map(this.idOf));
      this.#next = page.next;
      this.items.value = [...(this.items.peek() ?? []), ...page.items.filter((item) => !ids.has(this.idOf(item)))];
    });
    this.#isBusy = false;
    if (this.#isStale) void this.refresh();
  }

  /** Ask for nothing more, until `resume`. */
  stop(): void {
    this.#stopping.abort();
  }

  /** What was there stays, and is asked for again. */
  async resume(): Promise<void> {
    if (this.#stopping.signal.aborted) this.#stopping = new AbortController();
    await this.refresh();
  }

  async #page(cursor?: string): Promise<Page<Item>> {
    const question = { ...this.question, limit: PAGE_ITEMS_MAX, ...(cursor ? { cursor } : {}) };
    const answer = this.pageOf((await this.ask(question, this.#stopping.signal)) as never);
    return { items: answer.items, next: answer.next_cursor, total: answer.total, notes: answer.notes ?? [] };
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    const { signal: stopped } = this.#stopping;
    try {
      await work();
      this.problem.value = undefined;
    } catch (error) {
      if (stopped.aborted) return;
      if (!(error instanceof AnswerError)) throw error;
      this.problem.value = error;
    }
  }
}
