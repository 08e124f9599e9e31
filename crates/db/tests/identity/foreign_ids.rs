//! Another organisation's id finds nothing, and changes nothing.

use std::time::Duration;

use db::invites::NewInvite;
use db::personal_access_tokens::{self as tokens, NewPersonalToken};
use db::services::Settings;
use db::{
    Connection, Db, DbConfig, TenantTx, api_keys, auth, environments, invites, members, orgs, services,
};
use domain::email::Email;
use domain::ids::InviteId;
use domain::name::Name;
use domain::page::PageLimit;
use domain::role::Role;
use domain::token::TokenHash;
use testkit::{Fixture, TestDb, TokenSpec};

struct Scene {
    // Held for its life: the database is dropped with it.
    test_db: TestDb,
    conn: Connection,
    ours: Fixture,
    theirs: Fixture,
    their_invite: InviteId,
}

/// Two organisations, and a connection that sees both.
async fn scene() -> Scene {
    let test_db = TestDb::create().await;
    let (ours, theirs) = (Fixture::org(&test_db).await, Fixture::org(&test_db).await);
    let db = Db::new(&DbConfig::new(test_db.owner_url(), "test")).unwrap();
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(theirs.org_id).await.unwrap();
    let their_invite = invite(&tx, &theirs).await;
    tx.commit().await.unwrap();
    Scene {
        test_db,
        conn,
        ours,
        theirs,
        their_invite,
    }
}

async fn invite(tx: &TenantTx<'_>, org: &Fixture) -> InviteId {
    let invite = NewInvite {
        email: &email(),
        role: Role::Viewer,
        token: TokenHash::of("token"),
        invited_by: org.admin.user_id,
        lifetime: Duration::from_hours(1),
    };
    invites::create(tx, &invite).await.unwrap().id
}

fn email() -> Email {
    "grace@example.com".parse().unwrap()
}

/// Everything that an organisation has, to see that nothing changed.
async fn rows_of(test_db: &TestDb, org: &Fixture) -> Vec<String> {
    let mut rows = Vec::new();
    for table in [
        "org_members",
        "invites",
        "services",
        "environments",
        "api_keys",
        "personal_access_tokens",
    ] {
        let sql = format!("SELECT t::text FROM {table} t WHERE org_id = $1 ORDER BY 1");
        let found = test_db.owner().await.query(&sql, &[&org.org_id]).await.unwrap();
        rows.extend(found.iter().map(|row| row.get::<_, String>(0)));
    }
    rows
}

#[tokio::test]
async fn services_and_environments() {
    let Scene {
        test_db,
        mut conn,
        ours,
        theirs,
        ..
    } = scene().await;
    let before = rows_of(&test_db, &theirs).await;
    let name: Name = "taken over".parse().unwrap();
    let settings = Settings {
        name: &name,
        description: "",
        repo_url: None,
        retention_days: 1,
    };
    let tx = conn.tenant(ours.org_id).await.unwrap();
    let (service, environment) = (theirs.service_id, theirs.production);
    assert_eq!(services::find(&tx, service).await.unwrap(), None);
    assert_eq!(services::lock(&tx, service).await.unwrap(), None);
    assert_eq!(services::update(&tx, service, &settings).await.unwrap(), None);
    assert!(!services::delete(&tx, service).await.unwrap());
    assert_eq!(services::count(&tx).await.unwrap(), 1);
    let listed = services::list(&tx, None, PageLimit::DEFAULT).await.unwrap();
    assert_eq!(
        listed.iter().map(|one| one.id).collect::<Vec<_>>(),
        [ours.service_id]
    );

    assert_eq!(environments::find(&tx, service, environment).await.unwrap(), None);
    assert_eq!(
        environments::find(&tx, ours.service_id, environment)
            .await
            .unwrap(),
        None
    );
    assert_eq!(environments::count(&tx, service).await.unwrap(), 0);
    let listed = environments::list(&tx, service, None, PageLimit::DEFAULT)
        .await
        .unwrap();
    assert_eq!(listed, []);
    let refusal = environments::create(&tx, service, &name).await.unwrap_err();
    assert!(refusal.violates_foreign_key());
    drop(tx);
    assert_eq!(rows_of(&test_db, &theirs).await, before);
}

#[tokio::test]
async fn keys() {
    let Scene {
        test_db,
        mut conn,
        ours,
        theirs,
        ..
    } = scene().await;
    let before = rows_of(&test_db, &theirs).await;
    let tx = conn.tenant(ours.org_id).await.unwrap();
    let (service, key) = (theirs.service_id, theirs.api_key_id());
    assert!(api_keys::lock(&tx, key).await.unwrap().is_none());
    assert!(
        api_keys::list(&tx, service, None, PageLimit::DEFAULT)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(api_keys::live_of_service(&tx, service).await.unwrap().is_empty());
    api_keys::revoke(&tx, key).await.unwrap();
    api_keys::expire_in(&tx, key, Duration::ZERO).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rows_of(&test_db, &theirs).await, before);
}

#[tokio::test]
async fn personal_access_tokens() {
    let Scene {
        test_db,
        mut conn,
        ours,
        theirs,
        ..
    } = scene().await;
    let person = theirs.admin.user_id;
    let spec = TokenSpec::default();
    let (id, raw) = theirs.insert_token(&test_db, person, &spec).await;
    let before = rows_of(&test_db, &theirs).await;
    let found = auth::find_personal_token(&conn, TokenHash::of(&raw)).await;
    assert_eq!(found.unwrap().unwrap().org_id, theirs.org_id);
    let tx = conn.tenant(ours.org_id).await.unwrap();
    assert!(tokens::lock(&tx, id).await.unwrap().is_none());
    for of in [None, Some(person)] {
        let listed = tokens::list(&tx, of, None, PageLimit::DEFAULT).await.unwrap();
        assert!(listed.is_empty());
    }
    assert_eq!(tokens::count_live(&tx, person).await.unwrap(), 0);
    tokens::revoke(&tx, id).await.unwrap();
    tx.commit().await.unwrap();
    let tx = conn.tenant(ours.org_id).await.unwrap();
    let token = NewPersonalToken {
        user_id: person,
        name: "n",
        role: Role::Viewer,
        token_prefix: "slp_",
        hash: TokenHash::of("a"),
        lifetime: None,
    };
    let refusal = tokens::create(&tx, &token).await.unwrap_err();
    assert!(refusal.violates_foreign_key(), "a token needs a member");
    drop(tx);
    assert_eq!(rows_of(&test_db, &theirs).await, before);
}

#[tokio::test]
async fn members_and_invites() {
    let Scene {
        test_db,
        mut conn,
        ours,
        theirs,
        their_invite,
    } = scene().await;
    let before = rows_of(&test_db, &theirs).await;
    let tx = conn.tenant(ours.org_id).await.unwrap();
    let person = theirs.admin.user_id;
    assert!(members::find(&tx, person).await.unwrap().is_none());
    assert!(
        !members::includes(&tx, &theirs.admin.email.parse().unwrap())
            .await
            .unwrap()
    );
    assert!(
        members::includes(&tx, &ours.viewer.email.parse().unwrap())
            .await
            .unwrap()
    );
    assert_eq!(members::count_admins(&tx).await.unwrap(), 1);
    assert_eq!(
        members::list(&tx, None, PageLimit::DEFAULT).await.unwrap().len(),
        3
    );
    members::set_role(&tx, person, Role::Viewer).await.unwrap();
    members::remove(&tx, person).await.unwrap();

    assert!(
        invites::list(&tx, None, PageLimit::DEFAULT)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(invites::count_open(&tx).await.unwrap(), 0);
    assert!(invites::delete(&tx, their_invite).await.unwrap().is_none());
    assert!(invites::delete_open_for(&tx, &email()).await.unwrap().is_empty());
    assert!(!invites::accept(&tx, their_invite).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(rows_of(&test_db, &theirs).await, before);
}

#[tokio::test]
async fn a_person_sees_only_the_organisations_that_they_belong_to() {
    let Scene {
        test_db,
        conn,
        ours,
        theirs,
        ..
    } = scene().await;
    let person = ours.developer.user_id;
    let find = |org_id| orgs::find_of_user_all_orgs(&conn, person, org_id);
    assert!(find(theirs.org_id).await.unwrap().is_none());
    assert_eq!(find(ours.org_id).await.unwrap().unwrap().role, Role::Developer);
    // What was active last is preferred only while one belongs to it.
    let start = async |preferred| {
        let org = orgs::starting_org_all_orgs(&conn, person, preferred)
            .await
            .unwrap();
        org.unwrap().org_id
    };
    assert_eq!(start(Some(theirs.org_id)).await, ours.org_id);
    theirs.add_member(&test_db, person, Role::Viewer).await;
    assert_eq!(start(Some(theirs.org_id)).await, theirs.org_id);
    assert_eq!(start(None).await, ours.org_id);
    assert_eq!(orgs::count_of_user_all_orgs(&conn, person).await.unwrap(), 2);
}
