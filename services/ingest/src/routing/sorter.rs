//! The lines of one request, sorted by where they go.

use std::collections::HashMap;
use std::fmt;

use domain::destination::Destination;
use domain::log_record::NewLog;
use domain::scope::Scope;
use logstore::writer::{Batch, BatchFull, Batches, ForeignBatch};
use time::Duration;

use super::{MAX_DESTINATIONS, Routes, Way, Why, Wish};

/// Takes the lines of one origin after another.
#[derive(Debug)]
pub(crate) struct Sorter {
    routes: Routes,
    /// One for each scope; the first is the key's own.
    batches: Vec<Batch>,
    places: HashMap<Scope, usize>,
    strays: Vec<Stray>,
    /// Where the lines that come now go.
    here: Here,
}

#[derive(Clone, Copy, Debug)]
struct Here {
    batch: usize,
    /// As lines that want to go elsewhere.
    stray: Option<usize>,
    retention: Duration,
}

/// Lines that stay with the key's own, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stray {
    pub(crate) why: Why,
    /// Where they want to go, if that is worth a word.
    named: Option<Destination>,
    pub(crate) lines: u32,
}

/// What is to be stored of a request.
#[derive(Debug)]
pub(crate) struct Sorted {
    /// `None` without any lines.
    pub(crate) batches: Option<Batches>,
    /// How many of the lines go to another scope than the key's own.
    pub(crate) routed: u32,
    pub(crate) strays: Vec<Stray>,
}

const HOME: usize = 0;

impl Sorter {
    pub(crate) fn new(routes: Routes) -> Self {
        let home = routes.home;
        Self {
            routes,
            batches: vec![Batch::new(home.scope, home.retention)],
            places: HashMap::from([(home.scope, HOME)]),
            strays: Vec::new(),
            here: Here {
                batch: HOME,
                stray: None,
                retention: home.retention,
            },
        }
    }

    /// Where the lines want to go that come from now on.
    pub(crate) fn turn_to(&mut self, wish: &Wish) {
        self.here = match self.routes.way(wish) {
            Way::There(route) => Here {
                batch: self.place_of(route.scope, route.retention),
                stray: None,
                retention: route.retention,
            },
            Way::Stay(why) => Here {
                batch: HOME,
                stray: Some(self.stray(why, wish)),
                retention: self.routes.home.retention,
            },
        };
    }

    /// How long the lines are kept that come now.
    pub(crate) fn retention(&self) -> Duration {
        self.here.retention
    }

    pub(crate) fn push(&mut self, line: &NewLog<'_>) -> Result<(), BatchFull> {
        let Here { batch, stray, .. } = self.here;
        self.batches[batch].push(line)?;
        if let Some(stray) = stray {
            self.strays[stray].lines += 1;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Sorted, ForeignBatch> {
        let routed = self.batches[HOME + 1..].iter().map(Batch::rows).sum();
        let mut batches: Option<Batches> = None;
        for batch in self.batches.into_iter().filter(|batch| !batch.is_empty()) {
            match &mut batches {
                None => batches = Some(batch.into()),
                Some(batches) => batches.push(batch)?,
            }
        }
        // Those of origins whose lines were all refused hold none.
        let strays = self.strays.into_iter().filter(|stray| stray.lines > 0);
        Ok(Sorted {
            batches,
            routed,
            strays: strays.collect(),
        })
    }

    fn place_of(&mut self, scope: Scope, retention: Duration) -> usize {
        *self.places.entry(scope).or_insert_with(|| {
            self.batches.push(Batch::new(scope, retention));
            self.batches.len() - 1
        })
    }

    /// There are never more than [`MAX_DESTINATIONS`] and a few: what is beyond them is not told apart.
    fn stray(&mut self, why: Why, wish: &Wish) -> usize {
        let named = match why {
            Why::Unknown | Why::TooManyServices | Why::TooManyEnvironments => wish.clone().ok().flatten(),
            Why::Invalid(_) | Why::TooManyNamed => None,
        };
        let known = self
            .strays
            .iter()
            .position(|stray| stray.why == why && stray.named == named);
        known.unwrap_or_else(|| {
            self.strays.push(Stray { why, named, lines: 0 });
            self.strays.len() - 1
        })
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, named, lines } = self;
        let s = if *lines == 1 { "" } else { "s" };
        write!(f, "{lines} line{s}")?;
        if let Some(named) = named {
            write!(f, " of {named}")?;
        }
        match why {
            Why::Invalid(invalid) => write!(f, " ({invalid})"),
            Why::Unknown => f.write_str(" (there is none, and the API key may not make it)"),
            Why::TooManyServices => f.write_str(
                " (there is none, and lines make no more services in this organisation; create it)",
            ),
            Why::TooManyEnvironments => f.write_str(
                " (there is none, and lines make no more environments of this service; create it)",
            ),
            Why::TooManyNamed => write!(
                f,
                " (a request may name {MAX_DESTINATIONS} services and environments; send smaller requests)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use db::log_routes::LogRoute;
    use domain::ids::{EnvironmentId, OrgId, ServiceId};
    use domain::level::Level;
    use time::macros::datetime;

    use super::*;

    fn route(org_id: OrgId, days: i64) -> LogRoute {
        let scope = Scope {
            org_id,
            service_id: ServiceId::generate(),
            environment_id: EnvironmentId::generate(),
        };
        LogRoute {
            scope,
            retention: Duration::days(days),
        }
    }

    fn wish(service: &str) -> Wish {
        Destination::of(Some(service), None)
    }

    fn line() -> NewLog<'static> {
        NewLog {
            ts: datetime!(2026-11-22 12:00 UTC),
            level: Level::Info,
            message: "m".into(),
            meta: None,
            trace_id: None,
            request_id: None,
        }
    }

    /// Two lines of each.
    fn sort(routes: Routes, wishes: &[Wish]) -> (Sorted, Vec<i64>) {
        let mut sorter = Sorter::new(routes);
        let mut kept_for = Vec::new();
        for wish in wishes {
            sorter.turn_to(wish);
            kept_for.push(sorter.retention().whole_days());
            for _ in 0..2 {
                sorter.push(&line()).unwrap();
            }
        }
        (sorter.finish().unwrap(), kept_for)
    }

    #[test]
    fn lines_go_where_their_origin_leads() {
        let org_id = OrgId::generate();
        let (home, shop) = (route(org_id, 30), route(org_id, 7));
        let ways = [
            (wish("shop").unwrap().unwrap(), Way::There(shop)),
            (wish("home").unwrap().unwrap(), Way::There(home)),
            (wish("cart").unwrap().unwrap(), Way::Stay(Why::Unknown)),
        ];
        let routes = Routes {
            home,
            ways: Some(ways.into()),
        };
        let wishes = [
            wish("shop"),
            wish("cart"),
            Ok(None),
            wish("cart"),
            wish(" "),
            wish("too many"),
            wish("far too many"),
            wish("home"),
            wish("shop"),
        ];
        let (sorted, kept_for) = sort(routes, &wishes);
        assert_eq!(kept_for, [7, 30, 30, 30, 30, 30, 30, 30, 7]);
        assert_eq!(sorted.routed, 4);
        let strays: Vec<String> = sorted.strays.iter().map(ToString::to_string).collect();
        let expected = [
            r#"4 lines of service "cart" (there is none, and the API key may not make it)"#,
            "2 lines (the name of the service must not be blank)",
            "4 lines (a request may name 100 services and environments; send smaller requests)",
        ];
        assert_eq!(strays, expected);
    }

    #[test]
    fn a_key_whose_lines_have_no_choice_is_not_asked_twice() {
        let wishes = [wish("shop"), wish(" ")];
        let (sorted, _) = sort(Routes::home_only(route(OrgId::generate(), 30)), &wishes);
        assert_eq!((sorted.routed, sorted.strays), (0, Vec::new()));
        assert!(sorted.batches.is_some());
    }

    #[test]
    fn without_lines_there_is_nothing_to_store_or_to_tell() {
        let routes = Routes {
            home: route(OrgId::generate(), 30),
            ways: Some(HashMap::new()),
        };
        let mut sorter = Sorter::new(routes);
        sorter.turn_to(&wish("shop"));
        let sorted = sorter.finish().unwrap();
        assert!(sorted.batches.is_none() && sorted.strays.is_empty());
    }
}
