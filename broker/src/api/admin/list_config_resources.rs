//! ListConfigResources (versions 0 and 1, KIP-1142): the resources that have a configuration here.

use std::collections::BTreeSet;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use super::config_resource::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::api::context::RequestContext;
use crate::metadata::Image;

pub(crate) async fn handle(
    context: &RequestContext,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let asked = match context.version {
        0 => vec![CLIENT_METRICS],
        _ => request.resource_types,
    };
    match list(&context.broker().image(), &asked) {
        Some(config_resources) => {
            ListConfigResourcesResponse { config_resources, ..Default::default() }
        }
        None => ListConfigResourcesResponse {
            error_code: ErrorCode::UnsupportedVersion,
            ..Default::default()
        },
    }
}

/// The resources of these types, or of all if there are none; nothing if a type does not exist. No
/// group and no subscription to client metrics has a configuration yet.
fn list(image: &Image, asked: &[i8]) -> Option<Vec<ConfigResource>> {
    let types = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];
    if !asked.iter().all(|asked| types.contains(asked)) {
        return None;
    }
    let asked: BTreeSet<i8> =
        if asked.is_empty() { &types } else { asked }.iter().copied().collect();
    let mut resources = Vec::new();
    for resource_type in asked {
        let resource = |resource_name| ConfigResource { resource_name, resource_type };
        match resource_type {
            TOPIC => resources.extend(image.topics.keys().map(|name| resource(Str::from(&**name)))),
            BROKER | BROKER_LOGGER => {
                resources.extend(image.brokers.keys().map(|id| resource(id.0.to_string().into())));
            }
            _ => {}
        }
    }
    Some(resources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_listed_by_type() {
        let image = Image::default().with_broker(1, 5).with_topic("t", 1, &[1]);
        let listed = |asked: &[i8]| {
            let resources = list(&image, asked)?.into_iter();
            Some(resources.map(|r| (r.resource_type, r.resource_name.to_string())).collect())
        };
        let all = vec![(TOPIC, "t".to_owned()), (BROKER, "1".into()), (BROKER_LOGGER, "1".into())];
        assert_eq!(listed(&[]), Some(all.clone()));
        assert_eq!(listed(&[BROKER, TOPIC, BROKER]), Some(all[..2].to_vec()));
        assert_eq!(listed(&[GROUP, CLIENT_METRICS]), Some(vec![]));
        assert_eq!(listed(&[TOPIC, 99]), None);
    }
}
