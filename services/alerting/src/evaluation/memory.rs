//! What a look at many organisations, one after the other, need not read again for each: it changes seldom, or knowing what it
//! was a moment ago only makes a look miss what the next one finds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use db::alert_rules::{self, AlertRule};
use db::scopes::{self, NamedScope};
use db::{Connection, DbError, TenantTx};
use domain::ids::OrgId;
use time::OffsetDateTime;

/// How old may be what is known of facts: they count as settled later by as much.
const SETTLED: Duration = Duration::from_millis(100);
/// How old may be what is known of rules and places. A rule that was changed is evaluated by itself in any case.
const WATCHED: Duration = Duration::from_secs(1);

/// An organisation's rules, and where they may look.
pub(crate) struct Watched {
    pub(crate) rules: Vec<AlertRule>,
    pub(crate) targets: Vec<NamedScope>,
    read_at: Instant,
}

impl Watched {
    fn is_recent(&self) -> bool {
        self.read_at.elapsed() < WATCHED
    }
}

#[derive(Default)]
pub(crate) struct Memory {
    settled: Option<(Instant, OffsetDateTime)>,
    watched: HashMap<OrgId, Watched>,
}

impl Memory {
    /// Up to where facts are visible to statements that follow.
    pub(super) async fn settled(&mut self, conn: &Connection) -> Result<OffsetDateTime, DbError> {
        if let Some((read_at, settled)) = self.settled
            && read_at.elapsed() < SETTLED
        {
            return Ok(settled);
        }
        self.watched.retain(|_, watched| watched.is_recent());
        let read_at = Instant::now();
        let settled = alert_rules::facts_settled_until_all_orgs(conn).await?;
        self.settled = Some((read_at, settled));
        Ok(settled)
    }

    pub(super) async fn watched(&mut self, tx: &TenantTx<'_>) -> Result<&Watched, DbError> {
        match self.watched.entry(tx.org_id()) {
            Entry::Occupied(known) if known.get().is_recent() => Ok(known.into_mut()),
            known => {
                let read_at = Instant::now();
                let rules = alert_rules::to_evaluate(tx).await?;
                let targets = if rules.is_empty() {
                    Vec::new()
                } else {
                    scopes::list(tx).await?
                };
                let watched = Watched {
                    rules,
                    targets,
                    read_at,
                };
                Ok(known.insert_entry(watched).into_mut())
            }
        }
    }

    /// Its rules have been evaluated, and are to be read anew.
    pub(crate) fn forget(&mut self, org_id: OrgId) {
        self.watched.remove(&org_id);
    }
}
