//! Risk follows from what changes, not from the way it is asked for.

use serde_json::{Value, json};
use todo_agent_core::{Effect, Op, PatchStyle, Payload, Risk};

use crate::support::Stage;

/// Every way there is to set a replica count.
fn ways(replicas: u32) -> Vec<Op> {
    let merge: Value = json!({"spec": {"replicas": replicas}});
    let operations = json!([{"op": "replace", "path": "/spec/replicas", "value": replicas}]);
    vec![
        Op::Scale { replicas },
        Op::Patch { style: PatchStyle::Merge, body: Payload::new(merge.clone()) },
        Op::Patch { style: PatchStyle::Strategic, body: Payload::new(merge) },
        Op::Patch { style: PatchStyle::Json, body: Payload::new(operations) },
    ]
}

#[tokio::test]
async fn the_same_change_has_the_same_risk_whatever_way_it_takes() {
    let stage = Stage::new("todo");
    for (replicas, expected) in [(0, Risk::High), (1, Risk::Medium), (3, Risk::Low), (9, Risk::Low)] {
        let mut diffs = Vec::new();
        for op in ways(replicas) {
            let mut change = stage.scale(replicas);
            change.phases[0].effects = vec![Effect::Object { target: stage.backend(), op }];
            let preview = stage.preview(change).await;
            let step = &preview.view().steps[0];
            assert_eq!(step.risk, expected, "{replicas} by {}", step.verb);
            diffs.push(step.diff.clone());
        }
        assert!(diffs.windows(2).all(|pair| pair[0] == pair[1]), "{diffs:?}");
    }
}
