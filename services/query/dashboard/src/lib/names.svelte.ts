/** Names of services, environments and members, for pages that have ids. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { api, ask } from './api';

class Names {
  services = new SvelteMap<string, string>();
  #environments = new SvelteMap<string, string>();
  #members = new SvelteMap<string, string>();
  #asked = new SvelteSet<string>();

  async load() {
    const services = await ask(api.GET('/api/services', { params: { query: { limit: 1000 } } })).catch(() => null);
    for (const service of services?.data ?? []) this.services.set(service.id, service.name);
  }

  async loadMembers() {
    const members = await ask(api.GET('/api/members', { params: { query: { limit: 1000 } } })).catch(() => null);
    for (const member of members?.data ?? []) this.#members.set(member.user_id, member.name || member.email);
  }

  /** What is not known (yet) is shown by the beginning of its id. */
  service = (id: string | null | undefined): string => (id ? (this.services.get(id) ?? id.slice(0, 8)) : 'every service');

  environment = (id: string | null | undefined): string => (id ? (this.#environments.get(id) ?? id.slice(0, 8)) : 'every environment');

  member = (id: string | null | undefined): string => (id ? (this.#members.get(id) ?? id.slice(0, 8)) : 'Sightline');

  /** Asks for the environments of these services, each once. */
  async needEnvironments(ids: Iterable<string | null | undefined>) {
    const wanted = new Set([...ids].filter((id): id is string => Boolean(id) && !this.#asked.has(id ?? '')));
    for (const id of wanted) this.#asked.add(id);
    await Promise.all(
      [...wanted].map(async (id) => {
        const answer = await ask(api.GET('/api/services/{id}/environments', { params: { path: { id }, query: { limit: 1000 } } })).catch(() => null);
        for (const entry of answer?.data ?? []) this.#environments.set(entry.id, entry.name);
      }),
    );
  }
}

export const names = new Names();
