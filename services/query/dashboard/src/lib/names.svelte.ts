/** Names of services, environments, members, alerts and channels, for pages that have ids. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { api, ask, asFailure, type Failure } from './api';

class Names {
  services = new SvelteMap<string, string>();
  /** Why services have no names. */
  problem = $state.raw<Failure | undefined>();
  #environments = new SvelteMap<string, string>();
  members = new SvelteMap<string, string>();
  rules = new SvelteMap<string, string>();
  channels = new SvelteMap<string, string>();
  #asked = new SvelteSet<string>();

  #loading: Promise<void> | undefined;

  /** Loads services anew. */
  load(): Promise<void> {
    this.#loading = this.#load();
    return this.#loading;
  }

  /** Waits until services have names, as far as they can be had. */
  loaded = (): Promise<void> => this.#loading ?? this.load();

  async #load() {
    try {
      const { data } = await ask(api.GET('/api/services', { params: { query: { limit: 1000 } } }));
      for (const service of data) this.services.set(service.id, service.name);
      this.problem = undefined;
    } catch (error) {
      // The overview knows them as well, and comes from the part that shows this page.
      const overview = await ask(api.GET('/api/overview', { params: { query: { window: '1h' } } })).catch(() => null);
      for (const entry of overview?.data.services ?? []) this.services.set(entry.service_id, entry.service);
      this.problem = overview ? undefined : asFailure(error);
    }
  }

  async loadMembers() {
    const members = await ask(api.GET('/api/members', { params: { query: { limit: 1000 } } })).catch(() => null);
    for (const member of members?.data ?? []) this.members.set(member.user_id, member.name || member.email);
  }

  async loadRules() {
    const rules = await ask(api.GET('/api/alerts', { params: { query: { limit: 1000 } } })).catch(() => null);
    for (const rule of rules?.data ?? []) this.rules.set(rule.id, rule.name);
  }

  async loadChannels() {
    const channels = await ask(api.GET('/api/channels', { params: { query: { limit: 1000 } } })).catch(() => null);
    for (const channel of channels?.data ?? []) this.channels.set(channel.id, channel.name);
  }

  /** What is not known (yet) is shown by the beginning of its id. */
  service = (id: string | null | undefined): string => (id ? (this.services.get(id) ?? id.slice(0, 8)) : 'every service');

  environment = (id: string | null | undefined): string => (id ? (this.#environments.get(id) ?? id.slice(0, 8)) : 'every environment');

  member = (id: string | null | undefined): string => (id ? (this.members.get(id) ?? id.slice(0, 8)) : 'Sightline');

  rule = (id: string): string => this.rules.get(id) ?? id.slice(0, 8);

  channel = (id: string): string => this.channels.get(id) ?? id.slice(0, 8);

  /** The id of a service, if it is known. */
  idOf = (name: string): string | undefined => [...this.services].find(([, known]) => known === name)?.[0];

  /** Whether an environment has this name, as far as is known. */
  mayBe(id: string | null | undefined, name: string | undefined): boolean {
    const known = id ? this.#environments.get(id) : undefined;
    return !name || known === undefined || known === name;
  }

  /** How a search names a place; what has no known name is left out. */
  place(service_id: string | null | undefined, environment_id: string | null | undefined): { service?: string; environment?: string } {
    const service = service_id ? this.services.get(service_id) : undefined;
    const environment = environment_id ? this.#environments.get(environment_id) : undefined;
    return { ...(service ? { service } : {}), ...(service && environment ? { environment } : {}) };
  }

  /** Asks for the environments of these services, each once. */
  async needEnvironments(ids: Iterable<string | null | undefined>) {
    const wanted = new Set([...ids].filter((id): id is string => Boolean(id) && !this.#asked.has(id ?? '')));
    for (const id of wanted) this.#asked.add(id);
    await Promise.all(
      [...wanted].map(async (id) => {
        const answer = await ask(api.GET('/api/services/{id}/environments', { params: { path: { id }, query: { limit: 1000 } } })).catch(() => null);
        if (!answer) this.#asked.delete(id);
        for (const entry of answer?.data ?? []) this.#environments.set(entry.id, entry.name);
      }),
    );
  }
}

export const names = new Names();
