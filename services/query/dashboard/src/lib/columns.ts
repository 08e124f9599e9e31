/** Columns of the list of lines: their widths and their order. */

/** In pixels, by the column's name. */
export type Widths = Record<string, number>;

export const USUAL_WIDTH = 112;
export const NARROWEST = 48;
const WIDEST = 800;
/** What is kept of columns that were seen once. */
const MOST = 100;

export const widthOf = (widths: Widths, name: string): number => (Object.hasOwn(widths, name) ? (widths[name] ?? USUAL_WIDTH) : USUAL_WIDTH);

/** What was kept, whatever became of it meanwhile. */
export function readWidths(text: string | null): Widths {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '{}');
  } catch {
    kept = {};
  }
  if (typeof kept !== 'object' || kept === null) return {};
  const sane = Object.entries(kept).filter((entry): entry is [string, number] => typeof entry[1] === 'number' && Number.isFinite(entry[1]));
  return Object.fromEntries(sane.slice(-MOST).map(([name, width]) => [name, Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)))]));
}

/** The names with one of them at another place. */
export function moved(names: string[], name: string, to: number): string[] {
  if (!names.includes(name)) return names;
  const others = names.filter((entry) => entry !== name);
  const at = Math.min(Math.max(to, 0), others.length);
  return [...others.slice(0, at), name, ...others.slice(at)];
}
