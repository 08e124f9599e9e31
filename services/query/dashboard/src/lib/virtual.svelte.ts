import { elementScroll, observeElementOffset, observeElementRect, Virtualizer, type VirtualItem } from '@tanstack/virtual-core';

/** Heights of rows that are gone that are kept before it is looked which are. */
const SPARE = 1000;

/** Which rows of a long list are on the screen. Rows may differ in height: they are measured as they appear. */
export class VirtualList {
  items = $state.raw<VirtualItem[]>([]);
  height = $state(0);
  #virtualizer: Virtualizer<HTMLElement, HTMLElement> | undefined;
  #gone = false;

  /**
   * To be called in an effect, with the element that scrolls, a usual height of rows, and that of what stays on top of them;
   * returns what undoes it.
   */
  attach(element: HTMLElement, { row, head }: { row: number; head: number }): () => void {
    const virtualizer = new Virtualizer<HTMLElement, HTMLElement>({
      count: 0,
      getScrollElement: () => element,
      estimateSize: () => row,
      scrollPaddingStart: head,
      scrollPaddingEnd: head,
      overscan: 8,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      onChange: () => this.#read(),
    });
    this.#virtualizer = virtualizer;
    const unmount = virtualizer._didMount();
    virtualizer._willUpdate();
    return () => {
      unmount();
      this.#virtualizer = undefined;
    };
  }

  update(count: number, key: (index: number) => string, remeasure = false) {
    const virtualizer = this.#virtualizer;
    if (!virtualizer) return;
    virtualizer.setOptions({ ...virtualizer.options, count, getItemKey: key });
    virtualizer._willUpdate();
    if (remeasure) virtualizer.measure();
    this.#forget(count, key);
    this.#read();
  }

  /** It keeps the height of every row that was ever there. Of lines that come and go without an end most are gone. */
  #forget(count: number, key: (index: number) => string) {
    const sizes = this.#virtualizer?.itemSizeCache;
    if (!sizes || sizes.size <= count + SPARE) return;
    const present = new Set(Array.from({ length: count }, (_, index) => key(index)));
    for (const known of sizes.keys()) if (!present.has(String(known))) sizes.delete(known);
  }

  /** An action: keeps the height of a row known. The element has its number as `data-index`. */
  measured = (element: HTMLElement) => {
    this.#virtualizer?.measureElement(element);
    return () => this.#letGo();
  };

  /** It holds on to the elements it measured until it is told to look which are still there. */
  #letGo() {
    if (this.#gone) return;
    this.#gone = true;
    requestAnimationFrame(() => {
      this.#gone = false;
      this.#virtualizer?.measureElement(null);
    });
  }

  show(index: number) {
    this.#virtualizer?.scrollToIndex(index, { align: 'auto' });
  }

  #read() {
    if (!this.#virtualizer) return;
    this.items = this.#virtualizer.getVirtualItems();
    this.height = this.#virtualizer.getTotalSize();
  }
}
