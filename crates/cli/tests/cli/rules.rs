//! Alert rules as a file.

use testkit::TokenSpec;

use crate::world::World;

const FILE: &str = "
version: 1
rules:
  - name: checkout errors
    type: error_count
    params: {threshold: 20, window_seconds: 300}
    severity: high
";

#[tokio::test]
async fn a_file_of_rules_is_compared_applied_and_written() {
    let world = World::with_alerting().await;
    let (_, token) = world
        .org
        .insert_token(
            &world.stack.db,
            world.org.developer.user_id,
            &TokenSpec::default(),
        )
        .await;
    let ran = world.run_with(&["login", &world.url()], &token).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (file, path) = (
        world.path("rules.yaml"),
        world.path("rules.yaml").display().to_string(),
    );
    std::fs::write(&file, FILE).unwrap();
    let ran = world.run(&["rules", "diff", &path]).await;
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(1), "+ checkout errors\n"),
        "{ran:?}"
    );
    let ran = world.run(&["rules", "apply", &path]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = world.run(&["rules", "diff", "--prune", &path]).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    std::fs::write(&file, FILE.replace("threshold: 20", "threshold: 30")).unwrap();
    let ran = world.run(&["rules", "diff", &path]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("params.threshold: 20 -> 30"), "{ran:?}");
    let ran = world.run(&["rules", "export", "-o", &path]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = world.run(&["rules", "diff", "--prune", &path]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    std::fs::write(&file, FILE.replace("threshold: 20", "threshold: 0")).unwrap();
    let ran = world.run(&["rules", "apply", &path]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("rules[0].params.threshold"), "{ran:?}");
}
