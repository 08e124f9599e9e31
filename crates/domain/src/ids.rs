//! Identifiers as types: an `OrgId` cannot be passed where a `ServiceId` is wanted.

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            postgres_types::ToSql, postgres_types::FromSql, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[postgres(transparent)]
        #[schema(value_type = uuid::Uuid)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A new random (version 4) id.
            pub fn generate() -> Self {
                Self(uuid::Uuid::new_v4())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

typed_ids! {
    /// The tenant. Every stored tenant row belongs to exactly one.
    OrgId;
    UserId;
    SessionId;
    InviteId;
    ServiceId;
    EnvironmentId;
    ApiKeyId;
    /// A personal access token.
    PersonalTokenId;
    AuditId;
    DeploymentId;
    /// A service's connection to one GitHub repository.
    IntegrationId;
    /// Our row for one received webhook; the provider's own delivery id is text.
    DeliveryId;
    AlertRuleId;
    FiringId;
    IncidentId;
    IncidentEventId;
    /// One of the problems that an incident is about.
    IncidentMemberId;
    ChannelId;
    /// One transition to one target. Travels to the receiver as its idempotency key.
    NotificationJobId;
    SilenceId;
    /// A rule of who is told.
    RouteId;
    MaintenanceWindowId;
    /// An event on the bus, unique for ever: consumers recognise a redelivery by it.
    EventId;
    /// The answer to one ingest request.
    ReceiptId;
    SavedViewId;
}

/// A stored log line: unique within the installation, rising with the order of storage (not of time).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    postgres_types::ToSql,
    postgres_types::FromSql,
    utoipa::ToSchema,
)]
#[serde(transparent)]
#[postgres(transparent)]
#[schema(value_type = i64)]
pub struct LogId(pub i64);
