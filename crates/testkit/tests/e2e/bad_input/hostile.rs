//! Every route of every service, with hostile bodies and parameters: the answer is never a 500, and a refusal says more
//! than "bad request".

use reqwest::Method;
use testkit::{Client, INTERNAL_SECRET, Reply, Service, Stack};

use crate::company::Company;

const BODIES: [&[u8]; 14] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"\"text\"",
    b"{\"\":1}",
    b"{\"name\":\"\\u0000\",\"email\":\"\\u0000\",\"title\":\"\\u0000\",\"message\":\"\\u0000\",\"status\":\"\\u0000\"}",
    b"{\"name\":1e999}",
    b"{\"name\":-9223372036854775809,\"title\":18446744073709551616}",
    b"{\"name\":\"\xff\xfe\"}",
    b"{\"name\":\"\\ud800\"}",
    b"\x00\x00\x00\x00",
    b"{\"params\":{\"threshold\":1e308,\"window_seconds\":-1},\"type\":\"error_count\",\"name\":\"n\",\"severity\":\"high\"}",
];

const PARAMETERS: [&str; 9] = [
    "limit=-1",
    "limit=99999999999999999999",
    "limit=0&cursor=AAAA",
    "cursor=%00",
    "cursor=MS4xNzY5ODYwNzk4MTIzNDU2LjQ4MjAx",
    "from=%00&to=%FF&q=%00",
    "from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z&q=%25_%27--&interval=1s",
    "service_id=%27%3B&level=loud&status=%00&environment_id=1",
    "q=%F0%9F%92%A9&%00=%00",
];

/// A route, with this organisation's ids where they are known, else with an id of nothing.
struct Route {
    service: Service,
    method: Method,
    path: String,
    words: Words,
}

/// Whose form a refusal has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    Ours,
    /// That of the protocol which the route speaks.
    Foreign,
}

/// The tags of routes that speak another protocol.
const FOREIGN: [&str; 5] = ["otlp", "loki", "elasticsearch", "splunk", "datadog"];

async fn routes(stack: &Stack, company: &Company) -> Vec<Route> {
    let mut routes = Vec::new();
    for service in Service::ALL {
        let document = stack.client(service).get("/openapi.json").await.body;
        for (path, methods) in document["paths"].as_object().unwrap() {
            let path = path.replace("/services/{id}", &format!("/services/{}", company.service_id));
            let path = with_unknown_ids(&path);
            for (method, operation) in methods.as_object().unwrap() {
                let tag = operation["tags"][0].as_str().unwrap_or_default();
                let foreign = FOREIGN.contains(&tag);
                routes.push(Route {
                    words: if foreign { Words::Foreign } else { Words::Ours },
                    service,
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                });
            }
        }
    }
    assert!(routes.len() > 40, "only {} routes", routes.len());
    routes
}

/// Replaces what is left of `{…}` by the id of nothing.
fn with_unknown_ids(path: &str) -> String {
    let fill = |part: &str| {
        if part.starts_with('{') {
            uuid::Uuid::new_v4().to_string()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

fn assert_sane(what: &str, words: Words, reply: &Reply) {
    assert!(
        reply.status < 500,
        "{what} answered {}: {}",
        reply.status,
        reply.body
    );
    if reply.status >= 400 && words == Words::Foreign {
        assert!(reply.body.to_string().len() > 8, "{what}: {}", reply.body);
    } else if reply.status >= 400 {
        let error = &reply.body["error"];
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            !error["code"].is_null() && message.len() > 8,
            "{what}: {}",
            reply.body
        );
    }
}

#[tokio::test]
async fn no_hostile_body_or_parameter_is_answered_with_a_500() {
    let stack = Stack::start().await;
    let company = Company::sign_up(&stack.gateway()).await;
    let session = company.admin.clone();
    let callers = |service: Service| -> Vec<Client> {
        let base = stack.process(service, 0).base();
        let plain = stack.client(service);
        vec![
            session.at(base),
            plain.with_api_key(&company.api_key),
            plain.with_internal_secret(INTERNAL_SECRET),
        ]
    };
    for route in routes(&stack, &company).await {
        let Route {
            service,
            method,
            path,
            words,
        } = &route;
        // It would end the session that the rest of this test needs.
        if path == "/api/auth/logout" || path == "/api/sessions" {
            continue;
        }
        for caller in callers(*service) {
            for body in BODIES
                .iter()
                .filter(|_| ![Method::GET, Method::HEAD, Method::DELETE].contains(method))
            {
                let request = caller
                    .request(method.clone(), path)
                    .header("content-type", "application/json");
                let reply = Reply::read(request.body(*body).send().await.unwrap())
                    .await
                    .unwrap();
                assert_sane(
                    &format!("{method} {path} with {}", String::from_utf8_lossy(body)),
                    *words,
                    &reply,
                );
            }
            for parameters in PARAMETERS.iter().filter(|_| *method == Method::GET) {
                let path = format!("{path}?{parameters}");
                assert_sane(
                    &format!("{method} {path}"),
                    *words,
                    &caller.call(method.clone(), &path, None).await,
                );
            }
        }
    }
    for path in [
        "/api/services/%00",
        "/api/incidents/%FF",
        "/api/services/..%2f..",
        "/api/nothing",
        "/%00",
        "//",
    ] {
        assert_sane(path, Words::Ours, &session.get(path).await);
    }
    for process in stack.processes() {
        assert!(process.is_running());
        assert!(!process.log().contains("panicked at"), "a panic was logged");
    }
}
