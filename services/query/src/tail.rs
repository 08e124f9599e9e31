//! Following new lines: where a follower is, and the work of looking what arrived since.
//!
//! A task looks a few times a second and puts what it finds into a bounded buffer; the connection takes from there at its own
//! pace. When the buffer is full the oldest lines give way, and how many did is said. A position names two snapshots of the
//! database and how many of the lines between them were delivered, so that any replica can go on from it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use db::scopes::{self, NamedScope};
use db::{DbError, TenantTx};
use domain::ids::OrgId;
use domain::log_record::LineRules;
use logstore::reader::{Arrived, Line, Plan, Snapshot, is_recent};
use service_kit::{ApiError, Kit};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::admission::TailPermit;
use crate::answer::LineView;
use crate::app::State;
use crate::ask::{Ask, Chosen};

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(200);
/// Lines whose own time is further in the past when they arrive are found by searches, and not followed.
const MAX_AGE: time::Duration = time::Duration::minutes(5);
/// Lines in the buffer of one follower, and about their bytes.
const MAX_LINES: usize = 20_000;
const MAX_BYTES: usize = 16 << 20;

/// What a follower is told.
#[derive(Debug)]
pub(crate) enum Event {
    /// As JSON, and the position after it.
    Line(String, String),
    /// So many lines gave way before the next one.
    Missed(u64),
    /// Lines that arrived between these moments were not looked at.
    Gap(OffsetDateTime, OffsetDateTime),
    /// The database did not answer; it is tried again.
    Stalled,
    /// Where it is: everything that arrived before was told.
    At(String),
}

/// What is followed, and how a line of it is shown.
pub(crate) trait Followed {
    /// What a look knows of the scopes.
    type Places;

    /// Where to look, and for what; the plan's times play no part.
    fn plan(&self, all: Vec<NamedScope>, state: &State) -> Result<(Plan, Self::Places), ApiError>;

    /// A line as the follower gets it; `None` if it is not wanted after all.
    fn show(&self, line: Line, places: &Self::Places) -> Result<Option<String>, ApiError>;

    /// What the follower is told first, of before it came.
    async fn before(&self, tx: &TenantTx<'_>, state: &State) -> Result<Vec<String>, ApiError>;
}

impl Followed for Ask {
    type Places = Chosen;

    fn plan(&self, all: Vec<NamedScope>, state: &State) -> Result<(Plan, Chosen), ApiError> {
        let chosen = self.choose(all)?;
        Ok((Ask::plan(self, &chosen, state.budget), chosen))
    }

    fn show(&self, line: Line, chosen: &Chosen) -> Result<Option<String>, ApiError> {
        let line = serde_json::to_string(&LineView::new(line, chosen));
        line.map(Some).map_err(|error| ApiError::Internal(error.into()))
    }

    async fn before(&self, _tx: &TenantTx<'_>, _state: &State) -> Result<Vec<String>, ApiError> {
        Ok(Vec::new())
    }
}

/// Somebody who follows: what came for them, until dropped.
pub(crate) struct Following {
    pub(crate) buffer: Arc<Buffer>,
    looking: AbortHandle,
    _permit: TailPermit,
}

impl Following {
    /// Begins to look.
    pub(crate) fn begin(
        kit: &Kit,
        state: &actix_web::web::Data<State>,
        (org_id, permit): (OrgId, TailPermit),
        followed: impl Followed + 'static,
        from: Option<Position>,
    ) -> Self {
        let buffer = Arc::new(Buffer::default());
        let looking = follow(
            Kit::clone(kit),
            state.clone(),
            org_id,
            followed,
            from,
            Arc::clone(&buffer),
        );
        Self {
            buffer,
            looking: actix_web::rt::spawn(looking).abort_handle(),
            _permit: permit,
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// Where a follower is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Seconds since 1970.
    at: i64,
    since: Snapshot,
    /// The end of what is being delivered, and how many lines of it were; `None` when all were.
    under_way: Option<(Snapshot, usize)>,
}

impl Position {
    /// Behind everything that this transaction sees.
    pub(crate) async fn current(tx: &TenantTx<'_>, now: OffsetDateTime) -> Result<Self, DbError> {
        Ok(after(now, Snapshot::current(tx).await?))
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match &self.under_way {
            None => format!("{}|{}", self.at, self.since),
            Some((until, lines)) => format!("{}|{}|{until}|{lines}", self.at, self.since),
        };
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

impl std::str::FromStr for Position {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let read = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let mut parts = text.split('|');
            let (at, since) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            let under_way = match (parts.next(), parts.next()) {
                (Some(until), Some(lines)) => Some((until.parse().ok()?, lines.parse().ok()?)),
                _ => None,
            };
            Some(Self { at, since, under_way })
        };
        read().ok_or_else(|| {
            ApiError::invalid(
                "last_event_id",
                "is not the id of an event of this stream; leave it out",
            )
        })
    }
}

/// Between the task that looks and the connection that delivers.
#[derive(Default)]
pub(crate) struct Buffer {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    lines: usize,
    bytes: usize,
    /// Lines that gave way since the last that was taken.
    missed: u64,
    /// The position behind all events.
    position: Option<String>,
}

impl Buffer {
    fn push(&self, events: impl IntoIterator<Item = Event>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            waiting.push(event);
        }
        if !waiting.events.is_empty() {
            self.changed.notify_one();
        }
    }

    /// The same of a look that led to this position.
    fn push_up_to(&self, events: Vec<Event>, position: &Position) {
        self.push(events);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = waiting.position.replace(position.to_string()).is_none();
        drop(waiting);
        if is_first {
            self.push([Event::At(position.to_string())]);
        }
    }

    /// Where a follower is that was told everything; without this, one to whom nothing comes would seem to have been away.
    pub(crate) fn position(&self) -> Option<String> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.position.clone().filter(|_| waiting.events.is_empty())
    }

    /// The next events, at least one.
    pub(crate) async fn take(&self) -> Vec<Event> {
        loop {
            let changed = self.changed.notified();
            let taken = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
            if !taken.is_empty() {
                return taken;
            }
            changed.await;
        }
    }
}

impl Waiting {
    fn push(&mut self, event: Event) {
        if let Event::Line(line, _) = &event {
            self.lines += 1;
            self.bytes += line.len();
        }
        self.events.push_back(event);
        while self.lines > MAX_LINES || (self.bytes > MAX_BYTES && self.lines > 1) {
            match self.events.pop_front() {
                Some(Event::Line(line, _)) => {
                    self.lines -= 1;
                    self.bytes -= line.len();
                    self.missed += 1;
                }
                Some(Event::Missed(lines)) => self.missed += lines,
                Some(Event::Gap(..) | Event::Stalled | Event::At(_)) => {}
                None => break,
            }
        }
    }

    fn take(&mut self) -> Vec<Event> {
        /// So that a connection writes pieces of a moderate size.
        const AT_ONCE: usize = 500;
        let missed = std::mem::take(&mut self.missed);
        let mut taken: Vec<Event> = Some(Event::Missed(missed))
            .filter(|_| missed > 0)
            .into_iter()
            .collect();
        for event in self.events.drain(..self.events.len().min(AT_ONCE)) {
            if let Event::Line(line, _) = &event {
                self.lines -= 1;
                self.bytes -= line.len();
            }
            taken.push(event);
        }
        taken
    }
}

/// Looks what arrived and puts it into the buffer, until it is dropped.
async fn follow(
    kit: Kit,
    state: actix_web::web::Data<State>,
    org_id: OrgId,
    followed: impl Followed,
    from: Option<Position>,
    buffer: Arc<Buffer>,
) {
    let mut position = match from {
        Some(position) => {
            let now = kit.clock.now();
            let at = OffsetDateTime::from_unix_timestamp(position.at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
            if is_recent(at, now) {
                Some(position)
            } else {
                buffer.push([Event::Gap(at, now)]);
                None
            }
        }
        None => None,
    };
    let mut is_new = position.is_none();
    loop {
        match look(&kit, &state, org_id, &followed, (position.clone(), is_new)).await {
            Ok((events, next)) => {
                is_new = false;
                buffer.push_up_to(events, &next);
                position = Some(next);
            }
            Err(error) => {
                tracing::debug!(
                    error = db::causes::chain(&error),
                    "a follower's look failed: {error}"
                );
                buffer.push([Event::Stalled]);
                if let Some(last) = &position {
                    let at =
                        OffsetDateTime::from_unix_timestamp(last.at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
                    let now = kit.clock.now();
                    if !is_recent(at, now) {
                        buffer.push([Event::Gap(at, now)]);
                        position = None;
                    }
                }
                tokio::time::sleep(PAUSE * 5).await;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What arrived since the position, and the position after that. Without one, only where to begin, and for whoever is new
/// what was before.
async fn look(
    kit: &Kit,
    state: &State,
    org_id: OrgId,
    followed: &impl Followed,
    (position, is_new): (Option<Position>, bool),
) -> Result<(Vec<Event>, Position), ApiError> {
    let now = kit.clock.now();
    let mut conn = kit.db.conn("query.tail").await?;
    let tx = conn.tenant_snapshot(org_id).await?;
    let current = Snapshot::current(&tx).await?;
    let Some(position) = position else {
        let before = if is_new {
            followed.before(&tx, state).await?
        } else {
            Vec::new()
        };
        tx.commit().await?;
        let next = after(now, current);
        let event = |line| Event::Line(line, next.to_string());
        return Ok((before.into_iter().map(event).collect(), next));
    };
    let (plan, places) = followed.plan(scopes::list(&tx).await?, state)?;
    let plan = Plan {
        from: now - MAX_AGE,
        to: now + LineRules::MAX_FUTURE,
        ..plan
    };
    let (until, skip) = position.under_way.unwrap_or((current, 0));
    let between = (&position.since, &until);
    let Arrived { lines, missed } = state.reader.arrived(&tx, &plan, between, MAX_LINES).await?;
    tx.commit().await?;
    let mut events = Vec::with_capacity(lines.len());
    if missed > 0 {
        events.push(Event::Missed(missed));
    }
    let last = lines.len();
    for (number, line) in (1..).zip(lines).skip(skip) {
        let id = if number == last {
            after(now, until.clone())
        } else {
            Position {
                at: now.unix_timestamp(),
                since: position.since.clone(),
                under_way: Some((until.clone(), number)),
            }
        };
        if let Some(line) = followed.show(line, &places)? {
            events.push(Event::Line(line, id.to_string()));
        }
    }
    Ok((events, after(now, until)))
}

fn after(now: OffsetDateTime, since: Snapshot) -> Position {
    Position {
        at: now.unix_timestamp(),
        since,
        under_way: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Event {
        Event::Line(number.to_string(), number.to_string())
    }

    fn taken(buffer: &Buffer) -> (Vec<String>, u64) {
        let (mut lines, mut missed) = (Vec::new(), 0);
        loop {
            let events = buffer.waiting.lock().unwrap().take();
            if events.is_empty() {
                return (lines, missed);
            }
            for event in events {
                match event {
                    Event::Line(line, _) => lines.push(line),
                    Event::Missed(count) => missed += count,
                    Event::Gap(..) | Event::Stalled | Event::At(_) => {}
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_gives_way_and_is_counted() {
        let buffer = Buffer::default();
        buffer.push((0..MAX_LINES + 7).map(line));
        let (lines, missed) = taken(&buffer);
        assert_eq!((lines.len(), missed), (MAX_LINES, 7));
        assert_eq!(lines[0], "7", "the oldest gave way");
        let long = || Event::Line("x".repeat(MAX_BYTES / 2 + 1), String::new());
        buffer.push([long(), long(), line(1)]);
        assert_eq!(taken(&buffer).1, 1, "{MAX_BYTES} bytes");
    }

    #[test]
    fn a_position_reads_as_it_prints() {
        let snapshot = |text: &str| text.parse::<Snapshot>().unwrap();
        for under_way in [None, Some((snapshot("12:30:15"), 3))] {
            let position = Position {
                at: 1_790_000_000,
                since: snapshot("10:20:11,12"),
                under_way,
            };
            assert_eq!(position.to_string().parse::<Position>().unwrap(), position);
        }
        for text in ["", "x", "MTox", &URL_SAFE_NO_PAD.encode("1|2:1:")] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
