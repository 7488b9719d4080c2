//! Tells whether this process runs in a container, whose own 127.0.0.1 nobody outside reaches.

use std::path::Path;

/// What says that this is a container; none outside of one.
pub(super) fn sign() -> Option<String> {
    let files = ["/.dockerenv", "/run/.containerenv"];
    let file = files.into_iter().find(|path| Path::new(path).exists());
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let cgroups = std::fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
    sign_of(file, variable("container"), variable("KUBERNETES_SERVICE_HOST"), &cgroups)
}

fn sign_of(
    file: Option<&str>,
    container: Option<String>,
    kubernetes: Option<String>,
    cgroups: &str,
) -> Option<String> {
    let runtimes = ["/docker/", "/kubepods", "/containerd", "/libpod", "/lxc/"];
    let runtime = runtimes.into_iter().find(|runtime| cgroups.contains(runtime));
    file.map(str::to_owned)
        .or_else(|| container.map(|value| format!("container={value}")))
        .or_else(|| kubernetes.map(|_| "KUBERNETES_SERVICE_HOST".to_owned()))
        .or_else(|| runtime.map(|runtime| format!("cgroup {runtime}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_known_by_their_marks() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(sign_of(None, None, None, "0::/\n"), None);
        assert_eq!(sign_of(None, None, None, "0::/user.slice/docker.service\n"), None);
        assert_eq!(sign_of(Some("/.dockerenv"), None, None, ""), some("/.dockerenv"));
        assert_eq!(sign_of(None, some("podman"), None, ""), some("container=podman"));
        assert_eq!(sign_of(None, None, some("10.0.0.1"), ""), some("KUBERNETES_SERVICE_HOST"));
        let v1 = "4:cpu:/docker/0123abc\n";
        assert_eq!(sign_of(None, None, None, v1), some("cgroup /docker/"));
        let pod = "0::/kubepods.slice/kubepods-pod1.slice\n";
        assert_eq!(sign_of(None, None, None, pod), some("cgroup /kubepods"));
    }
}
