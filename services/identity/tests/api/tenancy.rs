//! The matrix of routes, roles and tenants, walked from the OpenAPI document. A route that this list lacks fails the test.

use std::collections::BTreeSet;

use domain::role::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Fixture, Reply, TokenSpec};
use uuid::Uuid;

use crate::app::TestApp;

/// Ids of one organisation, to fill a path's template or a body with.
struct Ids {
    service: Uuid,
    environment: Uuid,
    key: Uuid,
    member: Uuid,
    session: Uuid,
    invite: Uuid,
    /// Of the viewer.
    token: Uuid,
    org: Uuid,
}

impl Ids {
    async fn of(app: &TestApp, org: &Fixture) -> Self {
        let body = json!({"email": format!("{}@example.com", org.org_id), "role": "viewer"});
        let invite = app
            .as_role(org, Role::Admin)
            .post("/api/invites", body)
            .await
            .data();
        let viewer = org.viewer.user_id;
        let (token, _raw) = org.insert_token(&app.db, viewer, &TokenSpec::default()).await;
        Self {
            service: org.service_id.0,
            environment: org.production.0,
            key: org.api_key_id().0,
            member: org.viewer.user_id.0,
            session: org.viewer.session_id.0,
            invite: invite["id"].as_str().unwrap().parse().unwrap(),
            token: token.0,
            org: org.org_id.0,
        }
    }

    fn random() -> Self {
        Self {
            service: Uuid::new_v4(),
            environment: Uuid::new_v4(),
            key: Uuid::new_v4(),
            member: Uuid::new_v4(),
            session: Uuid::new_v4(),
            invite: Uuid::new_v4(),
            token: Uuid::new_v4(),
            org: Uuid::new_v4(),
        }
    }
}

/// One route: how to call it well, with these ids.
struct Route {
    method: Method,
    template: &'static str,
    call: fn(&Ids) -> (String, Option<Value>),
    /// Whether an id in it may be another tenant's.
    names_something: bool,
}

fn route(
    method: Method,
    template: &'static str,
    names_something: bool,
    call: fn(&Ids) -> (String, Option<Value>),
) -> Route {
    Route {
        method,
        template,
        call,
        names_something,
    }
}

fn routes() -> Vec<Route> {
    use Method as M;
    vec![
        route(M::POST, "/api/auth/signup", false, |_| {
            ("/api/auth/signup".into(), Some(json!({})))
        }),
        route(M::POST, "/api/auth/login", false, |_| {
            ("/api/auth/login".into(), Some(json!({})))
        }),
        route(M::POST, "/api/auth/logout", false, |_| {
            ("/api/auth/logout".into(), None)
        }),
        route(M::GET, "/api/me", false, |_| ("/api/me".into(), None)),
        route(M::GET, "/api/orgs", false, |_| ("/api/orgs".into(), None)),
        route(M::POST, "/api/orgs", false, |_| {
            ("/api/orgs".into(), Some(json!({"name": "New"})))
        }),
        route(M::PUT, "/api/orgs/active", true, |ids| {
            ("/api/orgs/active".into(), Some(json!({"org_id": ids.org})))
        }),
        route(M::GET, "/api/members", false, |_| ("/api/members".into(), None)),
        route(M::PATCH, "/api/members/{user_id}", true, |ids| {
            (
                format!("/api/members/{}", ids.member),
                Some(json!({"role": "viewer"})),
            )
        }),
        route(M::DELETE, "/api/members/{user_id}", true, |ids| {
            (format!("/api/members/{}", ids.member), None)
        }),
        route(M::GET, "/api/invites", false, |_| ("/api/invites".into(), None)),
        route(M::POST, "/api/invites", false, |_| {
            (
                "/api/invites".into(),
                Some(json!({"email": "new@example.com", "role": "viewer"})),
            )
        }),
        route(M::DELETE, "/api/invites/{id}", true, |ids| {
            (format!("/api/invites/{}", ids.invite), None)
        }),
        route(M::POST, "/api/invites/accept", false, |_| {
            (
                "/api/invites/accept".into(),
                Some(json!({"token": "sli_unknown"})),
            )
        }),
        route(M::GET, "/api/services", false, |_| ("/api/services".into(), None)),
        route(M::POST, "/api/services", false, |_| {
            (
                "/api/services".into(),
                Some(json!({"name": Uuid::new_v4().to_string()})),
            )
        }),
        route(M::GET, "/api/services/{id}", true, |ids| {
            (format!("/api/services/{}", ids.service), None)
        }),
        route(M::PATCH, "/api/services/{id}", true, |ids| {
            (
                format!("/api/services/{}", ids.service),
                Some(json!({"description": "new"})),
            )
        }),
        route(M::GET, "/api/services/{id}/environments", true, |ids| {
            (format!("/api/services/{}/environments", ids.service), None)
        }),
        route(M::POST, "/api/services/{id}/environments", true, |ids| {
            let body = json!({"name": Uuid::new_v4().to_string()});
            (format!("/api/services/{}/environments", ids.service), Some(body))
        }),
        route(M::GET, "/api/services/{id}/keys", true, |ids| {
            (format!("/api/services/{}/keys", ids.service), None)
        }),
        route(M::POST, "/api/services/{id}/keys", true, |ids| {
            let body = json!({"name": "new", "environment_id": ids.environment});
            (format!("/api/services/{}/keys", ids.service), Some(body))
        }),
        route(M::POST, "/api/keys/{id}/rotate", true, |ids| {
            (format!("/api/keys/{}/rotate", ids.key), None)
        }),
        route(M::DELETE, "/api/keys/{id}", true, |ids| {
            (format!("/api/keys/{}", ids.key), None)
        }),
        route(M::DELETE, "/api/services/{id}", true, |ids| {
            (format!("/api/services/{}", ids.service), None)
        }),
        route(M::GET, "/api/sessions", false, |_| ("/api/sessions".into(), None)),
        route(M::DELETE, "/api/sessions", false, |_| {
            ("/api/sessions".into(), None)
        }),
        route(M::DELETE, "/api/sessions/{id}", true, |ids| {
            (format!("/api/sessions/{}", ids.session), None)
        }),
        route(M::GET, "/api/tokens", false, |_| ("/api/tokens".into(), None)),
        route(M::POST, "/api/tokens", false, |_| {
            ("/api/tokens".into(), Some(json!({"name": "new"})))
        }),
        route(M::DELETE, "/api/tokens/{id}", true, |ids| {
            (format!("/api/tokens/{}", ids.token), None)
        }),
        route(M::GET, "/api/audit", false, |_| ("/api/audit".into(), None)),
    ]
}

/// Who may call a route, as its document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Public,
    SignedIn,
    AtLeast(Role),
}

/// Whether the document lets personal access tokens in. They must say so of the same role as for sessions.
fn takes_tokens(document: &Value, route: &Route) -> bool {
    let security = &document["paths"][route.template][route.method.as_str().to_lowercase()]["security"];
    let token = &security[1]["token"];
    assert!(
        token.is_null() || *token == security[0]["session"],
        "{}",
        route.template
    );
    !token.is_null()
}

fn access_of(document: &Value, route: &Route) -> Access {
    let operation = &document["paths"][route.template][route.method.as_str().to_lowercase()];
    assert!(
        operation.is_object(),
        "{} {} is not documented",
        route.method,
        route.template
    );
    let Some(session) = operation["security"].get(0).map(|one| &one["session"]) else {
        return Access::Public;
    };
    match session.get(0) {
        None => Access::SignedIn,
        Some(role) => Access::AtLeast(role.as_str().unwrap().parse().unwrap()),
    }
}

async fn call(client: &Client, route: &Route, ids: &Ids) -> Reply {
    let (path, body) = (route.call)(ids);
    client.call(route.method.clone(), &path, body).await
}

#[tokio::test]
async fn the_document_lists_exactly_these_routes() {
    let app = TestApp::start().await;
    let document = app.client.get("/openapi.json").await.body;
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods
                .map(|method| (method.to_uppercase(), path.clone()))
                .collect::<Vec<_>>()
        })
        .collect();
    let listed: BTreeSet<(String, String)> = routes()
        .iter()
        .map(|route| (route.method.to_string(), route.template.to_owned()))
        .collect();
    assert_eq!(documented, listed);
}

/// Every value of this name, anywhere in the document.
fn values_of<'a>(name: &str, document: &'a Value, found: &mut Vec<&'a str>) {
    match document {
        Value::Object(fields) => {
            found.extend(fields.get(name).and_then(Value::as_str));
            fields.values().for_each(|value| values_of(name, value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| values_of(name, value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_document_can_be_turned_into_a_client() {
    let app = TestApp::start().await;
    let document = app.client.get("/openapi.json").await.body;
    let (mut operations, mut references) = (Vec::new(), Vec::new());
    values_of("operationId", &document, &mut operations);
    values_of("$ref", &document, &mut references);
    let distinct: BTreeSet<_> = operations.iter().collect();
    assert_eq!(
        (operations.len(), distinct.len()),
        (routes().len(), routes().len())
    );
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} is nowhere");
    }
}

#[tokio::test]
async fn every_route_asks_for_the_session_and_role_that_its_document_names() {
    let app = TestApp::start().await;
    let document = app.client.get("/openapi.json").await.body;
    for route in routes() {
        let name = format!("{} {}", route.method, route.template);
        let access = access_of(&document, &route);
        let org = app.org().await;
        let ids = Ids::of(&app, &org).await;

        let status = call(&app.client, &route, &ids).await.status;
        assert_eq!(
            status == 401,
            access != Access::Public,
            "{name} without a session: {status}"
        );

        for role in Role::ALL {
            // A fresh organisation for each call, since calls change it.
            let org = app.org().await;
            let ids = Ids::of(&app, &org).await;
            let reply = call(&app.as_role(&org, role), &route, &ids).await;
            assert_answer(&reply, &route, access, role);
        }
    }
}

#[tokio::test]
async fn every_route_takes_a_token_of_the_role_or_none_as_its_document_says() {
    let app = TestApp::start().await;
    let document = app.client.get("/openapi.json").await.body;
    // For what is refused, and so changes nothing.
    let unchanged = app.org().await;
    let unchanged_ids = Ids::of(&app, &unchanged).await;
    for route in routes() {
        let access = access_of(&document, &route);
        for role in Role::ALL {
            if !takes_tokens(&document, &route) {
                if access != Access::Public {
                    let client = app.as_token_of(&unchanged, role).await;
                    let reply = call(&client, &route, &unchanged_ids).await;
                    reply.assert_error(403, "FORBIDDEN", "a personal access token cannot do this");
                }
                continue;
            }
            let org = app.org().await;
            let ids = Ids::of(&app, &org).await;
            let reply = call(&app.as_token_of(&org, role).await, &route, &ids).await;
            if route.template == "/api/tokens/{id}" && role == Role::Viewer {
                // It is the viewer's, but another one.
                reply.assert_error(403, "FORBIDDEN", "can revoke itself only");
            } else {
                assert_answer(&reply, &route, access, role);
            }
        }
    }
}

fn assert_answer(reply: &Reply, route: &Route, access: Access, role: Role) {
    let name = format!("{} {}", route.method, route.template);
    let refused = matches!(access, Access::AtLeast(needed) if !role.at_least(needed));
    if refused {
        reply.assert_error(403, "FORBIDDEN", "this needs the");
    } else if route.template == "/api/members/{user_id}" && route.method == Method::DELETE {
        // Everybody may remove themselves, and the viewer is whom this call removes.
        let expected = if role == Role::Developer { 403 } else { 204 };
        assert_eq!(reply.status, expected, "{name} as {role}: {}", reply.body);
    } else if route.template == "/api/sessions/{id}" {
        // Sessions belong to people: the viewer's own can be ended by the viewer only.
        let expected = if role == Role::Viewer { 204 } else { 404 };
        assert_eq!(reply.status, expected, "{name} as {role}: {}", reply.body);
    } else if route.template == "/api/tokens/{id}" {
        // The viewer's: for its owner and for admins.
        let expected = if role == Role::Developer { 404 } else { 204 };
        assert_eq!(reply.status, expected, "{name} as {role}: {}", reply.body);
    } else if access != Access::Public && route.template != "/api/invites/accept" {
        assert!(
            reply.is_success(),
            "{name} as {role}: {} {}",
            reply.status,
            reply.body
        );
    }
}

#[tokio::test]
async fn another_tenants_ids_are_like_ids_that_do_not_exist() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let (foreign, random) = (Ids::of(&app, &other).await, Ids::random());
    let document = app.client.get("/openapi.json").await.body;
    let before = snapshot(&app, &other).await;
    for route in routes().iter().filter(|route| route.names_something) {
        let mut callers = Vec::new();
        for role in Role::ALL {
            callers.push((role, app.as_role(&org, role)));
            if takes_tokens(&document, route) {
                callers.push((role, app.as_token_of(&org, role).await));
            }
        }
        for (role, client) in callers {
            let (of_foreign, of_random) = (
                call(&client, route, &foreign).await,
                call(&client, route, &random).await,
            );
            let name = format!("{} {} as {role}", route.method, route.template);
            assert!(
                matches!(of_foreign.status, 403 | 404),
                "{name}: {}",
                of_foreign.status
            );
            if role == Role::Admin {
                of_foreign.assert_error(404, "NOT_FOUND", "not found");
            }
            assert_eq!(of_foreign.status, of_random.status, "{name}");
            assert_eq!(of_foreign.body["error"], of_random.body["error"], "{name}");
        }
    }
    assert_eq!(
        snapshot(&app, &other).await,
        before,
        "nothing of the other tenant changed"
    );
}

/// Everything that the other tenant has.
async fn snapshot(app: &TestApp, org: &Fixture) -> Vec<String> {
    let mut rows = Vec::new();
    for table in [
        "org_members",
        "invites",
        "services",
        "environments",
        "api_keys",
        "personal_access_tokens",
        "audit_logs",
    ] {
        let sql = format!("SELECT t::text FROM {table} t WHERE org_id = $1 ORDER BY 1");
        let found = app.db.owner().await.query(&sql, &[&org.org_id]).await.unwrap();
        rows.extend(found.iter().map(|row| row.get::<_, String>(0)));
    }
    rows
}

#[tokio::test]
async fn lists_hold_rows_of_the_active_organisation_only() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let foreign = Ids::of(&app, &other).await;
    let mine = format!("/api/services/{}", org.service_id);
    let lists = [
        "/api/me".to_owned(),
        "/api/orgs".to_owned(),
        "/api/members".to_owned(),
        "/api/invites".to_owned(),
        "/api/services".to_owned(),
        "/api/audit".to_owned(),
        "/api/sessions".to_owned(),
        "/api/tokens?all=true".to_owned(),
        format!("{mine}/environments"),
        format!("{mine}/keys"),
    ];
    let strangers = [
        foreign.service,
        foreign.environment,
        foreign.key,
        foreign.member,
        foreign.session,
        foreign.invite,
        foreign.token,
        foreign.org,
    ];
    let admin = app.as_role(&org, Role::Admin);
    for list in lists {
        let reply = admin.get(&list).await;
        reply.assert_status(200);
        for id in strangers {
            assert!(
                !reply.body.to_string().contains(&id.to_string()),
                "{list} shows {id}"
            );
        }
    }
}
