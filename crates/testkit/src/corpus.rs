//! Log lines to send: made up from a seed, or a real log file of this machine.

use std::path::{Path, PathBuf};

use domain::level::Level;
use serde_json::{Value, json};

/// A line as an application would log it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub level: Level,
    pub message: String,
    pub meta: Value,
    pub trace_id: Option<String>,
    pub request_id: Option<String>,
}

impl Line {
    /// The element of `logs` in an ingest request; `timestamp` is RFC 3339.
    pub fn to_json(&self, timestamp: &str) -> Value {
        let mut json = json!({
            "timestamp": timestamp,
            "level": self.level.as_str(),
            "message": self.message,
            "meta": self.meta,
        });
        for (name, value) in [("trace_id", &self.trace_id), ("request_id", &self.request_id)] {
            if let Some(value) = value {
                json[name] = value.as_str().into();
            }
        }
        json
    }
}

/// The ingest body for lines that all bear one time.
pub fn ingest_body(lines: &[Line], timestamp: &str) -> Value {
    json!({"logs": lines.iter().map(|line| line.to_json(timestamp)).collect::<Vec<_>>()})
}

/// `count` lines of a made-up web shop. The same seed gives the same lines for ever.
pub fn lines(seed: u64, count: usize) -> Vec<Line> {
    let mut dice = Dice(seed);
    (0..count).map(|_| line(&mut dice)).collect()
}

fn line(dice: &mut Dice) -> Line {
    const PATHS: [&str; 6] = [
        "/api/cart",
        "/api/checkout",
        "/api/products/{id}",
        "/login",
        "/healthz",
        "/api/search?q=größe%20L",
    ];
    const METHODS: [&str; 4] = ["GET", "GET", "GET", "POST"];
    let (path, method) = (*dice.pick(&PATHS), *dice.pick(&METHODS));
    let duration_ms = dice.below(40) * dice.below(40) + 1;
    let order = dice.below(900_000) + 100_000;
    let user = format!("u-{:05}", dice.below(5_000));
    let (level, message) = match dice.below(100) {
        0..70 => (Level::Info, format!("{method} {path} 200 in {duration_ms} ms")),
        70..82 => (
            Level::Debug,
            format!("cache miss for key product:{order}, loading from the database"),
        ),
        82..90 => (
            Level::Warn,
            format!("slow query took {duration_ms} ms: SELECT * FROM orders WHERE id = {order}"),
        ),
        90..94 => (
            Level::Error,
            format!(
                "payment for order {order} failed: card_declined (attempt {})",
                dice.below(3) + 1
            ),
        ),
        94..97 => (
            Level::Error,
            format!(
                "upstream connect error: 10.0.{}.{}:5432 timed out",
                dice.below(256),
                dice.below(256)
            ),
        ),
        97..99 => (
            Level::Error,
            format!(
                "unhandled exception\n  at Cart.total (cart.js:{})\n  at main",
                dice.below(400)
            ),
        ),
        _ => (
            Level::Fatal,
            "out of memory: cannot allocate 1048576 bytes".to_owned(),
        ),
    };
    let traced = dice.below(3) > 0;
    Line {
        level,
        message,
        meta: json!({"user": user, "order": order, "duration_ms": duration_ms, "region": *dice.pick(&["eu-1", "us-2"])}),
        trace_id: traced.then(|| format!("{:016x}{:016x}", dice.roll(), dice.roll())),
        request_id: traced.then(|| format!("req-{:08x}", dice.roll() as u32)),
    }
}

/// The lines of a real log file of this machine, without blank ones, at most `limit`: the package manager's log where
/// there is one, else the largest text file below `/var/log` that may be read.
pub fn machine_log(limit: usize) -> (PathBuf, Vec<String>) {
    let mut files = vec![
        PathBuf::from("/var/log/dpkg.log"),
        PathBuf::from("/var/log/apt/term.log"),
    ];
    let mut others = Vec::new();
    collect_files(Path::new("/var/log"), &mut others);
    others.sort_by_key(|path| std::cmp::Reverse(path.metadata().map_or(0, |metadata| metadata.len())));
    files.extend(others);
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let lines: Vec<String> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(limit)
            .map(ToOwned::to_owned)
            .collect();
        if !lines.is_empty() {
            return (path, lines);
        }
    }
    panic!("no readable text file below /var/log: this test needs a real log file of the machine");
}

fn collect_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// SplitMix64: small, and its numbers never change with a library's version.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, and without, `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_lines() {
        assert_eq!(lines(7, 200), lines(7, 200));
        assert_ne!(lines(7, 200), lines(8, 200));
        assert!(lines(7, 500).iter().any(|line| line.level.is_error()));
    }
}
