//! Twenty deployments over two days of traffic, eight of which break something: how many of those `deploy_regression` finds,
//! and how many of what it finds are those.

use domain::ids::DeploymentId;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::test_app::{TestApp, text};

/// How a deployment goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Course {
    /// Nothing changes.
    Calm,
    /// A few requests fail while processes restart.
    Restart,
    /// It is deployed while another problem is under way, which goes on as before.
    Troubled,
    /// Errors of everything, of a part, rising slowly, or beginning after some minutes.
    Broken { per_minute: u32, after: i64, ramp: i64 },
}

const WINDOW_MINUTES: i64 = 10;
const COURSES: [Course; 20] = [
    Course::Calm,
    Course::Broken {
        per_minute: 400,
        after: 0,
        ramp: 0,
    },
    Course::Restart,
    Course::Calm,
    Course::Broken {
        per_minute: 30,
        after: 0,
        ramp: 0,
    },
    Course::Troubled,
    Course::Broken {
        per_minute: 60,
        after: 3,
        ramp: 0,
    },
    Course::Calm,
    Course::Restart,
    Course::Broken {
        per_minute: 80,
        after: 0,
        ramp: 6,
    },
    Course::Calm,
    Course::Troubled,
    Course::Broken {
        per_minute: 25,
        after: 1,
        ramp: 2,
    },
    Course::Restart,
    Course::Broken {
        per_minute: 150,
        after: 5,
        ramp: 0,
    },
    Course::Calm,
    Course::Broken {
        per_minute: 45,
        after: 0,
        ramp: 3,
    },
    Course::Restart,
    Course::Broken {
        per_minute: 1_000,
        after: 0,
        ramp: 1,
    },
    Course::Calm,
];

/// Minutes of the two days.
const MINUTES: i64 = 2 * 24 * 60;

/// When a deployment is, in minutes from the beginning: five services take turns.
pub(crate) fn minute_of(number: usize) -> i64 {
    120 + (number as i64 / 5) * 660 + (number as i64 % 5) * 37
}

/// Errors of one minute of a service.
fn errors_in(random: &mut StdRng, minute: i64, deployments: &[(i64, Course)]) -> i64 {
    // A few a minute, more by day; and bursts that no deployment has to do with.
    let by_day = if (minute / 60) % 24 > 8 { 3 } else { 1 };
    let mut errors = random.random_range(0..=by_day);
    if minute % 530 < 4 {
        errors += random.random_range(20..40);
    }
    for (at, course) in deployments {
        let since = minute - at;
        errors += match course {
            Course::Restart if (0..2).contains(&since) => random.random_range(2..8),
            Course::Troubled if (-25..30).contains(&since) => random.random_range(15..25),
            // Somebody repairs it within the hour.
            Course::Broken {
                per_minute,
                after,
                ramp,
            } if (*after..45).contains(&since) => {
                let full = i64::from(*per_minute);
                let part = if *ramp == 0 {
                    1.0
                } else {
                    ((since - after + 1) as f64 / *ramp as f64).min(1.0)
                };
                (full as f64 * part * random.random_range(0.8..1.2)) as i64
            }
            Course::Calm | Course::Restart | Course::Troubled | Course::Broken { .. } => 0,
        };
    }
    errors
}

async fn store_arrivals(app: &TestApp, environment: uuid::Uuid, bins: &[(OffsetDateTime, i16, i64)]) {
    let (owner, org) = (app.db.owner().await, &app.org);
    let sql = "INSERT INTO log_arrivals (org_id, service_id, environment_id, bucket, level, writer_id, count)
        SELECT $1, $2, $3, b, l, 1, n FROM unnest($4::timestamptz[], $5::smallint[], $6::bigint[]) AS t (b, l, n)";
    let buckets: Vec<OffsetDateTime> = bins.iter().map(|(bucket, ..)| *bucket).collect();
    let levels: Vec<i16> = bins.iter().map(|(_, level, _)| *level).collect();
    let counts: Vec<i64> = bins.iter().map(|(.., count)| *count).collect();
    owner
        .execute(
            sql,
            &[
                &org.org_id,
                &org.service_id,
                &environment,
                &buckets,
                &levels,
                &counts,
            ],
        )
        .await
        .unwrap();
}

pub(crate) async fn store_deployment(app: &TestApp, environment: uuid::Uuid, at: OffsetDateTime) {
    let (owner, org) = (app.db.owner().await, &app.org);
    let id = DeploymentId::generate();
    let sql = "INSERT INTO deployments (org_id, id, service_id, environment_id, provider, external_id, status, status_at,
        created_at) VALUES ($1, $2, $3, $4, 'api', $2::uuid::text, 'success', $5, $5)";
    owner
        .execute(sql, &[&org.org_id, &id, &org.service_id, &environment, &at])
        .await
        .unwrap();
    let sql =
        "INSERT INTO deployment_status_history (org_id, deployment_id, attempt, status, at, recorded_at)
        VALUES ($1, $2, 1, 'success', $3, $3)";
    owner.execute(sql, &[&org.org_id, &id, &at]).await.unwrap();
}

#[tokio::test]
async fn deployments_that_break_something_are_found_and_others_are_not() {
    let app = TestApp::start().await;
    let owner = app.db.owner().await;
    let mut random = StdRng::seed_from_u64(42);
    let now: OffsetDateTime = owner
        .query_one("SELECT date_trunc('minute', now())", &[])
        .await
        .unwrap()
        .get(0);
    let begin = now - Duration::minutes(MINUTES);
    let mut truth = Vec::new();
    for service in 0..5 {
        let environment = make_environment(&app, &format!("e{service}")).await;
        let deployments: Vec<(i64, Course)> = (0..COURSES.len())
            .filter(|number| number % 5 == service)
            .map(|number| (minute_of(number), COURSES[number]))
            .collect();
        let mut bins = Vec::new();
        for minute in 0..MINUTES {
            let at = begin + Duration::minutes(minute);
            bins.push((at, 2, random.random_range(300..500)));
            let errors = errors_in(&mut random, minute, &deployments);
            if errors > 0 {
                bins.push((at + Duration::seconds(5 * random.random_range(0..12)), 4, errors));
            }
        }
        store_arrivals(&app, environment, &bins).await;
        for (minute, course) in deployments {
            let at = begin + Duration::minutes(minute);
            store_deployment(&app, environment, at).await;
            truth.push((environment.to_string(), at, course));
        }
    }
    let draft = json!({"type": "deploy_regression", "service_id": app.org.service_id,
        "params": {"window_seconds": WINDOW_MINUTES * 60, "min_errors": 40, "factor": 3}});
    let tested = app
        .developer()
        .post("/api/alerts/backtest", json!({"draft": draft, "days": 3}))
        .await
        .assert_status(200)
        .data();
    let broken: Vec<Moment> = truth
        .iter()
        .filter(|(.., course)| matches!(course, Course::Broken { .. }))
        .map(|(place, at, _)| (place.clone(), *at))
        .collect();
    assert_eq!((truth.len(), broken.len()), (20, 8));
    let within = Duration::minutes(WINDOW_MINUTES) + Duration::seconds(5);
    let scores = Scores::of(&tested, &broken, within);
    println!("deploy_regression over 20 deployments, 8 of them bad: {scores}");
    scores.assert_are_high(&tested);
}

/// An environment, and when something happened there.
pub(crate) type Moment = (String, OffsetDateTime);

/// Makes an environment of the service.
pub(crate) async fn make_environment(app: &TestApp, name: &str) -> uuid::Uuid {
    let environment = uuid::Uuid::new_v4();
    let sql = "INSERT INTO environments (org_id, id, service_id, name) VALUES ($1, $2, $3, $4)";
    let org = &app.org;
    app.db
        .owner()
        .await
        .execute(sql, &[&org.org_id, &environment, &org.service_id, &name])
        .await
        .unwrap();
    environment
}

/// How many of the deployments that break something a backtest found, and how many of its episodes are of those.
pub(crate) struct Scores {
    recall: f64,
    precision: f64,
}

impl Scores {
    /// An episode is of a deployment if it begins there `within` so long after it.
    pub(crate) fn of(tested: &Value, broken: &[Moment], within: Duration) -> Self {
        let episodes: Vec<Moment> = tested["candidate"]["episodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|episode| {
                let format = &time::format_description::well_known::Rfc3339;
                let begin = OffsetDateTime::parse(&text(&episode["begin"]), format).unwrap();
                (text(&episode["environment_id"]), begin)
            })
            .collect();
        let is_of = |(environment, begin): &Moment, (place, at): &Moment| {
            environment == place && *begin > *at && *begin - *at <= within
        };
        let is_found = |one: &&Moment| episodes.iter().any(|episode| is_of(episode, one));
        let is_right = |episode: &&Moment| broken.iter().any(|one| is_of(episode, one));
        let found = broken.iter().filter(is_found).count();
        let right = episodes.iter().filter(is_right).count();
        Self {
            recall: found as f64 / broken.len() as f64,
            precision: right as f64 / episodes.len().max(1) as f64,
        }
    }

    /// Both must be nine in ten at least.
    pub(crate) fn assert_are_high(&self, tested: &Value) {
        let what = &tested["candidate"]["episodes"];
        assert!(self.recall >= 0.9 && self.precision >= 0.9, "{self}: {what:#}");
    }
}

impl std::fmt::Display for Scores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "precision {:.2}, recall {:.2}", self.precision, self.recall)
    }
}
