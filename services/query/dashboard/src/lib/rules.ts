/** The kinds of alerts: what people fill in, and what they read. What they mean is decided by the API. */
import type { Schemas } from './api';
import { count, duration } from './format';
import { labelsOf, pairsOf, type Severity } from './matcher';

export type RuleType = Schemas['RuleType'];
type Values = Record<string, string | number>;

/** A parameter of a kind. */
export interface ParamField {
  name: string;
  label: string;
  hint?: string;
  /** `seconds`: one of `choices`, or another. `names`: several, separated by commas. */
  input: 'number' | 'seconds' | 'text' | 'choice' | 'names';
  initial: string | number;
  choices?: [string | number, string][];
  min?: number;
  max?: number;
  step?: string;
}

export interface RuleKind {
  /** Behind “when”. */
  name: string;
  fields: ParamField[];
  meaning: (params: Values) => string;
  /** What its chart shows; null where a draft has no history. */
  reads: string | null;
  /** Whether it is of one environment of one service, and not of each. */
  onePlace?: boolean;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const WINDOWS = [10, 30, 60, 300, 600, 1800, 3600, 21600, 86400];
const seconds = (name: string, label: string, initial: number, choices: number[], hint = ''): ParamField => ({ name, label, hint, input: 'seconds', initial, choices: choices.map((value) => [value, duration(value)]) });
const within = (most: number, initial = 300): ParamField => seconds('window_seconds', 'Within', initial, WINDOWS.filter((entry) => entry <= most));
const number = (name: string, label: string, initial: number, more: Partial<ParamField> = {}): ParamField => ({ name, label, input: 'number', initial, min: 1, ...more });
const time = (value: string | number | undefined): string => duration(Number(value ?? 0));
const amount = (value: string | number | undefined): string => count(Number(value ?? 0));

const daysBefore = (days: number): string => `in the ${days === 1 ? 'day' : `${days} days`} before`;
/** The moment from which on a pattern is remembered; days are an object in the API. */
const SINCE: [string, string][] = [
  ['ever', 'ever before'], ['last_deployment', 'since the last deployment'], ['previous_deployment', 'since the deployment before the last'],
  ...[1, 7, 14, 30].map((days): [string, string] => [`days:${days}`, daysBefore(days)]),
];

/** To add a kind is to add it here. */
export const RULE_KINDS: Record<RuleType, RuleKind> = {
  error_count: {
    name: 'many error lines arrive',
    fields: [number('threshold', 'Error lines', 5, { hint: 'Of level error or fatal.' }), within(86400, 60)],
    meaning: ({ threshold, window_seconds }) => `${amount(threshold)} error lines within ${time(window_seconds)}`,
    reads: 'Error lines within the window',
  },
  error_rate: {
    name: 'too large a part of the lines are errors',
    fields: [number('threshold_percent', 'Percent of the lines', 5, { min: 0.001, max: 100, step: 'any' }), within(86400), number('min_lines', 'Of at least so many lines', 50, { hint: 'Two errors among three lines are no trend.' })],
    meaning: ({ threshold_percent, window_seconds, min_lines }) => `${threshold_percent} % of the lines within ${time(window_seconds)} are errors, of ${amount(min_lines)} lines at least`,
    reads: 'Percent of the lines that are errors',
  },
  log_query: {
    name: 'many lines, or few, match a search',
    fields: [
      { name: 'q', label: 'Search', hint: 'As in the log explorer, without a pipe.', input: 'text', initial: '' },
      { name: 'comparison', label: 'When there are', input: 'choice', initial: 'at_least', choices: [['at_least', 'at least so many'], ['below', 'fewer than']] },
      number('threshold', 'Lines', 10), within(3600),
      { name: 'group_by', label: 'By itself for each (optional)', hint: 'Up to two fields, such as http.path; not with “fewer than”.', input: 'names', initial: '' },
    ],
    meaning: ({ q, comparison, threshold, window_seconds, group_by }) => `${comparison === 'below' ? `fewer than ${amount(threshold)}` : amount(threshold)} lines within ${time(window_seconds)} match “${q}”${group_by ? `, for each ${group_by}` : ''}`,
    reads: 'Lines that match within the window',
  },
  new_pattern: {
    name: 'an error of a new kind shows up',
    fields: [
      { name: 'since', label: 'Like none', hint: 'Messages are alike that differ in numbers, ids and names only.', input: 'choice', initial: 'ever', choices: SINCE },
      number('min_count', 'Lines of it at least', 1),
      number('window_minutes', 'Within so many minutes', 60, { min: 5, max: 1440 }),
    ],
    meaning: ({ since, min_count, window_minutes }) => `${amount(min_count)} error ${Number(min_count) === 1 ? 'line comes' : 'lines come'} within ${time(Number(window_minutes) * 60)} that ${Number(min_count) === 1 ? 'is' : 'are'} like none ${SINCE.find(([value]) => value === since)?.[1] ?? daysBefore(Number(String(since).slice(5)))}`,
    reads: 'Lines of the newest such kind within the window',
  },
  silence: {
    name: 'a source falls silent',
    fields: [seconds('window_seconds', 'Nothing for', 600, [60, 300, 600, 1800, 3600, 21600, 86400, 604800], 'Only where there was something before.')],
    meaning: ({ window_seconds }) => `a source that sent before sends nothing for ${time(window_seconds)}`,
    reads: 'Seconds without a line',
  },
  deployment_failure: { name: 'a deployment fails', fields: [], meaning: () => 'a deployment fails', reads: '1 while the newest deployment is a failed one' },
  deploy_regression: {
    name: 'there are more errors after a deployment',
    fields: [seconds('window_seconds', 'Compare so long before and after', 600, [60, 300, 600, 1800, 3600]), number('min_errors', 'Errors at least', 10), number('factor', 'Times as many as before', 3, { min: 1, max: 1000, step: 'any' })],
    meaning: ({ window_seconds, min_errors, factor }) => `the ${time(window_seconds)} after a deployment have ${factor} times the errors of as long before, and ${amount(min_errors)} at least`,
    reads: 'Errors after the deployment',
  },
  heartbeat: {
    name: 'a job does not call',
    fields: [seconds('every_seconds', 'It calls every', 3600, [30, 60, 300, 600, 1800, 3600, 21600, 86400, 604800]), seconds('grace_seconds', 'And may be late by', 300, [0, 30, 60, 300, 600, 1800, 3600, 21600])],
    meaning: ({ every_seconds, grace_seconds }) => `a job that calls every ${time(every_seconds)} is late by more than ${time(grace_seconds)}`,
    reads: null,
    onePlace: true,
  },
};

export const isRuleType = (text: string): text is RuleType => Object.hasOwn(RULE_KINDS, text);

export const kindOf = (type: string): RuleKind => RULE_KINDS[type as RuleType] ?? { name: type, fields: [], meaning: () => type.replaceAll('_', ' '), reads: null };

export interface RuleForm {
  name: string;
  description: string;
  type: RuleType;
  params: Values;
  severity: Severity;
  service_id: string;
  environment_id: string;
  for_seconds: number;
  keep_firing_for_seconds: number;
  cooldown_seconds: number;
  labels: [string, string][];
  runbook_url: string;
}

export const initialParams = (type: RuleType): Values => Object.fromEntries(kindOf(type).fields.map(({ name, initial }) => [name, initial]));

export const freshRule = (): RuleForm => ({
  name: '', description: '', type: 'error_count', params: initialParams('error_count'), severity: 'high', service_id: '', environment_id: '',
  for_seconds: 0, keep_firing_for_seconds: 0, cooldown_seconds: 300, labels: [], runbook_url: '',
});

/** The parameters as people read them: lists are texts. */
export function readParams(params: Record<string, unknown>): Values {
  const shown = (value: unknown): string | number => (typeof value === 'number' ? value : Array.isArray(value) ? value.join(', ') : isObject(value) ? Object.entries(value).map((entry) => entry.join(':')).join() : String(value ?? ''));
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, shown(value)]));
}

/** The parameters as the API takes them: what was left empty is left out. */
export function paramsOf(type: RuleType, filled: Values): Record<string, unknown> {
  const entries = kindOf(type).fields.flatMap(({ name, input }): [string, unknown][] => {
    const value = filled[name];
    if (value === undefined || value === null || value === '') return [];
    if (input === 'number' || input === 'seconds') return [[name, Number(value)]];
    if (name === 'since' && String(value).startsWith('days:')) return [[name, { days: Number(String(value).slice(5)) }]];
    return [[name, input === 'names' ? String(value).split(/[\s,]+/).filter(Boolean) : value]];
  });
  return Object.fromEntries(entries);
}

export function formOf(rule: Schemas['RuleView']): RuleForm {
  const { name, description, severity, for_seconds, keep_firing_for_seconds, cooldown_seconds } = rule;
  const type = rule.type as RuleType;
  return {
    name, description, type, severity, for_seconds, keep_firing_for_seconds, cooldown_seconds,
    params: { ...initialParams(type), ...readParams(rule.params) },
    service_id: rule.service_id ?? '', environment_id: rule.environment_id ?? '', labels: pairsOf(rule.labels), runbook_url: rule.runbook_url ?? '',
  };
}

/** What decides of a rule, to be tried. The document says no more of parameters than that they are an object. */
export function draftOfRule(form: RuleForm): Schemas['Draft'] {
  return {
    type: form.type, params: paramsOf(form.type, form.params) as never, service_id: form.service_id || null, environment_id: form.environment_id || null,
    for_seconds: form.for_seconds, keep_firing_for_seconds: form.keep_firing_for_seconds, cooldown_seconds: form.cooldown_seconds,
  };
}

/** All of a rule but its type, which does not change. */
export function bodyOf(form: RuleForm) {
  const { type: _, ...decides } = draftOfRule(form);
  return { ...decides, name: form.name, description: form.description, severity: form.severity, labels: labelsOf(form.labels), runbook_url: form.runbook_url.trim() || null };
}

/** What a rule means, in a sentence without its place. */
export function meaningOf(rule: { type: string; params: Record<string, unknown>; for_seconds: number; keep_firing_for_seconds: number; cooldown_seconds: number }): string {
  const hold = rule.for_seconds ? `, for ${duration(rule.for_seconds)}` : '';
  const keep = rule.keep_firing_for_seconds ? `; over once it was false for ${duration(rule.keep_firing_for_seconds)}` : '';
  const rest = rule.cooldown_seconds ? `; then not again for ${duration(rule.cooldown_seconds)}` : '';
  return `${kindOf(rule.type).meaning(readParams(rule.params))}${hold}${keep}${rest}`;
}

export interface Difference {
  path: string;
  before: string;
  after: string;
}

const text = (value: unknown): string => (value === undefined || value === null ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value));

/** What one version says otherwise than another, field by field. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => differences(before[name], after[name], path ? `${path}.${name}` : name));
  }
  return text(before) === text(after) ? [] : [{ path, before: text(before), after: text(after) }];
}
