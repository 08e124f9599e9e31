import { elementScroll, observeElementOffset, observeElementRect, Virtualizer, type VirtualItem } from '@tanstack/virtual-core';

/** Which rows of a long list are on the screen. Rows may differ in height: they are measured as they appear. */
export class VirtualList {
  items = $state.raw<VirtualItem[]>([]);
  height = $state(0);
  #virtualizer: Virtualizer<HTMLElement, HTMLElement> | undefined;

  /** To be called in an effect, with the element that scrolls; returns what undoes it. */
  attach(element: HTMLElement, estimate: number): () => void {
    const virtualizer = new Virtualizer<HTMLElement, HTMLElement>({
      count: 0,
      getScrollElement: () => element,
      estimateSize: () => estimate,
      overscan: 12,
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
    this.#read();
  }

  /** An action: keeps the height of a row known. The element has its number as `data-index`. */
  measured = (element: HTMLElement) => {
    this.#virtualizer?.measureElement(element);
  };

  show(index: number) {
    this.#virtualizer?.scrollToIndex(index, { align: 'auto' });
  }

  #read() {
    if (!this.#virtualizer) return;
    this.items = this.#virtualizer.getVirtualItems();
    this.height = this.#virtualizer.getTotalSize();
  }
}
