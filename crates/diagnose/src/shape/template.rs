//! The specification of pods, as pods and the templates of workloads have it. Environment variables have
//! names and references only: there is no field for a value.

use super::{IntOrText, Meta, NameRef, Texts, Verbatim};

projections! {
    /// A pod template.
    pub struct Template {
        metadata: Meta,
        spec: PodSpec,
    }

    /// `spec` of a pod.
    pub struct PodSpec {
        node_name: String,
        scheduler_name: String,
        service_account_name: String,
        priority_class_name: String,
        runtime_class_name: String,
        restart_policy: String,
        dns_policy: String,
        host_network: bool,
        automount_service_account_token: Option<bool>,
        termination_grace_period_seconds: Option<i64>,
        node_selector: Texts,
        affinity: Verbatim,
        tolerations: Verbatim,
        topology_spread_constraints: Verbatim,
        overhead: Texts,
        scheduling_gates: Vec<NameRef>,
        readiness_gates: Vec<ReadinessGate>,
        image_pull_secrets: Vec<NameRef>,
        init_containers: Vec<Container>,
        containers: Vec<Container>,
        volumes: Vec<Volume>,
    }

    /// A condition that must be true before a pod is ready.
    pub struct ReadinessGate {
        condition_type: String,
    }

    /// A container.
    pub struct Container {
        name: String,
        image: String,
        image_pull_policy: String,
        restart_policy: String,
        command: Vec<String>,
        args: Vec<String>,
        ports: Vec<ContainerPort>,
        env: Vec<EnvVar>,
        env_from: Vec<EnvFrom>,
        resources: Resources,
        volume_mounts: Vec<Mount>,
        liveness_probe: Option<ProbeSpec>,
        readiness_probe: Option<ProbeSpec>,
        startup_probe: Option<ProbeSpec>,
    }

    /// A declared port.
    pub struct ContainerPort {
        name: String,
        container_port: i64,
        host_port: i64,
        protocol: String,
    }

    /// Requests and limits.
    pub struct Resources {
        requests: Texts,
        limits: Texts,
    }

    /// The name of an environment variable, and where its value comes from.
    pub struct EnvVar {
        name: String,
        value_from: EnvSource,
    }

    /// Where a value comes from.
    pub struct EnvSource {
        secret_key_ref: Option<KeyRef>,
        config_map_key_ref: Option<KeyRef>,
    }

    /// One key of a Secret or ConfigMap.
    pub struct KeyRef {
        name: String,
        key: String,
        optional: bool,
    }

    /// All keys of a Secret or ConfigMap.
    pub struct EnvFrom {
        secret_ref: Option<OptionalRef>,
        config_map_ref: Option<OptionalRef>,
    }

    /// A reference that may be missing where it is optional.
    pub struct OptionalRef {
        name: String,
        optional: bool,
    }

    /// Where a volume is mounted.
    pub struct Mount {
        name: String,
        mount_path: String,
        sub_path: String,
        read_only: bool,
    }

    /// A probe.
    pub struct ProbeSpec {
        http_get: Option<ProbePort>,
        tcp_socket: Option<ProbePort>,
        grpc: Option<ProbePort>,
        timeout_seconds: i64,
        period_seconds: i64,
        failure_threshold: i64,
        initial_delay_seconds: i64,
    }

    /// What a probe asks.
    pub struct ProbePort {
        path: String,
        port: IntOrText,
        scheme: String,
    }

    /// A volume, with the references that may be missing.
    pub struct Volume {
        name: String,
        secret: Option<SecretVolume>,
        config_map: Option<OptionalRef>,
        persistent_volume_claim: Option<ClaimVolume>,
        projected: Option<ProjectedVolume>,
    }

    /// A volume of a Secret.
    pub struct SecretVolume {
        secret_name: String,
        optional: bool,
    }

    /// A volume of a claim.
    pub struct ClaimVolume {
        claim_name: String,
    }

    /// A volume of several sources.
    pub struct ProjectedVolume {
        sources: Vec<ProjectedSource>,
    }

    /// One source of a projected volume.
    pub struct ProjectedSource {
        secret: Option<OptionalRef>,
        config_map: Option<OptionalRef>,
    }
}

impl PodSpec {
    /// Returns the container of a name, also an init container.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().chain(&self.init_containers).find(|container| container.name == name)
    }

    /// Returns the number that a port means in these containers; `None` for a name that none has.
    pub fn port(&self, port: &IntOrText) -> Option<i64> {
        match port {
            IntOrText::Number(number) => Some(*number),
            IntOrText::Text(name) => self
                .serving()
                .flat_map(|container| &container.ports)
                .find(|port| port.name == *name)
                .map(|port| port.container_port),
        }
    }

    /// Returns the containers that run for the life of the pod: sidecars and app containers.
    pub fn serving(&self) -> impl Iterator<Item = &Container> {
        let sidecars = self.init_containers.iter().filter(|container| container.is_sidecar());
        sidecars.chain(&self.containers)
    }
}

impl Container {
    /// Returns whether this init container is a native sidecar: it is not expected to finish.
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy == "Always"
    }
}

impl ProbeSpec {
    /// Returns the port that is asked, if the probe asks one.
    pub fn port(&self) -> Option<&IntOrText> {
        self.http_get.as_ref().or(self.tcp_socket.as_ref()).or(self.grpc.as_ref()).map(|asked| &asked.port)
    }
}
