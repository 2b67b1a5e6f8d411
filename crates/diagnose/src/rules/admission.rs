//! Admission webhooks that cannot answer (120): with failure policy Fail they stop what they are asked about.

use crate::claim::Claim;
use crate::finding::{Evidence, Severity};
use crate::kind::{Kind, ObjectRef};
use crate::reach::{behind, is_ready};
use crate::remedy::Remedy;
use crate::shape::{Webhook, Webhooks};
use crate::snapshot::{Found, Snapshot};

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    let objects = snapshot.objects();
    let all = [
        (Kind::ValidatingWebhookConfiguration, &objects.validating_webhooks),
        (Kind::MutatingWebhookConfiguration, &objects.mutating_webhooks),
    ];
    for (kind, list) in all {
        for configuration in list {
            let object = Snapshot::reference(kind, &configuration.metadata);
            claims.extend(dead(snapshot, configuration, &object));
        }
    }
}

fn dead(snapshot: &Snapshot, configuration: &Webhooks, object: &ObjectRef) -> Option<Claim> {
    configuration
        .webhooks
        .iter()
        .enumerate()
        .filter(|(_, webhook)| webhook.failure_policy == "Fail")
        .find_map(|(at, webhook)| claim(snapshot, object, at, webhook))
}

fn claim(snapshot: &Snapshot, object: &ObjectRef, at: usize, webhook: &Webhook) -> Option<Claim> {
    let name = webhook.client_config.service.as_ref()?;
    let service = snapshot.named(Kind::Service, &name.namespace, &name.name);
    let begin = |why: String| {
        let text =
            format!("the admission webhook {} cannot answer: {why}; what it is asked about is refused", webhook.name);
        Claim::new(120, object.clone(), text)
            .severity(Severity::Critical)
            .saw(object, format!("webhooks[{at}].failurePolicy"), &webhook.failure_policy)
            .because([service.clone()])
            .remedy(Remedy::manual(
                "bring back the webhook's service, or remove its configuration if it is gone for good",
            ))
    };
    match snapshot.find(Kind::Service, &name.namespace, &name.name) {
        Found::Missing => Some(
            begin(format!("its service {}/{} does not exist", name.namespace, name.name))
                .evidence([Evidence::absent(&service)]),
        ),
        Found::Here(found) => {
            let found = snapshot.objects().services.get(found.at as usize)?;
            let behind = behind(snapshot, found);
            let lacks = !found.spec.selector.is_empty()
                && snapshot.covers(Kind::Pod, &name.namespace)
                && !behind.pods.iter().any(|pod| is_ready(pod));
            lacks.then(|| begin(format!("its service {}/{} has no ready endpoint", name.namespace, name.name)))
        }
        Found::Unknown => None,
    }
}
