/** Where the browser is. The address is the only state that pages share, so that links and Back work. */

class Route {
  path = $state(location.pathname);
  search = $state(location.search);

  get params(): URLSearchParams {
    return new URLSearchParams(this.search);
  }
}

export const route = new Route();

function read() {
  route.path = location.pathname;
  route.search = location.search;
}

export function go(to: string, how: { replace?: boolean } = {}) {
  const url = new URL(to, location.origin);
  if (url.origin !== location.origin) return;
  if (url.pathname + url.search !== location.pathname + location.search) {
    history[how.replace ? 'replaceState' : 'pushState'](null, '', url.pathname + url.search);
  }
  const turned = url.pathname !== route.path;
  read();
  if (turned) window.scrollTo(0, 0);
}

/** Changes parameters of the present page; blank ones go away. */
export function setParams(changes: Record<string, string | null>, how: { replace?: boolean } = {}) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  const search = params.toString();
  go(location.pathname + (search ? `?${search}` : ''), how);
}

/** A path of ours, whatever was put into the address; anything else leads home. */
export function safePath(path: string | null): string {
  if (!path) return '/';
  try {
    const url = new URL(path, location.origin);
    return url.origin === location.origin && path.startsWith('/') ? url.pathname + url.search : '/';
  } catch {
    return '/';
  }
}

window.addEventListener('popstate', read);
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest?.('a[href]');
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (link.pathname.startsWith('/api/') || link.pathname === '/openapi.json') return;
  event.preventDefault();
  go(link.pathname + link.search);
});
