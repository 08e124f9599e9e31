//! What is refused before, or while, it is received.

use std::time::{Duration, Instant};

use testkit::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::raw::{answer, begin};
use crate::test_app::{INGEST, TestApp, assert_accepted, described, gzip, logs, send, zstd};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_by_its_announcement() {
    let app = TestApp::start_with(&[("--max-body-bytes", "1000")]).await;
    let stream = begin(&app.replica, app.org.api_key(), "Content-Length: 1001\r\n").await;
    let (status, body) = answer(stream).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (413, &"PAYLOAD_TOO_LARGE".into())
    );
}

#[tokio::test]
async fn a_body_that_gets_too_long_is_cut_off() {
    let app = TestApp::start_with(&[("--max-body-bytes", "1000")]).await;
    let mut stream = begin(&app.replica, app.org.api_key(), "Transfer-Encoding: chunked\r\n").await;
    let chunk = format!("258\r\n{}\r\n", " ".repeat(0x258));
    stream.write_all(chunk.repeat(2).as_bytes()).await.unwrap();
    assert_eq!(answer(stream).await.0, 413);
}

#[tokio::test]
async fn the_limits_of_size_are_exact() {
    let text = logs(&["a".repeat(500).as_str(), "b"]).to_string();
    let length = text.len().to_string();
    let app = TestApp::start_with(&[
        ("--max-body-bytes", &length),
        ("--max-decompressed-bytes", &length),
    ])
    .await;
    assert_accepted(&send(&app.sender(), &[JSON], text.clone()).await, 2);
    for (encoding, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
        let headers = [JSON, ("content-encoding", encoding)];
        let fits = send(&app.sender(), &headers, pack(text.as_bytes())).await;
        assert_accepted(&fits, 2);
        let longer = format!("{text} ");
        let too_long = send(&app.sender(), &headers, pack(longer.as_bytes())).await;
        too_long.assert_error(413, "PAYLOAD_TOO_LARGE", "after decompression");
    }
    let reply = send(&app.sender(), &[JSON], format!("{text} ")).await;
    reply.assert_error(413, "PAYLOAD_TOO_LARGE", "as sent");
}

#[tokio::test]
async fn more_lines_than_allowed_are_too_many() {
    let app = TestApp::start_with(&[("--max-lines-per-request", "3")]).await;
    assert_accepted(&app.sender().post(INGEST, logs(&["a", "b", "c"])).await, 3);
    let reply = app.sender().post(INGEST, logs(&["a", "b", "c", "d"])).await;
    reply.assert_error(413, "PAYLOAD_TOO_LARGE", "more than 3 lines");
    assert_eq!(app.total().await, 3);
}

#[tokio::test]
async fn fifty_thousand_lines_are_taken_in_one_request() {
    let app = TestApp::start().await;
    let text = logs(&vec!["a"; 50_000]).to_string();
    let headers = [JSON, ("content-encoding", "gzip")];
    assert_accepted(
        &send(&app.sender(), &headers, gzip(text.as_bytes())).await,
        50_000,
    );
    assert_eq!(app.total().await, 50_000);
}

/// In kilobytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Half a gibibyte of spaces in half a mebibyte; eight of them at once would be four.
#[tokio::test]
async fn a_bomb_is_refused_within_the_memory_of_its_limit() {
    let app = TestApp::start().await;
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let spaces = vec![b' '; 1024 * 1024];
        for _ in 0..512 {
            std::io::Write::write_all(&mut encoder, &spaces).unwrap();
        }
        encoder.finish().unwrap()
    };
    assert!(bomb.len() < 10 * 1024 * 1024);
    let before = peak_memory();
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (sender, bomb) = (app.sender(), bomb.clone());
        sending.spawn(async move { send(&sender, &[JSON, ("content-encoding", "gzip")], bomb).await });
    }
    for reply in sending.join_all().await {
        // As many at a time as there are cores get that far; room for more is refused.
        assert!(matches!(reply.status, 413 | 503), "{reply:?}");
    }
    let grown_mib = (peak_memory() - before) / 1024;
    assert!(grown_mib < 512, "{grown_mib} MiB");
    assert_accepted(&app.sender().post(INGEST, logs(&["after"])).await, 1);
}

#[tokio::test]
async fn when_too_much_is_being_received_the_next_is_put_off_before_it_is_read() {
    let app = TestApp::start_with(&[("--max-inflight-bytes", "100000")]).await;
    // One tenant may fill half. Most of it is sent, so that it is not cut off for being slow.
    let mut held = begin(&app.replica, app.org.api_key(), "Content-Length: 50000\r\n").await;
    held.write_all(&vec![b' '; 40_000]).await.unwrap();
    let large = logs(&["x".repeat(60_000).as_str()]);
    let refused = eventually(Duration::from_secs(8), "the first to hold its room", async || {
        let reply = app.sender().post(INGEST, large.clone()).await;
        if reply.is_success() {
            Err(described(reply))
        } else {
            Ok(reply)
        }
    })
    .await;
    refused.assert_error(503, "UNAVAILABLE", "a little later");
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&seconds));
    // This body is announced and never sent: an answer means that it is not waited for.
    let unsent = begin(&app.replica, app.org.api_key(), "Content-Length: 40000\r\n").await;
    assert_eq!(answer(unsent).await.0, 503);

    let other = testkit::Fixture::org(&app.db).await;
    let sender = app.replica.client().with_api_key(other.api_key());
    assert_accepted(&sender.post(INGEST, logs(&["quiet"])).await, 1);

    drop(held);
    eventually(
        Duration::from_secs(10),
        "the room of a sender who went away",
        async || {
            let reply = app
                .sender()
                .post(INGEST, logs(&["x".repeat(60_000).as_str()]))
                .await;
            if reply.is_success() {
                Ok(())
            } else {
                Err(described(reply))
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off_by_its_rate() {
    let app = TestApp::start().await;
    let stream = begin(&app.replica, app.org.api_key(), "Content-Length: 1000\r\n").await;
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let started = Instant::now();
    let mut text = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(9), reading.read(&mut text))
        .await
        .expect("cut off well before the deadline")
        .unwrap();
    let text = String::from_utf8_lossy(&text[..read]).into_owned();
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
    assert!(text.contains("slower than"), "{text}");
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    dripping.abort();
}

#[tokio::test]
async fn a_sender_that_goes_away_in_the_middle_leaves_nothing_behind() {
    let app = TestApp::start_with(&[("--max-inflight-bytes", "100000")]).await;
    for _ in 0..30 {
        let mut stream = begin(&app.replica, app.org.api_key(), "Content-Length: 30000\r\n").await;
        stream.write_all(br#"{"logs":[{"message":"half"#).await.unwrap();
        drop(stream);
    }
    eventually(Duration::from_secs(10), "room for a large request", async || {
        let reply = app
            .sender()
            .post(INGEST, logs(&["x".repeat(45_000).as_str()]))
            .await;
        if reply.is_success() {
            Ok(())
        } else {
            Err(described(reply))
        }
    })
    .await;
    assert_eq!(app.total().await, 1);
}

/// Nothing of the body is read, and the refusal must not get lost in it.
#[tokio::test]
async fn a_large_request_that_is_refused_early_still_gets_its_answer() {
    let app = TestApp::start().await;
    for megabytes in [1, 9, 30] {
        let body = vec![b' '; megabytes * 1024 * 1024];
        let reply = send(&app.replica.client(), &[JSON], body.clone()).await;
        reply.assert_error(401, "UNAUTHORIZED", "no API key");
        let reply = send(&app.sender(), &[("content-type", "text/plain")], body).await;
        reply.assert_error(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type");
    }
    let reply = send(&app.sender(), &[JSON], vec![b' '; 30 * 1024 * 1024]).await;
    reply.assert_error(413, "PAYLOAD_TOO_LARGE", "as sent");
}
