//! Whose saved views somebody sees.

use db::saved_views::{self, ViewSettings};
use db::{Db, DbConfig};
use domain::page::PageLimit;
use domain::saved_view::{QueryText, ViewParams};
use testkit::{Fixture, TestDb};

fn settings(name: &str, is_shared: bool) -> ViewSettings {
    ViewSettings {
        name: name.parse().unwrap(),
        is_shared,
        q: QueryText::default(),
        params: ViewParams {
            service: Some("web".parse().unwrap()),
            ..ViewParams::default()
        },
    }
}

#[tokio::test]
async fn another_organisations_views_are_out_of_reach_and_so_are_a_colleagues_personal_ones() {
    let test_db = TestDb::create().await;
    let (ours, theirs) = (Fixture::org(&test_db).await, Fixture::org(&test_db).await);
    // A connection that sees both organisations: the queries hold alone.
    let db = Db::new(&DbConfig::new(test_db.owner_url(), "test")).unwrap();
    let mut conn = db.conn("test").await.unwrap();
    let (owner, colleague) = (theirs.developer.user_id, theirs.admin.user_id);

    let tx = conn.tenant(theirs.org_id).await.unwrap();
    let personal = settings("personal", false);
    let personal = saved_views::create(&tx, owner, &personal).await.unwrap();
    let shared = saved_views::create(&tx, owner, &settings("shared", true))
        .await
        .unwrap();
    assert_eq!(saved_views::count_of(&tx, owner).await.unwrap(), 2);
    tx.commit().await.unwrap();
    let tx = conn.tenant(theirs.org_id).await.unwrap();
    let taken = saved_views::update(&tx, shared.id, &personal.settings).await;
    assert!(taken.unwrap_err().violates_unique(saved_views::NAME_KEY));
    drop(tx);

    let tx = conn.tenant(theirs.org_id).await.unwrap();
    for (reader, expected) in [
        (owner, vec![shared.id, personal.id]),
        (colleague, vec![shared.id]),
    ] {
        let mut listed: Vec<_> = saved_views::list(&tx, reader, None, PageLimit::DEFAULT)
            .await
            .unwrap()
            .iter()
            .map(|view| view.id)
            .collect();
        // Both were made in one transaction and so at one moment, in which there is no order.
        listed.sort_unstable_by_key(|id| *id != shared.id);
        assert_eq!(listed, expected);
        let sees = |found: Option<saved_views::SavedView>| found.is_some();
        let found = saved_views::find(&tx, reader, personal.id).await.unwrap();
        assert_eq!(sees(found), reader == owner);
        let locked = saved_views::lock(&tx, reader, personal.id).await.unwrap();
        assert_eq!(sees(locked), reader == owner);
    }
    drop(tx);

    let tx = conn.tenant(ours.org_id).await.unwrap();
    let listed = saved_views::list(&tx, owner, None, PageLimit::DEFAULT).await;
    assert!(listed.unwrap().is_empty());
    assert!(saved_views::find(&tx, owner, shared.id).await.unwrap().is_none());
    assert!(saved_views::lock(&tx, owner, shared.id).await.unwrap().is_none());
    assert_eq!(saved_views::count_of(&tx, owner).await.unwrap(), 0);
    let taken_over = settings("taken over", true);
    let updated = saved_views::update(&tx, shared.id, &taken_over).await.unwrap();
    assert!(updated.is_none());
    assert!(!saved_views::delete(&tx, shared.id).await.unwrap());
    tx.commit().await.unwrap();

    let tx = conn.tenant(theirs.org_id).await.unwrap();
    let found = saved_views::find(&tx, owner, shared.id).await.unwrap().unwrap();
    assert_eq!(found.settings, settings("shared", true));
}
