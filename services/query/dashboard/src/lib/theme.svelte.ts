export type Theme = 'system' | 'light' | 'dark';

function stored(): Theme {
  try {
    const value = localStorage.getItem('theme');
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system';
  }
}

class Appearance {
  theme = $state<Theme>(stored());
  /** Rises when colours change, for what is drawn on a canvas. */
  version = $state(0);

  constructor() {
    this.apply();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => (this.version += 1));
  }

  set(theme: Theme) {
    this.theme = theme;
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // Private windows may refuse; the choice then lasts as long as the page.
    }
    this.apply();
    this.version += 1;
  }

  private apply() {
    if (this.theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.theme;
  }
}

export const appearance = new Appearance();
