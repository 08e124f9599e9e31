//! Three replicas and the database's bucket on one simulated clock, under a thousand random schedules: whatever the
//! latencies, no minute of the database gets more than the limit, and below nine tenths of it nothing is refused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use db::rate_buckets::Grant;
use testkit::corpus::Dice;

use super::minute::{Minute, Spending};
use super::{ANSWER_WITHIN, LEASE_PART};

const SCHEDULES: u64 = 1_000;
const REPLICAS: usize = 3;
/// Of the simulated clock, in microseconds.
const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;

/// The row of one key for each minute, and `lease_rate_tokens`.
#[derive(Default)]
struct Database {
    leased: BTreeMap<u64, u32>,
}

impl Database {
    fn lease(&mut self, now: u64, limit: u32, need: u32, want: u32) -> Grant {
        let leased = self.leased.entry(now / MINUTE).or_default();
        let free = limit - *leased;
        let granted = if free < need {
            0
        } else {
            need.max(want.min(free / 8))
        };
        *leased += granted;
        // Rounded to the nearest, as PostgreSQL does.
        let remaining_ms = (MINUTE - now % MINUTE + 500) / 1_000;
        Grant::of_answer(granted as i32, remaining_ms as i32)
    }
}

#[derive(Clone, Copy)]
struct Request {
    lines: u32,
    /// Lines that turn out not to be stored, and after how long.
    unused: u32,
    works_for: u64,
}

/// A question to the database that is under way.
#[derive(Clone, Copy)]
struct Question {
    request: Request,
    asked: u64,
    missing: u32,
}

/// One process: what [`super::RateLimiter`] does, with its waiting as a queue.
#[derive(Default)]
struct Replica {
    minute: Minute,
    /// Those that wait for their turn to ask; the first one asks.
    waiting: VecDeque<Request>,
}

enum Event {
    Arrives(Request),
    ReachesDatabase(Question),
    IsAnswered(Question, Grant),
    GivesBack(u32, u64),
}

/// What became of the lines that were decided on in one minute of the database.
#[derive(Clone, Copy, Default, Debug)]
struct Decided {
    accepted: u32,
    unused: u32,
    refused: u32,
}

struct World {
    start: Instant,
    dice: Dice,
    limit: u32,
    slowest: u64,
    database: Database,
    replicas: [Replica; REPLICAS],
    /// By time, then in the order in which they were planned.
    events: BTreeMap<(u64, u64), (usize, Event)>,
    planned: u64,
    minutes: BTreeMap<u64, Decided>,
}

impl World {
    /// `latencies` are the longest, one way, of which it picks one.
    fn new(mut dice: Dice, limit: u32, latencies: &[u64]) -> Self {
        let slowest = *dice.pick(latencies);
        Self {
            start: Instant::now(),
            dice,
            limit,
            slowest,
            database: Database::default(),
            replicas: Default::default(),
            events: BTreeMap::new(),
            planned: 0,
            minutes: BTreeMap::new(),
        }
    }

    fn plan(&mut self, at: u64, replica: usize, event: Event) {
        self.planned += 1;
        self.events.insert((at, self.planned), (replica, event));
    }

    fn at(&self, now: u64) -> Instant {
        self.start + Duration::from_micros(now)
    }

    /// One way, and never nothing.
    fn latency(&mut self) -> u64 {
        1 + self.dice.below(self.slowest)
    }

    fn run(&mut self) {
        while let Some(((now, _), (replica, event))) = self.events.pop_first() {
            match event {
                Event::Arrives(request) => {
                    if !self.decide(now, replica, request) {
                        self.replicas[replica].waiting.push_back(request);
                        if self.replicas[replica].waiting.len() == 1 {
                            self.ask(now, replica);
                        }
                    }
                }
                Event::ReachesDatabase(question) => {
                    let want = (self.limit / LEASE_PART).max(1);
                    let grant = self.database.lease(now, self.limit, question.missing, want);
                    let back = self.latency();
                    self.plan(now + back, replica, Event::IsAnswered(question, grant));
                }
                Event::IsAnswered(question, grant) => self.hear(now, replica, question, grant),
                Event::GivesBack(lines, generation) => {
                    self.replicas[replica].minute.give_back(lines, generation);
                }
            }
        }
    }

    /// Asks for what the first in the queue is missing.
    fn ask(&mut self, now: u64, replica: usize) {
        let time = self.at(now);
        let Some(request) = self.replicas[replica].waiting.front().copied() else {
            return;
        };
        let held = self.replicas[replica].minute.tokens(time).min(request.lines);
        let question = Question {
            request,
            asked: now,
            missing: (request.lines - held).max(1),
        };
        let there = self.latency();
        self.plan(now + there, replica, Event::ReachesDatabase(question));
    }

    fn hear(&mut self, now: u64, replica: usize, question: Question, grant: Grant) {
        let asked = self.at(question.asked);
        if self.at(now) - asked < ANSWER_WITHIN {
            self.replicas[replica]
                .minute
                .receive(asked, grant, question.missing);
            if !self.decide(now, replica, question.request) {
                return self.ask(now, replica);
            }
        } // or it was given up, and its tokens are lost
        self.replicas[replica].waiting.pop_front();
        while let Some(next) = self.replicas[replica].waiting.front().copied() {
            if !self.decide(now, replica, next) {
                return self.ask(now, replica);
            }
            self.replicas[replica].waiting.pop_front();
        }
    }

    /// Says whether it is decided; if not, more must be leased.
    fn decide(&mut self, now: u64, replica: usize, request: Request) -> bool {
        let time = self.at(now);
        let decided = self.minutes.entry(now / MINUTE).or_default();
        match self.replicas[replica].minute.spend(request.lines, time) {
            Spending::Short => return false,
            Spending::Exhausted { .. } => decided.refused += request.lines,
            Spending::Spent { generation } => {
                decided.accepted += request.lines;
                decided.unused += request.unused;
                if request.unused > 0 {
                    let event = Event::GivesBack(request.unused, generation);
                    self.plan(now + request.works_for, replica, event);
                }
            }
        }
        true
    }
}

#[test]
fn no_minute_of_the_database_gets_more_than_the_limit() {
    let mut used_up = 0;
    for seed in 0..SCHEDULES {
        let mut dice = Dice(seed);
        let limit = 20 + dice.below(2_000) as u32;
        let mut world = World::new(dice, limit, &[1, 200, 3_000, 100_000, 1_500_000]);
        let mut now = world.dice.below(MINUTE);
        // About twice as much as is allowed, over some minutes.
        let pause = *world.dice.pick(&[SECOND / 2, 3 * SECOND]);
        while now < 5 * MINUTE {
            now += world.dice.below(2 * pause);
            let most = u64::from(limit) * 4 * pause / MINUTE;
            let lines = (1 + world.dice.below(most.max(1)) as u32).min(limit);
            let unused = match world.dice.below(4) {
                0 => world.dice.below(u64::from(lines) + 1) as u32,
                _ => 0,
            };
            let request = Request {
                lines,
                unused,
                works_for: world.dice.below(8 * SECOND),
            };
            let replica = world.dice.below(REPLICAS as u64) as usize;
            world.plan(now, replica, Event::Arrives(request));
        }
        // Around the ends of minutes, each replica gets some within a millisecond.
        for minute in 1..5 {
            for place in 0..20 {
                let request = Request {
                    lines: 1 + world.dice.below(u64::from(limit) / 20) as u32,
                    unused: 0,
                    works_for: 0,
                };
                let at = minute * MINUTE - SECOND / 2_000 + world.dice.below(SECOND / 1_000);
                world.plan(at, place % REPLICAS, Event::Arrives(request));
            }
        }
        world.run();
        for (minute, decided) in &world.minutes {
            assert!(
                decided.accepted - decided.unused <= limit,
                "schedule {seed}: {decided:?} of {limit} in minute {minute}"
            );
            used_up += u32::from(decided.refused > 0);
        }
    }
    assert!(used_up > 1_000, "the limit was reached in {used_up} minutes only");
}

#[test]
fn nothing_is_refused_below_nine_tenths_of_the_limit() {
    let mut nearly_full = BTreeSet::new();
    for seed in 0..SCHEDULES {
        let mut dice = Dice(seed);
        let limit = 20 + dice.below(2_000) as u32;
        // What takes two seconds is given up, and its tokens are lost.
        let mut world = World::new(dice, limit, &[1, 200, 3_000, 100_000, 900_000]);
        let largest = u64::from(limit) / *world.dice.pick(&[2, 10, 50]);
        for minute in 0..3 {
            let mut left = limit * 9 / 10;
            while left > 0 {
                let lines = (1 + world.dice.below(largest.max(1)) as u32).min(left);
                left -= lines;
                // Not in the last seconds: a replica's minute ends earlier than the database's by what its question took.
                let at = minute * MINUTE + world.dice.below(55 * SECOND);
                let request = Request {
                    lines,
                    unused: 0,
                    works_for: 0,
                };
                let replica = world.dice.below(REPLICAS as u64) as usize;
                world.plan(at, replica, Event::Arrives(request));
            }
        }
        world.run();
        for (minute, decided) in &world.minutes {
            assert_eq!(
                decided.refused, 0,
                "schedule {seed}: {decided:?} of {limit} in minute {minute}"
            );
            if decided.accepted == limit * 9 / 10 {
                nearly_full.insert((seed, *minute));
            }
        }
    }
    assert!(nearly_full.len() > 2_000, "{} minutes", nearly_full.len());
}
