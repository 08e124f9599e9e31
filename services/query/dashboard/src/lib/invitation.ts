/** The token of an invitation stands behind the # of its link, so that no server's log has it. It is kept while one logs in. */

const KEY = 'invitation';

export function keepInvitation() {
  if (location.pathname !== '/invite' || location.hash.length < 2) return;
  sessionStorage.setItem(KEY, location.hash.slice(1));
  history.replaceState(null, '', '/invite');
}

export const invitation = (): string => sessionStorage.getItem(KEY) ?? '';
