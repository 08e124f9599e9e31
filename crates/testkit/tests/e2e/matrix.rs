//! Every route of every service × who calls × whose ids, walked from the OpenAPI documents that the services serve.
//!
//! A route that this file has no line for fails the test, and so does any status, body or change of a row that says more
//! to a stranger than "not yours".

mod routes;
mod world;

use domain::role::Role;
use reqwest::Method;
use serde_json::Value;
use testkit::{Client, Person, Reply, Service, Stack, TokenSpec};
use uuid::Uuid;

use routes::{Needs, Operation};
use world::World;

/// Both tenants, the stack, and every operation that the five documents list.
struct Matrix {
    stack: Stack,
    ours: World,
    theirs: World,
    operations: Vec<Operation>,
}

impl Matrix {
    async fn set_up() -> Self {
        let stack = Stack::start().await;
        let ours = World::create(&stack).await;
        let theirs = World::create(&stack).await;
        let mut operations = Vec::new();
        for service in Service::ALL {
            let document = stack.client(service).get("/openapi.json").await;
            operations.extend(routes::operations(service, &document.assert_status(200).body));
        }
        assert!(
            operations.len() > 50,
            "the documents list only {} operations",
            operations.len()
        );
        Self {
            stack,
            ours,
            theirs,
            operations,
        }
    }

    async fn call(&self, client: &Client, operation: &Operation, path: &str, body: Option<Value>) -> Reply {
        let reply = client.call(operation.method.clone(), path, body).await;
        assert!(
            reply.status < 500,
            "{operation} answered {}: {}",
            reply.status,
            reply.body
        );
        reply
    }

    fn client(&self, operation: &Operation) -> Client {
        self.stack.client(operation.service)
    }

    /// Somebody of this tenant with this role, by each of the ways in that the operation has.
    async fn members(&self, operation: &Operation, world: &World, role: Role) -> Vec<Client> {
        let client = self.client(operation);
        let mut clients = vec![client.with_cookie(world.org.cookie(role))];
        if operation.takes_tokens {
            clients.push(client.with_bearer(&world.admins_token_as(&self.stack, role).await));
        }
        clients
    }
}

/// A reply to a stranger holds nothing of ours.
fn assert_no_canary(operation: &Operation, reply: &Reply, world: &World) {
    let text = format!("{}{:?}", reply.body, reply.headers);
    assert!(
        !text.contains(&world.canary),
        "{operation} shows another tenant's data: {text}"
    );
}

#[tokio::test]
async fn nobody_gets_in_without_the_credentials_that_a_route_names() {
    let matrix = Matrix::set_up().await;
    let strangers = matrix.ours.strangers(&matrix.stack).await;
    let before = matrix.ours.rows(&matrix.stack).await;
    for operation in matrix
        .operations
        .iter()
        .filter(|operation| operation.needs != Needs::Nothing)
    {
        let path = operation.path_with(&matrix.ours);
        for (who, dress) in &strangers {
            let expected = match (&operation.needs, who.as_str()) {
                // A former member still is somebody, just not of this organisation.
                (Needs::Session(None), "a former member") => continue,
                (Needs::Session(Some(_)), "a former member") => 403,
                (Needs::ApiKey(_), "a revoked key" | "an expired key") => operation.refusal_of_a_bad_key(),
                (Needs::ApiKey(_), who) if who.ends_with(" token") => operation.refusal_of_a_bad_key(),
                _ => 401,
            };
            let client = dress(matrix.client(operation));
            let reply = matrix
                .call(&client, operation, &path, operation.body(&matrix.ours))
                .await;
            assert_eq!(reply.status, expected, "{operation} as {who}: {}", reply.body);
            assert_no_canary(operation, &reply, &matrix.ours);
        }
    }
    assert_eq!(
        matrix.ours.rows(&matrix.stack).await,
        before,
        "a refused request changed a row"
    );
}

#[tokio::test]
async fn a_role_below_the_one_that_a_route_names_is_refused() {
    let matrix = Matrix::set_up().await;
    let before = matrix.ours.rows(&matrix.stack).await;
    let mut refused = 0;
    for operation in &matrix.operations {
        let Needs::Session(Some(needed)) = operation.needs else {
            continue;
        };
        for role in Role::ALL.into_iter().filter(|role| !role.at_least(needed)) {
            for client in matrix.members(operation, &matrix.ours, role).await {
                let path = operation.path_with(&matrix.ours);
                let reply = matrix
                    .call(&client, operation, &path, operation.body(&matrix.ours))
                    .await;
                reply.assert_error(403, "FORBIDDEN", &format!("needs the {needed} role"));
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "only {refused} combinations were tried");
    assert_eq!(
        matrix.ours.rows(&matrix.stack).await,
        before,
        "a refused request changed a row"
    );
}

#[tokio::test]
async fn another_tenants_ids_are_as_unknown_as_ids_that_never_were() {
    let matrix = Matrix::set_up().await;
    let before = matrix.ours.rows(&matrix.stack).await;
    for operation in &matrix.operations {
        let Some(role) = operation.needs.role() else {
            continue;
        };
        for client in matrix.members(operation, &matrix.theirs, role).await {
            assert_unknown(&matrix, operation, &client).await;
        }
    }
    assert_eq!(
        matrix.ours.rows(&matrix.stack).await,
        before,
        "a stranger's request changed a row"
    );
}

/// Holds that this member of the other tenant cannot tell our ids from those of nothing.
async fn assert_unknown(matrix: &Matrix, operation: &Operation, client: &Client) {
    if operation.has_path_ids() {
        let body = operation.body(&matrix.theirs);
        let foreign = matrix
            .call(
                client,
                operation,
                &operation.path_with(&matrix.ours),
                body.clone(),
            )
            .await;
        let random = matrix
            .call(client, operation, &operation.path_with_random_ids(), body.clone())
            .await;
        let malformed = matrix
            .call(client, operation, &operation.path_with_text("no-id"), body)
            .await;
        for (what, reply) in [
            ("foreign", &foreign),
            ("random", &random),
            ("malformed", &malformed),
        ] {
            assert_eq!(reply.status, 404, "{operation} with a {what} id: {}", reply.body);
            assert_no_canary(operation, reply, &matrix.ours);
        }
        assert_eq!(
            (&foreign.body["error"], foreign.headers.len()),
            (&random.body["error"], random.headers.len()),
            "{operation} tells a foreign id from one that never was"
        );
    }

    // Our ids in their body, one request at a time.
    let (mine, foreign) = (operation.body(&matrix.theirs), operation.body(&matrix.ours));
    for body in routes::bodies_with_one_foreign_id(mine.as_ref(), foreign.as_ref()) {
        let reply = matrix
            .call(
                client,
                operation,
                &operation.path_with(&matrix.theirs),
                Some(body.clone()),
            )
            .await;
        assert!(
            (400..500).contains(&reply.status),
            "{operation} took {body}: {} {}",
            reply.status,
            reply.body
        );
        assert_no_canary(operation, &reply, &matrix.ours);
    }

    // An organisation may follow only so many searches at once, and a closed connection is noticed after seconds.
    let most = if operation.path.ends_with("/tail") {
        8
    } else {
        usize::MAX
    };
    for parameter in &operation.query_ids {
        for id in matrix.ours.ids().take(most) {
            let path = Operation::and(&operation.path_with(&matrix.theirs), parameter, id);
            let reply = matrix.call(client, operation, &path, None).await;
            assert_no_canary(operation, &reply, &matrix.ours);
            assert!(
                reply.status == 404 || is_nothing(operation, &reply.body),
                "{operation}: {path}: {} {}",
                reply.status,
                reply.body
            );
        }
    }
}

/// No line, in the words of each route.
fn is_nothing(operation: &Operation, body: &Value) -> bool {
    let data = &body["data"];
    match operation.path.as_str() {
        "/api/logs/histogram" => {
            let mut buckets = data["buckets"].as_array().into_iter().flatten();
            buckets.all(|bucket| bucket["total"] == 0)
        }
        "/api/logs/facets" | "/api/logs/fields" | "/api/logs/stats" | "/api/logs/patterns" => {
            data["lines"] == 0
        }
        "/api/logs/changes" => data["before"]["lines"] == 0 && data["after"]["lines"] == 0,
        "/api/logs/export" => body.is_null(),
        "/api/logs/tail" => !body.to_string().contains("event: "),
        _ => data.as_array().is_some_and(Vec::is_empty),
    }
}

#[tokio::test]
async fn nothing_that_a_member_may_read_shows_another_tenants_data() {
    let matrix = Matrix::set_up().await;
    for operation in matrix
        .operations
        .iter()
        .filter(|operation| operation.method == Method::GET)
    {
        let Some(role) = operation.needs.role() else {
            continue;
        };
        let path = operation.path_with(&matrix.theirs);
        for (reader, other) in [(&matrix.theirs, &matrix.ours), (&matrix.ours, &matrix.theirs)] {
            let path = if operation.has_path_ids() {
                operation.path_with(reader)
            } else {
                path.clone()
            };
            for client in matrix.members(operation, reader, role).await {
                let reply = matrix.call(&client, operation, &path, None).await;
                assert_no_canary(operation, &reply, other);
            }
        }
    }
}

#[tokio::test]
async fn the_least_role_that_a_route_names_is_enough() {
    let matrix = Matrix::set_up().await;
    assert_enough(
        &matrix,
        |_operation| true,
        async |client, person| client.with_cookie(&person.cookie),
    )
    .await;
}

#[tokio::test]
async fn a_token_of_the_least_role_is_enough_where_the_document_says_so() {
    let matrix = Matrix::set_up().await;
    assert_enough(
        &matrix,
        |operation| operation.takes_tokens,
        async |client, person| {
            let spec = TokenSpec::default();
            let org = &matrix.ours.org;
            let (_id, raw) = org.insert_token(&matrix.stack.db, person.user_id, &spec).await;
            client.with_bearer(&raw)
        },
    )
    .await;
}

/// Holds that each of the operations serves a person of the least role that it names.
async fn assert_enough(
    matrix: &Matrix,
    filter: fn(&Operation) -> bool,
    dress: impl AsyncFn(Client, &Person) -> Client,
) {
    let mut operations: Vec<&Operation> = matrix
        .operations
        .iter()
        .filter(|operation| operation.needs.role().is_some() && filter(operation))
        .collect();
    // What deletes comes last, and a longer path before the one that it lies under.
    operations.sort_by_key(|operation| {
        (
            operation.method == Method::DELETE,
            std::cmp::Reverse(operation.path.matches('/').count()),
        )
    });
    for operation in operations {
        let role = operation.needs.role().unwrap_or(Role::Viewer);
        // A person of his own for each call: some of them end the session.
        let person = matrix.ours.org.insert_person(&matrix.stack.db, role).await;
        let client = dress(matrix.client(operation), &person).await;
        let path = operation.path_with(&matrix.ours);
        let reply = matrix
            .call(&client, operation, &path, operation.body(&matrix.ours))
            .await;
        let done = reply.is_success() || operation.may_conflict(reply.status);
        assert!(done, "{operation} as {role}: {} {}", reply.status, reply.body);
    }
}

#[tokio::test]
async fn an_internal_route_and_a_write_key_open_nothing_else() {
    let matrix = Matrix::set_up().await;
    for operation in &matrix.operations {
        let client = matrix.client(operation);
        let path = operation.path_with(&matrix.ours);
        let body = operation.body(&matrix.ours);
        if !matches!(operation.needs, Needs::Nothing | Needs::Internal) {
            let reply = matrix
                .call(
                    &client.with_internal_secret(testkit::INTERNAL_SECRET),
                    operation,
                    &path,
                    body.clone(),
                )
                .await;
            assert_eq!(
                reply.status, 401,
                "{operation} with the internal secret: {}",
                reply.body
            );
        }
        if !matches!(operation.needs, Needs::Nothing | Needs::ApiKey(_)) {
            let reply = matrix
                .call(
                    &client.with_api_key(matrix.ours.org.api_key()),
                    operation,
                    &path,
                    body,
                )
                .await;
            assert_eq!(reply.status, 401, "{operation} with an API key: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn a_token_opens_nothing_that_the_document_does_not_open_to_it() {
    let matrix = Matrix::set_up().await;
    let token = matrix.ours.admins_token_as(&matrix.stack, Role::Admin).await;
    let before = matrix.ours.rows(&matrix.stack).await;
    let mut refused = 0;
    for operation in matrix
        .operations
        .iter()
        .filter(|operation| operation.needs != Needs::Nothing && !operation.takes_tokens)
    {
        // Who needs a session is told so; elsewhere the token is no credential at all.
        let expected = match operation.needs {
            Needs::Session(_) => 403,
            Needs::ApiKey(_) => operation.refusal_of_a_bad_key(),
            Needs::Nothing | Needs::Internal | Needs::Signature => 401,
        };
        let path = operation.path_with(&matrix.ours);
        for client in [
            matrix.client(operation).with_bearer(&token),
            matrix.client(operation).with_basic("x", &token),
        ] {
            let reply = matrix
                .call(&client, operation, &path, operation.body(&matrix.ours))
                .await;
            assert_eq!(reply.status, expected, "{operation}: {}", reply.body);
            refused += 1;
        }
    }
    assert!(refused > 40, "only {refused} combinations were tried");
    assert_eq!(
        matrix.ours.rows(&matrix.stack).await,
        before,
        "a refused request changed a row"
    );
}

/// An id of no row.
fn random_id() -> String {
    Uuid::new_v4().to_string()
}
