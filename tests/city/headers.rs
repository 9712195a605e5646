//! What every answer tells a browser not to do: pages, API, files, streams, and whatever goes wrong.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::{Answer, Caller, City};
use crate::sign_in::Guest;

/// A header, and what it must hold.
const EVERYWHERE: &[(&str, &str)] = &[
    ("content-security-policy", "default-src 'self'; script-src 'self';"),
    ("content-security-policy", "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=()"),
    ("permissions-policy", "microphone=()"),
];

#[track_caller]
fn check(answer: &Answer) {
    for (name, part) in EVERYWHERE {
        assert!(answer.header(name).is_some_and(|value| value.contains(part)), "{name} of {answer}");
    }
    let policy = answer.header("content-security-policy").unwrap();
    // The page to try calls styles itself while it runs; nothing of this node is shown on it.
    assert!(!policy.contains("unsafe-inline") || answer.what.contains("/docs"), "{answer}");
    assert!(!policy.contains("unsafe-eval") && !policy.contains('*') && !policy.contains("http"), "{answer}");
    let cache = answer.header("cache-control").unwrap_or_default();
    // Assets bear their content in their address, tiles never change, and neither is about a person.
    let is_public = answer.status == 200 && ["/assets/", "/tiles/"].iter().any(|part| answer.what.contains(part));
    assert!(cache.contains("no-store") || is_public && !cache.is_empty(), "{cache} of {answer}");
    assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none(), "{answer}");
}

fn filled(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn every_answer_says_what_browsers_may_not_do() {
    let city = City::shared();
    let url = &city.node("tax").url;
    let nobody = Caller::anonymous(url).with("accept", "text/html");
    let mut admin = Guest::at(city, "tax");
    admin.sign_in("admin1", city.password("tax", "admin1"));
    let routes = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/portal/routes.rs")).unwrap();
    let mut seen = 0;
    for line in routes.lines().filter(|line| line.contains(".route(\"/")) {
        let path = line.split('"').nth(1).unwrap();
        if path == "/events" || path.starts_with("/assets") {
            continue;
        }
        if line.contains("web::post()") {
            check(&nobody.post_raw(&filled(path), "text/plain", ""));
        } else {
            check(&nobody.get(&filled(path)));
            check(&admin.open(&filled(path)));
        }
        seen += 1;
    }
    assert!(seen > 80, "{seen} routes");

    let clerk = city.person("tax", "clerk1");
    let described = clerk.get("/openapi.json");
    check(&described);
    let paths: Vec<String> = described.body["paths"].as_object().unwrap().keys().cloned().collect();
    assert!(paths.len() > 50, "{}", paths.len());
    for path in paths.iter().filter(|path| !path.ends_with("/backup")) {
        check(&nobody.get(&filled(path)));
        check(&clerk.get(&filled(path)));
    }
    let page = admin.open("/").text;
    let assets: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(assets.len() >= 5, "{assets:?}");
    assets.iter().for_each(|asset| check(&nobody.get(asset)));

    for path in
        ["/healthz", "/readyz", "/metrics", "/docs/", "/no-such-page", "/api/v1/no-such-thing", "/assets/no.css"]
    {
        check(&nobody.get(path));
    }
    check(&nobody.post("/healthz", &json!({})));
    let large = vec![b' '; 2 * 1024 * 1024];
    let refused = clerk.post_raw("grants", "application/json", large);
    assert_eq!(refused.status, 413, "{refused}");
    check(&refused);
    stream_is_guarded(url, &admin);
}

/// The stream of events has no end: its head is read by hand.
fn stream_is_guarded(url: &str, admin: &Guest) {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", admin.cookie()).unwrap();
    let (mut head, mut byte) = (String::new(), [0]);
    while !head.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(char::from(byte[0]));
    }
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
    for (name, part) in EVERYWHERE {
        assert!(
            head.lines().any(|line| line.to_lowercase().starts_with(name) && line.contains(part)),
            "{name}: {head}"
        );
    }
    assert!(head.contains("no-store"), "{head}");
}
