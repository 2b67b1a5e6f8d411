//! The fields of the served kinds: names, JSON types and how lists merge.
//!
//! Source: the Go types of `k8s.io/api` (v1.37) and their `patchMergeKey` tags. One row per Go struct:
//! `field:shape`. Shapes: `s` string, `i` int32, `l` int64, `b` bool, `q` quantity, `p` integer or string,
//! `t` time, `x` base64 bytes, `any` anything; `{T}` a map, `[T]` an atomic list, `[T]+` a list merged as
//! a set, `[T]@key` a list of objects merged by `key`. A row that ends in `*` accepts fields not named.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Int32,
    Int64,
    Bool,
    Quantity,
    IntOrString,
    Time,
    Bytes,
    Any,
    /// A map from text to values of one shape.
    Map(Box<Shape>),
    /// A list; `merge` says how a strategic merge patch combines it.
    List {
        of: Box<Shape>,
        merge: Merge,
    },
    /// An object of the named row.
    Struct(&'static str),
}

/// How two lists combine in a strategic merge patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    /// The patch replaces the list.
    Atomic,
    /// The union of both.
    Set,
    /// Objects with equal values of this key are merged.
    ByKey(&'static str),
}

/// The fields of one Go struct.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) named: HashMap<&'static str, Shape>,
    /// Whether fields that are not named are accepted.
    pub(crate) open: bool,
}

const TABLE: &[(&str, &str)] = &[
    (
        "ObjectMeta",
        "name:s generateName:s namespace:s selfLink:s uid:s resourceVersion:s generation:l creationTimestamp:t \
         deletionTimestamp:t deletionGracePeriodSeconds:l labels:{s} annotations:{s} \
         ownerReferences:[OwnerReference]@uid finalizers:[s]+ managedFields:[any]",
    ),
    ("OwnerReference", "apiVersion:s kind:s name:s uid:s controller:b blockOwnerDeletion:b"),
    ("LabelSelector", "matchLabels:{s} matchExpressions:[LabelSelectorRequirement]"),
    ("LabelSelectorRequirement", "key:s operator:s values:[s]"),
    ("LocalObjectReference", "name:s"),
    ("ObjectReference", "kind:s namespace:s name:s uid:s apiVersion:s resourceVersion:s fieldPath:s"),
    ("Pod", "spec:PodSpec status:PodStatus"),
    ("PodTemplateSpec", "metadata:ObjectMeta spec:PodSpec"),
    (
        "PodSpec",
        "volumes:[Volume]@name initContainers:[Container]@name containers:[Container]@name \
         ephemeralContainers:[any]@name restartPolicy:s terminationGracePeriodSeconds:l activeDeadlineSeconds:l \
         dnsPolicy:s nodeSelector:{s} serviceAccountName:s serviceAccount:s automountServiceAccountToken:b nodeName:s \
         hostNetwork:b hostPID:b hostIPC:b shareProcessNamespace:b securityContext:PodSecurityContext \
         imagePullSecrets:[LocalObjectReference]@name hostname:s subdomain:s affinity:any schedulerName:s \
         tolerations:[Toleration] hostAliases:[HostAlias]@ip priorityClassName:s priority:i dnsConfig:any \
         readinessGates:[any] runtimeClassName:s enableServiceLinks:b preemptionPolicy:s overhead:{q} \
         topologySpreadConstraints:[any]@topologyKey setHostnameAsFQDN:b os:any hostUsers:b schedulingGates:[any]@name \
         resourceClaims:[any]@name resources:ResourceRequirements hostnameOverride:s workloadRef:any schedulingGroup:any",
    ),
    (
        "PodSecurityContext",
        "seLinuxOptions:any windowsOptions:any runAsUser:l runAsGroup:l runAsNonRoot:b supplementalGroups:[l] \
         supplementalGroupsPolicy:s fsGroup:l sysctls:[any] fsGroupChangePolicy:s seccompProfile:any \
         appArmorProfile:any seLinuxChangePolicy:s",
    ),
    ("PodStatus", "conditions:[Condition]@type podIPs:[any]@ip *"),
    ("Condition", "type:s status:s reason:s message:s *"),
    (
        "Container",
        "name:s image:s command:[s] args:[s] workingDir:s ports:[ContainerPort]@containerPort envFrom:[EnvFromSource] \
         env:[EnvVar]@name resources:ResourceRequirements resizePolicy:[any] restartPolicy:s restartPolicyRules:[any] \
         volumeMounts:[VolumeMount]@mountPath volumeDevices:[any]@devicePath livenessProbe:Probe readinessProbe:Probe \
         startupProbe:Probe lifecycle:any terminationMessagePath:s terminationMessagePolicy:s imagePullPolicy:s \
         securityContext:SecurityContext stdin:b stdinOnce:b tty:b",
    ),
    (
        "SecurityContext",
        "capabilities:any privileged:b seLinuxOptions:any windowsOptions:any runAsUser:l runAsGroup:l runAsNonRoot:b \
         readOnlyRootFilesystem:b allowPrivilegeEscalation:b procMount:s seccompProfile:any appArmorProfile:any",
    ),
    ("ContainerPort", "name:s hostPort:i containerPort:i protocol:s hostIP:s"),
    ("EnvVar", "name:s value:s valueFrom:EnvVarSource"),
    (
        "EnvVarSource",
        "fieldRef:any resourceFieldRef:any configMapKeyRef:KeySelector secretKeyRef:KeySelector fileKeyRef:any",
    ),
    ("KeySelector", "name:s key:s optional:b"),
    ("EnvFromSource", "prefix:s configMapRef:OptionalReference secretRef:OptionalReference"),
    ("OptionalReference", "name:s optional:b"),
    ("ResourceRequirements", "limits:{q} requests:{q} claims:[any]@name"),
    ("VolumeMount", "name:s readOnly:b recursiveReadOnly:s mountPath:s subPath:s mountPropagation:s subPathExpr:s"),
    (
        "Probe",
        "httpGet:HTTPGetAction tcpSocket:TCPSocketAction exec:ExecAction grpc:any initialDelaySeconds:i timeoutSeconds:i periodSeconds:i \
         successThreshold:i failureThreshold:i terminationGracePeriodSeconds:l",
    ),
    ("HTTPGetAction", "path:s port:p host:s scheme:s httpHeaders:[any]"),
    (
        "Volume",
        "name:s configMap:VolumeFiles secret:VolumeFiles downwardAPI:VolumeFiles hostPath:HostPath \
         persistentVolumeClaim:ClaimSource *",
    ),
    ("ClaimSource", "claimName:s readOnly:b"),
    ("VolumeFiles", "name:s secretName:s defaultMode:i items:[any] optional:b"),
    ("HostPath", "path:s type:s"),
    ("TCPSocketAction", "port:p host:s"),
    ("ExecAction", "command:[s]"),
    ("Toleration", "key:s operator:s value:s effect:s tolerationSeconds:l"),
    ("HostAlias", "ip:s hostnames:[s]"),
    ("Deployment", "spec:DeploymentSpec status:WorkloadStatus"),
    (
        "DeploymentSpec",
        "replicas:i selector:LabelSelector template:PodTemplateSpec strategy:DeploymentStrategy minReadySeconds:i \
         revisionHistoryLimit:i paused:b progressDeadlineSeconds:i",
    ),
    ("DeploymentStrategy", "type:s rollingUpdate:RollingUpdateDeployment"),
    ("RollingUpdateDeployment", "maxUnavailable:p maxSurge:p"),
    ("WorkloadStatus", "conditions:[Condition]@type replicas:i readyReplicas:i availableReplicas:i *"),
    ("ReplicaSet", "spec:ReplicaSetSpec status:WorkloadStatus"),
    ("ReplicaSetSpec", "replicas:i minReadySeconds:i selector:LabelSelector template:PodTemplateSpec"),
    ("StatefulSet", "spec:StatefulSetSpec status:WorkloadStatus"),
    (
        "StatefulSetSpec",
        "replicas:i selector:LabelSelector template:PodTemplateSpec volumeClaimTemplates:[any] serviceName:s \
         podManagementPolicy:s updateStrategy:StatefulSetUpdateStrategy revisionHistoryLimit:i minReadySeconds:i \
         persistentVolumeClaimRetentionPolicy:ClaimRetentionPolicy ordinals:any",
    ),
    ("ClaimRetentionPolicy", "whenDeleted:s whenScaled:s"),
    ("StatefulSetUpdateStrategy", "type:s rollingUpdate:RollingUpdateStatefulSetStrategy"),
    ("RollingUpdateStatefulSetStrategy", "partition:i maxUnavailable:p"),
    ("ControllerRevision", "data:any revision:l"),
    ("Service", "spec:ServiceSpec status:ServiceStatus"),
    (
        "ServiceSpec",
        "ports:[ServicePort]@port selector:{s} clusterIP:s clusterIPs:[s] type:s externalIPs:[s] sessionAffinity:s \
         loadBalancerIP:s loadBalancerSourceRanges:[s] externalName:s externalTrafficPolicy:s healthCheckNodePort:i \
         publishNotReadyAddresses:b sessionAffinityConfig:any ipFamilies:[s] ipFamilyPolicy:s \
         allocateLoadBalancerNodePorts:b loadBalancerClass:s internalTrafficPolicy:s trafficDistribution:s",
    ),
    ("ServicePort", "name:s protocol:s appProtocol:s port:i targetPort:p nodePort:i"),
    ("ServiceStatus", "conditions:[Condition]@type loadBalancer:any"),
    ("ConfigMap", "data:{s} binaryData:{x} immutable:b"),
    ("Secret", "data:{x} stringData:{s} type:s immutable:b"),
    (
        "Event",
        "involvedObject:ObjectReference reason:s message:s source:EventSource firstTimestamp:t lastTimestamp:t count:i type:s \
         eventTime:t series:any action:s related:ObjectReference reportingComponent:s reportingInstance:s",
    ),
    ("EventSource", "component:s host:s"),
    ("Node", "spec:NodeSpec status:NodeStatus"),
    ("NodeSpec", "podCIDR:s podCIDRs:[s]+ providerID:s unschedulable:b taints:[Taint] configSource:any externalID:s"),
    ("Taint", "key:s value:s effect:s timeAdded:t"),
    ("NodeStatus", "capacity:{q} allocatable:{q} conditions:[Condition]@type addresses:[any]@type *"),
    ("Namespace", "spec:NamespaceSpec status:NamespaceStatus"),
    ("NamespaceSpec", "finalizers:[s]"),
    ("NamespaceStatus", "phase:s conditions:[Condition]@type"),
    (
        "ServiceAccount",
        "secrets:[ObjectReference]@name imagePullSecrets:[LocalObjectReference]@name automountServiceAccountToken:b",
    ),
    ("Endpoints", "subsets:[any]"),
    ("EndpointSlice", "addressType:s endpoints:[any] ports:[any]"),
    ("HorizontalPodAutoscaler", "spec:HorizontalPodAutoscalerSpec status:HorizontalPodAutoscalerStatus"),
    (
        "HorizontalPodAutoscalerSpec",
        "scaleTargetRef:CrossVersionObjectReference minReplicas:i maxReplicas:i metrics:[any] behavior:ScalingBehavior",
    ),
    ("ScalingBehavior", "scaleUp:ScalingRules scaleDown:ScalingRules"),
    ("ScalingRules", "stabilizationWindowSeconds:i selectPolicy:s policies:[any] tolerance:q"),
    ("CrossVersionObjectReference", "kind:s name:s apiVersion:s"),
    ("HorizontalPodAutoscalerStatus", "conditions:[Condition]@type *"),
    ("Role", "rules:[PolicyRule]"),
    ("ClusterRole", "rules:[PolicyRule] aggregationRule:any"),
    ("PolicyRule", "verbs:[s] apiGroups:[s] resources:[s] resourceNames:[s] nonResourceURLs:[s]"),
    ("RoleBinding", "subjects:[Subject] roleRef:RoleRef"),
    ("ClusterRoleBinding", "subjects:[Subject] roleRef:RoleRef"),
    ("Subject", "kind:s apiGroup:s name:s namespace:s"),
    ("RoleRef", "apiGroup:s kind:s name:s"),
    ("Lease", "spec:LeaseSpec"),
    ("LeaseSpec", "*"),
    ("Scale", "spec:ScaleSpec status:ScaleStatus"),
    ("ScaleSpec", "replicas:i"),
    ("ScaleStatus", "replicas:i selector:s"),
    ("SelfSubjectAccessReview", "spec:AccessReviewSpec status:any"),
    ("SubjectAccessReview", "spec:AccessReviewSpec status:any"),
    (
        "AccessReviewSpec",
        "resourceAttributes:ResourceAttributes nonResourceAttributes:PathAttributes user:s groups:[s] uid:s extra:any",
    ),
    (
        "ResourceAttributes",
        "namespace:s verb:s group:s version:s resource:s subresource:s name:s fieldSelector:any labelSelector:any",
    ),
    ("PathAttributes", "path:s verb:s"),
    ("SelfSubjectRulesReview", "spec:RulesReviewSpec status:any"),
    ("RulesReviewSpec", "namespace:s"),
    (
        "DeleteOptions",
        "gracePeriodSeconds:l preconditions:Preconditions orphanDependents:b propagationPolicy:s dryRun:[s] *",
    ),
    ("Preconditions", "uid:s resourceVersion:s"),
];

static TYPES: LazyLock<HashMap<&'static str, Fields>> =
    LazyLock::new(|| TABLE.iter().chain(super::more_types::TABLE).map(|(name, row)| (*name, fields(row))).collect());

fn fields(row: &'static str) -> Fields {
    let mut found = Fields::default();
    for word in row.split_whitespace() {
        match word.split_once(':') {
            Some((field, shape)) => {
                found.named.insert(field, parse(shape));
            }
            None => found.open = true,
        }
    }
    found
}

fn parse(text: &'static str) -> Shape {
    if let Some(inner) = text.strip_prefix('{') {
        return Shape::Map(Box::new(parse(inner.trim_end_matches('}'))));
    }
    if let Some(inner) = text.strip_prefix('[') {
        let (of, suffix) = inner.split_once(']').unwrap_or((inner, ""));
        let merge = match suffix.strip_prefix('@') {
            Some(key) => Merge::ByKey(key),
            None if suffix == "+" => Merge::Set,
            None => Merge::Atomic,
        };
        return Shape::List { of: Box::new(parse(of)), merge };
    }
    match text {
        "s" => Shape::Text,
        "i" => Shape::Int32,
        "l" => Shape::Int64,
        "b" => Shape::Bool,
        "q" => Shape::Quantity,
        "p" => Shape::IntOrString,
        "t" => Shape::Time,
        "x" => Shape::Bytes,
        "any" => Shape::Any,
        name => Shape::Struct(name),
    }
}

/// Returns the fields of a row.
pub(super) fn row(name: &str) -> Option<&'static Fields> {
    TYPES.get(name)
}

/// An object of a custom kind: each field may be one again.
pub(crate) const OPEN: Shape = Shape::Struct("Open");

/// Returns the shape of a kind's objects.
pub(crate) fn root_type(kind: &str) -> Shape {
    TYPES.get_key_value(kind).map_or(OPEN, |(name, _)| Shape::Struct(name))
}

/// Returns the shape of the field `name` inside a value of this shape; every object's `metadata` is known.
pub(crate) fn field_shape(shape: &Shape, name: &str) -> Shape {
    match shape {
        Shape::Map(of) => Shape::clone(of),
        Shape::Struct(_) if name == "metadata" => Shape::Struct("ObjectMeta"),
        open if *open == OPEN => OPEN,
        Shape::Struct(of) => row(of).and_then(|fields| fields.named.get(name)).cloned().unwrap_or(Shape::Any),
        _ => Shape::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::RESOURCES;

    #[test]
    fn every_named_struct_has_a_row() {
        fn check(shape: &Shape) {
            match shape {
                Shape::Struct(name) => assert!(row(name).is_some(), "{name}"),
                Shape::Map(of) | Shape::List { of, .. } => check(of),
                _ => {}
            }
        }
        for (_, row) in TABLE.iter().chain(super::super::more_types::TABLE) {
            fields(row).named.values().for_each(check);
        }
    }

    #[test]
    fn every_served_kind_has_a_row() {
        for resource in RESOURCES.iter() {
            assert!(row(resource.kind.kind).is_some(), "{}", resource.kind.kind);
        }
    }

    #[test]
    fn containers_merge_by_name() {
        let spec = Shape::Struct("PodSpec");
        let Shape::List { merge, .. } = field_shape(&spec, "containers") else { panic!("a list") };
        assert_eq!(merge, Merge::ByKey("name"));
    }
}
