import { describe, expect, it } from 'vitest';
import { draftOf, matcherFromAddress, matcherOf, matcherWords, silencePath } from '../../src/lib/matcher';
import { minutesWords, phase, stampIn } from '../../src/lib/moments';
import { bodyOf, differences, draftOfRule, formOf, freshRule, initialParams, meaningOf, paramsOf, RULE_KINDS, type RuleType } from '../../src/lib/rules';
import { canRetry, chosenWords, heldWords, rowPath } from '../../src/lib/told';

const words = { service: (id: string) => `service ${id}`, environment: (id: string) => id, rule: (id: string) => id };

describe('kinds of alerts', () => {
  it('each say what they mean with what they begin with', () => {
    for (const [type, kind] of Object.entries(RULE_KINDS)) {
      expect(kind.meaning(initialParams(type as RuleType)), type).not.toMatch(/undefined|NaN/);
      for (const field of kind.fields) expect(field.choices?.some(([value]) => value === field.initial) ?? true, `${type} ${field.name}`).toBe(true);
    }
  });
  it('send numbers as numbers, lists as lists, and leave out what is empty', () => {
    expect(paramsOf('log_query', { q: 'a', comparison: 'at_least', threshold: '10', window_seconds: '300', group_by: 'http.path, region', other: 1 })).toEqual({ q: 'a', comparison: 'at_least', threshold: 10, window_seconds: 300, group_by: ['http.path', 'region'] });
    expect(paramsOf('log_query', { q: 'a', group_by: '' })).toEqual({ q: 'a' });
    expect(paramsOf('new_pattern', { since: 'days:7', min_count: '2', window_minutes: 60 })).toEqual({ since: { days: 7 }, min_count: 2, window_minutes: 60 });
    expect(paramsOf('new_pattern', { since: 'ever', min_count: 1 })).toEqual({ since: 'ever', min_count: 1 });
    expect(paramsOf('deployment_failure', { threshold: 3 })).toEqual({});
  });
  it('come back from a rule as they went', () => {
    const rule = { type: 'log_query', params: { q: 'declined', threshold: 3, window_seconds: 60, group_by: ['region'] }, name: 'n', description: '', severity: 'high', labels: { team: 'x' }, for_seconds: 60, keep_firing_for_seconds: 300, cooldown_seconds: 0, service_id: 's', environment_id: null, runbook_url: null } as never;
    const form = formOf(rule);
    expect(form.params.group_by).toBe('region');
    expect(bodyOf(form)).toEqual({ name: 'n', description: '', severity: 'high', labels: { team: 'x' }, runbook_url: null, params: { q: 'declined', threshold: 3, window_seconds: 60, group_by: ['region'], comparison: 'at_least' }, service_id: 's', environment_id: null, for_seconds: 60, keep_firing_for_seconds: 300, cooldown_seconds: 0 });
    expect(meaningOf(rule)).toBe('3 lines within 1 min match “declined”, for each region, for 1 min; over once it was false for 5 min');
    expect(meaningOf({ ...(rule as object), type: 'new_pattern', params: { since: { days: 3 }, min_count: 2, window_minutes: 60 }, for_seconds: 0, keep_firing_for_seconds: 0 } as never)).toBe('2 error lines come within 1 h that are like none in the 3 days before');
    expect(draftOfRule(freshRule())).toMatchObject({ type: 'error_count', params: { threshold: 5, window_seconds: 60 }, service_id: null });
    expect(meaningOf({ ...(rule as object), type: 'of_tomorrow', params: {} } as never)).toMatch(/^of tomorrow/);
  });
  it('show what a version changed', () => {
    expect(differences({ params: { threshold: 5, w: 1 }, for: 0 }, { params: { threshold: 8, w: 1 }, for: 0, labels: { a: 'b' } })).toEqual([
      { path: 'labels', before: 'nothing', after: '{"a":"b"}' },
      { path: 'params.threshold', before: '5', after: '8' },
    ]);
    expect(differences({ a: [1] }, { a: [1] })).toEqual([]);
  });
});

describe('which incidents something is about', () => {
  const matcher = { min_severity: 'high', max_severity: null, service_id: 'a', environment_id: 'b', rule_id: null, labels: { team: 'x' } } as const;
  it('is said in words, and survives a form', () => {
    expect(matcherWords(matcher, words)).toEqual(['severity high or higher', 'service service a', 'environment b', 'team=x']);
    expect(matcherOf(draftOf(matcher))).toEqual(matcher);
    expect(matcherWords({ ...matcher, min_severity: 'low', max_severity: 'low', service_id: null, environment_id: null, labels: {} }, words)).toEqual(['severity low']);
    expect(matcherWords({ min_severity: null, max_severity: null, service_id: null, environment_id: null, rule_id: null, labels: {} }, words)).toEqual([]);
  });
  it('is filled in by a link', () => {
    const path = silencePath({ service_id: 's', environment_id: null, rule_id: 'r' });
    expect(path).toBe('/silences?new=1&service_id=s&rule_id=r');
    expect(matcherFromAddress(new URLSearchParams('service_id=s&label=a%3Db%3Dc&label=x&min_severity=loud'))).toMatchObject({ service_id: 's', min_severity: '', labels: [['a', 'b=c']] });
  });
});

describe('who was told', () => {
  it('is said with its reason', () => {
    expect(chosenWords({ by: 'route', name: 'urgent', route_id: 'r' })).toBe('by the route “urgent”');
    expect(heldWords({ held_by: 'maintenance', name: 'backups', until: '2026-01-31T12:00:00Z', window_id: 'w' })).toMatch(/^held back by the maintenance window “backups” until 2026-/);
    expect(heldWords({ held_by: 'snoozed', until: '2026-01-31T12:00:00Z' })).toMatch(/^held back while the incident is snoozed, until 2026-/);
    expect([chosenWords(null), heldWords(undefined)]).toEqual(['', '']);
    expect(['dead', 'unknown', 'sent', 'held'].map(canRetry)).toEqual([true, true, false, false]);
    expect([rowPath({ table: 'silences', id: 'a/b' }), rowPath({ table: 'incident_events', id: 'x' })]).toEqual(['/silences?show=all&silence=a%2Fb', null]);
  });
});

describe('moments', () => {
  it('are read on the clock of another zone, on both sides of a change', () => {
    expect(stampIn('2026-03-29T00:30:00Z', 'Europe/Berlin')).toBe('Sun 2026-03-29 01:30');
    expect(stampIn('2026-03-29T01:30:00Z', 'Europe/Berlin')).toBe('Sun 2026-03-29 03:30');
  });
  it('are to come, now or over', () => {
    const one = { starts_at: '2026-01-31T12:00:00Z', ends_at: '2026-01-31T13:00:00Z' };
    const at = (text: string) => Date.parse(text);
    expect([phase(one, at('2026-01-31T11:59:00Z')), phase(one, at('2026-01-31T12:00:00Z')), phase(one, at('2026-01-31T13:00:00Z'))]).toEqual(['pending', 'active', 'over']);
    expect(phase({ ...one, ended_at: '2026-01-31T12:10:00Z' }, at('2026-01-31T12:20:00Z'))).toBe('over');
    expect([minutesWords(90), minutesWords(2880), minutesWords(1500)]).toEqual(['1 h 30 min', '2 d', '1 d 1 h']);
  });
});
