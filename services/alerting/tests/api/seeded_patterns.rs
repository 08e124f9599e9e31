//! Twenty deployments over two days of lines, eight of which bring errors that there never were: how many of those `new_pattern`
//! finds, and how many of what it finds are those. The lines are merged by the compactor, like any.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::new_patterns::merge;
use crate::seeded_faults::{Moment, Scores, make_environment, minute_of, store_deployment};
use crate::test_app::TestApp;

/// The day before, in which what is known became so, and the two days.
const WARM_UP: i64 = 24 * 60;
const MINUTES: i64 = WARM_UP + 2 * 24 * 60;
const WINDOW_MINUTES: i64 = 60;
const MIN_COUNT: i64 = 5;
const DEPLOYMENTS: usize = 20;

/// Makes a line of an error.
type Message = fn(&mut StdRng) -> String;

/// An error that a deployment brings: at this rate, from so many minutes after it on. Most are quite another text, the second
/// and the sixth differ from known ones in a word.
struct Fault {
    number: usize,
    per_hour: i64,
    after: i64,
    message: Message,
}

const FAULTS: [Fault; 8] = [
    Fault {
        number: 1,
        per_hour: 600,
        after: 0,
        message: |random| format!("cannot read property 'total' of undefined in cart {}", id(random)),
    },
    Fault {
        number: 4,
        per_hour: 90,
        after: 1,
        message: |random| format!("connection to redis refused after {} ms", id(random)),
    },
    Fault {
        number: 6,
        per_hour: 12,
        after: 5,
        message: |random| format!("migration left row {} of orders without a currency", id(random)),
    },
    Fault {
        number: 9,
        per_hour: 2_400,
        after: 0,
        message: |random| {
            format!(
                "panicked at src/pricing.rs:{}: attempt to subtract with overflow",
                id(random)
            )
        },
    },
    Fault {
        number: 12,
        per_hour: 30,
        after: 20,
        message: |random| format!("certificate of {} is not yet valid", name(random)),
    },
    Fault {
        number: 14,
        per_hour: 60,
        after: 2,
        message: |random| format!("job reconcile-{} failed: deadlock detected", id(random)),
    },
    Fault {
        number: 16,
        per_hour: 20,
        after: 10,
        message: |random| format!("invoice {} has two numbers", id(random)),
    },
    Fault {
        number: 18,
        per_hour: 300,
        after: 0,
        message: |random| format!("template mail/{} is missing, nothing was sent", name(random)),
    },
];

fn id(random: &mut StdRng) -> u32 {
    random.random_range(1..100_000)
}

fn name(random: &mut StdRng) -> &'static str {
    const NAMES: [&str; 12] = [
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory",
        "oscar",
    ];
    NAMES[random.random_range(0..NAMES.len())]
}

/// Errors that everybody knows, with how many there are in a day: some all the time, some hardly ever.
const KNOWN: [(i64, Message); 9] = [
    (700, |random| {
        format!("payment for order {} failed: card_declined", id(random))
    }),
    (300, |random| {
        format!("timeout of {} ms exceeded calling inventory", id(random))
    }),
    (150, |random| {
        format!("user {} was not found in tenant acme", name(random))
    }),
    (40, |random| {
        format!("connection to postgres refused after {} ms", id(random))
    }),
    (40, |random| {
        format!("job cleanup-{} failed: lock not available", id(random))
    }),
    (8, |random| {
        format!("cannot send mail to {}@example.com: greylisted", name(random))
    }),
    (6, |random| {
        format!("upload {} was cut off by the client", id(random))
    }),
    (5, |_| "clock went backwards".to_owned()),
    (4, |random| format!("webhook delivery {} gave up", id(random))),
];

/// A line of some minute of the history: its level, and what it says.
type Line = (i64, i16, String);

/// What is there all the time: known errors, bursts of them that no deployment has to do with, and harmless lines.
fn usual(random: &mut StdRng, minute: i64) -> Vec<Line> {
    let mut lines = vec![(
        minute,
        2,
        format!("GET /orders/{} took {} ms", id(random), id(random)),
    )];
    let is_burst = minute % 530 < 4;
    for (per_day, message) in KNOWN {
        let rate = per_day as f64 / 1_440.0 * if is_burst && per_day > 100 { 40.0 } else { 1.0 };
        let count = rate as i64 + i64::from(random.random_bool(rate.fract()));
        lines.extend((0..count).map(|_| (minute, 4, message(random))));
    }
    // Something that happens once and never again.
    if minute % 431 == 17 {
        lines.push((
            minute,
            4,
            format!("unexpected {} in the {} of {minute}", name(random), once(minute)),
        ));
    }
    lines
}

/// A word that is no other minute's.
fn once(minute: i64) -> String {
    let letter = |place: i64| char::from(b'g' + (minute / 13_i64.pow(place as u32) % 13) as u8);
    (0..4).map(letter).collect()
}

/// What each deployment brings, good or bad: new harmless lines, old ones in other words, and a rare error in other words, of
/// which there are too few to matter.
fn brought(random: &mut StdRng, number: usize, since: i64) -> Vec<(i16, String)> {
    let version = once(number as i64 + 7);
    let mut lines = vec![(2, format!("feature {version} was used by {}", name(random)))];
    if since % 3 == 0 {
        lines.push((
            3,
            format!("slow answer, now measured by {version}: {} ms", id(random)),
        ));
    }
    if since == 25 || since == 300 {
        lines.push((
            4,
            format!("gave up on {version} delivery {} of a webhook", id(random)),
        ));
    }
    lines
}

fn lines_of(random: &mut StdRng, deployments: &[(i64, usize)]) -> Vec<Line> {
    let mut lines = Vec::new();
    for minute in 0..MINUTES {
        lines.extend(usual(random, minute));
        let newest = deployments.iter().rev().find(|(at, _)| *at <= minute);
        if let Some((at, number)) = newest {
            let brought = brought(random, *number, minute - at);
            lines.extend(
                brought
                    .into_iter()
                    .map(|(level, message)| (minute, level, message)),
            );
        }
        for (at, number) in deployments {
            let faults = FAULTS.iter().filter(|fault| fault.number == *number);
            // Somebody repairs it within two hours.
            for fault in faults.filter(|fault| (fault.after..120).contains(&(minute - at))) {
                let rate = fault.per_hour as f64 / 60.0;
                let count = rate as i64 + i64::from(random.random_bool(rate.fract()));
                lines.extend((0..count).map(|_| (minute, 4, (fault.message)(random))));
            }
        }
    }
    lines
}

async fn store(app: &TestApp, environment: Uuid, begin: OffsetDateTime, lines: &[Line]) {
    let sql = "INSERT INTO logs (org_id, service_id, environment_id, ts, level, message, created_at)
        SELECT $1, $2, $3, $4::timestamptz + make_interval(mins => m), l, t, $4 + make_interval(mins => m)
        FROM unnest($5::int[], $6::smallint[], $7::text[]) AS lines (m, l, t)";
    let minutes: Vec<i32> = lines.iter().map(|(minute, ..)| *minute as i32).collect();
    let levels: Vec<i16> = lines.iter().map(|(_, level, _)| *level).collect();
    let messages: Vec<&str> = lines.iter().map(|(.., message)| message.as_str()).collect();
    let (owner, org) = (app.db.owner().await, &app.org);
    owner
        .execute(
            sql,
            &[
                &org.org_id,
                &org.service_id,
                &environment,
                &begin,
                &minutes,
                &levels,
                &messages,
            ],
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn errors_that_deployments_bring_are_found_and_what_is_known_is_not() {
    let app = TestApp::start().await;
    let mut random = StdRng::seed_from_u64(42);
    let now = "SELECT date_trunc('minute', now())";
    let now: OffsetDateTime = app.db.owner().await.query_one(now, &[]).await.unwrap().get(0);
    let begin = now - Duration::minutes(MINUTES);
    let mut broken: Vec<Moment> = Vec::new();
    for service in 0..5 {
        let environment = make_environment(&app, &format!("e{service}")).await;
        let deployments: Vec<(i64, usize)> = (0..DEPLOYMENTS)
            .filter(|number| number % 5 == service)
            .map(|number| (WARM_UP + minute_of(number), number))
            .collect();
        store(&app, environment, begin, &lines_of(&mut random, &deployments)).await;
        for (minute, number) in deployments {
            let at = begin + Duration::minutes(minute);
            store_deployment(&app, environment, at).await;
            if FAULTS.iter().any(|fault| fault.number == number) {
                broken.push((environment.to_string(), at));
            }
        }
    }
    assert_eq!(broken.len(), 8);
    let merged = merge(&app).await;
    assert!(merged > 30_000, "{merged}");
    let draft = json!({"type": "new_pattern", "service_id": app.org.service_id,
        "params": {"since": "ever", "min_count": MIN_COUNT, "window_minutes": WINDOW_MINUTES}});
    let tested = app
        .developer()
        .post("/api/alerts/backtest", json!({"draft": draft, "days": 2}))
        .await
        .assert_status(200)
        .data();
    let within = Duration::minutes(WINDOW_MINUTES + 1);
    let scores = Scores::of(&tested, &broken, within);
    println!("new_pattern over 20 deployments, 8 of them bad: {scores}");
    scores.assert_are_high(&tested);
}
