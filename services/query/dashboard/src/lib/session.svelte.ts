/** Who is signed in. */
import { api, ask, Failure, onSignedOut, type Schemas } from './api';
import { go, route, safePath } from './router.svelte';

type Me = Schemas['MeView'];
const RANKS = ['viewer', 'developer', 'admin'];

class Session {
  me = $state.raw<Me | null>(null);
  /** Whether it is known yet who is signed in. */
  known = $state(false);
  problem = $state.raw<Failure | undefined>(undefined);

  /** Whether the role in the active organisation is at least this one. The API decides; this only hides what it would refuse. */
  may(role: 'viewer' | 'developer' | 'admin'): boolean {
    return RANKS.indexOf(this.me?.org?.role ?? '') >= RANKS.indexOf(role);
  }

  async load() {
    try {
      this.me = (await ask(api.GET('/api/me'), { stay: true })).data;
      this.problem = undefined;
    } catch (error) {
      this.me = null;
      this.problem = error instanceof Failure && error.status !== 401 ? error : undefined;
    }
    this.known = true;
  }

  async logout() {
    await ask(api.POST('/api/auth/logout'), { stay: true }).catch((error: unknown) => {
      if (!(error instanceof Failure) || error.status !== 401) throw error;
    });
    this.me = null;
    go('/login');
  }

  async switchTo(org_id: string) {
    await ask(api.PUT('/api/orgs/active', { body: { org_id } }));
    // Everything on the page belongs to the other organisation.
    location.assign('/');
  }
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
  if (!session.me) return;
  session.me = null;
  go(loginPath());
});
