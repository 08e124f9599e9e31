//! What is sent is found, counted and exported.

use std::fmt::Write as _;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::world::World;

#[tokio::test]
async fn a_login_is_stored_for_the_owner_alone_and_used_afterwards() {
    let world = World::start().await;
    let ran = world
        .run_with(&["login", &world.url()], &format!("{}\n", world.token))
        .await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(
        ran.out.contains(&world.org.viewer.email) && ran.out.contains("viewer"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains(&world.token));
    let file = world.path("sightline/config.toml");
    assert!(std::fs::read_to_string(&file).unwrap().contains(&world.token));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(world.run(&["logs"]).await.json(), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn lines_that_were_sent_are_found_with_level_fields_and_place() {
    let world = World::with_login().await;
    let input = "disk is full\n\n{\"message\":\"native\",\"level\":\"error\",\"order\":4711,\"trace_id\":\"t-1\"}\n{\"other\":1}\r\nlast";
    world
        .send(&["--level", "warn", "--field", "host=web-1"], input)
        .await;
    let found = world.run(&["logs", "--since", "1h", "--oldest"]).await;
    assert_eq!(
        found.messages(),
        ["disk is full", "native", "{\"other\":1}", "last"]
    );
    let lines = found.json();
    assert_eq!(
        (&lines[0]["level"], &lines[0]["meta"]),
        (&json!("warn"), &json!({"host": "web-1"}))
    );
    assert_eq!(lines[1]["meta"], json!({"host": "web-1", "order": 4711}));
    assert_eq!(
        (&lines[1]["level"], &lines[1]["trace_id"]),
        (&json!("error"), &json!("t-1"))
    );

    assert_eq!(
        world
            .run(&["logs", "full", "--level", "warn,error"])
            .await
            .messages(),
        ["disk is full"]
    );
    assert_eq!(
        world
            .run(&[
                "logs",
                "order:4711",
                "--service",
                "default",
                "--env",
                "production"
            ])
            .await
            .messages(),
        ["native"]
    );
    assert_eq!(
        world.run(&["logs", "--env", "staging"]).await.messages(),
        Vec::<String>::new()
    );

    let text = world.run(&["logs", "native", "--text"]).await.out;
    assert!(
        text.ends_with(" ERROR default/production native host=web-1 order=4711 trace_id=t-1\n"),
        "{text}"
    );
    let painted = world
        .run(&["logs", "native", "--text", "--color", "always"])
        .await
        .out;
    assert!(
        painted.contains("\u{1b}[1m\u{1b}[31mERROR\u{1b}[0m"),
        "{painted:?}"
    );
}

#[tokio::test]
async fn pages_are_followed_to_the_limit_or_to_the_end() {
    let world = World::with_login().await;
    let input: String = (0..2_500).fold(String::new(), |mut text, number| {
        writeln!(text, "line {number}").unwrap();
        text
    });
    world.send(&["--format", "text"], &input).await;
    assert_eq!(world.run(&["logs"]).await.json().len(), 100);
    assert_eq!(world.run(&["logs", "-n", "1500"]).await.json().len(), 1_500);
    let mut all = world.run(&["logs", "--all"]).await.messages();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 2_500);

    let export = world.path("all.ndjson");
    let ran = world
        .run(&["export", "line", "-o", export.to_str().unwrap()])
        .await;
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    assert_eq!(std::fs::read_to_string(&export).unwrap().lines().count(), 2_500);
    let csv = world
        .run(&["export", "--format", "csv", "--limit", "7"])
        .await
        .out;
    assert_eq!(csv.lines().count(), 8);
    assert!(csv.starts_with("timestamp,level,"), "{csv}");
}

#[tokio::test]
async fn numbers_are_a_table_for_people_and_objects_for_programs() {
    let world = World::with_login().await;
    world.send(&["--level", "error"], "a\nb\n").await;
    world.send(&[], "c\n").await;
    let query = "| stats count() by level";
    let mut rows = world.run(&["stats", query]).await.json();
    rows.sort_by_key(|row| row["level"].to_string());
    assert_eq!(
        rows,
        [
            json!({"level": "error", "count": 2}),
            json!({"level": "info", "count": 1})
        ]
    );
    let text = world.run(&["stats", query, "--text"]).await.out;
    let has = |level: &str, count: &str| {
        text.lines()
            .any(|row| row.contains(level) && row.trim_end().ends_with(count))
    };
    assert!(
        has("error", "2") && has("info", "1") && has("level", "count"),
        "{text}"
    );
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let world = World::with_login().await;
    let input = "a line that is long enough to fill a pipe when there are many of them\n".repeat(3_000);
    world.send(&[], &input).await;
    let mut child = world
        .command(&["logs", "--all"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().is_some());
    drop(lines);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn escape_sequences_of_a_line_do_not_reach_the_reader() {
    let world = World::with_login().await;
    world
        .send(&["--format", "text"], "\u{1b}[2Jgone \u{9b}31m\u{202e}\n")
        .await;
    for form in ["--text", "--json"] {
        let out = world.run(&["logs", form]).await.out;
        assert!(out.contains("gone"), "{out:?}");
        assert!(!out.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{out:?}");
    }
}
