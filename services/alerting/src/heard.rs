//! Scopes of which something was heard: they are looked at soon, many at once, and again when the step is over in which it was
//! heard, since some conditions are known only then.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web;
use db::causes;
use domain::alerting::rule::{Window, floor};
use domain::ids::{EnvironmentId, OrgId, ServiceId};
use service_kit::Kit;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::app::State;
use crate::evaluation;
use crate::evaluation::memory::Memory;
use crate::evaluation::screen::{self, Focus};

/// Between two looks: what is heard meanwhile is looked at together.
const PAUSE: Duration = Duration::from_millis(100);
/// After the end of a step, until what arrived in it is committed as a rule.
const COMMITTED: Duration = Duration::from_millis(150);
/// Rules that search lines do so at most once a second each.
const SEARCHED_AGAIN: Duration = Duration::from_secs(1);
/// Scopes of an organisation that are remembered one by one; of more the sweep takes care.
const MOST_SCOPES: usize = 10_000;

type Scopes = HashSet<(ServiceId, EnvironmentId)>;

#[derive(Default)]
pub(crate) struct Heard {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    now: HashMap<OrgId, Scopes>,
    /// To be looked at once more when the step is over.
    later: HashMap<OrgId, Scopes>,
    /// To be looked at once more when searching them is not too soon.
    put_off: HashMap<OrgId, Scopes>,
}

impl Heard {
    /// Something happened there.
    pub(crate) fn of(&self, org_id: OrgId, service_id: ServiceId, environment_id: EnvironmentId) {
        {
            let mut waiting = self.waiting();
            remember(&mut waiting.now, org_id, (service_id, environment_id));
            remember(&mut waiting.later, org_id, (service_id, environment_id));
        }
        self.wake.notify_one();
    }

    /// It was looked at already, and is once more when the step is over.
    pub(crate) fn again(&self, org_id: OrgId, service_id: ServiceId, environment_id: EnvironmentId) {
        let mut waiting = self.waiting();
        remember(&mut waiting.later, org_id, (service_id, environment_id));
    }

    /// Some rules were left out: they had searched just now.
    fn put_off(&self, org_id: OrgId, scopes: Scopes) {
        let mut waiting = self.waiting();
        for scope in scopes {
            remember(&mut waiting.put_off, org_id, scope);
        }
    }

    fn has_put_off(&self) -> bool {
        !self.waiting().put_off.is_empty()
    }

    fn resume(&self) {
        let mut waiting = self.waiting();
        for (org_id, scopes) in std::mem::take(&mut waiting.put_off) {
            waiting.now.entry(org_id).or_default().extend(scopes);
        }
    }

    fn take(&self, step_is_over: bool) -> HashMap<OrgId, Scopes> {
        let mut waiting = self.waiting();
        let mut taken = std::mem::take(&mut waiting.now);
        if step_is_over {
            for (org_id, scopes) in std::mem::take(&mut waiting.later) {
                taken.entry(org_id).or_default().extend(scopes);
            }
        }
        taken
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(known: &mut HashMap<OrgId, Scopes>, org_id: OrgId, scope: (ServiceId, EnvironmentId)) {
    let scopes = known.entry(org_id).or_default();
    if scopes.len() < MOST_SCOPES {
        scopes.insert(scope);
    }
}

/// Looks at what is heard until the service stops.
pub(crate) async fn run(kit: Kit, state: web::Data<State>) {
    let mut step_ends = next_end(&kit);
    let mut resume_at: Option<Instant> = None;
    let mut memory = Memory::default();
    loop {
        let step_is_over = tokio::select! {
            () = kit.stopping.cancelled() => return,
            () = state.heard.wake.notified() => false,
            () = tokio::time::sleep_until(step_ends) => true,
            () = until(resume_at) => {
                state.heard.resume();
                resume_at = None;
                false
            }
        };
        if step_is_over {
            step_ends = next_end(&kit);
        }
        for (org_id, scopes) in state.heard.take(step_is_over) {
            look(&kit, &state, org_id, scopes, &mut memory).await;
        }
        if resume_at.is_none() && state.heard.has_put_off() {
            resume_at = Some(Instant::now() + SEARCHED_AGAIN);
        }
        tokio::select! {
            () = kit.stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// When the step that runs now is over, and what arrived in it is known.
fn next_end(kit: &Kit) -> Instant {
    let now = kit.clock.now();
    let end = floor(now, Window::SHORTEST_STEP) + Window::SHORTEST_STEP + COMMITTED;
    Instant::now() + (end - now).unsigned_abs()
}

/// What fails is evaluated by the sweep.
async fn look(kit: &Kit, state: &State, org_id: OrgId, scopes: Scopes, memory: &mut Memory) {
    let focus = Focus::Scopes(scopes.clone());
    let screened = match screen::run(kit, org_id, &focus, memory).await {
        Ok(screened) => screened,
        Err(error) => {
            tracing::debug!(
                error = causes::chain(&error),
                org.id = %org_id,
                "what was heard of organisation {org_id} is left to the sweep"
            );
            return;
        }
    };
    if screened.put_off {
        state.heard.put_off(org_id, scopes);
    }
    if !screened.to_evaluate.is_empty() {
        memory.forget(org_id);
    }
    for (rule_id, place) in screened.to_evaluate {
        let _ = evaluation::run(kit, state, org_id, rule_id, place).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_is_looked_at_once_now_and_once_when_the_step_is_over() {
        let heard = Heard::default();
        let (org, service, environment) = (
            OrgId::generate(),
            ServiceId::generate(),
            EnvironmentId::generate(),
        );
        heard.of(org, service, environment);
        heard.of(org, service, environment);
        assert_eq!(heard.take(false)[&org].len(), 1);
        assert!(heard.take(false).is_empty());
        assert_eq!(heard.take(true)[&org].len(), 1);
        assert!(heard.take(true).is_empty());
        heard.again(org, service, environment);
        assert!(heard.take(false).is_empty());
        assert_eq!(heard.take(true).len(), 1);
        heard.put_off(org, Scopes::from([(service, environment)]));
        assert!(heard.has_put_off() && heard.take(true).is_empty());
        heard.resume();
        assert!(!heard.has_put_off());
        assert_eq!(heard.take(false)[&org].len(), 1);
    }
}
