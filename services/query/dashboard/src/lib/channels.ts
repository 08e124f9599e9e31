import type { Schemas } from './api';

export type ChannelType = Schemas['ChannelView']['type'];

/** A field of a channel's configuration, as people fill it in. */
interface ConfigField {
  name: string;
  label: string;
  hint: string;
  input: 'url' | 'text' | 'password' | 'emails';
  optional?: boolean;
}

const address = (hint: string): ConfigField => ({ name: 'webhook_url', label: 'Address', hint, input: 'url' });

/** The kinds of channels, the most common first. */
export const CHANNELS: Record<ChannelType, { name: string; fields: ConfigField[] }> = {
  slack: { name: 'Slack', fields: [address('The address of an incoming webhook: https://hooks.slack.com/services/…')] },
  slack_bot: {
    name: 'Slack app',
    fields: [
      { name: 'token', label: 'Bot token', hint: 'xoxb-…, with the right chat:write. One message per incident, with a thread.', input: 'password' },
      { name: 'channel', label: 'Channel', hint: 'Its id, such as C0123456789; invite the app to it.', input: 'text' },
    ],
  },
  email: { name: 'E-mail', fields: [{ name: 'to', label: 'To', hint: 'Up to 20 addresses, separated by commas.', input: 'emails' }] },
  teams: { name: 'Microsoft Teams', fields: [address('The address of the workflow “Post to a channel when a webhook request is received”.')] },
  discord: { name: 'Discord', fields: [address('The address of a webhook of a channel: https://discord.com/api/webhooks/…')] },
  pagerduty: { name: 'PagerDuty', fields: [{ name: 'routing_key', label: 'Integration key', hint: 'Of an Events API v2 integration of the service.', input: 'password' }] },
  opsgenie: { name: 'Opsgenie', fields: [{ name: 'api_key', label: 'API key', hint: 'Of an API integration of the team.', input: 'password' }] },
  telegram: {
    name: 'Telegram',
    fields: [
      { name: 'bot_token', label: 'Bot token', hint: 'As @BotFather gave it.', input: 'password' },
      { name: 'chat_id', label: 'Chat', hint: 'The number of the chat, or @name of a channel.', input: 'text' },
    ],
  },
  ntfy: {
    name: 'ntfy',
    fields: [
      { name: 'topic', label: 'Topic', hint: 'Whoever knows it can read it: choose one that is hard to guess.', input: 'text' },
      { name: 'server_url', label: 'Server', hint: 'https://ntfy.sh when empty.', input: 'url', optional: true },
      { name: 'token', label: 'Access token', hint: 'Where the server asks for one.', input: 'password', optional: true },
    ],
  },
  webhook: { name: 'Webhook', fields: [{ name: 'url', label: 'Address', hint: 'Your own receiver. Requests are signed as Standard Webhooks says.', input: 'url' }] },
};

/** The configuration that the API takes: what was left empty is left out. */
export function configOf(type: ChannelType, filled: Record<string, string>): Record<string, string | string[]> {
  const entries = CHANNELS[type].fields.flatMap(({ name, input }): [string, string | string[]][] => {
    const text = filled[name]?.trim() ?? '';
    if (!text) return [];
    return [[name, input === 'emails' ? text.split(/[\s,;]+/).filter(Boolean) : text]];
  });
  return Object.fromEntries(entries);
}
