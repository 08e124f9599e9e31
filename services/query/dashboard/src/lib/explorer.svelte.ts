/** A search of the log explorer: what the address asks for, and what was found. */
import { untrack } from 'svelte';
import { api, ask, asFailure, type Failure, type Line, type Schemas } from './api';
import { Loaded } from './loaded.svelte';
import { LOOKS, look } from './look.svelte';
import { Marks } from './marks.svelte';
import { names } from './names.svelte';
import { filterOf, mistake, split } from './query';
import { route } from './router.svelte';
import { asked, LEVELS, readSearch, woven, type Level } from './search';
import { MOST, Tail } from './tail.svelte';
import { hits } from './text';

const PAGE = 200;
const MORE = 500;
/** Lines that may have come between a search and the stream of new ones. */
const CATCH_UP = 1000;
/** How often the chart of a live search is drawn anew. */
const CHART_MS = 10_000;

type Filter = Record<string, string>;
type Histogram = Schemas['HistogramView'];

export class Explorer {
  // A key of its own, so that opening a line does not search again.
  #key = $derived.by(() => {
    const params = new URLSearchParams(route.search);
    for (const name of LOOKS) params.delete(name);
    return params.toString();
  });
  search = $derived(readSearch(new URLSearchParams(this.#key)));
  hit = $derived(hits(this.search.q));
  isNumbers = $derived(split(this.search.q).pipe !== '');

  lines = $state.raw<Line[]>([]);
  answer = $state.raw<Schemas['SearchAnswer'] | undefined>();
  table = $state.raw<Schemas['TableView'] | undefined>();
  problem = $state.raw<Failure | undefined>();
  busy = $state(false);
  /** What lines are chosen by, with the times of the search on the page; without the pipe. */
  filter = $state.raw<Filter>({});
  listed = $derived(look.line ? this.lines.find((line) => line.id === look.line) : undefined);
  #control: AbortController | undefined;
  /** Rises with every search that brought lines. */
  #searched = $state(0);
  /** The search whose lines or numbers are there. */
  #foundFor: string | undefined;
  #query: ReturnType<typeof asked> | undefined;

  marks = new Marks();
  histogram = new Loaded(async (signal) => {
    // The buttons of the levels count all of them.
    const { level: _, ...query } = this.filter;
    const now = (await ask(api.GET('/api/logs/histogram', { params: { query }, signal }))).data;
    return { now, before: look.compare ? await periodBefore(query, now, signal) : undefined };
  });
  wrong = $derived(mistake((this.problem ?? this.histogram.problem)?.of('q')));
  fields = new Loaded(async (signal) => {
    const { q: _, ...query } = this.filter;
    return (await ask(api.GET('/api/logs/fields', { params: { query }, signal }))).data.fields;
  });
  linked = new Loaded(async (signal) => (look.line ? (await ask(api.GET('/api/logs/lines/{id}', { params: { path: { id: look.line } }, signal }))).data : undefined));
  /** The line that the address names, whether the search found it or not. */
  open = $derived(this.listed ?? (this.linked.value?.id === look.line ? this.linked.value : undefined));
  totals = $derived.by(() => {
    const sums = Object.fromEntries(LEVELS.map((level) => [level, 0])) as Record<Level, number>;
    for (const bucket of this.histogram.value?.now.buckets ?? []) for (const level of LEVELS) sums[level] += bucket.counts[level] ?? 0;
    return sums;
  });
  tail = new Tail((arrived) => {
    const known = new Set(this.lines.map((line) => line.id));
    const fresh = arrived.filter((line) => !known.has(line.id));
    if (!fresh.length) return;
    const next = [...fresh, ...this.lines];
    this.lines = next.slice(0, MOST);
    // What was let go of is found again by a search, not by going on from here.
    if (next.length > MOST && this.answer?.next_cursor) this.answer = { ...this.answer, next_cursor: null };
  });

  #chosenBy(all: ReturnType<typeof asked>): Filter {
    const q = filterOf(this.search.q);
    const { q: _, ...others } = all;
    return q ? { ...others, q } : others;
  }

  async #drawChart() {
    await this.histogram.load();
    const { buckets, interval_seconds } = this.histogram.value?.now ?? { buckets: [], interval_seconds: 0 };
    const [first, last] = [buckets[0], buckets.at(-1)];
    if (!first || !last) return;
    const { service, environment } = this.search;
    if (service) await names.loaded();
    await this.marks.load({ from: Date.parse(first.start), to: Date.parse(last.start) + interval_seconds * 1000, service_id: service ? names.idOf(service) : undefined, environment });
  }

  find = async () => {
    const own = this.#begin();
    this.#query = asked(this.search, Date.now());
    this.filter = this.#chosenBy(this.#query);
    void this.#drawChart();
    if (look.side) void this.fields.load();
    this.#foundFor = undefined;
    if (!look.found) {
      this.#forget();
      [this.problem, this.busy] = [undefined, false];
      return;
    }
    const key = this.#key;
    const query = this.#query;
    await this.#finish(own, async () => {
      if (this.isNumbers) {
        const numbers = (await ask(api.GET('/api/logs/stats', { params: { query }, signal: own.signal }))).data;
        return () => ([this.table, this.answer, this.lines] = [numbers, undefined, []]);
      }
      const page = await ask(api.GET('/api/logs/query', { params: { query: { ...query, limit: PAGE } }, signal: own.signal }));
      return () => ([this.table, this.answer, this.lines] = [undefined, page, page.data]);
    });
    if (this.#control !== own) return;
    if (this.problem) return this.#forget();
    this.#foundFor = key;
    this.#searched += 1;
  };

  #forget() {
    [this.lines, this.table, this.answer] = [[], undefined, undefined];
  }

  /**
   * Lines that came after the search looked and before the stream began, or that the search's own answer took away again. To be
   * called once both are there.
   */
  #catchUp = async (signal: AbortSignal) => {
    const { to: _, ...query } = this.filter;
    const page = await ask(api.GET('/api/logs/query', { params: { query: { ...query, limit: CATCH_UP } }, signal })).catch(() => null);
    if (!page || signal.aborted) return;
    // What is older than the last of them comes when they are scrolled on.
    const end = this.answer?.next_cursor ? Date.parse(this.lines.at(-1)?.timestamp ?? '') : NaN;
    this.lines = woven(this.lines, Number.isNaN(end) ? page.data : page.data.filter((line) => Date.parse(line.timestamp) >= end)).slice(0, MOST);
  };

  /** The next lines of the same search. */
  more = async () => {
    const cursor = this.answer?.next_cursor;
    if (this.busy || this.problem || !cursor) return;
    const own = this.#begin();
    const query = { ...this.#query, limit: MORE, cursor };
    await this.#finish(own, async () => {
      const page = await ask(api.GET('/api/logs/query', { params: { query }, signal: own.signal }));
      return () => {
        const known = new Set(this.lines.map((line) => line.id));
        [this.answer, this.lines] = [page, [...this.lines, ...page.data.filter((line) => !known.has(line.id))]];
      };
    });
  };

  #begin(): AbortController {
    this.#control?.abort();
    this.#control = new AbortController();
    this.busy = true;
    return this.#control;
  }

  /** Takes what came, unless something else was asked for meanwhile. */
  async #finish(own: AbortController, work: () => Promise<() => void>) {
    try {
      const take = await work();
      if (this.#control !== own) return;
      take();
      this.problem = undefined;
    } catch (error) {
      if (this.#control === own) this.problem = asFailure(error);
    } finally {
      if (this.#control === own) this.busy = false;
    }
  }

  cancel = () => {
    this.#control?.abort();
    this.#control = undefined;
    this.histogram.stop();
    this.marks.stop();
    this.busy = false;
  };

  /** Searches whenever the address asks for something else. To be called while a component is made. */
  followAddress() {
    $effect(() => {
      void this.#key;
      untrack(() => void this.find());
      return this.cancel;
    });
    // From patterns or changes to the lines, which were not asked for yet.
    $effect(() => {
      if (look.found) untrack(() => {
        if (!this.busy && this.#foundFor !== this.#key) void this.find();
      });
    });
    $effect(() => {
      void look.compare;
      untrack(() => {
        if (this.histogram.value) void this.histogram.load();
      });
    });
    // A link to a line shows it, whether the search finds it or not.
    $effect(() => {
      if (look.line && !this.listed && !this.busy) untrack(() => void this.linked.load());
    });
    $effect(() => {
      if (look.side && !this.fields.value) untrack(() => void this.fields.load());
    });
    $effect(() => {
      void this.#key;
      if (!look.live || this.isNumbers || !look.found) return;
      untrack(() => {
        const { from: _, to: __, ...all } = this.#chosenBy(asked(this.search, Date.now()));
        this.tail.start(all);
      });
      const timer = setInterval(() => {
        if (document.hidden || this.tail.paused) return;
        this.filter = this.#chosenBy(asked(this.search, Date.now()));
        void this.#drawChart();
      }, CHART_MS);
      return () => {
        clearInterval(timer);
        this.tail.stop();
      };
    });
    $effect(() => {
      if (this.tail.state !== 'on' || !this.#searched) return;
      const control = new AbortController();
      untrack(() => void this.#catchUp(control.signal));
      return () => control.abort();
    });
  }
}

/** The buckets of as long before, each at the place of its own. What the chart shows does not hang on them. */
async function periodBefore(query: Filter, now: Histogram, signal: AbortSignal): Promise<Histogram | undefined> {
  const start = Date.parse(now.buckets[0]?.start ?? '');
  if (Number.isNaN(start)) return undefined;
  const length = now.buckets.length * now.interval_seconds * 1000;
  const times = { from: new Date(start - length).toISOString(), to: new Date(start).toISOString(), interval: `${now.interval_seconds / 60}m` };
  return ask(api.GET('/api/logs/histogram', { params: { query: { ...query, ...times } }, signal })).then(
    (answer) => answer.data,
    () => undefined,
  );
}
