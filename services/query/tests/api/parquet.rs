//! Exports as Parquet, read by DuckDB.
//!
//! `TEST_WITHOUT_CLIENTS=yes` leaves out what needs it, for a machine that cannot have it. `deploy/local/clients` pins it.

#[cfg(feature = "parquet")]
mod read_by_duckdb {
    use std::path::Path;
    use std::time::Duration;

    use domain::level::Level;
    use reqwest::Method;
    use serde_json::{Value, json};
    use tokio::process::Command;

    use crate::clients;
    use crate::test_app::{TestApp, now};

    const PATIENCE: Duration = Duration::from_mins(2);
    /// More than a row group has, and than a page of an export.
    const LINES: usize = 130_000;
    const SCRIPT: &str = "
import duckdb, json, sys
of = f\"read_parquet('{sys.argv[1]}')\"
ask = lambda query: [[str(cell) for cell in row] for row in duckdb.sql(query).fetchall()]
print(json.dumps({
    'columns': ask(f'SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {of})'),
    'levels': ask(f'SELECT level, count(*), count(DISTINCT message), count(DISTINCT id) FROM {of} GROUP BY level ORDER BY level'),
    'first': ask(f\"SELECT epoch_us(timestamp), service, environment, message, meta->>'host', trace_id, request_id FROM {of} WHERE message = 'line 0'\"),
    'groups': ask(f\"SELECT count(DISTINCT row_group_id) FROM parquet_metadata('{sys.argv[1]}')\"),
}))";

    #[tokio::test]
    async fn duckdb_finds_what_was_exported() {
        if clients::are_left_out() {
            return;
        }
        let app = TestApp::start().await;
        let (org, viewer) = app.org().await;
        let names: Vec<String> = (0..LINES).map(|number| format!("line {number}")).collect();
        let start = now() - time::Duration::hours(1);
        for part in names.chunks(10_000) {
            let lines: Vec<_> = part
                .iter()
                .map(|name| {
                    let level = if name.ends_with('7') {
                        Level::Error
                    } else {
                        Level::Info
                    };
                    (start, level, name.as_str())
                })
                .collect();
            app.store(org.scope(), &lines).await;
        }
        let request = viewer.request(Method::GET, "/api/logs/export?format=parquet&order=oldest");
        let response = request.timeout(PATIENCE).send().await.unwrap();
        assert_eq!(
            response.headers()["content-type"],
            "application/vnd.apache.parquet"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("logs.parquet");
        std::fs::write(&file, response.bytes().await.unwrap()).unwrap();
        let found = read(&file).await;
        let columns = [
            ["timestamp", "TIMESTAMP WITH TIME ZONE"],
            ["level", "VARCHAR"],
            ["service", "VARCHAR"],
            ["environment", "VARCHAR"],
            ["message", "VARCHAR"],
            ["meta", "JSON"],
            ["trace_id", "VARCHAR"],
            ["request_id", "VARCHAR"],
            ["id", "VARCHAR"],
        ];
        assert_eq!(found["columns"], json!(columns));
        let levels = [
            ["error", "13000", "13000", "13000"],
            ["info", "117000", "117000", "117000"],
        ];
        assert_eq!(found["levels"], json!(levels));
        let micros = (start.unix_timestamp_nanos() / 1_000).to_string();
        let first = [[&micros, "default", "production", "line 0", "a1", "trace", "None"]];
        assert_eq!(found["first"], json!(first));
        assert_eq!(found["groups"], json!([["3"]]), "a file grows by row groups");
        // No line at all makes a file as well.
        let nothing = "/api/logs/export?format=parquet&q=nothing";
        let response = viewer.request(Method::GET, nothing).send().await.unwrap();
        std::fs::write(&file, response.bytes().await.unwrap()).unwrap();
        assert_eq!(read(&file).await["levels"], json!([]));
    }

    async fn read(file: &Path) -> Value {
        let python = clients::program("duckdb").await;
        let printed = clients::run(Command::new(python).args(["-c", SCRIPT]).arg(file)).await;
        serde_json::from_str(&printed).unwrap()
    }
}

#[cfg(not(feature = "parquet"))]
#[tokio::test]
async fn a_build_without_parquet_says_so() {
    let app = crate::test_app::TestApp::start().await;
    let (_org, viewer) = app.org().await;
    let reply = viewer.get("/api/logs/export?format=parquet").await;
    reply.assert_error(
        400,
        "VALIDATION_ERROR",
        "parquet is not part of this build; take ndjson or csv",
    );
}
