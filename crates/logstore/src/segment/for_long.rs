//! What is only done for segments that stay: texts are folded, listed in word filters and counted by template.

use domain::patterns::TemplateId;

use super::Column;
use super::shapes::{FoldedTexts, Folder};
use crate::filter;

/// Looks at the columns of text of a block, one after the other. Keeps its buffers between blocks.
#[derive(Debug, Default)]
pub(super) struct ForLong {
    folder: Folder,
    filter: filter::Builder,
    /// The id of each message's own template.
    own: Vec<TemplateId>,
}

impl ForLong {
    /// Adds a column to the block's filter, and folds it, if it may and it is worth the while.
    pub(super) fn add<'t>(
        &'t mut self,
        column: Column,
        texts: &'t [&'t [u8]],
        may_fold: bool,
    ) -> Option<FoldedTexts<'t>> {
        let Self { folder, filter, own } = self;
        let folded = may_fold.then(|| folder.fold(texts)).flatten();
        match (column, folded) {
            (Column::Message, Some(folded)) => {
                own.resize(texts.len(), TemplateId::OTHER);
                for alike in folded.shapes() {
                    filter.add_messages(alike, |row, id| own[row] = id);
                }
            }
            (Column::Message, None) => {
                own.clear();
                own.extend(texts.iter().map(|text| filter.add_message(text)));
            }
            (Column::Meta, Some(folded)) => folded.shapes().for_each(|alike| filter.add_metas(alike)),
            _ => texts.iter().for_each(|text| filter.add_text(column, text)),
        }
        folded
    }

    /// The ids of the messages' own templates, in their order.
    pub(super) fn own_templates(&self) -> impl Iterator<Item = TemplateId> {
        self.own.iter().copied()
    }

    /// Appends the filter of the block.
    pub(super) fn finish(&mut self, word_filter: &mut Vec<u8>) {
        self.filter.finish(word_filter);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const ROWS: usize = 24;

    /// The filter and the templates of these texts; whether they were folded.
    fn look_at(column: Column, texts: &[String], may_fold: bool) -> (bool, Vec<u8>, Vec<TemplateId>) {
        let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let mut for_long = ForLong::default();
        let is_folded = for_long.add(column, &texts, may_fold).is_some();
        let mut filter = Vec::new();
        for_long.finish(&mut filter);
        (is_folded, filter, for_long.own_templates().collect())
    }

    fn check(column: Column, texts: &[String]) -> Result<(), TestCaseError> {
        let (is_folded, filter, own) = look_at(column, texts, true);
        prop_assume!(is_folded);
        let (_, expected, expected_own) = look_at(column, texts, false);
        for (text, (own, expected)) in texts.iter().zip(own.iter().zip(&expected_own)) {
            prop_assert_eq!(own, expected, "{}", text);
        }
        prop_assert_eq!(filter, expected);
        Ok(())
    }

    /// What one place of many rows holds.
    fn each<T: Strategy>(of: T) -> impl Strategy<Value = Vec<T::Value>> {
        prop::collection::vec(of, ROWS)
    }

    /// Messages that differ in what is between the same pieces.
    fn messages() -> impl Strategy<Value = Vec<String>> {
        let piece = "[a-cg '\"`.:,;=_\n\\\\/-]{0,5}";
        let variable = prop_oneof!["[0-9]{1,4}", "[a-f0-9_]{1,6}", "[a-fg0-9_.:,'-]{1,8}"];
        let place = (piece, each(variable));
        (
            prop::collection::vec(place, 1..5),
            prop_oneof![9 => "", 1 => "[a-c \"]{230,280}"],
        )
            .prop_map(|(places, end)| {
                let of = |row: usize| {
                    places
                        .iter()
                        .map(move |(piece, all)| format!("{piece}{}", all[row]))
                };
                (0..ROWS).map(|row| of(row).collect::<String>() + &end).collect()
            })
    }

    /// Messages with a quote that is closed near to where it would be too long.
    fn long_quotes() -> impl Strategy<Value = Vec<String>> {
        let value = "[a-c ]{215,245}";
        (value, each("[0-9]{1,40}")).prop_map(|(value, all)| {
            let message = |variable: &String| format!("a=\"{value}{variable}\" b");
            all.iter().map(message).collect()
        })
    }

    /// Values that differ, as JSON.
    fn values() -> impl Strategy<Value = Vec<String>> {
        let number = "-?(0|[1-9][0-9]{0,2})([.][0-9]{1,3})?([eE][+-]?[0-9]{1,2})?";
        let escaped = "\"(a\\\\n[0-9]|\\\\u00e[0-9])\"";
        let text = "\"([a-c0-9_.:, -]|\\\\n|\\\\u00e9|\u{e9}){0,6}\"";
        let constant = select(vec![
            "null", "true", "\"a b\"", "7", "\"7\"", "{}", "[]", "\"\\n\"",
        ]);
        prop_oneof![
            each(number),
            each(text),
            each(escaped),
            each("\"([0-9]{1,3}|-?[0-9]+[.][0-9]|[a-c0-9]{1,6})\""),
            each(select(vec![
                "18446744073709551615",
                "9007199254740993",
                "123456789012345678901234",
                "0.1",
                "1e300"
            ]))
            .prop_map(|all| all.into_iter().map(str::to_owned).collect()),
            each(prop::collection::vec(number, 0..4))
                .prop_map(|all| all.iter().map(|items| format!("[{}]", items.join(","))).collect()),
            constant.prop_map(|constant| vec![constant.to_owned(); ROWS]),
        ]
    }

    /// Compact, or as PostgreSQL writes them.
    fn objects(inner: impl Strategy<Value = Vec<String>>) -> impl Strategy<Value = Vec<String>> {
        let key = select(vec!["a", "b1", "c.d", "", "e_2", "k\u{e9}"]);
        let keys = prop_oneof![
            9 => key.prop_map(|key| vec![key.to_owned(); ROWS]),
            1 => each("k[0-9]"),
        ];
        let space = select(vec!["", " "]);
        (prop::collection::vec((keys, inner), 0..4), space).prop_map(|(fields, space)| {
            let of = |row: usize| -> Vec<String> {
                let field = |(keys, all): &(Vec<String>, Vec<String>)| {
                    format!("\"{}\":{space}{}", keys[row], all[row])
                };
                fields.iter().map(field).collect()
            };
            let separator = format!(",{space}");
            (0..ROWS)
                .map(|row| format!("{{{}}}", of(row).join(&separator)))
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::with_cases(1_000) })]
        #[test]
        fn messages_that_are_alike_are_listed_like_any_others(
            texts in prop_oneof![9 => messages().boxed(), 1 => long_quotes().boxed()],
        ) {
            check(Column::Message, &texts)?;
        }

        #[test]
        fn metadata_that_is_alike_is_listed_like_any_other(
            texts in objects(prop_oneof![4 => values().boxed(), 1 => objects(values()).boxed()]),
        ) {
            check(Column::Meta, &texts)?;
        }
    }
}
