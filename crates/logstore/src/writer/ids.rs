//! Ids of lines: unique over all writers, taken from the database in blocks.

use std::collections::VecDeque;
use std::ops::Range;

use tokio_postgres::{Client, Statement};

/// Ids that one step of the sequence reserves: what it increments by.
const BLOCK: usize = 65_536;

pub(super) const NEXT_SQL: &str = "
    -- writer::next_ids
    SELECT nextval('logs_id_seq') FROM generate_series(1, $1::integer)";

/// Ids that nobody else has. Those that are not used are lost, which does no harm: 2^63 are enough for 140 trillion
/// blocks.
#[derive(Debug, Default)]
pub(super) struct Ids(VecDeque<Range<i64>>);

impl Ids {
    #[cfg(test)]
    pub(super) fn from(first: i64) -> Self {
        Self(std::iter::once(first..first + BLOCK as i64).collect())
    }

    /// Makes room for this many ids, however they are taken.
    pub(super) async fn reserve(
        &mut self,
        count: usize,
        client: &Client,
        next: &Statement,
    ) -> Result<(), tokio_postgres::Error> {
        if let [only] = self.0.make_contiguous()
            && only.end - only.start >= count as i64
        {
            return Ok(());
        }
        // Each take that does not fit into what is left of a block leaves less than half of two blocks unused.
        let blocks = if count <= BLOCK { 1 } else { 2 * count / BLOCK + 1 };
        let rows = client.query(next, &[&(blocks as i32)]).await?;
        self.0 = rows
            .iter()
            .map(|row| {
                let first: i64 = row.get(0);
                first..first + BLOCK as i64
            })
            .collect();
        Ok(())
    }

    /// The first of this many ids in sequence, at most a block. `None` without a reservation.
    pub(super) fn take(&mut self, count: usize) -> Option<i64> {
        while let Some(block) = self.0.front_mut() {
            if block.end - block.start >= count as i64 {
                let first = block.start;
                block.start += count as i64;
                return Some(first);
            }
            self.0.pop_front();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_in_sequence_within_a_block() {
        let mut ids = Ids([0..10, 100..110].into());
        assert_eq!(
            [ids.take(4), ids.take(6), ids.take(1)],
            [Some(0), Some(4), Some(100)]
        );
        assert_eq!(ids.take(10), None);
    }
}
