use time::Duration;
use uuid::Uuid;

use super::*;
use crate::alerting::matcher::tests::{labels, subject};
use crate::ids::ServiceId;
use crate::severity::Severity;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn channel_id(number: u128) -> ChannelId {
    ChannelId(Uuid::from_u128(number))
}

fn channel(number: u128) -> Channel {
    Channel {
        id: channel_id(number),
        name: format!("channel {number}"),
        kind: ChannelType::Slack,
        enabled: true,
        paused: false,
    }
}

fn policy() -> Policy {
    Policy {
        channels: vec![channel(1), channel(2), channel(3)],
        ..Policy::default()
    }
}

fn route(number: u128, matcher: Matcher, channels: &[u128], continues: bool) -> Route {
    Route {
        id: RouteId(Uuid::from_u128(number)),
        name: format!("route {number}"),
        matcher,
        channels: channels.iter().map(|number| channel_id(*number)).collect(),
        continues,
    }
}

fn silence(number: u128, from: i64, until: i64) -> Silence {
    Silence {
        id: SilenceId(Uuid::from_u128(number)),
        reason: format!("reason {number}"),
        matcher: Matcher::default(),
        starts_at: NOW + Duration::seconds(from),
        ends_at: NOW + Duration::seconds(until),
    }
}

/// The channels that are told, in order.
fn told(targets: &[Target]) -> Vec<u128> {
    targets
        .iter()
        .filter(|target| target.held.is_none())
        .map(|target| target.channel_id.0.as_u128())
        .collect()
}

fn held(targets: &[Target]) -> Vec<&'static str> {
    targets
        .iter()
        .filter_map(|target| target.held.as_ref().map(HeldBack::as_str))
        .collect()
}

#[test]
fn without_routes_every_enabled_channel_is_told() {
    let mut policy = policy();
    policy.channels[1].enabled = false;
    let targets = policy.opened(&subject(), NOW);
    assert_eq!(told(&targets), [1, 3]);
    assert!(targets.iter().all(|target| target.chosen_by == ChosenBy::Default));
}

#[test]
fn the_first_route_that_matches_decides_unless_it_continues() {
    let of = |labels_wanted: &[(&str, &str)]| Matcher {
        labels: labels(labels_wanted),
        ..Matcher::default()
    };
    let mut policy = policy();
    policy.routes = vec![
        route(1, of(&[("team", "search")]), &[1], false),
        route(2, of(&[("team", "payments")]), &[2, 1], true),
        route(3, of(&[("tier", "1")]), &[1, 3], false),
        route(4, Matcher::default(), &[1], false),
    ];
    let targets = policy.opened(&subject(), NOW);
    assert_eq!(told(&targets), [2, 1, 3]);
    let by = |index: usize| match &targets[index].chosen_by {
        ChosenBy::Route { name, .. } => name.as_str(),
        other => panic!("{other:?}"),
    };
    assert_eq!((by(0), by(1), by(2)), ("route 2", "route 2", "route 3"));
    policy.routes.truncate(1);
    assert_eq!(told(&policy.opened(&subject(), NOW)), [1, 2, 3], "none matches");
}

#[test]
fn a_route_without_channels_tells_nobody() {
    let mut policy = policy();
    policy.routes = vec![route(1, Matcher::default(), &[], false)];
    assert_eq!(policy.opened(&subject(), NOW), []);
}

#[test]
fn a_channel_that_takes_nothing_gets_a_verdict_that_says_so() {
    let mut policy = policy();
    policy.channels[0].enabled = false;
    policy.channels[1].paused = true;
    policy.routes = vec![route(1, Matcher::default(), &[1, 2, 3], false)];
    let targets = policy.opened(&subject(), NOW);
    assert_eq!(
        (told(&targets), held(&targets)),
        (vec![3], vec!["channel_disabled", "channel_paused"])
    );
}

#[test]
fn a_silence_holds_from_its_first_moment_up_to_its_end() {
    let mut policy = policy();
    policy.silences = vec![silence(1, 0, 10)];
    let at = |second| held(&policy.opened(&subject(), NOW + Duration::seconds(second))).len();
    assert_eq!((at(-1), at(0), at(9), at(10)), (0, 3, 3, 0));
    policy.silences[0].matcher.service_id = Some(ServiceId(Uuid::from_u128(99)));
    assert_eq!(
        held(&policy.opened(&subject(), NOW)).len(),
        0,
        "another service's"
    );
}

#[test]
fn of_several_that_hold_back_the_last_one_to_end_is_named() {
    let mut policy = policy();
    policy.silences = vec![silence(1, -5, 5), silence(2, -5, 50), silence(3, -5, 20)];
    let window = |number, minutes| MaintenanceWindow {
        id: MaintenanceWindowId(Uuid::from_u128(number)),
        name: "nightly".into(),
        matcher: Matcher::default(),
        schedule: serde_json::from_value(
            serde_json::json!({"time_zone": "UTC", "days": ["thu"], "start": "00:00",
            "duration_minutes": minutes}),
        )
        .unwrap(),
    };
    let until = |policy: &Policy| policy.held(&subject(), NOW).and_then(|held| held.until());
    assert_eq!(until(&policy), Some(NOW + Duration::seconds(50)));
    policy.windows = vec![window(4, 1)];
    assert_eq!(until(&policy), Some(NOW + Duration::minutes(1)));
}

#[test]
fn whoever_was_told_of_the_opening_is_told_of_the_end_and_nobody_else() {
    let mut policy = policy();
    policy.silences = vec![silence(1, -5, 5)];
    policy.routes = vec![route(1, Matcher::default(), &[3], false)];
    let opening = |number, held| Opening {
        channel_id: channel_id(number),
        held,
    };
    let openings = [opening(1, false), opening(2, true)];
    let targets = policy.followed(&[subject()], NotifiedTransition::Resolved, &openings);
    // The third has no opening: it is newer than the incident, and chosen now.
    assert_eq!(
        (told(&targets), held(&targets)),
        (vec![1, 3], vec!["opening_held"])
    );
}

#[test]
fn an_acknowledgement_is_for_receivers_that_keep_a_state() {
    let mut policy = policy();
    policy.channels[1].kind = ChannelType::Pagerduty;
    let openings = [1, 2, 3].map(|number| Opening {
        channel_id: channel_id(number),
        held: false,
    });
    let targets = policy.followed(&[subject()], NotifiedTransition::Acknowledged, &openings);
    assert_eq!(told(&targets), [2]);
}

#[test]
fn a_failing_channel_is_told_of_by_another_one_whatever_the_routes_say() {
    let mut policy = policy();
    policy.channels[0].paused = true;
    policy.routes = vec![route(1, Matcher::default(), &[1], false)];
    let targets = policy.opened_about_a_channel(&subject(), channel_id(1), NOW);
    assert_eq!(
        (told(&targets), held(&targets)),
        (vec![2, 3], vec!["channel_paused"])
    );
    policy.routes = vec![route(1, Matcher::default(), &[1, 2], false)];
    let targets = policy.opened_about_a_channel(&subject(), channel_id(1), NOW);
    assert_eq!(told(&targets), [2], "the routes reach somebody");
}

#[test]
fn severities_are_compared_in_their_order() {
    let mut policy = policy();
    let at_least = |severity| Matcher {
        min_severity: Some(severity),
        ..Matcher::default()
    };
    policy.routes = vec![
        route(1, at_least(Severity::Critical), &[1], false),
        route(2, at_least(Severity::High), &[2], false),
        route(3, at_least(Severity::Low), &[3], false),
    ];
    assert_eq!(told(&policy.opened(&subject(), NOW)), [2]);
}

#[test]
fn whoever_one_of_several_problems_concerns_is_called_once_and_held_back_only_where_all_are() {
    let mut policy = policy();
    let quiet = ServiceId(Uuid::from_u128(1));
    let loud = ServiceId(Uuid::from_u128(2));
    let at = |service| Matcher {
        service_id: Some(service),
        ..Matcher::default()
    };
    policy.routes = vec![
        route(1, at(quiet), &[1, 2], false),
        route(2, at(loud), &[2, 3], false),
    ];
    policy.silences = vec![Silence {
        matcher: at(quiet),
        ..silence(1, -10, 10)
    }];
    let subjects = [quiet, loud].map(|service| Subject {
        service_id: Some(service),
        ..subject()
    });
    let called = policy.called(&subjects, NOW);
    assert_eq!(told(&called), [2, 3]);
    assert_eq!(held(&called), ["silence"]);
}

#[test]
fn while_an_incident_is_snoozed_whatever_may_be_told_later_waits() {
    let mut policy = policy();
    policy.channels[0].enabled = false;
    policy.routes = vec![route(1, Matcher::default(), &[1, 2], false)];
    let until = NOW + Duration::HOUR;
    let snoozed: Vec<Target> = policy
        .opened(&subject(), NOW)
        .into_iter()
        .map(|target| target.snoozed(Some(until)))
        .collect();
    assert_eq!(held(&snoozed), ["channel_disabled", "snoozed"]);
    assert_eq!(snoozed[1].held, Some(HeldBack::Snoozed { until }));
}
