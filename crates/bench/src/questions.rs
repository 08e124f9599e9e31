//! What is asked of the merged lines: each kind of question that the log store has a goal for, as a plan of its reader and
//! as a request to the gateway.

use std::sync::Arc;

use domain::ids::{EnvironmentId, ServiceId};
use domain::query::Expr;
use logstore::reader::{Condition, SearchScope};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;

use crate::corpus::{self, Line, Random};
use crate::target::Sender;

/// Each question is asked so often; the first few warm caches and statements.
pub(crate) const RUNS: usize = 20;
pub(crate) const WARM_UP: usize = 3;
/// So many questions of a kind differ, where many people ask: which lines match what was asked before is remembered.
pub(crate) const DIFFERENT: usize = 500;

/// One kind of question.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) asks: Asks,
    /// Of the first scope alone, or of the organisation.
    pub(crate) of_one_scope: bool,
    /// In the query language; runs take turns.
    texts: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The newest hundred.
    Lines,
    /// How many.
    Count,
    /// By level and minute, of the last so many hours.
    Histogram(i64),
}

impl Question {
    fn lines(name: &'static str, texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name,
            asks: Asks::Lines,
            of_one_scope: false,
            texts: texts.into_iter().map(Into::into).collect(),
        }
    }

    fn histogram(name: &'static str, hours: i64) -> Self {
        Self {
            asks: Asks::Histogram(hours),
            ..Self::lines(name, [""])
        }
    }

    pub(crate) fn text(&self, run: usize) -> &str {
        &self.texts[run % self.texts.len()]
    }

    /// The scopes that it is asked of.
    pub(crate) fn scopes<'s>(&self, all: &'s [SearchScope]) -> &'s [SearchScope] {
        if self.of_one_scope { &all[..1] } else { all }
    }

    /// The address of the same question at the gateway; `of` is the first of the organisation's senders. `later` is how long
    /// after the end of the corpus lines may have come.
    pub(crate) fn path(&self, run: usize, of: &Sender, end: OffsetDateTime, later: Duration) -> String {
        let rfc3339 = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
        let hours = match self.asks {
            Asks::Lines | Asks::Count => 24,
            Asks::Histogram(hours) => hours,
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("from", &rfc3339(end - Duration::hours(hours)));
        query.append_pair("to", &rfc3339(end + later));
        if self.of_one_scope {
            query.append_pair("environment_id", &of.environment_id.to_string());
        }
        let (route, text) = match self.asks {
            Asks::Lines => ("query", self.text(run).to_owned()),
            Asks::Count => ("stats", format!("{} | stats count()", self.text(run))),
            Asks::Histogram(_) => {
                query.append_pair("interval", "1m");
                ("histogram", self.text(run).to_owned())
            }
        };
        query.append_pair("q", &text);
        format!("/api/logs/{route}?{}", query.finish())
    }
}

/// All of them; trace ids are drawn from the corpus.
pub(crate) fn all(corpus: &[Line]) -> Vec<Question> {
    let mut random = Random::new(crate::SEED);
    let traced: Vec<&Line> = corpus.iter().filter(|line| !line.trace_id.is_empty()).collect();
    let traces: Vec<String> = (0..DIFFERENT)
        .map(|_| {
            let line = traced[random.below(traced.len() as u64) as usize];
            format!("trace_id:{}", line.trace_id)
        })
        .collect();
    let runs = 0..DIFFERENT;
    let counted = runs.clone().map(|run| match corpus::WORDS.get(run) {
        Some(word) => (*word).to_owned(),
        None => format!("{} -absent{run}", corpus::WORDS[run % corpus::WORDS.len()]),
    });
    let rare = ["eedle", "eedl", "edle"]
        .into_iter()
        .map(|part| format!("*{part}*"));
    let absent = runs.clone().map(|run| format!("*eedlex{run}*"));
    vec![
        Question {
            asks: Asks::Count,
            ..Question::lines("count of a word in a fifth of the lines", counted)
        },
        Question {
            asks: Asks::Count,
            ..Question::lines("the same count, asked again", ["common"])
        },
        Question {
            of_one_scope: true,
            ..Question::lines("newest 100 of a scope", [""])
        },
        Question::lines("newest 100 errors of the organisation", ["level:>=error"]),
        Question::lines("a rare word", ["needle"]),
        Question::lines(
            "a word that is nowhere",
            runs.clone().map(|run| format!("nowhere{run}")),
        ),
        Question::lines("a common word, newest 100", ["common"]),
        Question::lines("a rare substring, not at a word's edge", rare.chain(absent)),
        Question::lines("one trace id", traces),
        Question::lines(
            "a field's value",
            runs.map(|run| format!("user_id:u{}", 1_000 + run * 37)),
        ),
        Question::histogram("histogram by level, 1 h by the minute", 1),
        Question::histogram("histogram by level, 24 h by the minute", 24),
    ]
}

pub(crate) fn scope_of(sender: &Sender, end: OffsetDateTime) -> SearchScope {
    SearchScope {
        service_id: ServiceId(sender.service_id),
        environment_id: EnvironmentId(sender.environment_id),
        oldest: end - Duration::days(30),
    }
}

/// Lines of these scopes that match a query, which names no service.
pub(crate) fn asking(
    scopes: &[SearchScope],
    query: &str,
) -> anyhow::Result<Vec<(SearchScope, Arc<Condition>)>> {
    let query = Expr::parse(query)?;
    let condition = Condition::for_scope(&query, "", "").unwrap_or_else(Condition::all);
    let condition = Arc::new(condition);
    Ok(scopes
        .iter()
        .map(|scope| (*scope, Arc::clone(&condition)))
        .collect())
}
