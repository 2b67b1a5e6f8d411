//! The rows of the types table for storage, batch, policy, quotas and networks; the notation is that of
//! `types`.

pub(super) const TABLE: &[(&str, &str)] = &[
    ("PersistentVolumeClaim", "spec:ClaimSpec status:ClaimStatus"),
    (
        "ClaimSpec",
        "accessModes:[s] selector:LabelSelector resources:VolumeResources volumeName:s storageClassName:s \
         volumeMode:s dataSource:any dataSourceRef:any volumeAttributesClassName:s",
    ),
    ("VolumeResources", "limits:{q} requests:{q}"),
    ("ClaimStatus", "phase:s accessModes:[s] capacity:{q} conditions:[Condition]@type *"),
    ("PersistentVolume", "spec:VolumeSpec status:VolumeStatus"),
    (
        "VolumeSpec",
        "capacity:{q} accessModes:[s] claimRef:ObjectReference persistentVolumeReclaimPolicy:s storageClassName:s \
         mountOptions:[s] volumeMode:s nodeAffinity:any volumeAttributesClassName:s hostPath:HostPath *",
    ),
    ("VolumeStatus", "phase:s message:s reason:s lastPhaseTransitionTime:t"),
    (
        "StorageClass",
        "provisioner:s parameters:{s} reclaimPolicy:s mountOptions:[s] allowVolumeExpansion:b volumeBindingMode:s \
         allowedTopologies:[any]",
    ),
    ("DaemonSet", "spec:DaemonSetSpec status:DaemonSetStatus"),
    (
        "DaemonSetSpec",
        "selector:LabelSelector template:PodTemplateSpec updateStrategy:DaemonSetUpdateStrategy minReadySeconds:i \
         revisionHistoryLimit:i",
    ),
    ("DaemonSetUpdateStrategy", "type:s rollingUpdate:RollingUpdateDeployment"),
    ("DaemonSetStatus", "conditions:[Condition]@type *"),
    ("Job", "spec:JobSpec status:JobStatus"),
    (
        "JobSpec",
        "parallelism:i completions:i activeDeadlineSeconds:l podFailurePolicy:any successPolicy:any backoffLimit:i \
         backoffLimitPerIndex:i maxFailedIndexes:i selector:LabelSelector manualSelector:b template:PodTemplateSpec \
         ttlSecondsAfterFinished:i completionMode:s suspend:b podReplacementPolicy:s managedBy:s scheduling:any",
    ),
    ("JobStatus", "conditions:[Condition]@type *"),
    ("CronJob", "spec:CronJobSpec status:CronJobStatus"),
    (
        "CronJobSpec",
        "schedule:s timeZone:s startingDeadlineSeconds:l concurrencyPolicy:s suspend:b jobTemplate:JobTemplateSpec \
         successfulJobsHistoryLimit:i failedJobsHistoryLimit:i",
    ),
    ("JobTemplateSpec", "metadata:ObjectMeta spec:JobSpec"),
    ("CronJobStatus", "active:[ObjectReference] lastScheduleTime:t lastSuccessfulTime:t"),
    ("PodDisruptionBudget", "spec:DisruptionSpec status:DisruptionStatus"),
    ("DisruptionSpec", "minAvailable:p maxUnavailable:p selector:LabelSelector unhealthyPodEvictionPolicy:s"),
    (
        "DisruptionStatus",
        "observedGeneration:l disruptedPods:{t} disruptionsAllowed:i currentHealthy:i desiredHealthy:i expectedPods:i \
         conditions:[Condition]@type",
    ),
    ("Eviction", "deleteOptions:DeleteOptions"),
    ("ResourceQuota", "spec:QuotaSpec status:QuotaStatus"),
    ("QuotaSpec", "hard:{q} scopes:[s] scopeSelector:any"),
    ("QuotaStatus", "hard:{q} used:{q}"),
    ("LimitRange", "spec:LimitRangeSpec"),
    ("LimitRangeSpec", "limits:[LimitRangeItem]"),
    ("LimitRangeItem", "type:s max:{q} min:{q} default:{q} defaultRequest:{q} maxLimitRequestRatio:{q}"),
    ("Ingress", "spec:IngressSpec status:IngressStatus"),
    ("IngressSpec", "ingressClassName:s defaultBackend:IngressBackend tls:[IngressTLS] rules:[IngressRule]"),
    ("IngressBackend", "service:IngressServiceBackend resource:any"),
    ("IngressServiceBackend", "name:s port:ServiceBackendPort"),
    ("ServiceBackendPort", "name:s number:i"),
    ("IngressTLS", "hosts:[s] secretName:s"),
    ("IngressRule", "host:s http:HTTPIngressRuleValue"),
    ("HTTPIngressRuleValue", "paths:[HTTPIngressPath]"),
    ("HTTPIngressPath", "path:s pathType:s backend:IngressBackend"),
    ("IngressStatus", "loadBalancer:IngressLoadBalancer"),
    ("IngressLoadBalancer", "ingress:[any]"),
    ("IngressClass", "spec:IngressClassSpec"),
    ("IngressClassSpec", "controller:s parameters:IngressClassParameters"),
    ("IngressClassParameters", "apiGroup:s kind:s name:s scope:s namespace:s"),
    ("NetworkPolicy", "spec:NetworkPolicySpec"),
    ("NetworkPolicySpec", "podSelector:LabelSelector ingress:[PolicyIngress] egress:[PolicyEgress] policyTypes:[s]"),
    ("PolicyIngress", "ports:[PolicyPort] from:[PolicyPeer]"),
    ("PolicyEgress", "ports:[PolicyPort] to:[PolicyPeer]"),
    ("PolicyPort", "protocol:s port:p endPort:i"),
    ("PolicyPeer", "podSelector:LabelSelector namespaceSelector:LabelSelector ipBlock:IPBlock"),
    ("IPBlock", "cidr:s except:[s]"),
    ("CustomResourceDefinition", "spec:DefinitionSpec status:any"),
    (
        "DefinitionSpec",
        "group:s scope:s names:DefinitionNames versions:[any] conversion:DefinitionConversion preserveUnknownFields:b",
    ),
    ("DefinitionNames", "plural:s singular:s shortNames:[s] kind:s listKind:s categories:[s]"),
    ("DefinitionConversion", "strategy:s webhook:any"),
    ("PriorityClass", "value:i globalDefault:b description:s preemptionPolicy:s"),
];
