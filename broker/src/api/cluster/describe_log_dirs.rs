//! DescribeLogDirs: how much lies where (KIP-113).

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest,
    DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};

use crate::api::context::RequestContext;

pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let wanted = request.topics.map(wanted);
    let mut topics: BTreeMap<Str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for partition in context.broker().partitions.all() {
        let key = (partition.topic.clone(), partition.index.0);
        if wanted.as_ref().is_none_or(|wanted| wanted.contains(&key)) {
            topics.entry(key.0).or_default().push(DescribeLogDirsPartition {
                partition_index: partition.index.0,
                partition_size: context.broker().store.size_bytes(partition.log) as i64,
                ..DescribeLogDirsPartition::default()
            });
        }
    }
    let topics = topics.into_iter().map(|(name, mut partitions)| {
        partitions.sort_by_key(|partition| partition.partition_index);
        DescribeLogDirsTopic { name, partitions }
    });
    let dir = context.broker().config().log_dir.clone();
    let (total_bytes, usable_bytes) = disk_space(&dir).unwrap_or((-1, -1));
    let result = DescribeLogDirsResult {
        log_dir: Str::from(dir.display().to_string()),
        topics: topics.collect(),
        total_bytes,
        usable_bytes,
        ..DescribeLogDirsResult::default()
    };
    DescribeLogDirsResponse { results: vec![result], ..DescribeLogDirsResponse::default() }
}

/// Bytes of the file system that holds the directory: in all, and free for this process.
fn disk_space(dir: &Path) -> Option<(i64, i64)> {
    let total = fs4::total_space(dir).ok()?;
    let free = fs4::available_space(dir).ok()?;
    Some((i64::try_from(total).ok()?, i64::try_from(free).ok()?))
}

fn wanted(topics: Vec<DescribableLogDirTopic>) -> HashSet<(Str, i32)> {
    topics
        .into_iter()
        .flat_map(|topic| {
            let name = topic.topic;
            topic.partitions.into_iter().map(move |index| (name.clone(), index))
        })
        .collect()
}
