//! `/openapi.json`: the API described in OpenAPI 3.1, made of the very list that the server registers and of the very
//! schemas that bodies are checked against.

mod schemas;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::api::NDJSON;
use super::api::backup::TAR;
use super::api::catalog_files::XLSX;
use super::api::dcat::LD_JSON;
use super::api::operation::{Access, Operation, Schemas};
use super::api::views::certificates::VerificationAnswer;
use super::api::views::city::HealthAnswer;
use super::api::{BASE, routes};
use super::problem::PROBLEM_JSON;
use super::problem::table::KINDS;

/// The document's text.
pub static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());

const INTRODUCTION: &str = "One city's departments share data over one ledger. Each department runs a node; a system calls \
    its own department's node with the token of that node.\n\n\
    Lists answer `{items, next_cursor, ledger_index}`; pass `cursor` for the next page. Readings take `min_index` to wait \
    for one's own write, or the header `Mulu-Read: fresh` to see whatever was acknowledged at any node before. Every write answers with `transaction_id` and `ledger_index`. Every POST takes \
    `Idempotency-Key`: the same key and body again get the first answer (`Idempotent-Replayed: true`); answers of queries \
    are not kept, so a repeated query is told the `access_id` of the first (409). Errors are RFC 9457 problem details with a \
    stable `code`; `Accept-Language` chooses English or Chinese.";

/// Builds the document.
pub fn document() -> Value {
    let mut found: Schemas = Vec::new();
    let mut paths = Map::new();
    for path in routes::paths() {
        let operations = routes::of_path(path).map(|it| (it.method.to_ascii_lowercase(), operation(it, &mut found)));
        paths.insert(format!("{BASE}{path}"), Value::Object(operations.collect()));
    }
    root_paths(&mut paths, &mut found);
    let mut components = schemas::of_bodies();
    components.extend(found.into_iter().map(|(name, schema)| (name, json!(schema))));
    components.insert("Problem".to_owned(), schemas::problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mulu",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/", "description": "this node"}],
        "security": [{"token": []}, {"password": []}, {"session": []}],
        "tags": tags(),
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A system's token, or one of POST /sessions"},
                "password": {"type": "http", "scheme": "basic", "description": "User and password of an account"},
                "session": {"type": "apiKey", "in": "cookie", "name": "mulu_session",
                    "description": "The portal's session, which its pages keep as mulu_session_<department>; changes need X-CSRF-Token, which GET /sessions/current tells"},
            },
            "responses": {"Problem": {
                "description": "What went wrong and what to do",
                "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
        },
    })
}

fn operation(it: &Operation, found: &mut Schemas) -> Value {
    let mut answer = json!({"description": "Done", "headers": {"X-Request-Id": {"schema": {"type": "string"}}}});
    if let Some(schema) = it.answer {
        answer["content"] = json!({"application/json": {"schema": schema(found)}});
    }
    if it.id == "takeBackup" {
        answer["content"] = json!({TAR: {"schema": {}}});
    }
    match it.id {
        "importEntries" => answer["content"][XLSX] = json!({"schema": {}}),
        "exportEntries" => {
            let any = json!({"schema": {}});
            answer["content"] = json!({"application/json": any, XLSX: any, "text/csv": any, LD_JSON: any});
        }
        "showTemplate" => answer["content"] = json!({XLSX: {"schema": {}}}),
        _ => {}
    }
    if it.id == "showCheckpoint" {
        answer["content"]["text/plain"] = json!({"schema": {"type": "string"}});
    }
    if it.id == "query" {
        answer["content"][NDJSON] = json!({"schema": {"type": "string", "description": "one JSON object a line: page, row, and at last end or problem"}});
    }
    let mut described = json!({
        "operationId": it.id,
        "summary": it.summary,
        "tags": [tag(it.path)],
        "parameters": parameters(it),
        "responses": {it.status.to_string(): answer, "default": {"$ref": "#/components/responses/Problem"}},
    });
    if let Some(schema) = it.body {
        described["requestBody"] = body(schema, it.example.unwrap_or_default());
    }
    if let Some(what) = it.bytes {
        let content = json!({"application/octet-stream": {"schema": {}}});
        described["requestBody"] = json!({"required": true, "description": what, "content": content});
    }
    if it.access == Access::Public {
        described["security"] = json!([]);
    }
    described
}

fn body(schema: &str, example: &str) -> Value {
    let mut content = json!({"schema": {"$ref": format!("#/components/schemas/{}", schemas::body_name(schema))}});
    if let Ok(example) = serde_json::from_str::<Value>(example) {
        content["example"] = example;
    }
    let required = !matches!(schema, "empty" | "approval");
    json!({"required": required, "content": {"application/json": content}})
}

fn parameters(it: &Operation) -> Vec<Value> {
    let named = it.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> =
        named.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect();
    all.extend(it.query.map(|query| query()).unwrap_or_default().into_iter().map(|parameter| json!(parameter)));
    if it.method == "GET" && it.access != Access::Public {
        all.push(json!({"name": "Mulu-Read", "in": "header", "required": false, "schema": {"enum": ["fresh"]},
            "description": "Reflects every write that any node acknowledged before this call: a majority of voters is \
                asked, and without one the answer is no_quorum. Else the answer is this node's, as of its ledger_index"}));
    }
    if it.method == "POST" && it.access != Access::Public && it.bytes.is_none() {
        all.push(json!({"name": "Idempotency-Key", "in": "header", "required": false,
            "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
            "description": "The same key and body again get the first answer"}));
        all.push(json!({"name": "wait", "in": "query", "required": false,
            "schema": {"enum": ["committed", "projected", "anchored"]}, "description": "For what a write waits; \
                anchored adds transaction_state to its answer, which is 202 when cosignatures did not come in time"}));
    }
    all
}

/// What lies at the root.
fn root_paths(paths: &mut Map<String, Value>, found: &mut Schemas) {
    let health = Operation::get("/healthz", "health", actix_web::web::get, "").answers::<HealthAnswer>(200);
    let verify =
        Operation::get("/verify/{identifier}", "verify", actix_web::web::get, "").answers::<VerificationAnswer>(200);
    let schema_of = |operation: &Operation, found: &mut Schemas| operation.answer.map(|schema| schema(found));
    let (health, verified) = (schema_of(&health, found), schema_of(&verify, found));
    let answers = |description: &str, content_type: &str, schema: Value| json!({"description": description, "content": {content_type: {"schema": schema}}});
    let get = |id: &str, summary: &str, responses: Value| json!({"get": {"operationId": id, "summary": summary, "tags": ["node"], "security": [], "responses": responses}});
    let text = json!({"type": "string"});
    let ready = answers("Ready", "application/json", json!(health));
    let not_ready = answers("Not ready: see checks", "application/json", json!(health));
    paths.insert("/healthz".into(), get("showHealth", "Whether the process lives", json!({"200": ready})));
    paths.insert(
        "/readyz".into(),
        get("showReadiness", "Whether the node can do its work", json!({"200": ready, "503": not_ready})),
    );
    let metrics = answers("Prometheus text format", "text/plain", text);
    paths.insert("/metrics".into(), get("showMetrics", "Numbers for operators", json!({"200": metrics})));
    let own = answers("This document", "application/json", json!({"type": "object"}));
    paths.insert("/openapi.json".into(), get("showApi", "This document", json!({"200": own})));
    tile_paths(paths);
    let mut verification = answers("What anybody may know of it", "application/json", json!(verified));
    verification["content"]["text/html"] = json!({"schema": {"type": "string"}});
    let responses = json!({"200": verification, "default": {"$ref": "#/components/responses/Problem"}});
    let mut verify = get(
        "verifyCertificate",
        "Whether a certificate is in force; a page unless Accept is application/json",
        responses,
    );
    verify["get"]["parameters"] =
        json!([{"name": "identifier", "in": "path", "required": true, "schema": {"type": "string"}}]);
    paths.insert("/verify/{identifier}".into(), verify);
}

/// The ledger as tiles.
fn tile_paths(paths: &mut Map<String, Value>) {
    let get = |id: &str, summary: &str, content_type: &str| {
        let schema = if content_type == "text/plain" { json!({"type": "string"}) } else { json!({}) };
        let done = json!({"description": "Done", "content": {content_type: {"schema": schema}}});
        let responses = json!({"200": done, "default": {"$ref": "#/components/responses/Problem"}});
        json!({"get": {"operationId": id, "summary": summary, "tags": ["ledger"], "responses": responses}})
    };
    let checkpoint = get("showTilesCheckpoint", "Signed checkpoint of the ledger that the tiles hold", "text/plain");
    paths.insert("/tiles/checkpoint".into(), checkpoint);
    let summary = "A tile (C2SP tlog-tiles): tile/<L>/<N>[.p/<W>], tile/entries/<N>[.p/<W>], or times/<N>[.p/<W>]: \
        each leaf's block time, 8 bytes, milliseconds since 1970, big endian";
    let mut tile = get("showTile", summary, "application/octet-stream");
    let path = json!({"name": "tile", "in": "path", "required": true, "schema": {"type": "string"},
        "description": "The tile's path, with its slashes", "example": "tile/entries/x001/x234/067.p/8"});
    tile["get"]["parameters"] = json!([path]);
    paths.insert("/tiles/{tile}".into(), tile);
}

fn tag(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

fn tags() -> Vec<Value> {
    let names: BTreeSet<&str> = routes::paths().map(tag).chain(["node"]).collect();
    names.into_iter().map(|name| json!({"name": name})).collect()
}

/// The codes that the table lists, for the problem's schema.
fn codes() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.code).collect()
}
