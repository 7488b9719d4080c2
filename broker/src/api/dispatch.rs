//! From a frame to the handler of its API.
//!
//! The table below is the one place that says which APIs this broker serves.

use barnabas_protocol::kafka::api_key::ApiKey;
use barnabas_protocol::kafka::codec::{Reader, Request};
use barnabas_protocol::kafka::header::RequestHeader;
use barnabas_protocol::kafka::messages::*;
use bytes::Bytes;

use super::context::{ConnectionContext, RequestContext};
use super::reply::{Dispatched, Malformed, ReplyTo};
use super::{admin, cluster, fetch, group, offsets, produce, security, txn};

/// Declares the served APIs. Produce is routed separately because it is pipelined.
macro_rules! serve {
    (
        alone { $($key:ident: $request:ty => $handler:path;)* }
        parked { $($parked:ident: $parked_request:ty => $begin:path;)* }
    ) => {
        /// The APIs that this broker serves.
        pub const SERVED: &[ApiKey] =
            &[ApiKey::Produce, $(ApiKey::$key,)* $(ApiKey::$parked),*];

        fn route(
            api: ApiKey,
            context: RequestContext,
            body: Reader,
        ) -> Result<Dispatched, Malformed> {
            match api {
                ApiKey::Produce => {
                    let request = decode(api, context.version, body)?;
                    produce::handle(context, request)
                }
                $(ApiKey::$key => {
                    let request: $request = decode(api, context.version, body)?;
                    Ok(Dispatched::Alone(Box::pin(async move {
                        let response = $handler(&context, request).await;
                        context.reply_to().encode(&response)
                    })))
                })*
                $(ApiKey::$parked => {
                    let request: $parked_request = decode(api, context.version, body)?;
                    let (reply_to, response) = (context.reply_to(), $begin(&context, request));
                    Ok(Dispatched::Parked(Box::pin(async move {
                        reply_to.encode(&response.await)
                    })))
                })*
                other => Err(Malformed::UnknownApi(other as i16)),
            }
        }
    };
}

serve! {
    alone {
        Fetch: FetchRequest => fetch::handle;
        ListOffsets: ListOffsetsRequest => offsets::list_offsets::handle;
        Metadata: MetadataRequest => cluster::metadata::handle;
        OffsetCommit: OffsetCommitRequest => group::offset_commit::handle;
        OffsetFetch: OffsetFetchRequest => group::offset_fetch::handle;
        FindCoordinator: FindCoordinatorRequest => cluster::find_coordinator::handle;
        Heartbeat: HeartbeatRequest => group::heartbeat::handle;
        LeaveGroup: LeaveGroupRequest => group::leave::handle;
        DescribeGroups: DescribeGroupsRequest => group::describe::handle;
        ListGroups: ListGroupsRequest => group::list::handle;
        SaslHandshake: SaslHandshakeRequest => security::sasl::handshake;
        ApiVersions: ApiVersionsRequest => cluster::api_versions::handle;
        CreateTopics: CreateTopicsRequest => admin::create_topics::handle;
        DeleteTopics: DeleteTopicsRequest => admin::delete_topics::handle;
        DeleteRecords: DeleteRecordsRequest => offsets::delete_records::handle;
        InitProducerId: InitProducerIdRequest => txn::init_producer_id::handle;
        OffsetForLeaderEpoch: OffsetForLeaderEpochRequest
            => offsets::offset_for_leader_epoch::handle;
        DescribeConfigs: DescribeConfigsRequest => admin::describe_configs::handle;
        AlterConfigs: AlterConfigsRequest => admin::alter_configs::handle;
        DescribeLogDirs: DescribeLogDirsRequest => cluster::describe_log_dirs::handle;
        SaslAuthenticate: SaslAuthenticateRequest => security::sasl::authenticate;
        CreatePartitions: CreatePartitionsRequest => admin::create_partitions::handle;
        DeleteGroups: DeleteGroupsRequest => group::delete::handle;
        IncrementalAlterConfigs: IncrementalAlterConfigsRequest
            => admin::incremental_alter_configs::handle;
        OffsetDelete: OffsetDeleteRequest => group::offset_delete::handle;
        DescribeCluster: DescribeClusterRequest => cluster::describe_cluster::handle;
        DescribeTopicPartitions: DescribeTopicPartitionsRequest
            => cluster::describe_topic_partitions::handle;
        DescribeAcls: DescribeAclsRequest => security::describe_acls::handle;
        CreateAcls: CreateAclsRequest => security::create_acls::handle;
        DeleteAcls: DeleteAclsRequest => security::delete_acls::handle;
        ElectLeaders: ElectLeadersRequest => admin::elect_leaders::handle;
        AlterPartitionReassignments: AlterPartitionReassignmentsRequest
            => admin::alter_partition_reassignments::handle;
        ListPartitionReassignments: ListPartitionReassignmentsRequest
            => admin::list_partition_reassignments::handle;
        DescribeClientQuotas: DescribeClientQuotasRequest
            => security::describe_client_quotas::handle;
        AlterClientQuotas: AlterClientQuotasRequest => security::alter_client_quotas::handle;
        DescribeUserScramCredentials: DescribeUserScramCredentialsRequest
            => security::describe_user_scram_credentials::handle;
        AlterUserScramCredentials: AlterUserScramCredentialsRequest
            => security::alter_user_scram_credentials::handle;
        DescribeQuorum: DescribeQuorumRequest => cluster::describe_quorum::handle;
        UpdateFeatures: UpdateFeaturesRequest => admin::update_features::handle;
        DescribeProducers: DescribeProducersRequest => txn::describe_producers::handle;
        UnregisterBroker: UnregisterBrokerRequest => admin::unregister_broker::handle;
        DescribeTransactions: DescribeTransactionsRequest => txn::describe_transactions::handle;
        ListTransactions: ListTransactionsRequest => txn::list_transactions::handle;
        ListConfigResources: ListConfigResourcesRequest => admin::list_config_resources::handle;
    }
    parked {
        JoinGroup: JoinGroupRequest => group::join::begin;
        SyncGroup: SyncGroupRequest => group::sync::begin;
    }
}

/// Finds the handler for a frame and starts it.
pub fn dispatch(connection: &ConnectionContext, frame: Bytes) -> Result<Dispatched, Malformed> {
    let (key, version) = RequestHeader::peek_api(&frame).map_err(Malformed::Header)?;
    let api = ApiKey::try_from(key).map_err(|_| Malformed::UnknownApi(key))?;
    let served = SERVED.contains(&api).then(|| api.versions()).flatten();
    let Some(versions) = served else { return Err(Malformed::UnknownApi(key)) };
    if !versions.contains(&version) {
        return unsupported(api, version, frame);
    }
    let frame_bytes = frame.len();
    let mut reader = Reader::new(frame);
    let header = RequestHeader::decode(&mut reader, api.request_header_version(version))
        .map_err(Malformed::Header)?;
    let reply_to = ReplyTo { correlation_id: header.correlation_id, version };
    route(api, connection.request(reply_to, header.client_id, frame_bytes), reader)
}

/// An unsupported version of ApiVersions is answered in version 0 with the versions that are
/// served. For any other API it closes the connection.
fn unsupported(api: ApiKey, version: i16, frame: Bytes) -> Result<Dispatched, Malformed> {
    if api != ApiKey::ApiVersions {
        return Err(Malformed::UnsupportedVersion { api, version });
    }
    let header = RequestHeader::decode(&mut Reader::new(frame), 1).map_err(Malformed::Header)?;
    let response = cluster::api_versions::unsupported_version();
    let reply_to = ReplyTo { correlation_id: header.correlation_id, version: 0 };
    reply_to.encode(&response).map(Dispatched::Reply)
}

fn decode<R: Request>(api: ApiKey, version: i16, mut body: Reader) -> Result<R, Malformed> {
    // Trailing bytes are ignored, as in Kafka: librdkafka leaves some after Metadata version 13.
    R::decode(&mut body, version).map_err(|error| Malformed::Body { api, version, error })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn every_served_api_has_a_version_range() {
        for api in SERVED {
            assert!(api.versions().is_some(), "{api:?}");
        }
    }

    /// The table in the README, as it has to be. On a mismatch the test prints what to paste.
    #[test]
    fn the_readme_lists_what_is_served() {
        let mut rows: Vec<_> =
            SERVED.iter().filter_map(|api| Some((*api, api.versions()?))).collect();
        rows.sort_by_key(|(api, _)| *api as i16);
        let mut table = String::from("\n| API | versions |\n|---|---|\n");
        for (api, versions) in rows {
            writeln!(table, "| {api:?} | {}-{} |", versions.start(), versions.end())
                .expect("memory");
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let readme = std::fs::read_to_string(path).expect("README.md");
        let (_, rest) = readme.split_once("checked by a test -->\n").expect("the table's begin");
        let (found, _) = rest.split_once("\n<!-- end of served APIs").expect("the table's end");
        assert_eq!(found, table.trim_end(), "README.md should hold:\n{table}");
    }
}
