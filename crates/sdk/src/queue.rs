//! The bounded queue between the application and the sender, and the books of every line that came by.
//!
//! One lock holds both, so that the books are right at every moment: offered = stored + held + dropped. It is held for
//! moments only, never while anything is encoded, compressed or sent.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::batch::{Batch, Line};
use crate::stats::{Counters, DropReason, Stats};
use crate::undelivered::{Undelivered, UndeliveredLine};

/// What the queue and a batch may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) queue_lines: usize,
    /// Of [`Line::weight`], lines that are being sent included.
    pub(crate) queue_bytes: usize,
    pub(crate) batch_lines: usize,
    /// Of NDJSON, uncompressed.
    pub(crate) batch_bytes: usize,
    /// How long a line may wait for company.
    pub(crate) batch_age: Duration,
}

/// What the sender is to do.
pub(crate) enum Next {
    Send(Batch),
    /// Nothing is due before this time, or before the next wake-up.
    Wait(Option<Instant>),
    /// Closed and empty.
    End,
}

/// How far the sender is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Lines that came into the queue and are stored or dropped by now. They settle in the order in which they came.
    pub(crate) settled: u64,
    /// The sender has ended.
    pub(crate) ended: bool,
}

pub(crate) struct Queue {
    limits: Limits,
    state: Mutex<State>,
    /// The sender sleeps on it.
    wake: Notify,
    /// The two sides of one news: for those who wait in async code, and for those who block.
    progress: watch::Sender<Progress>,
    progressed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Line>,
    /// Of the JSON of the waiting lines, line feeds included.
    waiting_bytes: usize,
    /// Of all lines held.
    held_bytes: usize,
    /// Lines that ever came into the queue.
    queued: u64,
    settled: u64,
    /// Lines before this number do not wait for company.
    flush_to: u64,
    closed: bool,
    ended: bool,
    counters: Counters,
    undelivered: Vec<UndeliveredLine>,
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: Mutex::default(),
            wake: Notify::new(),
            progress: watch::Sender::new(Progress::default()),
            progressed: Condvar::new(),
        }
    }

    /// Takes a line, or drops and counts it. Never waits.
    pub(crate) fn push(&self, json: String, now: Instant) -> bool {
        let line = Line {
            json: json.into(),
            queued_at: now,
        };
        let mut state = self.state();
        if let Some(reason) = state.refusal(&line, &self.limits) {
            state.counters.dropped.add(reason, 1);
            false
        } else {
            let (was_empty, was_full) = (state.waiting.is_empty(), state.is_full(&self.limits));
            state.push(line);
            let is_full = state.is_full(&self.limits);
            drop(state);
            // The sender sleeps until the first line is old enough, or until there is a whole batch.
            if was_empty || (is_full && !was_full) {
                self.wake.notify_one();
            }
            true
        }
    }

    /// The next batch, if one is due.
    pub(crate) fn next(&self, now: Instant) -> Next {
        let mut state = self.state();
        let Some(oldest) = state.waiting.front() else {
            return if state.closed { Next::End } else { Next::Wait(None) };
        };
        let due_at = oldest.queued_at + self.limits.batch_age;
        let hurried = state.closed || state.flush_to > state.taken();
        if hurried || now >= due_at || state.is_full(&self.limits) {
            Next::Send(state.take(&self.limits))
        } else {
            Next::Wait(Some(due_at))
        }
    }

    /// Sleeps until something may have become due.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// A batch has met its fate, which the closure writes into the books.
    pub(crate) fn settle(&self, batch: &Batch, book: impl FnOnce(&mut Counters)) {
        let mut state = self.state();
        state.settled += batch.len();
        state.held_bytes = state.held_bytes.saturating_sub(batch.weight());
        book(&mut state.counters);
        self.publish(&state);
    }

    /// Something to count without a fate.
    pub(crate) fn count(&self, book: impl FnOnce(&mut Counters)) {
        book(&mut self.state().counters);
    }

    /// Everything that came so far is to be sent without waiting for company. Gives the number to wait for.
    pub(crate) fn flush(&self) -> Flush {
        let mut state = self.state();
        state.flush_to = state.queued;
        let flush = Flush {
            to: state.queued,
            dropped_before: state.dropped_after_queueing(),
        };
        drop(state);
        self.wake.notify_one();
        flush
    }

    /// No more lines are taken; those that are there are sent without waiting for company.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.wake.notify_one();
    }

    /// The sender ends, and these batches and all waiting lines stay undelivered.
    pub(crate) fn end(&self, batches: Vec<Batch>) {
        let mut state = self.state();
        state.closed = true;
        state.ended = true;
        let waiting: Vec<Line> = state.waiting.drain(..).collect();
        state.waiting_bytes = 0;
        state.held_bytes = 0;
        // With what a panic of the sender took along.
        let left = state.queued - state.settled;
        state.settled = state.queued;
        state.counters.dropped.add(DropReason::Undelivered, left);
        let lines = batches
            .into_iter()
            .chain([Batch::new(waiting)])
            .flat_map(Batch::into_undelivered);
        state.undelivered.extend(lines);
        self.publish(&state);
    }

    /// What [`Queue::end`] left, once.
    pub(crate) fn undelivered(&self) -> Result<(), Undelivered> {
        let lines = std::mem::take(&mut self.state().undelivered);
        if lines.is_empty() {
            Ok(())
        } else {
            Err(Undelivered { lines })
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Blocks the thread until the condition holds or the time is over.
    pub(crate) fn block_until(&self, within: Duration, holds: impl Fn(Progress) -> bool) {
        let state = self.state();
        let waits = |state: &mut State| !holds(state.progress());
        // Poisoned or in time: what the caller does next looks at the state anyway.
        let _ = self.progressed.wait_timeout_while(state, within, waits);
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.state();
        state.counters.snapshot(state.queued - state.settled)
    }

    /// Lines dropped for this reason so far.
    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        self.state().counters.dropped.by(reason)
    }

    /// What of a flush is not settled yet, and what was dropped since.
    pub(crate) fn outcome(&self, flush: &Flush) -> (u64, u64) {
        let state = self.state();
        let pending = flush.to.saturating_sub(state.settled);
        let dropped = state.dropped_after_queueing() - flush.dropped_before;
        (pending, dropped)
    }

    fn publish(&self, state: &State) {
        self.progress.send_replace(state.progress());
        self.progressed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The books are changed in steps that cannot panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a flush waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flush {
    pub(crate) to: u64,
    dropped_before: u64,
}

impl State {
    fn refusal(&self, line: &Line, limits: &Limits) -> Option<DropReason> {
        let held = self.queued - self.settled;
        if self.closed {
            Some(DropReason::Closed)
        } else if line.json.len() + 1 > limits.batch_bytes {
            Some(DropReason::LineTooLong)
        } else if held >= limits.queue_lines as u64 || self.held_bytes + line.weight() > limits.queue_bytes {
            Some(DropReason::QueueFull)
        } else {
            None
        }
    }

    fn push(&mut self, line: Line) {
        self.queued += 1;
        self.held_bytes += line.weight();
        self.waiting_bytes += line.json.len() + 1;
        self.waiting.push_back(line);
    }

    fn take(&mut self, limits: &Limits) -> Batch {
        let mut bytes = 0;
        let fits = |line: &&Line| {
            bytes += line.json.len() + 1;
            bytes <= limits.batch_bytes
        };
        let count = self
            .waiting
            .iter()
            .take(limits.batch_lines)
            .take_while(fits)
            .count();
        let lines: Vec<Line> = self.waiting.drain(..count).collect();
        self.waiting_bytes -= lines.iter().map(|line| line.json.len() + 1).sum::<usize>();
        Batch::new(lines)
    }

    fn is_full(&self, limits: &Limits) -> bool {
        self.waiting.len() >= limits.batch_lines || self.waiting_bytes >= limits.batch_bytes
    }

    /// How many lines have left the queue for a batch.
    fn taken(&self) -> u64 {
        self.queued - self.waiting.len() as u64
    }

    /// A line that was not taken at the door is no concern of a flush.
    fn dropped_after_queueing(&self) -> u64 {
        let at_the_door = [DropReason::QueueFull, DropReason::LineTooLong, DropReason::Closed];
        let dropped = &self.counters.dropped;
        dropped.total() - at_the_door.map(|reason| dropped.by(reason)).iter().sum::<u64>()
    }

    fn progress(&self) -> Progress {
        Progress {
            settled: self.settled,
            ended: self.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        queue_lines: 10,
        queue_bytes: 10_000,
        batch_lines: 4,
        batch_bytes: 100,
        batch_age: Duration::from_secs(1),
    };

    fn line(bytes: usize) -> String {
        "x".repeat(bytes)
    }

    fn batch(next: Next) -> Batch {
        match next {
            Next::Send(batch) => batch,
            Next::Wait(until) => panic!("waits until {until:?}"),
            Next::End => panic!("has ended"),
        }
    }

    fn waits_until(next: &Next) -> Option<Instant> {
        match next {
            Next::Wait(until) => *until,
            Next::Send(batch) => panic!("{} lines are due", batch.len()),
            Next::End => panic!("has ended"),
        }
    }

    #[test]
    fn a_line_waits_for_company_until_it_is_old_enough() {
        let (queue, now) = (Queue::new(LIMITS), Instant::now());
        assert_eq!(waits_until(&queue.next(now)), None);
        assert!(queue.push(line(5), now));
        assert!(queue.push(line(5), now + Duration::from_millis(700)));
        let due = now + LIMITS.batch_age;
        let just_before = due.checked_sub(Duration::from_nanos(1)).unwrap();
        assert_eq!(waits_until(&queue.next(just_before)), Some(due));
        assert_eq!(batch(queue.next(due)).len(), 2);
    }

    #[test]
    fn a_batch_is_due_at_once_when_it_has_its_lines_or_its_bytes() {
        let (queue, now) = (Queue::new(LIMITS), Instant::now());
        for _ in 0..5 {
            queue.push(line(5), now);
        }
        assert_eq!(batch(queue.next(now)).len(), 4);
        assert!(waits_until(&queue.next(now)).is_some());

        let queue = Queue::new(LIMITS);
        queue.push(line(60), now);
        assert!(waits_until(&queue.next(now)).is_some());
        queue.push(line(60), now);
        // 122 bytes wait, and 100 may travel together.
        assert_eq!(batch(queue.next(now)).len(), 1);
    }

    #[test]
    fn a_flush_and_a_close_wait_for_no_company() {
        let (queue, now) = (Queue::new(LIMITS), Instant::now());
        queue.push(line(5), now);
        let flush = queue.flush();
        assert_eq!(queue.outcome(&flush), (1, 0));
        let sent = batch(queue.next(now));
        queue.settle(&sent, |books| books.stored += 1);
        assert_eq!(queue.outcome(&flush), (0, 0));

        queue.push(line(5), now);
        assert!(waits_until(&queue.next(now)).is_some());
        queue.close();
        assert_eq!(batch(queue.next(now)).len(), 1);
        assert!(matches!(queue.next(now), Next::End));
    }

    #[test]
    fn a_full_queue_drops_the_newest_line_and_counts_it() {
        let (queue, now) = (Queue::new(LIMITS), Instant::now());
        let taken = (0..13)
            .filter(|number| queue.push(number.to_string(), now))
            .count();
        assert_eq!(taken, 10);
        let stats = queue.stats();
        assert_eq!((stats.held, stats.dropped.by(DropReason::QueueFull)), (10, 3));
        assert_eq!(&*batch(queue.next(now)).lines[0].json, "0");
        // What is being sent still counts: the bound is one of memory.
        assert!(!queue.push(line(1), now));
    }

    #[test]
    fn the_queue_is_bounded_in_bytes_and_room_comes_back_when_lines_settle() {
        let limits = Limits {
            queue_bytes: 3 * (size_of::<Line>() + 50),
            ..LIMITS
        };
        let (queue, now) = (Queue::new(limits), Instant::now());
        assert_eq!((0..5).filter(|_| queue.push(line(50), now)).count(), 3);
        queue.flush();
        let sent = batch(queue.next(now));
        let settled = sent.len();
        queue.settle(&sent, |books| books.stored += settled);
        assert_eq!(
            (0..5).filter(|_| queue.push(line(50), now)).count() as u64,
            settled
        );
    }

    #[test]
    fn a_line_that_no_batch_can_hold_and_one_after_the_close_are_dropped_by_name() {
        let (queue, now) = (Queue::new(LIMITS), Instant::now());
        assert!(!queue.push(line(100), now));
        assert!(queue.push(line(99), now));
        queue.close();
        assert!(!queue.push(line(1), now));
        let dropped = queue.stats().dropped;
        assert_eq!(dropped.by(DropReason::LineTooLong), 1);
        assert_eq!(dropped.by(DropReason::Closed), 1);
    }

    #[test]
    fn what_the_end_leaves_is_given_back_once_in_order_and_the_books_agree() {
        let (queue, now) = (Queue::new(LIMITS), Instant::now());
        for number in 0..6 {
            queue.push(number.to_string(), now);
        }
        let mut sent = batch(queue.next(now));
        sent.may_be_stored = true;
        queue.end(vec![sent]);
        let lines = queue.undelivered().unwrap_err().lines;
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.json.as_str(), line.may_be_stored))
            .collect();
        let expected = ["0", "1", "2", "3", "4", "5"].map(|text| (text, text < "4"));
        assert_eq!(found, expected);
        assert!(queue.undelivered().is_ok());
        let stats = queue.stats();
        assert_eq!((stats.held, stats.dropped.by(DropReason::Undelivered)), (0, 6));
    }
}
