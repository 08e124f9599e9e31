/** Which incidents something is about, as people fill it in and as they read it. */
import type { Schemas } from './api';

export type Severity = Schemas['Severity'];
export const SEVERITIES: Severity[] = ['low', 'medium', 'high', 'critical'];

/** What is known by an id, in words. */
export interface Words {
  service: (id: string) => string;
  environment: (id: string) => string;
  rule: (id: string) => string;
}

export interface MatcherDraft {
  min_severity: Severity | '';
  max_severity: Severity | '';
  service_id: string;
  environment_id: string;
  rule_id: string;
  labels: [string, string][];
}

export const ANY: MatcherDraft = { min_severity: '', max_severity: '', service_id: '', environment_id: '', rule_id: '', labels: [] };

export const labelsOf = (pairs: [string, string][]): Record<string, string> => Object.fromEntries(pairs.map(([name, value]) => [name.trim(), value.trim()] as const).filter(([name]) => name));

export const pairsOf = (labels: Record<string, string>): [string, string][] => Object.entries(labels);

export function draftOf(matcher: Schemas['Matcher']): MatcherDraft {
  const { min_severity, max_severity, service_id, environment_id, rule_id } = matcher;
  return { min_severity: min_severity ?? '', max_severity: max_severity ?? '', service_id: service_id ?? '', environment_id: environment_id ?? '', rule_id: rule_id ?? '', labels: pairsOf(matcher.labels) };
}

export function matcherOf(draft: MatcherDraft): Schemas['Matcher'] {
  return {
    min_severity: draft.min_severity || null,
    max_severity: draft.max_severity || null,
    service_id: draft.service_id || null,
    environment_id: draft.environment_id || null,
    rule_id: draft.rule_id || null,
    labels: labelsOf(draft.labels),
  };
}

function severities(min: Severity | null, max: Severity | null): string[] {
  if (min && max) return [min === max ? `severity ${min}` : `severity ${min} to ${max}`];
  if (min) return [min === 'critical' ? 'severity critical' : `severity ${min} or higher`];
  if (max) return [max === 'low' ? 'severity low' : `severity ${max} or lower`];
  return [];
}

/** Each condition by itself; none of them: every incident. */
export function matcherWords(matcher: Schemas['Matcher'], words: Words): string[] {
  return [
    ...severities(matcher.min_severity, matcher.max_severity),
    ...(matcher.service_id ? [`service ${words.service(matcher.service_id)}`] : []),
    ...(matcher.environment_id ? [`environment ${words.environment(matcher.environment_id)}`] : []),
    ...(matcher.rule_id ? [`alert ${words.rule(matcher.rule_id)}`] : []),
    ...pairsOf(matcher.labels).map(([name, value]) => `${name}=${value}`),
  ];
}

/** What a link to a form of ours fills in. */
export function matcherFromAddress(params: URLSearchParams): MatcherDraft {
  const text = (name: string) => params.get(name) ?? '';
  const severity = SEVERITIES.find((entry) => entry === text('min_severity')) ?? '';
  const labels = params.getAll('label').flatMap((label): [string, string][] => (label.includes('=') ? [[label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)]] : []));
  return { ...ANY, min_severity: severity, service_id: text('service_id'), environment_id: text('environment_id'), rule_id: text('rule_id'), labels };
}

/** The form of a silence, filled in for an incident or an alert. */
export function silencePath(about: { service_id?: string | null | undefined; environment_id?: string | null | undefined; rule_id?: string | null | undefined }): string {
  const given = Object.entries({ service_id: about.service_id, environment_id: about.environment_id, rule_id: about.rule_id }).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `/silences?${new URLSearchParams([['new', '1'], ...given])}`;
}
