//! Services and what leads to them: endpoint slices, Ingresses, routes and network policies.

use serde_json::Value;

use super::{Condition, IntOrText, Meta, Texts};

projections! {
    /// A Service.
    pub struct Service {
        metadata: Meta,
        spec: ServiceSpec,
        status: ServiceStatus,
    }

    /// `spec` of a Service.
    pub struct ServiceSpec {
        r#type: String,
        selector: Texts,
        ports: Vec<ServicePort>,
        #[serde(rename = "clusterIP")]
        cluster_ip: String,
        external_name: String,
        external_traffic_policy: String,
        load_balancer_class: String,
        #[serde(rename = "publishNotReadyAddresses")]
        publishes_not_ready: bool,
    }

    /// One port of a Service.
    pub struct ServicePort {
        name: String,
        port: i64,
        target_port: IntOrText,
        node_port: i64,
        protocol: String,
    }

    /// `status` of a Service or an Ingress.
    pub struct ServiceStatus {
        load_balancer: LoadBalancer,
    }

    /// The addresses that were given.
    pub struct LoadBalancer {
        ingress: Vec<Address>,
    }

    /// One address.
    pub struct Address {
        ip: String,
        hostname: String,
    }

    /// An EndpointSlice.
    pub struct EndpointSlice {
        metadata: Meta,
        endpoints: Vec<Endpoint>,
        ports: Vec<EndpointPort>,
    }

    /// One endpoint.
    pub struct Endpoint {
        addresses: Vec<String>,
        conditions: EndpointConditions,
        node_name: String,
        target_ref: TargetRef,
    }

    /// Whether an endpoint serves; unset means yes.
    pub struct EndpointConditions {
        ready: Option<bool>,
    }

    /// The pod behind an endpoint.
    pub struct TargetRef {
        kind: String,
        name: String,
        uid: String,
    }

    /// One port of a slice.
    pub struct EndpointPort {
        name: String,
        port: i64,
    }

    /// An Ingress.
    pub struct Ingress {
        metadata: Meta,
        spec: IngressSpec,
        status: ServiceStatus,
    }

    /// `spec` of an Ingress.
    pub struct IngressSpec {
        ingress_class_name: String,
        default_backend: Option<Backend>,
        rules: Vec<IngressRule>,
        tls: Vec<IngressTls>,
    }

    /// One rule.
    pub struct IngressRule {
        host: String,
        http: IngressPaths,
    }

    /// The paths of a rule.
    pub struct IngressPaths {
        paths: Vec<IngressPath>,
    }

    /// One path.
    pub struct IngressPath {
        path: String,
        path_type: String,
        backend: Backend,
    }

    /// Where a path leads.
    pub struct Backend {
        service: Option<BackendService>,
    }

    /// A Service as a backend.
    pub struct BackendService {
        name: String,
        port: BackendPort,
    }

    /// The port of a backend, by name or number.
    pub struct BackendPort {
        name: String,
        number: i64,
    }

    /// Certificates of an Ingress.
    pub struct IngressTls {
        hosts: Vec<String>,
        secret_name: String,
    }

    /// An IngressClass.
    pub struct IngressClass {
        metadata: Meta,
        spec: IngressClassSpec,
    }

    /// `spec` of an IngressClass.
    pub struct IngressClassSpec {
        controller: String,
    }

    /// A NetworkPolicy; its specification is read by the solver as it stands.
    pub struct NetworkPolicy {
        metadata: Meta,
        spec: Value,
    }

    /// A HTTPRoute of the Gateway API.
    pub struct HttpRoute {
        metadata: Meta,
        status: RouteStatus,
    }

    /// `status` of a route.
    pub struct RouteStatus {
        parents: Vec<RouteParent>,
    }

    /// What one gateway says of a route.
    pub struct RouteParent {
        parent_ref: RouteParentRef,
        conditions: Vec<Condition>,
    }

    /// The gateway of a route.
    pub struct RouteParentRef {
        kind: String,
        name: String,
        namespace: String,
    }
}
