interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

export const toasts = $state<Toast[]>([]);
let last = 0;

/** A short word about what happened. Failures stay until closed. */
export function toast(text: string, bad = false) {
  last += 1;
  const id = last;
  toasts.push({ id, text, bad });
  if (!bad) setTimeout(() => dismiss(id), 4000);
}

export function dismiss(id: number) {
  const index = toasts.findIndex((entry) => entry.id === id);
  if (index >= 0) toasts.splice(index, 1);
}

export async function copy(text: string, what = 'Copied') {
  try {
    await navigator.clipboard.writeText(text);
    toast(what);
  } catch {
    // Clipboards need https or localhost.
    const area = document.createElement('textarea');
    area.value = text;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    toast(done ? what : 'The browser did not allow copying; select the text and copy it by hand.', !done);
  }
}
