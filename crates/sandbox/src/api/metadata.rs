//! Answers in the form that was asked for: the object as it is, its metadata alone, or a row of a table.

use serde_json::{Value, json};

use super::form::Form;
use super::status::ApiError;
use crate::authors;

/// Returns one object in the wanted form.
pub(crate) fn object_as(object: &Value, form: Form) -> Result<Value, ApiError> {
    let object = authors::unfolded(object);
    match form {
        Form::Full => Ok(object.into_owned()),
        Form::Metadata => Ok(partial(&object)),
        Form::Table(table) => Ok(table.of_object(&object)),
        Form::MetadataList => {
            let kind = object["kind"].as_str().unwrap_or_default();
            Err(ApiError::not_acceptable(format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*v1.{kind})"
            )))
        }
    }
}

/// Returns a list in the wanted form.
pub(crate) fn list_as(list: Value, form: Form) -> Result<Value, ApiError> {
    match form {
        Form::Full => Ok(list),
        Form::Table(table) => Ok(table.of_list(&list)),
        Form::MetadataList => {
            let items: Vec<Value> = list["items"].as_array().into_iter().flatten().map(partial).collect();
            Ok(json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": list["metadata"], "items": items
            }))
        }
        Form::Metadata => Err(ApiError::not_acceptable(format!(
            "you requested PartialObjectMetadata, but the requested object is a list (*v1.{})",
            list["kind"].as_str().unwrap_or_default()
        ))),
    }
}

/// Returns the unfolded object of a watch event in the wanted form; a watch asks for single objects, but clients
/// that also list may name the list's form.
pub(crate) fn watched_as(object: &Value, form: Form) -> Value {
    match form {
        Form::Full => object.clone(),
        Form::Metadata | Form::MetadataList => partial(object),
        Form::Table(table) => table.of_object(object),
    }
}

fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}
