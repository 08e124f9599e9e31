use proptest::prelude::*;

use super::*;
use crate::columns::{Columns, TextColumn};

type Line = (i64, u8, Vec<u8>, Vec<u8>, Option<u128>, Vec<u8>, i64);

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let text = || prop::collection::vec(any::<u8>(), 0..40);
    let ts = prop_oneof![0..1_000_i64, any::<i64>().prop_map(|ts| ts >> 2)];
    prop::collection::vec(
        (
            ts,
            0..6_u8,
            text(),
            text(),
            any::<Option<u128>>(),
            text(),
            0..1_000_i64,
        ),
        1..300,
    )
}

fn columns(lines: &[Line]) -> (Columns, Vec<i64>) {
    let mut columns = Columns::default();
    let mut ids = Vec::new();
    for (i, (ts, level, message, meta, trace, request, id)) in lines.iter().enumerate() {
        columns.ts.push(*ts);
        columns.level.push(*level);
        columns.message.push(message);
        columns.meta.push(meta);
        columns.trace_id.push(
            trace
                .map(|id| format!("{id:032x}"))
                .unwrap_or_default()
                .as_bytes(),
        );
        columns.request_id.push(request);
        ids.push(id * 1_000 + i as i64);
    }
    (columns, ids)
}

type Row = (i64, i64, u8, [Vec<u8>; 4]);

fn decode(segment: &Encoded) -> Result<Vec<Row>, Damaged> {
    let index = Index::parse(&segment.index)?;
    let mut decoder = Decoder::new().unwrap();
    let mut out = Vec::new();
    for block in &index.blocks {
        let part = |column: Column| {
            segment.columns[column as usize]
                .get(block.range(column))
                .ok_or(Damaged("cut off"))
        };
        let ts = decoder.ts(block, part(Column::Ts)?)?;
        let levels = decoder.levels(block, part(Column::Level)?)?;
        let ids = decoder.ids(block, segment.first_id, part(Column::Id)?)?;
        let mut text = |column| decoder.texts(block, column, part(column)?);
        let texts = [
            text(Column::Message)?,
            text(Column::Meta)?,
            text(Column::Trace)?,
            text(Column::Request)?,
        ];
        for row in 0..block.rows as usize {
            let texts = texts.each_ref().map(|column| column.get(row).to_vec());
            out.push((ts[row], ids[row], levels[row], texts));
        }
    }
    Ok(out)
}

fn expected(columns: &Columns, ids: &[i64]) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..columns.len())
        .map(|row| {
            let texts: [&TextColumn; 4] = [
                &columns.message,
                &columns.meta,
                &columns.trace_id,
                &columns.request_id,
            ];
            (
                columns.ts[row],
                ids[row],
                columns.level[row],
                texts.map(|column| column.get(row).to_vec()),
            )
        })
        .collect();
    rows.sort_by_key(|row| (row.0, row.1));
    rows
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_sorted_by_time_and_id(lines in lines(), with_filters in any::<bool>()) {
        let (columns, ids) = columns(&lines);
        let mut encoder = if with_filters { Encoder::with_filters() } else { Encoder::new() }.unwrap();
        let segment = encoder.encode(&columns, Ids::Each(&ids)).unwrap();
        prop_assert_eq!(decode(&segment).unwrap(), expected(&columns, &ids));
        // In sequence: ids follow the order of time, and of arrival among equal times.
        let segment = encoder.encode(&columns, Ids::From(7)).unwrap();
        let rows = decode(&segment).unwrap();
        prop_assert!((7..).zip(&rows).all(|(id, row)| row.1 == id));
        prop_assert_eq!(rows.iter().map(|row| row.0).min(), Some(segment.min_ts));
        prop_assert_eq!(rows.iter().map(|row| row.0).max(), Some(segment.max_ts));
        prop_assert_eq!(segment.level_counts.iter().sum::<u32>(), segment.row_count);
    }

    #[test]
    fn damage_is_noticed_and_never_a_panic(lines in lines(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let (columns, ids) = columns(&lines);
        let segment = Encoder::new().unwrap().encode(&columns, Ids::Each(&ids)).unwrap();
        let total = segment.index.len() + segment.columns.iter().map(Vec::len).sum::<usize>();
        let mut position = at.index(total);
        let mut damaged = segment.clone();
        for bytes in std::iter::once(&mut damaged.index).chain(&mut damaged.columns) {
            if position < bytes.len() {
                bytes[position] ^= 1 << bit;
                break;
            }
            position -= bytes.len();
        }
        prop_assert!(decode(&damaged).is_err());
    }

    #[test]
    fn no_bytes_make_the_index_parser_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        bytes.insert(0, VERSION);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        let _ = Index::parse(&bytes);
    }
}

#[test]
fn long_segments_are_cut_into_blocks_by_rows_and_by_bytes() {
    let long = vec![b'x'; 3 << 20];
    let mut columns = Columns::default();
    for i in 0..10_000 {
        columns.ts.push(i);
        columns.level.push(2);
        columns.message.push(if i == 5_000 { &long } else { b"short" });
        columns.meta.push(if i == 5_001 { &long } else { b"" });
        columns.trace_id.push(b"");
        columns.request_id.push(b"");
    }
    let segment = Encoder::new().unwrap().encode(&columns, Ids::From(1)).unwrap();
    let index = Index::parse(&segment.index).unwrap();
    let rows: Vec<u32> = index.blocks.iter().map(|block| block.rows).collect();
    assert_eq!(rows, [4096, 905, 4096, 903]);
    assert_eq!(index.row_count(), segment.row_count);
    assert_eq!(
        decode(&segment).unwrap(),
        expected(&columns, &(1..=10_000).collect::<Vec<_>>())
    );
}
