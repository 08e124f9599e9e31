/** How the explorer shows what it found: in the address, but for the widths of columns, which are the browser's own. */
import type { Zone } from './format';
import { moved, readWidths, type Widths } from './columns';
import { route, setParams } from './router.svelte';

/** Parameters that change how lines are shown, and not which. */
export const LOOKS = ['line', 'cols', 'wrap', 'zone', 'live', 'side', 'facets', 'compare', 'tab', 'sort', 'new', 'deployment', 'around'];
/** Tabs that show something else than what the query asks for. */
const DERIVED = ['patterns', 'changes'];
const DEFAULT_COLUMNS = 'service';
const MOST_COLUMNS = 8;
const WIDTHS = 'widths';

function stored(): Widths {
  try {
    return readWidths(localStorage.getItem(WIDTHS));
  } catch {
    return {};
  }
}

/** Names that commas separate, each once. */
const listed = (text: string): string[] => [...new Set(text.split(',').filter(Boolean))];

class Look {
  wrap = $derived(route.params.get('wrap') === '1');
  live = $derived(route.params.get('live') === '1');
  zone = $derived<Zone>(route.params.get('zone') === 'utc' ? 'utc' : 'local');
  columns = $derived(listed(route.params.get('cols') ?? DEFAULT_COLUMNS).filter((name) => name !== 'none').slice(0, MOST_COLUMNS));
  /** The line that is open. */
  line = $derived(route.params.get('line'));
  side = $derived(route.params.get('side') ? route.params.get('side') === '1' : innerWidth >= 1440);
  facets = $derived(listed(route.params.get('facets') ?? ''));
  compare = $derived(route.params.get('compare') === '1');
  tab = $derived(route.params.get('tab') ?? '');
  /** Whether the lines or numbers themselves are looked at. */
  found = $derived(!DERIVED.includes(this.tab));
  /** Of patterns: which come first, and whether others than new ones are shown. */
  sort = $derived(route.params.get('sort') === 'newest' ? 'newest' : '');
  onlyNew = $derived(route.params.get('new') === '1');
  /** What changes are looked for around, instead of the time of the search. */
  deployment = $derived(route.params.get('deployment') ?? '');
  around = $derived(route.params.get('around') ?? '1h');
  widths = $state.raw<Widths>(stored());

  set(changes: Record<string, string | null>) {
    setParams(changes, { replace: true });
  }

  flip(name: 'wrap' | 'live' | 'compare') {
    // New lines are followed where lines are.
    if (name === 'live' && !this.live && !this.found) this.set({ live: '1', tab: null });
    else this.set({ [name]: this[name] ? null : '1' });
  }

  flipSide() {
    this.set({ side: this.side ? '0' : '1' });
  }

  setColumns(names: string[]) {
    const text = names.join(',');
    this.set({ cols: text === DEFAULT_COLUMNS ? null : text || 'none' });
  }

  flipColumn(name: string) {
    this.setColumns(this.columns.includes(name) ? this.columns.filter((entry) => entry !== name) : [...this.columns, name]);
  }

  /** Puts a column where another is. */
  moveColumn(name: string, to: number) {
    this.setColumns(moved(this.columns, name, to));
  }

  resize(name: string, width: number) {
    this.widths = readWidths(JSON.stringify({ ...this.widths, [name]: width }));
    try {
      localStorage.setItem(WIDTHS, JSON.stringify(this.widths));
    } catch {
      // Private windows may refuse; the widths then last as long as the page.
    }
  }
}

export const look = new Look();
