//! A real log file of this machine goes in line by line, and every line comes back.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;
use testkit::{Client, Reply, Service, Stack, corpus};

use crate::company::{Company, INGEST};
use crate::load::compress;

/// Enough for several pages; one request a line takes about 3 ms.
const LINES: usize = 2_500;
/// Lines a page.
const PAGE: usize = 333;

#[tokio::test]
async fn every_line_of_a_real_log_file_is_found_again_once() {
    let (file, lines) = corpus::machine_log(LINES);
    let stack = Stack::build()
        .only([Service::Identity, Service::Ingest, Service::Query])
        .start()
        .await;
    let company = Company::sign_up(&stack.gateway()).await;
    let application = company.application(&stack);
    for line in &lines {
        let reply = application.post(INGEST, json!({"message": line})).await;
        assert_eq!(reply.assert_status(200).data()["accepted"], 1, "{line}");
    }
    assert_same(
        &lines,
        &read_all(&company.admin, "").await,
        &file.display().to_string(),
    );
}

#[tokio::test]
async fn a_compressed_batch_of_a_real_log_file_is_found_again_line_by_line() {
    let (file, lines) = corpus::machine_log(LINES);
    let ndjson: Vec<String> = lines
        .iter()
        .map(|line| json!({"message": line}).to_string())
        .collect();
    let ndjson = ndjson.join(
        "
",
    );
    let stack = Stack::build()
        .only([Service::Identity, Service::Ingest, Service::Query])
        .start()
        .await;
    let zstd = zstd::encode_all(ndjson.as_bytes(), 3).unwrap();
    for (encoding, body) in [("gzip", compress(ndjson.as_bytes())), ("zstd", zstd)] {
        let company = Company::sign_up(&stack.gateway()).await;
        let reply = send_ndjson(&company.application(&stack), encoding, body).await;
        assert_eq!(
            reply.assert_status(200).data()["accepted"],
            lines.len(),
            "{encoding}"
        );
        assert_same(
            &lines,
            &read_all(&company.admin, "").await,
            &format!("{} by {encoding}", file.display()),
        );
    }
}

async fn send_ndjson(application: &Client, encoding: &str, body: Vec<u8>) -> Reply {
    let request = application
        .request(Method::POST, INGEST)
        .header("content-type", "application/x-ndjson")
        .header("content-encoding", encoding)
        .body(body);
    Reply::read(request.send().await.unwrap()).await.unwrap()
}

/// The messages of all lines that a search finds, page by page to the end.
async fn read_all(reader: &Client, criteria: &str) -> Vec<String> {
    let mut messages = Vec::new();
    let mut cursor = String::new();
    loop {
        let reply = reader
            .get(&format!("/api/logs/query?limit={PAGE}{criteria}{cursor}"))
            .await;
        let page = reply.data();
        let page = page.as_array().unwrap();
        assert!(page.len() <= PAGE, "a page of {}", page.len());
        messages.extend(
            page.iter()
                .map(|line| line["message"].as_str().unwrap().to_owned()),
        );
        let Some(next) = reply.next_cursor() else {
            return messages;
        };
        cursor = format!("&cursor={next}");
    }
}

/// The same lines, each as often.
fn assert_same(sent: &[String], found: &[String], what: &str) {
    assert_eq!(found.len(), sent.len(), "lines of {what}");
    assert_eq!(counted(found), counted(sent), "lines of {what}");
}

fn counted(lines: &[String]) -> BTreeMap<&str, usize> {
    lines.iter().fold(BTreeMap::new(), |mut counts, line| {
        *counts.entry(line.as_str()).or_default() += 1;
        counts
    })
}
