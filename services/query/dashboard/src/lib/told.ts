/** Who was told and why, in words. */
import type { Schemas } from './api';
import { stamp } from './format';

export const STATES: [Schemas['JobState'], string][] = [
  ['pending', 'waiting'],
  ['claimed', 'being sent'],
  ['sent', 'sent'],
  ['dead', 'given up'],
  ['unknown', 'may have arrived'],
  ['held', 'held back'],
  ['unrouted', 'nobody chosen'],
];

export const stateWords = (state: string): string => STATES.find(([known]) => known === state)?.[1] ?? state;

/** What may be sent again: what was given up, and what nobody knows of. */
export const canRetry = (state: string): boolean => state === 'dead' || state === 'unknown';

export function chosenWords(chosen: Schemas['ChosenBy'] | null | undefined): string {
  switch (chosen?.by) {
    case 'route': return `by the route “${chosen.name}”`;
    case 'opening': return 'since it was told of the opening';
    case 'any_other': return 'since nobody whom the routes choose can be told';
    case 'default': return 'since no route matches';
    case undefined: return '';
  }
}

export function heldWords(held: Schemas['HeldBack'] | null | undefined): string {
  switch (held?.held_by) {
    case 'silence': return `held back by a silence until ${stamp(held.until, 'local', false)}: ${held.reason}`;
    case 'maintenance': return `held back by the maintenance window “${held.name}” until ${stamp(held.until, 'local', false)}`;
    case 'channel_disabled': return 'the channel is switched off';
    case 'channel_paused': return 'the channel is paused, because it kept failing';
    case 'opening_held': return 'it was not told of the opening';
    case 'snoozed': return `held back while the incident is snoozed, until ${stamp(held.until, 'local', false)}`;
    case undefined: return '';
  }
}

/** Where a row can be looked at; not all have a page. */
export function rowPath(row: { table: string; id: string }): string | null {
  const id = encodeURIComponent(row.id);
  switch (row.table) {
    case 'incidents': return `/incidents/${id}`;
    case 'alert_rules': return `/alerts/${id}`;
    case 'silences': return `/silences?show=all&silence=${id}`;
    case 'maintenance_windows': return '/silences?show=windows';
    case 'notification_routes': return '/routing';
    case 'notification_channels': return '/channels';
    default: return null;
  }
}
