//! Every operation of the description, called by nobody and with nonsense: refused, never broken.

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Caller, City};

/// Stands in for every parameter of a path.
const STRANGE: &[&str] = &["x", "7", "%00", "..%2F..%2Fetc", "%F0%9F%8F%A0", "a%20b", "'%20OR%201=1--"];
const BODIES: &[&str] = &["{}", "[]", "null", "\"x\"", "1e400", "{\"a\":{\"b\":[1,2,3]}}"];

/// Method, path and whether anybody may call it.
fn operations(city: &City) -> Vec<(Method, String, bool)> {
    let described = city.anonymous("tax").get("/openapi.json").ok();
    let mut all = Vec::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if let Ok(method) = method.to_uppercase().parse::<Method>() {
                let public = operation["security"].as_array().is_some_and(Vec::is_empty)
                    || operation["security"] == serde_json::json!([{}]);
                all.push((method, path.clone(), public));
            }
        }
    }
    assert!(all.len() > 35, "{} operations", all.len());
    all
}

/// The path with its parameters filled in.
fn filled(path: &str, with: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { with } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn no_operation_answers_nobody_and_none_breaks_over_nonsense() {
    let city = City::shared();
    let nobody = city.anonymous("tax");
    let callers: [Caller; 2] = [city.person("tax", "reviewer1"), city.system("tax")];
    for (method, path, public) in operations(city) {
        if !public && path.starts_with("/api/") {
            let refused = nobody.send(method.clone(), &filled(&path, "x"), |request| request);
            assert!([400, 401].contains(&refused.status), "{refused}");
            refused.check_problem();
        }
        if method == Method::DELETE {
            continue;
        }
        for (at, strange) in STRANGE.iter().enumerate() {
            let caller = &callers[at % callers.len()];
            let url = filled(&path, strange);
            let answer = if method == Method::POST {
                let body = BODIES[at % BODIES.len()];
                caller.post_raw(&url, "application/json", body)
            } else {
                caller.get(&url)
            };
            assert!(answer.status < 500, "{answer}");
            if answer.status >= 400 {
                assert_ne!(answer.body, Value::Null, "{answer}");
                answer.check_problem();
            }
            if !path.contains('{') && method == Method::GET {
                break;
            }
        }
    }
}
