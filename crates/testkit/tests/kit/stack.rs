use serde_json::json;
use testkit::{Service, Stack};

#[tokio::test]
async fn a_service_of_a_stack_serves_hangs_dies_and_comes_back_at_its_address() {
    let stack = Stack::build()
        .only([Service::Identity])
        .replicas(Service::Identity, 2)
        .start()
        .await;
    let (one, other) = (
        stack.process(Service::Identity, 0),
        stack.process(Service::Identity, 1),
    );
    assert_ne!(one.base(), other.base());
    let signup =
        json!({"email": "ada@example.com", "password": "correct horse battery", "org_name": "Analytical"});
    let reply = one.client().post("/api/auth/signup", signup).await;
    let session = reply.assert_status(201).cookie("sightline_session").unwrap();
    let me =
        async |process: &testkit::Process| process.client().with_cookie(&session).get("/api/me").await.status;
    assert_eq!(me(other).await, 200, "replicas share the database");

    one.kill();
    assert!(!one.is_running());
    assert_eq!(me(other).await, 200);
    one.start().await;
    assert_eq!(me(one).await, 200);

    one.pause();
    let patience = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(patience, me(one)).await.is_err());
    one.resume();
    assert_eq!(me(one).await, 200);

    assert!(one.terminate().await.success());
    assert!(!one.log().is_empty());
}

#[tokio::test]
#[should_panic(expected = "instead of becoming ready")]
async fn a_service_that_ends_at_its_start_is_shown_with_its_log() {
    Stack::build()
        .only([Service::Identity])
        .env(Service::Identity, "DATABASE_URL", "nonsense")
        .start()
        .await;
}
