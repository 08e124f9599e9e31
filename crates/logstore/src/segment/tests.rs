use proptest::prelude::*;

use super::*;
use crate::columns::{Columns, TextColumn};
use crate::filter::Probes;

/// Time, level, message, metadata, trace, request, id.
pub(super) type Line = (i64, u8, String, String, String, String, i64);

/// Any text, also empty, and what the layouts are made for: ids of 32 digits, and what only looks like one.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        4 => any::<String>(),
        2 => "[a-z ]{0,300}",
        2 => any::<u128>().prop_map(|id| format!("{id:032x}")),
        1 => "[0-9a-fA-F]{31,33}",
        4 => (0..3_u8, any::<u16>(), "[a-c.:,_-]{0,3}").prop_map(|(shape, number, more)| match shape {
            0 => format!("took {number}ms for 10.0.{number}.1{more} and more of the same"),
            1 => format!("{number}{more}"),
            _ => format!(r#"{{"status":{number},"name":"a{number}{more}","what":"the same in all"}}"#),
        }),
    ]
}

/// Close together with many duplicates, or whatever fits, up to the ends.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => 0..100_i64,
        2 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, i64::MAX - 1, i64::MAX]),
    ]
}

pub(super) fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (number(), 0..6_u8, text(), text(), text(), text(), number());
    // One level and few texts are stored in another way than several.
    prop_oneof![
        4 => prop::collection::vec(line, 1..60),
        1 => (0..6_u8, prop::collection::vec((number(), number()), 1..100)).prop_map(|(level, lines)| {
            let empty = String::new;
            lines.into_iter().map(|(ts, id)| (ts, level, empty(), empty(), empty(), empty(), id)).collect()
        }),
    ]
}

pub(super) fn columns(lines: &[Line]) -> (Columns, Vec<i64>) {
    let mut columns = Columns::default();
    let mut ids = Vec::new();
    for (ts, level, message, meta, trace, request, id) in lines {
        columns.ts.push(*ts);
        columns.level.push(*level);
        columns.message.push(message.as_bytes());
        columns.meta.push(meta.as_bytes());
        columns.trace_id.push(trace.as_bytes());
        columns.request_id.push(request.as_bytes());
        ids.push(*id);
    }
    (columns, ids)
}

/// The same lines as columns.
pub(super) fn of_rows(rows: &[Row]) -> (Columns, Vec<i64>) {
    let mut columns = Columns::default();
    for (ts, _, level, [message, meta, trace, request]) in rows {
        columns.ts.push(*ts);
        columns.level.push(*level);
        columns.message.push(message);
        columns.meta.push(meta);
        columns.trace_id.push(trace);
        columns.request_id.push(request);
    }
    (columns, rows.iter().map(|row| row.1).collect())
}

/// Time, id, level, and the texts.
pub(super) type Row = (i64, i64, u8, [Vec<u8>; 4]);

pub(super) fn decode(segment: &Encoded) -> Result<Vec<Row>, Damaged> {
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
    rows.sort();
    rows
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_sorted_by_time_and_id(lines in lines(), with_filters in any::<bool>()) {
        let (columns, ids) = columns(&lines);
        let mut encoder = if with_filters { Encoder::with_filters() } else { Encoder::new() }.unwrap();
        let segment = encoder.encode(&columns, Ids::Each(&ids)).unwrap();
        let mut rows = decode(&segment).unwrap();
        prop_assert!(rows.is_sorted_by_key(|row| (row.0, row.1)));
        rows.sort(); // lines of one time and one id may come in any order
        prop_assert_eq!(&rows, &expected(&columns, &ids));
        prop_assert_eq!(rows.first().map(|row| row.0), Some(segment.min_ts));
        prop_assert_eq!(rows.last().map(|row| row.0), Some(segment.max_ts));
        prop_assert_eq!(segment.row_count as usize, lines.len());
        for (level, count) in (0..).zip(segment.level_counts) {
            prop_assert_eq!(count as usize, lines.iter().filter(|line| line.1 == level).count());
        }
    }

    #[test]
    fn some_rows_are_unpacked_as_all_of_them_are(lines in lines(), picks in prop::collection::vec(any::<bool>(), 100)) {
        let (columns, ids) = columns(&lines);
        let segment = Encoder::with_filters().unwrap().encode(&columns, Ids::Each(&ids)).unwrap();
        let mut decoder = Decoder::new().unwrap();
        for block in &Index::parse(&segment.index).unwrap().blocks {
            let rows: Vec<u32> = (0..block.rows).filter(|row| picks[*row as usize]).collect();
            for column in Column::ALL.into_iter().filter(|column| column.is_text()) {
                let stored = &segment.columns[column as usize][block.range(column)];
                let all = decoder.texts(block, column, stored).unwrap();
                let some = decoder.texts_of(block, column, stored, &rows).unwrap();
                prop_assert_eq!(some.len(), rows.len());
                for (nth, row) in rows.iter().enumerate() {
                    prop_assert_eq!(some.get(nth), all.get(*row as usize));
                }
            }
        }
    }

    #[test]
    fn ids_in_sequence_follow_the_order_of_time_and_of_arrival(lines in lines(), first_id in number()) {
        let (columns, _) = columns(&lines);
        let segment = Encoder::new().unwrap().encode(&columns, Ids::From(first_id)).unwrap();
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by_key(|row| columns.ts[*row]);
        let mut ids = vec![0; lines.len()];
        for (place, row) in (0..).zip(order) {
            ids[row] = first_id.wrapping_add(place);
        }
        let mut rows = decode(&segment).unwrap();
        prop_assert!(rows.is_sorted_by_key(|row| (row.0, row.1.wrapping_sub(first_id))));
        rows.sort();
        prop_assert_eq!(rows, expected(&columns, &ids));
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

/// What most lines are made of: a few hundred shapes with numbers.
fn folding_texts(shapes: usize, rows: usize) -> Vec<String> {
    let text = |row: usize| {
        let shape = row % shapes;
        format!(
            "shape {} took {row}ms of {}",
            "x".repeat(shape % 50),
            "y".repeat(shape / 50)
        )
    };
    (0..rows).map(text).collect()
}

#[rstest::rstest]
#[case::few_shapes(3, 4_096, true)]
#[case::more_than_fit_into_a_byte(700, 4_096, true)]
#[case::a_shape_each(4_096, 4_096, false)]
#[case::few_lines(1, 4, true)]
fn texts_with_much_in_common_are_folded(#[case] shapes: usize, #[case] rows: usize, #[case] is_folded: bool) {
    let mut lines: Vec<Line> = Vec::new();
    for (row, text) in (0..).zip(folding_texts(shapes, rows)) {
        lines.push((row, 2, text, String::new(), String::new(), String::new(), row));
    }
    let (columns, ids) = columns(&lines);
    let segment = Encoder::with_filters()
        .unwrap()
        .encode(&columns, Ids::Each(&ids))
        .unwrap();
    let index = Index::parse(&segment.index).unwrap();
    let block = &index.blocks[0];
    let mut decoder = Decoder::new().unwrap();
    let stored = &segment.columns[Column::Message as usize][block.range(Column::Message)];
    let texts = decoder.view(block, Column::Message, stored).unwrap();
    assert_eq!(matches!(texts, Texts::Folded(_)), is_folded);
    assert!(index.raw_bytes() >= columns.message.bytes().len() as u64);
    assert_eq!(decode(&segment).unwrap(), expected(&columns, &ids));
}

#[test]
fn the_last_of_all_ids_is_an_id_like_any_other() {
    let line = |id: i64| {
        (
            0,
            2,
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            id,
        )
    };
    let (columns, ids) = columns(&[line(i64::MAX - 1), line(i64::MAX)]);
    let segment = Encoder::new().unwrap().encode(&columns, Ids::Each(&ids)).unwrap();
    assert_eq!(decode(&segment).unwrap(), expected(&columns, &ids));
}

#[rstest::rstest]
#[case(1, None)]
#[case(2, Some(Probes::OF_TWELVE))]
#[case(3, Some(Probes::OF_TWELVE))]
fn segments_of_earlier_versions_are_read(#[case] version: u8, #[case] filter_probes: Option<Probes>) {
    let text = str::to_owned;
    let (columns, ids) = columns(&[(5, 2, text("m"), text("{}"), text("t"), text("r"), 1)]);
    let mut segment = Encoder::new().unwrap().encode(&columns, Ids::Each(&ids)).unwrap();
    let probes = |segment: &Encoded| Index::parse(&segment.index).unwrap().filter_probes;
    assert_eq!(probes(&segment), Some(Probes::CURRENT));
    segment.index = damage::as_earlier_version(&segment, version);
    assert_eq!(probes(&segment), filter_probes);
    assert_eq!(decode(&segment).unwrap(), expected(&columns, &ids));
}
