//! What goes wrong is said on standard error, with the remedy, and ends with the right code.

use testkit::{KeySpec, TokenSpec};

use crate::world::{World, feed};

#[tokio::test]
async fn without_a_login_the_remedy_is_named() {
    let world = World::start().await;
    let ran = world.run(&["logs"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("sightline login"), "{}", ran.err);
}

#[tokio::test]
async fn a_login_with_what_is_no_token_of_ours_stores_nothing() {
    let world = World::start().await;
    let ran = world.run_with(&["login", &world.url()], "hunter2").await;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("slp_") && !ran.err.contains("hunter2"),
        "{}",
        ran.err
    );
    let spec = TokenSpec {
        revoked: true,
        ..TokenSpec::default()
    };
    let (_, revoked) = world
        .org
        .insert_token(&world.stack.db, world.org.viewer.user_id, &spec)
        .await;
    let ran = world.run_with(&["login", &world.url()], &revoked).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("revoked"), "{}", ran.err);
    assert!(!world.path("sightline/config.toml").exists());
}

#[tokio::test]
async fn a_wrong_query_is_pointed_at() {
    let world = World::with_login().await;
    for command in ["logs", "stats", "export", "tail"] {
        let ran = world.run(&[command, "full (disk"]).await;
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(2), ""),
            "{command}: {}",
            ran.err
        );
        assert!(
            ran.err.ends_with("    full (disk\n         ^\n"),
            "{command}: {}",
            ran.err
        );
    }
    let ran = world.run(&["stats", "disk"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("| stats count()"), "{}", ran.err);
}

#[tokio::test]
async fn what_is_typed_wrong_is_a_usage_error() {
    let world = World::with_login().await;
    for args in [
        &["logs", "--since", "soon"] as &[&str],
        &["logs", "--since", "1h", "--from", "-2h"],
        &["logs", "--from", "yesterday"],
        &["send", "--field", "x"],
        &["nothing"],
    ] {
        assert_eq!(world.run(args).await.code, Some(2), "{args:?}");
    }
    assert_eq!(world.run(&["logs", "--service", "nobody"]).await.code, Some(1));
}

#[tokio::test]
async fn an_address_where_nobody_answers_and_a_token_that_was_revoked_fail() {
    let world = World::with_login().await;
    let mut nobody = world.command(&["logs"]);
    nobody
        .env("SIGHTLINE_URL", "http://127.0.0.1:1")
        .env("SIGHTLINE_TOKEN", &world.token);
    let ran = feed(nobody, "").await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains("http://127.0.0.1:1 cannot be reached"),
        "{}",
        ran.err
    );

    let mut stranger = world.command(&["logs"]);
    stranger.env("SIGHTLINE_TOKEN", "slp_unknown");
    let ran = feed(stranger, "").await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("sightline login"), "{}", ran.err);
}

#[tokio::test]
async fn lines_that_are_not_stored_are_reported() {
    let world = World::with_login().await;
    let input = "{\"message\":\"good\"}\nno json\n{\"message\":\" \"}\n";
    let ran = world.run_with(&["send", "--format", "json"], input).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("line 2 is no JSON object"), "{}", ran.err);
    assert!(
        ran.err.contains("1 lines stored") && ran.err.contains("rejected 1"),
        "{}",
        ran.err
    );
    assert_eq!(world.run(&["logs"]).await.messages(), ["good"]);

    let spec = KeySpec {
        revoked: true,
        ..KeySpec::default()
    };
    let (_, revoked) = world.org.insert_key(&world.stack.db, &spec).await;
    let mut command = world.command(&["send"]);
    command.env("SIGHTLINE_API_KEY", revoked);
    let ran = feed(command, "a\nb\n").await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("unauthorized 2"), "{}", ran.err);
}
