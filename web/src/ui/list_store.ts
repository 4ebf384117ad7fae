/** The state of a list of sessions or requests: its pages as far as they were scrolled to, kept fresh by news. */

import { signal } from '@preact/signals';

import { AnswerError } from '../data/api';
import type { Ask } from '../data/loading';
import type { Question } from '../model/observe_call';

export const PAGE_ITEMS_MAX = 200;
export const FRESH_MS_MIN = 500;
export const PAGES_REREAD_MAX = 50;

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
  /** Whether what follows the first page may be gone: it is read again then, too. */
  #isRestStale = false;
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
    /** What the list is sorted by, newest first. */
    private readonly timeOf: (item: Item) => string,
  ) {}

  /** Ask for the beginning again; what follows it stays as it was, without what moved up, unless it may be gone. */
  async refresh(options: { isRestStale?: boolean } = {}): Promise<void> {
    this.#isStale = true;
    this.#isRestStale ||= options.isRestStale ?? false;
    if (this.#isBusy) return;
    await this.#busily(async () => {
      while (this.#isStale && !this.#stopping.signal.aborted) {
        const isRestStale = this.#isRestStale;
        this.#isStale = this.#isRestStale = false;
        const isRead = await this.#attempt(() => this.#readBeginning(isRestStale));
        this.#isRestStale ||= isRestStale && !isRead;
        await new Promise((resolve) => setTimeout(resolve, FRESH_MS_MIN));
      }
    });
    if (this.#isMoreWanted) void this.more();
  }

  /** Ask for the page that follows, if there is one; what is on its way already comes first. */
  async more(): Promise<void> {
    this.#isMoreWanted = this.#isBusy;
    const cursor = this.#next;
    if (!cursor || this.#isBusy || this.#stopping.signal.aborted) return;
    await this.#busily(async () => {
      await this.#attempt(async () => {
        const page = await this.#pageAfter(cursor);
        const known = this.items.peek() ?? [];
        if (page) this.#show([...known, ...without(page.items, known, this.idOf)], page.next);
      });
    });
    if (this.#isStale) await this.refresh();
  }

  /** Ask for nothing more, until `resume`. */
  stop(): void {
    this.#stopping.abort();
  }

  /** What was there stays, and is asked for again: of what became of it meanwhile nothing was told. */
  async resume(): Promise<void> {
    if (this.#stopping.signal.aborted) this.#stopping = new AbortController();
    await this.refresh({ isRestStale: true });
  }

  async #readBeginning(isRestStale: boolean): Promise<void> {
    const page = await this.#page();
    const known = this.items.peek() ?? [];
    const rest = without(known, page.items, this.idOf);
    const isAll = this.#next === undefined && rest.length > 0;
    const fits = !isAll || page.items.length + rest.length === page.total;
    if (page.next && !isRestStale && fits && this.#leadsTo(known, page)) {
      this.#show([...page.items, ...rest], rest.length > 0 ? this.#next : page.next);
    } else {
      const items = [...page.items];
      let { next } = page;
      // As far as it had been read, so that whoever has scrolled down stays there.
      for (let pages = 1; next && items.length < known.length && pages < PAGES_REREAD_MAX; pages += 1) {
        const following = await this.#pageAfter(next);
        if (!following) break;
        items.push(...following.items);
        next = following.next;
      }
      this.#show(items, next);
    }
    this.total.value = page.total;
    this.notes.value = page.notes;
  }

  /**
   * Whether what is known goes on where the page ends: something of it stands on the page and has not moved there, and
   * there are no more in all than are new on the page, and no fewer than before.
   */
  #leadsTo(known: readonly Item[], page: Page<Item>): boolean {
    const times = new Map(known.map((item) => [this.idOf(item), this.timeOf(item)]));
    const grown = page.total - this.total.peek();
    const arrived = page.items.filter((item) => !times.has(this.idOf(item))).length;
    return (
      grown >= 0 && grown <= arrived && page.items.some((item) => times.get(this.idOf(item)) === this.timeOf(item))
    );
  }

  #show(items: readonly Item[], next: string | undefined): void {
    this.items.value = items;
    this.#next = next;
  }

  /** The page after another one; nothing where that cannot go on, and all is to be read again. */
  async #pageAfter(cursor: string): Promise<Page<Item> | undefined> {
    try {
      return await this.#page(cursor);
    } catch (error) {
      if (!(error instanceof AnswerError) || error.status !== 400) throw error;
      this.#isStale = this.#isRestStale = true;
      return undefined;
    }
  }

  async #page(cursor?: string): Promise<Page<Item>> {
    const question = { ...this.question, limit: PAGE_ITEMS_MAX, ...(cursor ? { cursor } : {}) };
    const answer = this.pageOf((await this.ask(question, this.#stopping.signal)) as never);
    return { items: answer.items, next: answer.next_cursor, total: answer.total, notes: answer.notes ?? [] };
  }

  async #busily(work: () => Promise<void>): Promise<void> {
    this.#isBusy = true;
    try {
      await work();
    } finally {
      this.#isBusy = false;
    }
  }

  /** Whether it went well; why not is the problem then. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    const { signal: stopped } = this.#stopping;
    try {
      await work();
      this.problem.value = undefined;
      return true;
    } catch (error) {
      if (stopped.aborted) return false;
      if (!(error instanceof AnswerError)) throw error;
      this.problem.value = error;
      return false;
    }
  }
}

/** The items whose ids none of the others have. */
function without<Item>(items: readonly Item[], others: readonly Item[], idOf: (item: Item) => string): Item[] {
  const ids = new Set(others.map(idOf));
  return items.filter((item) => !ids.has(idOf(item)));
}
