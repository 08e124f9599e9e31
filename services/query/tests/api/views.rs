//! Saved views: whose they are, who sees them, who changes them.

use domain::role::Role;
use serde_json::{Value, json};
use testkit::{Client, Fixture, Reply, TokenSpec};

use crate::test_app::TestApp;

const VIEWS: &str = "/api/logs/views";

/// One organisation and a client for each of its roles.
struct Team {
    app: TestApp,
    org: Fixture,
    viewer: Client,
    developer: Client,
    admin: Client,
}

impl Team {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let org = Fixture::org(&app.db).await;
        let [viewer, developer, admin] = Role::ALL.map(|role| app.anyone().with_cookie(org.cookie(role)));
        Self {
            app,
            org,
            viewer,
            developer,
            admin,
        }
    }
}

async fn save(client: &Client, body: Value) -> Value {
    client.post(VIEWS, body).await.assert_status(201).data()
}

fn path(view: &Value) -> String {
    format!("{VIEWS}/{}", view["id"].as_str().unwrap())
}

async fn names(client: &Client) -> Vec<String> {
    let rows = client.get(VIEWS).await.data();
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn assert_invalid(reply: &Reply, field: &str) {
    reply.assert_error(400, "VALIDATION_ERROR", "");
    assert_eq!(reply.body["error"]["details"][0]["path"], field, "{}", reply.body);
}

#[tokio::test]
async fn a_view_keeps_what_was_typed_and_can_be_changed_in_part() {
    let team = Team::start().await;
    let body = json!({
        "name": " checkout errors ", "q": "card_declined \"order 7\"", "service": "checkout",
        "environment": "production", "level": "error,fatal", "from": "-1h", "to": "now",
        "columns": ["timestamp", "meta.order", "message"],
    });
    let view = save(&team.viewer, body).await;
    let expected = json!({
        "id": view["id"], "user_id": team.org.viewer.user_id, "mine": true, "name": "checkout errors",
        "q": "card_declined \"order 7\"", "service": "checkout", "environment": "production", "level": "error,fatal",
        "from": "-1h", "to": "now", "columns": ["timestamp", "meta.order", "message"], "shared": false,
        "created_at": view["created_at"], "updated_at": view["created_at"],
    });
    assert_eq!(view, expected);
    assert_eq!(team.viewer.get(&path(&view)).await.data(), expected);
    assert_eq!(team.viewer.get(VIEWS).await.data(), json!([expected]));

    let change = json!({"q": "", "service": null, "to": null, "columns": []});
    let changed = team.viewer.patch(&path(&view), change).await.data();
    let mut expected = expected;
    for (field, value) in [
        ("q", json!("")),
        ("service", Value::Null),
        ("to", Value::Null),
        ("columns", json!([])),
        ("updated_at", changed["updated_at"].clone()),
    ] {
        expected[field] = value;
    }
    assert_eq!(changed, expected);
    assert_ne!(changed["updated_at"], changed["created_at"]);
    let unchanged = team.viewer.patch(&path(&view), json!({})).await.data();
    assert_eq!(unchanged, expected);

    team.viewer.delete(&path(&view)).await.assert_status(204);
    team.viewer
        .get(&path(&view))
        .await
        .assert_error(404, "NOT_FOUND", "saved view not found");
    let bare = save(&team.viewer, json!({"name": "bare"})).await;
    assert_eq!((&bare["q"], &bare["columns"]), (&json!(""), &json!([])));
}

#[tokio::test]
async fn personal_views_are_seen_by_their_owner_and_shared_ones_by_all() {
    let team = Team::start().await;
    let personal = save(&team.developer, json!({"name": "personal"})).await;
    let shared = save(&team.developer, json!({"name": "shared", "shared": true})).await;
    assert_eq!(names(&team.developer).await, ["shared", "personal"]);
    for other in [&team.viewer, &team.admin] {
        assert_eq!(names(other).await, ["shared"]);
        assert_eq!(other.get(&path(&shared)).await.data()["mine"], json!(false));
        for reply in [
            other.get(&path(&personal)).await,
            other.patch(&path(&personal), json!({"name": "x"})).await,
            other.delete(&path(&personal)).await,
        ] {
            reply.assert_error(404, "NOT_FOUND", "saved view not found");
        }
    }
    team.developer
        .patch(&path(&shared), json!({"shared": false}))
        .await
        .assert_status(200);
    assert_eq!(names(&team.viewer).await, Vec::<String>::new());
}

#[tokio::test]
async fn sharing_needs_the_developer_role_and_changing_the_owner_or_an_admin() {
    let team = Team::start().await;
    let developers = "this needs the developer role";
    team.viewer
        .post(VIEWS, json!({"name": "n", "shared": true}))
        .await
        .assert_error(403, "FORBIDDEN", developers);
    let own = save(&team.viewer, json!({"name": "own"})).await;
    team.viewer
        .patch(&path(&own), json!({"shared": true}))
        .await
        .assert_error(403, "FORBIDDEN", developers);

    let shared = save(&team.admin, json!({"name": "shared", "shared": true})).await;
    for other in [&team.viewer, &team.developer] {
        for reply in [
            other.patch(&path(&shared), json!({"name": "x"})).await,
            other.delete(&path(&shared)).await,
        ] {
            reply.assert_error(403, "FORBIDDEN", "somebody else's; save a copy");
        }
    }
    let developers = save(&team.developer, json!({"name": "by developer", "shared": true})).await;
    let renamed = team
        .admin
        .patch(&path(&developers), json!({"name": "renamed"}))
        .await
        .data();
    assert_eq!(renamed["user_id"], json!(team.org.developer.user_id));
    team.admin.delete(&path(&developers)).await.assert_status(204);
    assert_eq!(names(&team.developer).await, ["shared"]);
}

#[tokio::test]
async fn somebody_whose_role_was_lowered_can_take_back_what_they_shared() {
    let team = Team::start().await;
    let view = save(&team.developer, json!({"name": "n", "shared": true})).await;
    let sql = "UPDATE org_members SET role = 'viewer' WHERE user_id = $1";
    let person = team.org.developer.user_id;
    team.app.db.owner().await.execute(sql, &[&person]).await.unwrap();
    team.developer
        .patch(&path(&view), json!({"name": "other"}))
        .await
        .assert_error(403, "FORBIDDEN", "this needs the developer role");
    team.developer
        .patch(&path(&view), json!({"shared": false}))
        .await
        .assert_status(200);
}

#[tokio::test]
async fn a_token_saves_views_within_its_role() {
    let team = Team::start().await;
    let spec = TokenSpec {
        role: Role::Viewer,
        ..TokenSpec::default()
    };
    let person = team.org.admin.user_id;
    let (id, raw) = team.org.insert_token(&team.app.db, person, &spec).await;
    let token = team.app.anyone().with_bearer(&raw);
    save(&token, json!({"name": "by token"})).await;
    assert_eq!(names(&team.admin).await, ["by token"]);
    token
        .post(VIEWS, json!({"name": "n", "shared": true}))
        .await
        .assert_status(403);
    let (_, raw) = team
        .org
        .insert_token(&team.app.db, person, &TokenSpec::default())
        .await;
    let token = team.app.anyone().with_bearer(&raw);
    save(&token, json!({"name": "shared", "shared": true})).await;
    let sql = "SELECT count(*) FROM audit_logs WHERE actor_user_id = $1 AND actor_token_id <> $2";
    let row = team
        .app
        .db
        .owner()
        .await
        .query_one(sql, &[&person, &id])
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn what_everybody_sees_is_written_down() {
    let team = Team::start().await;
    let view = save(&team.developer, json!({"name": "n"})).await;
    for change in [
        json!({"q": "personal"}),
        json!({"shared": true}),
        json!({"shared": true}),
        json!({"q": "shared"}),
        json!({"shared": false}),
        json!({"shared": true}),
    ] {
        team.developer
            .patch(&path(&view), change)
            .await
            .assert_status(200);
    }
    team.admin.delete(&path(&view)).await.assert_status(204);
    let sql = "SELECT action || ' ' || coalesce(before->>'q', '-') || ' ' || coalesce(after->>'q', '-')
               FROM audit_logs WHERE org_id = $1 ORDER BY at";
    let rows = team.app.db.owner().await;
    let rows = rows.query(sql, &[&team.org.org_id]).await.unwrap();
    let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        rows,
        [
            "saved_view.change - personal",
            "saved_view.change personal shared",
            "saved_view.change shared -",
            "saved_view.change - shared",
            "saved_view.delete shared -",
        ]
    );
}

#[tokio::test]
async fn a_name_is_an_owners_once() {
    let team = Team::start().await;
    save(&team.developer, json!({"name": "n"})).await;
    save(&team.admin, json!({"name": "n", "shared": true})).await;
    let other = save(&team.developer, json!({"name": "other"})).await;
    for reply in [
        team.developer
            .post(VIEWS, json!({"name": "n", "shared": true}))
            .await,
        team.developer.patch(&path(&other), json!({"name": "n"})).await,
    ] {
        reply.assert_error(409, "CONFLICT", "a view named n already; choose another name");
    }
}

#[tokio::test]
async fn there_are_two_hundred_views_an_owner_at_most_and_they_come_in_pages() {
    let team = Team::start().await;
    let sql = "INSERT INTO saved_views (org_id, id, user_id, name, is_shared, q, params)
               SELECT $1, gen_random_uuid(), $2, 'view ' || n, false, '', '{}' FROM generate_series(1, 199) n";
    let params = [&team.org.org_id as _, &team.org.viewer.user_id as _];
    team.app.db.owner().await.execute(sql, &params).await.unwrap();
    save(&team.viewer, json!({"name": "200"})).await;
    team.viewer
        .post(VIEWS, json!({"name": "201"}))
        .await
        .assert_error(409, "CONFLICT", "delete one that is no longer used");
    save(&team.developer, json!({"name": "mine"})).await;

    let mut seen = std::collections::BTreeSet::new();
    let mut next = Some(String::new());
    while let Some(cursor) = next {
        let reply = team.viewer.get(&format!("{VIEWS}?limit=90{cursor}")).await;
        for row in reply.data().as_array().unwrap() {
            assert!(seen.insert(row["id"].to_string()), "twice: {row}");
        }
        next = reply.next_cursor().map(|cursor| format!("&cursor={cursor}"));
    }
    assert_eq!(seen.len(), 200);
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let team = Team::start().await;
    // Out of date, and still a view.
    let own = save(
        &team.viewer,
        json!({"name": "own", "from": "-1h", "to": "2026-01-31T12:00:00Z"}),
    )
    .await;
    let long = "x".repeat(201);
    for (field, body) in [
        ("name", json!({"name": " "})),
        ("name", json!({"name": long})),
        ("q", json!({"name": "n", "q": "x".repeat(4_097)})),
        ("q", json!({"name": "n", "q": "a\u{0}b"})),
        ("service", json!({"name": "n", "service": long})),
        ("environment", json!({"name": "n", "environment": ""})),
        ("level", json!({"name": "n", "level": "loud"})),
        ("from", json!({"name": "n", "from": "yesterday"})),
        ("to", json!({"name": "n", "to": "soon"})),
        ("columns[1]", json!({"name": "n", "columns": ["a", "\n"]})),
        ("columns", json!({"name": "n", "columns": vec!["a"; 51]})),
        ("shared", json!({"name": "n", "shared": "yes"})),
        ("user_id", json!({"name": "n", "user_id": team.org.admin.user_id})),
    ] {
        assert_invalid(&team.viewer.post(VIEWS, body.clone()).await, field);
        assert_invalid(&team.viewer.patch(&path(&own), body).await, field);
    }
    assert_invalid(&team.viewer.post(VIEWS, json!({})).await, "name");
}

#[tokio::test]
async fn another_organisations_views_are_not_found_like_unknown_ones() {
    let team = Team::start().await;
    let view = save(&team.admin, json!({"name": "secret", "shared": true})).await;
    let stranger = Fixture::org(&team.app.db).await;
    let unknown = format!("{VIEWS}/{}", uuid::Uuid::new_v4());
    for role in Role::ALL {
        let stranger = team.app.anyone().with_cookie(stranger.cookie(role));
        assert_eq!(names(&stranger).await, Vec::<String>::new());
        for (at, message) in [
            (path(&view), "saved view not found"),
            (unknown.clone(), "saved view not found"),
            (format!("{VIEWS}/no-id"), "not found"),
        ] {
            for reply in [
                stranger.get(&at).await,
                stranger.patch(&at, json!({"name": "x"})).await,
                stranger.delete(&at).await,
            ] {
                reply.assert_error(404, "NOT_FOUND", message);
            }
        }
    }
    for path in [VIEWS.to_owned(), path(&view)] {
        team.app.anyone().get(&path).await.assert_status(401);
    }
    assert_eq!(team.admin.get(&path(&view)).await.data(), view);
}
