/** Who is signed in. */
import { api, ask, Failure, onSignedOut, type Schemas } from './api';
import { go, route, safePath } from './router.svelte';

type Me = Schemas['MeView'];
const RANKS = ['viewer', 'developer', 'admin'];
const AGAIN_MS = 5000;

class Session {
  me = $state.raw<Me | null>(null);
  /** Somebody is, but who cannot be told now: accounts are away. The other parts look at the session themselves. */
  nameless = $state(false);
  /** Whether it is known yet who is signed in. */
  known = $state(false);
  problem = $state.raw<Failure | undefined>(undefined);
  #again: ReturnType<typeof setTimeout> | undefined;

  get signedIn(): boolean {
    return this.me !== null || this.nameless;
  }

  /** Whether the role in the active organisation is at least this one. The API decides; this only hides what it would refuse. */
  may(role: 'viewer' | 'developer' | 'admin'): boolean {
    return this.nameless || RANKS.indexOf(this.me?.org?.role ?? '') >= RANKS.indexOf(role);
  }

  async load() {
    clearTimeout(this.#again);
    try {
      this.me = (await ask(api.GET('/api/me'), { stay: true })).data;
      this.problem = undefined;
      this.nameless = false;
    } catch (error) {
      this.problem = error instanceof Failure && error.status !== 401 ? error : undefined;
      if (!this.problem) this.leave();
      else if (!this.me) this.nameless = await accepted();
      if (this.signedIn && this.problem) this.#again = setTimeout(() => void this.load(), AGAIN_MS);
    }
    this.known = true;
  }

  leave() {
    clearTimeout(this.#again);
    this.me = null;
    this.nameless = false;
  }

  async logout() {
    await ask(api.POST('/api/auth/logout'), { stay: true }).catch((error: unknown) => {
      if (!(error instanceof Failure) || error.status !== 401) throw error;
    });
    this.leave();
    go('/login');
  }

  async switchTo(org_id: string) {
    await ask(api.PUT('/api/orgs/active', { body: { org_id } }));
    // Everything on the page belongs to the other organisation.
    location.assign('/');
  }
}

/** Whether a part that keeps no accounts takes the session. */
async function accepted(): Promise<boolean> {
  return ask(api.GET('/api/status'), { stay: true }).then(() => true, () => false);
}

export const session = new Session();

export const loginPath = () => `/login?next=${encodeURIComponent(route.path + route.search)}`;

/** After signing in: back to where one came from. */
export async function enter(fallback: string) {
  await session.load();
  const next = route.params.get('next');
  go(next ? safePath(next) : fallback, { replace: true });
}

onSignedOut(() => {
  if (!session.signedIn) return;
  session.leave();
  go(loginPath());
});
