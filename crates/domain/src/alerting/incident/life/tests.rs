use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-30 12:00 UTC);

fn id(n: u128) -> IncidentId {
    IncidentId(Uuid::from_u128(n))
}

fn of(status: IncidentStatus) -> Standing {
    Standing {
        status,
        resolved_at: (status == IncidentStatus::Resolved).then_some(NOW - Duration::MINUTE),
        ..Standing::opened(Severity::High)
    }
}

#[test]
fn every_way_between_statuses_is_decided() {
    use IncidentStatus::{Acknowledged, Open, Resolved};
    let to = |from: IncidentStatus, action| {
        of(from)
            .after(id(1), action, NOW)
            .map(|step| step.map(|step| step.after.status))
    };
    for (from, action, expected) in [
        (Open, Action::Acknowledge, Some(Some(Acknowledged))),
        (Open, Action::Resolve, Some(Some(Resolved))),
        (Open, Action::Reopen, Some(None)),
        (Acknowledged, Action::Acknowledge, Some(None)),
        (Acknowledged, Action::Resolve, Some(Some(Resolved))),
        (Acknowledged, Action::Reopen, None),
        (Resolved, Action::Acknowledge, None),
        (Resolved, Action::Resolve, Some(None)),
        (Resolved, Action::Reopen, Some(Some(Open))),
    ] {
        assert_eq!(to(from, action).ok(), expected, "{from} {action:?}");
    }
}

#[test]
fn who_snoozes_names_a_moment_to_come_and_is_reminded_once() {
    let open = of(IncidentStatus::Open);
    for until in [
        NOW,
        NOW - Duration::SECOND,
        NOW + LONGEST_SNOOZE + Duration::SECOND,
    ] {
        let refused = open.after(id(1), Action::Snooze(until), NOW);
        assert_eq!(refused, Err(IllegalChange::SnoozeWhen { until }));
    }
    let until = NOW + Duration::HOUR;
    let asleep = open
        .after(id(1), Action::Snooze(until), NOW)
        .unwrap()
        .unwrap()
        .after;
    assert_eq!(
        asleep.after(id(1), Action::Wake, until - Duration::SECOND),
        Ok(None),
        "not yet"
    );
    let woken = asleep.after(id(1), Action::Wake, until).unwrap().unwrap();
    assert_eq!(
        (woken.after, woken.tells),
        (open, Some(NotifiedTransition::Reminded))
    );
    assert_eq!(woken.after.after(id(1), Action::Wake, until), Ok(None), "once");
    let over = asleep.after(id(1), Action::Resolve, NOW).unwrap().unwrap().after;
    assert_eq!(
        over.snoozed_until,
        Some(until),
        "if it comes back, it still sleeps"
    );
    assert_eq!(
        over.after(id(1), Action::Wake, until).unwrap().unwrap().tells,
        None
    );
    let resolved = of(IncidentStatus::Resolved);
    assert_eq!(
        resolved.after(id(1), Action::Snooze(until), NOW),
        Err(IllegalChange::SnoozeResolved)
    );
}

#[test]
fn a_merged_incident_is_told_by_the_other() {
    let (one, other) = (of(IncidentStatus::Acknowledged), of(IncidentStatus::Open));
    let into = |standing| Action::MergeInto(id(2), standing);
    let merged = one.after(id(1), into(other), NOW).unwrap().unwrap().after;
    assert_eq!(
        (merged.status, merged.merged_into),
        (IncidentStatus::Resolved, Some(id(2)))
    );
    assert_eq!(
        merged.after(id(1), Action::Reopen, NOW),
        Err(IllegalChange::Merged { into: id(2) })
    );
    assert_eq!(merged.after(id(1), into(other), NOW), Ok(None), "the same again");
    assert!(!merged.takes_back(Duration::DAY, NOW));
    assert_eq!(
        other.after(id(2), into(other), NOW),
        Err(IllegalChange::MergeIntoItself)
    );
    let round = other.after(id(2), Action::MergeInto(id(1), merged), NOW);
    assert_eq!(round, Err(IllegalChange::MergeIntoMerged { into: id(2) }));
    let over = of(IncidentStatus::Resolved);
    assert_eq!(
        one.after(id(1), into(over), NOW),
        Err(IllegalChange::MergeIntoResolved)
    );
    assert_eq!(
        over.after(id(1), into(other), NOW),
        Err(IllegalChange::MergeResolved)
    );
}

#[test]
fn only_what_becomes_more_urgent_is_told() {
    let tells = |from: IncidentStatus, to| {
        of(from)
            .after(id(1), Action::Regrade(to), NOW)
            .unwrap()
            .and_then(|step| step.tells)
    };
    assert_eq!(
        tells(IncidentStatus::Open, Severity::Critical),
        Some(NotifiedTransition::Raised)
    );
    assert_eq!(tells(IncidentStatus::Open, Severity::Low), None);
    assert_eq!(tells(IncidentStatus::Resolved, Severity::Critical), None);
}

#[test]
fn a_problem_that_comes_back_in_time_is_the_same_incident() {
    let over = of(IncidentStatus::Resolved);
    assert!(over.takes_back(Duration::seconds(61), NOW));
    assert!(!over.takes_back(Duration::MINUTE, NOW));
    assert!(!of(IncidentStatus::Open).takes_back(Duration::DAY, NOW));
}

const INCIDENTS: usize = 4;

fn action() -> impl Strategy<Value = Action> {
    let severity = prop_oneof![
        Just(Severity::Low),
        Just(Severity::High),
        Just(Severity::Critical)
    ];
    prop_oneof![
        Just(Action::Acknowledge),
        Just(Action::Resolve),
        Just(Action::Reopen),
        (0..3_u128).prop_map(|n| Action::Assign((n > 0).then(|| UserId(Uuid::from_u128(n))))),
        (-1..5_i64).prop_map(|minutes| Action::Snooze(NOW + Duration::minutes(minutes))),
        Just(Action::EndSnooze),
        Just(Action::Wake),
        (0..INCIDENTS as u128).prop_map(|n| Action::MergeInto(id(n), of(IncidentStatus::Open))),
        severity.prop_map(Action::Regrade),
    ]
}

proptest! {
    /// Whatever is done in whatever order: what is stored is consistent, nobody is told while nothing changed, and no chain of
    /// merged incidents leads back to itself.
    #[test]
    fn a_life_is_always_consistent(actions in prop::collection::vec((0..INCIDENTS, action(), 0..3_i64), 0..60)) {
        let mut all = [of(IncidentStatus::Open); INCIDENTS];
        let mut now = NOW;
        for (place, action, minutes) in actions {
            now += Duration::minutes(minutes);
            let action = match action {
                Action::MergeInto(into, _) => Action::MergeInto(into, all[into.0.as_u128() as usize]),
                other => other,
            };
            let before = all[place];
            let Ok(Some(step)) = before.after(id(place as u128), action, now) else { continue };
            prop_assert_ne!(step.after, before);
            prop_assert!(before.merged_into.is_none(), "what was merged stays as it is");
            all[place] = step.after;
            let after = step.after;
            prop_assert_eq!(after.is_resolved(), after.resolved_at.is_some());
            prop_assert!(after.merged_into.is_none() || after.is_resolved());
            match step.tells {
                Some(NotifiedTransition::Resolved) => prop_assert!(after.is_resolved() && !before.is_resolved()),
                Some(NotifiedTransition::Reopened) => prop_assert!(before.is_resolved() && !after.is_resolved()),
                Some(NotifiedTransition::Raised) => prop_assert!(after.severity > before.severity),
                Some(_) => prop_assert!(!after.is_resolved()),
                None => {}
            }
            for start in 0..INCIDENTS {
                let (mut at, mut steps) = (start, 0);
                while let Some(next) = all[at].merged_into {
                    at = next.0.as_u128() as usize;
                    steps += 1;
                    prop_assert!(steps <= INCIDENTS, "{all:?}");
                }
            }
        }
    }

    /// The same action twice at the same moment changes nothing the second time.
    #[test]
    fn an_action_is_done_once(place in 0..3_usize, action in action()) {
        let before = of(IncidentStatus::ALL[place]);
        if let Ok(Some(step)) = before.after(id(9), action, NOW) {
            let again = step.after.after(id(9), action, NOW);
            prop_assert!(!matches!(again, Ok(Some(_))), "{again:?}");
        }
    }
}
