//! Elastic's client of version 8, which asks for the product and its version before it believes an answer.

use serde_json::json;

use crate::lines::{self, COUNT};
use crate::program::{self, Target};

#[tokio::test]
async fn elastics_python_client_sends_all_its_lines_in_bulk() {
    if program::left_out() {
        return;
    }
    let target = Target::start(&[]).await;
    let start = lines::start();
    let (base, nanos, count) = (target.base(), lines::nanos(start), COUNT.to_string());
    program::send(
        "python",
        "bulk.py",
        &[&base, target.org.api_key(), &count, &nanos],
    )
    .await;
    lines::assert_stored(&target, start, json!({"index": "logs-shop-default"})).await;
}
