//! Damage that no checksum tells of: what a segment says is changed and its checksums are made anew, so that everything
//! behind them is reached. Whatever it says, reading it ends with an error or with as many lines as it states, in bounds.

use proptest::prelude::*;
use proptest::sample::Index as Place;

use super::index::Block;
use super::tests::{Line, columns, decode, lines, of_rows};
use super::varint::{put_varint, zigzag};
use super::*;

/// A block in the open: nothing of it is compressed.
#[derive(Clone, Debug)]
struct Open {
    rows: u64,
    min_ts: i64,
    max_ts: i64,
    levels: [u32; LEVELS],
    filter: u64,
    raw: [Vec<u8>; COLUMNS],
    folded: [usize; COLUMNS],
}

impl Open {
    fn all_of(segment: &Encoded) -> Vec<Self> {
        let blocks = Index::parse(&segment.index).unwrap().blocks;
        blocks.iter().map(|block| Self::of(segment, block)).collect()
    }

    fn of(segment: &Encoded, block: &Block) -> Self {
        let raw = Column::ALL.map(|column| {
            let part = block.part(column);
            let stored = &segment.columns[column as usize][block.range(column)];
            if part.stored == part.raw {
                stored.to_vec()
            } else {
                zstd::bulk::decompress(stored, part.raw).unwrap()
            }
        });
        Self {
            rows: block.rows.into(),
            min_ts: block.min_ts,
            max_ts: block.max_ts,
            levels: block.level_counts,
            filter: block.filter_range().len() as u64,
            raw,
            folded: Column::ALL.map(|column| block.part(column).folded),
        }
    }

    /// What the index says of it before its columns.
    fn put_head(&self, ts_before: i64, index: &mut Vec<u8>) {
        put_varint(index, self.rows);
        put_varint(index, zigzag(self.min_ts.wrapping_sub(ts_before)));
        put_varint(index, self.max_ts.wrapping_sub(self.min_ts) as u64);
        for count in self.levels {
            put_varint(index, count.into());
        }
        put_varint(index, self.filter);
        // Of the filter, which nothing here looks at.
        index.extend_from_slice(&[0; 4]);
    }
}

/// What the index says of a column: its bytes before compression, and those of its texts if they are folded.
fn put_part(column: Column, stored: &[u8], (raw, folded): (usize, usize), index: &mut Vec<u8>) {
    put_varint(index, stored.len() as u64);
    put_varint(index, raw as u64);
    index.extend_from_slice(&crc32fast::hash(stored).to_le_bytes());
    if column.is_text() {
        put_varint(index, folded as u64);
    }
}

/// The index of a segment without folded texts as an earlier version wrote it.
pub(super) fn as_earlier_version(segment: &Encoded, version: u8) -> Vec<u8> {
    let mut index = vec![version];
    let blocks = Index::parse(&segment.index).unwrap().blocks;
    put_varint(&mut index, blocks.len() as u64);
    let mut ts_before = 0;
    for block in &blocks {
        Open::of(segment, block).put_head(ts_before, &mut index);
        for column in Column::ALL {
            let part = block.part(column);
            assert_eq!(part.folded, 0);
            put_varint(&mut index, part.stored as u64);
            put_varint(&mut index, part.raw as u64);
            index.extend_from_slice(&part.crc.to_le_bytes());
            if version == THIRD_VERSION && column.is_text() {
                put_varint(&mut index, 0);
            }
        }
        ts_before = block.min_ts;
    }
    seal(&mut index);
    index
}

/// The segment of these blocks, with every checksum right.
fn close(blocks: &[Open], first_id: i64) -> Encoded {
    let mut index = vec![VERSION];
    put_varint(&mut index, blocks.len() as u64);
    let mut ts_before = 0;
    for block in blocks {
        block.put_head(ts_before, &mut index);
        for ((column, raw), folded) in Column::ALL.into_iter().zip(&block.raw).zip(block.folded) {
            put_part(column, raw, (raw.len(), folded), &mut index);
        }
        ts_before = block.min_ts;
    }
    seal(&mut index);
    Encoded {
        min_ts: 0,
        max_ts: 0,
        first_id,
        row_count: 0,
        level_counts: [0; LEVELS],
        index,
        columns: Column::ALL.map(|column| {
            let parts = blocks.iter().map(|block| &block.raw[column as usize]);
            parts.flatten().copied().collect()
        }),
        word_filter: Vec::new(),
        pattern_counts: Vec::new(),
    }
}

fn seal(index: &mut Vec<u8>) {
    let crc = crc32fast::hash(index);
    index.extend_from_slice(&crc.to_le_bytes());
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(Place, u8),
    CutOff(Place),
    Insert(Place, Vec<u8>),
    Replace(Vec<u8>),
}

impl Damage {
    fn strike(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Flip(_, _) | Self::CutOff(_) if bytes.is_empty() => {}
            Self::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::CutOff(at) => bytes.truncate(at.index(bytes.len())),
            Self::Insert(at, more) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Replace(others) => bytes.clone_from(others),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    // Long varints and large numbers are rare among random bytes.
    let hostile = prop::collection::vec(prop_oneof![Just(0xff_u8), Just(0x80), Just(0), Just(1)], 0..40);
    prop_oneof![
        4 => (any::<Place>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => any::<Place>().prop_map(Damage::CutOff),
        1 => (any::<Place>(), bytes()).prop_map(|(at, more)| Damage::Insert(at, more)),
        1 => bytes().prop_map(Damage::Replace),
        1 => hostile.prop_map(Damage::Replace),
    ]
}

/// What is changed of a block, beside its columns.
fn lie() -> impl Strategy<Value = Option<(Place, Lie)>> {
    let rows = prop_oneof![0..5_000_u64, any::<u64>()].prop_map(Lie::Rows);
    let times = any::<(i64, i64)>().prop_map(|(min, max)| Lie::Times(min, max));
    let levels = any::<[u32; LEVELS]>().prop_map(Lie::Levels);
    let filter = any::<u64>().prop_map(Lie::Filter);
    let folded = (any::<Place>(), prop_oneof![0..2_000_usize, any::<usize>()])
        .prop_map(|(column, bytes)| Lie::Folded(column, bytes));
    prop::option::of((any::<Place>(), prop_oneof![rows, times, levels, filter, folded]))
}

#[derive(Clone, Debug)]
enum Lie {
    Rows(u64),
    Times(i64, i64),
    Levels([u32; LEVELS]),
    Filter(u64),
    Folded(Place, usize),
}

impl Lie {
    fn tell(&self, of: &mut Open) {
        match *self {
            Self::Rows(rows) => of.rows = rows,
            Self::Times(min, max) => (of.min_ts, of.max_ts) = (min, max),
            Self::Levels(levels) => of.levels = levels,
            Self::Filter(bytes) => of.filter = bytes,
            Self::Folded(column, bytes) => of.folded[column.index(COLUMNS)] = bytes,
        }
    }
}

/// Reads it like the reader, looks whether what comes out keeps within what was stated, and writes it anew like the
/// compactor.
fn read(segment: &Encoded) -> Result<usize, Damaged> {
    let index = Index::parse(&segment.index)?;
    let rows = decode(segment)?;
    assert_eq!(rows.len(), index.row_count() as usize);
    let bytes: usize = rows.iter().flat_map(|row| &row.3).map(Vec::len).sum();
    // Sixteen bytes of an id are thirty-two digits.
    assert!(bytes as u64 <= 2 * index.raw_bytes());
    if !rows.is_empty() {
        let (columns, ids) = of_rows(&rows);
        let again = Encoder::with_filters()
            .unwrap()
            .encode(&columns, Ids::Each(&ids))
            .unwrap();
        assert_eq!(decode(&again).unwrap().len(), rows.len());
    }
    Ok(rows.len())
}

fn encode(lines: &[Line]) -> Encoded {
    let (columns, ids) = columns(lines);
    let mut encoder = Encoder::with_filters().unwrap();
    encoder.encode(&columns, Ids::Each(&ids)).unwrap()
}

/// Of one segment; to make it takes longer than to damage and read it.
const STRIKES: usize = 30;

proptest! {
    #[test]
    fn damage_behind_the_checksums_is_never_a_panic(
        first in lines(),
        second in lines(),
        strikes in prop::collection::vec((0..COLUMNS, any::<Place>(), damage(), lie()), STRIKES),
        first_id in any::<i64>(),
    ) {
        let segments = [encode(&first), encode(&second)];
        let blocks: Vec<Open> = segments.iter().flat_map(Open::all_of).collect();
        let whole = close(&blocks, first_id);
        prop_assert_eq!(read(&whole), Ok(first.len() + second.len()), "undamaged");
        let count = blocks.len();
        for (column, which, damage, lie) in strikes {
            let mut blocks = blocks.clone();
            damage.strike(&mut blocks[which.index(count)].raw[column]);
            if let Some((which, lie)) = lie {
                lie.tell(&mut blocks[which.index(count)]);
            }
            let _ = read(&close(&blocks, first_id));
        }
    }

    #[test]
    fn a_damaged_frame_with_a_right_checksum_is_never_a_panic(
        lines in lines(),
        strikes in prop::collection::vec((0..COLUMNS, damage()), STRIKES),
    ) {
        let whole = encode(&lines);
        let block = Index::parse(&whole.index).unwrap().blocks[0].clone();
        let open = Open::of(&whole, &block);
        for (column, damage) in strikes {
            let mut segment = whole.clone();
            damage.strike(&mut segment.columns[column]);
            segment.index = vec![VERSION, 1];
            open.put_head(0, &mut segment.index);
            for column in Column::ALL {
                let (stored, raw) = (&segment.columns[column as usize], &open.raw[column as usize]);
                let sizes = (raw.len().max(stored.len()), open.folded[column as usize]);
                put_part(column, stored, sizes, &mut segment.index);
            }
            seal(&mut segment.index);
            let _ = read(&segment);
        }
    }

    #[test]
    fn a_damaged_index_with_a_right_checksum_is_never_a_panic(
        lines in lines(),
        strikes in prop::collection::vec(prop::collection::vec(damage(), 1..4), STRIKES),
    ) {
        let mut whole = encode(&lines);
        whole.index.truncate(whole.index.len() - 4);
        for damages in strikes {
            let mut segment = whole.clone();
            for damage in damages {
                damage.strike(&mut segment.index);
            }
            seal(&mut segment.index);
            let _ = read(&segment);
        }
    }
}

/// Frames of a few bytes that state, or hold, more than a block may: what is made of them stays within the bound, and
/// however many there are, it is given back after each.
#[test]
fn a_lie_about_sizes_costs_no_more_memory_than_one_block() {
    const BOUND: usize = 64 << 20;
    let bomb = zstd::bulk::compress(&vec![0; BOUND + 1], 1).unwrap();
    let too_much = |raw: usize| {
        let mut index = vec![VERSION, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        // No filter, and the checksum of nothing.
        index.extend_from_slice(&[0; 4]);
        for column in Column::ALL {
            put_part(column, &bomb, (raw, 0), &mut index);
        }
        seal(&mut index);
        Index::parse(&index)
    };
    assert!(too_much(BOUND + 1).is_err());
    assert!(too_much(usize::MAX).is_err());
    let before = peak_memory();
    for _ in 0..50 {
        let block = too_much(BOUND).unwrap().blocks[0].clone();
        for column in [Column::Message, Column::Meta, Column::Trace, Column::Request] {
            let mut decoder = Decoder::new().unwrap();
            assert!(decoder.texts(&block, column, &bomb).is_err());
        }
    }
    let grown = peak_memory() - before;
    // Other tests of this process take some as well.
    assert!(grown < 3 * BOUND, "{grown} bytes more");

    // Few bytes that state many blocks.
    let mut many = vec![VERSION];
    put_varint(&mut many, u64::MAX);
    many.extend_from_slice(&[1; 100]);
    seal(&mut many);
    assert!(Index::parse(&many).is_err());
}

/// One long piece, and a row of that shape for each byte: the texts are a thousand times as long.
#[test]
fn a_lie_about_shapes_costs_no_memory() {
    const ROWS: usize = BLOCK_ROWS;
    const PIECE: usize = 60_000;
    let mut message = vec![LAYOUT_FOLDED, 1, 0];
    put_varint(&mut message, PIECE as u64);
    message.resize(message.len() + PIECE, b'x');
    message.resize(message.len() + ROWS, 0);
    let segment = |folded: usize| {
        let mut raw: [Vec<u8>; COLUMNS] = Default::default();
        raw[Column::Ts as usize] = vec![0; ROWS];
        raw[Column::Message as usize].clone_from(&message);
        let block = Open {
            rows: ROWS as u64,
            min_ts: 0,
            max_ts: 0,
            levels: [0, 0, ROWS as u32, 0, 0, 0],
            filter: 0,
            raw,
            folded: Column::ALL.map(|column| if column == Column::Message { folded } else { 0 }),
        };
        close(&[block], 1)
    };
    for folded in [ROWS * PIECE, 0, 1_000, 64 << 20, usize::MAX] {
        let before = peak_memory();
        assert!(decode(&segment(folded)).is_err(), "{folded}");
        assert!(peak_memory() - before < 32 << 20);
    }
}

/// The most that this process has held at a time, in bytes; 0 where the system does not tell.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1024
}
