//! The members of the etcd cluster.

use crate::{client::Client, endpoint::Lane, error::Error};

/// A member of the etcd cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// etcd's id of the member.
    pub id: u64,
    /// Where clients reach it, as it advertises.
    pub client_urls: Vec<String>,
    /// Whether it only follows and does not vote.
    pub learner: bool,
}

impl Client {
    /// Lists the members, as one of them knows them.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after
    /// [`ClientConfig::request_timeout`](crate::ClientConfig::request_timeout) without an answer.
    pub async fn members(&self) -> Result<Vec<Member>, Error> {
        let list =
            |etcd: etcd_client::Client| async move { etcd.cluster_client().member_list().await };
        let reply = self.idempotent(Lane::Calls, list).await?;
        let member = |member: &etcd_client::Member| Member {
            id: member.id(),
            client_urls: member.client_urls().to_vec(),
            learner: member.is_learner(),
        };
        Ok(reply.members().iter().map(member).collect())
    }
}
