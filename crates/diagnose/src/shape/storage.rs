//! Claims, volumes and classes of storage.

use super::{Condition, Meta, Resources, TargetRef, Texts};

projections! {
    /// A PersistentVolumeClaim.
    pub struct Claim {
        metadata: Meta,
        spec: ClaimSpec,
        status: ClaimStatus,
    }

    /// `spec` of a claim.
    pub struct ClaimSpec {
        access_modes: Vec<String>,
        storage_class_name: Option<String>,
        volume_name: String,
        volume_mode: String,
        resources: Resources,
        selector: serde_json::Value,
    }

    /// `status` of a claim.
    pub struct ClaimStatus {
        phase: String,
        capacity: Texts,
        conditions: Vec<Condition>,
    }

    /// A PersistentVolume.
    pub struct PersistentVolume {
        metadata: Meta,
        spec: PersistentVolumeSpec,
        status: PersistentVolumeStatus,
    }

    /// `spec` of a volume.
    pub struct PersistentVolumeSpec {
        access_modes: Vec<String>,
        capacity: Texts,
        storage_class_name: String,
        volume_mode: String,
        persistent_volume_reclaim_policy: String,
        claim_ref: TargetRef,
    }

    /// `status` of a volume.
    pub struct PersistentVolumeStatus {
        phase: String,
    }

    /// A StorageClass.
    pub struct StorageClass {
        metadata: Meta,
        provisioner: String,
        volume_binding_mode: String,
        allow_volume_expansion: bool,
    }
}
