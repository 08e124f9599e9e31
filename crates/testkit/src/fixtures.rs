//! An organisation with people, sessions, a service and keys, written straight into the tables: for tests of services
//! that are not identity.

use std::time::Duration;

use domain::api_key::{self, KeyScope};
use domain::ids::{ApiKeyId, EnvironmentId, OrgId, PersonalTokenId, ServiceId, SessionId, UserId};
use domain::personal_token;
use domain::role::Role;
use domain::scope::Scope;
use domain::token::{self, TokenHash};
use tokio_postgres::Client;

use crate::TestDb;

/// One organisation, with one signed-in person per role and one service with two environments.
#[derive(Clone, Debug)]
pub struct Fixture {
    pub org_id: OrgId,
    pub service_id: ServiceId,
    /// The service's environment `production`.
    pub production: EnvironmentId,
    /// The service's environment `staging`.
    pub staging: EnvironmentId,
    pub admin: Person,
    pub developer: Person,
    pub viewer: Person,
    /// A key with the usual scopes in `production`: its id and its raw form.
    pub key: (ApiKeyId, String),
}

/// A member with a session whose active organisation is the fixture's. Has no password: identity's tests sign up.
#[derive(Clone, Debug)]
pub struct Person {
    pub user_id: UserId,
    pub email: String,
    pub session_id: SessionId,
    /// The value of the cookie `sightline_session`.
    pub cookie: String,
}

/// What a further key may be used for; the default is what needs nobody's leave, in `production`, for ever, with no limit of its own.
#[derive(Clone, Debug)]
pub struct KeySpec {
    pub environment_id: Option<EnvironmentId>,
    pub scopes: Vec<KeyScope>,
    pub rate_limit_per_minute: Option<i32>,
    /// Relative to now; negative is in the past.
    pub expires_in: Option<time::Duration>,
    pub revoked: bool,
}

impl Default for KeySpec {
    fn default() -> Self {
        Self {
            environment_id: None,
            scopes: KeyScope::USUAL.to_vec(),
            rate_limit_per_minute: None,
            expires_in: None,
            revoked: false,
        }
    }
}

/// A personal access token; the default is one for all that its owner may do, for ever.
#[derive(Clone, Debug)]
pub struct TokenSpec {
    pub role: Role,
    /// Relative to now; negative is in the past.
    pub expires_in: Option<time::Duration>,
    pub revoked: bool,
}

impl Default for TokenSpec {
    fn default() -> Self {
        Self {
            role: Role::Admin,
            expires_in: None,
            revoked: false,
        }
    }
}

impl Fixture {
    /// Writes a new organisation. Call it twice for two tenants.
    pub async fn org(db: &TestDb) -> Self {
        let owner = db.owner().await;
        let org_id = OrgId::generate();
        let name = format!("Org {}", &org_id.to_string()[..8]);
        owner
            .execute("INSERT INTO orgs (id, name) VALUES ($1, $2)", &[&org_id, &name])
            .await
            .unwrap();
        let admin = insert_person(&owner, org_id, Role::Admin).await;
        let developer = insert_person(&owner, org_id, Role::Developer).await;
        let viewer = insert_person(&owner, org_id, Role::Viewer).await;
        let (service_id, [production, staging]) = insert_service(&owner, org_id, "default").await;
        let scope = Scope {
            org_id,
            service_id,
            environment_id: production,
        };
        let key = insert_key(&owner, scope, &KeySpec::default()).await;
        Self {
            org_id,
            service_id,
            production,
            staging,
            admin,
            developer,
            viewer,
            key,
        }
    }

    pub fn person(&self, role: Role) -> &Person {
        match role {
            Role::Admin => &self.admin,
            Role::Developer => &self.developer,
            Role::Viewer => &self.viewer,
        }
    }

    /// The session cookie's value of the member with this role.
    pub fn cookie(&self, role: Role) -> &str {
        &self.person(role).cookie
    }

    /// The raw key of `production`.
    pub fn api_key(&self) -> &str {
        &self.key.1
    }

    pub fn api_key_id(&self) -> ApiKeyId {
        self.key.0
    }

    /// The scope of `production`, where [`Fixture::api_key`] writes.
    pub fn scope(&self) -> Scope {
        Scope {
            org_id: self.org_id,
            service_id: self.service_id,
            environment_id: self.production,
        }
    }

    /// A further key of this organisation's service.
    pub async fn insert_key(&self, db: &TestDb, spec: &KeySpec) -> (ApiKeyId, String) {
        let environment_id = spec.environment_id.unwrap_or(self.production);
        insert_key(
            &db.owner().await,
            Scope {
                environment_id,
                ..self.scope()
            },
            spec,
        )
        .await
    }

    /// A personal access token of a member of this organisation: its id and its raw form.
    pub async fn insert_token(
        &self,
        db: &TestDb,
        user_id: UserId,
        spec: &TokenSpec,
    ) -> (PersonalTokenId, String) {
        insert_token(&db.owner().await, self.org_id, user_id, spec).await
    }

    /// A personal access token of a new viewer of an organisation that is no fixture: its raw form.
    pub async fn viewers_token(db: &TestDb, org_id: OrgId) -> String {
        let owner = db.owner().await;
        let viewer = insert_person(&owner, org_id, Role::Viewer).await;
        let (_id, raw) = insert_token(&owner, org_id, viewer.user_id, &TokenSpec::default()).await;
        raw
    }

    /// A further service of this organisation, with the environments `production` and `staging` in this order.
    pub async fn insert_service(&self, db: &TestDb, name: &str) -> (ServiceId, [EnvironmentId; 2]) {
        insert_service(&db.owner().await, self.org_id, name).await
    }

    /// A further member with a session.
    pub async fn insert_person(&self, db: &TestDb, role: Role) -> Person {
        insert_person(&db.owner().await, self.org_id, role).await
    }

    /// Makes somebody of another organisation a member of this one too; their session stays where it is.
    pub async fn add_member(&self, db: &TestDb, user_id: UserId, role: Role) {
        let sql = "INSERT INTO org_members (org_id, user_id, role) VALUES ($1, $2, $3)";
        db.owner()
            .await
            .execute(sql, &[&self.org_id, &user_id, &role])
            .await
            .unwrap();
    }
}

async fn insert_person(owner: &Client, org_id: OrgId, role: Role) -> Person {
    let user_id = UserId::generate();
    let email = format!("{role}-{}@example.com", &user_id.to_string()[..8]);
    let sql = "INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, $3, '!')";
    owner
        .execute(sql, &[&user_id, &email, &role.as_str()])
        .await
        .unwrap();
    let sql = "INSERT INTO org_members (org_id, user_id, role) VALUES ($1, $2, $3)";
    owner.execute(sql, &[&org_id, &user_id, &role]).await.unwrap();
    let (session_id, cookie) = insert_session(owner, user_id, org_id, Duration::from_hours(1)).await;
    Person {
        user_id,
        email,
        session_id,
        cookie,
    }
}

async fn insert_session(
    owner: &Client,
    user_id: UserId,
    org_id: OrgId,
    ttl: Duration,
) -> (SessionId, String) {
    let session_id = SessionId::generate();
    let cookie = token::mint("sls_", rand::random);
    let sql = "INSERT INTO sessions (id, user_id, session_token_hash, active_org_id, expires_at)
               VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))";
    let hash = TokenHash::of(&cookie);
    let params = [
        &session_id as _,
        &user_id as _,
        &hash.as_bytes() as _,
        &org_id as _,
        &ttl.as_secs_f64() as _,
    ];
    owner.execute(sql, &params).await.unwrap();
    (session_id, cookie)
}

async fn insert_service(owner: &Client, org_id: OrgId, name: &str) -> (ServiceId, [EnvironmentId; 2]) {
    let service_id = ServiceId::generate();
    let environments = [EnvironmentId::generate(), EnvironmentId::generate()];
    let sql = "INSERT INTO services (org_id, id, name) VALUES ($1, $2, $3)";
    owner.execute(sql, &[&org_id, &service_id, &name]).await.unwrap();
    for (id, name) in environments.iter().zip(["production", "staging"]) {
        let sql = "INSERT INTO environments (org_id, id, service_id, name) VALUES ($1, $2, $3, $4)";
        owner
            .execute(sql, &[&org_id, id, &service_id, &name])
            .await
            .unwrap();
    }
    (service_id, environments)
}

async fn insert_key(owner: &Client, scope: Scope, spec: &KeySpec) -> (ApiKeyId, String) {
    let id = ApiKeyId::generate();
    let raw = api_key::mint(rand::random);
    let hash = TokenHash::of(&raw);
    let scopes: Vec<&str> = spec.scopes.iter().map(|scope| scope.as_str()).collect();
    let sql =
        "INSERT INTO api_keys (org_id, id, service_id, environment_id, name, key_prefix, key_hash, scopes,
                   rate_limit_per_minute, expires_at, revoked_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10),
                   CASE WHEN $11 THEN now() END)";
    let name = format!("key {}", &id.to_string()[..8]);
    let expires_in = spec.expires_in.map(time::Duration::as_seconds_f64);
    owner
        .execute(
            sql,
            &[
                &scope.org_id,
                &id,
                &scope.service_id,
                &scope.environment_id,
                &name,
                &&raw[..api_key::SHOWN_CHARS],
                &hash.as_bytes(),
                &scopes,
                &spec.rate_limit_per_minute,
                &expires_in,
                &spec.revoked,
            ],
        )
        .await
        .unwrap();
    (id, raw)
}

async fn insert_token(
    owner: &Client,
    org_id: OrgId,
    user_id: UserId,
    spec: &TokenSpec,
) -> (PersonalTokenId, String) {
    let id = PersonalTokenId::generate();
    let raw = personal_token::mint(rand::random);
    let hash = TokenHash::of(&raw);
    let sql =
        "INSERT INTO personal_access_tokens (org_id, id, user_id, name, token_prefix, token_hash, role, expires_at,
                   revoked_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8), CASE WHEN $9 THEN now() END)";
    let name = format!("token {}", &id.to_string()[..8]);
    let expires_in = spec.expires_in.map(time::Duration::as_seconds_f64);
    let params = [
        &org_id as _,
        &id as _,
        &user_id as _,
        &name as _,
        &&raw[..personal_token::SHOWN_CHARS] as _,
        &hash.as_bytes() as _,
        &spec.role as _,
        &expires_in as _,
        &spec.revoked as _,
    ];
    owner.execute(sql, &params).await.unwrap();
    (id, raw)
}
