//! The transaction of a change that belongs to a person rather than to an organisation, such as a session that ends.

use std::ops::Deref;

use db::audit_logs::{self, Actor, Entry};
use db::{Connection, DbError, TenantTx, Transaction};
use domain::ids::OrgId;

/// Audited in the organisation that is active, if one is: there is no audit log without an organisation.
pub(crate) enum PersonalTx<'a> {
    InOrg(TenantTx<'a>),
    WithoutOrg(Transaction<'a>),
}

impl<'a> PersonalTx<'a> {
    pub(crate) async fn open(conn: &'a mut Connection, org_id: Option<OrgId>) -> Result<Self, DbError> {
        Ok(match org_id {
            Some(org_id) => Self::InOrg(conn.tenant(org_id).await?),
            None => Self::WithoutOrg(conn.transaction().await?),
        })
    }

    pub(crate) async fn audit(&self, actor: &Actor, entry: Entry<'_>) -> Result<(), DbError> {
        match self {
            Self::InOrg(tx) => audit_logs::add(tx, actor, entry).await,
            Self::WithoutOrg(_) => Ok(()),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::InOrg(tx) => tx.commit().await,
            Self::WithoutOrg(tx) => Ok(tx.commit().await?),
        }
    }
}

impl<'a> Deref for PersonalTx<'a> {
    type Target = Transaction<'a>;
    fn deref(&self) -> &Self::Target {
        match self {
            Self::InOrg(tx) => tx,
            Self::WithoutOrg(tx) => tx,
        }
    }
}
