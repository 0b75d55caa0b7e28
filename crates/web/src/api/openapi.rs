//! The API as OpenAPI 3.1, from the list of doors.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{method, says, who};
use crate::AppState;
use crate::door::{Door, Gives, May, Sends};
use crate::i18n::Tr;
use crate::idempotency::KEY_MAX;
use crate::schema::nouns;

/// The whole description.
#[must_use]
pub fn document(app: &AppState, t: &Tr) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for door in crate::doors().list(app.is_sandbox()).filter(|door| door.is_api()) {
        let path = paths.entry(door.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(method(door).to_ascii_lowercase(), operation(t, door));
        }
    }
    let cookie = crate::auth::session_cookie_name(app);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": app.site().name,
            "version": "1",
            "summary": t.s("api-summary"),
            "description": t.s("api-intro"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": app.settings.url }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": t.s("api-key-why") },
                "session": { "type": "apiKey", "in": "cookie", "name": cookie },
                "webhook": { "type": "apiKey", "in": "header", "name": "webhook-signature" },
            },
            "responses": { "Problem": {
                "description": t.s("api-problem"),
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            } },
        },
    })
}

/// The nouns by name.
#[must_use]
pub fn schemas() -> Value {
    Value::Object(nouns().into_iter().map(|(name, noun)| (name.to_owned(), noun.into_value())).collect())
}

fn operation(t: &Tr, door: &Door) -> Value {
    let mut parameters: Vec<Value> = in_path(door.path).map(path_parameter).collect();
    parameters.extend(door.query.iter().map(|name| query_parameter(t, name)));
    let writes = door.method != Method::GET && door.may != May::PaymentFirm;
    if writes {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "description": t.s("api-idempotency-short"),
            "schema": { "type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": "^[!#-\\[\\]-~]+$" },
        }));
    }
    let mut operation = json!({
        "operationId": door.name(),
        "tags": [door.noun()],
        "summary": says(t, door),
        "description": who(t, door),
        "security": security(door.may),
        "parameters": parameters,
        "responses": responses(t, door),
    });
    if let (Some(body), Some(fields)) = (request_body(door), operation.as_object_mut()) {
        fields.insert("requestBody".to_owned(), body);
    }
    operation
}

fn in_path(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
}

fn query_parameter(t: &Tr, name: &str) -> Value {
    let schema = match name {
        // Fewer than one or more than a list gives at once is understood as one, or as that many.
        "limit" => json!({ "type": "integer", "format": "int64" }),
        "dry_run" => json!({ "type": "boolean" }),
        _ => json!({ "type": "string" }),
    };
    let mut parameter = json!({ "name": name, "in": "query", "schema": schema });
    if let (true, Some(fields)) = (matches!(name, "after" | "limit"), parameter.as_object_mut()) {
        fields.insert("description".to_owned(), json!(t.by("api-query", name)));
    }
    parameter
}

fn security(may: May) -> Value {
    match may {
        May::Anyone => json!([]),
        May::PaymentFirm => json!([{ "webhook": [] }]),
        _ => json!([{ "key": [] }, { "session": [] }]),
    }
}

fn request_body(door: &Door) -> Option<Value> {
    let content = match door.sends {
        Sends::Nothing | Sends::Form(_) | Sends::File(_) => return None,
        Sends::Bytes(media_type) => json!({ media_type: { "schema": { "type": "string", "format": "binary" } } }),
        Sends::Json(sample) => {
            let shape = door.takes.map_or_else(|| json!({}), |shape| shape().into_value());
            let sample: Value = serde_json::from_str(sample).unwrap_or_default();
            json!({ "application/json": { "schema": shape, "example": sample } })
        }
    };
    Some(json!({ "required": true, "content": content }))
}

fn responses(t: &Tr, door: &Door) -> Value {
    let well = t.s("api-well");
    let mut responses = match door.gives {
        Gives::Json(status, shape) => {
            json!({ status.to_string(): { "description": well, "content": { "application/json": { "schema": shape().into_value() } } } })
        }
        Gives::File(media_type) => {
            let content = json!({ media_type: { "schema": { "type": "string", "format": "binary" } } });
            json!({ "200": { "description": well, "content": content } })
        }
        Gives::Nothing(status) => json!({ status.to_string(): { "description": well } }),
        Gives::Page => json!({}),
    };
    if let Some(fields) = responses.as_object_mut() {
        for status in door.also {
            fields.insert(status.to_string(), json!({ "description": t.s("api-also") }));
        }
        fields.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    responses
}
