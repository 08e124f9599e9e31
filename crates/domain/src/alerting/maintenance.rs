//! Maintenance windows that come again: on some days of the week, from a local time, for so long, in a named time zone.
//!
//! Both ends of a window are times on the wall clock of its zone, and both are turned into moments by one rule that never
//! goes back ([`moment_of`]). So windows that touch on the wall clock touch in time, on the days too when clocks change:
//! there is no gap between them and no overlap. A window shrinks by an hour that does not exist, and grows by one that
//! comes twice.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A time zone of the IANA database, in the version that this program was built with: what a schedule means depends on no
/// file of the machine.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "Europe/Berlin")]
pub struct Zone(TimeZone);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of an IANA time zone, such as Europe/Berlin or UTC")]
pub struct UnknownZone;

impl TryFrom<String> for Zone {
    type Error = UnknownZone;
    fn try_from(name: String) -> Result<Self, UnknownZone> {
        TimeZoneDatabase::bundled()
            .get(&name)
            .map(Self)
            .map_err(|_unknown| UnknownZone)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.iana_name().unwrap_or("UTC").to_owned()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    fn of(date: Date) -> Self {
        use jiff::civil::Weekday as Day;
        match date.weekday() {
            Day::Monday => Self::Mon,
            Day::Tuesday => Self::Tue,
            Day::Wednesday => Self::Wed,
            Day::Thursday => Self::Thu,
            Day::Friday => Self::Fri,
            Day::Saturday => Self::Sat,
            Day::Sunday => Self::Sun,
        }
    }
}

/// A time of day, `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "02:30")]
pub struct TimeOfDay(
    /// Minutes since midnight.
    u16,
);

impl TimeOfDay {
    fn on(self, date: Date) -> DateTime {
        date.at((self.0 / 60) as i8, (self.0 % 60) as i8, 0, 0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time of day such as 02:30")]
pub struct InvalidTimeOfDay;

impl TryFrom<String> for TimeOfDay {
    type Error = InvalidTimeOfDay;
    fn try_from(text: String) -> Result<Self, InvalidTimeOfDay> {
        let part = |text: &str, most: u16| {
            let number: u16 = text.parse().ok()?;
            let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            (plain && number <= most).then_some(number)
        };
        text.split_once(':')
            .and_then(|(hour, minute)| Some(Self(part(hour, 23)? * 60 + part(minute, 59)?)))
            .ok_or(InvalidTimeOfDay)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        format!("{:02}:{:02}", time.0 / 60, time.0 % 60)
    }
}

/// When windows begin and how long they last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub time_zone: Zone,
    /// The days on which a window begins, by the zone's calendar; each at most once.
    pub days: Vec<Weekday>,
    /// When it begins, on the zone's wall clock.
    pub start: TimeOfDay,
    /// How long it lasts on that wall clock, in minutes, at most a week.
    pub duration_minutes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    #[error("must name at least one day, each once")]
    Days,
    #[error("must be from 1 to {}, which is a week", Schedule::MAX_MINUTES)]
    Duration,
}

impl InvalidSchedule {
    /// The field of the schedule that is to be changed.
    pub fn field(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Duration => "duration_minutes",
        }
    }
}

/// One window: from `start` up to, but not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    pub start: OffsetDateTime,
    pub end: OffsetDateTime,
}

impl Schedule {
    pub const MAX_MINUTES: u32 = 7 * 24 * 60;

    pub fn check(&self) -> Result<(), InvalidSchedule> {
        let mut days = self.days.clone();
        days.sort_unstable();
        days.dedup();
        if days.is_empty() || days.len() < self.days.len() {
            return Err(InvalidSchedule::Days);
        }
        if (1..=Self::MAX_MINUTES).contains(&self.duration_minutes) {
            Ok(())
        } else {
            Err(InvalidSchedule::Duration)
        }
    }

    /// The window that `now` lies in; of several, the one that ends last.
    pub fn active_at(&self, now: OffsetDateTime) -> Option<Occurrence> {
        let today = self.date_of(now)?;
        // One that began a week ago may have ended by now on the wall clock, and an extra hour keeps it open.
        (-8..=1)
            .filter_map(|offset| self.begun_on(add_days(today, offset)?))
            .filter(|window| window.start <= now && now < window.end)
            .max_by_key(|window| window.end)
    }

    /// The next windows that end after `now`, in order.
    pub fn upcoming(&self, now: OffsetDateTime, count: usize) -> Vec<Occurrence> {
        let Some(today) = self.date_of(now) else {
            return Vec::new();
        };
        (-8..=7 * (count as i64 + 2))
            .filter_map(|offset| self.begun_on(add_days(today, offset)?))
            .filter(|window| window.end > now)
            .take(count)
            .collect()
    }

    fn date_of(&self, at: OffsetDateTime) -> Option<Date> {
        let timestamp = Timestamp::from_nanosecond(at.unix_timestamp_nanos()).ok()?;
        Some(self.time_zone.0.to_datetime(timestamp).date())
    }

    /// The window that begins on a day of the zone's calendar; none where the clocks leave nothing of it.
    fn begun_on(&self, date: Date) -> Option<Occurrence> {
        if !self.days.contains(&Weekday::of(date)) {
            return None;
        }
        let start = self.start.on(date);
        let length = jiff::Span::new().minutes(i64::from(self.duration_minutes));
        let end = start.checked_add(length).ok()?;
        let occurrence = Occurrence {
            start: moment_of(&self.time_zone.0, start)?,
            end: moment_of(&self.time_zone.0, end)?,
        };
        (occurrence.start < occurrence.end).then_some(occurrence)
    }
}

fn add_days(date: Date, days: i64) -> Option<Date> {
    date.checked_add(jiff::Span::new().days(days)).ok()
}

/// The moment of a time on a zone's wall clock: the first of two, and where the clocks jump over it the moment of the jump.
/// A later time on the wall clock is never an earlier moment.
fn moment_of(zone: &TimeZone, wall: DateTime) -> Option<OffsetDateTime> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let timestamp = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok()?,
        // Read by the clock of after the jump, it lies before the jump.
        AmbiguousOffset::Gap { .. } => {
            let before = ambiguous.earlier().ok()?;
            zone.following(before).next()?.timestamp()
        }
    };
    OffsetDateTime::from_unix_timestamp_nanos(timestamp.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::Duration;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    /// With changes of an hour, of half an hour, in the southern year, at midnight, twice a year around Ramadan, and a day
    /// that did not exist.
    const ZONES: [&str; 8] = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "Africa/Casablanca",
        "Pacific/Apia",
        "Asia/Beirut",
        "Asia/Kathmandu",
    ];
    const EVERY_DAY: [Weekday; 7] = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];

    fn schedule(zone: &str, days: &[Weekday], start: &str, duration_minutes: u32) -> Schedule {
        Schedule {
            time_zone: zone.to_owned().try_into().unwrap(),
            days: days.to_vec(),
            start: start.to_owned().try_into().unwrap(),
            duration_minutes,
        }
    }

    fn at(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(text, &Rfc3339).unwrap()
    }

    fn window(start: &str, end: &str) -> Occurrence {
        Occurrence {
            start: at(start),
            end: at(end),
        }
    }

    /// All windows that begin in ten years, those of Apia's missing day among them.
    fn ten_years(schedule: &Schedule) -> Vec<Occurrence> {
        let first = jiff::civil::date(2008, 1, 1);
        (0..3_653)
            .filter_map(|day| schedule.begun_on(add_days(first, day)?))
            .collect()
    }

    #[rstest::rstest]
    // An ordinary Sunday, the Sunday without the hour, and the Sunday with it twice.
    #[case("2026-03-22T02:00:00+01:00", Some(("2026-03-22T02:00:00+01:00", "2026-03-22T04:00:00+01:00")))]
    #[case("2026-03-22T04:00:00+01:00", None)]
    #[case("2026-03-29T03:00:00+02:00", Some(("2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00")))]
    #[case("2026-10-25T02:30:00+01:00", Some(("2026-10-25T02:00:00+02:00", "2026-10-25T04:00:00+01:00")))]
    #[case("2026-10-25T01:59:59+02:00", None)]
    fn a_window_follows_the_wall_clock(#[case] now: &str, #[case] expected: Option<(&str, &str)>) {
        let sundays = schedule("Europe/Berlin", &[Weekday::Sun], "02:00", 120);
        let expected = expected.map(|(start, end)| window(start, end));
        assert_eq!(sundays.active_at(at(now)), expected);
    }

    #[test]
    fn a_window_that_begins_in_the_missing_hour_begins_after_it() {
        let nightly = schedule("Europe/Berlin", &EVERY_DAY, "02:30", 60);
        let found = nightly.active_at(at("2026-03-29T03:10:00+02:00"));
        let expected = window("2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00");
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn a_window_reaches_over_midnight_and_over_a_week() {
        let weekend = schedule("America/New_York", &[Weekday::Fri], "22:00", 3 * 24 * 60);
        assert!(weekend.active_at(at("2026-11-02T21:59:59-05:00")).is_some());
        assert!(weekend.active_at(at("2026-11-02T22:00:00-05:00")).is_none());
        let always = schedule("UTC", &[Weekday::Mon], "00:00", Schedule::MAX_MINUTES);
        assert!(always.active_at(at("2026-11-29T23:59:59Z")).is_some());
    }

    #[test]
    fn the_next_windows_are_foretold() {
        let schedule = schedule("Europe/Berlin", &[Weekday::Sat, Weekday::Sun], "02:00", 120);
        let expected = [
            window("2026-10-24T02:00:00+02:00", "2026-10-24T04:00:00+02:00"),
            window("2026-10-25T02:00:00+02:00", "2026-10-25T04:00:00+01:00"),
            window("2026-10-31T02:00:00+01:00", "2026-10-31T04:00:00+01:00"),
        ];
        assert_eq!(schedule.upcoming(at("2026-10-24T03:00:00+02:00"), 3), expected);
    }

    #[test]
    fn a_daily_window_of_a_whole_day_has_no_gap_and_no_overlap_in_ten_years_of_eight_zones() {
        for zone in ZONES {
            for start in ["00:00", "00:30", "01:30", "02:00", "02:15", "03:00", "23:45"] {
                let windows = ten_years(&schedule(zone, &EVERY_DAY, start, 24 * 60));
                // Apia had no 30 December 2011, so nothing or the rest of a window is left of that day's.
                let days = if zone == "Pacific/Apia" {
                    3_652..=3_653
                } else {
                    3_653..=3_653
                };
                assert!(days.contains(&windows.len()), "{zone} {start}: {}", windows.len());
                for pair in windows.windows(2) {
                    assert_eq!(pair[0].end, pair[1].start, "{zone} {start}");
                }
            }
        }
    }

    #[test]
    fn the_changes_of_the_clocks_are_really_met() {
        for zone in ZONES {
            let lengths = ten_years(&schedule(zone, &EVERY_DAY, "00:00", 24 * 60));
            let odd = lengths
                .iter()
                .filter(|window| window.end - window.start != Duration::DAY)
                .count();
            let wanted = if zone == "Asia/Kathmandu" { 0..=0 } else { 5..=50 };
            assert!(wanted.contains(&odd), "{zone}: {odd} days of another length");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn windows_that_touch_on_the_wall_clock_touch_in_time(
            zone in prop::sample::select(&ZONES[..]),
            start in 0..1_440_u32,
            first in 1..1_440_u32,
        ) {
            let clock = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
            // Two windows a day that share the day between them.
            let one = ten_years(&schedule(zone, &EVERY_DAY, &clock(start), first));
            let other = ten_years(&schedule(zone, &EVERY_DAY, &clock(start + first), 1_440 - first));
            let mut all: Vec<Occurrence> = one.into_iter().chain(other).collect();
            all.sort_by_key(|window| (window.start, window.end));
            // The second of them may begin a day before or after the first of the other kind does.
            let inner = &all[2..all.len() - 2];
            for pair in inner.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start, "{} {} {}", zone, start, first);
            }
        }

        #[test]
        fn every_moment_is_in_the_window_that_contains_it(
            zone in prop::sample::select(&ZONES[..]),
            start in 0..1_440_u32,
            duration in 1..Schedule::MAX_MINUTES,
            day in prop::sample::select(&EVERY_DAY[..]),
            seconds in 1_199_145_600_i64..1_514_764_800,
        ) {
            let start = format!("{:02}:{:02}", start / 60, start % 60);
            let weekly = schedule(zone, &[day], &start, duration);
            let now = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let found = ten_years(&weekly).into_iter().find(|one| one.start <= now && now < one.end);
            if let Some(found) = found {
                prop_assert_eq!(weekly.active_at(now), Some(found));
            } else if seconds > 1_200_000_000 && seconds < 1_514_000_000 {
                prop_assert_eq!(weekly.active_at(now), None);
            }
        }
    }

    #[rstest::rstest]
    #[case("24:00")]
    #[case("2:30")]
    #[case("02:60")]
    #[case("+2:30")]
    #[case("02:30:00")]
    #[case("")]
    fn a_bad_time_of_day_is_refused(#[case] text: &str) {
        assert_eq!(TimeOfDay::try_from(text.to_owned()), Err(InvalidTimeOfDay));
    }

    #[test]
    fn a_schedule_is_stored_and_read_back_and_checked() {
        let stored = serde_json::json!({"time_zone": "Europe/Berlin", "days": ["mon", "sun"], "start": "02:30",
            "duration_minutes": 60});
        let read: Schedule = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(read.check(), Ok(()));
        assert_eq!(serde_json::to_value(&read).unwrap(), stored);
        for zone in ["", "Mars/Olympus", "../etc/passwd", "GMT+25"] {
            assert_eq!(Zone::try_from(zone.to_owned()), Err(UnknownZone), "{zone}");
        }
        let twice = schedule("UTC", &[Weekday::Mon, Weekday::Mon], "00:00", 1);
        assert_eq!(twice.check(), Err(InvalidSchedule::Days));
        assert_eq!(
            schedule("UTC", &[], "00:00", 1).check(),
            Err(InvalidSchedule::Days)
        );
        assert_eq!(
            schedule("UTC", &[Weekday::Mon], "00:00", 0).check(),
            Err(InvalidSchedule::Duration)
        );
    }
}
