/** Colours of the theme as a canvas takes them. */
export function colour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** For series that have no colour of their own. */
export const SERIES = ['info', 'accent', 'warn', 'fatal', 'good', 'debug', 'error', 'muted'] as const;
