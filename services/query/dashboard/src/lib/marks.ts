/** Things that happened, to be drawn on charts of time. */

export interface Mark {
  id: string;
  kind: 'deployment' | 'incident';
  /** Milliseconds. */
  at: number;
  title: string;
  detail: string;
  href: string;
  bad: boolean;
}

interface Deployment {
  id: string;
  status: string;
  status_at: string;
  finished_at?: string | null | undefined;
  name?: string | null | undefined;
  version?: string | null | undefined;
  commit_sha?: string | null | undefined;
  commit_message?: string | null | undefined;
}

interface Incident {
  id: string;
  title: string;
  severity: string;
  status: string;
  opened_at: string;
}

/** When a deployment took effect, as far as is known. */
export const deployedAt = (entry: { status_at: string; finished_at?: string | null | undefined }): number => Date.parse(entry.finished_at ?? entry.status_at);

/** What people call a deployment. */
export const deploymentName = (entry: Deployment): string => entry.version || entry.commit_sha?.slice(0, 12) || entry.name || 'without a version';

export const firstLine = (text: string | null | undefined): string => (text ?? '').split('\n')[0]?.slice(0, 300) ?? '';

export function ofDeployment(entry: Deployment, place: string): Mark {
  return {
    id: entry.id,
    kind: 'deployment',
    at: deployedAt(entry),
    title: `Deployment ${deploymentName(entry)}: ${entry.status.replace('_', ' ')}`,
    detail: [place, firstLine(entry.commit_message ?? entry.name)].filter(Boolean).join(' · '),
    href: `/deployments?deployment=${encodeURIComponent(entry.id)}`,
    bad: entry.status === 'failure',
  };
}

export function ofIncident(entry: Incident, place: string): Mark {
  return {
    id: entry.id,
    kind: 'incident',
    at: Date.parse(entry.opened_at),
    title: `Incident: ${entry.title}`,
    detail: [place, entry.severity, entry.status].filter(Boolean).join(' · '),
    href: `/incidents/${encodeURIComponent(entry.id)}`,
    bad: entry.status !== 'resolved',
  };
}

export interface Placed {
  /** Pixels from the left of the chart. */
  left: number;
  marks: Mark[];
}

/** Where marks stand; those that would cover one another stand together. */
export function place(marks: Mark[], area: { left: number; width: number; min: number; max: number }, near: number): Placed[] {
  const placed: Placed[] = [];
  for (const mark of [...marks].sort((a, b) => a.at - b.at)) {
    if (mark.at < area.min || mark.at > area.max || area.max <= area.min) continue;
    const left = area.left + ((mark.at - area.min) / (area.max - area.min)) * area.width;
    const last = placed.at(-1);
    if (last && left - last.left < near) last.marks.push(mark);
    else placed.push({ left, marks: [mark] });
  }
  return placed;
}
