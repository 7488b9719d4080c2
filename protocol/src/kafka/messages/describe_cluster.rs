//! DescribeCluster: asks for the brokers or controllers of the cluster (KIP-700).

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeCluster: versions 0..=2, flexible 0..;

    /// Asks for the brokers or controllers of the cluster (KIP-700).
    request DescribeClusterRequest {
        /// Whether to return the operations on the cluster that the caller may do.
        include_cluster_authorized_operations: bool;
        /// Which endpoints are meant: 1 brokers, 2 controllers.
        endpoint_type: i8 = 1, versions 1..;
        /// Whether to return brokers that are registered but fenced.
        include_fenced_brokers: bool, versions 2..;
    }

    /// The cluster and its brokers.
    response DescribeClusterResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str>;
        /// Which endpoints are meant: 1 brokers, 2 controllers.
        endpoint_type: i8 = 1, versions 1..;
        /// The id of the cluster.
        cluster_id: Str;
        /// The id of the broker that is the controller, or -1.
        controller_id: i32 = -1;
        /// The brokers.
        brokers: Vec<DescribeClusterBroker>;
        /// The operations on the cluster that the caller may do, as bits; `i32::MIN` if not asked
        /// for.
        cluster_authorized_operations: i32 = i32::MIN;
    }

    /// A broker.
    struct DescribeClusterBroker {
        /// The id of the broker.
        broker_id: i32;
        /// The host name to connect to.
        host: Str;
        /// The port to connect to.
        port: i32;
        /// The rack of the broker.
        rack: Option<Str>;
        /// Whether the broker is fenced.
        is_fenced: bool, versions 2..;
    }
}
