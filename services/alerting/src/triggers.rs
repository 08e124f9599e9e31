//! Events that say "look now". They shorten the wait for the sweep and decide nothing: what the database holds does.
//! Those of lines come often, and are looked at together ([`crate::heard`]).

use actix_web::web;
use bus::{BusConfig, Consumer, ConsumerOptions, HandlerError, Publisher};
use db::alert_rules;
use db::{DbError, causes};
use domain::alerting::rule::{RuleScope, RuleType};
use domain::events::{Envelope, Event, RoutingKey};
use domain::ids::{AlertRuleId, EnvironmentId, OrgId, ServiceId};
use service_kit::Kit;

use crate::app::State;
use crate::evaluation::{self, EvaluationError};

/// Events handled at once; how many of them evaluate at once is decided with the sweep's.
const PREFETCH: u16 = 4;

pub(crate) struct Consumers {
    hints: Consumer,
    events: Consumer,
}

impl Consumers {
    /// Waits for the handlers that run when the service stops.
    pub(crate) async fn stopped(self) {
        tokio::join!(self.hints.stopped(), self.events.stopped());
    }
}

/// Consumes until the service stops, as soon as the broker is there.
pub(crate) fn start(
    kit: &Kit,
    state: &web::Data<State>,
    broker: &BusConfig,
    publisher: &Publisher,
) -> Consumers {
    let consume = |options: ConsumerOptions| {
        let (kit, state) = (kit.clone(), state.clone());
        Consumer::start(
            broker,
            publisher,
            options.prefetch(PREFETCH),
            kit.stopping.clone(),
            move |envelope| {
                let (kit, state) = (kit.clone(), state.clone());
                async move { handle(&kit, &state, envelope).await }
            },
        )
    };
    Consumers {
        hints: consume(ConsumerOptions::hints(
            "alerting-hints",
            [RoutingKey::LogsCounted],
        )),
        events: consume(ConsumerOptions::events(
            "alerting",
            [RoutingKey::DeploymentChanged, RoutingKey::RuleChanged],
        )),
    }
}

async fn handle(kit: &Kit, state: &State, envelope: Envelope) -> Result<(), HandlerError> {
    match envelope.event {
        Event::LogsCountedV1 {
            org_id,
            service_id,
            environment_id,
        } => {
            state.heard.of(org_id, service_id, environment_id);
            Ok(())
        }
        Event::DeploymentChangedV1 {
            org_id,
            service_id,
            environment_id,
            ..
        } => {
            state.heard.again(org_id, service_id, environment_id);
            deployed(kit, state, org_id, service_id, environment_id).await
        }
        Event::RuleChangedV1 { org_id, rule_id } => {
            let evaluated = evaluation::run(kit, state, org_id, rule_id, RuleScope::default()).await;
            retriable(evaluated.map(|_report| ()))
        }
        Event::IncidentChangedV1 { .. } | Event::KeyRevokedV1 { .. } => Ok(()),
    }
}

async fn deployed(
    kit: &Kit,
    state: &State,
    org_id: OrgId,
    service_id: ServiceId,
    environment_id: EnvironmentId,
) -> Result<(), HandlerError> {
    let focus = RuleScope {
        service_id: Some(service_id),
        environment_id: Some(environment_id),
    };
    let rules = watching_deployments(kit, org_id, service_id, environment_id)
        .await
        .map_err(HandlerError::retry)?;
    let mut result = Ok(());
    for rule_id in rules {
        // One that fails keeps no other from its turn.
        let evaluated = evaluation::run(kit, state, org_id, rule_id, focus).await;
        result = result.and(retriable(evaluated.map(|_report| ())));
    }
    result
}

async fn watching_deployments(
    kit: &Kit,
    org_id: OrgId,
    service_id: ServiceId,
    environment_id: EnvironmentId,
) -> Result<Vec<AlertRuleId>, DbError> {
    let mut conn = kit.db.conn("alerting.trigger").await?;
    let tx = conn.tenant(org_id).await?;
    let kinds = [RuleType::DeploymentFailure, RuleType::DeployRegression];
    alert_rules::watching(&tx, &kinds, service_id, environment_id).await
}

/// A failure that may pass is tried again; another one is noted with its rule, and trying again would not help.
fn retriable(result: Result<(), EvaluationError>) -> Result<(), HandlerError> {
    match result {
        Ok(()) => Ok(()),
        Err(EvaluationError::Db(error)) if error.is_unavailable() => Err(HandlerError::retry(error)),
        Err(EvaluationError::TooSlow) => Err(HandlerError::retry(EvaluationError::TooSlow)),
        Err(error @ EvaluationError::Db(_)) => {
            tracing::debug!(
                error = causes::chain(&error),
                "an event was handled without effect"
            );
            Ok(())
        }
    }
}
