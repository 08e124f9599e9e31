use proptest::prelude::*;

use super::*;

const TIMING: Timing = Timing {
    hold_for: Duration::seconds(30),
    cooldown: Duration::seconds(100),
    clear_after: Duration::seconds(60),
};
const AT_ONCE: Timing = Timing {
    hold_for: Duration::ZERO,
    cooldown: Duration::ZERO,
    clear_after: Duration::ZERO,
};

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000 + second).unwrap()
}

fn read(holds: bool) -> Observation {
    Observation::Read(Reading {
        holds,
        value: f64::from(u8::from(holds)),
        threshold: 1.0,
        detail: String::new(),
    })
}

/// Runs (second, condition) steps from a new fingerprint; gives the last state and each transition with its second.
fn run(timing: Timing, steps: &[(i64, bool)]) -> (Firing, Vec<(i64, Transition)>) {
    let mut firing = Firing::NEW;
    let mut transitions = Vec::new();
    for &(second, holds) in steps {
        let (after, transition) = evaluate(&timing, &read(holds), &firing, at(second));
        firing = after;
        transitions.extend(transition.map(|transition| (second, transition)));
    }
    (firing, transitions)
}

fn ended(since: i64) -> Transition {
    Transition::Ended(EndCause::ConditionFalse { since: at(since) })
}

#[test]
fn a_rule_without_times_fires_at_once_and_ends_at_once() {
    let (_, transitions) = run(
        AT_ONCE,
        &[(0, false), (1, true), (2, true), (3, false), (4, true)],
    );
    assert_eq!(
        transitions,
        [
            (1, Transition::Fired { since: at(1) }),
            (3, ended(3)),
            (4, Transition::Fired { since: at(4) })
        ]
    );
}

#[test]
fn the_condition_must_hold_for_as_long_as_the_rule_asks() {
    let (_, transitions) = run(TIMING, &[(0, true), (20, true), (29, true), (30, true)]);
    assert_eq!(
        transitions,
        [
            (0, Transition::Pending { until: at(30) }),
            (30, Transition::Fired { since: at(0) })
        ]
    );
    let (firing, transitions) = run(TIMING, &[(0, true), (20, false), (25, true), (54, true)]);
    assert_eq!(
        transitions,
        [
            (0, Transition::Pending { until: at(30) }),
            (20, Transition::Dropped),
            (25, Transition::Pending { until: at(55) })
        ]
    );
    assert_eq!(
        (firing.state, firing.reason),
        (FiringState::Pending, Reason::Waiting)
    );
    assert_eq!(firing.held_until(&TIMING), Some(at(55)));
}

#[test]
fn a_firing_ends_only_after_the_condition_was_false_for_the_whole_window() {
    let (firing, transitions) = run(
        TIMING,
        &[
            (0, true),
            (30, true),
            (100, false),
            (130, true),
            (140, false),
            (199, false),
        ],
    );
    assert_eq!(transitions.len(), 2, "{transitions:?}");
    assert_eq!(
        (firing.state, firing.reason),
        (FiringState::Firing, Reason::Clearing)
    );
    assert_eq!(firing.held_until(&TIMING), Some(at(200)));
    let (after, transition) = evaluate(&TIMING, &read(false), &firing, at(200));
    assert_eq!(transition, Some(ended(140)));
    assert_eq!(after.state, FiringState::Inactive);
    assert_eq!(after.fired_at, Some(at(30)), "the cooldown counts from it");
}

#[test]
fn the_cooldown_holds_a_second_firing_back_and_says_so_once() {
    let steps = [
        (0, true),
        (30, true),
        (40, false),
        (100, false),
        (101, true),
        (128, true),
    ];
    let (firing, transitions) = run(TIMING, &steps);
    assert_eq!(
        transitions[2..],
        [(100, ended(40)), (101, Transition::Pending { until: at(131) })]
    );
    let long = Timing {
        cooldown: Duration::seconds(500),
        ..TIMING
    };
    let (held, transition) = evaluate(&long, &read(true), &firing, at(131));
    assert_eq!(transition, Some(Transition::Held { until: at(530) }));
    assert_eq!(
        (held.reason, held.held_until(&long)),
        (Reason::CoolingDown, Some(at(530)))
    );
    assert_eq!(evaluate(&long, &read(true), &held, at(200)).1, None);
    assert_eq!(
        evaluate(&long, &read(true), &held, at(530)).1,
        Some(Transition::Fired { since: at(101) })
    );
}

#[test]
fn after_a_person_resolved_it_nothing_is_told_until_the_condition_was_false_once() {
    let (firing, _) = run(AT_ONCE, &[(0, true)]);
    let settled = Firing {
        settled: true,
        ..firing
    };
    let timing = Timing {
        clear_after: Duration::HOUR,
        ..AT_ONCE
    };
    let (still, transition) = evaluate(&timing, &read(true), &settled, at(10));
    assert_eq!((still.reason, transition), (Reason::Settled, None));
    let (over, transition) = evaluate(&timing, &read(false), &still, at(20));
    assert_eq!(
        (over.state, transition),
        (FiringState::Inactive, Some(ended(20))),
        "without waiting"
    );
    assert_eq!(
        evaluate(&timing, &read(true), &over, at(21)).1,
        Some(Transition::Fired { since: at(21) })
    );
}

#[test]
fn resolved_by_a_person_when_it_was_quiet_already_it_may_fire_again() {
    let timing = Timing {
        clear_after: Duration::HOUR,
        ..AT_ONCE
    };
    let (clearing, _) = run(timing, &[(0, true), (10, false)]);
    let settled = Firing {
        settled: true,
        ..clearing
    };
    let (firing, transition) = evaluate(&timing, &read(true), &settled, at(20));
    assert_eq!(transition, Some(Transition::Fired { since: at(20) }));
    assert!(!firing.settled);
}

#[rstest::rstest]
#[case(Withdrawal::RuleDisabled, Reason::RuleDisabled)]
#[case(Withdrawal::RuleDeleted, Reason::RuleDeleted)]
#[case(Withdrawal::OutOfScope, Reason::OutOfScope)]
fn a_rule_that_looks_elsewhere_ends_its_firing_with_that_reason(
    #[case] withdrawal: Withdrawal,
    #[case] reason: Reason,
) {
    let gone = Observation::Withdrawn(withdrawal);
    let (firing, _) = run(TIMING, &[(0, true), (30, true)]);
    let (after, transition) = evaluate(&TIMING, &gone, &firing, at(31));
    assert_eq!(
        transition,
        Some(Transition::Ended(EndCause::Withdrawn(withdrawal)))
    );
    assert_eq!((after.state, after.reason), (FiringState::Inactive, reason));
    let (pending, _) = run(TIMING, &[(0, true)]);
    assert_eq!(
        evaluate(&TIMING, &gone, &pending, at(1)).1,
        Some(Transition::Dropped)
    );
    assert_eq!(evaluate(&TIMING, &gone, &after, at(40)).1, None);
}

#[test]
fn a_clock_that_steps_back_does_no_harm() {
    let (firing, transitions) = run(
        TIMING,
        &[(100, true), (50, true), (131, true), (20, false), (90, false)],
    );
    assert_eq!(transitions.len(), 3, "{transitions:?}");
    assert_eq!(firing.state, FiringState::Inactive);
}

#[test]
fn without_data_nothing_changes_but_what_is_said_of_it() {
    let (firing, _) = run(TIMING, &[(0, true), (30, true), (40, false)]);
    let unknown = Observation::NoData(NoData::Late);
    let (after, transition) = evaluate(&TIMING, &unknown, &firing, at(1_000));
    assert_eq!(transition, None, "it is not known to be over");
    assert_eq!(
        after,
        Firing {
            reason: Reason::NoData,
            ..firing
        }
    );
    let (_, transition) = evaluate(&TIMING, &read(false), &after, at(1_000));
    assert_eq!(transition, Some(ended(40)));
}

/// One step of a random history: how long after the one before, what is seen, and whether a person resolves the
/// incident before it.
#[derive(Clone, Debug)]
struct Step {
    after: i64,
    observed: Observation,
    resolve_first: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let observed = prop_oneof![
        6 => Just(read(true)),
        5 => Just(read(false)),
        1 => Just(Observation::Withdrawn(Withdrawal::RuleDisabled)),
        1 => Just(Observation::Withdrawn(Withdrawal::OutOfScope)),
        1 => Just(Observation::NoData(NoData::Late)),
    ];
    (0..40_i64, observed, prop::bool::weighted(0.1)).prop_map(|(after, observed, resolve_first)| Step {
        after,
        observed,
        resolve_first,
    })
}

fn timing() -> impl Strategy<Value = Timing> {
    (0..60_i64, 0..150_i64, 0..90_i64).prop_map(|(hold, cooldown, clear)| Timing {
        hold_for: Duration::seconds(hold),
        cooldown: Duration::seconds(cooldown),
        clear_after: Duration::seconds(clear),
    })
}

/// What a watcher knows who sees only observations and transitions, and not the evaluator's state.
#[derive(Default)]
struct Watcher {
    open: bool,
    firing: bool,
    fired_at: Option<OffsetDateTime>,
    true_since: Option<OffsetDateTime>,
    false_since: Option<OffsetDateTime>,
    /// Since the rule fired, and not true again before a person resolved the incident.
    seen_false: bool,
    settled: bool,
}

impl Watcher {
    fn observe(&mut self, observed: &Observation, now: OffsetDateTime) {
        match observed {
            Observation::Read(reading) if reading.holds => {
                self.true_since.get_or_insert(now);
                self.false_since = None;
                self.seen_false &= self.settled;
            }
            Observation::Read(_) => {
                self.false_since.get_or_insert(now);
                self.true_since = None;
                self.seen_false = true;
            }
            Observation::Withdrawn(_) => (self.true_since, self.false_since) = (None, None),
            Observation::NoData(_) => {}
        }
    }

    fn check(&mut self, timing: &Timing, transition: Option<Transition>, now: OffsetDateTime) {
        let anew = matches!(
            transition,
            Some(Transition::Pending { .. } | Transition::Held { .. } | Transition::Fired { .. })
        );
        if anew && self.settled && self.seen_false {
            self.firing = false;
        }
        match transition {
            Some(Transition::Fired { since }) => {
                assert!(!self.open, "a second incident while one is open");
                assert!(!self.firing, "fired twice without an end");
                assert_eq!(
                    Some(since),
                    self.true_since,
                    "it tells since when the condition holds"
                );
                assert!(now - since >= timing.hold_for, "fired before it held long enough");
                let cooled = self.fired_at.is_none_or(|fired| now - fired >= timing.cooldown);
                assert!(cooled, "fired within the cooldown");
                (self.open, self.firing, self.fired_at) = (true, true, Some(now));
                (self.settled, self.seen_false) = (false, false);
            }
            Some(Transition::Ended(cause)) => {
                assert!(self.firing, "ended what did not fire");
                if let EndCause::ConditionFalse { since } = cause {
                    assert!(
                        self.settled || now - since >= timing.clear_after,
                        "ended too early"
                    );
                    assert!(self.false_since.is_some_and(|seen| seen <= since));
                }
                (self.open, self.firing) = (false, false);
            }
            Some(Transition::Pending { .. } | Transition::Held { .. } | Transition::Dropped) => {
                assert!(!self.firing, "neither of these happens to a firing");
            }
            None => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_history_breaks_the_promises(timing in timing(), steps in prop::collection::vec(step(), 1..60)) {
        let mut firing = Firing::NEW;
        let mut watcher = Watcher::default();
        let mut now = at(0);
        for Step { after, observed, resolve_first } in steps {
            now += Duration::seconds(after);
            if resolve_first && watcher.open {
                (watcher.open, watcher.settled, firing.settled) = (false, true, true);
            }
            watcher.observe(&observed, now);
            let (next, transition) = evaluate(&timing, &observed, &firing, now);
            watcher.check(&timing, transition, now);
            prop_assert_eq!(next.state == FiringState::Firing, watcher.firing);
            prop_assert_eq!(evaluate(&timing, &observed, &next, now), (next, None), "evaluated again at once");
            if next.state == FiringState::Inactive {
                prop_assert!(next.pending_since.is_none() && next.clear_since.is_none() && !next.settled);
            }
            firing = next;
        }
    }

    #[test]
    fn a_condition_that_holds_long_enough_always_fires(timing in timing(), gap in 1..20_i64) {
        let enough = (timing.hold_for + timing.cooldown).whole_seconds() + gap;
        let steps: Vec<(i64, bool)> = (0..=enough / gap + 1).map(|step| (step * gap, true)).collect();
        let (firing, transitions) = run(timing, &steps);
        prop_assert_eq!(firing.state, FiringState::Firing);
        let fired = transitions.iter().filter(|(_, t)| matches!(t, Transition::Fired { .. })).count();
        prop_assert_eq!(fired, 1);
    }
}
