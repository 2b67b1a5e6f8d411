//! Disruption budgets that never allow a disruption (106): a drain of the node would wait for ever. One whose
//! pods are just not healthy follows from their trouble.

use std::collections::HashMap;

use todo_agent_kube_rules::selectors::LabelSelector;

use crate::claim::Claim;
use crate::finding::Severity;
use crate::kind::{Kind, ObjectRef};
use crate::remedy::Remedy;
use crate::shape::{Budget, IntOrText};
use crate::snapshot::Snapshot;

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    let mut owner: HashMap<&str, &Budget> = HashMap::new();
    for budget in &snapshot.objects().budgets {
        let object = Snapshot::reference(Kind::PodDisruptionBudget, &budget.metadata);
        let Ok(selector) = LabelSelector::from_object(&budget.spec.selector) else { continue };
        let pods = snapshot.pods_selected(&object.namespace, &selector);
        claims.extend(never(budget, &object));
        if budget.status.current_healthy < budget.status.desired_healthy {
            let refs: Vec<ObjectRef> = pods.iter().map(|pod| Snapshot::reference(Kind::Pod, &pod.metadata)).collect();
            let text = format!("{} allows no disruption while its pods are not healthy", object.short());
            claims.push(Claim::new(106, object.clone(), text).detail("unhealthy").because(refs).only_as_symptom());
        }
        let twice = pods.iter().find_map(|pod| {
            owner.insert(&pod.metadata.uid, budget).filter(|other| other.metadata.uid != budget.metadata.uid)
        });
        if let Some(other) = twice {
            let text =
                format!("{} and {} select the same pods: evictions of them fail", object.short(), other.metadata.name);
            claims.push(
                Claim::new(106, object.clone(), text)
                    .detail("twice")
                    .remedy(Remedy::manual("leave one budget for each pod")),
            );
        }
    }
}

fn never(budget: &Budget, object: &ObjectRef) -> Option<Claim> {
    let (spec, status) = (&budget.spec, &budget.status);
    if status.expected_pods == 0 || status.disruptions_allowed > 0 {
        return None;
    }
    let (path, value) = match (&spec.min_available, &spec.max_unavailable) {
        (Some(IntOrText::Number(number)), _) if *number >= status.expected_pods => {
            ("spec.minAvailable", number.to_string())
        }
        (Some(IntOrText::Text(text)), _) if text == "100%" => ("spec.minAvailable", text.clone()),
        (_, Some(IntOrText::Number(0))) => ("spec.maxUnavailable", "0".to_owned()),
        (_, Some(IntOrText::Text(text))) if text == "0%" => ("spec.maxUnavailable", text.clone()),
        _ => return None,
    };
    let pods = match status.expected_pods {
        1 => "its only pod: draining the node of it".to_owned(),
        pods => format!("its {pods} pods: draining their node"),
    };
    let text = format!("{} never allows a disruption of {pods} waits for ever", object.short());
    let claim = Claim::new(106, object.clone(), text).severity(Severity::Warning).saw(object, path, value);
    let claim = claim.saw(object, "status.disruptionsAllowed", status.disruptions_allowed);
    Some(claim.remedy(Remedy::manual("run one replica more than minAvailable, or set maxUnavailable to 1")))
}
