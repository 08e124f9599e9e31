/** Which states are good, bad, or want attention. */
const TAGS: Record<string, string> = {
  critical: 'tag-bad', high: 'tag-bad', medium: 'tag-warn', low: '',
  open: 'tag-bad', acknowledged: 'tag-warn', resolved: 'tag-good',
  success: 'tag-good', failure: 'tag-bad', in_progress: 'tag-accent', pending: 'tag-accent', cancelled: '', superseded: '',
  firing: 'tag-bad', inactive: 'tag-good',
  sent: 'tag-good', dead: 'tag-bad', claimed: 'tag-accent', failed: 'tag-bad', refused: 'tag-bad', unknown: 'tag-warn',
  held: 'tag-warn', unrouted: 'tag-warn', passed: 'tag-good', stopped: 'tag-bad', waiting: 'tag-warn',
  new: 'tag-bad', gone: '', risen: 'tag-warn', fallen: '',
  ready: 'tag-good', not_ready: 'tag-warn', silent: 'tag-bad',
  applied: 'tag-good', ignored: 'tag-warn',
};

export const tag = (state: string): string => `tag ${TAGS[state] ?? ''}`;
