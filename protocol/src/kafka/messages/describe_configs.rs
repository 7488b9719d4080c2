//! DescribeConfigs: asks for the configuration of topics and brokers.

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeConfigs: versions 1..=4, flexible 4..;

    /// Asks for the configuration of topics and brokers.
    request DescribeConfigsRequest {
        /// The resources.
        resources: Vec<DescribeConfigsResource>;
        /// Whether to return all places that give a key a value.
        include_synonyms: bool;
        /// Whether to return what the keys mean.
        include_documentation: bool, versions 3..;
    }

    /// The configuration in force.
    response DescribeConfigsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        results: Vec<DescribeConfigsResult>;
    }

    /// A resource and the keys asked for.
    struct DescribeConfigsResource {
        /// The type of the resource: 2 topic, 4 broker.
        resource_type: i8;
        /// The name of the resource.
        resource_name: Str;
        /// The keys to describe, or null for all.
        configuration_keys: Option<Vec<Str>> = Some(Vec::new());
    }

    /// The configuration of one resource.
    struct DescribeConfigsResult {
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The type of the resource: 2 topic, 4 broker.
        resource_type: i8;
        /// The name of the resource.
        resource_name: Str;
        /// The configuration entries.
        configs: Vec<DescribeConfigsResourceResult>;
    }

    /// A configuration entry.
    struct DescribeConfigsResourceResult {
        /// The key.
        name: Str;
        /// The value, or null if it is secret.
        value: Option<Str> = Some(Str::default());
        /// Whether the value cannot be changed at run time.
        read_only: bool;
        /// Where the value comes from: 1 topic, 2 broker, 3 default for brokers, 4 static file, 5
        /// built-in default.
        config_source: i8 = -1;
        /// Whether the value is secret, and therefore null.
        is_sensitive: bool;
        /// All places that give the key a value, the one in force first.
        synonyms: Vec<DescribeConfigsSynonym>;
        /// The type of the value: 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8
        /// class, 9 password.
        config_type: i8, versions 3.., else ignored;
        /// What the key means.
        documentation: Option<Str> = Some(Str::default()), versions 3.., else ignored;
    }

    /// One place that gives a key a value.
    struct DescribeConfigsSynonym {
        /// The key.
        name: Str;
        /// The value.
        value: Option<Str> = Some(Str::default());
        /// Where the value comes from, as in `config_source`.
        source: i8;
    }
}
