//! Amounts of a resource as people write them (`1gb`, `500m`, `0.5Gi`), read as Kubernetes quantities.
//!
//! What Kubernetes reads by itself keeps its meaning. What it would refuse is read as Docker reads it and said
//! so; what it would take for something nobody means (500 bytes, 500 cores) is refused with what is meant.

use std::collections::BTreeMap;

use serde_json::Value;
use todo_agent_core::ToolError;
use todo_agent_kube_rules::quantities::Quantity;

use crate::{arguments, words};

/// Amounts by resource, as given; `null` takes one away.
pub(crate) type Amounts = BTreeMap<String, Value>;

/// Memory below this is a slip of the pen.
const LEAST_MEMORY: i64 = 1 << 20;
/// More cores than any node has.
const MOST_CORES: i64 = 256;

/// An amount as Kubernetes writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) quantity: String,
    /// How it was read, where that is not plain.
    pub(crate) note: Option<String>,
}

/// Returns the name of a resource as the API knows it.
pub(crate) fn resource(argument: &str, name: &str) -> Result<String, ToolError> {
    const KNOWN: &[&str] = &["cpu", "memory", "ephemeral-storage"];
    let lowered = name.trim().to_ascii_lowercase();
    // Devices (`nvidia.com/gpu`) and huge pages have names of their own.
    if KNOWN.contains(&lowered.as_str()) || name.contains('/') || name.starts_with("hugepages-") {
        return Ok(if name.contains('/') { name.to_owned() } else { lowered });
    }
    let error = ToolError::arguments(format!("{argument} names an unknown resource \"{}\"", words::shown(name)));
    Err(match lowered.as_str() {
        "mem" | "ram" => error.hint("did you mean memory?"),
        "cpus" | "cores" => error.hint("did you mean cpu?"),
        _ => match arguments::nearest(&lowered, KNOWN.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint("the resources are cpu, memory and ephemeral-storage"),
        },
    })
}

/// Reads an amount of a resource. `argument` names it in complaints.
pub(crate) fn read(argument: &str, resource: &str, given: &Value) -> Result<Amount, ToolError> {
    let text = match given {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        other => {
            return Err(ToolError::arguments(format!("{argument} must be an amount such as 500m or 1Gi, got {other}")));
        }
    };
    let shown = words::shown(&text);
    let (quantity, note) = match text.parse::<Quantity>() {
        Ok(quantity) => (quantity, None),
        Err(_) => loosely(resource, &text).ok_or_else(|| {
            ToolError::arguments(format!("{argument} cannot be \"{shown}\"")).hint(if resource == "cpu" {
                "give cores: 500m, 0.5 or 2"
            } else {
                "give bytes: 512Mi, 1Gi or 1.5Gi"
            })
        })?,
    };
    if quantity < Quantity::ZERO {
        return Err(ToolError::arguments(format!("{argument} cannot be negative, got {shown}")));
    }
    let is_bytes = matches!(resource, "memory" | "ephemeral-storage" | "storage");
    if is_bytes && !quantity.is_zero() && quantity.units() < LEAST_MEMORY {
        let number = text.trim_end_matches(char::is_alphabetic);
        return Err(ToolError::arguments(format!("{argument} \"{shown}\" would be {} bytes", quantity.units()))
            .hint(format!("did you mean {number}Mi?")));
    }
    if resource == "cpu" && quantity.units() > MOST_CORES {
        return Err(ToolError::arguments(format!("{argument} \"{shown}\" would be {} cores", quantity.units()))
            .hint(format!("did you mean {}m?", quantity.units())));
    }
    if resource == "cpu" && !quantity.is_zero() && quantity < Quantity::from_milli(1) {
        return Err(ToolError::arguments(format!("{argument} \"{shown}\" is less than 1m, the least there is")));
    }
    let canonical = quantity.to_string();
    let note = note.map(|how| format!("{argument} {shown} is read as {canonical}{how}"));
    Ok(Amount { quantity: canonical, note })
}

/// Reads what Kubernetes does not: units in any case, with `b`, `byte` or `core` and a space before.
fn loosely(resource: &str, text: &str) -> Option<(Quantity, Option<&'static str>)> {
    let lowered = text.to_ascii_lowercase();
    let end = lowered.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (number, unit) = lowered.split_at(end);
    let suffix = match (resource, unit.trim()) {
        ("cpu", "core" | "cores" | "cpu" | "cpus" | "vcpu" | "vcpus") => "",
        ("cpu", "m" | "mcpu" | "millicore" | "millicores" | "millicpu") => "m",
        ("cpu", _) => return None,
        (_, "k" | "kb" | "ki" | "kib") => "Ki",
        (_, "m" | "mb" | "mi" | "mib" | "megabyte" | "megabytes") => "Mi",
        (_, "g" | "gb" | "gi" | "gib" | "gig" | "gigs" | "gigabyte" | "gigabytes") => "Gi",
        (_, "t" | "tb" | "ti" | "tib" | "terabyte" | "terabytes") => "Ti",
        _ => return None,
    };
    let quantity = format!("{number}{suffix}").parse().ok()?;
    // Source: docker/go-units, RAMInBytes: the units of memory are powers of 1024.
    let decimal = resource != "cpu" && !unit.contains('i');
    Some((quantity, decimal.then_some(", in powers of 1024 as Docker reads it")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn memory(text: &str) -> String {
        match read("limits.memory", "memory", &json!(text)) {
            Ok(Amount { quantity, note: None }) => quantity,
            Ok(Amount { note: Some(note), .. }) => note,
            Err(error) => error.to_model(),
        }
    }

    #[test]
    fn what_kubernetes_reads_keeps_its_meaning() {
        for (given, quantity) in [("1Gi", "1Gi"), ("0.5Gi", "512Mi"), ("1G", "1G"), ("1024Mi", "1Gi"), ("0", "0")] {
            assert_eq!(memory(given), quantity);
        }
        assert_eq!(memory("1 gib"), "1Gi");
    }

    #[test]
    fn what_docker_reads_is_read_so_and_said() {
        assert_eq!(memory("1gb"), "limits.memory 1gb is read as 1Gi, in powers of 1024 as Docker reads it");
        assert_eq!(memory("1.5 GB"), "limits.memory 1.5 GB is read as 1536Mi, in powers of 1024 as Docker reads it");
    }

    #[test]
    fn what_nobody_means_is_refused_with_what_is_meant() {
        assert_eq!(memory("500"), "error: limits.memory \"500\" would be 500 bytes\nhint: did you mean 500Mi?");
        assert_eq!(memory("512m"), "error: limits.memory \"512m\" would be 1 bytes\nhint: did you mean 512Mi?");
        assert_eq!(memory("lots"), "error: limits.memory cannot be \"lots\"\nhint: give bytes: 512Mi, 1Gi or 1.5Gi");
        assert_eq!(memory("-1Gi"), "error: limits.memory cannot be negative, got -1Gi");
        let cpu = |given: Value| {
            read("requests.cpu", "cpu", &given).map(|amount| amount.quantity).map_err(|error| error.to_model())
        };
        assert_eq!(
            cpu(json!(500)).unwrap_err(),
            "error: requests.cpu \"500\" would be 500 cores\nhint: did you mean 500m?"
        );
        assert_eq!(cpu(json!(0.5)).unwrap(), "500m");
        assert_eq!(cpu(json!("2 cores")).unwrap(), "2");
        assert!(cpu(json!("1Gb")).is_err());
        assert!(cpu(json!([1])).is_err());
    }

    #[test]
    fn a_resource_is_one_the_cluster_knows() {
        assert_eq!(resource("limits", "Memory").unwrap(), "memory");
        assert_eq!(resource("limits", "nvidia.com/gpu").unwrap(), "nvidia.com/gpu");
        assert_eq!(resource("limits", "mem").unwrap_err().hints(), ["did you mean memory?"]);
        assert_eq!(resource("limits", "memroy").unwrap_err().hints(), ["did you mean memory?"]);
    }
}
