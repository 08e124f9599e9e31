//! Addresses that lead inside, in every spelling: refused when they are entered, and again when something is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use testkit::{Answer, Receiver, eventually};
use tokio::net::TcpListener;

use crate::test_app::{Replica, SOON, TestApp, text};

/// `PORT` is a port that listens on loopback.
const HOSTILE: [&str; 73] = [
    // Loopback, private, link-local, carrier, benchmarking, documentation, multicast, reserved.
    "https://127.0.0.1:PORT/",
    "https://127.0.0.2:PORT/",
    "https://127.255.255.254:PORT/",
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/v2/credentials",
    "https://168.63.129.16/machine",
    "https://192.0.0.192/opc/v2/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://0.0.0.0:PORT/",
    // The same in other spellings.
    "https://127.1:PORT/",
    "https://127.0.1:PORT/",
    "https://0:PORT/",
    "https://2130706433:PORT/",
    "https://0x7f000001:PORT/",
    "https://0x7f.0.0.1:PORT/",
    "https://0X7F.1:PORT/",
    "https://017700000001:PORT/",
    "https://0177.0.0.1:PORT/",
    "https://0177.0x0.0.1:PORT/",
    "https://127.0.0.1.:PORT/",
    "https://127%2e0%2e0%2e1:PORT/",
    "https://①②⑦.0.0.1:PORT/",
    "https://１２７.０.０.１:PORT/",
    "https://127。0。0。1:PORT/",
    "https://2852039166/latest/",
    "https://0xa9fea9fe/latest/",
    "https://0251.0376.0251.0376/latest/",
    // IPv6, and IPv4 inside it.
    "https://[::1]:PORT/",
    "https://[0:0:0:0:0:0:0:1]:PORT/",
    "https://[::]:PORT/",
    "https://[::ffff:127.0.0.1]:PORT/",
    "https://[::ffff:7f00:1]:PORT/",
    "https://[::127.0.0.1]:PORT/",
    "https://[::ffff:0:127.0.0.1]:PORT/",
    "https://[64:ff9b::127.0.0.1]:PORT/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]:PORT/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/latest/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    // Names that lead inside.
    "https://localhost:PORT/",
    "https://LOCALHOST:PORT/",
    "https://localhost.:PORT/",
    "https://hooks.localhost:PORT/",
    // Not https, or not the web.
    "http://1.1.1.1/",
    "http://localhost:PORT/",
    "ftp://1.1.1.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_x",
    // Tricks with the parts of an address.
    "https://hooks.slack.com@127.0.0.1:PORT/",
    "https://hooks.slack.com:443@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT#@hooks.slack.com/",
    "https://127.0.0.1:PORT\\@hooks.slack.com/",
];

/// Listens on IPv4 and IPv6 loopback with one port, and counts who comes.
async fn sink() -> (u16, Arc<AtomicUsize>) {
    let v4 = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = v4.local_addr().unwrap().port();
    let v6 = TcpListener::bind(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port))).await;
    let visitors = Arc::new(AtomicUsize::new(0));
    for listener in [Some(v4), v6.ok()].into_iter().flatten() {
        let visitors = visitors.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                visitors.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    (port, visitors)
}

#[tokio::test]
async fn seventy_three_hostile_addresses_are_refused_with_a_clear_error() {
    let app = TestApp::start_with(&[("--egress-allow", "")]).await;
    let (port, visitors) = sink().await;
    for address in HOSTILE {
        let address = address.replace("PORT", &port.to_string());
        for (kind, field, more) in [
            ("slack", "webhook_url", json!({})),
            ("teams", "webhook_url", json!({})),
            ("discord", "webhook_url", json!({})),
            ("webhook", "url", json!({})),
            ("ntfy", "server_url", json!({"topic": "ops"})),
            (
                "pagerduty",
                "api_url",
                json!({"routing_key": "0123456789abcdef0123456789abcdef"}),
            ),
            ("opsgenie", "api_url", json!({"api_key": "0123456789abcdef"})),
            (
                "telegram",
                "api_url",
                json!({"bot_token": "123456:abcdefgh", "chat_id": "1"}),
            ),
            (
                "slack_bot",
                "api_url",
                json!({"token": "xoxb-12345678", "channel": "C0123456789"}),
            ),
        ] {
            let mut config = more;
            config[field] = json!(address);
            let wanted = json!({"type": kind, "name": "inside", "config": config});
            let refused = app.developer().post("/api/channels", wanted).await;
            assert_eq!(refused.status, 400, "{address}: {}", refused.body);
            let detail = &refused.body["error"]["details"][0];
            assert_eq!(
                detail["path"],
                format!("config.{field}"),
                "{address}: {}",
                refused.body
            );
            assert!(text(&detail["message"]).len() > 15, "{address}: {detail}");
        }
    }
    assert_eq!(visitors.load(Ordering::SeqCst), 0);
    assert_eq!(app.count("SELECT count(*) FROM notification_channels").await, 0);
    // The counter-check: the very same way a public address is taken.
    for address in [
        "https://1.1.1.1/hook",
        "https://[2606:4700:4700::1111]/hook",
        "https://hooks.example.com/services/x",
    ] {
        let wanted = json!({"type": "slack", "name": address, "config": {"webhook_url": address}});
        let made = app.developer().post("/api/channels", wanted).await;
        made.assert_status(201);
    }
}

#[tokio::test]
async fn a_channel_that_leads_inside_by_now_is_not_connected_to() {
    let app = TestApp::start().await;
    let (port, visitors) = sink().await;
    // When it was made, the operator allowed it; since then the name server, or the operator, changed its mind.
    for (name, host) in [("literal", "127.0.0.1"), ("by name", "localhost")] {
        let config = json!({"webhook_url": format!("https://{host}:{port}/services/x")});
        let wanted = json!({"type": "slack", "name": name, "config": config});
        app.developer()
            .post("/api/channels", wanted)
            .await
            .assert_status(201);
    }
    let TestApp { db, org, replica } = app;
    replica.stop().await;
    let replica = Replica::start(&db, &[("--egress-allow", ""), ("--notify-retry-scale", "1")]).await;
    let app = TestApp { db, org, replica };
    app.open("outage").await;
    let failed = eventually(SOON, "both attempts", async || {
        let all = app.notifications().await;
        if all.len() == 2 && all.iter().all(|one| !one["last_error"].is_null()) {
            Ok(all)
        } else {
            Err(format!("{all:#?}"))
        }
    })
    .await;
    for one in failed {
        let error = text(&one["last_error"]);
        assert!(
            error.starts_with("not sent: ") && error.contains("loopback"),
            "{error}"
        );
        assert_eq!(one["state"], "pending", "it is tried again");
    }
    assert_eq!(visitors.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_to_the_inside_is_not_followed() {
    let app = TestApp::start().await;
    let (port, visitors) = sink().await;
    let receiver = Receiver::slack().await;
    receiver.answer_always(Answer::Redirect(format!("http://127.0.0.1:{port}/")));
    app.slack("ops", &receiver).await;
    app.open("outage").await;
    let dead = app.notification_becomes("dead").await;
    assert!(
        text(&dead["last_error"]).contains("redirects are not followed"),
        "{dead}"
    );
    assert_eq!(visitors.load(Ordering::SeqCst), 0);
}
